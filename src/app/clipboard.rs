//! Copying to the clipboard, where the browser lets a page.

use std::time::Duration;

use gloo_timers::future::sleep;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::icons::{Icon, icon};

/// How long the button says that it has copied.
const THANKS: Duration = Duration::from_secs(2);

/// Copies a text. Not there where there is no clipboard: on pages that are no secure context.
#[component]
pub(super) fn CopyButton(#[prop(into)] text: String) -> impl IntoView {
    if !window().is_secure_context() {
        return None;
    }
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let written = JsFuture::from(window().navigator().clipboard().write_text(&text));
        spawn_local(async move {
            if written.await.is_ok() {
                // The panel may have been closed meanwhile.
                let _ = copied.try_set(true);
                sleep(THANKS).await;
                let _ = copied.try_set(false);
            }
        });
    };
    Some(view! {
        <button type="button" class="button" data-testid="copy" on:click=copy>
            {move || icon(if copied.get() { Icon::Check } else { Icon::Copy })}
            <span aria-live="polite">{move || if copied.get() { "Copied" } else { "Copy" }}</span>
        </button>
    })
}
