//! Web Locks (<https://w3c.github.io/web-locks/>), held for as long as this worker lives.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::JsFuture;

use super::super::clock::global;
use crate::js::{call, property};

/// Takes the lock of this name and holds it.
///
/// # Errors
/// If it is refused, or another holds it.
pub(super) async fn hold(name: &str) -> Result<(), JsValue> {
    let mut settle = None;
    let answer = Promise::new(&mut |resolve, reject| settle = Some((resolve, reject)));
    let callback = Closure::once_into_js(move |lock: JsValue| {
        let Some((resolve, reject)) = settle else {
            return JsValue::UNDEFINED;
        };
        if lock.is_null() {
            let held = JsValue::from_str("another holds the lock");
            let _ = reject.call1(&JsValue::UNDEFINED, &held);
            return JsValue::UNDEFINED;
        }
        let _ = resolve.call0(&JsValue::UNDEFINED);
        // A lock is held until the promise that its callback returns is settled; this never is.
        Promise::new(&mut |_, _| ()).into()
    });
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE)?;
    let locks = property(&global().navigator(), "locks");
    let request = call(&locks, "request", &[&name.into(), &options, &callback])?;
    // The request settles first only if the callback is never called: with an error.
    let first = Promise::race(&js_sys::Array::of2(&answer, &request));
    JsFuture::from(first).await.map(drop)
}
