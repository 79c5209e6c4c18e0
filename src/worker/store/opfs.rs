//! Storage in the origin private file system: large files, outside of memory.
//! <https://fs.spec.whatwg.org/>

use core::cell::Cell;
use std::rc::Rc;

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

use super::super::clock::global;
use super::{BlockStore, Kept, Pending, end_within, locks, store_error};
use crate::js::{call, call_async, property};

/// The folder of all workers' folders; its path also begins their locks' names.
const ROOT: &str = "mqdrop";

/// Notes beyond this many bytes are not read: 512 GiB of content have as many.
const MAX_NOTES: u64 = 512 * 1024 * 1024;

/// Added to a file's name for the file of its notes.
const NOTES: &str = ".notes";

/// When a worker looks whether others are gone, in milliseconds from one time to the next: when a
/// page is reloaded, its old worker may still be ending. It does not queue for their locks, or it
/// would get what a page that is reloaded later goes on with itself.
const LOOKS: [u32; 4] = [0, 150, 500, 1_000];

/// A folder of one worker. A Web Lock of its name says that the worker lives. What it leaves is
/// taken up by a worker that starts later and gets the lock.
#[derive(Clone)]
pub(in super::super) struct OpfsFolder {
    all: FileSystemDirectoryHandle,
    folder: FileSystemDirectoryHandle,
    /// Names files; never reused, as removing takes a while.
    files: Rc<Cell<u32>>,
}

impl OpfsFolder {
    /// Makes this worker's folder.
    ///
    /// # Errors
    /// If this browser, or this page, has no such file system, no synchronous handles or no locks.
    pub(super) async fn open() -> Result<Self, JsValue> {
        let root = call_async(
            &property(&global().navigator(), "storage"),
            "getDirectory",
            &[],
        )
        .await?;
        let all = directory(&root, ROOT).await?;
        let name = random_name()?;
        // The lock comes first: a folder without one counts as left.
        locks::hold(&lock_name(&name)).await?;
        let folder = Self {
            folder: directory(&all, &name).await?,
            all,
            files: Rc::new(Cell::new(0)),
        };
        folder.try_out().await?;
        Ok(folder)
    }

    /// A file of `size` bytes.
    ///
    /// # Errors
    /// If there is not enough space.
    pub(super) async fn create(&self, size: u64) -> Result<OpfsStore, StoreError> {
        let name = self.files.replace(self.files.get() + 1).to_string();
        let store = OpfsStore::open(&self.folder, &name, size)
            .await
            .map_err(|error| store_error(&error))?;
        // Claims the space now rather than in the middle.
        if let Err(error) = store.reserve() {
            Box::new(store).discard();
            return Err(store_error(&error));
        }
        Ok(store)
    }

    /// Reports what workers left that are gone. Their folders are this worker's from now on.
    pub(super) async fn take_up(&self, report: Rc<dyn Fn(Kept)>) {
        let own = self.folder.name();
        let names = names(&self.all).await.unwrap_or_default();
        for name in names.into_iter().filter(|name| *name != own) {
            let (this, report) = (self.clone(), Rc::clone(&report));
            spawn_local(async move {
                for pause in LOOKS {
                    TimeoutFuture::new(pause).await;
                    if locks::hold(&lock_name(&name)).await.is_err() {
                        continue;
                    }
                    // What cannot be read now is left to a worker that starts later.
                    let _ = this.take_up_folder(&name, &*report).await;
                    return;
                }
            });
        }
    }

    async fn take_up_folder(&self, name: &str, report: &dyn Fn(Kept)) -> Result<(), JsValue> {
        let folder = directory(&self.all, name).await?;
        let names = names(&folder).await?;
        let noted: Vec<&str> = names
            .iter()
            .filter_map(|name| name.strip_suffix(NOTES))
            .collect();
        if noted.is_empty() {
            let recursive = flag("recursive");
            call_async(&self.all, "removeEntry", &[&name.into(), &recursive]).await?;
        }
        for file in noted {
            let mut store = open_when_free(&folder, file).await?;
            match store.read_notes() {
                Ok(notes) => report(Kept {
                    notes,
                    store: Box::new(store),
                }),
                Err(_) => store.close(),
            }
        }
        Ok(())
    }

