//! Says before an offer is accepted that this device has no space for it.

use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::{TransferState, TransferView};

use super::{erased, state::State, words::words};
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
        // A removed transfer makes space.
        app.transfers.track();
        let stores = matches!(*app.storage.read(), Some(Storage::Opfs { .. }));
        if stores && state.get() == TransferState::Offered {
            spawn_local(async move {
                // The card may be gone by then.
                available.try_set(available_space(&window().navigator()).await);
            });
        }
    });
    let text = move || {
        let is_offered = state.get() == TransferState::Offered;
        let is_in_memory = matches!(*app.storage.read(), Some(Storage::Blob { .. }));
        is_offered
            .then(|| lack(now.read().total, is_in_memory, available.get()))
            .flatten()
    };
    erased::drawn(move || {
        text().map(|text| {
            view! {
                <p class="transfer-error" data-testid="transfer-space">
                    {text}
                </p>
            }
            .into_any()
        })
    })
}

/// Words for what a parcel of `total` bytes has too little of.
fn lack(total: u64, is_in_memory: bool, available: Option<u64>) -> Option<String> {
    let words = words();
    let takes = words.size(total);
    if is_in_memory && total > SAFE_IN_MEMORY {
        return Some(words.card_memory(&takes, &words.size(SAFE_IN_MEMORY)));
    }
    let available = available.filter(|available| *available < total)?;
    Some(words.card_space(&takes, &words.size(available)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_that_takes_more_than_there_is_names_both() {
        const GB: u64 = 1_000_000_000;
        let words = lack(20 * GB, true, None).unwrap_or_default();
        assert!(
            words.contains("takes 20 GB")
                && words.contains("Above 1.0 GB")
                && words.contains("memory")
        );
        assert_eq!(lack(GB, true, None), None);
        let words = lack(20 * GB, false, Some(3 * GB)).unwrap_or_default();
        assert!(words.contains("takes 20 GB") && words.contains("3.0 GB are free"));
        for available in [None, Some(20 * GB)] {
            assert_eq!(lack(20 * GB, false, available), None);
        }
    }
}
