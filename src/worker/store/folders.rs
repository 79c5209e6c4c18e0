//! Folders of the origin private file system: each tab has one of its own, also after a reload,
//! and inherits those of tabs that are gone.
//!
//! A Web Lock of the folder's name says that a worker uses it.

use core::cell::Cell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use mqdrop_core::StoreError;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::FileSystemDirectoryHandle;

use super::super::clock::global;
use super::opfs::{NOTES, OpfsStore, creating, flag};
use super::{BlockStore, Kept, locks, store_error};
use crate::js::{call, call_async, next, property};

/// The folder of all folders; its path also begins their locks' names.
const ROOT: &str = "mqdrop";

/// How long to wait for the tab's own folder, in milliseconds: after a reload the worker before may
/// still be ending. Whoever duplicated a tab waits in vain, as that one uses it.
const PATIENCE: i32 = 3_000;

/// How long others' folders must have been free before they are inherited, in milliseconds: a tab
/// that is being reloaded, or is restored with the whole browser, is to get its own itself.
const FREE: u32 = 400;

/// A file that is written to find out whether that works, and removed at once.
const TRIAL: &str = "try";

/// When to look again whether others have become free, in milliseconds from one time to the next:
/// the worker of a page that was just closed may still be ending.
const LATER: [u32; 3] = [1_000, 1_000, 1_000];

/// This tab's folder.
#[derive(Clone)]
pub(in super::super) struct Folder {
    all: FileSystemDirectoryHandle,
    own: FileSystemDirectoryHandle,
    /// Names files; never reused, as removing takes a while.
    files: Rc<Cell<u32>>,
}

impl Folder {
    /// Takes the folder that this tab had before its page was loaded again, or makes a new one.
    ///
    /// # Errors
    /// If this browser, or this page, has no such file system, no synchronous handles or no locks.
    pub(super) async fn open(former: Option<String>) -> Result<Self, JsValue> {
        let all = root().await?;
        let name = match former.filter(|name| is_name(name)) {
            Some(name) if locks::wait(&lock_name(&name), PATIENCE).await.is_ok() => name,
            _ => {
                let name = random_name()?;
                // The lock comes first: a folder without one counts as left.
                locks::hold(&lock_name(&name)).await?;
                name
            }
        };
        let own = directory(&all, &name).await?;
        let numbers = names(&own).await?.into_iter().filter_map(|name| {
            let number: u32 = name.strip_suffix(NOTES).unwrap_or(&name).parse().ok()?;
            number.checked_add(1)
        });
        let folder = Self {
            files: Rc::new(Cell::new(numbers.max().unwrap_or_default())),
            own,
            all,
        };
        folder.try_out().await?;
        Ok(folder)
    }

    /// Names it for [`Self::open`].
    pub(super) fn name(&self) -> String {
        self.own.name()
    }

    /// A file of `size` bytes.
    ///
    /// # Errors
    /// If there is not enough space.
    pub(super) async fn create(&self, size: u64) -> Result<OpfsStore, StoreError> {
        let name = self.files.replace(self.files.get() + 1).to_string();
        let store = OpfsStore::open(&self.own, &name, size)
            .await
            .map_err(|error| store_error(&error))?;
        // Claims the space now rather than in the middle.
        if let Err(error) = store.reserve() {
            Box::new(store).discard();
            return Err(store_error(&error));
        }
        Ok(store)
    }

    /// Reports what this tab's folder holds from before, and what tabs left that are gone. Their
    /// folders are this worker's from now on. To be called before anything is created. What is
    /// there at once was reported when it returns; some may follow.
    pub(super) async fn take_up(&self, report: Rc<dyn Fn(Kept)>) {
        let _ = take_up_files(&self.own, &*report).await;
        let own = self.own.name();
        let others = names(&self.all).await.unwrap_or_default();
        let mut heirs = Heirs {
            all: self.all.clone(),
            others: others.into_iter().filter(|name| *name != own).collect(),
            free: Vec::new(),
            report,
        };
        heirs.look().await;
        if !heirs.free.is_empty() {
            TimeoutFuture::new(FREE).await;
            heirs.look().await;
        }
        spawn_local(async move {
            for pause in LATER {
                TimeoutFuture::new(pause).await;
                heirs.look().await;
            }
        });
    }