    /// Writes a byte and removes it again.
    async fn try_out(&self) -> Result<(), JsValue> {
        let store = OpfsStore::open(&self.folder, "try", 1).await?;
        let written = write_at(&store.content, &store.place, 0, &[1]);
        Box::new(store).discard();
        written.map(drop)
    }
}

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
    async fn open(
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

    fn reserve(&self) -> Result<(), JsValue> {
        match &self.content {
            Some(content) => content.truncate_with_f64(self.size as f64),
            None => Ok(()),
        }
    }

    fn read_notes(&mut self) -> Result<Vec<u8>, JsValue> {
        let len = usize::try_from(self.noted.min(MAX_NOTES)).unwrap_or_default();
        read_at(&self.notes, &self.place, 0, len)
    }

    /// Without flushing: only a power cut could tell the difference, and it takes the disk a while.
    fn close(&mut self) {
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
        self.noted += note.len() as u64;
        whole(written, note.len())
    }

    fn read(&mut self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        end_within(offset, len, self.size)?;
        read_at(&self.content, &self.place, offset, len)
            .map(Bytes::from)
            .map_err(|error| store_error(&error))
    }

    fn finish(&mut self) -> Pending<Result<Blob, StoreError>> {
        // The notes stay: until the user has saved the content, it is not to be lost.
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
                Err(StoreError::Other(
                    "the browser removed a part of it; receive it again".to_owned(),
                ))
            }
        })
    }

    fn go_on(&mut self, notes_len: u64, size: u64) -> Result<(), StoreError> {
        let notes = self.notes.as_ref().ok_or_else(finished);
        notes
            .and_then(|notes| notes.truncate_with_f64(notes_len as f64))
            .map_err(|error| store_error(&error))?;
        self.noted = notes_len;
        self.size = size;
        // What is missing at the end is fetched again, and needs its place.
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

/// Opens a file whose worker is gone. Its handle may outlive its lock by a moment.
async fn open_when_free(
    folder: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<OpfsStore, JsValue> {
    let mut opened = OpfsStore::open(folder, name, 0).await;
    for pause in LOOKS {
        if opened.is_err() {
            TimeoutFuture::new(pause).await;
            opened = OpfsStore::open(folder, name, 0).await;
        }
    }
    opened
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
    JsValue::from_str("it is finished already")
}

async fn directory(parent: &JsValue, name: &str) -> Result<FileSystemDirectoryHandle, JsValue> {
    let handle = call_async(parent, "getDirectoryHandle", &[&name.into(), &creating()]).await?;
    Ok(handle.unchecked_into())
}

/// The names of a folder's entries.
async fn names(folder: &JsValue) -> Result<Vec<String>, JsValue> {
    let keys = call(folder, "keys", &[])?;
    let mut names = Vec::new();
    loop {
        let next = call_async(&keys, "next", &[]).await?;
        if property(&next, "done").is_truthy() {
            return Ok(names);
        }
        names.extend(property(&next, "value").as_string());
    }
}

fn lock_name(folder: &str) -> String {
    format!("{ROOT}/{folder}")
}

fn creating() -> JsValue {
    flag("create")
}

/// `{[name]: true}`
fn flag(name: &str) -> JsValue {
    let options = Object::new();
    // Setting a property of a plain new object does not fail.
    let _ = Reflect::set(&options, &name.into(), &JsValue::TRUE);
    options.into()
}

fn random_name() -> Result<String, JsValue> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| JsValue::from_str(&error.to_string()))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    async fn root() -> FileSystemDirectoryHandle {
        let storage = property(&global().navigator(), "storage");
        let root = call_async(&storage, "getDirectory", &[]).await.unwrap();
        directory(&root, ROOT).await.unwrap()
    }

    #[wasm_bindgen_test]
    async fn folders_of_the_gone_are_taken_up_and_of_the_living_left_alone() {
        let all = root().await;
        let left = directory(&all, "left").await.unwrap();
        let mut store = OpfsStore::open(&left, "0", 3).await.unwrap();
        store.write(0, Bytes::from_static(b"abc")).unwrap();
        store.note(b"no").unwrap();
        store.note(b"tes").unwrap();
        store.close();
        // Content without notes is nothing.
        directory(&all, "empty").await.unwrap();
        let living = OpfsFolder::open().await.unwrap();
        let found = core::cell::RefCell::new(Vec::new());
        let report = |kept| found.borrow_mut().push(kept);
        living.take_up_folder("left", &report).await.unwrap();
        let mut kept = found.borrow_mut().pop().unwrap();
        assert!(found.borrow().is_empty());
        assert_eq!(kept.notes, b"notes");
        assert_eq!(kept.store.read(1, 2).unwrap(), &b"bc"[..]);
        kept.store.go_on(4, 5).unwrap();
        kept.store.note(b"more").unwrap();
        kept.store.write(3, Bytes::from_static(b"de")).unwrap();
        assert!(kept.store.write(4, Bytes::from_static(b"ef")).is_err());
        kept.store.discard();
        while !names(&left).await.unwrap().is_empty() {
            // Removed by a task that runs while this awaits.
        }
        living.take_up_folder("empty", &report).await.unwrap();
        assert!(found.borrow().is_empty());
        let left = names(&all).await.unwrap();
        assert!(!left.contains(&"empty".to_owned()));
        let name = lock_name(&living.folder.name());
        assert!(locks::hold(&name).await.is_err(), "it lives");
    }

    #[wasm_bindgen_test]
    async fn discarded_files_are_removed() {
        let folder = OpfsFolder::open().await.unwrap();
        let store = folder.create(100).await.unwrap();
        let name = store.name.clone();
        assert!(names(&folder.folder).await.unwrap().contains(&name));
        Box::new(store).discard();
        while !names(&folder.folder).await.unwrap().is_empty() {
            // Removed by a task that runs while this awaits.
        }
        folder.create(100).await.unwrap();
    }
}
