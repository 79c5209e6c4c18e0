//! One parcel's files, read ahead.
//!
//! A read costs the browser much more than its bytes: cutting a piece off a `File` looks up the
//! file on the disk each time, and every piece goes through another process. So whoever reads on
//! from where the last read ended is given parts of a longer one.

use core::cell::RefCell;

use js_sys::{Array, Promise, Uint8Array};
use mqdrop_core::{ReadError, Segment};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File};

use super::{Failure, describe, not_there};

/// Bytes of a piece of a file that is read from the start on. In the browser's memory, two a parcel:
/// the one that is handed out, and the next, which is on its way.
const PIECE: u64 = 4 * 1024 * 1024;

pub(super) struct Files {
    files: Vec<File>,
    current: RefCell<Option<Current>>,
}

/// The file that is being read.
struct Current {
    file: usize,
    /// All of it. Unlike the file, it can be cut into pieces without asking the disk.
    whole: Blob,
    /// Where it is being read, without a gap between them.
    ahead: [Piece; 2],
}

/// A piece that was asked for, and where it lies. The last of a file may be empty.
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
        let end = segment.offset + segment.len as u64;
        let (mut offset, mut rest) = (segment.offset, target);
        while !rest.is_empty() {
            let piece = self.piece(segment.file, offset, end)?;
            let len = (piece.end.min(end) - offset) as usize;
            let (part, after) = rest.split_at_mut(len);
            if part.is_empty() {
                return Err(Failure::Short);
            }
            copy(piece.content, offset - piece.start, part).await?;
            (offset, rest) = (offset + len as u64, after);
        }
        Ok(())
    }

    /// A piece that holds at least the first byte from `offset` on.
    fn piece(&self, file: usize, offset: u64, end: u64) -> Result<Piece, Failure> {
        let mut kept = self.current.borrow_mut();
        let current = match kept.take() {
            Some(known) if known.file == file => kept.insert(known),
            _ => {
                let picked = self.files.get(file).ok_or(Failure::Short)?;
                kept.insert(Current::open(file, picked, offset)?)
            }
        };
        if current.ahead[1].contains(offset) {
            current.advance()?;
        }
        if current.ahead[0].contains(offset) {
            let piece = current.ahead[0].clone();
            if end == current.whole.size() as u64 {
                // Read to its end: nothing is kept of it in memory.
                *kept = None;
            }
            return Ok(piece);
        }
        // What was lost is fetched again; the reading goes on where it was.
        Piece::read(&current.whole, offset, end)
    }
}

impl Current {
    fn open(file: usize, picked: &File, offset: u64) -> Result<Self, Failure> {
        let whole = cut(picked, 0, picked.size() as u64)?;
        let first = Piece::read(&whole, offset, offset.saturating_add(PIECE))?;
        let next = first.next(&whole)?;
        Ok(Self {
            file,
            whole,
            ahead: [first, next],
        })
    }

    fn advance(&mut self) -> Result<(), Failure> {
        let next = self.ahead[1].next(&self.whole)?;
        self.ahead.swap(0, 1);
        self.ahead[1] = next;
        Ok(())
    }
}

impl Piece {
    /// Begins to read up to `end`, or as far as there is something.
    fn read(whole: &Blob, start: u64, end: u64) -> Result<Self, Failure> {
        let end = end.min(whole.size() as u64);
        if start > end {
            return Err(Failure::Short);
        }
        let content = cut(whole, start, end)?.array_buffer();
        // Nobody may ever wait for it; a failure would then count as one that was overlooked.
        let watched = JsFuture::from(content.clone());
        spawn_local(async move {
            let _ = watched.await;
        });
        Ok(Self {
            start,
            end,
            content,
        })
    }

    fn next(&self, whole: &Blob) -> Result<Self, Failure> {
        Self::read(whole, self.end, self.end.saturating_add(PIECE))
    }

    fn contains(&self, offset: u64) -> bool {
        (self.start..self.end).contains(&offset)
    }
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
