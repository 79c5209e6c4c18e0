//! The room: who is here, sending, and everything under way.

use leptos::prelude::*;

use super::{
    notices::{ErrorLine, KeptNotice, LimitNotice, ScreenNotice, StorageNotice},
    people::People,
    ready::ReadyNotice,
    removal::RemovedNotice,
    send::Send,
    session::Session,
    transfers::Transfers,
};

/// The room's screen.
#[component]
pub(super) fn Room(session: Session, inviting: RwSignal<bool>) -> impl IntoView {
    let state = session.state;
    view! {
        <div class="room">
            <ErrorLine session in_room=true />
            <LimitNotice state />
            <StorageNotice state />
            <KeptNotice session />
            <People session inviting />
            <ReadyNotice session />
            <Send session />
            <ScreenNotice state />
            <RemovedNotice session />
            <Transfers session />
        </div>
    }
}
