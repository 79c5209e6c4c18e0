//! Requests of an engine to its driver about sockets, blocks and storage, and the driver's answers.

use core::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::{ParcelId, RoomId};

/// A request about the WebSocket (or TCP connection) to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAction {
    /// Open a connection to this address. Answer with `handle_open`, or `handle_close` if it could not be opened.
    /// An earlier connection, if there still is one, is to be dropped first, without `handle_close`.
    Open {
        /// A `ws://` or `wss://` URL (browser), or whatever the driver understands.
        url: String,
    },
    /// Close the connection once what was taken from `poll_transmit` is sent, and these, for which
    /// there may be no room. No answer is expected.
    Close {
        /// The farewell to the broker; empty if the connection never opened.
        last: Vec<Bytes>,
    },
}

/// How a connection ended, as far as the driver knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocketClose {
    /// It never opened: no such host, nothing listens, not a WebSocket, TLS trouble: browsers do not tell which.
    Unreachable,
    /// The driver knows the cause. It is shown, also if the connection was open already.
    Refused(Obstacle),
    /// It was open and ended; the WebSocket close code (RFC 6455, section 7.4), if any.
    Closed {
        /// For example 1006 (abnormal), 1009 (message too big).
        code: Option<u16>,
    },
    /// The driver ended it, because of what came.
    Invalid(Invalid),
}

/// An obstacle on the way to the broker, as far as the driver knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obstacle {
    /// The address is none that the driver can connect to.
    NoAddress,
    /// The page came over https, and the address is not encrypted.
    NotEncrypted,
    /// The browser keeps the page from the local network.
    LocalNetwork {
        /// The address is in it for sure. Of a host's name that is not known.
        is_certain: bool,
    },
    /// A part of the app did not load, or ended by an error.
    NoPart,
    /// The browser does not let a worker start another one.
    NoWorker,
    /// In words that the driver has for its user: a certificate is missing.
    Told(String),
    /// The same, and time does not mend it: a certificate is not trusted, the other side does not speak
    /// TLS.
    Lasting(String),
}

impl Obstacle {
    /// Tells whether it is there until something is changed, here or at the broker.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::NoAddress | Self::NotEncrypted | Self::Lasting(_)
        )
    }
}

/// Faults of a WebSocket message that no MQTT broker sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Invalid {
    /// Text: MQTT is binary (MQTT 5, section 6).
    Text,
    /// More than the driver takes in at once.
    TooLong,
}

/// A run of bytes of one file of an outgoing parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Index into the parcel's entries.
    pub file: usize,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// How many bytes; more than 0.
    pub len: usize,
}

/// A request to read a piece of an outgoing parcel's files. Fill [`target`](Self::target) with
/// the segments one after the other and hand the request back with `handle_read`, or with a
/// [`ReadError`].
#[derive(Debug)]
pub struct ReadRequest {
    /// The parcel.
    pub parcel: ParcelId,
    /// The segments to read, in this order.
    pub segments: Vec<Segment>,
    pub(crate) first_block: u32,
    pub(crate) buffer: Vec<u8>,
    pub(crate) target: Range<usize>,
    pub(crate) purpose: ReadPurpose,
    /// The stay in the room that it belongs to.
    pub(crate) room: RoomId,
}

/// Why a piece is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadPurpose {
    /// To be sent in a data frame of this many blocks.
    Frame { count: u16 },
    /// Only to be hashed: nobody needs it any more.
    Hash { count: u16 },
}

impl ReadRequest {
    /// Where the bytes belong: exactly as long as the segments together.
    pub fn target(&mut self) -> &mut [u8] {
        &mut self.buffer[self.target.clone()]
    }

    /// How many bytes are to be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.target.len()
    }

    /// Never: a request reads at least one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.target.is_empty()
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Index into the parcel's entries.
    pub file: usize,
    /// The messages for receivers.
    pub kind: ReadFailure,
    /// The reason for this device's user.
    pub why: ReadFault,
}

/// The reason why a file cannot be read, as far as the driver knows. Browsers say the same of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadFault {
    /// It is shorter than it was when it was chosen.
    Shorter,
    /// It is not there any more.
    NotThere,
    /// It was removed, renamed or changed since it was chosen.
    Moved,
    /// It could be read when it was chosen, and was changed or removed, or may not be read any more.
    Changed,
    /// It may not be read, or was changed since it was chosen.
    Unreadable,
    /// The browser does not let the page read it.
    Withheld,
    /// In words, as a part of a sentence: what the system says, or what the driver has for its user.
    Told(String),
}

