//! Sending in a room, one behaviour a test, on a virtual clock.

use crate::said;
use mqdrop_core::Notice;
use mqdrop_core::view::{EndReason, FileView, TransferState};
use mqdrop_sim::{MINUTE, SECOND, World, room, under_way};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn files_of_every_awkward_size_arrive() {
    let mut world = room(2);
    for sizes in [
        vec![0],
        vec![1],
        vec![16_383],
        vec![16_384],
        vec![16_385],
        vec![0, 0, 5, 0, 100_000, 0],
        vec![10; 500],
    ] {
        let parcel = world.offer(0, &sizes);
        assert!(
            world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)),
            "{sizes:?}"
        );
        assert!(
            world.run_until(MINUTE, |w| w.state(0, parcel) == Some(TransferState::Done)),
            "{sizes:?}"
        );
        let (sent, got) = (
            world.devices[0].engine().files(parcel),
            world.devices[1].engine().files(parcel),
        );
        let file = world.devices[0].sources[&parcel]
            .last()
            .map(|file| blake3::hash(file).to_hex().to_string());
        assert_eq!(
            sent.as_ref()
                .and_then(|files| files.last().cloned())
                .and_then(|f| f.blake3),
            file
        );
        // Receivers alone compute it.
        let without_sum = |file| FileView {
            crc32: None,
            ..file
        };
        let got = got.map(|files| files.into_iter().map(without_sum).collect());
        assert_eq!(sent, got, "both sides show the same files and hashes");
    }
}

#[test]
fn a_text_arrives_once_without_being_asked_for() {
    let mut world = room(3);
    world.devices[1].accepts = false;
    let parcel = world.offer_text(0, "héllo\nworld");
    assert!(
        world.run_until(MINUTE, |w| w.state(0, parcel) == Some(TransferState::Done)
            && (1..3).all(|d| w.state(d, parcel) == Some(TransferState::Done)))
    );
    world.run_for(MINUTE);
    for device in &world.devices {
        assert_eq!(device.texts, [(parcel, "héllo\nworld".to_string())]);
    }
}

#[test]
fn an_offer_may_be_declined() {
    let mut world = room(2);
    world.devices[1].accepts = false;
    let parcel = world.offer(0, &[50_000]);
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Offered)));
    world.act(1, |engine, now| engine.decline(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.state(0, parcel)
        == Some(TransferState::Declined)));
    world.run_for(MINUTE);
    assert_eq!(
        world.state(1, parcel),
        Some(TransferState::Declined),
        "it is not offered again"
    );
}

#[test]
fn either_side_may_cancel_in_the_middle() {
    for canceller in [0, 1] {
        let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
        world.act(canceller, |engine, now| engine.cancel(parcel, now));
        assert!(world.run_until(MINUTE, |w| {
            (0..2).all(|d| w.state(d, parcel) == Some(TransferState::Cancelled))
        }));
        let sent = world.devices[0].sent;
        world.run_for(MINUTE);
        assert!(
            world.devices[0].sent - sent < 700_000,
            "nothing but what was buffered is still sent"
        );
        assert!(
            world.devices[1].stores.is_empty(),
            "what was received is freed"
        );
    }
}

#[test]
fn either_side_may_pause_and_go_on() {
    for side in [0, 1] {
        let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
        world.act(side, |engine, now| engine.pause(parcel, now));
        assert!(world.run_until(MINUTE, |w| {
            (0..2).all(|d| w.state(d, parcel) == Some(TransferState::Paused))
        }));
        world.run_for(3 * SECOND);
        let bytes = world.devices[1].view(parcel, world.now).unwrap().bytes;
        world.run_for(2 * MINUTE);
        assert_eq!(
            world.devices[1].view(parcel, world.now).unwrap().bytes,
            bytes
        );
        world.act(side, |engine, now| engine.resume(parcel, now));
        assert!(
            world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)),
            "side {side}"
        );
    }
}

#[test]
fn parcels_go_both_ways_at_the_same_time() {
    let mut world = room(2);
    let parcels = [
        world.offer(0, &[900_000]),
        world.offer(0, &[70_000, 3]),
        world.offer(1, &[800_000]),
    ];
    assert!(world.run_until(MINUTE, |w| {
        w.delivered(0, 1, parcels[0])
            && w.delivered(0, 1, parcels[1])
            && w.delivered(1, 0, parcels[2])
    }));
}

#[test]
fn a_transfer_goes_on_after_a_cut_on_either_side_and_sends_little_twice() {
    for side in [0, 1] {
        let mut world = room(2);
        world.uplink = Some(2_000_000);
        let size = 4_000_000;
        let before = world.devices[0].sent;
        let parcel = world.offer(0, &[size]);
        assert!(world.run_until(MINUTE, |w| {
            w.devices[1]
                .view(parcel, w.now)
                .is_some_and(|v| v.bytes > size / 2)
        }));
        world.cut(side);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        let extra = world.devices[0].sent - before - size;
        assert!(
            extra < 1_200_000,
            "{extra} bytes more than the file, side {side}"
        );
    }
}

