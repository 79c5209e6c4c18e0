//! Copying to the clipboard.

use std::time::Duration;

use gloo_timers::future::sleep;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::HtmlTextAreaElement;

use super::{
    erased,
    icons::{Icon, icon},
    words::words,
};
use crate::js::{call, call_async, property};

/// How long the button says what came of it.
const THANKS: Duration = Duration::from_secs(2);

/// Copies a text.
#[component]
pub(super) fn CopyButton(#[prop(into)] text: String) -> impl IntoView {
    // Whether it was copied, for a while after a click.
    let copied = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let text = text.clone();
        spawn_local(async move {
            let is_copied = write(&text).await;
            // The panel may have been closed meanwhile.
            let _ = copied.try_set(Some(is_copied));
            sleep(THANKS).await;
            let _ = copied.try_set(None);
        });
    };
    let label = move || match copied.get() {
        None => words().invite_copy(),
        Some(true) => words().invite_copied(),
        Some(false) => words().invite_not_copied(),
    };
    view! {
        <button type="button" class="button" data-testid="copy" on:click=copy>
            {move || icon(if copied.get() == Some(true) { Icon::Check } else { Icon::Copy })}
            <span aria-live="polite">{erased::text(move || label().to_owned())}</span>
        </button>
    }
}

/// Writes to the clipboard; on pages that are no secure context the old way.
async fn write(text: &str) -> bool {
    let navigator = property(&window(), "navigator");
    let clipboard = property(&navigator, "clipboard");
    let written = call_async(&clipboard, "writeText", &[&text.into()]).await;
    written.is_ok() || copy_selected(text).is_some()
}

/// Copies by selecting the text in a field that is there for a moment.
fn copy_selected(text: &str) -> Option<()> {
    let before = document().active_element();
    let field = document().create_element("textarea").ok()?;
    let field: HtmlTextAreaElement = field.unchecked_into();
    // Phones show no keyboard for what cannot be changed.
    field.set_read_only(true);
    field.set_class_name("visually-hidden");
    field.set_value(text);
    document().body()?.append_child(&field).ok()?;
    field.select();
    let copied = call(&document(), "execCommand", &[&"copy".into()]);
    if let Some(before) = before {
        super::focus::focus(&before);
    }
    field.remove();
    copied.ok()?.is_truthy().then_some(())
}
