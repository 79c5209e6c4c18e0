//! What the user should know: the last error, the broker's limits, what this browser lacks.

use leptos::prelude::*;
use mqdrop_core::view::ConnectionState;

use super::{
    format::count,
    icons::{Icon, icon},
    page,
    session::Session,
    state::State,
    words::words,
};
use crate::bridge::{Command, Storage};

/// The words for a worker that is gone.
pub(super) const CRASHED: &str = "The app has stopped. Reload the page to go on.";

/// The last error in words: what went wrong last, else why the connection is not there. In the form
/// what the user has to change stands below its field.
#[component]
pub(super) fn ErrorLine(session: Session, in_room: bool) -> impl IntoView {
    let state = session.state;
    let own = state.error;
    let may_change = move || {
        let status = state.status.read();
        in_room && status.state == ConnectionState::Error && !state.crashed.get()
    };
    let told = Memo::new(move |_| {
        if state.crashed.get() {
            return Some(CRASHED.to_owned());
        }
        own.get().or_else(|| {
            let status = state.status.read();
            let is_told = !in_room && status.remedy.is_some();
            (status.state == ConnectionState::Error && !is_told).then(|| words().status(&status))
        })
    });
    view! {
        // Live regions are announced only if they were there before their text.
        <div role="alert">
            {move || {
                told
                    .get()
                    .map(|words| {
                        view! {
                            <div class="notice notice-error">
                                {icon(Icon::Warning)}
                                <p data-testid="error">{words}</p>
                                <Show when=move || state.crashed.get()>
                                    <button type="button" class="button" on:click=move |_| page::reload()>
                                        "Reload"
                                    </button>
                                </Show>
                                <Show when=may_change>
                                    <button
                                        type="button"
                                        class="button"
                                        data-testid="change-connection"
                                        on:click=move |_| session.change_connection()
                                    >
                                        "Change connection"
                                    </button>
                                </Show>
                                <Show when=move || own.read().is_some() && !state.crashed.get()>
                                    <Dismiss done=move || own.set(None) />
                                </Show>
                            </div>
                        }
                    })
            }}
        </div>
    }
}

/// A limit of the broker that makes transfers smaller or slower.
#[component]
pub(super) fn LimitNotice(state: State) -> impl IntoView {
    let limit = Memo::new(move |_| {
        let status = state.status.read();
        status
            .limit
            .as_ref()
            .map(|limit| words().broker_limit(limit))
    });
    move || {
        limit.get().map(|limit| {
            view! {
                <div class="notice" role="note">
                    {icon(Icon::Info)}
                    <p data-testid="limit">{limit}</p>
                </div>
            }
        })
    }
}

/// What visits to other rooms left in this browser's storage.
#[component]
pub(super) fn KeptNotice(session: Session) -> impl IntoView {
    let kept = Memo::new(move |_| session.state.kept.get());
    let discard = move || {
        if page::confirm("What was received there and not saved is gone then. Discard it?") {
            session.engine.send(Command::DiscardKept);
        }
    };
    move || {
        let kept = kept.get();
        (kept.parcels + kept.damaged > 0).then(|| {
            let rooms = if session.room.read().is_some() {
                "other rooms"
            } else {
                "earlier rooms"
            };
            let told = |parcels: usize, bytes: u64, what: &str| {
                let place = if bytes > 0 {
                    format!(", {} in this browser’s storage", words().size(bytes))
                } else {
                    String::new()
                };
                let parcels = count(parcels, "transfer", "transfers");
                format!("{parcels} {what}{place}")
            };
            let mut words = Vec::new();
            if kept.parcels > 0 {
                let known = told(kept.parcels, kept.bytes, &format!("of {rooms}"));
                words.push(known + ": join with the same key to go on or to save.");
            }
            if kept.damaged > 0 {
                let damaged = told(kept.damaged, kept.damaged_bytes, "with damaged notes");
                words.push(damaged + ": this version of the page cannot go on with that.");
            }
            let words = words.join(" ");
            view! {
                <div class="notice" role="note">
                    {icon(Icon::Info)}
                    <p data-testid="kept-notice">{words}</p>
                    <button
                        type="button"
                        class="button"
                        data-testid="discard-kept"
                        on:click=move |_| discard()
                    >
                        "Discard"
                    </button>
                </div>
            }
        })
    }
}

/// On what is held in a hand: that the screen has to stay on, where the browser does not see to it.
#[component]
pub(super) fn ScreenNotice(state: State) -> impl IntoView {
    move || {
        state.may_darken.get().then(|| {
            view! {
                <div class="notice touch-only" role="note">
                    {icon(Icon::Info)}
                    <p data-testid="screen-notice">
                        "Keep the screen on until this is done. The browser lets it go dark, and connections may end then; \
                         they come back by themselves when it is on again."
                    </p>
                </div>
            }
        })
    }
}

/// What this browser lacks for keeping received files, and what follows from it.
#[component]
pub(super) fn StorageNotice(state: State) -> impl IntoView {
    let words = move || match state.storage.get()? {
        _ if state.storage_known.get() => None,
        Storage::Opfs { .. } => None,
        Storage::Blob {
            secure_context: false,
        } => Some((
            "Without https, received files stay in memory, and are gone after a reload.",
            "This page did not come over https, so the browser withholds its file storage. Save what you receive; \
             files of up to 1 GB in all go well. Over https, received files outlast a reload.",
        )),
        Storage::Blob {
            secure_context: true,
        } => Some((
            "This browser gives the page no file storage: received files stay in memory, and are gone after a reload.",
            "Some browsers withhold it in private windows. Save what you receive; files of up to 1 GB in all go well.",
        )),
    };
    move || {
        words().map(|(words, why)| {
            view! {
                <div class="notice" role="note">
                    {icon(Icon::Info)}
                    <div class="notice-words">
                        <p data-testid="storage-notice">{words}</p>
                        <details>
                            <summary>"Why?"</summary>
                            <p>{why}</p>
                        </details>
                    </div>
                    <Dismiss done=move || state.storage_known.set(true) />
                </div>
            }
        })
    }
}

/// The button that takes a notice away.
#[component]
fn Dismiss(done: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button type="button" class="button button-bare" aria-label="Dismiss" on:click=move |_| done()>
            {icon(Icon::Close)}
        </button>
    }
}
