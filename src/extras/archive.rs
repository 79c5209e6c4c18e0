//! Received files as one zip archive: a Blob of slices of the parcel's own Blob, with what the format
//! puts between them. Long files are not read for it. Of short ones whole runs are read at once: browsers
//! take about half a millisecond for each slice.

use js_sys::{Array, Date, Uint8Array};
use mqdrop::js::turn;
use mqdrop_core::view::FileView;
use wasm_bindgen::{JsError, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag};

use crate::together::part;
use crate::zip::{Entry, Modified, Zip};

/// Files of up to so many bytes are read, as long as they are no more than so many together: where
/// content is in memory, it is there twice then.
const SHORT: u64 = 64 * 1024;
const MOST_READ: u64 = 256 * 1024 * 1024;

/// So many bytes are read at once …
const RUN: u64 = 4 * 1024 * 1024;

/// … and so many slices are made before the browser may do something else.
const SLICES: u32 = 32;

/// The archive of a parcel's files that are here.
///
/// # Errors
/// If the CRC-32 of one is not known, or the browser does not read the content or makes no such Blob.
pub(crate) async fn archive(content: &Blob, files: &[FileView]) -> Result<Blob, JsValue> {
    let mut parts = Parts::default();
    let mut zip = Zip::default();
    let mut rest = files;
    let mut left_to_read = MOST_READ;
    while let Some((first, others)) = rest.split_first() {
        let (run, len) = short_run(rest, RUN.min(left_to_read));
        if first.left_out {
            rest = others;
        } else if run.is_empty() {
            parts.add_bytes(&header(&mut zip, first)?);
            parts.add_slice(&part(content, first.offset, first.size)?);
            parts.rest().await?;
            rest = others;
        } else {
            let bytes = read(content, first.offset, len).await?;
            for file in run {
                parts.add_bytes(&header(&mut zip, file)?);
                let start = (file.offset - first.offset) as usize;
                let end = start + file.size as usize;
                parts.add_bytes(bytes.get(start..end).unwrap_or_default());
            }
            left_to_read -= len;
            rest = &rest[run.len()..];
        }
    }
    parts.add_bytes(&zip.finish());
    // Of content that is gone the browser would save nothing, without a word.
    if let Some(last) = files.iter().rfind(|file| file.size > 0 && !file.left_out) {
        read(content, last.offset, 1).await?;
    }
    parts.end()
}

/// The parts of an archive, in their order.
#[derive(Default)]
struct Parts {
    /// Blobs of those that came first: of all at once the browser would take its time.
    whole: Array,
    last: Array,
    /// Those behind the last slice.
    bytes: Vec<u8>,
    slices: u32,
}

impl Parts {
    fn add_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        if self.bytes.len() as u64 >= RUN {
            self.flush();
        }
    }

    fn add_slice(&mut self, slice: &Blob) {
        self.flush();
        self.last.push(slice.as_ref());
        self.slices += 1;
    }

    fn flush(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.last.push(Uint8Array::from(bytes.as_slice()).as_ref());
    }

    /// Lets the browser do something else now and then.
    async fn rest(&mut self) -> Result<(), JsValue> {
        if self.slices >= SLICES {
            self.slices = 0;
            let last = std::mem::take(&mut self.last);
            self.whole.push(blob(&last)?.as_ref());
            turn().await;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Blob, JsValue> {
        self.flush();
        self.whole.push(blob(&self.last)?.as_ref());
        blob(&self.whole)
    }
}

fn blob(parts: &Array) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type("application/zip");
    Blob::new_with_u8_array_sequence_and_options(parts, &options)
}

/// The short files that are here and follow one another, at most so many bytes of them, and how many
/// these are.
fn short_run(files: &[FileView], most: u64) -> (&[FileView], u64) {
    let mut len = 0;
    let is_one = |file: &&FileView| {
        let is_one = !file.left_out && file.size <= SHORT && len + file.size <= most;
        len += if is_one { file.size } else { 0 };
        is_one
    };
    let count = files.iter().take_while(is_one).count();
    (&files[..count], len)
}

fn header(zip: &mut Zip, file: &FileView) -> Result<Vec<u8>, JsError> {
    Ok(zip.add(Entry {
        path: &file.path,
        size: file.size,
        crc32: file.crc32.ok_or_else(|| JsError::new("no CRC-32"))?,
        modified: file.modified.map(modified),
    }))
}

async fn read(content: &Blob, offset: u64, len: u64) -> Result<Vec<u8>, JsValue> {
    if len == 0 {
        return Ok(Vec::new());
    }
    let bytes = JsFuture::from(part(content, offset, len)?.array_buffer()).await?;
    Ok(Uint8Array::new(&bytes).to_vec())
}

/// A time in milliseconds since 1970, here.
fn modified(time: u64) -> Modified {
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let local = Date::new(&JsValue::from_f64(time as f64));
    Modified {
        seconds: i64::try_from(time / 1000).unwrap_or(i64::MAX),
        local: [
            local.get_full_year(),
            local.get_month() + 1,
            local.get_date(),
            local.get_hours(),
            local.get_minutes(),
            local.get_seconds(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_files_are_read_together_up_to_a_long_or_missing_one() {
        let sizes = [10, 0, SHORT, SHORT + 1, 5, 7];
        let files = sizes.map(|size| FileView {
            path: String::new(),
            size,
            offset: 0,
            modified: None,
            mime: String::new(),
            blake3: None,
            crc32: None,
            left_out: size == 7,
        });
        let run_of = |from: usize, most| {
            let (run, len) = short_run(&files[from..], most);
            (run.len(), len)
        };
        assert_eq!(run_of(0, RUN), (3, 10 + SHORT));
        assert_eq!(run_of(0, 11), (2, 10));
        assert_eq!(run_of(0, 9), (0, 0));
        assert_eq!(run_of(3, RUN), (0, 0));
        assert_eq!(run_of(4, RUN), (1, 5));
    }
}
