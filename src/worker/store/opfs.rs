//! Storage in the origin private file system: large files, outside of memory.
//! <https://fs.spec.whatwg.org/>

use core::ops::Range;

use bytes::Bytes;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Object, Reflect};
use mqdrop_core::StoreError;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Blob, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemReadWriteOptions,
    FileSystemSyncAccessHandle,
};

use super::{BlockStore, Pending, end_within, store_error};
use crate::js::call_async;

/// Notes beyond this many bytes are not read: 512 GiB of content have as many.
const MAX_NOTES: u64 = 512 * 1024 * 1024;

/// Added to a file's name for the file of its notes.
pub(super) const NOTES: &str = ".notes";

/// When to try again to open a file whose handle may outlive its worker by a moment, in
/// milliseconds from one time to the next.
const TRIES: [u32; 3] = [150, 500, 1_000];

/// One parcel's content and notes, each a file.
pub(super) struct OpfsStore {
    folder: FileSystemDirectoryHandle,
    name: String,
    file: FileSystemFileHandle,
    /// Until it is finished: while it is open, nobody can read the file.
    content: Option<FileSystemSyncAccessHandle>,
    notes: Option<FileSystemSyncAccessHandle>,
    /// Bytes of notes.
    noted: u64,
    place: FileSystemReadWriteOptions,
    size: u64,
}

impl OpfsStore {
    /// Opens a file with what it holds, and its notes.
    pub(super) async fn open(
        folder: &FileSystemDirectoryHandle,
        name: &str,
        size: u64,
    ) -> Result<Self, JsValue> {
        let (file, content) = open_file(folder, name).await?;
        let notes = match open_file(folder, &format!("{name}{NOTES}")).await {
            Ok((_, notes)) => notes,
            Err(error) => {
                content.close();
                return Err(error);
            }
        };
        let held = content.get_size()? as u64;
        Ok(Self {
            folder: folder.clone(),
            name: name.to_owned(),
            file,
            noted: notes.get_size()? as u64,
            content: Some(content),
            notes: Some(notes),
            place: FileSystemReadWriteOptions::new(),
            size: size.max(held),
        })
    }

    /// Opens a file of a worker that is gone.
    pub(super) async fn open_left(
        folder: &FileSystemDirectoryHandle,
        name: &str,
    ) -> Result<Self, JsValue> {
        let mut opened = Self::open(folder, name, 0).await;
        for pause in TRIES {
            if opened.is_err() {
                TimeoutFuture::new(pause).await;
                opened = Self::open(folder, name, 0).await;
            }
        }
        opened
    }

    /// Claims its space.
    pub(super) fn reserve(&self) -> Result<(), JsValue> {
        match &self.content {
            Some(content) => content.truncate_with_f64(self.size as f64),
            None => Ok(()),
        }
    }

    #[cfg(all(test, target_arch = "wasm32"))]
    pub(super) fn shorten(&self, size: u32) {
        let content = self.content.as_ref().unwrap();
        content.truncate_with_u32(size).unwrap();
    }

    pub(super) fn read_notes(&self) -> Result<Vec<u8>, JsValue> {
        let len = usize::try_from(self.noted.min(MAX_NOTES)).unwrap_or_default();
        read_at(&self.notes, &self.place, 0, len)
    }

    /// Has everything on the disk: what is sent on the strength of it must outlast a power cut.
    fn flush(&self) -> Result<(), StoreError> {
        for handle in [&self.content, &self.notes].into_iter().flatten() {
            handle.flush().map_err(|error| store_error(&error))?;
        }
        Ok(())
    }

    /// Without flushing: of what is not finished a power cut may cost some, which is fetched again.
    pub(super) fn close(&mut self) {
        for handle in [self.content.take(), self.notes.take()]
            .into_iter()
            .flatten()
        {
            handle.close();
        }
    }
}

impl BlockStore for OpfsStore {
    fn write(&mut self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        end_within(offset, data.len(), self.size)?;
        let written = write_at(&self.content, &self.place, offset, &data);
        whole(written, data.len())
    }

