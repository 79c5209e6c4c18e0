//! The list of transfers, newest first.

use leptos::prelude::*;
use mqdrop_core::AutoAccept;

use super::{erased, session::Session, transfer::Card, words::words};

/// Everything sent and received in this room.
#[component]
pub(super) fn Transfers(session: Session) -> impl IntoView {
    let transfers = session.state.transfers;
    view! {
        <section class="transfers" tabindex="-1" aria-labelledby="transfers-title">
            <div class="transfers-head">
                <h2 id="transfers-title">{words().list_title()}</h2>
                <label class="check">
                    <input
                        type="checkbox"
                        data-testid="auto-accept"
                        prop:checked=move || session.auto_accept.get() != AutoAccept::Off
                        on:change:target=move |event| {
                            session.set_auto_accept(match event.target().checked() {
                                true => AutoAccept::All,
                                false => AutoAccept::Off,
                            });
                        }
                    />
                    {words().list_accept_all()}
                </label>
                <Show when=erased::whether(move || session.auto_accept.get() != AutoAccept::Off)>
                    <label class="check">
                        <input
                            type="checkbox"
                            data-testid="auto-accept-verified"
                            prop:checked=move || session.auto_accept.get() == AutoAccept::Verified
                            on:change:target=move |event| {
                                session.set_auto_accept(match event.target().checked() {
                                    true => AutoAccept::Verified,
                                    false => AutoAccept::All,
                                });
                            }
                        />
                        {words().list_accept_verified()}
                    </label>
                </Show>
            </div>
            <Show when=erased::whether(move || transfers.read().is_empty())>
                <p class="transfers-empty">{words().list_empty()}</p>
            </Show>
            <ul class="transfers-list">
                <For each=move || session.state.listed() key=|transfer| transfer.parcel.clone() let:transfer>
                    <Card session transfer />
                </For>
            </ul>
        </section>
    }
}