    /// Writes a byte and removes it again.
    async fn try_out(&self) -> Result<(), JsValue> {
        let mut store = OpfsStore::open(&self.own, TRIAL, 1).await?;
        let written = store.write(0, bytes::Bytes::from_static(&[1]));
        Box::new(store).discard();
        // Nobody asks why.
        written.map_err(|_| JsValue::UNDEFINED)
    }
}

/// Looks for folders that nobody uses any more.
struct Heirs {
    all: FileSystemDirectoryHandle,
    /// Folders that were there at the start and have not been inherited.
    others: Vec<String>,
    /// Those that nobody used at the last look.
    free: Vec<String>,
    report: Rc<dyn Fn(Kept)>,
}

impl Heirs {
    /// Inherits what is free now and was at the last look.
    async fn look(&mut self) {
        let Ok(used) = locks::used().await else {
            return;
        };
        let (free, others) = core::mem::take(&mut self.others)
            .into_iter()
            .partition::<Vec<_>, _>(|name| {
                !(used.contains(&lock_name(name)) || used.contains(&page_lock(name)))
            });
        self.others = others;
        let before = core::mem::take(&mut self.free);
        for name in free {
            if before.contains(&name) {
                // A folder that is in use again is another's.
                let _ = self.inherit(&name).await;
            } else {
                self.free.push(name.clone());
                self.others.push(name);
            }
        }
    }

    async fn inherit(&self, name: &str) -> Result<(), JsValue> {
        locks::hold(&lock_name(name)).await?;
        let folder = directory(&self.all, name).await?;
        if take_up_files(&folder, &*self.report).await? == 0 {
            let recursive = flag("recursive");
            call_async(&self.all, "removeEntry", &[&name.into(), &recursive]).await?;
        }
        Ok(())
    }
}

/// Reports what a folder holds and removes what nobody can go on with; returns how many there are.
async fn take_up_files(
    folder: &FileSystemDirectoryHandle,
    report: &dyn Fn(Kept),
) -> Result<usize, JsValue> {
    let mut names = names(folder).await?;
    // It may still be going.
    names.retain(|name| !name.starts_with(TRIAL));
    let mut noted = 0;
    for name in &names {
        let Some(file) = name.strip_suffix(NOTES) else {
            if !names.contains(&format!("{name}{NOTES}")) {
                let _ = call_async(folder, "removeEntry", &[&name.into()]).await;
            }
            continue;
        };
        noted += 1;
        // A folder that cannot be opened now is left to a worker that starts later.
        let Ok(mut store) = OpfsStore::open_left(folder, file).await else {
            continue;
        };
        match store.read_notes() {
            Ok(notes) => report(Kept {
                notes,
                store: Box::new(store),
            }),
            Err(_) => store.close(),
        }
    }
    Ok(noted)
}

/// The origin private file system.
pub(in super::super) async fn file_system() -> Result<JsValue, JsValue> {
    let storage = property(&global().navigator(), "storage");
    call_async(&storage, "getDirectory", &[]).await
}

/// The folder of all folders.
async fn root() -> Result<FileSystemDirectoryHandle, JsValue> {
    directory(&file_system().await?, ROOT).await
}

pub(in super::super) async fn directory(
    parent: &JsValue,
    name: &str,
) -> Result<FileSystemDirectoryHandle, JsValue> {
    let handle = call_async(parent, "getDirectoryHandle", &[&name.into(), &creating()]).await?;
    Ok(handle.unchecked_into())
}

/// The names of a folder's entries.
async fn names(folder: &JsValue) -> Result<Vec<String>, JsValue> {
    let keys = call(folder, "keys", &[])?;
    let mut names = Vec::new();
    while let Some(name) = next(&keys).await? {
        names.extend(name.as_string());
    }
    Ok(names)
}

fn lock_name(folder: &str) -> String {
    format!("{ROOT}/{folder}")
}

/// The lock that the page of a folder's tab holds while it is open, however long its worker takes
/// to start: `src/loader.js` takes it.
fn page_lock(folder: &str) -> String {
    format!("{}/page", lock_name(folder))
}

