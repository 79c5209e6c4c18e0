//! The words between an engine and its driver: what it is told, what it tells, and why it refuses.

use core::time::Duration;

use mqdrop_mqtt::{Login, VersionPolicy};
use serde::{Deserialize, Serialize};

use crate::cause::{Notice, TooMuch};
use crate::identity::Identity;
use crate::ids::{DeviceId, ParcelId, RoomId};
use crate::io::ReadFault;
use crate::keys::RoomSecret;
use crate::person::Profile;

/// The offers that are accepted without asking the user. Texts always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AutoAccept {
    /// None.
    #[default]
    Off,
    /// Those of persons whose key the user knows to be theirs.
    Verified,
    /// All.
    All,
}

/// The facts needed to enter a room. Those of the connection (login, version, silence, lengths) count for the
/// first room; those after it share its connection.
#[derive(Clone)]
pub struct Join {
    /// The room's secret, which follows from its key.
    pub secret: RoomSecret,
    /// The device that enters: a new one each time. It counts its messages from 1, so others would take
    /// what a device says that was here before for repetitions.
    pub identity: Identity,
    /// The address that the driver opens to reach the broker, by which messages call it.
    pub broker: String,
    /// Topic prefix; `mqdrop/1` if empty.
    pub prefix: String,
    /// The user, as others come to know them.
    pub profile: Profile,
    /// The record of the room's persons that [`Event::Place`] told last; empty if there is none.
    pub people: Vec<u8>,
    /// The public key of the person whose link led here, in lower-case base32: that person counts as
    /// verified. Empty if there is none; what is no key is nobody's.
    pub invited_by: String,
    /// The device of this profile that this one takes the place of, as after a page was loaded anew:
    /// others see it go at once.
    pub former: Option<DeviceId>,
    /// The time when it joins, by the machine's clock, in ms since 1970.
    pub wall: u64,
    /// Login at the broker.
    pub login: Option<Login>,
    /// Protocol version.
    pub version: VersionPolicy,
    /// The longest silence towards the broker; whole seconds, 1 s to 65,535 s. The broker counts this
    /// device as gone after one and a half times as long (MQTT 5, section 3.1.2.10). Usually
    /// [`KEEP_ALIVE`](Self::KEEP_ALIVE).
    pub keep_alive: Duration,
    /// The offers that are accepted without asking.
    pub auto_accept: AutoAccept,
    /// Texts are taken, and their authors learn that they arrived. Off for a program that shows none to its
    /// user.
    pub takes_texts: bool,
    /// The longest data frame this broker carried before it hung up, learnt earlier; bytes.
    pub frame_limit: Option<u32>,
    /// The quickest length of packets at this broker, learnt earlier; bytes.
    pub frame_length: Option<u32>,
}

impl Join {
    /// The keep-alive that suits most brokers and the routers on the way to them.
    pub const KEEP_ALIVE: Duration = Duration::from_secs(30);
}

/// The reason why a room cannot be entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum JoinError {
    /// The prefix does not fit.
    #[error("the topic prefix does not fit")]
    InvalidPrefix,
    /// The engine is in a room at another broker, or with another login.
    #[error("the other rooms are at another broker, or have another login")]
    OtherBroker,
    /// The engine is in this room already.
    #[error("the engine is in this room already")]
    AlreadyInside,
}

/// A file to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative path with `/` between folders.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// Modification time in milliseconds since 1970.
    pub modified: Option<u64>,
    /// MIME type, or empty.
    pub mime: String,
}

