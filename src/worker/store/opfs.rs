//! Storage in the origin private file system: large files, outside of memory.
//! <https://fs.spec.whatwg.org/>

use core::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use js_sys::{Object, Promise, Reflect};
use mqdrop_core::StoreError;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::{
    Blob, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemReadWriteOptions,
    FileSystemSyncAccessHandle,
};

use super::super::clock::global;
use super::super::js::{call, call_async, property};
use super::{BlockStore, Pending, end_within, store_error};

/// The folder of all workers' folders; its path also begins their locks' names.
const ROOT: &str = "mqdrop";

/// This worker's own folder. A Web Lock of its name says that the worker lives; when the lock
/// becomes free, whoever waits for it removes the folder.
#[derive(Clone)]
pub(in super::super) struct OpfsFolder {
    folder: FileSystemDirectoryHandle,
    /// Names files; never reused, as removing takes a while.
    files: Rc<Cell<u32>>,
}

impl OpfsFolder {
    /// Makes this worker's folder, and has those of workers that are gone removed.
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
        let others = names(&all).await?;
        let name = random_name()?;
        // The lock comes first: a folder without one counts as abandoned.
        hold_lock(&name).await?;
        let folder = Self {
            folder: directory(&all, &name).await?,
            files: Rc::new(Cell::new(0)),
        };
        folder.try_out().await?;
        for other in others {
            remove_when_abandoned(&all, &other)?;
        }
        Ok(folder)
    }

    /// A file of `size` bytes.
    ///
    /// # Errors
    /// If there is not enough space.
    pub(super) async fn create(&self, size: u64) -> Result<OpfsStore, StoreError> {
        let name = self.files.replace(self.files.get() + 1).to_string();
        let store = self
            .create_named(name, size)
            .await
            .map_err(|error| store_error(&error))?;
        // Claims the space now rather than in the middle.
        if let Err(error) = store.reserve() {
            Box::new(store).discard();
            return Err(store_error(&error));
        }
        Ok(store)
    }

    async fn create_named(&self, name: String, size: u64) -> Result<OpfsStore, JsValue> {
        let file: FileSystemFileHandle = call_async(
            &self.folder,
            "getFileHandle",
            &[&name.as_str().into(), &creating()],
        )
        .await?
        .unchecked_into();
        let handle = call_async(&file, "createSyncAccessHandle", &[])
            .await?
            .unchecked_into();
        let place = FileSystemReadWriteOptions::new();
        Ok(OpfsStore {
            folder: self.folder.clone(),
            name,
            file,
            handle: Some(handle),
            place,
            size,
        })
    }

    /// Writes a byte and removes it again.
    async fn try_out(&self) -> Result<(), JsValue> {
        let mut store = self.create_named("try".to_owned(), 1).await?;
        let written = store.write_at(0, &[1]);
        Box::new(store).discard();
        written.map(drop)
    }
}

/// One file.
pub(super) struct OpfsStore {
    folder: FileSystemDirectoryHandle,
    name: String,
    file: FileSystemFileHandle,
    /// Until it is finished: while it is open, nobody can read the file.
    handle: Option<FileSystemSyncAccessHandle>,
    place: FileSystemReadWriteOptions,
    size: u64,
}

impl OpfsStore {
    fn reserve(&self) -> Result<(), JsValue> {
        match &self.handle {
            Some(handle) => handle.truncate_with_f64(self.size as f64),
            None => Ok(()),
        }
    }

    /// Returns how many bytes were written: fewer than given when the disk is full.
    fn write_at(&mut self, offset: u64, data: &[u8]) -> Result<usize, JsValue> {
        let handle = self
            .handle
            .as_ref()
            .ok_or_else(|| JsValue::from_str("it is finished already"))?;
        self.place.set_at(offset as f64);
        handle
            .write_with_u8_array_and_options(data, &self.place)
            .map(|written| written as usize)
    }

    /// Without flushing: only a power cut could tell the difference, and it takes the disk a while.
    fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.close();
        }
    }
}

