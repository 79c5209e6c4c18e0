//! A parcel that is offered to this device, or being received.

mod ack;
mod blocks;
mod content;
mod finish;
mod finishing;
mod pieces;
mod receiving;
mod rehash;
mod restore;
mod restoring;
mod state;
mod suspects;
mod view;

use mqdrop_mqtt::Time;

use crate::api::Event;
use crate::cause::SubscriptionTrouble;
use crate::effects::{DataTopic, Effects};
use crate::ids::DeviceId;
use crate::io::StoreRequest;
use crate::message::{Body, Complete, EndReason, Ending, Offer, ParcelRef, Receipt};
use crate::notes::{Accepted, Note, Origin};

use content::Content;
use finishing::Finishing;
use receiving::Receiving;
use restoring::Restoring;

/// The longest text, in bytes. Texts are taken without asking and kept in memory.
pub const MAX_TEXT: u64 = 1024 * 1024;
/// How often it is noted that another device sends a parcel: senders choose how often that is.
/// A sender that offers it after a restart is known by the parcel's key all the same.
const MAX_NOTED: u32 = 100;
/// How often a parcel whose hashes disagree is mended before it is given up.
const MAX_REPAIRS: u32 = 3;

/// One parcel from another device.
pub(crate) struct Incoming {
    offer: Offer,
    origin: Origin,
    sender_present: bool,
    sender_paused: bool,
    /// How often it was noted who sends it.
    noted: u32,
    /// It is here, and its sender was not there to be told.
    receipt_due: bool,
    phase: Phase,
}

enum Phase {
    /// The user has not decided.
    Offered,
    /// Storage makes room.
    Opening {
        paused: bool,
        /// The room was left meanwhile.
        left: bool,
    },
    /// It was accepted before a restart.
    Restoring(Box<Restoring>),
    Receiving(Box<Receiving>),
    /// Whole and verified; storage gives it to the user.
    Finishing(Box<Finishing>),
    Done(Box<Content>),
    /// Not wanted.
    Declined(EndReason),
    /// Ended by the sender.
    EndedBySender(EndReason),
    /// Ended here.
    EndedHere(EndReason),
}

impl Incoming {
    /// Looks at an offer. `Err` is what to answer when it cannot be taken at all.
    pub(crate) fn new(offer: Offer, origin: Origin) -> Result<Self, EndReason> {
        if !content::is_plausible(&offer) {
            return Err(EndReason::TooLarge);
        }
        let title = crate::names::line(&offer.title, 200);
        let sender_paused = offer.paused;
        let offer = Offer { title, ..offer };
        Ok(Self {
            offer,
            origin,
            sender_present: true,
            sender_paused,
            noted: 0,
            receipt_due: false,
            phase: Phase::Offered,
        })
    }

    /// The user wants it.
    pub(crate) fn accept(&mut self, now: Time, cx: &mut Effects) {
        if !self.is_offered() {
            return;
        }
        if self.offer.text {
            self.begin(false, false, now, cx);
        } else {
            self.phase = Phase::Opening {
                paused: false,
                left: false,
            };
            cx.store.push_back(StoreRequest::Create {
                parcel: self.parcel(),
                size: self.offer.total,
            });
        }
        cx.event(Event::Transfer(self.parcel()));
    }

    /// The user does not want it.
    pub(crate) fn decline(&mut self, cx: &mut Effects) {
        if self.is_offered() {
            self.phase = Phase::Declined(EndReason::ByUser);
            let ending = self.ending(&EndReason::ByUser);
            cx.send(self.origin.sender, Body::Decline(ending));
            cx.event(Event::Transfer(self.parcel()));
        }
    }

    /// Ends it on both sides.
    pub(crate) fn cancel(&mut self, reason: EndReason, cx: &mut Effects) {
        if self.is_offered() {
            self.decline(cx);
        } else if self.is_under_way() {
            cx.send(self.origin.sender, Body::Cancel(self.ending(&reason)));
            self.discard(Phase::EndedHere(reason), cx);
        }
    }

