//! The files of a transfer.

use std::sync::Arc;

use leptos::prelude::*;
use mqdrop_core::view::FileView;

use super::erased::{text, whether};
use super::{save, state::Parts, state::State, words::words};

/// How many files are listed at first.
const FIRST: usize = 100;

/// How many more each click shows.
const MORE: usize = 500;

/// One row for each file; a single file needs none beyond its title, so its row is folded.
#[component]
pub(super) fn Files(state: State, parcel: Arc<str>, parts: Parts) -> impl IntoView {
    let shown = RwSignal::new(FIRST);
    let Parts { files, content, .. } = parts.clone();
    let number = Memo::new({
        let files = files.clone();
        move |_| files.read().len()
    });
    let rows = {
        let files = files.clone();
        move || {
            files
                .read()
                .iter()
                .take(shown.get())
                .cloned()
                .enumerate()
                .collect::<Vec<_>>()
        }
    };
    let saveable = Signal::derive(move || content.read().is_some());
    let parts = StoredValue::new((parcel, parts));
    view! {
        <Show when=whether(move || { number.get() > 0 })>
            <details class="files" open=move || (2..=FIRST).contains(&number.get())>
                <summary>{text(move || words().number_files(number.get() as u64))}</summary>
                <ul>
                    <For
                        each=rows.clone()
                        key=|(index, file)| (*index, file.blake3.is_some(), file.left_out)
                        children=move |(place, file)| {
                            let save = {
                                let file = file.clone();
                                move || {
                                    parts.with_value(|(parcel, parts)| save::one(state, parcel, parts, place, &file));
                                }
                            };
                            view! { <Row file saveable save /> }
                        }
                    />
                </ul>
                <Show when=whether(move || { number.get() > shown.get() })>
                    <button type="button" class="button" on:click=move |_| shown.update(|shown| *shown += MORE)>
                        {text(move || {
                            let number = number.get();
                            let more = MORE.min(number - shown.get().min(number));
                            words().file_more(&words().number(more as u64), &words().number(number as u64))
                        })}
                    </button>
                </Show>
            </details>
        </Show>
    }
}

#[component]
fn Row(
    file: FileView,
    saveable: Signal<bool>,
    save: impl Fn() + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let save = StoredValue::new(save);
    let label = words().file_save(&file.path);
    let left_out = file.left_out;
    view! {
        <li
            class="file"
            data-testid="file"
            data-path=file.path.clone()
            data-size=file.size.to_string()
            data-blake3=file.blake3.clone()
            data-left-out=left_out.then_some("true")
        >
            <bdi class="file-path" dir="ltr">{file.path.clone()}</bdi>
            <span class="file-size" title=file.blake3.as_ref().map(|hash| format!("BLAKE3 {hash}"))>
                {if left_out { words().file_left_out().to_owned() } else { words().size(file.size) }}
            </span>
            <Show when=whether(move || saveable.get() && !left_out)>
                <button
                    type="button"
                    class="button button-small"
                    data-testid="save-file"
                    aria-label=label.clone()
                    on:click=move |_| save.with_value(|save| save())
                >
                    {words().button_save()}
                </button>
            </Show>
        </li>
    }
}
