//! Files that turn out not to be readable while their parcel is sent, on a virtual clock.

use crate::said;
use mqdrop_core::view::{FileView, TransferState, TransferView};
use mqdrop_core::{ParcelId, ReadFailure};
use mqdrop_sim::{MINUTE, SECOND, World, room, under_way};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn spoil(world: &mut World, parcel: ParcelId, file: usize) {
    let files = &mut world.devices[0].unreadable_files;
    files.insert((parcel, file), ReadFailure::Changed);
}

fn files(world: &World, device: usize, parcel: ParcelId) -> Vec<FileView> {
    world.devices[device]
        .engine()
        .files(parcel)
        .unwrap_or_default()
}

fn view(world: &World, device: usize, parcel: ParcelId) -> TransferView {
    world.devices[device].shown[&parcel].clone()
}

fn error(world: &World, device: usize, parcel: ParcelId) -> String {
    said(&view(world, device, parcel))
}

/// Goes on until a device has all but some files, and its sender knows; checks what it has.
fn arrives_without(world: &mut World, device: usize, parcel: ParcelId, missing: &[usize]) {
    assert!(world.run_until(MINUTE, |w| {
        w.state(device, parcel) == Some(TransferState::Failed)
            && w.devices[device].finished.get(&parcel) == Some(&1)
    }));
    world.run_for(SECOND);
    let store = &world.devices[device].stores[&parcel];
    let sources = &world.devices[0].sources[&parcel];
    let mut bytes = 0;
    for (index, (file, sent)) in files(world, device, parcel).iter().zip(sources).enumerate() {
        assert_eq!(file.left_out, missing.contains(&index), "{index}");
        assert_eq!(file.blake3.is_none(), file.left_out, "{index}");
        if !file.left_out {
            let place = file.offset as usize..file.offset as usize + sent.len();
            assert!(store[place] == sent[..], "{index}");
            bytes += file.size;
        }
    }
    let shown = view(world, device, parcel);
    assert_eq!(
        (shown.bytes, shown.left_out as usize),
        (bytes, missing.len())
    );
}

#[test]
fn the_other_files_arrive_and_the_bad_one_is_named() {
    let (mut world, parcel) = under_way(1_000_000, &[400_000; 5], 500_000);
    spoil(&mut world, parcel, 3);
    arrives_without(&mut world, 1, parcel, &[3]);
    assert_eq!(world.state(0, parcel), Some(TransferState::Failed));
    for device in 0..2 {
        let error = error(&world, device, parcel);
        assert!(error.contains("file 3.bin"), "{error}");
    }
    assert!(error(&world, 1, parcel).contains("changed"));
    assert!(files(&world, 0, parcel)[3].left_out);
    let receiver = &view(&world, 0, parcel).receivers[0];
    assert_eq!((receiver.without, receiver.reason.as_ref()), (1, None));
    assert!(
        world.devices[0].sent < 2_100_000,
        "{}",
        world.devices[0].sent
    );
    // There is nothing to go on with.
    assert!(world.devices[0].notes.is_empty());
}

#[test]
fn what_may_not_be_read_is_not_called_changed() {
    for count in [1, 2] {
        let mut world = room(2);
        world.devices[1].accepts = false;
        let parcel = world.offer(0, &vec![100_000; count]);
        let denied = &mut world.devices[0].unreadable_files;
        denied.insert((parcel, 0), ReadFailure::Unreadable);
        world.run_for(SECOND);
        world.act(1, |engine, now| engine.accept(parcel, now));
        for device in 0..2 {
            assert!(world.run_until(MINUTE, |w| {
                w.state(device, parcel) == Some(TransferState::Failed)
            }));
            let error = error(&world, device, parcel);
            assert!(error.contains("file 0.bin"), "{error}");
            assert!(
                !error.contains("changed") && !error.contains("removed"),
                "{error}"
            );
        }
        assert_eq!(world.devices[1].finished.len(), count - 1);
    }
}

#[test]
fn many_small_files_of_one_frame_lose_only_the_bad_ones() {
    let mut world = room(2);
    world.devices[1].accepts = false;
    let parcel = world.offer(0, &[10; 50]);
    for file in [0, 7, 8, 49] {
        spoil(&mut world, parcel, file);
    }
    world.run_for(SECOND);
    world.act(1, |engine, now| engine.accept(parcel, now));
    arrives_without(&mut world, 1, parcel, &[0, 7, 8, 49]);
    assert!(error(&world, 1, parcel).contains("3 other files"));
}

#[test]
fn who_comes_after_the_change_lacks_the_file_and_who_came_before_has_it() {
    let mut world = room(3);
    world.devices[2].accepts = false;
    let parcel = world.offer(0, &[100_000; 3]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    spoil(&mut world, parcel, 1);
    world.act(2, |engine, now| engine.accept(parcel, now));
    arrives_without(&mut world, 2, parcel, &[1]);
    assert!(world.delivered(0, 1, parcel));
    let states: Vec<_> = view(&world, 0, parcel)
        .receivers
        .iter()
        .map(|each| each.state)
        .collect();
    assert!(states.contains(&TransferState::Done) && states.contains(&TransferState::Failed));
}

#[test]
fn what_arrived_without_a_file_survives_a_restart_of_its_receiver() {
    let (mut world, parcel) = under_way(1_000_000, &[400_000; 3], 500_000);
    spoil(&mut world, parcel, 2);
    arrives_without(&mut world, 1, parcel, &[2]);
    world.devices[1].finished.clear();
    world.restart(1, false);
    arrives_without(&mut world, 1, parcel, &[2]);
}

#[test]
fn a_sender_that_is_restarted_remembers_what_it_cannot_read() {
    let (mut world, parcel) = under_way(1_000_000, &[400_000; 4], 500_000);
    spoil(&mut world, parcel, 2);
    assert!(world.run_until(MINUTE, |w| view(w, 0, parcel).left_out == 1));
    world.devices[0].unreadable_files.clear();
    world.restart(0, false);
    // It is another one now.
    world.devices[0].sources.get_mut(&parcel).unwrap()[2].push(1);
    world.choose_again(0);
    world.devices[0].sources.get_mut(&parcel).unwrap()[2].pop();
    arrives_without(&mut world, 1, parcel, &[2]);
}

#[test]
fn links_that_break_meanwhile_change_nothing() {
    let (mut world, parcel) = under_way(1_000_000, &[300_000; 6], 500_000);
    world.broker.faults.drop_qos0 = 10;
    spoil(&mut world, parcel, 2);
    spoil(&mut world, parcel, 4);
    for device in [1, 0, 1] {
        world.run_for(SECOND / 3);
        world.cut(device);
    }
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Failed)
    }));
    let missing: Vec<_> = files(&world, 1, parcel)
        .iter()
        .map(|file| file.left_out)
        .collect();
    let missing: Vec<_> = (0..6).filter(|file| missing[*file]).collect();
    assert!(missing.contains(&4));
    arrives_without(&mut world, 1, parcel, &missing);
}
