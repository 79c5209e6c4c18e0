//! Members who say much: what one says costs others little.

use core::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::insider::Member;
use super::parcel::{Parcel, frame};
use super::victim::Victim;
use crate::ids::ParcelId;
use crate::layout::BLOCK;
use crate::message::tests::wanting;
use crate::message::{Body, ParcelRef};
use crate::ranges::RangeSet;

#[test]
fn answers_to_a_flood_are_few_and_acknowledgements_go_past_them() {
    const FLOODERS: u8 = 10;
    const HELLOS: usize = 150;
    const TEXTS: usize = 10;
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let parcel = Parcel::new(&honest, 4);
    parcel.is_accepted(&mut honest, &mut victim);
    for text in 0..TEXTS {
        victim.offer_text(&text.to_string()).unwrap();
    }
    victim.published();
    let mut answers = 0;
    for flooder in 0..FLOODERS {
        let mut flooder = Member::in_room(10 + flooder, &mut victim);
        for _ in 0..HELLOS {
            let hello = flooder.hello("x");
            flooder.tell(&mut victim, hello);
        }
        answers += victim.published().len();
    }
    // 256 and what a few milliseconds add, or what the broker lets go: it acknowledges nothing.
    assert!(answers <= 1024, "{answers}");
    assert!(answers > 256, "each was answered at first: {answers}");
    // An honest transfer goes on at its pace.
    for block in 0..8 {
        let content = vec![4; BLOCK as usize];
        victim.deliver(
            &format!("d/{}", parcel.id()),
            &frame(&parcel.offer, 1 + block, 1, &content),
        );
    }
    victim.wait(Duration::from_millis(30));
    let heard = honest.read(&victim.published());
    let acknowledges = |body: &Body| matches!(body, Body::Want(want) if want.echo.is_some());
    assert!(heard.iter().any(acknowledges), "{heard:?}");
    let waited = victim.acknowledge_all();
    let most = usize::from(FLOODERS) * (TEXTS + 1);
    assert!(waited <= most, "{waited}");
    assert!(waited > 0, "the broker held them up");
}

#[test]
fn answers_about_parcels_that_nobody_knows_are_few() {
    let mut victim = Victim::online();
    let mut flooder = Member::in_room(3, &mut victim);
    victim.published();
    for number in 0..1000u16 {
        let mut id = [0; 10];
        id[..2].copy_from_slice(&number.to_be_bytes());
        let parcel = ParcelId(id);
        let body = if number % 2 == 0 {
            Body::Want(wanting(parcel, &RangeSet::default(), 1))
        } else {
            Body::Seen(ParcelRef {
                parcel,
                token: None,
            })
        };
        flooder.tell(&mut victim, body);
    }
    let answers = victim.published().len();
    // Each message took a millisecond, and sixteen answers a second are added.
    assert!((256..=256 + 20).contains(&answers), "{answers}");
    victim.wait(Duration::from_secs(20));
    let want = Body::Want(wanting(ParcelId([9; 10]), &RangeSet::default(), 1));
    flooder.tell(&mut victim, want);
    let answers = flooder.read(&victim.published());
    assert!(
        answers.iter().any(|body| matches!(body, Body::Cancel(_))),
        "it is answered again: {answers:?}"
    );
}
