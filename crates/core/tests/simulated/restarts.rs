//! The state after a device's program ended and began anew, one behaviour a test, on a virtual
//! clock.

use crate::said;
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::TransferState;
use mqdrop_core::{Entry, Join, OfferError, ParcelId, ReadFault, RestoreError};
use mqdrop_sim::{MINUTE, SECOND, World, room, under_way};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::leaving::rests_until_resumed;

#[test]
fn a_receiver_that_was_restarted_goes_on_where_it_was() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000, 0, 70_000, 2_000_000], 2_000_000);
    let before = world.bytes(1, parcel);
    world.restart(1, false);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Paused)
    }));
    assert!(
        world.bytes(1, parcel) >= before,
        "{} of {before}",
        world.bytes(1, parcel)
    );
    world.run_for(MINUTE);
    assert_eq!(world.state(1, parcel), Some(TransferState::Paused));
    let sent = world.devices[0].sent;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    let rest = 5_070_000 - before;
    let again = world.devices[0].sent - sent;
    assert!(again < rest + rest / 20 + 100_000, "{again} for {rest}");
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, parcel) == Some(TransferState::Done)
    }));
    let receivers = world.devices[0].view(parcel, world.now).unwrap().receivers;
    assert_eq!(
        receivers.len(),
        1,
        "the one that it was before is forgotten"
    );
}

#[test]
fn a_receiver_may_be_restarted_at_any_time() {
    for progress in [0, 1, 500_000, 999_999, 1_000_000] {
        let mut world = room(2);
        world.uplink = Some(1_000_000);
        let parcel = world.offer(0, &[600_000, 400_000]);
        world.run_until(MINUTE, |w| w.bytes(1, parcel) >= progress);
        world.restart(1, false);
        world.run_for(5 * SECOND);
        world.act(1, |engine, now| engine.resume(parcel, now));
        assert!(
            world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)),
            "{progress}"
        );
    }
}

