//! The stores of parcels: content and notes of what is received, notes of what is sent.

mod disk;
mod kept;
mod moved;
mod moves;
mod names;
mod notes;
mod part;
mod place;
mod sent;
mod spooled;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mqdrop_client::Input;
use mqdrop_core::view::FileView;
use mqdrop_core::{ParcelId, StoreError, StoreReply, StoreRequest};

use super::Inputs;
use super::backlog::Backlog;
use super::lane::Lane;
use super::sources::spool_folder;
use crate::words;
use moved::Moved;
use part::{Left, Part};
use sent::{Sent, SentFolder};
use spooled::Spooled;
use target::Opened;

pub(crate) use kept::{Kept, Saved, TakenUp};
pub(crate) use place::Collisions;
pub(crate) use sent::Fingerprint;
pub(crate) use target::Target;

enum Store {
    /// Nothing yet: it is known with the first note.
    Undecided,
    Part(Box<Part>),
    Moved(Box<Moved>),
    Spooled(Spooled),
    Sent(Sent),
}

/// The stores by parcel.
pub(super) struct Stores {
    slots: BTreeMap<ParcelId, Slot>,
    titles: BTreeMap<ParcelId, String>,
    /// Of parcels whose notes have not begun.
    fingerprints: BTreeMap<ParcelId, Fingerprint>,
    target: Opened,
    sent: Option<SentFolder>,
    /// Bytes that wait to be written.
    backlog: Arc<Backlog>,
    inputs: Inputs<Saved>,
}

struct Slot {
    lane: Arc<Lane>,
    store: Arc<Mutex<Option<Store>>>,
    /// Its answers are wanted.
    is_live: Arc<AtomicBool>,
    is_undecided: bool,
    files: Option<Arc<[FileView]>>,
    /// It is to be finished, and its files are not known yet.
    waits: Option<Vec<Range<u64>>>,
}

impl Stores {
    /// `state` is the folder for state; the user's if there is none.
    ///
    /// # Errors
    /// If the target cannot be opened.
    pub(super) fn new(
        target: &Target,
        state: Option<&Path>,
        backlog: Arc<Backlog>,
        inputs: Inputs<Saved>,
    ) -> io::Result<Self> {
        Ok(Self {
            slots: BTreeMap::new(),
            titles: BTreeMap::new(),
            fingerprints: BTreeMap::new(),
            target: target.open()?,
            sent: match state {
                Some(state) => Some(SentFolder::below(state)),
                None => SentFolder::of_user(),
            },
            backlog,
            inputs,
        })
    }

