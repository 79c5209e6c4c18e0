//! Keeps the screen on while something moves, where the browser can: phones cut connections when
//! it goes dark. <https://w3c.github.io/screen-wake-lock/>

use js_sys::{Function, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::TransferState;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{actions, page, state::State};

/// Asks for the screen to stay on whenever something moves and the page can be seen.
pub(super) fn watch(state: State) {
    // The browser takes the lock away when the page is hidden.
    let looks = RwSignal::new(0);
    page::on_visibility(move |_| looks.update(|looks| *looks += 1));
    let moving = Memo::new(move |_| {
        let moves = |state: TransferState| actions::is_moving(state);
        let all = state.transfers.read();
        all.iter().any(|transfer| moves(transfer.view.read().state))
    });
    let held = StoredValue::new_local(None::<JsValue>);
    Effect::new(move || {
        looks.track();
        if !(moving.get() && page::is_visible()) {
            if let Some(lock) = held.try_update_value(Option::take).flatten() {
                let _ = call(&lock, "release", &[]);
            }
            return;
        }
        spawn_local(async move {
            // Refused on pages without https, and when the battery is low.
            if let Ok(lock) = request().await {
                // Another one may have come meanwhile, or nothing moves any more.
                let spare = if moving.get_untracked() {
                    held.try_update_value(|held| held.replace(lock)).flatten()
                } else {
                    Some(lock)
                };
                if let Some(spare) = spare {
                    let _ = call(&spare, "release", &[]);
                }
            }
        });
    });
}

/// Asks that what was received is not removed when space runs short. Browsers decide by
/// themselves, and some ask the user.
pub(super) fn keep_storage() {
    let storage = property(&window().navigator(), "storage");
    // Without it the browser may remove what it keeps when the disk is full.
    let _ = call(&storage, "persist", &[]);
}

async fn request() -> Result<JsValue, JsValue> {
    let locks = property(&window().navigator(), "wakeLock");
    let promise = call(&locks, "request", &["screen".into()])?;
    JsFuture::from(Promise::resolve(&promise)).await
}

fn property(target: &JsValue, name: &str) -> JsValue {
    Reflect::get(target, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn call(target: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = property(target, method).dyn_into()?;
    function.apply(target, &arguments.iter().collect())
}
