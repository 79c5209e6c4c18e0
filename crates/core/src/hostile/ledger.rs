//! Receivers who lie to a sender, or write what is no message.

use core::time::Duration;

use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::insider::Member;
use super::victim::Victim;
use crate::ids::{DeviceId, ParcelId, Token};
use crate::message::tests::wanting;
use crate::message::{Body, Echo, EndReason, ParcelRef, Receipt};
use crate::ranges::RangeSet;
use mqdrop_core::view::{TransferState, TransferView};

pub(super) fn want(parcel: ParcelId, held: impl IntoIterator<Item = u32>, credit: u64) -> Body {
    let mut set = RangeSet::default();
    for block in held {
        set.insert(block..block + 1);
    }
    Body::Want(wanting(parcel, &set, credit))
}

/// A message with some bytes changed, and perhaps its end missing.
pub(super) fn spoilt(mut bytes: Vec<u8>, changes: Vec<(u16, u8)>, cut: u16) -> Vec<u8> {
    for (at, value) in changes {
        let at = usize::from(at) % bytes.len();
        bytes[at] = value;
    }
    if cut.is_multiple_of(4) {
        bytes.truncate(usize::from(cut) % (bytes.len() + 1));
    }
    bytes
}

fn receiver_states(view: &TransferView) -> Vec<TransferState> {
    view.receivers
        .iter()
        .map(|receiver| receiver.state)
        .collect()
}

fn state_of(victim: &Victim, parcel: ParcelId, device: DeviceId) -> Option<TransferState> {
    let view = victim.view(parcel)?;
    let mut lines = view.receivers.iter();
    let line = lines.find(|line| line.device == device.to_string());
    line.map(|line| line.state)
}

mqdrop_testing::properties! {
    /// Every kind of message that a receiver may send, spoilt in any way by one who can seal it.
    fn no_spoilt_answer_has_an_effect_on_other_receivers(
        kind in 0usize..7,
        block in any::<u32>(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..6),
        cut in any::<u16>(),
        to_room in any::<bool>(),
        earlier in any::<bool>(),
    ) {
        let mut victim = Victim::online();
        let mut honest = Member::in_room(2, &mut victim);
        let mut traitor = Member::in_room(3, &mut victim);
        let text = "A text of some length. ".repeat(2_000);
        let parcel = victim.offer_text(&text).unwrap();
        // The manifest, three of content, and the digests.
        let blocks = 5;
        honest.tell(&mut victim, want(parcel, [], 1 << 20));
        if earlier {
            traitor.tell(&mut victim, want(parcel, [0], 1 << 20));
        }
        let reference = ParcelRef { parcel, token: Some(Token([0; 16])) };
        let ending = EndReason::ByUser.ending(parcel);
        let body = match kind {
            0 => Body::Seen(reference),
            1 => want(parcel, [0, 1, block % 8], 1000),
            2 => Body::Want(crate::message::Want {
                echo: Some(Echo { sent: block.into(), age: block }),
                ..wanting(parcel, &RangeSet::of(0..block % 6), u64::MAX)
            }),
            3 => Body::Decline(ending),
            4 => Body::Receipt(Receipt { parcel, token: reference.token, without: None }),
            5 => Body::Cancel(ending),
            _ => want(parcel, 0..blocks, 0),
        };
        let bytes = spoilt(traitor.encode(body), changes, cut);
        if to_room {
            traitor.bytes_to_room(&mut victim, &bytes);
        } else {
            traitor.bytes_to_victim(&mut victim, &bytes);
        }
        prop_assert_eq!(state_of(&victim, parcel, honest.device()), Some(TransferState::Active));
        // A receiver that holds up the others is waited for only so long.
        victim.wait(Duration::from_secs(1));
        victim.published();
        honest.tell(&mut victim, want(parcel, 0..blocks, 1 << 20));
        victim.wait(Duration::from_millis(10));
        let heard = honest.read(&victim.published());
        prop_assert!(heard.iter().any(|body| matches!(body, Body::Complete(_))), "{:?}", heard);
        honest.tell(&mut victim, Body::Receipt(Receipt { parcel, token: None, without: None }));
        prop_assert_eq!(state_of(&victim, parcel, honest.device()), Some(TransferState::Done));
        prop_assert!(victim.notices.is_empty(), "{:?}", victim.notices);
    }
}

#[test]
fn who_lies_about_what_it_holds_cheats_itself_only() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let mut traitor = Member::in_room(3, &mut victim);
    let text = "A text of some length. ".repeat(5_000);
    let parcel = victim.offer_text(&text).unwrap();
    traitor.tell(&mut victim, want(parcel, 0..1000, u64::MAX));
    traitor.tell(&mut victim, want(parcel, [5, 900], 0));
    traitor.tell(&mut victim, want(parcel, [], 0));
    victim.published();
    // Nothing may be under way to the one who gives no credit; the other gets all of it.
    honest.tell(&mut victim, want(parcel, [], 1 << 20));
    let frames = |victim: &mut Victim| {
        let published = victim.published();
        published
            .iter()
            .filter(|(tail, _)| tail.starts_with("d/"))
            .count()
    };
    // The others wait a moment for the one that has no room, once.
    victim.wait(Duration::from_secs(5));
    let mut sent = frames(&mut victim);
    for held in 1..20 {
        honest.tell(&mut victim, want(parcel, 0..held, 1 << 20));
        sent += frames(&mut victim);
    }
    assert!(sent > 3, "{sent}");
    traitor.tell(
        &mut victim,
        Body::Receipt(Receipt {
            parcel,
            token: None,
            without: None,
        }),
    );
    let view = victim.view(parcel).unwrap();
    assert!(
        receiver_states(&view).contains(&TransferState::Active)
            || receiver_states(&view).contains(&TransferState::Verifying),
        "a receipt of one is none of another: {view:?}"
    );
}
