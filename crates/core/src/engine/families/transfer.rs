//! The family of transfers: all that sender and receiver of a parcel tell each other.

use mqdrop_mqtt::Time;

use crate::engine::Engine;
use crate::engine::gate::Said;
use crate::ids::{DeviceId, ParcelId};
use crate::message::{Body, Complete, EndReason, Ending, ParcelRef, Want};

impl Engine {
    /// A device says something of a parcel, its own or this device's.
    pub(super) fn handle_transfer(&mut self, said: Said, now: Time) {
        let Said {
            sender,
            counter,
            body,
            ..
        } = said;
        let by_token = body.receivers_token();
        match body {
            Body::Offer(offer) => self.handle_offer(sender, offer, now),
            Body::Complete(complete) => self.handle_complete(sender, &complete, now),
            Body::Pause(parcel) => self.handle_sender_paused(sender, parcel, true),
            Body::Resume(parcel) => self.handle_sender_paused(sender, parcel, false),
            Body::Seen(answer) => match self.outgoing.get_mut(&answer.parcel) {
                Some(outgoing) => outgoing.handle_seen(sender, counter, &mut self.cx),
                None => self.answer_unknown(sender, answer.parcel),
            },
            Body::Want(want) => self.handle_want(sender, &want, counter, now),
            Body::Receipt(receipt) => {
                if let Some(outgoing) = self.outgoing.get_mut(&receipt.parcel) {
                    let without = receipt.without.unwrap_or_default();
                    outgoing.handle_receipt(sender, without, counter, now, &mut self.cx);
                }
            }
            Body::Decline(ending) => {
                let reason = EndReason::from(&ending);
                if let Some(outgoing) = self.outgoing.get_mut(&ending.parcel) {
                    outgoing.handle_end(sender, reason, true, counter, &mut self.cx);
                }
            }
            Body::Cancel(ending) => self.handle_cancel(sender, &ending, counter),
            _ => {}
        }
        if let Some((parcel, token)) = by_token
            && let Some(outgoing) = self.outgoing.get_mut(&parcel)
        {
            outgoing.recognise(sender, token, &mut self.cx);
        }
    }

    /// Nothing is known of a parcel: it was taken off the list, and the word of it got lost.
    fn answer_unknown(&mut self, device: DeviceId, parcel: ParcelId) {
        let ending = EndReason::Unknown.ending(parcel);
        self.cx.answer(device, Body::Cancel(ending));
    }

    fn handle_complete(&mut self, sender: DeviceId, complete: &Complete, now: Time) {
        let known = self.incoming.get_mut(&complete.parcel);
        match known.filter(|incoming| incoming.sender() == sender) {
            Some(incoming) => incoming.handle_complete(complete, now, &mut self.cx),
            None => self.answer_unknown(sender, complete.parcel),
        }
    }

    fn handle_sender_paused(&mut self, sender: DeviceId, parcel: ParcelRef, paused: bool) {
        if let Some(incoming) = self.incoming.get_mut(&parcel.parcel)
            && incoming.sender() == sender
        {
            incoming.handle_sender_paused(paused, &mut self.cx);
        }
    }

    fn handle_cancel(&mut self, sender: DeviceId, ending: &Ending, counter: u64) {
        let reason = EndReason::from(ending);
        if let Some(outgoing) = self.outgoing.get_mut(&ending.parcel) {
            outgoing.handle_end(sender, reason, false, counter, &mut self.cx);
        } else if let Some(incoming) = self.incoming.get_mut(&ending.parcel)
            && incoming.sender() == sender
        {
            incoming.handle_cancel(reason, &mut self.cx);
        }
    }

    #[inline(never)]
    fn handle_want(&mut self, sender: DeviceId, want: &Want, counter: u64, now: Time) {
        let (Some(room), Some(outgoing)) = (&mut self.room, self.outgoing.get_mut(&want.parcel))
        else {
            return self.answer_unknown(sender, want.parcel);
        };
        let was_hopeless = room.frame_size.is_hopeless();
        let best = room.frame_size.best();
        let begins = outgoing.handle_want(
            sender,
            want,
            counter,
            now,
            &mut room.frame_size,
            &mut self.cx,
        );
        if let Some(token) = want.token {
            outgoing.recognise(sender, token, &mut self.cx);
        }
        if begins {
            outgoing.begin(sender, room.peers.name(sender), &mut self.cx);
        }
        self.report_lengths(was_hopeless, best);
    }
}