/// Why a parcel cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum OfferError {
    /// This device is not in the room.
    #[error("there is no room")]
    NoRoom,
    /// It is for a person whom this profile does not know in the room, or for nobody.
    #[error("this person is not known in the room")]
    UnknownPerson,
    /// Nothing was chosen.
    #[error("there is nothing to send")]
    Empty,
    /// More than a parcel can hold.
    #[error("it is more than a parcel can hold ({0:?})")]
    TooLarge(TooMuch),
    /// Of what was sent before, this file was not chosen.
    #[error("`{0}` is missing")]
    Missing(String),
    /// It is another file, or has changed.
    #[error("`{0}` has another size")]
    Changed(String),
    /// It looks like the file that was being sent, but what was sent of that was different.
    #[error("`{0}` has another content")]
    OtherContent(String),
    /// It cannot be read: the path, and why.
    #[error("`{0}` could not be read: {1:?}")]
    Unreadable(String, ReadFault),
    /// There is nothing to go on with.
    #[error("it does not wait for files")]
    NotWaiting,
}

/// News that the driver should pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// [`Engine::status`](crate::Engine::status) changed for this room.
    Status(RoomId),
    /// [`Engine::peers`](crate::Engine::peers) changed for this room.
    Peers(RoomId),
    /// [`Engine::people`](crate::Engine::people) changed for this room.
    People(RoomId),
    /// What is known of a room's persons, for the driver to keep: at most 512 KiB, and told a moment
    /// after it changed.
    Place {
        /// The room's name in topics, by which the driver finds it again.
        room: String,
        /// The record, for the next [`Join::people`]. Records of several devices of a profile are
        /// [merged](crate::merge_people).
        record: Vec<u8>,
    },
    /// [`Engine::transfer`](crate::Engine::transfer) changed for this parcel: new, progressed or,
    /// when it answers `None`, gone.
    Transfer(ParcelId),
    /// [`Engine::files`](crate::Engine::files) changed for this parcel.
    Files(ParcelId),
    /// A text is whole, sent or received.
    Text {
        /// Its parcel.
        parcel: ParcelId,
        /// It.
        text: String,
    },
    /// Worth remembering about this broker for the next [`Join`].
    Learnt {
        /// It speaks MQTT 3.1.1 only.
        only_v311: bool,
        /// The longest data frame it carries, if it hung up on a longer one; bytes.
        frame_limit: Option<u32>,
        /// The quickest length of packets, once it is found; bytes.
        frame_length: Option<u32>,
    },
    /// The files that were [chosen again](crate::Engine::choose_again) turned out not to be the
    /// parcel's, which lacks them again.
    Unfit {
        /// The parcel.
        parcel: ParcelId,
        /// The fault of the files.
        error: OfferError,
    },
    /// The parcels that are kept of rooms that this device is not in changed; see [`Engine::kept`](crate::Engine::kept).
    Kept,
    /// Something that the user should know.
    Notice(Notice),
}

/// The part of what storage kept that was taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The parcel.
    pub parcel: ParcelId,
    /// Bytes of its notes that are whole. The driver cuts off what is behind them: what is appended
    /// there would never be read.
    pub notes_len: u64,
    /// Bytes of its content, for which there is to be room.
    pub size: u64,
}

/// Why something that storage kept was not taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Its notes do not tell what it is: nobody can go on with it, and the driver frees its space.
    #[error("its notes are damaged")]
    Damaged,
    /// This device has as much of the same parcel already: the driver frees its space.
    #[error("this device has it already")]
    Known,
    /// This device has too many parcels, or another one of the same id; the driver leaves it to a
    /// later one.
    #[error("this device has no room for it")]
    Busy,
}

/// Why [`Engine::poll_timeout`](crate::Engine::poll_timeout) wants to be woken; for logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The MQTT session's own deadline.
    Session(mqdrop_mqtt::Timer),
    /// The next try to connect.
    Reconnect,
    /// A try to connect that was not answered is given up.
    Opening,
    /// This device is to show that it is still here.
    Refresh,
    /// A message of this device should have come back by now.
    Rights,
    /// The broker is asked again for a subscription that it had none of.
    Subscription,
    /// Transfers may have come to a halt.
    Stall,
    /// What is known of persons is to be kept.
    Record,
    /// A device may have been silent for too long.
    Silence,
    /// A sender's deadline: an answer, an acknowledgement or a receipt is missing.
    Outgoing,
    /// A receiver's deadline: an acknowledgement or a reminder is due.
    Incoming,
}
