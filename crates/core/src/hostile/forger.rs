//! Data frames that are not their sender's: everyone in the room can seal some.

use core::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::insider::Member;
use super::parcel::{BLOCKS, Parcel, frame, seal};
use super::victim::Victim;
use crate::frame::{FrameCipher, FrameHead};
use crate::identity::ParcelKey;
use crate::ids::ParcelId;
use crate::layout::BLOCK;
use crate::message::tests::wanting;
use crate::message::{Body, Echo, Runs};
use crate::ranges::RangeSet;
use mqdrop_client::Input;
use mqdrop_core::view::TransferState;
use mqdrop_core::{StoreError, StoreReply};

/// Frames of the victim's parcels that `member` gets.
fn frames_sent(victim: &mut Victim, parcel: ParcelId) -> Vec<Vec<u8>> {
    let published = victim.published().into_iter();
    let data = published.filter(|(tail, _)| *tail == format!("d/{parcel}"));
    data.map(|(_, frame)| frame).collect()
}

/// A victim that has accepted a parcel and has its manifest, with the parcel's sender and data topic.
fn begun() -> (Victim, Member, Parcel, String) {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let parcel = Parcel::new(&honest, 4);
    parcel.is_accepted(&mut honest, &mut victim);
    let topic = format!("d/{}", parcel.id());
    victim.deliver(&topic, &frame(&parcel.offer, 0, 1, &parcel.manifest));
    (victim, honest, parcel, topic)
}

#[test]
fn who_forges_manifests_gains_nothing() {
    for times in [1, 2, 10] {
        let mut victim = Victim::online();
        let mut honest = Member::in_room(2, &mut victim);
        let parcel = Parcel::new(&honest, 4);
        parcel.is_accepted(&mut honest, &mut victim);
        let forged = frame(&parcel.offer, 0, 1, &vec![9; parcel.manifest.len()]);
        for _ in 0..times {
            victim.deliver(&format!("d/{}", parcel.id()), &forged);
        }
        assert_eq!(victim.written(), 0);
        parcel.arrives(&mut honest, &mut victim);
    }
}

#[test]
fn who_forges_content_and_digests_all_the_time_gains_nothing() {
    let (mut victim, mut honest, parcel, topic) = begun();
    let forged = |from: u32| {
        let content = (from..=BLOCKS).map(|at| (at, vec![9; BLOCK as usize]));
        content.chain([(BLOCKS + 1, vec![9; 32])])
    };
    for (at, block) in forged(1) {
        victim.deliver(&topic, &frame(&parcel.offer, at, 1, &block));
    }
    assert!(victim.written() > 0);
    // Found out by the first whole set of hashes, and from then on it has to be signed.
    honest.tell(&mut victim, parcel.complete());
    for _ in 0..10 {
        for (at, block) in forged(1) {
            victim.deliver(&topic, &frame(&parcel.offer, at, 1, &block));
        }
        honest.tell(&mut victim, parcel.complete());
    }
    parcel.arrives(&mut honest, &mut victim);
}

#[test]
fn one_forged_block_has_only_that_fetched_again_which_came_unsigned() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let parcel = Parcel::new(&honest, 4);
    parcel.is_accepted(&mut honest, &mut victim);
    let topic = format!("d/{}", parcel.id());
    let block = |value| vec![value; BLOCK as usize];
    victim.deliver(&topic, &frame(&parcel.offer, 0, 1, &parcel.manifest));
    victim.deliver(&topic, &frame(&parcel.offer, 1, 1, &block(4)));
    victim.deliver(&topic, &frame(&parcel.offer, 2, 1, &block(9)));
    // Two clocks: from here on frames are signed.
    victim.deliver(&topic, &frame(&parcel.offer, 1, 1, &block(4)));
    parcel.send(true, &mut victim);
    let before = victim.written();
    victim.published();
    honest.tell(&mut victim, parcel.complete());
    victim.wait(Duration::from_millis(10));
    let heard = honest.read(&victim.published());
    let mut wants = heard.iter().filter_map(|body| match body {
        Body::Want(want) => want.held.decode(BLOCKS + 2),
        _ => None,
    });
    let mut held = RangeSet::of(0..1);
    held.insert(3..BLOCKS + 1);
    assert_eq!(wants.next_back(), Some(held));
    parcel.send(true, &mut victim);
    honest.tell(&mut victim, parcel.complete());
    let view = victim.view(parcel.id()).unwrap();
    assert_eq!(view.state, TransferState::Done, "{view:?}");
    assert_eq!(victim.written() - before, 2 * BLOCK);
}

