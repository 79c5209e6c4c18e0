use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::insider::Member;
use super::ledger::{spoilt, want};
use super::parcel::{BLOCKS, Parcel, frame, offer};
use super::victim::{Victim, secret};
use crate::envelope;
use crate::identity::ParcelKey;
use crate::ids::{ParcelId, Token};
use crate::layout::BLOCK;
use crate::message::{Body, EndReason, Introduction, Offer, ParcelRef, Receipt};
use mqdrop_core::Notice;
use mqdrop_core::view::TransferState;

mqdrop_testing::properties! {
    /// Every kind of message, spoilt in any way by one who can seal it.
    fn no_spoilt_message_has_an_effect_on_others(
        kind in 0usize..12,
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..6),
        cut in any::<u16>(),
        to_room in any::<bool>(),
    ) {
        let mut victim = Victim::online();
        let mut honest = Member::in_room(2, &mut victim);
        let mut traitor = Member::in_room(3, &mut victim);
        let under_way = Parcel::new(&honest, 4);
        under_way.is_accepted(&mut honest, &mut victim);
        let parcel = under_way.id();
        let reference = ParcelRef { parcel, token: Some(Token([0; 16])) };
        let ending = EndReason::ByUser.ending(parcel);
        let Body::Hello(introduction) = traitor.hello("x") else {
            return Ok(());
        };
        let introduction = Introduction {
            heard: u64::MAX,
            ..introduction
        };
        let body = match kind {
            0 => Body::Hello(introduction),
            1 => Body::Alive(introduction),
            2 => Body::Gone,
            3 => Body::Offer(Parcel::new(&traitor, 5).offer),
            4 => Body::Seen(reference),
            5 => want(parcel, [0, 1, 2, 5, 6], 1000),
            6 => Body::Decline(ending),
            7 => under_way.complete(),
            8 => Body::Receipt(Receipt {
                parcel: reference.parcel,
                token: reference.token,
                without: None,
            }),
            9 => Body::Cancel(ending),
            10 => Body::Pause(reference),
            _ => Body::Resume(reference),
        };
        let bytes = spoilt(traitor.encode(body), changes, cut);
        if to_room {
            traitor.bytes_to_room(&mut victim, &bytes);
        } else {
            traitor.bytes_to_victim(&mut victim, &bytes);
        }
        prop_assert_eq!(victim.view(parcel).unwrap().state, TransferState::Active);
        under_way.arrives(&mut honest, &mut victim);
    }

    /// A device with the content key can seal frames; they are taken only where they fit.
    fn no_frame_out_of_place_is_kept(
        first in any::<u32>(),
        count in any::<u16>(),
        len in 0usize..3 * BLOCK as usize,
    ) {
        let mut victim = Victim::online();
        let mut honest = Member::in_room(2, &mut victim);
        let parcel = Parcel::new(&honest, 4);
        parcel.is_accepted(&mut honest, &mut victim);
        let manifest = frame(&parcel.offer, 0, 1, &parcel.manifest);
        victim.deliver(&format!("d/{}", parcel.id()), &manifest);
        let blocks = BLOCKS + 2;
        let fits = u64::from(first) + u64::from(count) <= u64::from(blocks)
            && len as u64 == u64::from(count) * BLOCK;
        prop_assume!(!fits);
        let strange = frame(&parcel.offer, first, count, &vec![9; len]);
        victim.deliver(&format!("d/{}", parcel.id()), &strange);
        prop_assert_eq!(victim.written(), 0);
        parcel.arrives(&mut honest, &mut victim);
    }

    /// Bytes that only look like messages and frames.
    fn noise_is_passed_over(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut victim = Victim::online();
        let mut honest = Member::in_room(2, &mut victim);
        let parcel = Parcel::new(&honest, 4);
        parcel.is_accepted(&mut honest, &mut victim);
        let (device, _) = victim.own_keys();
        for tail in ["c".to_owned(), format!("i/{device}"), format!("d/{}", parcel.id())] {
            victim.deliver(&tail, &noise);
        }
        prop_assert!(victim.notices.is_empty(), "{:?}", victim.notices);
        parcel.arrives(&mut honest, &mut victim);
    }
}

