//! One file, read on and on.
//!
//! Cutting a piece off a file for each read costs the browser twice of what a stream does: for each
//! piece it opens the file, sets up a pipe and takes memory that was never used before. A stream
//! fills the same buffer again and again.

use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::Failure;
use crate::js::{call, call_async, property};

/// The file is opened anew after so many bytes. Chromium and WebKit compare then its time of change
/// with what it was when it was chosen, so that a change is noticed before gigabytes were sent for
/// nothing. Bytes.
const STRETCH: u64 = 64 * 1024 * 1024;

/// The buffer grows to the longest read, but no further than this. Bytes.
const LONGEST_BUFFER: usize = 4 * 1024 * 1024;

/// Reads a file from some place on, as a stream of bytes (<https://streams.spec.whatwg.org/#byob-readers>).
pub(super) struct Stream {
    /// All of the file.
    whole: Blob,
    /// Where the next byte lies.
    at: u64,
    /// Where this stretch ends.
    end: u64,
    reader: Reader,
    /// The reader fills it and gives it back.
    buffer: ArrayBuffer,
}

impl Stream {
    /// # Errors
    /// If there is nothing to read, or this engine's files are no streams of bytes. Other streams
    /// allocate for each answer as reading pieces does, and may read ahead without a bound.
    pub(super) fn open(whole: &Blob, at: u64) -> Result<Self, Failure> {
        // A stream that is not read may load its file all the same, so it is not tried on that.
        if !IS_SUPPORTED.with(|supported| *supported) {
            return Err(Failure::Short);
        }
        let end = at.saturating_add(STRETCH).min(whole.size() as u64);
        if at >= end {
            return Err(Failure::Short);
        }
        Ok(Self {
            whole: whole.clone(),
            at,
            end,
            reader: Reader::open(&cut(whole, at, end)?)?,
            buffer: ArrayBuffer::new(0),
        })
    }

    /// Where the next byte lies.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Reads the next bytes. The file's last ones are given out only if it is still the same.
    ///
    /// # Errors
    /// If they cannot be read. The stream is of no use then.
    pub(super) async fn fill(&mut self, target: &mut [u8]) -> Result<(), Failure> {
        let mut rest = target;
        while !rest.is_empty() {
            if self.at == self.end {
                *self = Self::open(&self.whole, self.at)?;
            }
            let wanted = rest.len().min((self.end - self.at) as usize);
            let bytes = self.read(wanted).await?;
            let (part, after) = core::mem::take(&mut rest)
                .split_at_mut_checked(bytes.length() as usize)
                .ok_or(Failure::Short)?;
            bytes.copy_to(part);
            self.at += part.len() as u64;
            rest = after;
        }
        if self.is_at_end() {
            read_at_once(&cut(&self.whole, self.at - 1, self.at)?, &mut [0]).await?;
        }
        Ok(())
    }

    /// The next bytes: at least one, at most `wanted`.
    async fn read(&mut self, wanted: usize) -> Result<Uint8Array, Failure> {
        let len = wanted.min(LONGEST_BUFFER) as u32;
        if self.buffer.byte_length() < len {
            self.buffer = ArrayBuffer::new(len);
        }
        let view = Uint8Array::new_with_byte_offset_and_length(&self.buffer, 0, len);
        // One answer instead of some; engines that do not know it give what they have.
        let all = options("min", &len.into())?;
        let answer = call_async(&self.reader.0, "read", &[&view, &all]).await;
        let value = property(&answer.map_err(Failure::Browser)?, "value");
        let bytes: Uint8Array = value.dyn_into().map_err(|_| Failure::Short)?;
        if bytes.length() == 0 {
            return Err(Failure::Short);
        }
        self.buffer = bytes.buffer().unchecked_into();
        Ok(bytes)
    }

    /// Whether the whole file was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.whole.size() as u64
    }
}

thread_local! {
    /// Whether this engine's files are streams of bytes.
    static IS_SUPPORTED: bool = Blob::new().is_ok_and(|nothing| Reader::open(&nothing).is_ok());
}

/// A `ReadableStreamBYOBReader`.
struct Reader(JsValue);

impl Reader {
    fn open(blob: &Blob) -> Result<Self, Failure> {
        let stream = call(blob, "stream", &[]).map_err(Failure::Browser)?;
        call(&stream, "getReader", &[&options("mode", &"byob".into())?])
            .map(Self)
            .map_err(Failure::Browser)
    }
}

impl Drop for Reader {
    /// Tells the browser that nobody reads on, so that it closes the file.
    fn drop(&mut self) {
        let reader = self.0.clone();
        spawn_local(async move {
            // It fails if reading failed, which was said then.
            let _ = call_async(&reader, "cancel", &[]).await;
        });
    }
}

/// A part of a file.
pub(super) fn cut(blob: &Blob, start: u64, end: u64) -> Result<Blob, Failure> {
    blob.slice_with_f64_and_f64(start as f64, end as f64)
        .map_err(Failure::Browser)
}

/// Reads as many bytes as there is room for; all of them at once.
pub(super) async fn read_at_once(blob: &Blob, target: &mut [u8]) -> Result<(), Failure> {
    if blob.size() != target.len() as f64 {
        return Err(Failure::Short);
    }
    let buffer = call_async(blob, "arrayBuffer", &[])
        .await
        .map_err(Failure::Browser)?;
    let bytes = Uint8Array::new(&buffer);
    if bytes.length() as usize != target.len() {
        return Err(Failure::Short);
    }
    bytes.copy_to(target);
    Ok(())
}

/// An object with one property.
fn options(name: &str, value: &JsValue) -> Result<JsValue, Failure> {
    let object = Object::new();
    Reflect::set(&object, &name.into(), value).map_err(Failure::Browser)?;
    Ok(object.into())
}
