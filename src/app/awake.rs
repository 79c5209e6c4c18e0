//! Keeps the screen on while something moves, where the browser can: phones cut connections when
//! it goes dark. <https://w3c.github.io/screen-wake-lock/>

use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::TransferState;
use wasm_bindgen::JsValue;

use super::{actions, page, state::State};
use crate::js::{call, call_async, property};

/// Asks for the screen to stay on whenever something moves and the page can be seen.
pub(super) fn watch(state: State) {
    // The browser takes the lock away when the page is hidden.
    let looks = RwSignal::new(0usize);
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
            state.may_darken.set(false);
            return;
        }
        spawn_local(async move {
            // Refused on pages without https, and when the battery is low.
            let lock = request().await;
            // An earlier one may have been given.
            let is_held = held.with_value(Option::is_some);
            state
                .may_darken
                .set(lock.is_err() && !is_held && moving.get_untracked());
            if let Ok(lock) = lock {
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

async fn request() -> Result<JsValue, JsValue> {
    let locks = property(&window().navigator(), "wakeLock");
    call_async(&locks, "request", &[&"screen".into()]).await
}