#[test]
fn a_manifest_that_lies_ends_its_parcel_with_a_reason_and_no_other() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let other = Parcel::new(&honest, 200);
    other.is_accepted(&mut honest, &mut victim);
    let mut traitor = Member::in_room(3, &mut victim);
    let truth = Parcel::new(&traitor, 1);
    let (bytes, total) = (&truth.manifest[..], truth.offer.total);
    let cut = &bytes[..bytes.len() - 1];
    let longer = [bytes, b"more"].concat();
    // Claims 2^63 entries.
    let huge = [0xa1, 0x00, 0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0];
    let nested = [0x81; 5000];
    for (number, manifest, total, files) in [
        (10, bytes, total + 1, 1),
        (11, bytes, total - 1, 1),
        (12, bytes, total, 2),
        (13, bytes, total, 0),
        (14, cut, total, 1),
        (15, &longer, total, 1),
        (16, &huge, total, 1),
        (17, &nested, total, 1),
        (18, b"", total, 1),
    ] {
        let offer = offer(&traitor, number, manifest, total, files);
        let parcel = offer.parcel;
        traitor.tell_room(&mut victim, Body::Offer(offer.clone()));
        victim.accept(parcel);
        victim.deliver(&format!("d/{parcel}"), &frame(&offer, 0, 1, manifest));
        if let Some(view) = victim.view(parcel) {
            assert!(
                matches!(view.state, TransferState::Failed | TransferState::Cancelled),
                "{number}: {view:?}"
            );
            assert!(view.cause.is_some(), "{number}");
        }
    }
    assert_eq!(victim.written(), 0);
    other.arrives(&mut honest, &mut victim);
}

#[test]
fn an_offer_beyond_all_limits_is_refused_before_anything_is_kept_for_it() {
    let mut victim = Victim::online();
    let mut traitor = Member::in_room(3, &mut victim);
    let truth = Parcel::new(&traitor, 1).offer;
    for (number, change) in [
        (
            1,
            &(|offer: &mut Offer| offer.total = u64::MAX) as &dyn Fn(&mut Offer),
        ),
        (2, &|offer| offer.total = (1 << 44) + 1),
        (3, &|offer| offer.manifest_len = u64::MAX),
        (4, &|offer| offer.manifest_len = 33 * 1024 * 1024),
        (5, &|offer| offer.files = 250_001),
        (6, &|offer| offer.block = 0),
        (7, &|offer| offer.block = 1),
        (8, &|offer| {
            (offer.text, offer.total) = (true, 2 * 1024 * 1024)
        }),
    ] {
        let mut offer = truth.clone();
        change(&mut offer);
        victim.published();
        traitor.tell_room(&mut victim, Body::Offer(offer));
        assert!(victim.view(truth.parcel).is_none(), "{number}");
        let answers = traitor.read(&victim.published());
        assert!(
            matches!(&answers[..], [Body::Decline(_)]),
            "{number}: {answers:?}"
        );
    }
}

#[test]
fn a_parcel_is_its_senders_alone() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let mut traitor = Member::in_room(3, &mut victim);
    let parcel = Parcel::new(&honest, 4);
    parcel.is_accepted(&mut honest, &mut victim);
    // With the proof of the other device, with one of another key, and with another manifest.
    let mut stolen = parcel.offer.clone();
    traitor.tell_room(&mut victim, Body::Offer(stolen.clone()));
    let key = ParcelKey::new([99; 32]);
    stolen.proof = key.proof(traitor.device());
    traitor.tell_room(&mut victim, Body::Offer(stolen.clone()));
    stolen.parcel_key = key.public();
    stolen.manifest_hash = [9; 32];
    traitor.tell_room(&mut victim, Body::Offer(stolen));
    for body in [
        Body::Cancel(EndReason::ByUser.ending(parcel.id())),
        Body::Pause(ParcelRef {
            parcel: parcel.id(),
            token: None,
        }),
        Body::Gone,
        parcel.complete(),
    ] {
        traitor.tell_room(&mut victim, body.clone());
        traitor.tell(&mut victim, body);
    }
    let view = victim.view(parcel.id()).unwrap();
    assert_eq!(view.state, TransferState::Active);
    assert_eq!(view.from.name, "Member 2");
    parcel.arrives(&mut honest, &mut victim);
}

