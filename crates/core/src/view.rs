//! Views of an engine: plain snapshots that a user interface draws.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use crate::cause::{BrokerLimit, Cause, RoomTrouble, SubscriptionTrouble};
use crate::ids::RoomId;
use crate::io::StoreError;
pub use crate::message::EndReason;
pub use crate::state::TransferState;
pub use crate::title::Title;

/// Whether the device is in its room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionState {
    /// In no room, and not trying to be.
    #[default]
    Offline,
    /// On the way into the room, or back into it.
    Connecting,
    /// In the room: subscribed and announced.
    Online,
    /// Out of the room for a reason the user should read. [`StatusView::tries_again`] tells whether
    /// that may end by itself, and [`StatusView::remedy`] what else has to change.
    Error,
}

/// The setting that the user has to change before this device can be in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// User name and password at the broker.
    Login,
    /// The rights of this login to publish and subscribe at the broker; or another login, or prefix.
    Rights,
    /// The protocol version.
    Protocol,
    /// The broker.
    Broker,
}

/// Parcels that storage keeps and no room shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptView {
    /// How many of other rooms.
    pub parcels: usize,
    /// The bytes that storage holds for them, or has made room for.
    pub bytes: u64,
    /// How many of any room that cannot be taken up again. The driver counts these.
    pub damaged: usize,
    /// The bytes that storage holds for these.
    pub damaged_bytes: u64,
}

/// The stages of a device on its way into the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Approach {
    /// The room's secret is being derived from its key.
    Preparing,
    /// It connects for the first time.
    #[default]
    Connecting,
    /// It was in the room, and connects again.
    Returning,
    /// It is connected, and finds out whether the room's topics work.
    Entering,
}

/// The state of the connection to the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// Which of the four states.
    pub state: ConnectionState,
    /// The broker's address; empty without a room.
    pub broker: String,
    /// The stage it has come to, while it is connecting.
    pub approach: Approach,
    /// The reason why it is not in the room, after an error.
    pub trouble: Option<RoomTrouble>,
    /// After an error the device goes on trying to be in the room, without the user's doing.
    pub tries_again: bool,
    /// The setting that has to change, where trying again does not help by itself.
    pub remedy: Option<Remedy>,
    /// "MQTT 5" or "MQTT 3.1.1", once the broker accepted the connection.
    pub protocol: Option<String>,
    /// A limit of the broker that makes transfers smaller or slower.
    pub limit: Option<BrokerLimit>,
}

/// Another device in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    /// The device's id: 16 characters of lower-case base32.
    pub device: String,
    /// Its person's id; empty until it introduced itself.
    pub person: String,
    /// Its person's name; at most 64 characters, free of control characters. Not unique.
    pub name: String,
    /// Nothing of it is heard, on this device's user's wish.
    pub muted: bool,
}

/// A person of the room: here, or known from earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// The person's id: 16 characters of lower-case base32.
    pub person: String,
    /// The person's public key: 52 characters of lower-case base32.
    pub key: String,
    /// The name; at most 64 characters, free of control characters. Not unique.
    pub name: String,
    /// It is this profile's own person, on another device.
    pub is_me: bool,
    /// Another person of this name was known first, or is verified.
    pub is_namesake: bool,
    /// A device of the person is in the room.
    pub is_here: bool,
    /// When the person was heard of last, in ms since 1970.
    pub seen: u64,
    /// The person is known by another member's word alone.
    pub is_told: bool,
    /// Nothing of the person is heard, on this user's wish.
    pub muted: bool,
    /// How the user knows that the key is this person's.
    pub verified: Verified,
}

/// How the user knows that a key is that of the person whose name it bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
pub enum Verified {
    /// Not at all.
    #[default]
    #[n(0)]
    No,
    /// By coming through the person's own link.
    #[n(1)]
    Link,
    /// By comparing words with the person.
    #[n(2)]
    Words,
}

/// A person by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonName {
    /// The person's id.
    pub person: String,
    /// The name; at most 64 characters, free of control characters. Not unique.
    pub name: String,
    /// Another person of this name was known first, or is verified.
    pub is_namesake: bool,
    /// How the user knows that the key is this person's.
    pub verified: Verified,
}

/// Which way a parcel goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// This device sends it.
    Out,
    /// This device receives it.
    In,
}

/// The kind of a parcel's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParcelKind {
    /// One or more files, perhaps with folders.
    Files,
    /// A text.
    Text,
}

/// The part of this device that keeps a parcel from being delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The files that it sends cannot be read, or are others by now.
    Source,
    /// Its storage takes no more, or fails.
    Storage(StoreError),
    /// The content that arrived is not the one that was offered.
    Integrity,
}

/// One receiver, as the sender sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverView {
    /// The receiver's device id.
    pub device: String,
    /// The receiver's person; empty if its device did not introduce itself since this one was started.
    pub person: String,
    /// The receiver's name.
    pub name: String,
    /// The state it is in.
    pub state: TransferState,
    /// Whether it is not in the room.
    pub is_away: bool,
    /// Whether its user has decided; one that is away and has not left before answering.
    pub has_answered: bool,
    /// Bytes of content it says it holds.
    pub bytes: u64,
    /// The reason why it declined or failed, if that was not its user's wish.
    pub reason: Option<EndReason>,
    /// How many of the files it does without, as the sender could not read them. It has the others.
    pub without: u32,
}

/// One transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferView {
    /// The parcel's id: 16 characters of lower-case base32.
    pub parcel: String,
    /// The room that it is sent or received in.
    pub room: RoomId,
    /// Which way it goes.
    pub direction: Direction,
    /// Files or a text.
    pub kind: ParcelKind,
    /// Its title. A text has its beginning as its name on the sender's side.
    pub title: Title,
    /// The state it is in. On the sender's side: of the receiver that is furthest from its end.
    pub state: TransferState,
    /// Content bytes delivered so far: held here (`In`), or held by the active receiver that has the fewest (`Out`).
    pub bytes: u64,
    /// Content bytes in all.
    pub total: u64,
    /// Number of files.
    pub files: u32,
    /// It is this device that stopped it, and that can let it go on.
    pub paused_here: bool,
    /// Bytes of content a second over the last seconds; zero unless active.
    pub rate: f64,
    /// Seconds left at that rate, when it can be told.
    pub eta: Option<f64>,
    /// The cause of its standing: what went wrong or what is being waited for.
    pub cause: Option<Cause>,
    /// It waits for this device's own connection.
    pub offline: bool,
    /// How many of its files its sender could not read. The others arrive without them.
    pub left_out: u32,
    /// The person who sends it.
    pub from: PersonName,
    /// The persons whom it is for; nobody if it is for everyone.
    pub to: Vec<PersonName>,
    /// When it was offered first, in ms since 1970, by this device's clock.
    pub time: u64,
    /// It waits for the user to choose its files again (`Out`).
    pub lacks_files: bool,
    /// Everyone it was offered to and who answered (`Out`).
    pub receivers: Vec<ReceiverView>,
}

/// One file of a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// Safe relative path with `/` between folders.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// Where it begins in the parcel's content, in bytes.
    pub offset: u64,
    /// Modification time in milliseconds since 1970, if known.
    pub modified: Option<u64>,
    /// MIME type, or empty.
    pub mime: String,
    /// BLAKE3 of the content in hexadecimal, once known (`Out`) or verified (`In`).
    pub blake3: Option<String>,
    /// CRC-32 of the content, once verified, of a parcel of several files, where the engine
    /// [is to compute it](crate::Engine::sum_files).
    pub crc32: Option<u32>,
    /// Its sender could not read it: it is not here.
    pub left_out: bool,
}
