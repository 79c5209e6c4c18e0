//! The rights of this login to the room's topics.
//!
//! An MQTT 5 broker may say in PUBACK that it refuses a message, one of 3.1.1 cannot, and either may
//! drop messages without a word, on their way in or out. So what a device says to the room and to
//! itself has to come back, as both are subscribed without "no local".

use core::time::Duration;

use mqdrop_mqtt::Time;

use crate::cause::RoomTrouble;
use crate::effects::To;
use crate::ids::DeviceId;

/// So long what was said may take to come back.
const PATIENCE: Duration = Duration::from_secs(3);
/// The number of times that the device says something before it takes silence for a refusal.
const TRIES: u32 = 2;

/// The room's topics, as they were seen to work on this connection.
#[derive(Default)]
pub(super) struct Rights {
    /// The broker passes on what this device says to the room.
    room: bool,
    /// The broker delivers here what is said to this device alone.
    inbox: bool,
    /// When the device says something again, or gives up hoping.
    due: Option<Time>,
    tries: u32,
    /// A right that seems to be missing; and the other device, if it is about the topic of one.
    denied: Option<(RoomTrouble, Option<DeviceId>)>,
}

/// The next step as nothing came back in time.
pub(super) enum Due {
    /// Something is said again.
    Again,
    /// Silence is taken for a refusal, of the room's topic, of the device's own, or of both.
    Denied { room: bool, inbox: bool },
}

impl Rights {
    /// Nothing was said on this connection before `now`.
    pub(super) fn begin(now: Time) -> Self {
        Self {
            due: Some(now + PATIENCE),
            ..Self::default()
        }
    }

    /// A right that seems to be missing; `None` while none does.
    pub(super) fn denied(&self) -> Option<&RoomTrouble> {
        self.denied.as_ref().map(|(trouble, _)| trouble)
    }

    /// Returns whether both topics were seen to work.
    pub(super) fn are_proven(&self) -> bool {
        self.room && self.inbox
    }

    /// Returns whether the device's own topic was seen to work.
    pub(super) fn has_inbox(&self) -> bool {
        self.inbox
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// Notes that one of the topics works, or both.
    pub(super) fn prove(&mut self, room: bool, inbox: bool) {
        let were_proven = self.are_proven();
        self.room |= room;
        self.inbox |= inbox;
        if !were_proven && self.are_proven() {
            self.due = None;
            // The topics of others are not proven by that.
            self.denied.take_if(|(_, other)| other.is_none());
        }
    }

    /// Looks at the time.
    pub(super) fn check(&mut self, now: Time) -> Option<Due> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.tries += 1;
        if self.tries < TRIES {
            self.due = Some(now + PATIENCE);
            return Some(Due::Again);
        }
        self.due = None;
        Some(Due::Denied {
            room: !self.room,
            inbox: !self.inbox,
        })
    }

    /// A right seems to be missing.
    pub(super) fn suspect(&mut self, trouble: RoomTrouble) {
        self.denied = Some((trouble, None));
    }

    /// Notes that a message was taken. Returns whether that is news.
    pub(super) fn note_taken(&mut self, to: To) -> bool {
        let is_allowed = |other: Option<DeviceId>| other.is_some_and(|it| to == To::Device(it));
        self.denied
            .take_if(|(_, other)| is_allowed(*other))
            .is_some()
    }

    /// Notes that a message was refused, which is `trouble`; `me` is this device. Returns whether
    /// that is to be shown.
    pub(super) fn note_refused(&mut self, to: To, me: DeviceId, trouble: RoomTrouble) -> bool {
        let other = match to {
            To::Room => {
                self.room = false;
                None
            }
            To::Device(device) if device == me => {
                self.inbox = false;
                None
            }
            To::Device(device) => Some(device),
        };
        if other.is_none() {
            self.due = None;
        }
        let denied = Some((trouble, other));
        std::mem::replace(&mut self.denied, denied.clone()) != denied
    }
}
