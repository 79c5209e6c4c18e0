//! Rooms that are left: nothing that was accepted is lost.

use crate::said;
use mqdrop_core::view::TransferState;
use mqdrop_core::{AutoAccept, ParcelId, StoreError};
use mqdrop_sim::{MINUTE, SECOND, World, one_is_away, room, under_way};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::storage::stopped_by;

#[test]
fn a_receiver_that_leaves_in_the_middle_goes_on_when_it_is_back() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    // Writes are on their way to storage.
    world.act(1, |engine, now| engine.leave_all(now));
    world.run_for(MINUTE);
    assert_eq!(world.devices[1].engine().kept().parcels, 1);
    assert_eq!(world.state(0, parcel), Some(TransferState::Waiting));
    world.enter(1);
    world.run_for(SECOND);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(view.state, TransferState::Paused);
    assert!(view.bytes > 1_000_000);
    assert!(said(&view).contains("the room was left"));
    let sent = world.devices[0].sent;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.devices[0].sent - sent < (3_000_000 - view.bytes) * 21 / 20);
    assert_eq!(receivers(&world, parcel), 1);
}

/// How many receivers the first device's user sees.
fn receivers(world: &World, parcel: ParcelId) -> usize {
    let view = world.devices[0].view(parcel, world.now);
    view.map_or(0, |view| view.receivers.len())
}

#[test]
fn a_receiver_that_was_not_heard_of_between_two_rooms_is_one_receiver() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.act(1, |engine, now| engine.leave_all(now));
    world.cut_off.insert(1);
    world.enter(1);
    world.run_for(SECOND);
    world.restart(1, false);
    world.run_for(SECOND);
    world.act(1, |engine, now| engine.leave_all(now));
    world.cut_off.clear();
    world.enter(1);
    world.run_for(SECOND);
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(receivers(&world, parcel), 1);
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, parcel) == Some(TransferState::Done)
    }));
}

#[test]
fn leaving_while_what_was_kept_is_read_back_loses_nothing() {
    let (mut world, parcel) = under_way(20_000_000, &[12_000_000], 10_000_000);
    let before = world.bytes(1, parcel);
    world.restart(1, false);
    for _ in 0..3 {
        // The first run is being read.
        world.act(1, |engine, now| engine.leave_all(now));
        world.enter(1);
    }
    world.run_for(5 * SECOND);
    assert!(world.bytes(1, parcel) >= before);
}

#[test]
fn what_was_verified_but_not_stored_needs_no_sender() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 2_000_000);
    let stored = world.bytes(1, parcel);
    world.run_until(MINUTE, |w| w.bytes(1, parcel) == 3_000_000);
    let no_space = StoreError::NoSpace { available: None };
    world.devices[1].broken = Some(no_space);
    world.run_for(10 * SECOND);
    assert!(world.bytes(1, parcel) > stored);
    world.act(1, |engine, now| engine.resume(parcel, now));
    world.run_for(10 * SECOND);
    let whole = world.bytes(1, parcel) == 3_000_000;
    world.act(1, |engine, now| engine.leave_all(now));
    world.act(0, |engine, now| engine.leave_all(now));
    world.devices[1].broken = None;
    world.enter(1);
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(whole && world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn what_nobody_accepted_ends_when_its_sender_leaves() {
    let mut world = room(2);
    world.devices[1].accepts = false;
    let parcel = world.offer(0, &[1_000]);
    world.run_for(5 * SECOND);
    assert_eq!(world.state(1, parcel), Some(TransferState::Offered));
    world.act(0, |engine, now| engine.leave_all(now));
    world.run_for(5 * SECOND);
    assert_eq!(world.state(1, parcel), Some(TransferState::Cancelled));
    assert_eq!(world.devices[0].engine().kept().parcels, 0);
    assert!(world.devices[0].notes.is_empty());
}

#[test]
fn a_receiver_that_leaves_with_a_full_disk_goes_on_when_it_is_back() {
    let no_space = StoreError::NoSpace { available: None };
    let (mut world, parcel) = stopped_by(no_space, "no space");
    world.run_for(5 * SECOND);
    let sent = world.devices[0].sent;
    world.act(1, |engine, now| engine.leave_all(now));
    world.run_for(MINUTE);
    world.enter(1);
    world.run_for(SECOND);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(view.state, TransferState::Paused);
    assert!(said(&view).contains("no space"));
    world.devices[1].broken = None;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.devices[0].sent - sent < 2_100_000);
}

