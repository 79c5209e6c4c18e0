//! What people do in a room, one behaviour a test, on a virtual clock.

mod sim;

use core::time::Duration;

use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{Engine, Join, ParcelId, SocketAction, StoreError, Time, VersionPolicy};
use sim::broker::Faults;
use sim::{MINUTE, SECOND, World, room, room_with, under_way};
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
            world.devices[0].engine.files(parcel),
            world.devices[1].engine.files(parcel),
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
        assert_eq!(sent, got, "both sides show the same files and hashes");
    }
}

#[test]
fn a_text_arrives_once_without_being_asked_for() {
    let mut world = room(3);
    world.devices[1].accepts = false;
    let parcel = world
        .act(0, |engine, now| engine.offer_text("héllo\nworld", now))
        .unwrap();
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
fn one_upload_serves_all_and_one_who_comes_later_as_well() {
    let mut world = room(4);
    let size = 3_000_000;
    let before = world.devices[0].sent;
    let parcel = world.offer(0, &[size]);
    assert!(world.run_until(MINUTE, |w| (1..4).all(|d| w.delivered(0, d, parcel))));
    assert!(world.run_until(MINUTE, |w| w.state(0, parcel) == Some(TransferState::Done)));
    let sent = world.devices[0].sent - before;
    assert!(sent < size * 11 / 10, "{sent} bytes for a file of {size}");
    let late = world.join();
    assert!(world.run_until(MINUTE, |w| w.delivered(0, late, parcel)));
    assert!(world.run_until(MINUTE, |w| w.state(0, parcel) == Some(TransferState::Done)));
}

#[test]
fn one_who_comes_in_the_middle_does_not_send_the_others_back() {
    let mut world = room(2);
    world.uplink = Some(2_000_000);
    let size = 4_000_000;
    let parcel = world.offer(0, &[size]);
    assert!(world.run_until(MINUTE, |w| {
        w.devices[1]
            .view(parcel, w.now)
            .is_some_and(|v| v.bytes > size / 2)
    }));
    let (half, sent_by_then) = (world.now, world.devices[0].sent);
    let late = world.join();
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    let took = world.now.since(half);
    assert!(
        took < Duration::from_millis(1600),
        "the first one was kept waiting: {took:?}"
    );
    assert!(world.run_until(MINUTE, |w| w.delivered(0, late, parcel)));
    let sent = world.devices[0].sent - sent_by_then;
    assert!(sent < size * 12 / 10, "{sent}");
}

#[test]
fn the_sender_may_come_first_or_last() {
    let mut world = World::new(2, Faults::default());
    let sender = world.join();
    assert!(
        world.run_until(MINUTE, |w| w.devices[sender].engine.status().state
            == ConnectionState::Online)
    );
    let parcel = world.offer(sender, &[50_000]);
    assert_eq!(world.state(sender, parcel), Some(TransferState::Waiting));
    let receiver = world.join();
    assert!(world.run_until(MINUTE, |w| w.delivered(sender, receiver, parcel)));
    let last = world.join();
    let other = world.offer(last, &[40_000]);
    assert!(
        world.run_until(MINUTE, |w| w.delivered(last, receiver, other)
            && w.delivered(last, sender, other))
    );
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
fn another_key_sees_nothing_and_neither_does_the_broker() {
    let mut world = room(2);
    world.broker.record = true;
    let other = Join {
        secret: RoomSecret::derive("green whale").unwrap(),
        ..sim::join()
    };
    let outsider = world.join_as(other);
    let parcel = world.offer(0, &[200_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(
        world.devices[outsider].engine.peers().is_empty()
            && world.devices[outsider].parcels.is_empty()
    );
    let content = world.devices[0].sources[&parcel][0][50_000..50_016].to_vec();
    for (topic, payload) in &world.broker.seen {
        assert!(
            topic
                .bytes()
                .all(|b| b"abcdefghijklmnopqrstuvwxyz0123456789-/".contains(&b)),
            "{topic}"
        );
        for secret in [&b"file 0"[..], b"whale", b"device", &content] {
            assert!(!payload.windows(secret.len()).any(|part| part == secret));
        }
    }
    assert!(world.broker.seen.len() > 10);
}

#[test]
fn a_broker_that_names_its_limit_is_kept_to() {
    let faults = Faults {
        max_packet: Some(20_000),
        announce: true,
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let parcel = world.offer(0, &[600_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    let limit = world.devices[0].engine.status().limit.unwrap();
    assert!(limit.contains("20,000"), "{limit}");
}

#[test]
fn a_silent_limit_is_found_out_and_said() {
    let faults = Faults {
        max_packet: Some(20_000),
        only_v311: true,
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let parcel = world.offer(0, &[3_000_000]);
    assert!(world.run_until(5 * MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(world.devices[0].learnt, Some(16_384));
    let limit = world.devices[0].engine.status().limit.unwrap();
    assert!(limit.contains("16,384"), "{limit}");
}

#[test]
fn a_broker_too_small_for_any_frame_is_named_as_such() {
    for announce in [true, false] {
        let faults = Faults {
            max_packet: Some(9000),
            announce,
            ..Faults::default()
        };
        let mut world = room_with(2, faults);
        world.offer(0, &[100_000]);
        assert!(world.run_until(5 * MINUTE, |w| {
            let status = w.devices[0].engine.status();
            status.state == ConnectionState::Error && status.text.contains("17,000")
        }));
    }
}

#[test]
fn the_older_version_is_found_without_help_and_remembered() {
    let faults = Faults {
        only_v311: true,
        ..Faults::default()
    };
    let world = room_with(2, faults);
    assert_eq!(
        world.devices[0].engine.status().protocol.as_deref(),
        Some("MQTT 3.1.1")
    );
}

#[test]
fn an_unreachable_broker_is_named_and_found_by_itself_when_it_comes() {
    let mut world = World::new(3, Faults::default());
    world.down = true;
    let device = world.join();
    assert!(
        world.run_until(MINUTE, |w| w.devices[device].engine.status().state
            == ConnectionState::Error)
    );
    assert!(
        world.devices[device]
            .engine
            .status()
            .text
            .contains("ws://broker")
    );
    world.run_for(10 * MINUTE);
    world.down = false;
    assert!(
        world.run_until(MINUTE, |w| w.devices[device].engine.status().state
            == ConnectionState::Online)
    );
}

#[test]
fn a_host_that_does_not_answer_is_given_up_and_tried_again() {
    let mut engine = Engine::new([1; 32]);
    let mut now = Time::from_micros(0);
    let actions = |engine: &mut Engine| -> Vec<SocketAction> {
        core::iter::from_fn(|| engine.poll_socket()).collect()
    };
    let open = vec![SocketAction::Open {
        url: "ws://broker".into(),
    }];
    engine.join(sim::join(), now).unwrap();
    assert_eq!(actions(&mut engine), open);
    for _ in 0..3 {
        // Nothing is heard of the connection.
        let (deadline, _) = engine.poll_timeout(now).unwrap();
        assert!(deadline.since(now) <= 20 * SECOND);
        now = deadline;
        engine.handle_timeout(now);
        assert_eq!(actions(&mut engine), [SocketAction::Close { last: vec![] }]);
        assert_eq!(engine.status().state, ConnectionState::Error);
        (now, _) = engine.poll_timeout(now).unwrap();
        engine.handle_timeout(now);
        assert_eq!(actions(&mut engine), open);
    }
    // And when it answers, the handshake begins.
    engine.handle_open(now);
    assert!(engine.poll_transmit(now).is_some());
}

#[test]
fn a_version_the_user_insists_on_is_kept_to() {
    let faults = Faults {
        only_v311: true,
        ..Faults::default()
    };
    let mut world = World::new(4, faults);
    let only = VersionPolicy::Only(mqdrop_core::Version::V5);
    let device = world.join_as(Join {
        version: only,
        ..sim::join()
    });
    world.run_for(MINUTE);
    assert_eq!(
        world.devices[device].engine.status().state,
        ConnectionState::Error
    );
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
        // What was under way is lost with the connection.
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
fn leaving_and_vanishing_are_noticed() {
    let mut world = room(3);
    world.act(0, |engine, now| engine.leave(now));
    assert!(world.run_until(SECOND * 5, |w| {
        (1..3).all(|d| w.devices[d].engine.peers().len() == 1)
    }));
    assert_eq!(
        world.devices[0].engine.status().state,
        ConnectionState::Offline
    );
    // The broker publishes the will.
    world.down = true;
    world.cut(1);
    assert!(world.run_until(MINUTE, |w| w.devices[2].engine.peers().is_empty()));
}

#[test]
fn no_space_is_a_refusal_with_numbers() {
    let mut world = room(2);
    world.devices[1].space = 1000;
    let parcel = world.offer(0, &[50_000]);
    assert!(world.run_until(MINUTE, |w| w.state(0, parcel)
        == Some(TransferState::Declined)));
    let sender = world.devices[0].view(parcel, world.now).unwrap();
    assert!(
        sender.receivers[0]
            .reason
            .as_ref()
            .is_some_and(|reason| reason.contains("space") && reason.contains("1.0 kB are free"))
    );
    let receiver = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(receiver.state, TransferState::Failed);
    let error = receiver.error.unwrap_or_default();
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
    let failure = StoreError::Other("the disk was pulled out".into());
    let (mut world, parcel) = stopped_by(failure, "the disk was pulled out");
    world.devices[1].broken = None;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(
        world.devices[1].view(parcel, world.now).unwrap().error,
        None
    );
}

/// A transfer whose receiver stopped in the middle, as its storage took nothing more.
fn stopped_by(error: StoreError, words: &str) -> (World, ParcelId) {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.devices[1].broken = Some(error);
    assert!(world.run_until(MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Paused)
    }));
    let view = world.devices[1].view(parcel, world.now);
    let error = view.and_then(|view| view.error);
    assert!(error.is_some_and(|error| error.contains(words)));
    (world, parcel)
}

#[test]
fn a_receiver_that_leaves_in_the_middle_goes_on_when_it_is_back() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    // Writes are on their way to storage.
    world.act(1, |engine, now| engine.leave(now));
    world.run_for(MINUTE);
    assert_eq!(world.devices[1].engine.kept().parcels, 1);
    assert_eq!(world.state(0, parcel), Some(TransferState::Waiting));
    world.act(1, |engine, now| engine.join(sim::join(), now).unwrap());
    world.run_for(SECOND);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(view.state, TransferState::Paused);
    assert!(view.bytes > 1_000_000);
    assert!(view.error.unwrap().contains("the room was left"));
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
    world.act(1, |engine, now| engine.leave(now));
    world.cut_off.insert(1);
    world.act(1, |engine, now| engine.join(sim::join(), now).unwrap());
    world.run_for(SECOND);
    world.restart(1, false);
    world.run_for(SECOND);
    world.act(1, |engine, now| engine.leave(now));
    world.cut_off.clear();
    world.act(1, |engine, now| engine.join(sim::join(), now).unwrap());
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
        world.act(1, |engine, now| engine.leave(now));
        world.act(1, |engine, now| engine.join(sim::join(), now).unwrap());
    }
    world.run_for(5 * SECOND);
    assert!(world.bytes(1, parcel) >= before);
}

#[test]
fn what_was_verified_but_not_stored_needs_no_sender() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 2_000_000);
    let stored = world.bytes(1, parcel);
    world.run_until(MINUTE, |w| w.bytes(1, parcel) > 2_900_000);
    let no_space = StoreError::NoSpace { available: None };
    world.devices[1].broken = Some(no_space);
    world.run_for(10 * SECOND);
    assert!(world.bytes(1, parcel) > stored);
    world.act(1, |engine, now| engine.resume(parcel, now));
    world.run_for(10 * SECOND);
    let whole = world.bytes(1, parcel) == 3_000_000;
    world.act(1, |engine, now| engine.leave(now));
    world.act(0, |engine, now| engine.leave(now));
    world.devices[1].broken = None;
    world.act(1, |engine, now| engine.join(sim::join(), now).unwrap());
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
    world.act(0, |engine, now| engine.leave(now));
    world.run_for(5 * SECOND);
    assert_eq!(world.state(1, parcel), Some(TransferState::Cancelled));
    assert_eq!(world.devices[0].engine.kept().parcels, 0);
    assert!(world.devices[0].notes.is_empty());
}

#[test]
fn a_receiver_that_leaves_with_a_full_disk_goes_on_when_it_is_back() {
    let no_space = StoreError::NoSpace { available: None };
    let (mut world, parcel) = stopped_by(no_space, "no space");
    world.run_for(5 * SECOND);
    let sent = world.devices[0].sent;
    world.act(1, |engine, now| engine.leave(now));
    world.run_for(MINUTE);
    world.act(1, |engine, now| engine.join(sim::join(), now).unwrap());
    world.run_for(SECOND);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(view.state, TransferState::Paused);
    assert!(view.error.unwrap().contains("no space"));
    world.devices[1].broken = None;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.devices[0].sent - sent < 2_100_000);
}

#[test]
fn when_the_sender_leaves_what_arrived_is_kept() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.act(0, |engine, now| engine.leave(now));
    world.run_for(MINUTE);
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(view.state, TransferState::Waiting);
    assert!(view.bytes >= 1_000_000);
    assert!(view.error.unwrap().contains("The sender is away"));
    assert_eq!(world.devices[0].engine.kept().parcels, 1);
    // Its user is back, and chooses the files again.
    world.act(0, |engine, now| engine.join(sim::join(), now).unwrap());
    world.run_for(5 * SECOND);
    let sent = world.devices[0].sent;
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.devices[0].sent - sent < 2_300_000);
}

#[test]
fn a_receiver_can_give_up_a_sender_that_left() {
    let (mut world, parcel) = under_way(2_000_000, &[3_000_000], 1_000_000);
    world.act(0, |engine, now| engine.leave(now));
    world.run_for(MINUTE);
    world.act(1, |engine, now| engine.cancel(parcel, now));
    assert!(!world.devices[1].stores.contains_key(&parcel));
    assert_eq!(world.state(1, parcel), Some(TransferState::Cancelled));
}

#[test]
fn a_file_that_changes_while_it_is_sent_ends_the_transfer_by_name() {
    let (mut world, parcel) = under_way(1_000_000, &[2_000_000], 1_000_000);
    world.devices[0].unreadable.insert(parcel);
    for device in 0..2 {
        assert!(world.run_until(MINUTE, |w| w.state(device, parcel)
            == Some(TransferState::Failed)));
        let error = world.devices[device]
            .view(parcel, world.now)
            .unwrap()
            .error
            .unwrap();
        assert!(error.contains("file 0.bin"), "{error}");
    }
}

#[test]
fn bytes_that_do_not_match_the_hashes_are_fetched_again_and_never_delivered() {
    let mut world = room(2);
    world.uplink = Some(1_000_000);
    // What is read a second time differs from what was hashed at the first, and nobody notices.
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
            .errors
            .iter()
            .any(|error| error.contains("file 0.bin"))
    );
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

/// Takes a device off the network, lets its user do something, and lets it come back.
fn while_away(
    world: &mut World,
    device: usize,
    act: impl FnOnce(&mut mqdrop_core::Engine, mqdrop_core::Time),
) {
    world.down = true;
    world.cut(device);
    world.run_for(5 * SECOND);
    world.act(device, act);
    world.run_for(20 * SECOND);
    world.down = false;
}

#[test]
fn what_a_user_does_while_away_is_told_on_coming_back() {
    for v311 in [false, true] {
        let faults = Faults {
            only_v311: v311,
            ..Faults::default()
        };
        // A receiver declines an offer it had seen.
        let mut world = room_with(2, faults.clone());
        world.devices[1].accepts = false;
        let parcel = world.offer(0, &[50_000]);
        assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
            == Some(TransferState::Offered)));
        while_away(&mut world, 1, |engine, now| engine.decline(parcel, now));
        assert!(world.run_until(2 * MINUTE, |w| w.state(0, parcel)
            == Some(TransferState::Declined)));

        // A receiver cancels, the sender cancels, the sender pauses and goes on.
        for (device, state) in [
            (1, TransferState::Cancelled),
            (0, TransferState::Cancelled),
            (0, TransferState::Paused),
        ] {
            let mut world = room_with(2, faults.clone());
            world.uplink = Some(1_000_000);
            let parcel = world.offer(0, &[3_000_000]);
            assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > 1_000_000));
            while_away(&mut world, device, |engine, now| match state {
                TransferState::Paused => engine.pause(parcel, now),
                _ => engine.cancel(parcel, now),
            });
            let both = |w: &World| (0..2).all(|d| w.state(d, parcel) == Some(state));
            assert!(
                world.run_until(2 * MINUTE, both),
                "{device} {state:?} {v311}"
            );
            if state == TransferState::Paused {
                while_away(&mut world, 1, |_, _| ());
                while_away(&mut world, 0, |engine, now| engine.resume(parcel, now));
                assert!(
                    world.run_until(2 * MINUTE, |w| w.delivered(0, 1, parcel)),
                    "{v311}"
                );
            }
        }
    }
}

