//! A parcel while it arrives.

use bytes::Bytes;
use mqdrop_mqtt::Time;

use super::ack::AckClock;
use super::content::Content;
use super::pieces::Pieces;
use crate::cause::SubscriptionTrouble;
use crate::frame::{FrameCipher, FrameHead};
use crate::ids::{ParcelId, Token};
use crate::io::StoreError;
use crate::message::{Echo, Offer, Want};
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
        (self.echo, self.newest) = (None, None);
        self.pieces.take();
        self.rate.clear();
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
        // It may have been a forged one.
        (self.echo, self.newest) = (None, None);
        self.pieces.take();
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

    pub(super) fn want(&self, parcel: ParcelId, token: Option<Token>, now: Time) -> Want {
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
