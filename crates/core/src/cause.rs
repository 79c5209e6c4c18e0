//! Causes of how things stand, with their numbers and names, and no sentences.

use serde::{Deserialize, Serialize};

use mqdrop_mqtt::Unfit;

use crate::io::{Obstacle, ReadFault, StoreError};
use crate::message::EndReason;
use crate::state::TransferState;

/// The reason why this device is not in its room.
///
/// `reason` is a reason code of MQTT 5 (section 2.4), `said` the broker's own words on one line, or
/// empty, and `topics` a filter of all topics that the room needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomTrouble {
    /// No connection could be opened.
    Unreachable,
    /// The connection ended, or did not begin, for a reason that the driver knows.
    Transport(Obstacle),
    /// The broker hung up before CONNACK.
    HungUp,
    /// The broker does not answer.
    Silent,
    /// The broker sent something that is not valid MQTT: what it was, in English words of the standard,
    /// for those who look after the broker.
    NotMqtt(String),
    /// The login does not fit into MQTT: why.
    UnfitLogin(Unfit),
    /// The broker hangs up when the device enters the room.
    HangsUpOnEntering {
        /// See above.
        topics: String,
    },
    /// The connection was lost.
    Lost,
    /// User name or password are wrong.
    WrongLogin {
        /// See above.
        said: String,
    },
    /// The broker asks for a user name and a password.
    NoLogin {
        /// See above.
        said: String,
    },
    /// The broker has banned this login or this device.
    Banned {
        /// See above.
        said: String,
    },
    /// The broker does not allow the room's topics.
    TopicsRefused {
        /// See above.
        said: String,
        /// See above.
        topics: String,
    },
    /// The broker does not speak the version that the user chose.
    VersionRefused {
        /// See above.
        said: String,
    },
    /// The broker speaks no version that this device does.
    VersionsRefused {
        /// See above.
        said: String,
    },
    /// The broker refused the connection.
    Refused {
        /// See above.
        reason: u8,
        /// See above.
        said: String,
    },
    /// The broker ended the connection.
    Ended {
        /// See above.
        reason: u8,
        /// See above.
        said: String,
        /// See above, if rights are missing.
        topics: Option<String>,
    },
    /// The broker refused the subscription to a topic of the room.
    MayNotSubscribe {
        /// The topic.
        topic: String,
        /// See above.
        reason: u8,
        /// See above, if rights are missing.
        topics: Option<String>,
    },
    /// The broker refused a message to a topic of the room.
    MayNotPublish {
        /// The topic.
        topic: String,
        /// See above.
        reason: u8,
        /// See above.
        topics: String,
    },
    /// Messages of this device to a topic do not come back.
    Unheard {
        /// The topic, or a filter of several.
        topic: String,
        /// See above.
        topics: String,
    },
    /// The broker says that it takes no packets above this length, in bytes: too short for mqdrop.
    ShortPackets(u32),
    /// The broker hangs up on packets of the shortest length that mqdrop can do with.
    HangsUpOnShortPackets,
}

/// A limit of the broker that makes transfers smaller or slower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BrokerLimit {
    /// It says that it takes no packets above this length, in bytes.
    PacketsOf(u32),
    /// It hung up on packets above this length, in bytes.
    HungUpAbove(u64),
    /// It did not take a message of this device, for this reason code of MQTT 5 (section 2.4).
    NotTaken(u8),
    /// It compresses WebSocket messages (RFC 7692), which makes encrypted ones no shorter.
    Compresses,
}

/// The cause of a transfer's standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// This device ended it.
    EndedHere(EndReason),
    /// Its sender ended it.
    EndedBySender(EndReason),
    /// A receiver is where the transfer as a whole is: it failed, declined or was cancelled.
    OfReceiver {
        /// The receiver's name.
        name: String,
        /// The state it is in.
        state: TransferState,
        /// Why, if that was not its user's wish.
        reason: Option<EndReason>,
    },
    /// Its one file, or all of them, could not be read on this device.
    Unreadable {
        /// The first of them.
        path: String,
        /// The reason.
        why: ReadFault,
    },
    /// Files could not be read on this device, and the others go without them.
    LeftOut {
        /// The first of them.
        path: String,
        /// The reason, if it is known.
        why: Option<ReadFault>,
        /// The number of the others.
        others: u32,
    },
    /// Files are not here, as their sender could not read them.
    LeftOutBySender {
        /// The first of them.
        path: String,
        /// It was changed or removed.
        changed: bool,
        /// The number of the others.
        others: u32,
    },
    /// The sender does not know it any more.
    UnknownToSender,
    /// The broker refused the subscription to its data.
    NotSubscribed(SubscriptionTrouble),
    /// This device's storage did not take what arrived.
    NotStored(StoreError),
    /// It is here and verified, and storage did not give it.
    NotFinished(StoreError),
    /// It was under way when the program ended or the room was left.
    NotFinishedBefore,
    /// A user of the other side stopped it.
    PausedByOther,
    /// The sender is not in the room.
    SenderAway,
    /// It was being sent when the program ended: its files have to be chosen again.
    LacksFiles,
    /// Chosen files are being compared with what was sent; so many per cent are.
    Checking(u32),
    /// Nobody is in the room yet: whoever comes gets it.
    ForWhoeverComes,
    /// It is for persons none of whom is here: [`TransferView::to`](crate::view::TransferView::to).
    ForPersonsAway,
    /// A receiver that has begun is not in the room: its name.
    ReceiverAway(String),
    /// A receiver left the room before it answered: its name.
    LeftUnanswered(String),
    /// A receiver is being asked what it holds: its name.
    Asking(String),
    /// Nothing gets through.
    Stalled {
        /// The topic of its data.
        topic: String,
    },
    /// Nothing more gets through before storage, here or at the receivers, has taken what did.
    HeldUp,
    /// This device has no connection.
    NoConnection,
}