    pub(crate) fn set_paused(&mut self, wanted: bool, now: Time, cx: &mut Effects) {
        if let Phase::Opening { paused, .. } = &mut self.phase {
            *paused = wanted;
            cx.event(Event::Transfer(self.offer.parcel));
        } else if let Phase::Finishing(finishing) = &mut self.phase {
            if !wanted && finishing.has_given_up() {
                self.finish_again(cx);
            }
        } else if let Phase::Receiving(receiving) = &mut self.phase {
            receiving.paused = wanted;
            receiving.restored = false;
            if !wanted {
                let parcel = self.offer.parcel;
                let stuck = std::mem::take(&mut receiving.stuck).pieces.into_iter();
                cx.store
                    .extend(stuck.map(|(offset, data)| StoreRequest::Write {
                        parcel,
                        offset,
                        data,
                    }));
            }
            receiving.rate.clear();
            receiving.ack.now(now);
            // Frames for others in the meantime need not come here.
            (receiving.subscribed, receiving.not_subscribed) = (false, None);
            cx.topics.push_back(if wanted {
                DataTopic::Unsubscribe(self.offer.parcel)
            } else {
                DataTopic::Subscribe(self.offer.parcel)
            });
            cx.event(Event::Transfer(self.offer.parcel));
        }
    }

    /// Everyone in the room knows the content key. Only the one who has the parcel's own key may say
    /// what the content is, and may be another device than before.
    fn is_offer_of_it(&self, offer: &Offer) -> bool {
        offer.parcel == self.offer.parcel
            && offer.parcel_key == self.offer.parcel_key
            && offer.manifest_hash == self.offer.manifest_hash
    }

    /// The same parcel was offered again: the sender does not know where this device stands, or
    /// comes back after a break.
    #[inline(never)]
    pub(crate) fn handle_offer(
        &mut self,
        offer: &Offer,
        sender: DeviceId,
        now: Time,
        cx: &mut Effects,
    ) {
        if !self.is_offer_of_it(offer) {
            return;
        }
        if sender != self.origin.sender {
            self.origin.sender = sender;
            if let Phase::Receiving(receiving) = &mut self.phase {
                // It has another clock.
                (receiving.echo, receiving.newest) = (None, None);
                receiving.pieces.take();
            }
            // While it is opened or restored this is noted afterwards; when it is whole it is idle.
            if matches!(self.phase, Phase::Receiving(_)) {
                self.note_accepted(cx);
            }
        }
        self.sender_present = true;
        self.sender_paused = offer.paused;
        let answer = self.answer();
        match &self.phase {
            Phase::Declined(reason) => cx.answer(sender, Body::Decline(self.ending(reason))),
            Phase::EndedHere(reason) => cx.answer(sender, Body::Cancel(self.ending(reason))),
            _ => {}
        }
        match &mut self.phase {
            Phase::Offered | Phase::Opening { .. } => cx.answer(sender, Body::Seen(answer)),
            Phase::Receiving(receiving) => {
                receiving.unknown_to_sender = false;
                receiving.ack.now(now);
            }
            Phase::Done(_) => {
                self.receipt_due = false;
                cx.answer(sender, Body::Receipt(self.receipt()));
            }
            Phase::EndedBySender(_) => self.phase = Phase::Offered,
            _ => {}
        }
        cx.event(Event::Transfer(answer.parcel));
    }

    /// The sender is in the room, new or again.
    pub(crate) fn handle_here(&mut self, now: Time, cx: &mut Effects) {
        self.sender_present = true;
        let answer = self.answer();
        match &mut self.phase {
            Phase::Receiving(receiving) => receiving.ack.now(now),
            // It may be over, and the word of that got lost.
            Phase::Offered => cx.answer(self.origin.sender, Body::Seen(answer)),
            _ => {}
        }
        cx.event(Event::Transfer(self.parcel()));
    }