#[test]
fn a_laptop_that_slept_goes_on_where_it_was() {
    for (sleeper, duration) in [
        (0, 3 * SECOND),
        (1, 3 * SECOND),
        (0, 10 * MINUTE),
        (1, 10 * MINUTE),
    ] {
        let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
        let before = world.bytes(1, parcel);
        world.sleep(sleeper, duration);
        let sent = world.devices[0].sent;
        assert!(
            world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)),
            "{sleeper} slept for {duration:?}"
        );
        let (rest, again) = (3_000_000 - before, world.devices[0].sent - sent);
        // Packets under way are lost with the connection.
        assert!(again < rest + 600_000, "{again} for {rest}");
    }
}

#[test]
fn hidden_tabs_whose_timers_hardly_ring_get_through() {
    for tick in [SECOND, MINUTE] {
        for device in [0, 1] {
            let mut world = room(2);
            world.throttled.insert(device, tick);
            let parcel = world.offer(0, &[2_000_000]);
            assert!(world.run_until(3 * MINUTE, |w| w.delivered(0, 1, parcel)));
            world.cut(device);
            let parcel = world.offer(0, &[100_000]);
            assert!(world.run_until(5 * MINUTE, |w| w.delivered(0, 1, parcel)));
            assert!(world.run_until(5 * MINUTE, |w| {
                w.state(0, parcel) == Some(TransferState::Done)
            }));
        }
    }
}

#[test]
fn a_file_that_changes_while_it_is_sent_ends_the_transfer_by_name() {
    let (mut world, parcel) = under_way(1_000_000, &[2_000_000], 1_000_000);
    world.devices[0].unreadable.insert(parcel);
    for device in 0..2 {
        assert!(world.run_until(MINUTE, |w| w.state(device, parcel)
            == Some(TransferState::Failed)));
        let error = said(&world.devices[device].view(parcel, world.now).unwrap());
        assert!(error.contains("file 0.bin"), "{error}");
    }
}

#[test]
fn bytes_that_do_not_match_the_hashes_are_fetched_again_and_never_delivered() {
    let mut world = room(2);
    world.uplink = Some(1_000_000);
    // The second reading differs from the first, which was hashed, and nobody notices.
    world.broker.faults.drop_qos0 = 3;
    let parcel = world.offer(0, &[2_000_000]);
    assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > 1_000_000));
    world.devices[0].sources.get_mut(&parcel).unwrap()[0]
        .iter_mut()
        .for_each(|byte| *byte ^= 0x55);
    world.broker.faults.drop_qos0 = 0;
    for device in 0..2 {
        assert!(world.run_until(5 * MINUTE, |w| w.state(device, parcel)
            == Some(TransferState::Failed)));
    }
    assert!(world.devices[1].finished.is_empty());
    assert!(
        world.devices[1]
            .notices
            .contains(&Notice::FetchedAgain("file 0.bin".into()))
    );
    // It could have been somebody else's doing.
    assert!(world.broker.signed > 0);
}

#[test]
fn a_cancelled_upload_does_not_hold_up_the_others() {
    let mut world = room(2);
    world.uplink = Some(300_000);
    // Frames are read ahead of a socket that takes them slowly.
    let cancelled = world.offer(0, &[8_000_000]);
    assert!(world.run_until(MINUTE, |w| {
        w.devices[1]
            .view(cancelled, w.now)
            .is_some_and(|v| v.bytes > 500_000)
    }));
    world.act(0, |engine, now| engine.cancel(cancelled, now));
    let parcel = world.offer(0, &[600_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn more_offers_than_anyone_can_answer_are_refused_with_a_reason() {
    let mut world = room(2);
    world.devices[1].accepts = false;
    let parcels: Vec<_> = (0..101).map(|_| world.offer(0, &[10])).collect();
    let declined = |w: &World| {
        parcels
            .iter()
            .filter(|p| w.state(0, **p) == Some(TransferState::Declined))
            .count()
    };
    assert!(world.run_until(MINUTE, |w| declined(w) == 1));
    let refused = parcels
        .iter()
        .find(|p| world.state(0, **p) == Some(TransferState::Declined))
        .unwrap();
    let view = world.devices[0].view(*refused, world.now).unwrap();
    assert!(
        view.receivers[0]
            .reason
            .as_ref()
            .is_some_and(|reason| *reason == EndReason::TooMany)
    );
}

#[test]
fn a_pause_right_after_accepting_holds() {
    let mut world = room(2);
    world.devices[1].accepts = false;
    let parcel = world.offer(0, &[3_000_000]);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Offered)
    }));
    world.act(1, |engine, now| {
        engine.accept(parcel, now);
        engine.pause(parcel, now);
    });
    world.run_for(MINUTE);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!((view.bytes, view.state), (0, TransferState::Paused));
    assert_eq!(world.state(0, parcel), Some(TransferState::Paused));
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn who_pauses_is_spared_what_others_get() {
    let mut world = room(3);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[4_000_000]);
    let bytes = |w: &World| w.devices[1].view(parcel, w.now).map_or(0, |v| v.bytes);
    assert!(world.run_until(MINUTE, |w| bytes(w) > 1_000_000));
    world.act(1, |engine, now| engine.pause(parcel, now));
    let paused_at = bytes(&world);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 2, parcel)));
    assert_eq!(
        (bytes(&world), world.state(1, parcel)),
        (paused_at, Some(TransferState::Paused))
    );
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}
