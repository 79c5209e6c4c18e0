//! Notices to the user: the last error, the broker's limits, what this browser lacks.

use leptos::prelude::*;
use mqdrop_core::view::ConnectionState;

use super::{
    erased,
    icons::{Icon, icon},
    page,
    session::Session,
    state::State,
    words::words,
};
use crate::bridge::{Command, Storage};

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
    let text = Memo::new(move |_| {
        if state.crashed.get() {
            return Some(words().page_stopped().to_owned());
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
            {erased::drawn(move || {
                text
                    .get()
                    .map(|text| {
                        view! {
                            <div class="notice notice-error">
                                {icon(Icon::Warning)}
                                <p data-testid="error">{text}</p>
                                <Show when=erased::whether(move || state.crashed.get())>
                                    <button type="button" class="button" on:click=move |_| page::reload()>
                                        {words().page_reload()}
                                    </button>
                                </Show>
                                <Show when=erased::whether(may_change)>
                                    <button
                                        type="button"
                                        class="button"
                                        data-testid="change-connection"
                                        on:click=move |_| session.change_connection()
                                    >
                                        {words().notice_change_connection()}
                                    </button>
                                </Show>
                                <Show when=erased::whether(move || own.read().is_some() && !state.crashed.get())>
                                    <Dismiss done=move || own.set(None) />
                                </Show>
                            </div>
                        }.into_any()
                    })
            })}
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
    erased::drawn(move || {
        limit.get().map(|limit| {
            view! {
                <div class="notice" role="note">
                    {icon(Icon::Info)}
                    <p data-testid="limit">{limit}</p>
                </div>
            }
            .into_any()
        })
    })
}

/// The notice of what visits to other rooms left in this browser's storage.
#[component]
pub(super) fn KeptNotice(session: Session) -> impl IntoView {
    let kept = session.state.kept;
    let discard = move || {
        if page::confirm(words().notice_kept_question()) {
            session.engine.send(Command::DiscardKept);
        }
    };
    erased::drawn(move || {
        let kept = kept.get();
        (kept.parcels + kept.damaged > 0).then(|| {
            let place = |bytes: u64| match bytes {
                0 => String::new(),
                _ => words().notice_kept_place(&words().size(bytes)),
            };
            let mut told = Vec::new();
            if kept.parcels > 0 {
                let (count, place) = (kept.parcels as u64, place(kept.bytes));
                told.push(match session.room.read().is_some() {
                    true => words().notice_kept_other(count, &place),
                    false => words().notice_kept_earlier(count, &place),
                });
            }
            if kept.damaged > 0 {
                let place = place(kept.damaged_bytes);
                told.push(words().notice_kept_damaged(kept.damaged as u64, &place));
            }
            let told = told.join(" ");
            view! {
                <div class="notice" role="note">
                    {icon(Icon::Info)}
                    <p data-testid="kept-notice">{told}</p>
                    <button
                        type="button"
                        class="button"
                        data-testid="discard-kept"
                        on:click=move |_| discard()
                    >
                        {words().notice_kept_discard()}
                    </button>
                </div>
            }
            .into_any()
        })
    })
}

/// On what is held in a hand: that the screen has to stay on, where the browser does not see to it.
#[component]
pub(super) fn ScreenNotice(state: State) -> impl IntoView {
    erased::drawn(move || {
        state.may_darken.get().then(|| {
            view! {
                <div class="notice touch-only" role="note">
                    {icon(Icon::Info)}
                    <p data-testid="screen-notice">{words().notice_screen()}</p>
                </div>
            }
            .into_any()
        })
    })
}

/// The notice of what this browser lacks for keeping received files, and what follows from it.
#[component]
pub(super) fn StorageNotice(state: State) -> impl IntoView {
    let told = move || match state.storage.get()? {
        _ if state.storage_known.get() => None,
        Storage::Opfs { .. } => None,
        Storage::Blob {
            secure_context: false,
        } => Some((words().notice_insecure(), words().notice_insecure_why())),
        Storage::Blob {
            secure_context: true,
        } => Some((words().notice_memory(), words().notice_memory_why())),
    };
    erased::drawn(move || {
        told().map(|(text, why)| {
            view! {
                <div class="notice" role="note">
                    {icon(Icon::Info)}
                    <div class="notice-words">
                        <p data-testid="storage-notice">{text}</p>
                        <details>
                            <summary>{words().notice_why()}</summary>
                            <p>{why}</p>
                        </details>
                    </div>
                    <Dismiss done=move || state.storage_known.set(true) />
                </div>
            }
            .into_any()
        })
    })
}

/// The button that takes a notice away.
#[component]
fn Dismiss(done: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button type="button" class="button button-bare" aria-label=words().notice_dismiss() on:click=move |_| done()>
            {icon(Icon::Close)}
        </button>
    }
}
