//! One parcel's files.

use core::cell::{Cell, RefCell};

use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use mqdrop_core::{ReadError, Segment};
use web_sys::{Blob, File};

use super::ahead::Budget;
use super::bundles::Bundles;
use super::stream::{Stream, cut, read_at_once};
use super::{Failure, PROBED, describe, not_there};

/// After so many milliseconds a failed read is tried again: WebKit fails those of a page that is
/// being left, whose worker has ended by then. That is not to be taken for a file that was changed.
const LEAVING: u32 = 500;

/// After so many files in a row that could not be read, the next ones are not tried again.
const MOST_IN_A_ROW: u32 = 8;

/// The files of a parcel. Reads of them follow each other.
pub(super) struct Files {
    files: Vec<File>,
    /// For what is read ahead.
    budget: Budget,
    bundles: RefCell<Bundles>,
    /// Somebody reads them: nothing is read ahead any more.
    is_asked_for: Cell<bool>,
    /// Those that could not be read, also when that was tried again.
    failed: Vec<Cell<bool>>,
    /// The number of them in a row.
    failed_in_a_row: Cell<u32>,
    progress: RefCell<Progress>,
}

/// How far reading got.
#[derive(Default)]
struct Progress {
    /// The file of the last read, and where that ended.
    last: (usize, u64),
    /// Reads on in that file, if it is being read on.
    stream: Option<(usize, Stream)>,
}

impl Files {
    pub(super) fn new(files: Vec<File>, budget: Budget) -> Self {
        Self {
            failed: vec![Cell::default(); files.len()],
            failed_in_a_row: Cell::default(),
            files,
            budget,
            bundles: RefCell::default(),
            is_asked_for: Cell::default(),
            progress: RefCell::default(),
        }
    }

    /// Joins some of them, so that they are read faster; returns whether there may be more to join.
    pub(super) fn join_more(&self) -> bool {
        self.bundles.borrow_mut().join_more(&self.files)
    }

    /// Reads some of what is joined, unless somebody asks for it; returns whether there may be more.
    pub(super) async fn read_ahead(&self) -> bool {
        if self.is_asked_for.get() {
            return false;
        }
        let next = self.bundles.borrow_mut().next_to_copy();
        let Some((number, blob)) = next else {
            return false;
        };
        let copy = self.budget.copy(&blob).await;
        // Bytes that come too late might never be dropped.
        if self.is_asked_for.get() {
            return false;
        }
        if let Some(copy) = copy {
            self.bundles.borrow_mut().take_copy(number, copy);
        }
        true
    }

    /// Reads segments one after the other; once more if that fails.
    ///
    /// # Errors
    /// If one cannot be read, or is not there.
    pub(super) async fn fill(
        &self,
        segments: &[Segment],
        target: &mut [u8],
    ) -> Result<(), ReadError> {
        self.is_asked_for.set(true);
        let mut read = self.fill_once(segments, target).await;
        if read.as_ref().is_err_and(|error| self.may_pass(error.file)) {
            TimeoutFuture::new(LEAVING).await;
            read = self.fill_once(segments, target).await;
            if let Err(error) = &read {
                if let Some(failed) = self.failed.get(error.file) {
                    failed.set(true);
                }
                self.failed_in_a_row.set(self.failed_in_a_row.get() + 1);
            }
        }
        if read.is_ok() {
            self.failed_in_a_row.set(0);
        }
        read
    }

    /// Tells whether a failure to read a file may pass: it has not been tried again yet. Where one after
    /// the other fails, their folder is gone, and waiting for each would take hours.
    fn may_pass(&self, file: usize) -> bool {
        let has_failed = self.failed.get(file).is_some_and(Cell::get);
        !has_failed && self.failed_in_a_row.get() < MOST_IN_A_ROW
    }

    async fn fill_once(&self, segments: &[Segment], target: &mut [u8]) -> Result<(), ReadError> {
        // One read for all of them is much faster than one each, but does not tell which one failed.
        if segments.len() > 1 && self.fill_at_once(segments, target).await.is_ok() {
            return Ok(());
        }
        let mut rest = target;
        for segment in segments {
            let (piece, after) = core::mem::take(&mut rest)
                .split_at_mut_checked(segment.len)
                .ok_or_else(|| not_there(segment.file))?;
            self.fill_one(segment, piece)
                .await
                .map_err(|failure| describe(segment.file, &failure, self.files.len() <= PROBED))?;
            rest = after;
        }
        Ok(())
    }

