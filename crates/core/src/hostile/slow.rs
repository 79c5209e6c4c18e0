//! Storage that takes its time, here and at others, and frames that come before their manifest.

use core::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::insider::Member;
use super::parcel::{Parcel, frame, seal};
use super::victim::Victim;
use crate::frame::FrameHead;
use crate::layout::BLOCK;
use crate::message::tests::wanting;
use crate::message::{Body, Want};
use crate::ranges::RangeSet;
use mqdrop_client::Input;
use mqdrop_core::view::{Cause, TransferState};

/// A transfer of which nothing got through for so long is named as such.
const LONG: Duration = Duration::from_secs(20);

/// Blocks that may wait for a receiver's storage: 16 MiB.
const MOST: u32 = 1024;

fn cause(victim: &Victim, parcel: &Parcel) -> Option<Cause> {
    victim.view(parcel.id()).and_then(|view| view.cause)
}

#[test]
fn a_receiver_whose_own_storage_holds_it_up_does_not_blame_the_broker() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let content = vec![4; (MOST + 1) as usize * BLOCK as usize];
    let parcel = Parcel::of(&honest, 4, "file.bin", content);
    victim.machine().late = Some(Vec::new());
    honest.tell_room(&mut victim, Body::Offer(parcel.offer.clone()));
    victim.accept(parcel.id());
    let state = |victim: &Victim| victim.view(parcel.id()).unwrap().state;
    assert_eq!(state(&victim), TransferState::Active);
    victim.stay(LONG);
    assert_eq!(cause(&victim, &parcel), Some(Cause::HeldUp));
    // There is room, and then no more is written for a while.
    let late = victim.machine().late.take().unwrap();
    for reply in late {
        victim.handle(Input::Stored(reply));
    }
    victim.answer_subscribe(&[0]);
    assert_eq!(cause(&victim, &parcel), None);
    victim.machine().late = Some(Vec::new());
    let topic = format!("d/{}", parcel.id());
    victim.deliver(&topic, &frame(&parcel.offer, 0, 1, &parcel.manifest));
    for block in 1..=MOST {
        let content = [4; BLOCK as usize];
        victim.deliver(&topic, &frame(&parcel.offer, block, 1, &content));
    }
    victim.stay(LONG);
    assert_eq!(cause(&victim, &parcel), Some(Cause::HeldUp));
}

#[test]
fn a_sender_whose_receiver_takes_no_more_does_not_blame_the_broker() {
    for (credit, is_told) in [(0, true), (1 << 20, false)] {
        let mut victim = Victim::online();
        let mut member = Member::in_room(2, &mut victim);
        let text = "A text of some length. ".repeat(4000);
        let parcel = victim.offer_text(&text).unwrap();
        for _ in 0..LONG.as_secs() {
            let want = wanting(parcel, &RangeSet::default(), credit);
            member.tell(&mut victim, Body::Want(want));
            victim.stay(Duration::from_secs(1));
        }
        let view = victim.view(parcel).unwrap();
        assert_eq!(view.state, TransferState::Active);
        match view.cause {
            Some(Cause::HeldUp) => assert!(is_told),
            Some(Cause::Stalled { .. }) => assert!(!is_told),
            cause => panic!("{cause:?}"),
        }
    }
}

#[test]
fn pieces_that_come_before_the_manifest_are_echoed_as_whole_frames_are() {
    for pieces in [None, Some(4)] {
        let mut victim = Victim::online();
        let mut honest = Member::in_room(2, &mut victim);
        let parcel = Parcel::new(&honest, 4);
        parcel.is_accepted(&mut honest, &mut victim);
        victim.wait(Duration::from_millis(30));
        victim.published();
        let block = vec![4; BLOCK as usize];
        let length = BLOCK as usize / pieces.unwrap_or(1);
        let sent = victim.now().as_micros();
        for (at, piece) in block.chunks(length).enumerate() {
            let head = FrameHead {
                first_block: 3,
                count: 1,
                sent,
                signed: false,
                piece: pieces.map(|_| (at * length) as u32),
            };
            let frame = seal(&parcel.offer, head, piece, (&parcel.key, honest.device()));
            victim.deliver(&format!("d/{}", parcel.id()), &frame);
        }
        victim.wait(Duration::from_millis(30));
        let heard = honest.read(&victim.published());
        let wants = heard.iter().filter_map(|body| match body {
            Body::Want(Want { echo, .. }) => Some(echo.map(|echo| echo.sent)),
            _ => None,
        });
        let wants: Vec<_> = wants.collect();
        assert_eq!(wants, [Some(sent)], "{pieces:?}");
    }
}