    fn note(&mut self, note: &[u8]) -> Result<(), StoreError> {
        let written = write_at(&self.notes, &self.place, self.noted, note);
        whole(written, note.len())?;
        // A part of one is written over by the next.
        let is_first = self.noted == 0;
        self.noted += note.len() as u64;
        if is_first && let Some(notes) = &self.notes {
            // Without it the others, and what they are about, could not be read.
            notes.flush().map_err(|error| store_error(&error))?;
        }
        Ok(())
    }

    fn read(&mut self, offset: u64, len: usize) -> Pending<Result<Bytes, StoreError>> {
        let read = end_within(offset, len, self.size).and_then(|_| {
            read_at(&self.content, &self.place, offset, len)
                .map(Bytes::from)
                .map_err(|error| store_error(&error))
        });
        Box::pin(core::future::ready(read))
    }

    fn finish(&mut self, _left_out: Vec<Range<u64>>) -> Pending<Result<Blob, StoreError>> {
        // The notes stay: until the user has saved the content, it is not to be lost.
        if let Err(error) = self.flush() {
            // It can be tried again.
            return Box::pin(core::future::ready(Err(error)));
        }
        self.close();
        let file = self.file.clone();
        let size = self.size;
        Box::pin(async move {
            let blob: Blob = call_async(&file, "getFile", &[])
                .await
                .map_err(|error| store_error(&error))?
                .unchecked_into();
            if blob.size() == size as f64 {
                Ok(blob)
            } else {
                // Trying again would not bring it back.
                Err(StoreError::Gone)
            }
        })
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn go_on(&mut self, notes_len: u64, size: u64) -> Result<(), StoreError> {
        let notes = self.notes.as_ref().ok_or_else(finished);
        notes
            .and_then(|notes| notes.truncate_with_f64(notes_len as f64))
            .map_err(|error| store_error(&error))?;
        self.noted = notes_len;
        self.size = size;
        // Content that is missing at the end is fetched again, and needs its place.
        self.reserve().map_err(|error| store_error(&error))
    }

    fn leave(mut self: Box<Self>) {
        self.close();
    }

    fn discard(mut self: Box<Self>) {
        self.close();
        spawn_local(async move {
            // The notes first: without them the content is nothing, and goes with the folder.
            for name in [format!("{}{NOTES}", self.name), self.name] {
                let _ = call_async(&self.folder, "removeEntry", &[&name.into()]).await;
            }
        });
    }
}

async fn open_file(
    folder: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<(FileSystemFileHandle, FileSystemSyncAccessHandle), JsValue> {
    let file = call_async(folder, "getFileHandle", &[&name.into(), &creating()]).await?;
    let handle = call_async(&file, "createSyncAccessHandle", &[]).await?;
    Ok((file.unchecked_into(), handle.unchecked_into()))
}

/// Returns how many bytes were written: fewer than given when the disk is full.
fn write_at(
    handle: &Option<FileSystemSyncAccessHandle>,
    place: &FileSystemReadWriteOptions,
    offset: u64,
    data: &[u8],
) -> Result<usize, JsValue> {
    let handle = handle.as_ref().ok_or_else(finished)?;
    place.set_at(offset as f64);
    handle
        .write_with_u8_array_and_options(data, place)
        .map(|written| written as usize)
}

fn read_at(
    handle: &Option<FileSystemSyncAccessHandle>,
    place: &FileSystemReadWriteOptions,
    offset: u64,
    len: usize,
) -> Result<Vec<u8>, JsValue> {
    let handle = handle.as_ref().ok_or_else(finished)?;
    place.set_at(offset as f64);
    let mut data = vec![0; len];
    let read = handle.read_with_u8_array_and_options(&mut data, place)?;
    data.truncate(read as usize);
    Ok(data)
}

fn whole(written: Result<usize, JsValue>, len: usize) -> Result<(), StoreError> {
    match written {
        Ok(written) if written == len => Ok(()),
        Ok(_) => Err(StoreError::NoSpace { available: None }),
        Err(error) => Err(store_error(&error)),
    }
}

fn finished() -> JsValue {
    JsValue::from_str("finished")
}

pub(in super::super) fn creating() -> JsValue {
    flag("create")
}

/// `{[name]: true}`
pub(super) fn flag(name: &str) -> JsValue {
    let options = Object::new();
    // Setting a property of a plain new object does not fail.
    let _ = Reflect::set(&options, &name.into(), &JsValue::TRUE);
    options.into()
}
