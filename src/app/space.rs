//! Says before an offer is accepted that this device has no space for it.

use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::{TransferState, TransferView};

use super::{format, state::State};
use crate::{bridge::Storage, js::available_space};

/// A line below an offer that takes more than there is.
#[component]
pub(super) fn SpaceNotice(
    app: State,
    now: RwSignal<TransferView>,
    state: Memo<TransferState>,
) -> impl IntoView {
    let available = RwSignal::new(None::<u64>);
    Effect::new(move || {
        // What is removed makes space.
        app.transfers.track();
        let stores = matches!(*app.storage.read(), Some(Storage::Opfs { .. }));
        if stores && state.get() == TransferState::Offered {
            spawn_local(async move {
                // The card may be gone by then.
                available.try_set(available_space(&window().navigator()).await);
            });
        }
    });
    let words = move || {
        let total = now.read().total;
        let available = available.get().filter(|available| *available < total)?;
        (state.get() == TransferState::Offered).then(|| {
            format!(
                "It takes {}, and {} are free on this device. Make some space before you accept it.",
                format::size(total),
                format::size(available)
            )
        })
    };
    move || {
        words().map(|words| {
            view! {
                <p class="transfer-error" data-testid="transfer-space">
                    {words}
                </p>
            }
        })
    }
}
