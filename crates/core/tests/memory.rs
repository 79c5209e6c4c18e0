//! How much memory transfers take: the same, however long they are and whatever stands in their way.
//! The simulation's network is counted as well; its files and storage are there before.

#![cfg(not(target_arch = "wasm32"))]

mod peak;

use mqdrop_core::view::TransferState;
use mqdrop_core::{ParcelId, StoreError};
use mqdrop_sim::{MINUTE, World, room};
use peak::peak;

const MIB: u64 = 1024 * 1024;

/// Much longer than anything that may be waited with.
const LENGTH: u64 = 64 * MIB;

/// A long parcel of which every receiver has some.
fn begun(receivers: usize) -> (World, ParcelId) {
    let mut world = room(1 + receivers);
    world.uplink = Some(50 * MIB);
    // Else the simulation keeps what each write replaced.
    for device in &mut world.devices {
        device.may_lose_power = false;
    }
    let parcel = world.offer(0, &[LENGTH]);
    let begun = |world: &World| (1..=receivers).all(|device| world.bytes(device, parcel) > MIB);
    assert!(world.run_until(MINUTE, begun));
    (world, parcel)
}

fn is_done(world: &World, device: usize, parcel: ParcelId) -> bool {
    world.state(device, parcel) == Some(TransferState::Done)
}

// One test: others beside it would be counted.
#[test]
fn memory_is_bounded() {
    let (mut world, parcel) = begun(1);
    let used = peak(|| {
        assert!(world.run_until(MINUTE, |world| is_done(world, 1, parcel)));
    });
    assert!(used < 16 * MIB, "one receiver takes {used} bytes");

    let (mut world, parcel) = begun(3);
    let used = peak(|| {
        assert!(world.run_until(MINUTE, |world| (1..4).all(|of| is_done(world, of, parcel))));
    });
    assert!(used < 24 * MIB, "three receivers take {used} bytes");

    // Storage takes nothing: all that is sent meanwhile is what the receiver let be under way.
    let (mut world, parcel) = begun(1);
    let used = peak(|| {
        world.devices[1].broken = Some(StoreError::NoSpace { available: None });
        world.run_for(MINUTE);
    });
    assert!(!is_done(&world, 1, parcel));
    assert!(used < 8 * MIB, "a full disk takes {used} bytes");

    // Nothing gets through and nobody is told.
    let (mut world, parcel) = begun(1);
    let used = peak(|| {
        world.sever(1);
        world.run_for(MINUTE);
        world.mend(1);
        assert!(world.run_until(2 * MINUTE, |world| is_done(world, 1, parcel)));
    });
    assert!(used < 16 * MIB, "a silent network takes {used} bytes");
}