impl BlockStore for OpfsStore {
    fn write(&mut self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        end_within(offset, data.len(), self.size)?;
        match self.write_at(offset, &data) {
            Ok(written) if written == data.len() => Ok(()),
            Ok(_) => Err(StoreError::NoSpace { available: None }),
            Err(error) => Err(store_error(&error)),
        }
    }

    fn finish(&mut self) -> Pending<Result<Blob, StoreError>> {
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

    fn discard(mut self: Box<Self>) {
        self.close();
        spawn_local(async move {
            // What cannot be removed now goes with the folder.
            let _ = call_async(&self.folder, "removeEntry", &[&self.name.as_str().into()]).await;
        });
    }
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

/// Takes the lock of this name and holds it for as long as this worker lives.
async fn hold_lock(name: &str) -> Result<(), JsValue> {
    let (taken, wait) = signal();
    // A lock is held until the promise that its callback returns is settled; this one never is.
    let never = Promise::new(&mut |_, _| ());
    let callback = Closure::once_into_js(move |_lock: JsValue| {
        taken();
        never
    });
    let request = call(&locks(), "request", &[&lock_name(name), &callback])?;
    // Settles first with an error if the lock is refused.
    JsFuture::from(Promise::race(&js_sys::Array::of2(&wait, &request)))
        .await
        .map(drop)
}

/// Removes another worker's folder as soon as its lock is free: at once, if it is gone already.
fn remove_when_abandoned(all: &FileSystemDirectoryHandle, name: &str) -> Result<(), JsValue> {
    let (all, folder) = (all.clone(), name.to_owned());
    let callback = Closure::once_into_js(move |_lock: JsValue| {
        future_to_promise(async move {
            let recursive = flag("recursive");
            // Another worker may have waited for the same and been first.
            let _ = call_async(&all, "removeEntry", &[&folder.into(), &recursive]).await;
            Ok(JsValue::UNDEFINED)
        })
    });
    let request = call(&locks(), "request", &[&lock_name(name), &callback])?;
    spawn_local(async move {
        // A refusal leaves the folder to the next worker that starts.
        let _ = JsFuture::from(Promise::resolve(&request)).await;
    });
    Ok(())
}

/// The Web Locks of this origin (<https://w3c.github.io/web-locks/>).
fn locks() -> JsValue {
    property(&global().navigator(), "locks")
}

fn lock_name(folder: &str) -> JsValue {
    format!("{ROOT}/{folder}").into()
}

/// A function to call once, and the promise that is then resolved.
fn signal() -> (impl FnOnce(), Promise) {
    let mut resolve = None;
    let promise = Promise::new(&mut |done, _| resolve = Some(done));
    let send = move || {
        if let Some(resolve) = resolve {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    };
    (send, promise)
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
    async fn folders_of_the_gone_are_removed_and_of_the_living_kept() {
        let all = root().await;
        let abandoned = directory(&all, "abandoned").await.unwrap();
        directory(&abandoned, "with something inside")
            .await
            .unwrap();
        let living = OpfsFolder::open().await.unwrap();
        while names(&all)
            .await
            .unwrap()
            .iter()
            .any(|name| name == "abandoned")
        {
            // Removed by a lock's callback, which runs while this awaits.
        }
        OpfsFolder::open().await.unwrap();
        let name = property(&living.folder, "name").as_string().unwrap();
        // The second one's wish for the first one's lock waits for as long as this worker lives.
        for _ in 0..20 {
            assert!(names(&all).await.unwrap().contains(&name));
        }
    }

    #[wasm_bindgen_test]
    async fn discarded_files_are_removed() {
        let folder = OpfsFolder::open().await.unwrap();
        let store = folder.create(100).await.unwrap();
        let name = store.name.clone();
        assert!(names(&folder.folder).await.unwrap().contains(&name));
        Box::new(store).discard();
        while names(&folder.folder).await.unwrap().contains(&name) {
            // Removed by a task that runs while this awaits.
        }
        folder.create(100).await.unwrap();
    }
}