#[test]
fn when_the_sender_leaves_what_arrived_is_kept() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.act(0, |engine, now| engine.leave_all(now));
    world.run_for(MINUTE);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(view.state, TransferState::Waiting);
    assert!(view.bytes >= 1_000_000);
    assert!(said(&view).contains("The sender is away"));
    assert_eq!(world.devices[0].engine().kept().parcels, 1);
    // Its user is back. The page was not closed, so the files are still at hand.
    let sent = world.devices[0].sent;
    world.enter(0);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.devices[0].sent - sent < 2_300_000);
}

#[test]
fn a_receiver_can_give_up_a_sender_that_left() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.act(0, |engine, now| engine.leave_all(now));
    world.run_for(MINUTE);
    world.act(1, |engine, now| engine.cancel(parcel, now));
    assert!(!world.devices[1].stores.contains_key(&parcel));
    assert_eq!(world.state(1, parcel), Some(TransferState::Cancelled));
}

#[test]
fn a_sender_that_leaves_again_before_its_receiver_is_back_ends_nothing() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.cut_off.insert(1);
    world.cut(1);
    world.act(0, |engine, now| engine.leave_all(now));
    world.enter(0);
    world.run_for(SECOND);
    world.act(0, |engine, now| engine.leave_all(now));
    world.enter(0);
    world.cut_off.clear();
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn leaving_while_storage_makes_room_is_a_pause() {
    for auto_accept in [AutoAccept::Off, AutoAccept::All] {
        let mut world = room(2);
        world.devices[1].accepts = false;
        let parcel = world.offer(0, &[100_000]);
        world.run_for(SECOND);
        world.act(1, |engine, now| {
            engine.accept(parcel, now);
            engine.leave_all(now);
            let join = mqdrop_core::Join {
                auto_accept,
                identity: mqdrop_core::Identity::from_random([9; 32]),
                ..mqdrop_sim::join()
            };
            engine.join(join, now).unwrap();
        });
        world.run_for(5 * SECOND);
        if auto_accept == AutoAccept::Off {
            let view = world.devices[1].view(parcel, world.now).unwrap();
            assert_eq!(view.state, TransferState::Paused);
            assert!(said(&view).contains("Resume to go on"));
            world.act(1, |engine, now| engine.resume(parcel, now));
        }
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    }
}

#[test]
fn what_storage_refuses_after_leaving_is_not_kept() {
    let mut world = room(2);
    world.devices[1].accepts = false;
    world.devices[1].space = 1;
    let parcel = world.offer(0, &[100_000]);
    world.run_for(SECOND);
    world.act(1, |engine, now| {
        engine.accept(parcel, now);
        engine.leave_all(now);
    });
    world.run_for(SECOND);
    assert_eq!(world.devices[1].engine().kept().parcels, 0);
}

/// A parcel that its sender paused at `bytes` stays there, and goes on when its sender wants it.
pub(crate) fn rests_until_resumed(world: &mut World, parcel: ParcelId, bytes: u64) {
    world.run_for(MINUTE);
    assert_eq!(world.state(0, parcel), Some(TransferState::Paused));
    assert_eq!(world.bytes(1, parcel), bytes);
    world.act(0, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn a_sender_that_paused_and_left_does_not_go_on_by_itself() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.act(0, |engine, now| engine.pause(parcel, now));
    world.run_for(10 * SECOND);
    let before = world.bytes(1, parcel);
    world.act(0, |engine, now| engine.leave_all(now));
    world.enter(0);
    rests_until_resumed(&mut world, parcel, before);
}

#[test]
fn who_is_away_while_the_sender_leaves_and_comes_is_not_forgotten() {
    let (mut world, parcel) = one_is_away();
    for _ in 0..2 {
        world.act(0, |engine, now| engine.leave_all(now));
        world.enter(0);
        world.run_for(10 * SECOND);
        assert!(world.devices[0].notes.contains_key(&parcel));
    }
    world.cut_off.clear();
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 2, parcel)));
    assert!(world.run_until(MINUTE, |w| !w.devices[0].notes.contains_key(&parcel)));
}
