//! The browser's file picker.

use leptos::{ev, prelude::*};
use web_sys::HtmlInputElement;

use super::{
    icons::{Icon, icon},
    picked,
};
use crate::bridge::PickedFile;

/// A button that opens the picker for files, or for a folder. The input is only hidden from sight,
/// so that keyboards and scripts use it directly.
#[component]
pub(super) fn Picker(
    id: &'static str,
    label: &'static str,
    folder: bool,
    take: impl Fn(Vec<PickedFile>) + 'static,
) -> impl IntoView {
    let changed = move |event: ev::Targeted<web_sys::Event, HtmlInputElement>| {
        let input = event.target();
        let files = picked::from_list(input.files());
        // So that choosing the same file again is a change again.
        input.set_value("");
        take(files);
    };
    let input = view! {
        <input type="file" class="picker-input" data-testid=id multiple on:change:target=changed />
    };
    view! {
        <label class="button button-main picker">
            {input.attr("webkitdirectory", folder.then_some(""))}
            {icon(if folder { Icon::Folder } else { Icon::File })}
            {label}
        </label>
    }
}
