//! A parcel while it arrives.

use bytes::Bytes;
use mqdrop_mqtt::Time;

use super::ack::AckClock;
use super::content::Content;
use super::pieces::Pieces;
use crate::cause::SubscriptionTrouble;
use crate::effects::{DataTopic, Effects};
use crate::frame::{FrameCipher, FrameHead};
use crate::ids::ParcelId;
use crate::io::{StoreError, StoreRequest};
use crate::message::{Echo, Offer, ParcelRef, Want};
use crate::rate::RateMeter;

/// Bytes that may be under way to this device or wait for its storage.
pub(super) const CREDIT: u64 = 16 * 1024 * 1024;

pub(super) struct Receiving {
    pub(super) cipher: FrameCipher,
    pub(super) content: Content,
    /// Whether the broker has confirmed that data frames come here.
    pub(super) subscribed: bool,
    /// Why the broker does not deliver data frames here, in words.
    pub(super) not_subscribed: Option<SubscriptionTrouble>,
    pub(super) paused: bool,
    /// It was accepted before a restart, or before the room was left, and the user has not said to
    /// go on.
    pub(super) restored: bool,
    /// The sender said that it does not know the parcel; it may offer it again.
    pub(super) unknown_to_sender: bool,
    pub(super) ack: AckClock,
    /// The send time of the newest frame, and when it came.
    pub(super) echo: Option<(u64, Time)>,
    /// Where in the order of sending the newest frame or piece stands, while they come in it.
    pub(super) newest: Option<(u64, u32)>,
    /// The frame whose pieces come.
    pub(super) pieces: Pieces,
    /// The block behind the newest frame.
    pub(super) expected: u32,
    /// The frame that comes does not go on where the one before ended.
    pub(super) gap: bool,
    /// Bytes that storage has not confirmed.
    pub(super) unwritten: u64,
    /// Blocks that storage did not take; no more than are allowed to be unwritten.
    pub(super) stuck: Stuck,
    /// The digests' hash, once the sender said that all is sent.
    pub(super) complete: Option<[u8; 32]>,
    pub(super) verified: bool,
    pub(super) repairs: u32,
    /// Somebody forges frames: only those that are signed with the parcel's key are taken.
    pub(super) signed: bool,
    /// That was noted.
    pub(super) signed_noted: bool,
    pub(super) rate: RateMeter,
}

/// Content that storage gave back.
#[derive(Default)]
pub(super) struct Stuck {
    /// Where it belongs, and what it is.
    pub(super) pieces: Vec<(u64, Bytes)>,
    /// Why the last one was not taken.
    pub(super) error: Option<StoreError>,
}

impl Receiving {
    pub(super) fn new(offer: &Offer, content: Content, paused: bool, now: Time) -> Self {
        Self {
            cipher: FrameCipher::new(&offer.content_key, offer.parcel),
            content,
            subscribed: false,
            not_subscribed: None,
            paused,
            restored: false,
            unknown_to_sender: false,
            ack: AckClock::new(now),
            echo: None,
            newest: None,
            pieces: Pieces::default(),
            expected: 0,
            gap: false,
            unwritten: 0,
            stuck: Stuck::default(),
            complete: None,
            verified: false,
            repairs: 0,
            signed: false,
            signed_noted: false,
            rate: RateMeter::default(),
        }
    }

    /// The room is left: what is here stays, and nothing comes until it is entered again.
    pub(super) fn rest(&mut self) {
        self.paused = true;
        self.restored = true;
        self.subscribed = false;
        self.not_subscribed = None;
        self.unknown_to_sender = false;
        self.forget_order();
        self.rate.clear();
    }

    /// Stops or goes on. Frames for others in the meantime need not come here.
    pub(super) fn set_paused(
        &mut self,
        paused: bool,
        parcel: ParcelId,
        now: Time,
        cx: &mut Effects,
    ) {
        self.paused = paused;
        self.restored = false;
        self.rate.clear();
        self.ack.now(now);
        if paused {
            (self.subscribed, self.not_subscribed) = (false, None);
            cx.topics.push_back(DataTopic::Unsubscribe(parcel));
            return;
        }
        let stuck = std::mem::take(&mut self.stuck).pieces.into_iter();
        cx.store
            .extend(stuck.map(|(offset, data)| StoreRequest::Write {
                parcel,
                offset,
                data,
            }));
        self.subscribe(parcel, cx);
    }

