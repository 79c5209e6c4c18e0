//! The files that this device sends, read piece by piece.

mod ahead;
mod bundles;
mod files;
mod stream;
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests;

use core::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use litemap::LiteMap;
use mqdrop_core::{Entry, ParcelId, ReadError, ReadFailure, ReadFault, ReadRequest};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

use crate::bridge::PickedFile;
use crate::js::{call_async, error_name, error_text};
use ahead::Budget;
use files::Files;

/// How long an idle file stays open, in milliseconds.
const IDLE: u32 = 3_000;

/// Bytes that were read ahead are dropped if nobody accepted them after so long, in milliseconds.
const EXPIRY: u32 = 60_000;

/// Reads of many files that go on while others begin. Each of their files takes the browser a while
/// that has nothing to do with its length.
const BESIDE: u32 = 3;

/// So many files are looked into before they are offered. Of more only the empty ones are, as each
/// takes a moment.
const PROBED: usize = 100;

/// The outcome of a read.
pub(super) type ReadResult = (ReadRequest, Result<(), ReadError>);

/// The files of outgoing parcels.
pub(super) struct Sources {
    parcels: LiteMap<ParcelId, Rc<Source>>,
    /// For what is read ahead.
    budget: Budget,
    report: Rc<dyn Fn(ReadResult)>,
}

/// The files of one parcel, and what is to be read of them.
struct Source {
    files: Files,
    /// In this order, as most reads begin where the one before ended.
    reads: RefCell<VecDeque<ReadRequest>>,
    is_reading: Cell<bool>,
    /// Reads of many files that are under way beside the one that the others wait for.
    beside: Cell<u32>,
    /// Closes the file when nothing was read for a while: the user may want to move or remove it,
    /// and whether it was changed is looked at when it is opened.
    idle: RefCell<Option<Timeout>>,
}

impl Sources {
    /// Filled requests are handed to `report`.
    pub(super) fn new(report: Rc<dyn Fn(ReadResult)>) -> Self {
        Self {
            parcels: LiteMap::new(),
            budget: Budget::default(),
            report,
        }
    }

    /// These are the files of a parcel.
    pub(super) fn keep(&mut self, parcel: ParcelId, files: Vec<File>) {
        let source = Source::new(Files::new(files, self.budget.clone()));
        spawn_local(prepare(Rc::downgrade(&source), EXPIRY));
        self.parcels.insert(parcel, source);
    }

    /// The parcel is gone, or its files were not the right ones.
    pub(super) fn forget(&mut self, parcel: ParcelId) {
        self.parcels.remove(&parcel);
    }

    /// Reads, once everything asked for before is read.
    pub(super) fn read(&self, request: ReadRequest) {
        let Some(source) = self.parcels.get(&request.parcel).cloned() else {
            (self.report)((request, Err(not_there(0))));
            return;
        };
        source.reads.borrow_mut().push_back(request);
        if !source.is_reading.replace(true) {
            source.idle.take();
            spawn_local(source.work_off(Rc::clone(&self.report)));
        }
    }
}

impl Source {
    fn new(files: Files) -> Rc<Self> {
        Rc::new(Self {
            files,
            reads: RefCell::default(),
            is_reading: Cell::default(),
            beside: Cell::default(),
            idle: RefCell::default(),
        })
    }

    async fn work_off(self: Rc<Self>, report: Rc<dyn Fn(ReadResult)>) {
        while let Some(request) = self.next() {
            if request.segments.len() > 1 && self.beside.get() < BESIDE {
                self.beside.set(self.beside.get() + 1);
                let (source, report) = (Rc::clone(&self), Rc::clone(&report));
                spawn_local(async move {
                    source.answer(request, &*report).await;
                    source.beside.set(source.beside.get() - 1);
                });
            } else {
                self.answer(request, &*report).await;
            }
        }
        self.is_reading.set(false);
        self.close_after(IDLE);
    }

    /// Closes what is open then, unless reads come before.
    fn close_after(self: &Rc<Self>, milliseconds: u32) {
        let source = Rc::downgrade(self);
        let close = move || {
            if let Some(source) = source.upgrade() {
                source.files.close();
            }
        };
        self.idle.replace(Some(Timeout::new(milliseconds, close)));
    }

