//! The machine that an engine runs on, as far as it needs one.

use bytes::Bytes;
use mqdrop_core::{ParcelId, ReadError, ReadRequest, SocketClose, StoreReply, StoreRequest, Time};

/// A machine: its clock, one connection to a broker, the files that are sent, the stores of what is
/// received, and a timer. What takes a while is answered later, by [`Input`]s.
///
/// A [`Client`](crate::Client) calls these methods in the middle of its turn. None of them calls the
/// client; what they bring about becomes an input of a later turn.
pub trait Platform {
    /// A finished parcel as this platform gives it to its user: a Blob, the path of a folder.
    type Content: Clone;

    /// The time, which does not go back and stands still at most while the machine sleeps.
    fn now(&self) -> Time;

    /// Opens a connection to the broker at this address; drops an earlier one without a word.
    /// Answered by [`Input::Opened`] or [`Input::Closed`].
    ///
    /// # Errors
    /// If it cannot even be tried.
    fn open(&mut self, url: String) -> Result<(), SocketClose>;

    /// Tells whether the connection takes more. If not, some [`Input`] follows once it does:
    /// [`Input::Woken`] where there is no other. A connection that is not open takes nothing.
    fn has_room(&self) -> bool;

    /// Sends a packet.
    fn send(&mut self, packet: Bytes);

    /// All packets of this turn were sent: what was gathered goes out.
    fn flush(&mut self);

    /// Closes the connection after what was sent and `last`, for which there may be no room. Nothing
    /// more is heard of it.
    fn close(&mut self, last: Vec<Bytes>);

    /// Reads files of a parcel that is sent. Answered by [`Input::Read`].
    fn read(&mut self, request: ReadRequest);

    /// The files of a parcel are not needed any more: it is gone for good, or they turned out to be
    /// others. Called for parcels that are received as well, of which there are no files.
    fn forget_files(&mut self, parcel: ParcelId);

    /// Does something with a parcel's store, see [`StoreRequest`]. Answered at once, or later by
    /// [`Input::Stored`]. A store that is finished is always answered later, by
    /// [`Input::Finished`]. What becomes of a store after it was discarded, or created anew, is not
    /// told.
    fn store(&mut self, request: StoreRequest) -> Option<StoreReply>;

    /// Sets the one timer; an earlier setting is void. [`Input::Woken`] follows at `at` or later,
    /// and after all that has come from the connection by then. Waking earlier does no harm.
    fn wake(&mut self, at: Time);
}

/// Something that happened on a platform whose finished parcels are `C`.
#[derive(Debug)]
pub enum Input<C> {
    /// The connection is open; `compresses` says that it was agreed to compress messages.
    Opened {
        /// The WebSocket extension `permessage-deflate` is in use (RFC 7692).
        compresses: bool,
        /// The machine's clock, in ms since 1970: [`Platform::now`] may stand still while it sleeps.
        wall: u64,
    },
    /// Bytes came from the broker, split or joined in any way.
    Received(Bytes),
    /// The connection could not be opened, or ended.
    Closed(SocketClose),
    /// A request was filled, or could not be.
    Read(ReadRequest, Result<(), ReadError>),
    /// A store's answer.
    Stored(StoreReply),
    /// A parcel's store is finished; takes the place of [`StoreReply::Finished`].
    Finished {
        /// The parcel.
        parcel: ParcelId,
        /// It, for its user.
        content: C,
    },
    /// The timer rang, or the connection has room again.
    Woken,
}