/// 128 random bits in hexadecimal.
fn random_name() -> Result<String, JsValue> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| JsValue::from_str(&error.to_string()))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether [`random_name`] could have made it.
fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use core::cell::RefCell;

    use bytes::Bytes;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Everything that was reported.
    type Found = Rc<RefCell<Vec<Kept>>>;

    fn found() -> (Found, Rc<dyn Fn(Kept)>) {
        let found = Found::default();
        let report = Rc::clone(&found);
        (found, Rc::new(move |kept| report.borrow_mut().push(kept)))
    }

    async fn leave(folder: &FileSystemDirectoryHandle, content: &'static [u8], notes: &[u8]) {
        let mut store = OpfsStore::open(folder, "7", content.len() as u64)
            .await
            .unwrap();
        store.write(0, Bytes::from_static(content)).unwrap();
        store.note(notes).unwrap();
        store.close();
    }

    #[wasm_bindgen_test]
    async fn what_the_gone_left_is_inherited_and_of_the_living_left_alone() {
        let all = root().await.unwrap();
        let left = directory(&all, "left").await.unwrap();
        leave(&left, b"abc", b"notes").await;
        // Content without notes is nothing.
        let empty = directory(&all, "empty").await.unwrap();
        call_async(&empty, "getFileHandle", &[&"0".into(), &creating()])
            .await
            .unwrap();
        let used = directory(&all, "used").await.unwrap();
        leave(&used, b"def", b"others").await;
        locks::hold(&lock_name("used")).await.unwrap();
        let coming = directory(&all, "coming").await.unwrap();
        leave(&coming, b"ghi", b"of one that is being loaded").await;
        locks::hold(&page_lock("coming")).await.unwrap();
        let living = Folder::open(None).await.unwrap();
        let (found, report) = found();
        living.take_up(report).await;
        let notes = |notes: &[u8]| {
            let mut found = found.borrow_mut();
            let place = found.iter().position(|kept| kept.notes == notes)?;
            Some(found.remove(place))
        };
        assert!(notes(b"others").is_none());
        assert!(notes(b"of one that is being loaded").is_none());
        let mut kept = notes(b"notes").unwrap();
        assert!(notes(b"notes").is_none(), "reported once");
        assert_eq!(kept.store.read(1, 2).await.unwrap(), &b"bc"[..]);
        kept.store.go_on(4, 5).unwrap();
        kept.store.note(b"more").unwrap();
        kept.store.write(3, Bytes::from_static(b"de")).unwrap();
        assert!(kept.store.write(4, Bytes::from_static(b"ef")).is_err());
        kept.store.discard();
        while !names(&left).await.unwrap().is_empty() {
            // Removed by a task that runs while this awaits.
        }
        let folders = names(&all).await.unwrap();
        assert!(!folders.contains(&"empty".to_owned()));
        assert!(folders.contains(&"used".to_owned()));
        assert!(locks::hold(&lock_name(&living.name())).await.is_err());
    }

    #[wasm_bindgen_test]
    async fn a_tab_gets_its_own_folder_again() {
        let all = root().await.unwrap();
        let name = random_name().unwrap();
        let own = directory(&all, &name).await.unwrap();
        leave(&own, b"abc", b"mine").await;
        let folder = Folder::open(Some(name.clone())).await.unwrap();
        assert_eq!(folder.name(), name);
        let (found, report) = found();
        folder.take_up(report).await;
        assert_eq!(found.borrow()[0].notes, b"mine");
        let store = folder.create(1).await.unwrap();
        let names = names(&own).await.unwrap();
        assert!(names.contains(&"7".to_owned()) && names.contains(&"8".to_owned()));
        Box::new(store).discard();
        for kept in found.take() {
            kept.store.discard();
        }
    }

    #[wasm_bindgen_test]
    async fn what_is_used_or_no_name_of_a_folder_is_not_taken() {
        let living = Folder::open(None).await.unwrap();
        for former in [living.name(), "../else".to_owned(), "x".repeat(32)] {
            let other = Folder::open(Some(former.clone())).await.unwrap();
            assert_ne!(other.name(), former);
            assert!(is_name(&other.name()));
        }
    }

    #[wasm_bindgen_test]
    async fn discarded_files_are_removed() {
        let folder = Folder::open(None).await.unwrap();
        let store = folder.create(100).await.unwrap();
        assert!(!names(&folder.own).await.unwrap().is_empty());
        Box::new(store).discard();
        while !names(&folder.own).await.unwrap().is_empty() {
            // Removed by a task that runs while this awaits.
        }
        folder.create(100).await.unwrap();
    }
}