    /// Reads segments in one go.
    ///
    /// # Errors
    /// If that fails; which of them it was is not known.
    pub(super) async fn fill_at_once(
        &self,
        segments: &[Segment],
        target: &mut [u8],
    ) -> Result<(), Failure> {
        let joined = self.join(segments)?;
        read_at_once(&joined, target).await?;
        if let Some(segment) = segments.last() {
            let mut progress = self.progress.borrow_mut();
            progress.last = (segment.file, end(segment));
            progress.stream = None;
        }
        Ok(())
    }

    /// The segments' bytes as one Blob.
    fn join(&self, segments: &[Segment]) -> Result<Blob, Failure> {
        let mut bundles = self.bundles.borrow_mut();
        if let Some(last) = segments.last() {
            bundles.go_on_at(last.file + 1);
        }
        let mut parts: Vec<Part<'_>> = Vec::new();
        for segment in segments {
            let part = self.part(segment, &bundles)?;
            match parts.last_mut() {
                Some(last) if last.is_before(&part) => last.end = part.end,
                _ => parts.push(part),
            }
        }
        let cuts = Array::new();
        for part in &parts {
            cuts.push(part.cut()?.as_ref());
        }
        Blob::new_with_blob_sequence(&cuts).map_err(Failure::Browser)
    }

    fn part<'a>(&'a self, segment: &Segment, bundles: &'a Bundles) -> Result<Part<'a>, Failure> {
        let file = self.files.get(segment.file).ok_or(Failure::Short)?;
        // The bytes behind it may be another file's.
        if end(segment) as f64 > file.size() {
            return Err(Failure::Short);
        }
        let (blob, start) = bundles.find(segment.file).unwrap_or((file, 0));
        Ok(Part {
            blob,
            start: start.saturating_add(segment.offset),
            end: start.saturating_add(end(segment)),
        })
    }

    /// Closes the file that is being read on, and drops what was read ahead. Files are opened again
    /// when reading goes on.
    pub(super) fn close(&self) {
        self.bundles.borrow_mut().drop_copies();
        self.progress.borrow_mut().stream = None;
    }

    async fn fill_one(&self, segment: &Segment, target: &mut [u8]) -> Result<(), Failure> {
        let file = self.files.get(segment.file).ok_or(Failure::Short)?;
        if let Some(mut stream) = self.stream(segment, file) {
            // If it fails, the read below tells why.
            if stream.fill(target).await.is_ok() {
                let mut progress = self.progress.borrow_mut();
                progress.last = (segment.file, stream.at());
                progress.stream = (!stream.is_at_end()).then_some((segment.file, stream));
                return Ok(());
            }
        }
        read_at_once(&cut(file, segment.offset, end(segment))?, target).await?;
        self.progress.borrow_mut().last = (segment.file, end(segment));
        Ok(())
    }

    /// Takes out, or opens, what reads on from where the segment begins: if it begins where the last
    /// read ended, or its file begins. What was lost on the way and is read again is neither.
    fn stream(&self, segment: &Segment, file: &File) -> Option<Stream> {
        let mut progress = self.progress.borrow_mut();
        let begins = (segment.file, segment.offset);
        if let Some((_, stream)) = progress
            .stream
            .take_if(|(file, stream)| (*file, stream.at()) == begins)
        {
            return Some(stream);
        }
        let goes_on = segment.offset == 0 || progress.last == begins;
        if !goes_on || is_whole(file, segment) {
            return None;
        }
        progress.stream = None;
        // All of it: unlike the file, it can be cut without asking the disk.
        let whole = cut(file, 0, file.size() as u64).ok()?;
        Stream::open(&whole, segment.offset).ok()
    }
}

/// A part of a Blob.
struct Part<'a> {
    blob: &'a Blob,
    start: u64,
    end: u64,
}

impl Part<'_> {
    fn is_before(&self, other: &Self) -> bool {
        core::ptr::eq(self.blob, other.blob) && self.end == other.start
    }

    fn cut(&self) -> Result<Blob, Failure> {
        // Cutting a file asks the disk.
        if self.start == 0 && self.end as f64 == self.blob.size() {
            Ok(self.blob.clone())
        } else {
            cut(self.blob, self.start, self.end)
        }
    }
}

fn end(segment: &Segment) -> u64 {
    segment.offset.saturating_add(segment.len as u64)
}

fn is_whole(file: &File, segment: &Segment) -> bool {
    segment.offset == 0 && end(segment) as f64 == file.size()
}
