//! The receivers of a transfer, on the sender's side.

use std::sync::Arc;

use leptos::prelude::*;
use mqdrop_core::view::{ReceiverView, TransferState, TransferView};
use mqdrop_words::percent;

use super::erased::{text, whether};
use super::{actions, session::Session, words::words};
use crate::bridge::Command;

/// One line for each receiver.
#[component]
pub(super) fn Receivers(
    session: Session,
    parcel: Arc<str>,
    view: ArcRwSignal<TransferView>,
) -> impl IntoView {
    let view = RwSignal::from(view);
    view! {
        <ul class="receivers">
            <For
                each=move || view.read().receivers.clone()
                key=|receiver| receiver.device.clone()
                children=move |receiver| {
                    let device = receiver.device.clone();
                    let now = Memo::new(move |before: Option<&ReceiverView>| {
                        let view = view.read();
                        let found = view.receivers.iter().find(|other| other.device == device).or(before);
                        found.unwrap_or(&receiver).clone()
                    });
                    let parcel = parcel.clone();
                    view! { <Receiver session parcel now total=Signal::derive(move || view.read().total) /> }
                }
            />
        </ul>
    }
}

#[component]
fn Receiver(
    session: Session,
    parcel: Arc<str>,
    now: Memo<ReceiverView>,
    total: Signal<u64>,
) -> impl IntoView {
    let is_waited_for = Memo::new(move |_| {
        let now = now.read();
        now.is_away && now.has_answered && !now.state.is_final()
    });
    let forget = move |_| {
        session.engine.send(Command::ForgetReceiver {
            parcel: parcel.to_string(),
            receiver: now.read().device.clone(),
        });
    };
    let state = move || {
        let now = now.read();
        let mut state = actions::receiver_words(&now);
        if matches!(
            now.state,
            TransferState::Active | TransferState::Paused | TransferState::Waiting
        ) && now.bytes > 0
        {
            let percent = words().per_cent(percent(now.bytes, total.get()));
            state = words().receiver_progress(&state, &percent);
        }
        match &now.reason {
            Some(reason) => words().phrase_because(&state, &words().ended_by_receiver(reason)),
            None => state,
        }
    };
    view! {
        <li
            class="receiver"
            data-testid="receiver"
            data-name=text(move || now.read().name.clone())
            data-state=text(move || now.read().state.name().to_owned())
            data-bytes=text(move || now.read().bytes.to_string())
        >
            <bdi class="receiver-name">{text(move || now.read().name.clone())}</bdi>
            <span class="receiver-state">{text(state)}</span>
            <Show when=whether(move || is_waited_for.get())>
                <button
                    type="button"
                    class="link"
                    data-testid="forget-receiver"
                    aria-label=text(move || words().receiver_forget_name(&now.read().name))
                    on:click=forget.clone()
                >
                    {words().receiver_forget()}
                </button>
            </Show>
        </li>
    }
}
