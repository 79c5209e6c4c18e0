//! A device's machine: its clock, connection, files and storage, as the world lets it have them.

use core::cell::Cell;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bytes::Bytes;
use mqdrop_client::Platform;
use mqdrop_core::{
    ParcelId, ReadError, ReadFailure, ReadFault, ReadRequest, SocketClose, StoreError, StoreReply,
    StoreRequest, Time,
};

use crate::storage::{Reads, Unflushed};

/// Bytes a socket's buffer takes before its device must wait.
const SOCKET_BUFFER: u64 = 512 * 1024;

/// Bytes of files, by parcel.
pub type Files = BTreeMap<ParcelId, Vec<Vec<u8>>>;

/// The platform of a device's client. What it is asked for, the world does after the client's turn.
pub struct Machine {
    /// The time, as the world says before each turn.
    pub(crate) now: Time,
    /// Bytes a second on its way to the broker.
    pub(crate) uplink: Option<u64>,
    /// When its timer rings.
    pub(crate) timer: Option<Time>,
    /// Tasks for the world.
    pub(crate) asked: Vec<Asked>,
    /// How many connections there were in the world.
    connections: Rc<Cell<u32>>,
    /// The connection in use, and whether it is open.
    pub connection: Option<(u32, bool)>,
    /// When the last of its bytes is on the way: bytes do not overtake each other.
    last_up: Time,
    /// When the last of its bytes is there.
    pub(crate) last_arrival: Time,
    /// When the last of what is sent to it is there.
    pub(crate) last_down: Time,
    /// The files that it sends.
    pub sources: Files,
    /// Parcels whose files its client does not need any more.
    pub forgotten: BTreeSet<ParcelId>,
    /// Parcels whose files can no longer be read: the browser noticed that they changed.
    pub unreadable: BTreeSet<ParcelId>,
    /// Single files that cannot be read, and why.
    pub unreadable_files: BTreeMap<(ParcelId, usize), ReadFailure>,
    /// The stores of what it receives.
    pub stores: BTreeMap<ParcelId, Vec<u8>>,
    /// The bytes of that which were ever written.
    pub written: BTreeMap<ParcelId, Vec<bool>>,
    /// Its notes of what it receives and sends.
    pub notes: BTreeMap<ParcelId, Vec<u8>>,
    /// How often each parcel was finished.
    pub finished: BTreeMap<ParcelId, u32>,
    /// Bytes given to the socket.
    pub sent: u64,
    /// Bytes of files that are being read.
    pub reading: usize,
    /// Bytes of content that is being written.
    pub writing: usize,
    /// How many bytes of content the storage holds before it is full.
    pub space: u64,
    /// Why storage takes nothing more, also what has its place already, and gives nothing whole.
    pub broken: Option<StoreError>,
    /// The fault of reading back.
    pub reads: Reads,
    /// Whether what a power cut could undo is kept in mind.
    pub may_lose_power: bool,
    /// Writes that a power cut could still undo.
    pub(crate) unflushed: BTreeMap<ParcelId, Unflushed>,
}

/// Something that a client asked its machine for.
pub(crate) enum Asked {
    /// To open this connection.
    Open(u32),
    /// To close this one after what was sent.
    Close(u32),
    /// To send a packet, the last of which is on its way at this time.
    Send(u32, Bytes, Time),
    Read(Box<ReadRequest>),
    /// To do something with a store: it is done, and this is the answer.
    Store(StoreReply),
}

impl Machine {
    /// A machine that is empty. `connections` counts those of all machines.
    pub(crate) fn new(connections: Rc<Cell<u32>>) -> Self {
        Self {
            now: Time::ZERO,
            uplink: None,
            timer: None,
            asked: Vec::new(),
            connections,
            connection: None,
            last_up: Time::ZERO,
            last_arrival: Time::ZERO,
            last_down: Time::ZERO,
            sources: Files::new(),
            forgotten: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            unreadable_files: BTreeMap::new(),
            stores: BTreeMap::new(),
            written: BTreeMap::new(),
            notes: BTreeMap::new(),
            finished: BTreeMap::new(),
            sent: 0,
            reading: 0,
            writing: 0,
            space: u64::MAX,
            broken: None,
            reads: Reads::Whole,
            may_lose_power: true,
            unflushed: BTreeMap::new(),
        }
    }