#[test]
fn nobody_speaks_in_anothers_name_or_uses_up_its_counters() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let parcel = Parcel::new(&honest, 4);
    parcel.is_accepted(&mut honest, &mut victim);
    let mut forger = Member::new(3);
    let own = forger.identity.device;
    for (device, public) in [
        (honest.identity.device, forger.identity.public),
        (honest.identity.device, honest.identity.public),
        (own, honest.identity.public),
    ] {
        (forger.identity.device, forger.identity.public) = (device, public);
        let cancel = Body::Cancel(EndReason::ByUser.ending(parcel.id()));
        for (counter, body) in [(3, cancel), (u64::MAX, Body::Gone)] {
            let bytes = crate::message::Message { counter, body }.encode();
            forger.bytes_to_room(&mut victim, &bytes);
            forger.bytes_to_victim(&mut victim, &bytes);
        }
    }
    assert_eq!(victim.peers().len(), 1);
    parcel.arrives(&mut honest, &mut victim);
}

#[test]
fn a_repeated_message_counts_once() {
    let mut victim = Victim::online();
    let mut member = Member::in_room(2, &mut victim);
    let parcel = Parcel::new(&member, 4);
    let offer = member.encode(Body::Offer(parcel.offer.clone()));
    member.bytes_to_room(&mut victim, &offer);
    victim.decline(parcel.id());
    member.bytes_to_room(&mut victim, &offer);
    member.bytes_to_victim(&mut victim, &offer);
    assert!(victim.view(parcel.id()).is_none());
}

#[test]
fn floods_stay_within_their_limits() {
    let mut victim = Victim::online();
    let mut honest = Member::in_room(2, &mut victim);
    let accepted = Parcel::new(&honest, 4);
    accepted.is_accepted(&mut honest, &mut victim);
    let mut traitor = Member::in_room(3, &mut victim);
    let parcels: Vec<ParcelId> = (0..150)
        .map(|number| {
            let parcel = Parcel::new(&traitor, 100 + number);
            traitor.tell_room(&mut victim, Body::Offer(parcel.offer.clone()));
            parcel.id()
        })
        .collect();
    let pending = parcels.iter().filter(|id| victim.view(**id).is_some());
    assert_eq!(pending.count(), 100);
    // Another one may still offer something, and the mute button helps.
    let another = Parcel::new(&honest, 6);
    honest.tell_room(&mut victim, Body::Offer(another.offer.clone()));
    assert!(victim.view(another.id()).is_some());
    victim.mute(traitor.card("x").id());
    victim.published();
    traitor.tell_room(&mut victim, traitor.hello("x"));
    assert!(victim.published().is_empty());
    accepted.arrives(&mut honest, &mut victim);
}

#[test]
fn texts_beyond_what_memory_is_for_wait_for_the_user() {
    let mut victim = Victim::online();
    let mut states = Vec::new();
    // Ids are free, so it takes as many members as it likes.
    for member in 3..11 {
        let traitor = &mut Member::in_room(member, &mut victim);
        for number in 0..10 {
            let mut offer = offer(traitor, 10 * member + number, &[7; 100], 1024 * 1024, 1);
            offer.text = true;
            let parcel = offer.parcel;
            traitor.tell_room(&mut victim, Body::Offer(offer));
            states.push(victim.view(parcel).unwrap().state);
        }
    }
    let taken = states
        .iter()
        .take_while(|state| **state == TransferState::Active);
    assert_eq!(taken.count(), 64);
    let waits = |state: &TransferState| *state == TransferState::Offered;
    assert!(states[64..].iter().all(waits), "{states:?}");
}

