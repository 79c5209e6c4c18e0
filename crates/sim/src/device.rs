//! A device of the simulation: an engine and what a driver would keep for it.

use std::collections::{BTreeMap, BTreeSet};

use mqdrop_core::view::{TransferState, TransferView};
use mqdrop_core::{Engine, Event, ParcelId, ReadError, ReadFailure, ReadRequest, StoreError, Time};

use crate::storage::{Reads, Unflushed};

/// A peer: its engine, and what its driver and its storage keep.
pub struct Device {
    /// The engine itself.
    pub engine: Engine,
    /// The connection in use, and whether it is open.
    pub connection: Option<(u32, bool)>,
    /// When the last of its bytes is on the way: bytes do not overtake each other.
    pub last_up: Time,
    /// When the last of its bytes is there.
    pub last_arrival: Time,
    /// When the last of what is sent to it is there.
    pub last_down: Time,
    /// What it sends, by parcel: its files' bytes.
    pub sources: BTreeMap<ParcelId, Vec<Vec<u8>>>,
    /// Parcels whose files can no longer be read: the browser noticed that they changed.
    pub unreadable: BTreeSet<ParcelId>,
    /// Single files that cannot be read, and why.
    pub unreadable_files: BTreeMap<(ParcelId, usize), ReadFailure>,
    /// What it receives.
    pub stores: BTreeMap<ParcelId, Vec<u8>>,
    /// The bytes of that which were ever written.
    pub written: BTreeMap<ParcelId, Vec<bool>>,
    /// What it noted of what it receives and sends.
    pub notes: BTreeMap<ParcelId, Vec<u8>>,
    /// How often each parcel was given to its user.
    pub finished: BTreeMap<ParcelId, u32>,
    /// Texts that its user was shown.
    pub texts: Vec<(ParcelId, String)>,
    /// Errors that its user was told.
    pub errors: Vec<String>,
    /// The frame limit that it found out.
    pub learnt: Option<u32>,
    /// What its page shows of each transfer: the view of the last time that it was told of one.
    pub shown: BTreeMap<ParcelId, TransferView>,
    /// Every parcel it ever heard of.
    pub parcels: BTreeSet<ParcelId>,
    /// Accepts offers as soon as they come.
    pub accepts: bool,
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
    /// What becomes of what is read back.
    pub reads: Reads,
    /// Whether what a power cut could undo is kept in mind.
    pub may_lose_power: bool,
    /// What a power cut could still undo.
    pub(crate) unflushed: BTreeMap<ParcelId, Unflushed>,
}

impl Device {
    /// A device in no room.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            engine: Engine::new(seed),
            connection: None,
            last_up: Time::ZERO,
            last_arrival: Time::ZERO,
            last_down: Time::ZERO,
            sources: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            unreadable_files: BTreeMap::new(),
            stores: BTreeMap::new(),
            written: BTreeMap::new(),
            notes: BTreeMap::new(),
            finished: BTreeMap::new(),
            texts: Vec::new(),
            errors: Vec::new(),
            learnt: None,
            shown: BTreeMap::new(),
            parcels: BTreeSet::new(),
            accepts: true,
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

    /// Fills a read from the parcel's bytes.
    pub(crate) fn read(&self, request: &mut ReadRequest) -> Result<(), ReadError> {
        if self.unreadable.contains(&request.parcel) {
            return Err(ReadError {
                file: request.segments[0].file,
                kind: ReadFailure::Changed,
                text: "changed".into(),
            });
        }
        for segment in &request.segments {
            if let Some(&kind) = self.unreadable_files.get(&(request.parcel, segment.file)) {
                return Err(ReadError {
                    file: segment.file,
                    kind,
                    text: "something is the matter".into(),
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

    /// Does with an event what a page would.
    pub(crate) fn note(&mut self, event: Event, now: Time) {
        match event {
            Event::Transfer(parcel) => {
                self.parcels.insert(parcel);
                let view = self.view(parcel, now);
                let offered = view.as_ref().is_some_and(|view| {
                    view.state == TransferState::Offered && view.sender.is_some()
                });
                match view {
                    Some(view) => drop(self.shown.insert(parcel, view)),
                    None => drop(self.shown.remove(&parcel)),
                }
                if self.accepts && offered {
                    self.engine.accept(parcel, now);
                }
            }
            Event::Text { parcel, text } => self.texts.push((parcel, text)),
            Event::Error(text) => self.errors.push(text),
            Event::Unfit { error, .. } => self.errors.push(error.to_string()),
            Event::Learnt { frame_limit, .. } => self.learnt = frame_limit,
            Event::Status | Event::Peers | Event::Files(_) | Event::Kept => {}
        }
    }

    /// What its engine shows of a parcel now.
    pub fn view(&self, parcel: ParcelId, now: Time) -> Option<TransferView> {
        self.engine.transfer(parcel, now)
    }

    /// What its engine shows a parcel as now.
    pub fn state(&self, parcel: ParcelId, now: Time) -> Option<TransferState> {
        self.view(parcel, now).map(|view| view.state)
    }
}