    /// Notes whether the sender is in the room, as far as this device knows.
    pub(crate) fn set_sender_present(&mut self, present: bool) {
        self.sender_present = present;
    }

    /// The sender left the room.
    pub(crate) fn handle_gone(&mut self, cx: &mut Effects) {
        self.sender_present = false;
        cx.event(Event::Transfer(self.parcel()));
    }

    pub(crate) fn handle_sender_paused(&mut self, paused: bool, cx: &mut Effects) {
        self.sender_paused = paused;
        if let Phase::Receiving(receiving) = &mut self.phase {
            receiving.rate.clear();
        }
        cx.event(Event::Transfer(self.parcel()));
    }

    /// The sender ended it, or does not know it.
    pub(crate) fn handle_cancel(&mut self, reason: EndReason, cx: &mut Effects) {
        if let (Phase::Receiving(receiving), EndReason::Unknown) = (&mut self.phase, &reason) {
            // Keep what there is: it may be offered again.
            receiving.unknown_to_sender = true;
            cx.event(Event::Transfer(self.offer.parcel));
        } else if self.is_restoring() && reason == EndReason::Unknown {
            // As well; it says so again when it is asked.
        } else if (self.is_offered() || self.is_under_way()) && !self.is_whole() {
            self.discard(Phase::EndedBySender(reason), cx);
        }
    }

    /// The broker confirmed that data frames come here.
    pub(crate) fn handle_subscribed(&mut self, now: Time) {
        if let Phase::Receiving(receiving) = &mut self.phase {
            (receiving.subscribed, receiving.not_subscribed) = (true, None);
            receiving.ack.now(now);
        }
    }

    /// The broker does not deliver data frames here, which is `trouble`: for good, or until
    /// it has a subscription to spare. Whether the parcel still needs one.
    pub(crate) fn handle_not_subscribed(
        &mut self,
        trouble: SubscriptionTrouble,
        is_final: bool,
        now: Time,
        cx: &mut Effects,
    ) -> bool {
        let Phase::Receiving(receiving) = &mut self.phase else {
            return false;
        };
        if receiving.paused {
            return false;
        }
        receiving.paused = is_final;
        receiving.not_subscribed = Some(trouble);
        receiving.rate.clear();
        // The sender learns that it was accepted, and is to wait.
        receiving.ack.now(now);
        cx.event(Event::Transfer(self.offer.parcel));
        true
    }

    /// This device is in the room, again perhaps. Even a session that the broker says it kept may
    /// have lost its subscriptions: it may be a newer one whose CONNACK never got here.
    pub(crate) fn handle_online(&mut self, cx: &mut Effects) {
        if let Phase::Receiving(receiving) = &mut self.phase
            && !receiving.paused
        {
            (receiving.subscribed, receiving.not_subscribed) = (false, None);
            cx.topics.push_back(DataTopic::Subscribe(self.offer.parcel));
        }
    }

