//! What brokers do: limits they name or keep to themselves, versions they know, hosts that do not
//! answer.

mod sim;

use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{Engine, Join, SocketAction, Time, VersionPolicy};
use sim::broker::Faults;
use sim::{MINUTE, SECOND, World, room_with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
    let parcel = world.offer(0, &[6_000_000]);
    assert!(world.run_until(5 * MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(world.devices[0].learnt, Some(16_384));
    let limit = world.devices[0].engine.status().limit.unwrap();
    assert!(limit.contains("16,384"), "{limit}");
}

#[test]
fn a_broker_too_small_for_any_frame_is_named_as_such() {
    for announce in [true, false] {
        let faults = Faults {
            max_packet: Some(2000),
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
fn a_broker_that_was_too_small_and_is_not_any_more_is_no_error() {
    let faults = Faults {
        max_packet: Some(2000),
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let parcel = world.offer(0, &[100_000]);
    let state = |w: &World| w.devices[0].engine.status().state;
    assert!(world.run_until(5 * MINUTE, |w| {
        state(w) == ConnectionState::Error && w.devices[0].connection.is_some()
    }));
    world.broker.faults.max_packet = None;
    assert!(world.run_until(5 * MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(state(&world), ConnectionState::Online);
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
fn what_waits_for_the_connection_says_so_on_either_side() {
    for cut_off in [0, 1] {
        let (mut world, parcel) = sim::under_way(1_000_000, &[5_000_000], 1_000_000);
        let view = |world: &World| {
            let now = world.now;
            world.devices[cut_off].engine.transfer(parcel, now).unwrap()
        };
        assert!(view(&world).rate > 0.0);
        world.cut_off.insert(cut_off);
        world.cut(cut_off);
        let says_so = |world: &World| {
            let error = view(world).error;
            error.is_some_and(|error| error.starts_with("It goes on once the connection is back"))
        };
        assert!(world.run_until(MINUTE, says_so));
        let seen = view(&world);
        assert_eq!((seen.rate, seen.eta), (0.0, None));
        world.cut_off.remove(&cut_off);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        assert_eq!(view(&world).error, None);
    }
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
fn a_limit_that_becomes_lower_is_found_and_said() {
    let (mut world, parcel) = sim::under_way(20_000_000, &[100_000_000], 20_000_000);
    assert!(world.broker.longest > 200_000);
    world.broker.faults.max_packet = Some(200_000);
    world.restart_broker();
    assert!(world.run_until(2 * MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Done)
    }));
    assert!(world.delivered(0, 1, parcel));
    let limit = world.devices[0].engine.status().limit;
    assert!(limit.is_some(), "the limit is said");
}