#[test]
fn what_was_received_but_not_saved_is_there_after_a_restart() {
    let mut world = room(2);
    let parcel = world.offer(0, &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    world.act(0, |engine, now| engine.leave_all(now));
    world.restart(1, false);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn what_another_room_left_is_kept_for_it() {
    let (world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
    let notes = world.devices[1].notes[&parcel].clone();
    let mut engine = mqdrop_core::Engine::new([9; 32]);
    let restored = engine.restore(&notes, world.now).unwrap();
    assert_eq!(
        (restored.parcel, restored.notes_len, restored.size),
        (parcel, notes.len() as u64, 3_000_000)
    );
    assert_eq!(engine.restore(&notes, world.now), Err(RestoreError::Known));
    assert_eq!((engine.kept().parcels, engine.kept().bytes), (1, 3_000_000));
    let other = Join {
        secret: RoomSecret::derive("another room").unwrap(),
        ..mqdrop_sim::join()
    };
    engine.join(other, world.now).unwrap();
    assert_eq!(engine.kept().parcels, 1);
    assert!(engine.transfer(parcel, world.now).is_none());
    engine.leave_all(world.now);
    engine.join(mqdrop_sim::join(), world.now).unwrap();
    assert_eq!(engine.kept().parcels, 0);
    assert!(engine.transfer(parcel, world.now).is_some());
    assert_eq!(
        engine.restore(&notes[..50], world.now),
        Err(RestoreError::Damaged)
    );
}

#[test]
fn a_sender_that_was_restarted_goes_on_with_the_same_files() {
    for both in [false, true] {
        let (mut world, parcel) =
            under_way(2_000_000, &[3_000_000, 0, 70_000, 2_000_000], 2_000_000);
        world.restart(0, false);
        if both {
            world.restart(1, true);
        }
        world.run_for(10 * SECOND);
        let view = world.devices[0].view(parcel, world.now).unwrap();
        assert!(view.lacks_files);
        assert!(!world.delivered(0, 1, parcel));
        let (before, sent) = (world.bytes(1, parcel), world.devices[0].sent);
        assert!(before > 2_000_000);
        world.choose_again(0);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        assert!(world.run_until(MINUTE, |w| w.state(0, parcel) == Some(TransferState::Done)));
        let rest = 5_070_000 - before;
        let again = world.devices[0].sent - sent;
        assert!(again < rest + rest / 20 + 100_000, "{again} for {rest}");
        world.restart(0, false);
        assert!(
            world.devices[0].view(parcel, world.now).is_none(),
            "what was delivered needs no second time"
        );
    }
}

#[test]
fn other_files_are_not_taken_for_those_that_were_sent() {
    let mut world = room(2);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[3_000_000, 10]);
    world.run_for(SECOND);
    world.restart(0, false);
    let same = mqdrop_sim::entries(&world.devices[0].sources[&parcel]);
    let choose = |world: &mut World, chosen: Vec<Entry>| {
        world.act(0, |engine, now| engine.choose_again(parcel, chosen, now))
    };
    let path = "file 1.bin".to_string();
    let missing = choose(&mut world, same[..1].to_vec());
    assert_eq!(missing, Err(OfferError::Missing(path.clone())));
    let mut longer = same.clone();
    longer[1].size += 1;
    let refused = choose(&mut world, longer);
    assert_eq!(refused, Err(OfferError::Changed(path.clone())));
    // In any order, among others, and with a new date: the content is compared.
    let mut more = same.clone();
    more.reverse();
    more[1].modified = Some(1);
    more.push(Entry {
        path: "another".into(),
        ..same[0].clone()
    });
    assert_eq!(choose(&mut world, more), Ok(vec![1, 0]));
    assert_eq!(choose(&mut world, same), Err(OfferError::NotWaiting));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

/// Chooses the files of a parcel again, with another content, and tells what the user learns.
fn choose_others(world: &mut World, parcel: ParcelId, file: usize, byte: usize) -> Vec<OfferError> {
    let right = world.devices[0].sources[&parcel].clone();
    let mut other = right.clone();
    other[file][byte] ^= 1;
    world.devices[0].sources.insert(parcel, other);
    let sent = world.devices[0].sent;
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| lacks_files(w, parcel)));
    world.run_for(MINUTE);
    let since = world.devices[0].sent - sent;
    assert!(since < 100_000, "{since} bytes were sent of other files");
    world.devices[0].sources.insert(parcel, right);
    std::mem::take(&mut world.devices[0].unfit)
}

fn lacks_files(world: &World, parcel: ParcelId) -> bool {
    world.devices[0]
        .view(parcel, world.now)
        .is_some_and(|view| view.lacks_files)
}

#[test]
fn files_that_only_look_the_same_are_not_taken_for_those_that_were_sent() {
    let (mut world, parcel) = under_way(2_000_000, &[1_500_000, 0, 3_000_000], 2_000_000);
    world.restart(0, false);
    for (file, byte) in [(0, 0), (0, 1_499_999), (2, 70_000)] {
        let errors = choose_others(&mut world, parcel, file, byte);
        let other = OfferError::OtherContent(format!("file {file}.bin"));
        assert_eq!(errors, [other]);
    }
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(world.devices[0].unfit, []);
}

/// A sender that was restarted and is comparing the right files with what it sent.
fn checking() -> (World, ParcelId) {
    let (mut world, parcel) = under_way(2_000_000, &[6_000_000], 5_000_000);
    world.restart(0, false);
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| {
        let view = w.devices[0].view(parcel, w.now);
        let words = view.map(|view| said(&view)).unwrap_or_default();
        words.contains("Checking") && !words.contains(" 0 %") && !words.contains("100 %")
    }));
    assert_eq!(world.state(0, parcel), Some(TransferState::Verifying));
    (world, parcel)
}

#[test]
fn the_room_may_be_left_while_files_are_compared() {
    for away in [0, 1] {
        let (mut world, parcel) = checking();
        world.act(0, |engine, now| engine.leave_all(now));
        world.run_for(away * MINUTE);
        world.enter(0);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        assert_eq!(world.devices[0].unfit, []);
    }
}

#[test]
fn a_pause_while_files_are_compared_holds_and_can_be_ended() {
    let (mut world, parcel) = checking();
    let before = world.bytes(1, parcel);
    world.act(0, |engine, now| engine.pause(parcel, now));
    rests_until_resumed(&mut world, parcel, before);
}

#[test]
fn a_connection_that_breaks_while_files_are_compared_is_no_harm() {
    let (mut world, parcel) = checking();
    world.cut(0);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    let (mut world, parcel) = checking();
    world.act(0, |engine, now| engine.cancel(parcel, now));
    assert_eq!(world.state(0, parcel), Some(TransferState::Cancelled));
    world.run_for(MINUTE);
    assert_eq!(world.state(0, parcel), Some(TransferState::Cancelled));
    assert_eq!(world.devices[0].unfit, []);
}

