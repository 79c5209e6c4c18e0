//! The browser's database (IndexedDB): what outlives the page and is no content of a parcel.

use js_sys::{Array, Date, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::IdbTransactionMode::{Readonly, Readwrite};
use web_sys::{IdbDatabase, IdbFactory, IdbObjectStore, IdbRequest, IdbTransactionMode};

use super::clock::global;
use crate::js::property;

const DATABASE: &str = "mqdrop";

/// Its stores. One more takes another version.
const STORES: [&str; 3] = ["handles", "profile", "people"];
const VERSION: u32 = 2;

/// One of its stores, in a transaction that ends when nothing more is asked of it.
///
/// # Errors
/// The browser's: some give pages no storage.
pub(super) async fn store(name: &str, mode: IdbTransactionMode) -> Result<IdbObjectStore, JsValue> {
    let factory: IdbFactory = property(&global(), "indexedDB").dyn_into()?;
    let opening = factory.open_with_u32(DATABASE, VERSION)?;
    let request = opening.clone();
    let make = Closure::once_into_js(move || {
        // If it fails, so does the transaction below.
        let database: Option<IdbDatabase> = request.result().ok().and_then(|it| it.dyn_into().ok());
        for store in STORES {
            // One that is there already stays as it is.
            let _ = database.as_ref().map(|it| it.create_object_store(store));
        }
    });
    opening.set_onupgradeneeded(Some(make.unchecked_ref()));
    let database: IdbDatabase = answer(&opening).await?.dyn_into()?;
    let transaction = database.transaction_with_str_and_mode(name, mode);
    // Takes effect after its transactions.
    database.close();
    transaction?.object_store(name)
}

/// A value as [`sweep`] expects it: since when it is kept, and what.
pub(super) fn dated(value: &JsValue) -> JsValue {
    Array::of2(&Date::now().into(), value).into()
}

/// The value that was [`dated`].
pub(super) fn undated(dated: &JsValue) -> Option<JsValue> {
    Reflect::get_u32(dated.dyn_ref::<Array>()?, 1).ok()
}

/// Forgets in the background what a store keeps since so many milliseconds.
pub(super) fn sweep(name: &'static str, kept_for: f64) {
    spawn_local(async move {
        let _ = sweep_before(name, Date::now() - kept_for).await;
    });
}

pub(super) async fn sweep_before(name: &str, time: f64) -> Result<(), JsValue> {
    let keys = store(name, Readonly).await?.get_all_keys()?;
    for key in answer(&keys).await?.dyn_into::<Array>()?.iter() {
        // Each in its turn, as a transaction ends when nothing is asked of it.
        let store = store(name, Readwrite).await?;
        let kept = answer(&store.get(&key)?).await?;
        // Another tab may have been quicker.
        let since = kept
            .dyn_ref::<Array>()
            .and_then(|kept| kept.get(0).as_f64());
        if since.is_none_or(|since| since < time) {
            answer(&store.delete(&key)?).await?;
        }
    }
    Ok(())
}

/// The result of a request.
///
/// # Errors
/// The browser's.
pub(super) async fn answer(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    JsFuture::from(promise).await?;
    request.result()
}
