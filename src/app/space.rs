//! Says before an offer is accepted that this device has no space for it.

use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::{TransferState, TransferView};

use super::{format, state::State};
use crate::{bridge::Storage, js::available_space};

/// So many bytes are safe in a browser's memory.
const SAFE_IN_MEMORY: u64 = 1_000_000_000;

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
        if state.get() != TransferState::Offered {
            return None;
        }
        if total > SAFE_IN_MEMORY && matches!(*app.storage.read(), Some(Storage::Blob { .. })) {
            return Some(format!(
                "It takes {}, and this browser keeps it in memory until you save it. Above {} that may fail: ask for it in parts.",
                format::size(total),
                format::size(SAFE_IN_MEMORY)
            ));
        }
        let available = available.get().filter(|available| *available < total)?;
        Some(format!(
            "It takes {}, and {} are free on this device. Make some space before you accept it.",
            format::size(total),
            format::size(available)
        ))
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
