//! The engine: one device in one room, over one MQTT session. Drivers move bytes, blocks and time.

use bytes::Bytes;
use mqdrop_mqtt::{Login, Time, VersionPolicy};

use crate::ids::ParcelId;
use crate::io::{ReadError, ReadRequest, SocketAction, SocketClose, StoreReply, StoreRequest};
use crate::keys::RoomSecret;
use crate::view::{FileView, ParcelKind, PeerView, StatusView, TransferView};

/// How to enter a room.
#[derive(Clone)]
pub struct Join {
    /// What the key opens.
    pub secret: RoomSecret,
    /// What the driver opens to reach the broker, and what messages call it.
    pub broker: String,
    /// Topic prefix; `mqdrop/1` if empty.
    pub prefix: String,
    /// This device's name.
    pub name: String,
    /// Login at the broker.
    pub login: Option<Login>,
    /// Protocol version.
    pub version: VersionPolicy,
    /// Accept every offer.
    pub auto_accept: bool,
    /// The longest data frame this broker carried before it hung up, learnt earlier; bytes.
    pub frame_limit: Option<u32>,
}

/// Why a room cannot be entered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The prefix does not fit.
    #[error("the topic prefix may have up to four parts of a-z, 0-9 and -, with / between them")]
    InvalidPrefix,
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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// This device is in no room.
    #[error("join a room first")]
    NoRoom,
    /// Nothing was chosen.
    #[error("there is nothing to send")]
    Empty,
    /// More than a parcel can hold, in words.
    #[error("this is more than one parcel can hold: {0}")]
    TooLarge(&'static str),
}

/// What the driver should pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// [`Engine::status`] changed.
    Status,
    /// [`Engine::peers`] changed.
    Peers,
    /// [`Engine::transfer`] changed for this parcel: new, progressed or, when it answers `None`, gone.
    Transfer(ParcelId),
    /// [`Engine::files`] changed for this parcel.
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
        /// The longest data frame it carries, if it hung up on a longer one.
        frame_limit: Option<u32>,
    },
    /// Something did not work, in words for the user.
    Error(String),
}

/// Why [`Engine::poll_timeout`] wants to be woken; for logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The MQTT session's own deadline.
    Session(mqdrop_mqtt::Timer),
}

/// One device. See the crate's documentation for how to drive it.
pub struct Engine {}

#[allow(unused_variables, clippy::todo, missing_docs)]
impl Engine {
    /// `seed` must come from a cryptographic random source: identity, ids, keys and nonces come from it.
    pub fn new(seed: [u8; 32]) -> Self { todo!() }

    pub fn join(&mut self, join: Join, now: Time) -> Result<(), JoinError> { todo!() }
    pub fn leave(&mut self, now: Time) { todo!() }
    pub fn set_auto_accept(&mut self, on: bool, now: Time) { todo!() }
    /// The page became visible, the network came back, a clock jumped: look at the connection at once.
    pub fn check(&mut self, now: Time) { todo!() }

    /// Offers files to everyone. The driver answers this parcel's reads from the same files in the same order.
    pub fn offer_files(&mut self, entries: Vec<Entry>, now: Time) -> Result<ParcelId, OfferError> { todo!() }
    pub fn offer_text(&mut self, text: &str, now: Time) -> Result<ParcelId, OfferError> { todo!() }
    pub fn accept(&mut self, parcel: ParcelId, now: Time) { todo!() }
    pub fn decline(&mut self, parcel: ParcelId, now: Time) { todo!() }
    pub fn pause(&mut self, parcel: ParcelId, now: Time) { todo!() }
    pub fn resume(&mut self, parcel: ParcelId, now: Time) { todo!() }
    pub fn cancel(&mut self, parcel: ParcelId, now: Time) { todo!() }
    /// Takes it off the list; ends it first if it is not over. Event::Transfer follows, with transfer() == None.
    pub fn remove(&mut self, parcel: ParcelId, now: Time) { todo!() }

    pub fn handle_open(&mut self, now: Time) { todo!() }
    pub fn handle_bytes(&mut self, bytes: Bytes, now: Time) { todo!() }
    pub fn handle_close(&mut self, close: SocketClose, now: Time) { todo!() }
    pub fn handle_read(&mut self, request: ReadRequest, result: Result<(), ReadError>, now: Time) { todo!() }
    pub fn handle_store(&mut self, reply: StoreReply, now: Time) { todo!() }
    pub fn handle_timeout(&mut self, now: Time) { todo!() }

    /// Next bytes for the socket, in order. Call only while the socket's buffer has room; data frames wait here otherwise.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Bytes> { todo!() }
    pub fn poll_socket(&mut self) -> Option<SocketAction> { todo!() }
    pub fn poll_read(&mut self, now: Time) -> Option<ReadRequest> { todo!() }
    pub fn poll_store(&mut self) -> Option<StoreRequest> { todo!() }
    pub fn poll_event(&mut self) -> Option<Event> { todo!() }
    pub fn poll_timeout(&self) -> Option<(Time, Timer)> { todo!() }

    pub fn status(&self) -> StatusView { todo!() }
    pub fn peers(&self) -> Vec<PeerView> { todo!() }
    pub fn transfer(&self, parcel: ParcelId, now: Time) -> Option<TransferView> { todo!() }
    pub fn files(&self, parcel: ParcelId) -> Option<Vec<FileView>> { todo!() }
}
