//! The questions of a driver that is about to end: whether all was heard, and what kept a parcel back.

use mqdrop_core::view::{Fault, TransferState};
use mqdrop_core::{ReadFailure, StoreError};
use mqdrop_sim::{MINUTE, room};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::storage::stopped_by;

#[test]
fn who_leaves_once_heard_leaves_a_receipt() {
    let mut world = room(2);
    let parcel = world.offer(0, &[50_000]);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Done)
    }));
    assert!(
        !world.devices[1].engine().is_heard(),
        "its receipt is on its way"
    );
    assert!(world.run_until(MINUTE, |w| w.devices[1].engine().is_heard()));
    world.act(1, |engine, now| engine.leave_all(now));
    assert!(
        world.devices[1].engine().is_heard(),
        "there is nobody to hear more"
    );
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, parcel) == Some(TransferState::Done)
    }));
}

#[test]
fn what_was_whole_before_a_restart_is_not_heard_before_its_sender_is_told() {
    let mut world = room(2);
    let parcel = world.offer(0, &[50_000]);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Done)
    }));
    // Its receipt is lost.
    world.restart(1, false);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Done)
    }));
    assert_ne!(world.state(0, parcel), Some(TransferState::Done));
    assert!(!world.devices[1].engine().is_heard());
    assert!(world.run_until(MINUTE, |w| w.devices[1].engine().is_heard()));
    world.act(1, |engine, now| engine.leave_all(now));
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, parcel) == Some(TransferState::Done)
    }));
}

#[test]
fn storage_that_stops_a_parcel_is_told_from_the_rest() {
    let failure = StoreError::Told("the disk was pulled out".into());
    let (world, parcel) = stopped_by(failure.clone(), "the disk was pulled out");
    assert_eq!(
        world.devices[1].engine().fault(parcel),
        Some(Fault::Storage(failure))
    );
    assert_eq!(world.devices[0].engine().fault(parcel), None);
}

#[test]
fn storage_without_space_refuses() {
    let mut world = room(2);
    world.devices[1].space = 1000;
    let parcel = world.offer(0, &[50_000]);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Failed)
    }));
    let fault = world.devices[1].engine().fault(parcel);
    assert!(
        matches!(fault, Some(Fault::Storage(StoreError::NoSpace { .. }))),
        "{fault:?}"
    );
}

#[test]
fn a_file_that_changed_is_the_senders_fault() {
    let mut world = room(2);
    let parcel = world.offer(0, &[50_000]);
    let files = &mut world.devices[0].unreadable_files;
    files.insert((parcel, 0), ReadFailure::Changed);
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, parcel) == Some(TransferState::Failed)
    }));
    assert_eq!(world.devices[0].engine().fault(parcel), Some(Fault::Source));
    assert_eq!(world.devices[1].engine().fault(parcel), None);
}
