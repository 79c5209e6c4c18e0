//! Storage in Blobs: for pages without a file system. Gone when the page is closed.

use core::ops::Range;

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use mqdrop_core::StoreError;
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::extents::{Extents, Piece};
use super::{BlockStore, Pending, end_within, store_error};
use crate::js::call_async;

/// So many bytes wait in this worker's memory before the browser gets them as a Blob, which it may
/// keep on disk. Larger means fewer Blobs, smaller less memory; 1 GB makes 256 of these.
const HAND_OVER: usize = 4 * 1024 * 1024;

pub(super) struct BlobStore {
    size: u64,
    content: Extents<Part>,
    /// At least the bytes of all `Part::Held`.
    held: usize,
    /// Where held parts are joined on their way into a Blob.
    scratch: Option<Uint8Array>,
}

enum Part {
    /// In this worker's memory.
    Held(Bytes),
    /// With the browser: this range of a Blob.
    Given { blob: Blob, start: u64, end: u64 },
}

impl BlobStore {
    pub(super) fn new(size: u64) -> Self {
        Self {
            size,
            content: Extents::new(),
            held: 0,
            scratch: None,
        }
    }

    /// Turns every run of held parts into one Blob each.
    fn hand_over(&mut self) -> Result<(), StoreError> {
        let mut given = Vec::new();
        for (offset, parts) in self.content.runs(|part| matches!(part, Part::Held(_))) {
            let len = parts.iter().map(|part| part.len()).sum::<u64>();
            let joined = scratch(&mut self.scratch, len);
            let mut at = 0;
            for part in parts {
                if let Part::Held(bytes) = part {
                    let end = at + bytes.len() as u32;
                    joined.subarray(at, end).copy_from(bytes);
                    at = end;
                }
            }
            let blob = Blob::new_with_u8_array_sequence(&Array::of1(&joined))
                .map_err(|error| store_error(&error))?;
            given.push((
                offset,
                Part::Given {
                    blob,
                    start: 0,
                    end: len,
                },
            ));
        }
        for (offset, part) in given {
            self.content.insert(offset, part);
        }
        self.held = 0;
        Ok(())
    }

    /// Puts zeros where nobody wrote, within these ranges.
    fn fill(&mut self, left_out: Vec<Range<u64>>) -> Result<(), StoreError> {
        let gaps = left_out.into_iter();
        let gaps: Vec<_> = gaps.flat_map(|range| self.content.gaps(range)).collect();
        let lengths = gaps.iter().map(|gap| gap.end - gap.start);
        let Some(longest) = lengths.max() else {
            return Ok(());
        };
        let blob = zeros(longest).map_err(|error| store_error(&error))?;
        for gap in gaps {
            let part = Part::Given {
                blob: blob.clone(),
                start: 0,
                end: gap.end - gap.start,
            };
            self.content.insert(gap.start, part);
        }
        Ok(())
    }

    fn whole(&mut self, left_out: Vec<Range<u64>>) -> Result<Blob, StoreError> {
        self.hand_over()?;
        // Nothing is held any more, so nothing needs it.
        self.scratch = None;
        self.fill(left_out)?;
        self.part(0..self.size)
    }

    /// These bytes of the content.
    fn part(&mut self, range: Range<u64>) -> Result<Blob, StoreError> {
        self.hand_over()?;
        // Trying again would not bring back what is missing.
        let parts = self.content.cover(range).ok_or(StoreError::Gone)?;
        let list = Array::new();
        for part in parts {
            if let Part::Given { blob, start, end } = part {
                let slice = blob.slice_with_f64_and_f64(start as f64, end as f64);
                list.push(slice.map_err(|error| store_error(&error))?.as_ref());
            }
        }
        Blob::new_with_blob_sequence(&list).map_err(|error| store_error(&error))
    }
}

/// A Blob of `len` zeros, made of the same ones again and again: it takes no more memory than these.
fn zeros(len: u64) -> Result<Blob, JsValue> {
    let some = len.min(HAND_OVER as u64);
    let array = Array::of1(&Uint8Array::new_with_length(some as u32));
    let blob = Blob::new_with_u8_array_sequence(&array)?;
    let list = Array::new();
    for _ in 0..len / some {
        list.push(&blob);
    }
    list.push(
        blob.slice_with_f64_and_f64(0.0, (len % some) as f64)?
            .as_ref(),
    );
    Blob::new_with_blob_sequence(&list)
}

/// A JavaScript array of `len` bytes, the same one as long as it is long enough: Blobs copy what they are made of.
fn scratch(kept: &mut Option<Uint8Array>, len: u64) -> Uint8Array {
    let len = len as u32;
    match kept {
        Some(array) if array.length() >= len => array.subarray(0, len),
        _ => {
            let array = Uint8Array::new_with_length(len.max(HAND_OVER as u32));
            kept.insert(array).subarray(0, len)
        }
    }
}

impl BlockStore for BlobStore {
    fn write(&mut self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        end_within(offset, data.len(), self.size)?;
        self.held += data.len();
        self.content.insert(offset, Part::Held(data));
        if self.held >= HAND_OVER {
            self.hand_over()
        } else {
            Ok(())
        }
    }

    fn note(&mut self, _note: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }

    fn read(&mut self, offset: u64, len: usize) -> Pending<Result<Bytes, StoreError>> {
        let end = end_within(offset, len, self.size);
        let blob = end.and_then(|end| self.part(offset..end));
        Box::pin(async move {
            let buffer = call_async(blob?.as_ref(), "arrayBuffer", &[]).await;
            let buffer = buffer.map_err(|error| store_error(&error))?;
            Ok(Uint8Array::new(&buffer).to_vec().into())
        })
    }

    fn finish(&mut self, left_out: Vec<Range<u64>>) -> Pending<Result<Blob, StoreError>> {
        Box::pin(core::future::ready(self.whole(left_out)))
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn go_on(&mut self, _notes_len: u64, _size: u64) -> Result<(), StoreError> {
        Ok(())
    }

    fn leave(self: Box<Self>) {}

    fn discard(self: Box<Self>) {}
}

impl Piece for Part {
    fn len(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Given { start, end, .. } => end - start,
        }
    }

    fn cut(&self, start: u64, end: u64) -> Self {
        match self {
            Self::Held(bytes) => Self::Held(bytes.slice(start as usize..end as usize)),
            Self::Given {
                blob, start: from, ..
            } => Self::Given {
                blob: blob.clone(),
                start: from + start,
                end: from + end,
            },
        }
    }
}
