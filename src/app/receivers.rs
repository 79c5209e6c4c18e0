//! The receivers of a transfer, on the sender's side.

use leptos::prelude::*;
use mqdrop_core::view::{ReceiverView, TransferState, TransferView};

use super::{actions, format};

/// One line for each receiver.
#[component]
pub(super) fn Receivers(view: ArcRwSignal<TransferView>) -> impl IntoView {
    let all = Memo::new(move |_| {
        let view = view.read();
        (view.receivers.clone(), view.total)
    });
    view! {
        <ul class="receivers">
            <For
                each=move || all.read().0.clone()
                key=|receiver| receiver.device.clone()
                children=move |receiver| {
                    let device = receiver.device.clone();
                    let now = Memo::new(move |before: Option<&ReceiverView>| {
                        let all = all.read();
                        let found = all.0.iter().find(|other| other.device == device).or(before);
                        found.unwrap_or(&receiver).clone()
                    });
                    view! { <Receiver now total=Signal::derive(move || all.read().1) /> }
                }
            />
        </ul>
    }
}

#[component]
fn Receiver(now: Memo<ReceiverView>, total: Signal<u64>) -> impl IntoView {
    let words = move || {
        let now = now.read();
        let mut words = actions::receiver_words(now.state).to_owned();
        if matches!(
            now.state,
            TransferState::Active | TransferState::Paused | TransferState::Waiting
        ) && now.bytes > 0
        {
            words = format!("{words}, {} %", format::percent(now.bytes, total.get()));
        }
        match &now.reason {
            Some(reason) => format!("{words}: {reason}"),
            None => words,
        }
    };
    view! {
        <li
            class="receiver"
            data-testid="receiver"
            data-name=move || now.read().name.clone()
            data-state=move || now.read().state.name()
            data-bytes=move || now.read().bytes.to_string()
        >
            <bdi class="receiver-name">{move || now.read().name.clone()}</bdi>
            <span class="receiver-state">{words}</span>
        </li>
    }
}
