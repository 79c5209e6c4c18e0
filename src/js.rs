//! Calls to what a browser may lack or refuse.
//!
//! The generated bindings assume that a method is there and throw past Rust when it is not; these
//! turn both into an `Err`.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

/// Reads a property; `undefined` where it or its owner is missing.
pub fn property(target: &JsValue, name: &str) -> JsValue {
    Reflect::get(target, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Calls a method.
///
/// # Errors
/// The value it throws, or a text if this browser has no such method.
pub fn call(target: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = property(target, method)
        .dyn_into()
        .map_err(|_| JsValue::from_str(&format!("TypeError: no {method}")))?;
    let list = Array::new();
    for argument in arguments {
        list.push(argument);
    }
    function.apply(target, &list)
}

/// Calls a method and waits for the promise it returns.
///
/// # Errors
/// The value it throws or rejects with, or a text if this browser has no such method.
pub async fn call_async(
    target: &JsValue,
    method: &str,
    arguments: &[&JsValue],
) -> Result<JsValue, JsValue> {
    let promise = Promise::resolve(&call(target, method, arguments)?);
    JsFuture::from(promise).await
}

/// The next value of an async iterator, such as a folder's; `None` after the last one.
///
/// # Errors
/// The value it rejects with.
pub async fn next(iterator: &JsValue) -> Result<Option<JsValue>, JsValue> {
    let next = call_async(iterator, "next", &[]).await?;
    let is_done = property(&next, "done").is_truthy();
    Ok((!is_done).then(|| property(&next, "value")))
}

/// Lets the browser do what else there is to do, such as drawing. A timer would take a second in a
/// page that nobody sees.
pub async fn turn() {
    let Ok(channel) = MessageChannel::new() else {
        return;
    };
    let (mine, other) = (channel.port1(), channel.port2());
    let answer = Promise::new(&mut |resolve, _| mine.set_onmessage(Some(&resolve)));
    if other.post_message(&JsValue::NULL).is_ok() {
        // Nothing rejects it.
        let _ = JsFuture::from(answer).await;
    }
    mine.close();
}

/// How many bytes this page may still store, if the browser tells. Not exact: browsers round and
/// reserve as they like, so a write may fail all the same.
pub async fn available_space(navigator: &JsValue) -> Option<u64> {
    let storage = property(navigator, "storage");
    let estimate = call_async(&storage, "estimate", &[]).await.ok()?;
    let quota = property(&estimate, "quota").as_f64()?;
    let usage = property(&estimate, "usage").as_f64()?;
    Some((quota - usage).max(0.0) as u64)
}

/// An exception's name, such as `QuotaExceededError`; empty if it has none.
pub fn error_name(error: &JsValue) -> String {
    property(error, "name").as_string().unwrap_or_default()
}

/// An exception in the browser's words; empty if it has none.
pub fn error_text(error: &JsValue) -> String {
    error
        .as_string()
        .or_else(|| property(error, "message").as_string())
        .unwrap_or_default()
}
