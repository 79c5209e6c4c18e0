//! Storage that takes no more, fails, gives back other bytes than it was given, or loses its power.

use crate::said;
use mqdrop_core::view::TransferState;
use mqdrop_core::{ParcelId, StoreError};
use mqdrop_sim::faults::Faults;
use mqdrop_sim::storage::Reads;
use mqdrop_sim::{MINUTE, SECOND, World, room, under_way};
use mqdrop_words::Words;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn no_space_is_a_refusal_with_numbers() {
    let mut world = room(2);
    world.devices[1].space = 1000;
    let parcel = world.offer(0, &[50_000]);
    assert!(world.run_until(MINUTE, |w| w.state(0, parcel)
        == Some(TransferState::Declined)));
    let sender = world.devices[0].view(parcel, world.now).unwrap();
    assert!(sender.receivers[0].reason.as_ref().is_some_and(|reason| {
        let reason = Words::page().ended_by_receiver(reason);
        reason.contains("space") && reason.contains("1.0 kB are free")
    }));
    let receiver = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(receiver.state, TransferState::Failed);
    let error = said(&receiver);
    assert!(
        error.contains("it takes 50 kB, and 1.0 kB are free"),
        "{error}"
    );
}

#[test]
fn a_disk_that_is_full_in_the_middle_pauses_and_loses_nothing() {
    let no_space = StoreError::NoSpace { available: None };
    let (mut world, parcel) = stopped_by(no_space, "no space");
    world.run_for(MINUTE);
    // Too early: it is full again.
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Paused)
    }));
    world.devices[1].broken = None;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn storage_that_fails_in_the_middle_pauses_and_loses_nothing() {
    let failure = StoreError::Told("the disk was pulled out".into());
    let (mut world, parcel) = stopped_by(failure, "the disk was pulled out");
    world.devices[1].broken = None;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(
        world.devices[1].view(parcel, world.now).unwrap().cause,
        None
    );
}

#[test]
fn what_the_browser_removed_ends_with_a_reason_on_both_sides() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.devices[1].broken = Some(StoreError::Gone);
    world.run_for(10 * SECOND);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(view.state, TransferState::Failed);
    assert!(said(&view).contains("was removed from this device"));
    assert!(!world.devices[1].stores.contains_key(&parcel));
    let sender = world.devices[0].view(parcel, world.now).unwrap();
    assert_eq!(sender.receivers[0].state, TransferState::Failed);
}

/// A transfer whose receiver stopped in the middle, as its storage took nothing more.
pub(crate) fn stopped_by(error: StoreError, words: &str) -> (World, ParcelId) {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.devices[1].broken = Some(error);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Paused)
    }));
    let view = world.devices[1].view(parcel, world.now);
    assert!(view.is_some_and(|view| said(&view).contains(words)));
    (world, parcel)
}

#[test]
fn what_storage_damaged_is_fetched_again() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 2_000_000);
    let before = world.bytes(1, parcel);
    world.devices[1].stores.get_mut(&parcel).unwrap()[1_000_000] ^= 1;
    world.restart(1, false);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Paused)
    }));
    assert!(world.bytes(1, parcel) < before);
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn what_was_confirmed_outlasts_a_power_cut() {
    for seed in 0..8 {
        let mut world = World::new(seed, Faults::default());
        world.join();
        world.join();
        let parcel = world.offer(0, &[700_000, 3]);
        assert!(world.run_until(MINUTE, |w| {
            w.state(0, parcel) == Some(TransferState::Done)
        }));
        // There is nobody any more to fetch it from.
        world.act(0, |engine, now| engine.leave_all(now));
        world.lose_power(1, false);
        assert!(
            world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)),
            "seed {seed}: {:?}",
            world.state(1, parcel)
        );
    }
}

#[test]
fn what_a_power_cut_takes_is_fetched_again() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000, 0, 70_000], 2_000_000);
    world.lose_power(1, true);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn what_is_read_back_badly_is_fetched_again() {
    for reads in [Reads::Damaged, Reads::Short, Reads::Failing] {
        let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 2_000_000);
        world.devices[1].reads = reads;
        world.restart(1, true);
        assert!(
            world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)),
            "{reads:?}"
        );
    }
}

#[test]
fn what_could_not_be_finished_is_kept_and_tried_again() {
    for error in [
        StoreError::NoSpace { available: None },
        StoreError::Told("out of order".into()),
    ] {
        let mut world = room(2);
        let parcel = world.offer(0, &[500_000]);
        assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > 0));
        let all_is_here = |w: &World| w.bytes(1, parcel) == 500_000 && w.devices[1].writing == 0;
        assert!(world.run_until(MINUTE, all_is_here));
        world.devices[1].broken = Some(error.clone());
        let failed = |w: &World| {
            let view = w.devices[1].view(parcel, w.now);
            view.is_some_and(|view| view.paused_here && view.cause.is_some())
        };
        assert!(
            world.run_until(MINUTE, failed),
            "{:?}",
            world.state(1, parcel)
        );
        let view = world.devices[1].view(parcel, world.now).unwrap();
        assert_eq!(view.state, TransferState::Paused);
        assert!(said(&view).contains("Resume"));
        // Also over a restart, which finds it broken as well.
        world.restart(1, false);
        world.devices[1].broken = Some(error);
        assert!(world.run_until(MINUTE, failed));
        world.devices[1].broken = None;
        let sent = world.devices[0].sent;
        world.act(1, |engine, now| engine.resume(parcel, now));
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        assert!(
            world.devices[0].sent - sent < 20_000,
            "nothing is sent again"
        );
        assert!(world.run_until(MINUTE, |w| {
            w.state(0, parcel) == Some(TransferState::Done)
        }));
    }
}

#[test]
fn a_failure_that_passes_is_not_told() {
    let mut world = room(2);
    let parcel = world.offer(0, &[500_000]);
    assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) == 500_000));
    world.devices[1].broken = Some(StoreError::Told("out of order".into()));
    world.run_for(2 * SECOND);
    assert_eq!(world.state(1, parcel), Some(TransferState::Verifying));
    world.devices[1].broken = None;
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}
