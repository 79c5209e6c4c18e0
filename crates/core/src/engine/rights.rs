//! The rights of this login to the room's topics.
//!
//! An MQTT 5 broker may say in PUBACK that it refuses a message, one of 3.1.1 cannot, and either may
//! drop messages without a word, on their way in or out. So what a device says to the room and to
//! itself has to come back, as both are subscribed without "no local".

use mqdrop_mqtt::Time;

use crate::ids::DeviceId;

/// The room's topics, as they were seen to work on this connection.
#[derive(Default)]
pub(super) struct Rights {
    /// The broker passes on what this device says to the room.
    pub(super) room: bool,
    /// The broker delivers here what is said to this device alone.
    pub(super) inbox: bool,
    /// When the device says something again, or gives up hoping.
    pub(super) due: Option<Time>,
    pub(super) tries: u32,
    /// Words for a right that seems to be missing; and the other device, if it is about the topic of
    /// one.
    pub(super) denied: Option<(String, Option<DeviceId>)>,
}

impl Rights {
    /// Words for a right that seems to be missing; `None` while none does.
    pub(super) fn denied(&self) -> Option<&str> {
        self.denied.as_ref().map(|(words, _)| words.as_str())
    }

    /// Returns whether both topics were seen to work.
    pub(super) fn are_proven(&self) -> bool {
        self.room && self.inbox
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.due
    }
}