    async fn answer(&self, mut request: ReadRequest, report: &dyn Fn(ReadResult)) {
        let segments = request.segments.clone();
        let result = self.files.fill(&segments, request.target()).await;
        report((request, result));
    }

    fn next(&self) -> Option<ReadRequest> {
        self.reads.borrow_mut().pop_front()
    }
}

/// Joins the small files of a parcel bit by bit, as other work has to go on: first of all the offer.
/// Then reads them ahead until somebody accepts them, and drops that after `expiry` milliseconds if
/// nobody does.
async fn prepare(source: Weak<Source>, expiry: u32) {
    loop {
        TimeoutFuture::new(0).await;
        let Some(source) = source.upgrade() else {
            return;
        };
        if source.files.join_more() || source.files.read_ahead().await {
            continue;
        }
        if source.idle.borrow().is_none() && !source.is_reading.get() {
            source.close_after(expiry);
        }
        return;
    }
}

/// Picked files that can be read, and the paths of those that cannot: browsers list them too, and some
/// of it as empty files.
pub(super) async fn readable(picked: Vec<PickedFile>) -> (Vec<PickedFile>, Vec<String>) {
    let looks_into_all = picked.len() <= PROBED;
    let (mut readable, mut others) = (Vec::with_capacity(picked.len()), Vec::new());
    for one in picked {
        if can_be_read(&one.file, looks_into_all).await {
            readable.push(one);
        } else {
            others.push(one.path);
        }
    }
    (readable, others)
}

async fn can_be_read(file: &JsValue, if_not_empty: bool) -> bool {
    let Some(blob) = file.dyn_ref::<Blob>() else {
        return false;
    };
    let beginning = match blob.size() {
        0.0 => Ok(blob.clone()),
        _ if if_not_empty => stream::cut(blob, 0, 1),
        _ => return true,
    };
    match beginning {
        Ok(beginning) => call_async(&beginning, "arrayBuffer", &[]).await.is_ok(),
        Err(_) => false,
    }
}

/// Picked files, as files and as the engine's entries. What is none is passed over.
pub(super) fn open(picked: Vec<PickedFile>) -> (Vec<File>, Vec<Entry>) {
    let mut files = Vec::with_capacity(picked.len());
    let mut entries = Vec::with_capacity(picked.len());
    for PickedFile { file, path } in picked {
        let Ok(file) = file.dyn_into::<File>() else {
            continue;
        };
        entries.push(Entry {
            path,
            size: file.size() as u64,
            modified: modified(&file),
            mime: file.type_(),
        });
        files.push(file);
    }
    (files, entries)
}

/// When a file was last changed, in milliseconds since 1970; earlier times are not told.
fn modified(file: &File) -> Option<u64> {
    let millis = file.last_modified();
    (millis >= 0.0).then_some(millis as u64)
}

/// Why a piece was not read.
#[derive(Debug)]
pub(super) enum Failure {
    /// There are fewer bytes than there were.
    Short,
    /// An exception.
    Browser(JsValue),
}

/// `was_probed` says that all files could be read when they were chosen.
fn describe(file: usize, failure: &Failure, was_probed: bool) -> ReadError {
    use ReadFailure::{Changed, Unreadable};
    let (kind, why) = match failure {
        Failure::Short => (Changed, ReadFault::Shorter),
        Failure::Browser(error) => match error_name(error).as_str() {
            "NotFoundError" => (Changed, ReadFault::Moved),
            // Browsers compare the file's time of change with what it was when it was chosen, and
            // say the same of what may not be read.
            "NotReadableError" if was_probed => (Changed, ReadFault::Changed),
            "NotReadableError" => (Unreadable, ReadFault::Unreadable),
            "NotAllowedError" | "SecurityError" => (Unreadable, ReadFault::Withheld),
            _ => (Unreadable, ReadFault::Told(error_text(error))),
        },
    };
    ReadError { file, kind, why }
}

fn not_there(file: usize) -> ReadError {
    ReadError {
        file,
        kind: ReadFailure::Changed,
        why: ReadFault::NotThere,
    }
}