    /// Takes up what outlives a program that was here before.
    pub(crate) fn inherit(&mut self, before: &mut Self) {
        self.sent = before.sent;
        self.sources = std::mem::take(&mut before.sources);
        self.unreadable = std::mem::take(&mut before.unreadable);
        self.reads = before.reads;
        self.written = std::mem::take(&mut before.written);
    }

    /// Fills a read from the parcel's bytes.
    pub(crate) fn fill(&self, request: &mut ReadRequest) -> Result<(), ReadError> {
        if self.unreadable.contains(&request.parcel) {
            return Err(ReadError {
                file: request.segments[0].file,
                kind: ReadFailure::Changed,
                why: ReadFault::Moved,
            });
        }
        for segment in &request.segments {
            if let Some(&kind) = self.unreadable_files.get(&(request.parcel, segment.file)) {
                return Err(ReadError {
                    file: segment.file,
                    kind,
                    why: ReadFault::Told("something is the matter".into()),
                });
            }
        }
        let files = &self.sources[&request.parcel];
        let bytes: Vec<u8> = request
            .segments
            .iter()
            .flat_map(|s| {
                files[s.file][s.offset as usize..s.offset as usize + s.len]
                    .iter()
                    .copied()
            })
            .collect();
        request.target().copy_from_slice(&bytes);
        Ok(())
    }

    fn hang_up(&mut self) {
        if let Some((connection, true)) = self.connection.take() {
            self.asked.push(Asked::Close(connection));
        }
    }
}

impl Platform for Machine {
    /// Tests look at the stores.
    type Content = ();

    fn now(&self) -> Time {
        self.now
    }

    fn open(&mut self, _url: String) -> Result<(), SocketClose> {
        self.hang_up();
        let connection = self.connections.get() + 1;
        self.connections.set(connection);
        self.connection = Some((connection, false));
        self.asked.push(Asked::Open(connection));
        Ok(())
    }

    fn has_room(&self) -> bool {
        let is_open = self.connection.is_some_and(|(_, is_open)| is_open);
        let buffered = self.uplink.map_or(0.0, |rate| {
            self.last_up.since(self.now).as_secs_f64() * rate as f64
        });
        is_open && buffered < SOCKET_BUFFER as f64
    }

    fn send(&mut self, packet: Bytes) {
        let Some((connection, true)) = self.connection else {
            return;
        };
        self.sent += packet.len() as u64;
        let transfer = self.uplink.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(packet.len() as f64 / rate as f64)
        });
        self.last_up = self.last_up.max(self.now) + transfer;
        self.asked
            .push(Asked::Send(connection, packet, self.last_up));
    }

    fn flush(&mut self) {}

    fn close(&mut self, last: Vec<Bytes>) {
        for packet in last {
            self.send(packet);
        }
        self.hang_up();
    }

    fn read(&mut self, request: ReadRequest) {
        self.reading += request.len();
        self.asked.push(Asked::Read(Box::new(request)));
    }

    fn forget_files(&mut self, parcel: ParcelId) {
        // They stay where they are: their user may choose them again.
        self.forgotten.insert(parcel);
    }

    fn store(&mut self, request: StoreRequest) -> Option<StoreReply> {
        if let Some(reply) = self.change_store(request) {
            self.writing += written(&reply);
            self.asked.push(Asked::Store(reply));
        }
        None
    }

    fn wake(&mut self, at: Time) {
        self.timer = Some(at);
    }
}

/// Bytes of content that a device's storage answers for, taken or not.
pub(crate) fn written(reply: &StoreReply) -> usize {
    match reply {
        StoreReply::Written { len, .. } => *len,
        StoreReply::Unwritten { data, .. } => data.len(),
        _ => 0,
    }
}
