//! The frame around everything: name, connection, and one of the two screens.

use leptos::{html, prelude::*};
use mqdrop_core::view::{ConnectionState, Remedy};

use super::erased::{given, text, whether};
use super::{
    address, awake,
    drop::DropZone,
    focus,
    icons::{Icon, icon},
    invite::Invite,
    join::Join,
    language, page,
    report::Report,
    room::Room,
    session::Session,
    words::words,
};

/// The whole page.
#[component]
pub(super) fn Shell() -> impl IntoView {
    let session = Session::start();
    let inviting = RwSignal::new(false);
    page::watch(session);
    awake::watch(session.state);
    language::watch(session);
    focus::keep();
    // The panel belongs to a room: it does not stay open for the next one.
    Effect::new(move || {
        session.room.track();
        inviting.set(false);
    });
    let main = NodeRef::<html::Main>::new();
    // The button that led to the other screen is gone with its screen: keyboards go on from the
    // screen's beginning, not from nowhere.
    let inside = Memo::new(move |_| session.inside());
    Effect::watch(
        move || inside.read().is_some(),
        move |now, before, _| {
            if before.is_some_and(|before| before != now)
                && let Some(main) = main.get_untracked()
            {
                focus::focus(&main);
                window().scroll_to_with_x_and_y(0.0, 0.0);
            }
        },
        false,
    );
    view! {
        <header class="top">
            <h1 class="brand">
                <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                    <path class="logo-drop" d="M16 2.5c5.2 6.3 9 11 9 16a9 9 0 0 1-18 0c0-5 3.8-9.7 9-16z" />
                    <path class="logo-arrow" d="M16 13v9m-4-4 4 4 4-4" />
                </svg>
                "mqdrop"
            </h1>
            <Show when=whether(move || inside.read().is_some())>
                <div class="top-buttons">
                    <button
                        type="button"
                        class="button"
                        data-testid="share"
                        aria-expanded=text(move || inviting.get().to_string())
                        aria-controls="invite"
                        on:click=move |_| inviting.update(|open| *open = !*open)
                    >
                        {icon(Icon::Invite)}
                        {words().page_invite()}
                    </button>
                    <button type="button" class="button" data-testid="leave" on:click=move |_| session.leave()>
                        {icon(Icon::Leave)}
                        {words().page_leave()}
                    </button>
                </div>
            </Show>
            <Status session />
        </header>
        <main tabindex="-1" node_ref=main>
            {move || match inside.get() {
                None => view! { <Join session /> }.into_any(),
                Some(room) => {
                    let link = session.invite(&room);
                    view! {
                        <div id="invite">
                            <Show when=whether(move || inviting.get())>
                                <Invite link=link.clone() key_text=room.key.clone() extras=session.extras />
                            </Show>
                        </div>
                        <Room session inviting />
                    }
                        .into_any()
                }
            }}
        </main>
        <Report session />
        <DropZone session />
        <p class="visually-hidden" aria-live="polite">
            {text(move || session.state.news.get())}
        </p>
    }
}

/// The connection, in one line.
#[component]
fn Status(session: Session) -> impl IntoView {
    let status = session.state.status;
    // An error's words stand in the error line; here they are for screen readers and scripts.
    let failed = move || status.read().state == ConnectionState::Error;
    view! {
        <p
            class="status"
            role="status"
            data-testid="status"
            data-state=text(move || state_name(status.read().state).to_owned())
            data-remedy=given(move || status.read().remedy.map(remedy_name))
        >
            <span class="status-dot" aria-hidden="true"></span>
            <Show when=whether(failed)>
                <span>{words().room_offline()}</span>
            </Show>
            <span class="status-text" class:visually-hidden=failed>
                {text(move || {
                    let status = status.read();
                    if session.state.crashed.get() { words().page_stopped().to_owned() } else { words().status(&status) }
                })}
            </span>
            <Show when=whether(move || status.read().state == ConnectionState::Online)>
                <span class="status-more">
                    {text(move || status.read().protocol.clone().unwrap_or_default())} " · "
                    {text(move || {
                        let room = session.room.read();
                        room.as_ref().map(|room| address::host(&room.broker).to_owned()).unwrap_or_default()
                    })}
                </span>
            </Show>
        </p>
    }
}

fn state_name(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Offline => "offline",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Online => "online",
        ConnectionState::Error => "error",
    }
}

fn remedy_name(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Login => "login",
        Remedy::Rights => "rights",
        Remedy::Protocol => "protocol",
        Remedy::Broker => "broker",
    }
}
