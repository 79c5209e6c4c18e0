//! The family of transfers: all that sender and receiver of a parcel tell each other.

use mqdrop_mqtt::Time;

use crate::engine::Engine;
use crate::engine::gate::Said;
use crate::engine::room::Room;
use crate::frame_size::FrameSize;
use crate::ids::{DeviceId, ParcelId, RoomId};
use crate::message::{Body, Complete, EndReason, Ending, ParcelRef, Want};

impl Engine {
    /// A device says something of a parcel, its own or this device's.
    pub(super) fn handle_transfer(&mut self, room: RoomId, said: Said, now: Time) {
        let (Some(connection), Some(here)) = (&mut self.connection, self.rooms.get_mut(&room))
        else {
            return;
        };
        let size = &mut connection.frame_size;
        match said.body {
            Body::Offer(offer) => self.handle_offer(room, said.sender, offer, now),
            Body::Want(want) => {
                let (was_hopeless, best) = (size.is_hopeless(), size.best());
                here.handle_want(said.sender, &want, said.counter, now, size);
                self.tell_of_lengths(was_hopeless, best);
            }
            _ => here.handle_transfer(said, now),
        }
    }
}

impl Room {
    /// A device says something of a parcel that is known here, or was.
    fn handle_transfer(&mut self, said: Said, now: Time) {
        let Said {
            sender,
            counter,
            body,
            ..
        } = said;
        let parcels = &mut self.parcels;
        let by_token = body.receivers_token();
        match body {
            Body::Complete(complete) => self.handle_complete(sender, &complete, now),
            Body::Pause(parcel) => self.handle_sender_paused(sender, parcel, true),
            Body::Resume(parcel) => self.handle_sender_paused(sender, parcel, false),
            Body::Seen(answer) => match parcels.outgoing.get_mut(&answer.parcel) {
                Some(outgoing) => outgoing.handle_seen(sender, counter, &mut parcels.cx),
                None => self.answer_unknown(sender, answer.parcel),
            },
            Body::Receipt(receipt) => {
                if let Some(outgoing) = parcels.outgoing.get_mut(&receipt.parcel) {
                    let without = receipt.without.unwrap_or_default();
                    outgoing.handle_receipt(sender, without, counter, now, &mut parcels.cx);
                }
            }
            Body::Decline(ending) => {
                let reason = EndReason::from(&ending);
                if let Some(outgoing) = parcels.outgoing.get_mut(&ending.parcel) {
                    outgoing.handle_end(sender, reason, true, counter, &mut parcels.cx);
                }
            }
            Body::Cancel(ending) => self.handle_cancel(sender, &ending, counter),
            _ => {}
        }
        if let Some((parcel, token)) = by_token
            && let Some(outgoing) = self.parcels.outgoing.get_mut(&parcel)
        {
            outgoing.recognise(sender, token, &mut self.parcels.cx);
        }
    }

    /// Nothing is known of a parcel: it was taken off the list, and the word of it got lost.
    fn answer_unknown(&mut self, device: DeviceId, parcel: ParcelId) {
        let ending = EndReason::Unknown.ending(parcel);
        self.parcels.cx.answer(device, Body::Cancel(ending));
    }

    fn handle_complete(&mut self, sender: DeviceId, complete: &Complete, now: Time) {
        let known = self.parcels.incoming.get_mut(&complete.parcel);
        match known.filter(|incoming| incoming.sender() == sender) {
            Some(incoming) => incoming.handle_complete(complete, now, &mut self.parcels.cx),
            None => self.answer_unknown(sender, complete.parcel),
        }
    }

    fn handle_sender_paused(&mut self, sender: DeviceId, parcel: ParcelRef, paused: bool) {
        if let Some(incoming) = self.parcels.incoming.get_mut(&parcel.parcel)
            && incoming.sender() == sender
        {
            incoming.handle_sender_paused(paused, &mut self.parcels.cx);
        }
    }

    fn handle_cancel(&mut self, sender: DeviceId, ending: &Ending, counter: u64) {
        let reason = EndReason::from(ending);
        let parcels = &mut self.parcels;
        if let Some(outgoing) = parcels.outgoing.get_mut(&ending.parcel) {
            outgoing.handle_end(sender, reason, false, counter, &mut parcels.cx);
        } else if let Some(incoming) = parcels.incoming.get_mut(&ending.parcel)
            && incoming.sender() == sender
        {
            incoming.handle_cancel(reason, &mut parcels.cx);
        }
    }

    #[inline(never)]
    fn handle_want(
        &mut self,
        sender: DeviceId,
        want: &Want,
        counter: u64,
        now: Time,
        size: &mut FrameSize,
    ) {
        let parcels = &mut self.parcels;
        let Some(outgoing) = parcels.outgoing.get_mut(&want.parcel) else {
            return self.answer_unknown(sender, want.parcel);
        };
        // Nobody else is told that there is such a parcel.
        if !outgoing.is_for(self.peers.person(sender)) {
            return self.answer_unknown(sender, want.parcel);
        }
        let begins = outgoing.handle_want(sender, want, counter, now, size, &mut parcels.cx);
        if let Some(token) = want.token {
            outgoing.recognise(sender, token, &mut parcels.cx);
        }
        if begins {
            outgoing.begin(sender, self.peers.name(sender), &mut parcels.cx);
        }
    }
}
