//! The family of transfers: all that sender and receiver of a parcel tell each other.

use mqdrop_mqtt::Time;

use crate::effects::Effects;
use crate::engine::Engine;
use crate::engine::gate::Said;
use crate::engine::room::Room;
use crate::frame_size::FrameSize;
use crate::ids::{DeviceId, ParcelId, RoomId};
use crate::message::{Body, Complete, EndReason, Ending, ParcelRef, Want};
use crate::outgoing::Outgoing;

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
        let by_token = body.receivers_token();
        match body {
            Body::Complete(complete) => self.handle_complete(sender, &complete, now),
            Body::Pause(parcel) => self.handle_sender_paused(sender, parcel, true),
            Body::Resume(parcel) => self.handle_sender_paused(sender, parcel, false),
            Body::Seen(answer) => match self.outgoing_to(sender, answer.parcel) {
                Some((outgoing, cx)) => outgoing.handle_seen(sender, counter, cx),
                None => self.answer_unknown(sender, answer.parcel),
            },
            Body::Receipt(receipt) => {
                if let Some((outgoing, cx)) = self.outgoing_to(sender, receipt.parcel) {
                    let without = receipt.without.unwrap_or_default();
                    outgoing.handle_receipt(sender, without, counter, now, cx);
                }
            }
            Body::Decline(ending) => {
                let reason = EndReason::from(&ending);
                if let Some((outgoing, cx)) = self.outgoing_to(sender, ending.parcel) {
                    outgoing.handle_end(sender, reason, true, counter, cx);
                }
            }
            Body::Cancel(ending) => self.handle_cancel(sender, &ending, counter),
            _ => {}
        }
        if let Some((parcel, token)) = by_token
            && let Some((outgoing, cx)) = self.outgoing_to(sender, parcel)
        {
            outgoing.recognise(sender, token, cx);
        }
    }

    /// A parcel of this device's, if it is for that one. Nobody else is told that there is such a parcel.
    fn outgoing_to(
        &mut self,
        receiver: DeviceId,
        parcel: ParcelId,
    ) -> Option<(&mut Outgoing, &mut Effects)> {
        let outgoing = self.parcels.outgoing.get_mut(&parcel)?;
        let is_meant = outgoing.is_for(self.peers.person(receiver));
        is_meant.then_some((outgoing, &mut self.parcels.cx))
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
        if let Some((outgoing, cx)) = self.outgoing_to(sender, ending.parcel) {
            return outgoing.handle_end(sender, reason, false, counter, cx);
        }
        let parcels = &mut self.parcels;
        if let Some(incoming) = parcels.incoming.get_mut(&ending.parcel)
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
        // As of offers: it may be of somebody who is muted.
        if self.peers.person(sender).is_none() {
            return self.ask_who_it_is(sender, now);
        }
        let name = self.peers.name(sender);
        let Some((outgoing, cx)) = self.outgoing_to(sender, want.parcel) else {
            return self.answer_unknown(sender, want.parcel);
        };
        let begins = outgoing.handle_want(sender, want, counter, now, size, cx);
        if let Some(token) = want.token {
            outgoing.recognise(sender, token, cx);
        }
        if begins {
            outgoing.begin(sender, name, cx);
        }
    }
}