#[test]
fn what_was_read_back_from_elsewhere_is_not_taken_for_what_was_asked_for() {
    let (mut victim, mut honest, parcel, topic) = begun();
    victim.deliver(&topic, &frame(&parcel.offer, 1, 1, &[9; BLOCK as usize]));
    victim.deliver(&topic, &frame(&parcel.offer, 1, 1, &[4; BLOCK as usize]));
    parcel.send(true, &mut victim);
    victim.machine().late = Some(Vec::new());
    honest.tell(&mut victim, parcel.complete());
    let asked = victim.machine().late.take().unwrap();
    let [StoreReply::Read { offset, data, .. }] = &asked[..] else {
        panic!("{asked:?}");
    };
    let (written, id) = (victim.written(), parcel.id().to_string().parse().unwrap());
    let elsewhere = [
        StoreReply::Read {
            parcel: id,
            offset: offset + BLOCK,
            data: vec![9; data.len()].into(),
        },
        StoreReply::Unread {
            parcel: id,
            offset: offset + BLOCK,
            error: StoreError::Told("it could not be read".into()),
        },
    ];
    for reply in elsewhere.into_iter().chain(asked) {
        victim.handle(Input::Stored(reply));
    }
    parcel.send(true, &mut victim);
    honest.tell(&mut victim, parcel.complete());
    let view = victim.view(parcel.id()).unwrap();
    assert_eq!(view.state, TransferState::Done, "{view:?}");
    assert_eq!(victim.written() - written, BLOCK);
}

#[test]
fn frames_of_another_clock_make_the_sender_sign() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let parcel = Parcel::new(&honest, 4);
    parcel.is_accepted(&mut honest, &mut victim);
    victim.published();
    let topic = format!("d/{}", parcel.id());
    // All that is forged is when it was sent.
    let late = FrameHead {
        first_block: 0,
        count: 1,
        sent: 1 << 30,
        signed: false,
        piece: None,
    };
    let forged = seal(
        &parcel.offer,
        late,
        &parcel.manifest,
        (&ParcelKey::new([0; 32]), honest.device()),
    );
    victim.deliver(&topic, &forged);
    parcel.arrives(&mut honest, &mut victim);
}

#[test]
fn what_a_sender_signed_before_it_was_restarted_cannot_be_repeated() {
    let mut victim = Victim::online();
    let mut before = Member::in_room(2, &mut victim);
    let mut parcel = Parcel::new(&before, 4);
    parcel.is_accepted(&mut before, &mut victim);
    // By a clock that had run for long.
    let head = FrameHead {
        first_block: 0,
        count: 1,
        sent: 1 << 50,
        signed: true,
        piece: None,
    };
    let by = (&parcel.key, before.device());
    let recorded = seal(&parcel.offer, head, &parcel.manifest, by);
    victim.deliver(&format!("d/{}", parcel.id()), &recorded);

    let mut after = Member::in_room(3, &mut victim);
    parcel.belongs_to(&after);
    after.tell_room(&mut victim, Body::Offer(parcel.offer.clone()));
    victim.deliver(&format!("d/{}", parcel.id()), &recorded);
    parcel.send(true, &mut victim);
    after.tell(&mut victim, parcel.complete());
    let view = victim.view(parcel.id()).unwrap();
    assert_eq!(view.state, TransferState::Done, "{view:?}");
}

#[test]
fn a_sender_signs_when_it_is_asked_to_or_hears_of_frames_that_it_never_sent() {
    for (signed, echo, signs) in [
        (false, None, false),
        (true, None, true),
        (false, Some(Echo { sent: 1, age: 0 }), true),
    ] {
        let mut victim = Victim::online();
        let mut member = Member::in_room(2, &mut victim);
        let text = "A text of some length. ".repeat(40_000);
        let parcel = victim.offer_text(&text).unwrap();
        let offers = member.read_room(&victim.published());
        let Some(Body::Offer(offer)) = offers.last() else {
            panic!("{offers:?}");
        };
        let mut wanted = wanting(parcel, &RangeSet::default(), 1 << 20);
        member.tell(&mut victim, Body::Want(wanted.clone()));
        let cipher = FrameCipher::new(&offer.content_key, parcel);
        let signatures = |victim: &mut Victim| -> Vec<bool> {
            let frames = frames_sent(victim, parcel).into_iter();
            let by = (&offer.parcel_key, victim.own_keys().0);
            let open = |mut frame: Vec<u8>| cipher.open(&mut frame, by).unwrap().0;
            frames.map(|frame| open(frame).signed).collect()
        };
        let first = signatures(&mut victim);
        assert!(!first.is_empty() && first.iter().all(|signed| !signed));
        (wanted.signed, wanted.echo) = (signed, echo);
        wanted.held = Runs::new(&RangeSet::of(0..8));
        member.tell(&mut victim, Body::Want(wanted));
        // Frames under way count as lost by then.
        victim.wait(Duration::from_secs(5));
        let later = signatures(&mut victim);
        assert!(
            !later.is_empty() && later.iter().all(|signed| *signed == signs),
            "{later:?}"
        );
    }
}
