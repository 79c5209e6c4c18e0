//! Handles of the user's files, which outlive the page. Only Chromium has them, in secure contexts
//! (<https://wicg.github.io/file-system-access/>), and gives them for what is dropped. Its picker for
//! them is another one than that of `<input type="file">`, which scripts rely on.

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::DataTransfer;

use crate::js::call;

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

/// What came of [`of_drop`]; empty unless there is a handle for everything that was dropped.
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
