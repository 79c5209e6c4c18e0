//! The buttons of a transfer.

use leptos::prelude::*;
use mqdrop_core::view::{Direction, ParcelKind, TransferState, TransferView};

use super::{
    actions::{self, Button},
    erased, removal, save,
    session::Session,
    state::{Saving, Transfer},
    storage, together,
    words::words,
};
use crate::bridge::TransferAction;

/// Up to so many files can be saved one by one.
const FEW: usize = 100;

/// All that can be done about a transfer now, the most likely first.
#[component]
pub(super) fn Buttons(
    session: Session,
    transfer: Transfer,
    now: RwSignal<TransferView>,
    state: Memo<TransferState>,
    direction: Direction,
    kind: ParcelKind,
) -> impl IntoView {
    let Transfer { parcel, parts, .. } = transfer.clone();
    let saving = RwSignal::from(parts.saving.clone());
    let saved = RwSignal::from(parts.saved.clone());
    let is_saved = Memo::new(move |_| saved.read().is_whole(actions::files_here(&now.read())));
    // The list comes in parts, and all of it is saved or nothing.
    let is_listed = {
        let files = parts.files.clone();
        Memo::new(move |_| files.read().len() == now.read().files as usize)
    };
    // Several are saved together, or one by one if they are few.
    let files_here = Memo::new(move |_| actions::files_here(&now.read()));
    let has_sums = {
        let files = parts.files.clone();
        Memo::new(move |_| together::is_possible(&files.read()))
    };
    let has_folders = together::has_folders();
    let is_received = Memo::new(move |_| actions::is_received(&now.read()));
    let click = StoredValue::new(move |button: Button| match button.action() {
        None if button == Button::StopSaving => saving.update(|saving| {
            if let Some(saving) = saving {
                saving.is_stopped = true;
            }
        }),
        // Files that are being saved have to be there.
        _ if saving.read_untracked().is_some() => {}
        Some(TransferAction::Remove) if is_received.get_untracked() => {
            removal::begin(session, &transfer);
        }
        Some(action) => {
            if button == Button::Accept {
                storage::keep();
            }
            session.engine.act(&parcel, action);
        }
        None => {
            let Some(content) = parts.content.get_untracked() else {
                return session.state.fail(words().card_gone());
            };
            let whole = together::Parcel {
                id: parcel.clone(),
                title: words().title(&now.read_untracked().title),
                content: (*content).clone(),
                parts: parts.clone(),
            };
            match button {
                Button::SaveZip | Button::SaveFolder => together::save(session, whole, button),
                _ => save::all(session.state, whole.id, whole.content, whole.parts),
            }
        }
    });
    let lacks_files = Memo::new(move |_| now.read().lacks_files);
    let paused_here = Memo::new(move |_| now.read().paused_here);
    let buttons = move || match lacks_files.get() {
        // Its files are to be chosen again first; there is nothing to pause.
        true => &[Button::Cancel],
        false => actions::buttons(
            direction,
            kind,
            state.get(),
            paused_here.get(),
            is_received.get(),
        ),
    };
    view! {
        <div class="transfer-buttons">
            <For
                each=move || {
                    let is_there = move |button: &Button| match button {
                        Button::SaveZip => is_listed.get() && has_sums.get(),
                        Button::SaveFolder => is_listed.get() && has_sums.get() && has_folders,
                        Button::Save => is_listed.get() && files_here.get() <= FEW,
                        Button::StopSaving => saving.read().is_some_and(|saving| saving.by == Button::SaveFolder),
                        _ => true,
                    };
                    buttons().iter().copied().filter(is_there)
                }
                key=|button| button.test_id()
                children=move |button| {
                    let saves = move || match has_sums.get() {
                        true => button == Button::SaveZip,
                        false => button == Button::Save,
                    };
                    let main = move || button == Button::Accept || (saves() && !is_saved.get());
                    let saved = move || saving.get().filter(|saving| saving.by == button);
                    let name = move || match saved() {
                        Some(_) => words().button_saving(),
                        None => button.label(direction, state.get(), files_here.get()),
                    };
                    let label = move || match saved() {
                        Some(saving) => saving_words(saving, &now.read()),
                        None => name().to_owned(),
                    };
                    view! {
                        <button
                            type="button"
                            class="button"
                            class:button-main=main
                            data-testid=button.test_id()
                            aria-label=erased::text(move || words().button_of(name(), &words().title(&now.read().title)))
                            aria-disabled=erased::given(move || saving.get().filter(|_| button != Button::StopSaving).map(|_| "true"))
                            on:click=move |_| click.with_value(|click| click(button))
                        >
                            {erased::text(label)}
                        </button>
                    }
                }
            />
        </div>
    }
}

/// How far saving is, on the button that was pressed for it.
fn saving_words(saving: Saving, view: &TransferView) -> String {
    let words = words();
    match saving.by {
        Button::SaveZip => words.button_saving().to_owned(),
        Button::SaveFolder => {
            words.button_saving_of(&words.size(saving.bytes), &words.size(view.total))
        }
        _ => {
            let all = actions::files_here(view);
            let [saved, all] = [saving.files, all].map(|number| words.number(number as u64));
            words.button_saving_of(&saved, &all)
        }
    }
}