/// The trouble with a file that cannot be read, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFailure {
    /// It is not the file that was chosen any more: changed or removed.
    Changed,
    /// Anything else: it may not be read, or its disk fails.
    Unreadable,
}

/// A request about a parcel's storage. One that is received has a store, which holds a parcel's content as one run
/// of bytes: its files one after the other without gaps. One that is sent has notes alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreRequest {
    /// Make room for a parcel, also where one with this id was before: that one is forgotten. Answer `Created` or `Failed`.
    Create {
        /// The parcel.
        parcel: ParcelId,
        /// Its content's length in bytes; 0 for one that is sent and has notes alone.
        size: u64,
    },
    /// Keep these bytes. Answer `Written`; `Unwritten` with the bytes if they may be written later, for example once there is
    /// space; or `Failed`, which gives the parcel up. Answers may come later and in any order. The same place may be written
    /// again with other bytes.
    Write {
        /// The parcel.
        parcel: ParcelId,
        /// Where in the content.
        offset: u64,
        /// What.
        data: Bytes,
    },
    /// Append these bytes to the parcel's notes, after what was to be written before. The first note
    /// should outlast a power cut from then on: it says what the content is about. Notes are what
    /// [`Engine::restore`](crate::Engine::restore) is given after a restart. A driver that keeps
    /// nothing beyond its own life passes over them. No answer but `Failed`, and none for lack of
    /// space: what is not noted is received again after a restart, or not compared before it is sent
    /// on.
    Note {
        /// The parcel.
        parcel: ParcelId,
        /// The bytes to append.
        note: Bytes,
    },
    /// Read back what was kept, which may be damaged. Answer `Read` or `Unread`; answers may come
    /// later.
    Read {
        /// The parcel.
        parcel: ParcelId,
        /// Where in the content.
        offset: u64,
        /// How many bytes.
        len: usize,
    },
    /// Finish the parcel, whose content is verified, and whole but for what is left out: bring all of it, and its notes,
    /// to where a power cut does not reach them, then give it to the user. Answer `Finished` or
    /// `Failed`: with [`StoreError::Gone`] if some of what was written is not there any more, else
    /// it is asked for again.
    Finish {
        /// The parcel.
        parcel: ParcelId,
        /// Runs of bytes, in ascending order, of files that the sender could not read. All, some or
        /// none of them were written. Nobody reads them, but what follows keeps its place.
        left_out: Vec<Range<u64>>,
    },
    /// Forget the parcel and free its space. No answer.
    Discard {
        /// The parcel.
        parcel: ParcelId,
    },
}

/// The answer to a [`StoreRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreReply {
    /// There is room.
    Created {
        /// The parcel.
        parcel: ParcelId,
    },
    /// The bytes are kept.
    Written {
        /// The parcel.
        parcel: ParcelId,
        /// How many bytes.
        len: usize,
    },
    /// These bytes could not be written. The engine pauses the parcel and asks again when the user resumes it, since there
    /// may be space by then. With [`StoreError::Gone`] it gives the parcel up.
    Unwritten {
        /// The parcel.
        parcel: ParcelId,
        /// Where they belong in its content.
        offset: u64,
        /// The bytes.
        data: Bytes,
        /// The reason.
        error: StoreError,
    },
    /// The run that was asked to be read back.
    Read {
        /// The parcel.
        parcel: ParcelId,
        /// Their place in its content.
        offset: u64,
        /// The bytes.
        data: Bytes,
    },
    /// Content that was asked for from here could not be read back. It is received again; with
    /// [`StoreError::Gone`], while the parcel is received, the engine gives the parcel up.
    Unread {
        /// The parcel.
        parcel: ParcelId,
        /// The place in its content.
        offset: u64,
        /// The reason.
        error: StoreError,
    },
    /// The content is ready for the user.
    Finished {
        /// The parcel.
        parcel: ParcelId,
    },
    /// The request failed. The parcel is given up, unless the request says otherwise.
    Failed {
        /// The parcel.
        parcel: ParcelId,
        /// The reason.
        error: StoreError,
    },
}

/// Why storage failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreError {
    /// Not enough space.
    NoSpace {
        /// Bytes that are free, if the browser tells.
        available: Option<u64>,
    },
    /// The stored bytes are not there any more, and trying again does not help.
    Gone,
    /// More arrived than was offered.
    Excess,
    /// In words, as a part of a sentence: what the system says, what the driver has for its user, or
    /// another device's.
    Told(String),
}
