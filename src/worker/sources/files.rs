//! One parcel's files, read ahead.
//!
//! A read costs the browser much more than its bytes: cutting a piece off a `File` looks up the
//! file on the disk each time, and every piece goes through another process. So whoever reads on
//! from where the last read ended is given parts of a longer one.

use core::cell::RefCell;

use js_sys::{Array, Promise, Uint8Array};
use mqdrop_core::{ReadError, Segment};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use super::{Failure, describe, not_there};

/// Bytes that are read at once from a file that is read from the start on. In the browser's memory,
/// one such piece a parcel, and those that are still waited for.
const AHEAD: u64 = 4 * 1024 * 1024;

pub(super) struct Files {
    files: Vec<File>,
    current: RefCell<Option<Current>>,
}

/// The file that is being read.
struct Current {
    file: usize,
    /// All of it. Unlike the file, it can be cut into pieces without asking the disk.
    whole: Blob,
    ahead: Piece,
}

/// A piece that was asked for, and where it lies.
#[derive(Clone)]
struct Piece {
    start: u64,
    end: u64,
    content: Promise,
}

impl Files {
    pub(super) fn new(files: Vec<File>) -> Self {
        Self {
            files,
            current: RefCell::new(None),
        }
    }

    /// Reads segments one after the other.
    ///
    /// # Errors
    /// If one cannot be read, or is not there.
    pub(super) async fn fill(
        &self,
        segments: &[Segment],
        target: &mut [u8],
    ) -> Result<(), ReadError> {
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
                .map_err(|failure| describe(segment.file, &failure))?;
            rest = after;
        }
        Ok(())
    }

    async fn fill_at_once(&self, segments: &[Segment], target: &mut [u8]) -> Result<(), Failure> {
        let parts = Array::new();
        for segment in segments {
            let file = self.files.get(segment.file).ok_or(Failure::Short)?;
            let end = segment.offset + segment.len as u64;
            if segment.offset == 0 && end as f64 == file.size() {
                parts.push(file.as_ref());
            } else {
                parts.push(cut(file, segment.offset, end)?.as_ref());
            }
        }
        let joined = Blob::new_with_blob_sequence(&parts).map_err(Failure::Browser)?;
        if joined.size() != target.len() as f64 {
            return Err(Failure::Short);
        }
        copy(joined.array_buffer(), 0, target).await
    }

    async fn fill_one(&self, segment: &Segment, target: &mut [u8]) -> Result<(), Failure> {
        let piece = self.piece(segment)?;
        copy(piece.content, segment.offset - piece.start, target).await
    }

    /// A piece that holds the segment: the one that was read ahead, or a new one.
    fn piece(&self, segment: &Segment) -> Result<Piece, Failure> {
        let file = self.files.get(segment.file).ok_or(Failure::Short)?;
        let (start, end) = (segment.offset, segment.offset + segment.len as u64);
        let mut current = self.current.borrow_mut();
        if let Some(current) = current
            .as_mut()
            .filter(|current| current.file == segment.file)
        {
            let ahead = &mut current.ahead;
            if !(ahead.start..=ahead.end).contains(&start) {
                // What was lost is fetched again; the reading goes on where it was.
                return read(&current.whole, start, end);
            }
            if end > ahead.end {
                *ahead = read_ahead(&current.whole, start, end)?;
            }
            return Ok(ahead.clone());
        }
        let whole = cut(file, 0, file.size() as u64)?;
        let ahead = read_ahead(&whole, start, end)?;
        *current = Some(Current {
            file: segment.file,
            whole,
            ahead: ahead.clone(),
        });
        Ok(ahead)
    }
}

fn read_ahead(whole: &Blob, start: u64, end: u64) -> Result<Piece, Failure> {
    let far = start.saturating_add(AHEAD).min(whole.size() as u64);
    read(whole, start, end.max(far))
}

fn read(whole: &Blob, start: u64, end: u64) -> Result<Piece, Failure> {
    let content = cut(whole, start, end)?.array_buffer();
    Ok(Piece {
        start,
        end,
        content,
    })
}

fn cut(blob: &Blob, start: u64, end: u64) -> Result<Blob, Failure> {
    blob.slice_with_f64_and_f64(start as f64, end as f64)
        .map_err(Failure::Browser)
}

/// Copies from `offset` on.
async fn copy(content: Promise, offset: u64, target: &mut [u8]) -> Result<(), Failure> {
    let buffer = JsFuture::from(content).await.map_err(Failure::Browser)?;
    let bytes = Uint8Array::new(&buffer);
    let end = offset + target.len() as u64;
    if u64::from(bytes.length()) < end {
        return Err(Failure::Short);
    }
    bytes.subarray(offset as u32, end as u32).copy_to(target);
    Ok(())
}
