//! The browser's file picker.

use leptos::{ev, prelude::*, task::spawn_local};
use web_sys::HtmlInputElement;

use super::{
    handles,
    icons::{Icon, icon},
    picked::{self, Picked},
};

/// A button that opens the picker for files, or for a folder. The input is only hidden from sight,
/// so that keyboards and scripts use it directly.
#[component]
pub(super) fn Picker(
    id: &'static str,
    label: &'static str,
    folder: bool,
    /// Whether it is worth knowing where the files are.
    #[prop(optional)]
    handles: bool,
    take: impl Fn(Picked) + 'static,
) -> impl IntoView {
    let take = StoredValue::new_local(take);
    let changed = move |event: ev::Targeted<web_sys::Event, HtmlInputElement>| {
        let input = event.target();
        let files = picked::from_list(input.files());
        // So that choosing the same file again is a change again.
        input.set_value("");
        take.with_value(|take| take(picked::without_handles(files)));
    };
    // The input opens its own picker next.
    let plainly = StoredValue::new(false);
    let clicked = move |event: ev::Targeted<ev::MouseEvent, HtmlInputElement>| {
        if plainly.get_value() {
            return plainly.set_value(false);
        }
        let Some(window) = handles::picker().filter(|_| handles) else {
            return;
        };
        let input = event.target();
        event.prevent_default();
        spawn_local(async move {
            match handles::pick(&window).await {
                Ok(Some(picked)) => {
                    let _ = take.try_with_value(|take| take(picked));
                }
                Ok(None) => {}
                Err(_) => {
                    let _ = plainly.try_set_value(true);
                    input.click();
                }
            }
        });
    };
    let input = view! {
        <input type="file" class="picker-input" data-testid=id multiple on:change:target=changed on:click:target=clicked />
    };
    view! {
        <label class="button button-main picker">
            {input.attr("webkitdirectory", folder.then_some(""))}
            {icon(if folder { Icon::Folder } else { Icon::File })}
            {label}
        </label>
    }
}
