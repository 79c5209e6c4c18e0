//! Where the files of outgoing parcels are, kept so that they need not be chosen again after a
//! restart. Only Chromium has such handles (<https://wicg.github.io/file-system-access/>); in
//! IndexedDB they outlive the page, and the user is asked whether they may be read again.

use js_sys::Array;
use mqdrop_core::ParcelId;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{IdbObjectStore, IdbTransactionMode};

use super::database::{self, answer};
use crate::bridge::{MAX_DEPTH, MAX_FILES, PickedFile};
use crate::js::{call, call_async, next, property};

const STORE: &str = "handles";

/// After so long they are forgotten, in milliseconds: a page that ends at the wrong moment leaves
/// some of parcels that nobody can go on with. Files can still be chosen again.
const KEPT_FOR: f64 = 30.0 * 24.0 * 3600.0 * 1000.0;

/// Keeps what a parcel's files were opened with, in the background. Without it, they can still be
/// chosen again.
pub(super) fn keep(parcel: ParcelId, handles: Array) {
    if handles.length() > 0 {
        spawn_local(async move {
            let _ = put(parcel, &handles).await;
        });
    }
}

async fn put(parcel: ParcelId, handles: &Array) -> Result<(), JsValue> {
    let store = store(IdbTransactionMode::Readwrite).await?;
    answer(&store.put_with_key(&database::dated(handles), &key(parcel))?).await?;
    Ok(())
}

/// The handles that were kept for a parcel; empty if there are none.
pub(super) async fn find(parcel: ParcelId) -> Array {
    let found = get(parcel).await.ok();
    found
        .and_then(|found| found.dyn_into().ok())
        .unwrap_or_default()
}

async fn get(parcel: ParcelId) -> Result<JsValue, JsValue> {
    let store = store(IdbTransactionMode::Readonly).await?;
    let kept = answer(&store.get(&key(parcel))?).await?;
    database::undated(&kept).ok_or(kept)
}

/// Forgets in the background what has been kept for long.
pub(super) fn sweep() {
    if is_supported() {
        database::sweep(STORE, KEPT_FOR);
    }
}

/// Forgets what was kept for a parcel, in the background.
pub(super) fn forget(parcel: ParcelId) {
    spawn_local(async move {
        let _ = delete(parcel).await;
    });
}

async fn delete(parcel: ParcelId) -> Result<(), JsValue> {
    let store = store(IdbTransactionMode::Readwrite).await?;
    answer(&store.delete(&key(parcel))?).await?;
    Ok(())
}

/// The store, in a transaction that ends when nothing more is asked of it.
///
/// # Errors
/// `undefined` where there is nothing to keep; the browser's.
async fn store(mode: IdbTransactionMode) -> Result<IdbObjectStore, JsValue> {
    if is_supported() {
        database::store(STORE, mode).await
    } else {
        Err(JsValue::UNDEFINED)
    }
}

fn key(parcel: ParcelId) -> JsValue {
    parcel.to_string().into()
}

/// Whether this browser can have any: those of its own file system, which others have too, need no
/// permission.
fn is_supported() -> bool {
    let class = property(&js_sys::global(), "FileSystemHandle");
    property(&property(&class, "prototype"), "queryPermission").is_function()
}

/// The files that handles lead to, below folders as well.
///
/// # Errors
/// The browser's: one is not there any more or may not be read. `undefined` if there are too many.
pub(super) async fn files(handles: Array) -> Result<Vec<PickedFile>, JsValue> {
    let mut files = Vec::new();
    let mut todo: Vec<(JsValue, Vec<String>)> =
        handles.iter().map(|handle| (handle, Vec::new())).collect();
    while let Some((handle, mut path)) = todo.pop() {
        path.extend(property(&handle, "name").as_string());
        if property(&handle, "kind") == "file" {
            files.push(PickedFile {
                file: call_async(&handle, "getFile", &[]).await?,
                path: path.join("/"),
            });
        } else if path.len() <= MAX_DEPTH {
            let children = call(&handle, "values", &[])?;
            while let Some(child) = next(&children).await? {
                todo.push((child, path.clone()));
            }
        }
        if files.len() > MAX_FILES || todo.len() > 2 * MAX_FILES {
            return Err(JsValue::UNDEFINED);
        }
    }
    Ok(files)
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::super::store::{creating, directory, file_system};
    use super::*;

    /// A folder in the browser's own file system, whose handles are like those of the user's files.
    async fn folder() -> JsValue {
        let outer = directory(&file_system().await.unwrap(), "of handles")
            .await
            .unwrap();
        let inner = directory(&outer, "inner").await.unwrap();
        for (folder, name) in [(&outer, "a.txt"), (&inner, "b.txt")] {
            call_async(folder, "getFileHandle", &[&name.into(), &creating()])
                .await
                .unwrap();
        }
        outer.into()
    }

    fn parcel(letter: &str) -> ParcelId {
        letter.repeat(16).parse().unwrap()
    }

    #[wasm_bindgen_test]
    async fn what_was_kept_is_found_until_it_is_forgotten() {
        put(parcel("a"), &Array::of1(&folder().await))
            .await
            .unwrap();
        put(parcel("b"), &Array::new()).await.unwrap();
        let found = find(parcel("a")).await;
        assert_eq!(found.length(), 1);
        assert_eq!(property(&found.get(0), "name"), "of handles");
        delete(parcel("a")).await.unwrap();
        assert_eq!(find(parcel("a")).await.length(), 0);
    }

    #[wasm_bindgen_test]
    async fn what_was_kept_for_long_is_forgotten() {
        let handles = Array::of1(&folder().await);
        put(parcel("c"), &handles).await.unwrap();
        database::sweep_before(STORE, js_sys::Date::now() - 60_000.0)
            .await
            .unwrap();
        assert_eq!(find(parcel("c")).await.length(), 1);
        database::sweep_before(STORE, js_sys::Date::now() + 60_000.0)
            .await
            .unwrap();
        assert_eq!(find(parcel("c")).await.length(), 0);
    }

    #[wasm_bindgen_test]
    async fn handles_lead_to_files_with_their_paths() {
        let found = files(Array::of1(&folder().await)).await.unwrap();
        let mut paths: Vec<String> = found.into_iter().map(|file| file.path).collect();
        paths.sort();
        assert_eq!(paths, ["of handles/a.txt", "of handles/inner/b.txt"]);
    }

    #[wasm_bindgen_test]
    async fn what_is_gone_is_an_error() {
        let folder = folder().await;
        let file = call_async(&folder, "getFileHandle", &[&"a.txt".into()])
            .await
            .unwrap();
        call_async(&folder, "removeEntry", &[&"a.txt".into()])
            .await
            .unwrap();
        assert!(files(Array::of1(&file)).await.is_err());
    }
}
