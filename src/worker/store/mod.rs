//! Where received content is kept until the user saves it.

mod blob;
mod extents;
mod folders;
mod locks;
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod memory;
mod opfs;
mod shelf;
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests;

use core::future::Future;
use core::ops::Range;
use core::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use mqdrop_core::StoreError;
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::clock::global;
use crate::bridge;
use crate::js::{available_space, error_name, error_text};
use blob::BlobStore;
use folders::Folder;

#[cfg(all(test, target_arch = "wasm32"))]
pub(super) use folders::{directory, file_system};
#[cfg(all(test, target_arch = "wasm32"))]
pub(super) use opfs::creating;
pub(super) use shelf::{Outcome, Shelf};

/// Something that takes a while in a browser.
pub(super) type Pending<T> = Pin<Box<dyn Future<Output = T>>>;

/// The storage of one parcel's content: its files one after the other without gaps.
pub(super) trait BlockStore {
    /// Keeps bytes. The same place may be written again.
    ///
    /// # Errors
    /// If there is no space left, or the place is outside of the content.
    fn write(&mut self, offset: u64, data: Bytes) -> Result<(), StoreError>;

    /// Appends to the notes that go with the content. A store that ends with this worker needs none.
    ///
    /// # Errors
    /// If there is no space left.
    fn note(&mut self, note: &[u8]) -> Result<(), StoreError>;

    /// Reads back what was written.
    ///
    /// # Errors
    /// If it cannot be read, or is not there.
    fn read(&mut self, offset: u64, len: usize) -> Pending<Result<Bytes, StoreError>>;

    /// The content as the browser's object, for the user to save, once it outlasts a power cut. It
    /// stays valid until the store is discarded. Nothing may be written afterwards. The ranges
    /// `left_out` need not have been written; they take their place all the same.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if the content is not whole otherwise; any other if it cannot be read or secured
    /// now, which can be tried again.
    fn finish(&mut self, left_out: Vec<Range<u64>>) -> Pending<Result<Blob, StoreError>>;

    /// Bytes that it takes.
    fn size(&self) -> u64;

    /// This is a store that was kept: cuts the notes after `notes_len` bytes and makes room for a
    /// content of `size` bytes.
    ///
    /// # Errors
    /// If there is no space left.
    fn go_on(&mut self, notes_len: u64, size: u64) -> Result<(), StoreError>;

    /// Lets go of it, for a later worker to take up.
    fn leave(self: Box<Self>);

    /// Frees the space, soon.
    fn discard(self: Box<Self>);
}

/// Content that an earlier worker left, and its notes of it.
pub(super) struct Kept {
    pub(super) notes: Vec<u8>,
    pub(super) store: Box<dyn BlockStore>,
}

/// The best kind of storage that this browser gives this page.
pub(super) enum Backend {
    /// The origin private file system.
    Opfs(Folder),
    /// Blobs.
    Blob,
}

impl Backend {
    /// Finds out by trying: some browsers name the file system and then refuse it. `former` is the
    /// folder that this tab had before its page was loaded again.
    pub(super) async fn choose(former: Option<String>) -> Self {
        match Folder::open(former).await {
            Ok(folder) => Self::Opfs(folder),
            Err(_) => Self::Blob,
        }
    }

    /// Reports what earlier workers left and nobody else has taken up: what is there at once,
    /// before it returns.
    pub(super) async fn take_up(&self, report: Rc<dyn Fn(Kept)>) {
        match self {
            Self::Opfs(folder) => folder.take_up(report).await,
            Self::Blob => {}
        }
    }

    /// The description for the user.
    pub(super) async fn describe(&self) -> bridge::Storage {
        match self {
            Self::Opfs(folder) => bridge::Storage::Opfs {
                folder: folder.name(),
                available: available_space(&global().navigator()).await,
            },
            Self::Blob => bridge::Storage::Blob {
                secure_context: global().is_secure_context(),
            },
        }
    }

    /// Makes room for `size` bytes.
    ///
    /// # Errors
    /// If there is not enough space.
    pub(super) async fn create(&self, size: u64) -> Result<Box<dyn BlockStore>, StoreError> {
        match self {
            Self::Opfs(folder) => {
                let available = available_space(&global().navigator()).await;
                if available.is_some_and(|available| available < size) {
                    return Err(StoreError::NoSpace { available });
                }
                Ok(Box::new(folder.create(size).await?))
            }
            Self::Blob => Ok(Box::new(BlobStore::new(size))),
        }
    }
}

/// An exception as an error of storage.
fn store_error(error: &JsValue) -> StoreError {
    match error_name(error).as_str() {
        "QuotaExceededError" => StoreError::NoSpace { available: None },
        "NotFoundError" => StoreError::Gone,
        _ => StoreError::Told(error_text(error)),
    }
}

/// The end of a write, if it lies within a content of `size` bytes.
fn end_within(offset: u64, len: usize, size: u64) -> Result<u64, StoreError> {
    offset
        .checked_add(len as u64)
        .filter(|&end| end <= size)
        .ok_or(StoreError::Excess)
}
