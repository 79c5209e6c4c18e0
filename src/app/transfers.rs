//! The list of transfers, newest first.

use leptos::prelude::*;

use super::{session::Session, transfer::Card};

/// Everything sent and received in this room.
#[component]
pub(super) fn Transfers(session: Session) -> impl IntoView {
    let transfers = session.state.transfers;
    view! {
        <section class="transfers" tabindex="-1" aria-labelledby="transfers-title">
            <div class="transfers-head">
                <h2 id="transfers-title">"Transfers"</h2>
                <label class="check">
                    <input
                        type="checkbox"
                        data-testid="auto-accept"
                        prop:checked=move || session.auto_accept.get()
                        on:change:target=move |event| session.set_auto_accept(event.target().checked())
                    />
                    "Accept everything"
                </label>
            </div>
            <Show when=move || transfers.read().is_empty()>
                <p class="transfers-empty">"What you send and receive appears here."</p>
            </Show>
            <ul class="transfers-list">
                <For each=move || session.state.listed() key=|transfer| transfer.parcel.clone() let:transfer>
                    <Card session transfer />
                </For>
            </ul>
        </section>
    }
}
