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
mod sender;
mod state;
mod suspects;
mod telling;
mod view;

use mqdrop_mqtt::Time;

use crate::api::Event;
use crate::cause::SubscriptionTrouble;
use crate::effects::{DataTopic, Effects};
use crate::ids::DeviceId;
use crate::io::StoreRequest;
use crate::message::{Body, Complete, EndReason, Offer};
use crate::notes::Origin;

use content::Content;
use finishing::Finishing;
use receiving::Receiving;
use restoring::Restoring;
use sender::Sender;

/// The longest text, in bytes. Texts are taken without asking and kept in memory.
pub const MAX_TEXT: u64 = 1024 * 1024;
/// How often a parcel whose hashes disagree is mended before it is given up.
const MAX_REPAIRS: u32 = 3;

/// One parcel from another device.
pub(crate) struct Incoming {
    offer: Offer,
    sender: Sender,
    phase: Phase,
    /// CRC-32 of its files is wanted.
    sums: bool,
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
    Done {
        content: Box<Content>,
        /// Its sender was not there to be told.
        receipt_due: bool,
    },
    /// Not wanted.
    Declined(EndReason),
    /// Ended by the sender.
    EndedBySender(EndReason),
    /// Ended here.
    EndedHere(EndReason),
}

impl Incoming {
    /// Looks at an offer. `Err` is what to answer when it cannot be taken at all. `sums`: CRC-32 of its
    /// files is wanted.
    pub(crate) fn new(offer: Offer, origin: Origin, sums: bool) -> Result<Self, EndReason> {
        if !content::is_plausible(&offer) {
            return Err(EndReason::TooLarge);
        }
        let title = crate::names::line(&offer.title, 200);
        Ok(Self {
            sender: Sender::new(origin, offer.paused),
            offer: Offer { title, ..offer },
            phase: Phase::Offered,
            sums,
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
            self.tell_ending(cx);
            cx.event(Event::Transfer(self.parcel()));
        }
    }

    /// Ends it on both sides.
    pub(crate) fn cancel(&mut self, reason: EndReason, cx: &mut Effects) {
        if self.is_offered() {
            self.decline(cx);
        } else if self.is_under_way() {
            self.discard(Phase::EndedHere(reason), cx);
            self.tell_ending(cx);
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
            receiving.set_paused(wanted, self.offer.parcel, now, cx);
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
        // While it is opened or restored this is noted afterwards; when it is whole it is idle.
        if self.sender.offers_again(sender, offer.paused)
            && let Phase::Receiving(receiving) = &mut self.phase
        {
            // It has another clock.
            receiving.forget_order();
            self.note_accepted(cx);
        }
        let parcel = self.parcel();
        match &mut self.phase {
            Phase::Offered | Phase::Opening { .. } => {
                let seen = self.sender.reference(parcel);
                self.sender.answer(Body::Seen(seen), cx);
            }
            Phase::Receiving(receiving) => {
                receiving.unknown_to_sender = false;
                receiving.ack.now(now);
            }
            Phase::Done { receipt_due, .. } => *receipt_due = false,
            Phase::EndedBySender(_) => self.phase = Phase::Offered,
            _ => {}
        }
        self.repeat_ending(cx);
        cx.event(Event::Transfer(parcel));
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
            receiving.handle_subscribed(now);
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
        let needs_it = receiving.handle_not_subscribed(trouble, is_final, now);
        if needs_it {
            cx.event(Event::Transfer(self.offer.parcel));
        }
        needs_it
    }

    /// This device is in the room, again perhaps. Even a session that the broker says it kept may
    /// have lost its subscriptions: it may be a newer one whose CONNACK never got here.
    pub(crate) fn handle_online(&mut self, cx: &mut Effects) {
        if let Phase::Receiving(receiving) = &mut self.phase
            && !receiving.paused
        {
            receiving.subscribe(self.offer.parcel, cx);
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
        self.repeat_ending(cx);
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
            let to = self.sender.reference(self.offer.parcel);
            self.sender
                .tell(Body::Want(receiving.acknowledge(to, now)), cx);
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
            Phase::Receiving(receiving) if self.sender.is_present() => receiving.deadline(),
            Phase::Finishing(finishing) => finishing.deadline(),
            _ => None,
        }
    }

    fn begin(&mut self, paused: bool, left: bool, now: Time, cx: &mut Effects) {
        let content = Content::new(&self.offer, self.sums);
        let mut receiving = Receiving::new(&self.offer, content, paused, now);
        receiving.restored = paused && left;
        self.phase = Phase::Receiving(Box::new(receiving));
        self.note_accepted(cx);
        if !paused {
            cx.topics.push_back(DataTopic::Subscribe(self.parcel()));
        }
        cx.event(Event::Transfer(self.parcel()));
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