    /// The sender says that all is sent.
    #[inline(never)]
    pub(crate) fn handle_complete(&mut self, complete: &Complete, now: Time, cx: &mut Effects) {
        if let Phase::Receiving(receiving) = &mut self.phase {
            let left_out = complete.left_out.clone().unwrap_or_default();
            if receiving.content.leave_out(left_out) {
                receiving.complete = Some(complete.digests_hash);
            }
            return self.advance(now, cx);
        }
        match &self.phase {
            Phase::Done(_) => cx.answer(self.origin.sender, Body::Receipt(self.receipt())),
            // It ended here, and the word of it got lost.
            Phase::Declined(reason) => {
                cx.answer(self.origin.sender, Body::Decline(self.ending(reason)));
            }
            Phase::EndedHere(reason) => {
                cx.answer(self.origin.sender, Body::Cancel(self.ending(reason)));
            }
            _ => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Time, cx: &mut Effects) {
        if let Phase::Receiving(receiving) = &mut self.phase
            && receiving.rate.fade(now)
        {
            cx.event(Event::Transfer(self.offer.parcel));
        }
        if self.work_due().is_none_or(|due| due > now) {
            return;
        }
        if let Phase::Finishing(finishing) = &mut self.phase {
            finishing.ask(self.offer.parcel, cx);
        } else if let Phase::Receiving(receiving) = &mut self.phase {
            if receiving.ack.is_reminder() {
                // However long that takes, what comes then is not out of order.
                receiving.newest = None;
            }
            receiving.ack.on_sent(now);
            let want = receiving.want(self.offer.parcel, self.origin.token, now);
            cx.send(self.origin.sender, Body::Want(want));
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let fading = match &self.phase {
            Phase::Receiving(receiving) => receiving.rate.end(),
            _ => None,
        };
        self.work_due().into_iter().chain(fading).min()
    }

    /// When the sender is to be told something, or storage asked again.
    fn work_due(&self) -> Option<Time> {
        match &self.phase {
            Phase::Receiving(receiving)
                if (receiving.subscribed
                    || receiving.paused
                    || receiving.not_subscribed.is_some())
                    && self.sender_present
                    && !receiving.unknown_to_sender =>
            {
                Some(receiving.ack.deadline())
            }
            Phase::Finishing(finishing) => finishing.deadline(),
            _ => None,
        }
    }

    fn begin(&mut self, paused: bool, left: bool, now: Time, cx: &mut Effects) {
        let content = Content::new(&self.offer);
        let mut receiving = Receiving::new(&self.offer, content, paused, now);
        receiving.restored = paused && left;
        self.phase = Phase::Receiving(Box::new(receiving));
        self.note_accepted(cx);
        if !paused {
            cx.topics.push_back(DataTopic::Subscribe(self.parcel()));
        }
        cx.event(Event::Transfer(self.parcel()));
    }

    /// This parcel, to its sender.
    pub(crate) fn answer(&self) -> ParcelRef {
        ParcelRef {
            parcel: self.offer.parcel,
            token: self.origin.token,
        }
    }

    /// Tells the sender that this is here.
    pub(super) fn receipt(&self) -> Receipt {
        let without = match &self.phase {
            Phase::Done(content) => content.left_out().len(),
            _ => 0,
        };
        Receipt {
            parcel: self.offer.parcel,
            token: self.origin.token,
            without: (without > 0).then_some(without),
        }
    }

    /// How the sender is told that it ended here.
    fn ending(&self, reason: &EndReason) -> Ending {
        Ending {
            token: self.origin.token,
            ..reason.ending(self.offer.parcel)
        }
    }

    fn note_accepted(&mut self, cx: &mut Effects) {
        if self.offer.text || self.noted >= MAX_NOTED {
            return;
        }
        self.noted += 1;
        let accepted = Accepted {
            offer: self.offer.clone(),
            origin: self.origin.clone(),
        };
        cx.store.push_back(StoreRequest::Note {
            parcel: self.offer.parcel,
            note: Note::Accepted(accepted).to_bytes(),
        });
    }

    /// Ends in `phase` and frees what was held.
    fn discard(&mut self, phase: Phase, cx: &mut Effects) {
        let parcel = self.parcel();
        if self.is_under_way() && !self.offer.text {
            cx.store.push_back(StoreRequest::Discard { parcel });
        }
        if matches!(self.phase, Phase::Receiving(_)) {
            cx.topics.push_back(DataTopic::Unsubscribe(parcel));
        }
        self.phase = phase;
        cx.event(Event::Transfer(parcel));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Incoming, Phase, receiving};

    /// Storage has answered for nothing of as much as may be under way.
    pub(crate) fn fill(incoming: &mut Incoming) {
        if let Phase::Receiving(receiving) = &mut incoming.phase {
            receiving.unwritten = receiving::CREDIT;
        }
    }
}