#[test]
fn a_hundred_texts_wait_for_one_who_comes_late() {
    let mut world = room(1);
    let texts: Vec<_> = (0..100)
        .map(|n| {
            world
                .act(0, |engine, now| {
                    engine.offer_text(&format!("text {n}"), now)
                })
                .unwrap()
        })
        .collect();
    let late = world.join();
    assert!(world.run_until(MINUTE, |w| w.devices[late].texts.len() == texts.len()));
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
            .is_some_and(|reason| reason.contains("too many"))
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

#[test]
fn one_who_left_for_good_does_not_keep_a_delivered_parcel_waiting() {
    let mut world = room(3);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[2_000_000]);
    assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > 500_000));
    world.act(1, |engine, now| engine.leave(now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 2, parcel)));
    assert!(world.run_until(5 * MINUTE, |w| w.state(0, parcel)
        == Some(TransferState::Done)));
}

#[test]
fn muting_takes_nothing_away_that_is_whole() {
    let mut world = room(2);
    let parcel = world.offer(0, &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.devices[1].finished.contains_key(&parcel)));
    // Storage has yet to answer.
    assert!(!world.delivered(0, 1, parcel));
    let sender = world.devices[1].engine.peers()[0].device.parse().unwrap();
    world.act(1, |engine, now| engine.mute(sender, true, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn who_is_muted_is_not_heard_and_gets_nothing_until_it_is_heard_again() {
    let mut world = room(3);
    world.uplink = Some(1_000_000);
    world.devices[0].accepts = false;
    let muted: mqdrop_core::DeviceId = {
        let before: Vec<_> = world.devices[2].engine.peers();
        // The device that only the third one does not list is itself.
        let all = world.devices[0].engine.peers();
        let own = all
            .iter()
            .find(|peer| before.iter().all(|other| other.device != peer.device))
            .unwrap();
        own.device.parse().unwrap()
    };
    let pending = world.offer(2, &[1000]);
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, pending) == Some(TransferState::Offered)
    }));
    world.act(0, |engine, now| engine.mute(muted, true, now));
    assert_eq!(world.state(0, pending), Some(TransferState::Declined));
    world.devices[0].accepts = true;
    let unheard = world.offer(2, &[1000]);
    let withheld = world.offer(0, &[1000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, withheld)));
    world.run_for(MINUTE);
    assert_eq!(world.state(0, unheard), None);
    assert!(!world.delivered(0, 2, withheld));
    let peers = world.devices[0].engine.peers();
    let shown: Vec<_> = peers.iter().filter(|peer| peer.muted).collect();
    assert_eq!(shown.len(), 1, "{peers:?}");
    world.act(0, |engine, now| engine.mute(muted, false, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(2, 0, unheard)));
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 2, withheld)));
}