    /// Has the broker asked for data frames, anew perhaps.
    pub(super) fn subscribe(&mut self, parcel: ParcelId, cx: &mut Effects) {
        (self.subscribed, self.not_subscribed) = (false, None);
        cx.topics.push_back(DataTopic::Subscribe(parcel));
    }

    /// The broker confirmed that data frames come here.
    pub(super) fn handle_subscribed(&mut self, now: Time) {
        (self.subscribed, self.not_subscribed) = (true, None);
        self.ack.now(now);
    }

    /// The broker does not deliver data frames here. Returns whether they are still needed.
    pub(super) fn handle_not_subscribed(
        &mut self,
        trouble: SubscriptionTrouble,
        is_final: bool,
        now: Time,
    ) -> bool {
        if self.paused {
            return false;
        }
        self.paused = is_final;
        self.not_subscribed = Some(trouble);
        self.rate.clear();
        // The sender learns that it was accepted, and is to wait.
        self.ack.now(now);
        true
    }

    /// Frames that come may stand anywhere in the order of sending: what came before tells nothing.
    pub(super) fn forget_order(&mut self) {
        (self.echo, self.newest) = (None, None);
        self.pieces.take();
    }

    /// The time to tell a sender that is here something.
    pub(super) fn deadline(&self) -> Option<Time> {
        let has_heard = self.subscribed || self.paused || self.not_subscribed.is_some();
        (has_heard && !self.unknown_to_sender).then(|| self.ack.deadline())
    }

    /// The acknowledgement that goes now.
    pub(super) fn acknowledge(&mut self, to: ParcelRef, now: Time) -> Want {
        if self.ack.is_reminder() {
            // However long that takes, what comes then is not out of order.
            self.newest = None;
        }
        self.ack.on_sent(now);
        self.want(to, now)
    }

    /// Whether a frame is the sender's, as far as can be told. Everyone in the room has the content
    /// key; who once forged a frame, or made the sender sign, is not heard any more.
    pub(super) fn is_by_sender(&mut self, head: FrameHead, now: Time) -> bool {
        if head.signed {
            self.trust_signed_only();
        } else if self.signed {
            return false;
        }
        // The send times of one sender grow, and so they arrive (MQTT 5, section 4.6).
        let place = (head.sent, head.piece.unwrap_or(u32::MAX));
        let in_order = self.newest.is_none_or(|newest| place > newest);
        if in_order {
            self.newest = Some(place);
        } else if !self.signed {
            self.take_signed_only(now);
        }
        in_order
    }

    fn trust_signed_only(&mut self) {
        if !std::mem::replace(&mut self.signed, true) {
            self.content.suspect_held();
            // Bytes of a frame without a signature would pass for signed.
            self.pieces.take();
        }
    }

    /// Someone else writes frames of this parcel: the sender is to sign its own.
    pub(super) fn take_signed_only(&mut self, now: Time) {
        self.trust_signed_only();
        // The newest may have been a forged one.
        self.forget_order();
        self.ack.now(now);
    }

    /// Bytes that may be under way to this device.
    pub(super) fn credit(&self) -> u64 {
        if self.paused || self.not_subscribed.is_some() {
            0
        } else {
            CREDIT.saturating_sub(self.unwritten)
        }
    }

    fn want(&self, ParcelRef { parcel, token }: ParcelRef, now: Time) -> Want {
        let echo = self.echo.map(|(sent, at)| Echo {
            sent,
            age: u32::try_from(now.since(at).as_micros()).unwrap_or(u32::MAX),
        });
        Want {
            parcel,
            held: self.content.runs(),
            credit: self.credit(),
            echo,
            paused: self.paused || self.not_subscribed.is_some(),
            token,
            signed: self.signed,
        }
    }
}