/// The reason why a parcel's data is not subscribed to; `reason` is a reason code of MQTT 5 (section 2.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionTrouble {
    /// The login may not.
    Denied {
        /// The topic of the data.
        topic: String,
        /// See above.
        reason: u8,
    },
    /// The login may not, or the broker grants no more subscriptions: it does not tell.
    Refused {
        /// The topic of the data.
        topic: String,
        /// See above.
        reason: u8,
    },
    /// The broker grants no more subscriptions.
    Quota {
        /// See above.
        reason: u8,
        /// Other transfers have some: it goes on when one of them is done.
        has_others: bool,
    },
}

/// Something that happened and is no transfer's or the room's standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// Another device in the room speaks a newer version of mqdrop.
    NewerVersion,
    /// A file did not arrive as it was sent, and is being fetched again: its path. Empty, it is the list
    /// of all files' hashes.
    FetchedAgain(String),
    /// Somebody came who bears the name of a person whose words the user compared, and is another one: the
    /// name.
    Imitator(String),
}

/// A limit of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TooMuch {
    /// At most 250,000 files.
    Files,
    /// At most 32 MiB of names.
    Names,
    /// At most 16 TiB.
    Bytes,
    /// At most 1 MiB of text.
    Text,
    /// At most 64 persons, if it is not for everyone.
    Persons,
}

impl RoomTrouble {
    /// Tells whether nothing but a change, here or at the broker, can mend it. The device tries again
    /// all the same, as somebody may make that change; a program whose user waits need not wait.
    #[must_use]
    pub fn outlasts_waiting(&self) -> bool {
        matches!(self, Self::Transport(obstacle) if obstacle.is_lasting())
    }

    /// The trouble's name, in lower case with hyphens: for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Transport(_) => "transport",
            Self::HungUp => "hung-up",
            Self::Silent => "silent",
            Self::NotMqtt(_) => "not-mqtt",
            Self::UnfitLogin(_) => "unfit-login",
            Self::HangsUpOnEntering { .. } => "hangs-up-on-entering",
            Self::Lost => "lost",
            Self::WrongLogin { .. } => "wrong-login",
            Self::NoLogin { .. } => "no-login",
            Self::Banned { .. } => "banned",
            Self::TopicsRefused { .. } => "topics-refused",
            Self::VersionRefused { .. } => "version-refused",
            Self::VersionsRefused { .. } => "versions-refused",
            Self::Refused { .. } => "refused",
            Self::Ended { .. } => "ended",
            Self::MayNotSubscribe { .. } => "may-not-subscribe",
            Self::MayNotPublish { .. } => "may-not-publish",
            Self::Unheard { .. } => "unheard",
            Self::ShortPackets(_) => "short-packets",
            Self::HangsUpOnShortPackets => "hangs-up-on-short-packets",
        }
    }
}

impl BrokerLimit {
    /// The limit's name, in lower case with hyphens: for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::PacketsOf(_) => "packets-of",
            Self::HungUpAbove(_) => "hung-up-above",
            Self::NotTaken(_) => "not-taken",
            Self::Compresses => "compresses",
        }
    }
}

impl Cause {
    /// The cause's name, in lower case with hyphens: for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::EndedHere(_) => "ended-here",
            Self::EndedBySender(_) => "ended-by-sender",
            Self::OfReceiver { .. } => "of-receiver",
            Self::Unreadable { .. } => "unreadable",
            Self::LeftOut { .. } => "left-out",
            Self::LeftOutBySender { .. } => "left-out-by-sender",
            Self::UnknownToSender => "unknown-to-sender",
            Self::NotSubscribed(_) => "not-subscribed",
            Self::NotStored(_) => "not-stored",
            Self::NotFinished(_) => "not-finished",
            Self::NotFinishedBefore => "not-finished-before",
            Self::PausedByOther => "paused-by-other",
            Self::SenderAway => "sender-away",
            Self::LacksFiles => "lacks-files",
            Self::Checking(_) => "checking",
            Self::ForWhoeverComes => "for-whoever-comes",
            Self::ForPersonsAway => "for-persons-away",
            Self::ReceiverAway(_) => "receiver-away",
            Self::LeftUnanswered(_) => "left-unanswered",
            Self::Asking(_) => "asking",
            Self::Stalled { .. } => "stalled",
            Self::HeldUp => "held-up",
            Self::NoConnection => "no-connection",
        }
    }
}
