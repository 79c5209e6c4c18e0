//! Limits of brokers, which they name or keep to themselves.

use crate::{said, said_of};
use mqdrop_core::view::BrokerLimit;
use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{Engine, Time};
use mqdrop_sim::faults::Faults;
use mqdrop_sim::{MINUTE, SECOND, World, room_with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::brokers::status;

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
    let limit = world.devices[0].status().limit;
    assert_eq!(limit, Some(BrokerLimit::PacketsOf(20_000)));
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
    let limit = world.devices[0].status().limit;
    assert_eq!(limit, Some(BrokerLimit::HungUpAbove(16_384)));
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
            let status = w.devices[0].status();
            status.state == ConnectionState::Error && said_of(&status).contains("17,000")
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
    let state = |w: &World| w.devices[0].status().state;
    assert!(world.run_until(5 * MINUTE, |w| {
        state(w) == ConnectionState::Error && w.devices[0].connection.is_some()
    }));
    world.broker.faults.max_packet = None;
    assert!(world.run_until(5 * MINUTE, |w| w.delivered(0, 1, parcel)));
    assert_eq!(state(&world), ConnectionState::Online);
}

#[test]
fn a_broker_that_compresses_is_told_of() {
    let mut engine = Engine::new([1; 32]);
    let now = Time::from_micros(0);
    let room = engine.join(mqdrop_sim::join(), now).unwrap();
    while engine.poll_socket().is_some() {}
    engine.handle_open(true, 0, now);
    let limit = engine.status(room).limit;
    assert_eq!(limit, Some(BrokerLimit::Compresses));
}

#[test]
fn a_limit_that_becomes_lower_is_found_and_said() {
    let (mut world, parcel) = mqdrop_sim::under_way(20_000_000, &[100_000_000], 20_000_000);
    assert!(world.broker.longest > 200_000);
    world.broker.faults.max_packet = Some(200_000);
    world.restart_broker();
    assert!(world.run_until(2 * MINUTE, |w| {
        w.state(1, parcel) == Some(TransferState::Done)
    }));
    assert!(world.delivered(0, 1, parcel));
    let limit = world.devices[0].status().limit;
    assert!(limit.is_some(), "the limit is said");
}

#[test]
fn odd_limits_in_connack_are_none() {
    for properties in [vec![0x24, 2], vec![0x27, 0, 0, 0, 0], vec![0x21, 0, 0]] {
        let faults = Faults {
            properties,
            ..Faults::default()
        };
        let mut world = room_with(2, faults);
        assert_eq!(status(&world, 0).protocol.as_deref(), Some("MQTT 5"));
        let parcel = world.offer(0, &[100_000]);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    }
}

#[test]
fn parcels_beyond_the_subscriptions_a_broker_gives_wait_for_their_turn() {
    for only_v311 in [false, true] {
        let faults = Faults {
            only_v311,
            max_subscriptions: Some(5),
            ..Faults::default()
        };
        let mut world = room_with(2, faults);
        world.uplink = Some(1_000_000);
        let parcels: Vec<_> = (0..9).map(|_| world.offer(0, &[400_000])).collect();
        let waiting = |world: &World| {
            let views = parcels
                .iter()
                .map(|&parcel| world.devices[1].view(parcel, world.now));
            views
                .flatten()
                .filter(|view| view.state == TransferState::Waiting)
                .map(|view| said(&view))
                .filter(|words| words.contains("subscription"))
                .count()
        };
        assert!(world.run_until(10 * SECOND, |w| waiting(w) == 6));
        assert!(world.run_until(2 * MINUTE, |w| {
            parcels.iter().all(|&parcel| w.delivered(0, 1, parcel))
        }));
        assert_eq!(world.devices[1].notices, []);
    }
}

#[test]
fn a_subscription_that_comes_free_elsewhere_is_found_too() {
    let faults = Faults {
        max_subscriptions: Some(2),
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let parcel = world.offer(0, &[100_000]);
    world.run_for(5 * MINUTE);
    assert_eq!(world.state(1, parcel), Some(TransferState::Waiting));
    world.broker.faults.max_subscriptions = None;
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 1, parcel)));
}
