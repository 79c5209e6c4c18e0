//! Handles of the user's files, which outlive the page. Only Chromium has them, in secure contexts
//! (<https://wicg.github.io/file-system-access/>), and gives them for what is dropped and for what is
//! picked with another picker than that of `<input type="file">`.

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, Window};

use crate::bridge::PickedFile;
use crate::js::{call, call_async, error_name, property};

use super::picked::{self, Picked};

/// How to find out whether files may be read.
#[derive(Clone, Copy)]
pub(super) enum Permission {
    /// Without a word to the user.
    Query,
    /// By asking the user, who must just have clicked on something.
    Request,
}

impl Permission {
    /// Whether all of them may be read.
    pub(super) async fn is_given(self, handles: &Array) -> bool {
        let method = match self {
            Self::Query => "queryPermission",
            Self::Request => "requestPermission",
        };
        let mode = Object::new();
        // Fails for what is no object.
        let _ = Reflect::set(&mode, &"mode".into(), &"read".into());
        // All at once: the user's click does not count for long.
        let states: Option<Array> = handles
            .iter()
            .map(|handle| call(&handle, method, &[&mode]).ok())
            .collect();
        let Some(states) = states else { return false };
        let states = JsFuture::from(Promise::all(&states)).await;
        let states: Option<Array> = states.ok().and_then(|states| states.dyn_into().ok());
        states.is_some_and(|states| states.iter().all(|state| state == "granted"))
    }
}

/// The page's window, if files are better picked with its picker for handles. Phones' own picker takes
/// pictures as well, and programs that drive a browser answer to that of the input.
pub(super) fn picker() -> Option<Window> {
    let window = web_sys::window()?;
    let mouse = call(&window, "matchMedia", &[&"(pointer: fine)".into()]).ok()?;
    let has_mouse = property(&mouse, "matches").is_truthy();
    let is_driven = property(&window.navigator(), "webdriver").is_truthy();
    let has_picker = property(&window, PICK).is_function();
    (has_mouse && has_picker && !is_driven).then_some(window)
}

/// The method that opens the picker.
const PICK: &str = "showOpenFilePicker";

/// The user's choice; nothing if they think better of it.
///
/// # Errors
/// If the browser does not open the picker here, or what was picked cannot be read.
pub(super) async fn pick(window: &Window) -> Result<Option<Picked>, JsValue> {
    let several = Object::new();
    Reflect::set(&several, &"multiple".into(), &true.into())?;
    let handles: Array = match call_async(window, PICK, &[&several]).await {
        Ok(handles) => handles.dyn_into()?,
        Err(error) if error_name(&error) == "AbortError" => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut files: Vec<PickedFile> = Vec::new();
    for handle in handles.iter() {
        let file = call_async(&handle, "getFile", &[]).await?;
        files.push(picked::picked(file.dyn_into()?, None));
    }
    Ok(Some(Picked { files, handles }))
}

/// Asks for the handles of what is dropped. They can be asked for only while the event is being
/// handled, and come later.
pub(super) fn of_drop(data: &DataTransfer) -> Option<Promise> {
    let items = data.items();
    let handles = Array::new();
    for item in (0..items.length()).filter_map(|index| items.get(index)) {
        if item.kind() == "file" {
            handles.push(&call(&item, "getAsFileSystemHandle", &[]).ok()?);
        }
    }
    Some(Promise::all(&handles))
}

/// The outcome of [`of_drop`]; empty unless there is a handle for everything that was dropped.
pub(super) async fn all_of(asked: Option<Promise>) -> Array {
    let Some(asked) = asked else {
        return Array::new();
    };
    let handles: Option<Array> = JsFuture::from(asked)
        .await
        .ok()
        .and_then(|handles| handles.dyn_into().ok());
    handles
        .filter(|handles| handles.iter().all(|handle| handle.is_object()))
        .unwrap_or_default()
}