    /// Takes up what earlier processes left. Takes a while.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub(super) fn take_up(&self) -> io::Result<TakenUp> {
        let mut taken = TakenUp::default();
        if let Opened::Folder(dir, collisions) = &self.target {
            for left in Part::take_up(dir, *collisions)? {
                match left {
                    Left::Finished(saved) => taken.finished.push(saved),
                    Left::Moved(moved, notes) => taken.received.push(Kept {
                        notes,
                        fingerprint: None,
                        store: Store::Moved(moved),
                    }),
                    Left::Part(part, notes) => taken.received.push(Kept {
                        notes,
                        fingerprint: None,
                        store: Store::Part(part),
                    }),
                }
            }
        }
        if let Some(folder) = &self.sent {
            let sent = folder.take_up()?.into_iter();
            taken.sent = sent
                .map(|(sent, notes, fingerprint)| Kept {
                    notes,
                    fingerprint,
                    store: Store::Sent(sent),
                })
                .collect();
        }
        Ok(taken)
    }

    /// The engine restored this parcel: its store goes on.
    pub(super) fn go_on(&mut self, kept: Kept, parcel: ParcelId, notes_len: u64, size: u64) {
        let mut store = kept.store;
        // Without room for the rest, writing that will say so.
        match &mut store {
            Store::Part(part) => drop(part.go_on(notes_len, size)),
            Store::Sent(sent) => drop(sent.cut(notes_len)),
            Store::Undecided | Store::Spooled(_) | Store::Moved(_) => {}
        }
        self.discard(parcel);
        self.slots.insert(parcel, Slot::new(Some(store)));
    }

    /// Names the files of a parcel that is not whole yet; before it is created.
    pub(super) fn set_title(&mut self, parcel: ParcelId, title: String) {
        self.titles.insert(parcel, title);
    }

    /// The files that a parcel's content consists of. It is finished when these are known.
    pub(super) fn set_files(&mut self, parcel: ParcelId, files: Vec<FileView>) {
        let Some(slot) = self.slots.get_mut(&parcel) else {
            return;
        };
        slot.files = Some(files.into());
        if let Some(left_out) = slot.waits.take() {
            self.finish(parcel, left_out);
        }
    }

    /// Notes which files a parcel has that is sent.
    pub(super) fn set_fingerprint(&mut self, parcel: ParcelId, fingerprint: Fingerprint) {
        let slot = self.slots.get(&parcel);
        if slot.is_none_or(|slot| slot.is_undecided) {
            self.fingerprints.insert(parcel, fingerprint);
            return;
        }
        self.later(parcel, move |store, _| {
            if let Some(Store::Sent(sent)) = store {
                // Without it the parcel is not found again after a restart.
                let _ = sent.set_fingerprint(&fingerprint);
            }
        });
    }

    /// The files of a parcel are forgotten.
    pub(super) fn forget_fingerprint(&mut self, parcel: ParcelId) {
        self.fingerprints.remove(&parcel);
    }

    /// Does what the engine asks. `is_sent` says that the parcel is one that is sent.
    pub(super) fn request(&mut self, request: StoreRequest, is_sent: bool) -> Option<StoreReply> {
        match request {
            StoreRequest::Create { parcel, size } => return self.create(parcel, size, is_sent),
            StoreRequest::Write {
                parcel,
                offset,
                data,
            } => return self.write(parcel, offset, data),
            StoreRequest::Note { parcel, note } => {
                self.decide(parcel, is_sent);
                self.later(parcel, move |store, _| {
                    // Without it, the content that it tells of is received again after a restart.
                    let _ = match store {
                        Some(Store::Part(part)) => part.note(&note),
                        Some(Store::Sent(sent)) => sent.note(&note),
                        Some(Store::Spooled(_) | Store::Moved(_) | Store::Undecided) | None => {
                            Ok(())
                        }
                    };
                });
            }
            StoreRequest::Read {
                parcel,
                offset,
                len,
            } => {
                if !self.slots.contains_key(&parcel) {
                    let error = StoreError::Gone;
                    return Some(unread(parcel, offset, error));
                }
                self.later(parcel, move |store, tell| {
                    let read = match store {
                        Some(Store::Part(part)) => part.read(offset, len),
                        Some(Store::Moved(moved)) => moved.read(offset, len),
                        Some(Store::Spooled(spooled)) => spooled.read(offset, len),
                        Some(Store::Sent(_) | Store::Undecided) | None => Err(StoreError::Gone),
                    };
                    tell(Input::Stored(match read {
                        Ok(data) => StoreReply::Read {
                            parcel,
                            offset,
                            data,
                        },
                        Err(error) => unread(parcel, offset, error),
                    }));
                });
            }
            StoreRequest::Finish { parcel, left_out } => {
                self.decide(parcel, is_sent);
                let Some(slot) = self.slots.get_mut(&parcel) else {
                    let error = StoreError::Gone;
                    return Some(StoreReply::Failed { parcel, error });
                };
                if slot.files.is_some() {
                    self.finish(parcel, left_out);
                } else {
                    slot.waits = Some(left_out);
                }
            }
            StoreRequest::Discard { parcel } => self.discard(parcel),
        }
        None
    }

    fn create(&mut self, parcel: ParcelId, size: u64, is_sent: bool) -> Option<StoreReply> {
        self.discard(parcel);
        let mut slot = Slot::new(None);
        if size == 0 && !is_sent {
            // A parcel that is sent, or one of empty files.
            slot.is_undecided = true;
            slot.store = Arc::new(Mutex::new(Some(Store::Undecided)));
            self.slots.insert(parcel, slot);
            return Some(StoreReply::Created { parcel });
        }
        self.slots.insert(parcel, slot);
        let make = self.maker(parcel, size, is_sent);
        self.later(parcel, move |store, tell| match make() {
            Ok(made) => {
                *store = Some(made);
                tell(Input::Stored(StoreReply::Created { parcel }));
            }
            Err(error) => tell(Input::Stored(StoreReply::Failed { parcel, error })),
        });
        None
    }

    /// Creates what was left undecided.
    fn decide(&mut self, parcel: ParcelId, is_sent: bool) {
        let slot = self.slots.get_mut(&parcel);
        if !slot.is_some_and(|slot| std::mem::take(&mut slot.is_undecided)) {
            return;
        }
        let make = self.maker(parcel, 0, is_sent);
        // Finishing will say that there is none.
        self.later(parcel, move |store, _| *store = make().ok());
    }

    fn maker(
        &mut self,
        parcel: ParcelId,
        size: u64,
        is_sent: bool,
    ) -> impl FnOnce() -> Result<Store, StoreError> + Send + use<> {
        let title = self.titles.remove(&parcel);
        let fingerprint = self.fingerprints.remove(&parcel);
        let (target, sent) = (self.target.clone(), self.sent.clone());
        move || {
            if is_sent {
                let folder =
                    sent.ok_or_else(|| StoreError::Told(words().store_nowhere_to_keep().into()))?;
                let sent = folder.create(parcel).map_err(|error| {
                    StoreError::Told(words().store_not_noted(&error.to_string()))
                })?;
                if let Some(fingerprint) = fingerprint {
                    // Without it the parcel is not found again after a restart.
                    let _ = sent.set_fingerprint(&fingerprint);
                }
                return Ok(Store::Sent(sent));
            }
            match target {
                Opened::Folder(dir, collisions) => {
                    Part::create(&dir, collisions, parcel, title.as_deref(), size)
                        .map(|part| Store::Part(Box::new(part)))
                }
                Opened::Stdout => {
                    let file = tempfile::tempfile_in(spool_folder());
                    Spooled::create(file, size).map(Store::Spooled)
                }
                Opened::Nowhere => Err(StoreError::Told(words().store_nowhere().into())),
            }
        }
    }

    fn write(&mut self, parcel: ParcelId, offset: u64, data: Bytes) -> Option<StoreReply> {
        if !self.slots.contains_key(&parcel) {
            let error = StoreError::Gone;
            return Some(StoreReply::Failed { parcel, error });
        }
        let held = self.backlog.hold(data.len());
        self.later(parcel, move |store, tell| {
            let written = match store {
                Some(Store::Part(part)) => part.write(offset, &data),
                Some(Store::Spooled(spooled)) => spooled.write(offset, &data),
                // One that is whole and in its place needs nothing more.
                Some(Store::Sent(_) | Store::Moved(_) | Store::Undecided) | None => {
                    Err(StoreError::Gone)
                }
            };
            drop(held);
            let len = data.len();
            tell(Input::Stored(match written {
                Ok(()) => StoreReply::Written { parcel, len },
                Err(error) => StoreReply::Unwritten {
                    parcel,
                    offset,
                    data,
                    error,
                },
            }));
        });
        None
    }

    fn finish(&mut self, parcel: ParcelId, left_out: Vec<Range<u64>>) {
        let files = self.slots.get(&parcel).and_then(|slot| slot.files.clone());
        let Some(files) = files else { return };
        self.later(parcel, move |store, tell| {
            let saved = match store {
                Some(Store::Part(part)) => part.finish(&files, &left_out),
                Some(Store::Moved(moved)) => Ok(moved.finish()),
                Some(Store::Spooled(spooled)) => spooled.finish(&files, &mut io::stdout().lock()),
                Some(Store::Sent(_) | Store::Undecided) | None => Err(StoreError::Gone),
            };
            tell(match saved {
                Ok(content) => Input::Finished { parcel, content },
                Err(error) => Input::Stored(StoreReply::Failed { parcel, error }),
            });
        });
    }

    /// Does something with a parcel's store, after all that was to be done before.
    fn later(
        &self,
        parcel: ParcelId,
        work: impl FnOnce(&mut Option<Store>, &dyn Fn(Input<Saved>)) + Send + 'static,
    ) {
        let Some(slot) = self.slots.get(&parcel) else {
            return;
        };
        let (store, is_live) = (Arc::clone(&slot.store), Arc::clone(&slot.is_live));
        let inputs = self.inputs.clone();
        slot.lane.push(move || {
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut store, &|input| {
                if is_live.load(Ordering::Acquire) {
                    // Nobody listens when the program ends.
                    let _ = inputs.send(input);
                }
            });
        });
    }

    fn discard(&mut self, parcel: ParcelId) {
        if let Some(slot) = self.slots.get(&parcel) {
            slot.is_live.store(false, Ordering::Release);
            self.later(parcel, |store, _| {
                if let Some(store) = store.take() {
                    store.discard();
                }
            });
            self.slots.remove(&parcel);
        }
    }
}

impl Slot {
    fn new(store: Option<Store>) -> Self {
        Self {
            lane: Arc::default(),
            store: Arc::new(Mutex::new(store)),
            is_live: Arc::new(AtomicBool::new(true)),
            is_undecided: false,
            files: None,
            waits: None,
        }
    }
}

impl Store {
    fn discard(self) {
        match self {
            Self::Part(part) => part.discard(),
            Self::Moved(moved) => moved.discard(),
            Self::Sent(sent) => sent.discard(),
            // It has no name.
            Self::Spooled(_) | Self::Undecided => {}
        }
    }
}

fn unread(parcel: ParcelId, offset: u64, error: StoreError) -> StoreReply {
    StoreReply::Unread {
        parcel,
        offset,
        error,
    }
}