#[test]
fn what_could_not_be_read_when_it_was_chosen_again_may_be_chosen_once_more() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 2_000_000);
    world.restart(0, false);
    world.devices[0].unreadable.insert(parcel);
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| !w.devices[0].unfit.is_empty()));
    let error = &world.devices[0].unfit[0];
    assert!(
        matches!(error, OfferError::Unreadable(_, ReadFault::Moved)),
        "{error:?}"
    );
    assert!(lacks_files(&world, parcel));
    world.devices[0].unreadable.clear();
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn what_was_read_whole_before_the_second_receiver_began_is_compared_as_well() {
    let mut world = room(3);
    world.devices[2].accepts = false;
    let parcel = world.offer(0, &[600_000, 400_000]);
    // A receiver that declines is not waited for, so nothing is noted any more once the other has it.
    world.run_for(SECOND);
    world.act(2, |engine, now| engine.decline(parcel, now));
    assert!(world.run_until(MINUTE, |w| !w.devices[0].notes.contains_key(&parcel)));
    assert_eq!(world.state(0, parcel), Some(TransferState::Done));
    world.uplink = Some(400_000);
    world.devices[2].accepts = true;
    world.restart(2, true);
    assert!(world.run_until(MINUTE, |w| w.bytes(2, parcel) > 100_000));
    world.restart(0, false);
    for (file, byte) in [(0, 0), (1, 399_999)] {
        let errors = choose_others(&mut world, parcel, file, byte);
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 2, parcel)));
}

#[test]
fn a_sender_that_cancels_after_a_restart_ends_it_for_good() {
    let mut world = room(2);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[3_000_000]);
    world.run_for(SECOND);
    world.restart(0, false);
    world.act(0, |engine, now| engine.cancel(parcel, now));
    world.restart(0, false);
    assert!(world.devices[0].view(parcel, world.now).is_none());
}

#[test]
fn whom_a_restarted_sender_does_not_want_to_go_on_with_is_told() {
    let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
    world.restart(0, false);
    assert!(world.run_until(MINUTE, |w| lacks_files(w, parcel)));
    world.run_for(5 * SECOND);
    world.act(0, |engine, now| engine.cancel(parcel, now));
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Cancelled)
    }));
    assert_eq!(world.state(0, parcel), Some(TransferState::Cancelled));
    world.run_for(MINUTE);
    assert_eq!(world.state(1, parcel), Some(TransferState::Cancelled));
}

#[test]
fn what_was_received_is_there_after_the_room_is_left_and_entered_again() {
    let mut world = room(2);
    let parcel = world.offer(0, &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    let enter = |world: &mut World, key: &str| {
        let secret = RoomSecret::derive(key).unwrap();
        let room = Join {
            secret,
            ..mqdrop_sim::join()
        };
        world.enter_as(1, room);
    };
    enter(&mut world, "another room");
    assert_eq!(world.state(1, parcel), None);
    assert_eq!(world.devices[1].engine().kept().parcels, 1);
    world.act(1, |engine, now| engine.leave_all(now));
    world.enter(1);
    assert_eq!(world.devices[1].engine().kept().parcels, 0);
    assert!(world.delivered(0, 1, parcel));
}

#[test]
fn of_two_copies_the_one_with_more_stays() {
    let mut world = room(2);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[3_000_000]);
    let mut kept = Vec::new();
    for bytes in [1_000_000, 2_000_000] {
        assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > bytes));
        kept.push(world.devices[1].notes[&parcel].clone());
    }
    let mut engine = mqdrop_core::Engine::new([9; 32]);
    engine.join(mqdrop_sim::join(), world.now).unwrap();
    assert!(engine.restore(&kept[0], world.now).is_ok());
    assert!(engine.restore(&kept[1], world.now).is_ok());
    assert_eq!(
        engine.restore(&kept[0], world.now),
        Err(RestoreError::Known)
    );
}

#[test]
fn a_sender_that_is_there_already_is_known_to_what_is_found_late() {
    let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
    let notes = world.devices[1].notes[&parcel].clone();
    let store = world.devices[1].stores[&parcel].clone();
    world.devices[1].notes.clear();
    world.devices[1].accepts = false;
    world.restart(1, false);
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Offered)));
    world.devices[1].stores.insert(parcel, store);
    world.act(1, |engine, now| {
        engine.restore(&notes, now).map(drop).unwrap()
    });
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Paused)));
    assert!(world.bytes(1, parcel) > 1_000_000);
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}