#[test]
fn whatever_a_device_calls_itself_is_one_short_line() {
    let mut victim = Victim::online();
    for (seed, name) in [
        (10, "x".repeat(256)),
        (11, "a\nb\u{0}c\u{202e}d\u{2066}e\u{feff}".into()),
        (12, "\u{1f600}".repeat(64)),
        (13, "<img src=x onerror=alert(1)>".into()),
        (14, String::new()),
    ] {
        let mut member = Member::new(seed);
        member.introduce(&mut victim, &name);
    }
    // No card has longer ones.
    Member::new(15).introduce(&mut victim, &"x".repeat(257));
    let peers = victim.peers();
    assert_eq!(peers.len(), 5);
    for peer in peers {
        assert!(!peer.name.is_empty() && peer.name.chars().count() <= 64);
        let unsafe_in_a_line = |c: char| {
            c.is_control()
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        assert!(!peer.name.contains(unsafe_in_a_line), "{:?}", peer.name);
    }
}

#[test]
fn whatever_a_file_is_called_it_stays_within_the_folder() {
    for (number, path) in [
        (20, "../../etc/passwd".to_owned()),
        (21, "/etc/passwd".into()),
        (22, "C:\\Windows\\..\\evil".into()),
        (23, "a/../../b\u{0}\u{202e}gpj.exe".into()),
        (24, "n".repeat(10_000)),
        (25, "d/".repeat(3_000) + "f"),
        (26, "CON".into()),
    ] {
        let mut victim = Victim::online();
        let mut member = Member::in_room(2, &mut victim);
        let parcel = Parcel::of(&member, number, &path, vec![1; 10]);
        parcel.is_accepted(&mut member, &mut victim);
        parcel.arrives(&mut member, &mut victim);
        let files = victim.files(parcel.id()).unwrap();
        let shown = &files[0].path;
        assert!(
            shown
                .split('/')
                .all(|part| !part.is_empty() && part != ".." && part.len() <= 255),
            "{shown:?}"
        );
        assert!(
            !shown.contains(['\\', '\u{0}', '\u{202e}', ':']),
            "{shown:?}"
        );
    }
}

#[test]
fn what_is_shown_is_what_is_saved_whatever_the_offer_calls_it() {
    let mut victim = Victim::online();
    let mut member = Member::in_room(2, &mut victim);
    let mut parcel = Parcel::of(&member, 30, "setup.exe", vec![1; 10]);
    parcel.offer.title = "holiday.jpg".into();
    parcel.is_accepted(&mut member, &mut victim);
    assert_eq!(
        victim.view(parcel.id()).unwrap().title.to_string(),
        "holiday.jpg"
    );
    let manifest = frame(&parcel.offer, 0, 1, &parcel.manifest);
    victim.deliver(&format!("d/{}", parcel.id()), &manifest);
    assert_eq!(
        victim.view(parcel.id()).unwrap().title.to_string(),
        "setup.exe"
    );
    parcel.arrives(&mut member, &mut victim);
    assert_eq!(
        victim.view(parcel.id()).unwrap().title.to_string(),
        "setup.exe"
    );
    // Nor is it called otherwise when it is offered again.
    member.tell_room(&mut victim, Body::Offer(parcel.offer.clone()));
    assert_eq!(
        victim.view(parcel.id()).unwrap().title.to_string(),
        "setup.exe"
    );
}

#[test]
fn notes_do_not_grow_with_how_often_a_parcel_changes_its_sender() {
    let mut victim = Victim::online();
    let mut members = [2, 3].map(|seed| Member::in_room(seed, &mut victim));
    let mut parcel = Parcel::new(&members[0], 4);
    parcel.is_accepted(&mut members[0], &mut victim);
    let mut noted = Vec::new();
    for round in 0..150 {
        let member = &mut members[(round + 1) % 2];
        parcel.belongs_to(member);
        member.tell_room(&mut victim, Body::Offer(parcel.offer.clone()));
        noted.push(victim.machine().noted);
    }
    assert!(noted[0] < noted[50], "it is noted");
    assert_eq!(noted[110], noted[149]);
    let last = &mut members[0];
    parcel.arrives(last, &mut victim);
}

#[test]
fn a_newer_version_is_said_once() {
    let mut victim = Victim::online();
    let mut member = Member::new(2);
    for _ in 0..3 {
        let sealed =
            envelope::of_later_version(&secret().key, &member.identity, "c", &mut member.random);
        victim.deliver("c", &sealed);
    }
    assert_eq!(victim.notices, [Notice::NewerVersion]);
}
