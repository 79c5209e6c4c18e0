//! Taking received files off the list: what was not saved can be had back for a while, and what the
//! browser may still be copying is kept until it has it.

use std::{sync::Arc, time::Duration};

use js_sys::Date;
use leptos::prelude::*;
use mqdrop_core::isolated;

use super::{
    actions, erased,
    icons::{Icon, icon},
    session::Session,
    state::Transfer,
    words::words,
};
use crate::bridge::TransferAction;

/// How long what was not saved can be had back, in milliseconds.
const REGRET: f64 = 10_000.0;

/// Received files that are off the list, and not yet off the storage.
#[derive(Clone)]
struct Removal {
    /// Its own number: the same parcel may come back and be removed again.
    number: u32,
    parcel: Arc<str>,
    title: String,
    /// The user may want it back.
    is_unsaved: bool,
}

/// All of these, the last one last.
#[derive(Clone, Default)]
pub(super) struct Removals {
    all: Vec<Removal>,
    /// The next one's number.
    next: u32,
}

impl Removals {
    /// Tells whether a parcel is off the list.
    pub(super) fn has(&self, parcel: &str) -> bool {
        self.all.iter().any(|one| *one.parcel == *parcel)
    }

    /// A parcel is off the storage.
    pub(super) fn forget(&mut self, parcel: &str) {
        self.all.retain(|one| *one.parcel != *parcel);
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    /// Takes a parcel off the list; returns the removal's number.
    fn add(&mut self, parcel: Arc<str>, title: String, is_unsaved: bool) -> u32 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        self.all.push(Removal {
            number,
            parcel,
            title,
            is_unsaved,
        });
        number
    }

    /// Puts an end to a removal; returns its parcel, unless it had one before.
    fn take(&mut self, number: u32) -> Option<Arc<str>> {
        let at = self.all.iter().position(|one| one.number == number)?;
        Some(self.all.remove(at).parcel)
    }

    /// The last one that the user may want back.
    fn last_unsaved(&self) -> Option<&Removal> {
        self.all.iter().rev().find(|one| one.is_unsaved)
    }
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
    let removed = session.state.removed;
    let number = removed.try_update(|all| all.add(parcel, words().title(&view.title), !is_saved));
    if let Some(number) = number {
        set_timeout(
            move || finish(session, number),
            Duration::from_millis(wait as u64),
        );
    }
}

/// Takes off the storage as well what the user did not want back.
fn finish(session: Session, number: u32) {
    if let Some(parcel) = take(session, number) {
        session.engine.act(&parcel, TransferAction::Remove);
    }
}

/// Finishes all of it: the room is about to be left. What the browser may still be copying stays.
pub(super) fn finish_all(session: Session) {
    for removal in session.state.removed.get_untracked().all {
        if removal.is_unsaved {
            finish(session, removal.number);
        }
    }
}

fn take(session: Session, number: u32) -> Option<Arc<str>> {
    session
        .state
        .removed
        .try_update(|removed| removed.take(number))
        .flatten()
}

/// The transfer that was taken off the list last without having been saved, and the way back.
#[component]
pub(super) fn RemovedNotice(session: Session) -> impl IntoView {
    let last = Memo::new(move |_| {
        let removed = session.state.removed.read();
        let last = removed.last_unsaved()?;
        Some((last.number, last.title.clone()))
    });
    view! {
        // Live regions are announced only if they were there before their text.
        <div role="status">
            {erased::drawn(move || {
                last.get()
                    .map(|(number, title)| {
                        view! {
                            <div class="notice">
                                {icon(Icon::Info)}
                                <p>{words().list_removed(&isolated(&title))}</p>
                                <button
                                    type="button"
                                    class="button"
                                    data-testid="undo-remove"
                                    on:click=move |_| {
                                        let _ = take(session, number);
                                    }
                                >
                                    {words().list_undo()}
                                </button>
                                <button
                                    type="button"
                                    class="button"
                                    data-testid="remove-now"
                                    on:click=move |_| finish(session, number)
                                >
                                    {words().list_delete_now()}
                                </button>
                            </div>
                        }.into_any()
                    })
            })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_removal_that_was_undone_does_not_end_the_next_one() {
        let mut removed = Removals::default();
        let parcel: Arc<str> = "aaaa".into();
        let first = removed.add(parcel.clone(), "a".into(), true);
        assert!(removed.take(first).is_some() && !removed.has(&parcel));
        let second = removed.add(parcel.clone(), "a".into(), true);
        // The first one's time is over.
        assert_eq!(removed.take(first), None);
        assert!(removed.has(&parcel));
        assert_eq!(removed.last_unsaved().map(|one| one.number), Some(second));
        assert_eq!(removed.take(second), Some(parcel.clone()));
        assert!(!removed.has(&parcel));
    }
}
