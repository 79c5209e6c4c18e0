//! Taking received files off the list: what was not saved can be had back for a while, and what the
//! browser may still be copying is kept until it has it.

use std::{sync::Arc, time::Duration};

use js_sys::Date;
use leptos::prelude::*;

use super::{
    actions,
    icons::{Icon, icon},
    session::Session,
    state::Transfer,
};
use crate::bridge::TransferAction;

/// How long what was not saved can be had back, in milliseconds.
const REGRET: f64 = 10_000.0;

/// Received files that are off the list, and not yet off the storage.
#[derive(Clone)]
pub(super) struct Removal {
    pub(super) parcel: Arc<str>,
    title: String,
    /// The user may want it back.
    is_unsaved: bool,
}

/// Takes received files off the list.
pub(super) fn begin(session: Session, transfer: &Transfer) {
    let view = transfer.view.read_untracked();
    let (is_saved, busy_until) = {
        let saved = transfer.parts.saved.read_untracked();
        (
            saved.is_whole(actions::files_here(&view)),
            saved.busy_until(),
        )
    };
    let now = Date::now();
    let regret = if is_saved { now } else { now + REGRET };
    let wait = regret.max(busy_until) - now;
    let parcel = transfer.parcel.clone();
    if wait <= 0.0 {
        return session.engine.act(&parcel, TransferAction::Remove);
    }
    session.state.removed.update(|all| {
        all.push(Removal {
            parcel: parcel.clone(),
            title: view.title.clone(),
            is_unsaved: !is_saved,
        });
    });
    set_timeout(
        move || finish(session, &parcel),
        Duration::from_millis(wait as u64),
    );
}

/// Takes off the storage as well what the user did not want back.
fn finish(session: Session, parcel: &str) {
    if take(session, parcel) {
        session.engine.act(parcel, TransferAction::Remove);
    }
}

/// Finishes all of it: the room is about to be left. What the browser may still be copying stays.
pub(super) fn finish_all(session: Session) {
    for removal in session.state.removed.get_untracked() {
        if removal.is_unsaved {
            finish(session, &removal.parcel);
        }
    }
}

fn take(session: Session, parcel: &str) -> bool {
    let removed = session.state.removed;
    let is_there = removed.with_untracked(|all| all.iter().any(|one| *one.parcel == *parcel));
    if is_there {
        removed.update(|all| all.retain(|one| *one.parcel != *parcel));
    }
    is_there
}

/// What was taken off the list last without having been saved, and the way back.
#[component]
pub(super) fn RemovedNotice(session: Session) -> impl IntoView {
    let last = Memo::new(move |_| {
        let removed = session.state.removed.read();
        let last = removed.iter().rev().find(|one| one.is_unsaved)?;
        Some((last.parcel.clone(), last.title.clone()))
    });
    view! {
        // Live regions are announced only if they were there before their text.
        <div role="status">
            {move || {
                last.get()
                    .map(|(parcel, title)| {
                        let again = parcel.clone();
                        view! {
                            <div class="notice">
                                {icon(Icon::Info)}
                                <p>{format!("Removed without being saved: \u{2068}{title}\u{2069}")}</p>
                                <button
                                    type="button"
                                    class="button"
                                    data-testid="undo-remove"
                                    on:click=move |_| {
                                        let _ = take(session, &again);
                                    }
                                >
                                    "Undo"
                                </button>
                                <button
                                    type="button"
                                    class="button"
                                    data-testid="remove-now"
                                    on:click=move |_| finish(session, &parcel)
                                >
                                    "Delete now"
                                </button>
                            </div>
                        }
                    })
            }}
        </div>
    }
}
