//! Web Locks (<https://w3c.github.io/web-locks/>), held for as long as this worker lives.

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::JsFuture;

use super::super::clock::global;
use crate::js::{call, call_async, property};

/// Takes the lock of this name and holds it.
///
/// # Errors
/// If it is refused, or another holds it.
pub(super) async fn hold(name: &str) -> Result<(), JsValue> {
    request(name, "ifAvailable", &JsValue::TRUE).await
}

/// Takes the lock of this name once others let go of it, and holds it.
///
/// # Errors
/// If it is refused, or another holds it for longer than `patience`, in milliseconds.
pub(super) async fn wait(name: &str, patience: i32) -> Result<(), JsValue> {
    let signals = property(&js_sys::global(), "AbortSignal");
    let signal = call(&signals, "timeout", &[&patience.into()])?;
    request(name, "signal", &signal).await
}

/// The names of locks that somebody holds or waits for.
///
/// # Errors
/// If this browser does not tell.
pub(super) async fn used() -> Result<Vec<String>, JsValue> {
    let locks = call_async(&manager(), "query", &[]).await?;
    Ok(["held", "pending"]
        .iter()
        .flat_map(|list| Array::from(&property(&locks, list)))
        .filter_map(|lock| property(&lock, "name").as_string())
        .collect())
}

async fn request(name: &str, option: &str, value: &JsValue) -> Result<(), JsValue> {
    let mut settle = None;
    let answer = Promise::new(&mut |resolve, reject| settle = Some((resolve, reject)));
    let callback = Closure::once_into_js(move |lock: JsValue| {
        let Some((resolve, reject)) = settle else {
            return JsValue::UNDEFINED;
        };
        if lock.is_null() {
            let held = JsValue::from_str("locked");
            let _ = reject.call1(&JsValue::UNDEFINED, &held);
            return JsValue::UNDEFINED;
        }
        let _ = resolve.call0(&JsValue::UNDEFINED);
        // A lock is held until the promise that its callback returns is settled; this never is.
        Promise::new(&mut |_, _| ()).into()
    });
    let options = Object::new();
    Reflect::set(&options, &option.into(), value)?;
    let request = call(&manager(), "request", &[&name.into(), &options, &callback])?;
    // The request settles first only if the callback is never called: with an error.
    let first = Promise::race(&Array::of2(&answer, &request));
    JsFuture::from(first).await.map(drop)
}

fn manager() -> JsValue {
    property(&global().navigator(), "locks")
}
