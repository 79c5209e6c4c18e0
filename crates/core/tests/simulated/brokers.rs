//! Kinds of brokers: versions they know, hosts that do not answer, links that fall silent.

use crate::said_of;
use mqdrop_core::view::{Cause, RoomTrouble};
use mqdrop_core::view::{ConnectionState, StatusView, TransferState};
use mqdrop_core::{Engine, Join, SocketAction, Time, VersionPolicy};
use mqdrop_sim::faults::Faults;
use mqdrop_sim::{MINUTE, SECOND, World, room, room_with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub(crate) fn status(world: &World, device: usize) -> StatusView {
    world.devices[device].status()
}

/// A device that joins a broker like this, and how it stands after so many seconds.
pub(crate) fn after(seconds: u32, faults: Faults) -> (World, StatusView) {
    let mut world = World::new(5, faults);
    world.join();
    world.run_for(seconds * SECOND);
    let status = status(&world, 0);
    (world, status)
}

#[test]
fn the_older_version_is_found_without_help_and_remembered() {
    let faults = Faults {
        only_v311: true,
        ..Faults::default()
    };
    let world = room_with(2, faults);
    assert_eq!(
        world.devices[0].status().protocol.as_deref(),
        Some("MQTT 3.1.1")
    );
}

#[test]
fn an_unreachable_broker_is_named_and_found_by_itself_when_it_comes() {
    let mut world = World::new(3, Faults::default());
    world.down = true;
    let device = world.join();
    assert!(world.run_until(MINUTE, |w| w.devices[device].status().state
        == ConnectionState::Error));
    assert!(world.devices[device].status().trouble == Some(RoomTrouble::Unreachable));
    world.run_for(10 * MINUTE);
    world.down = false;
    assert!(world.run_until(MINUTE, |w| w.devices[device].status().state
        == ConnectionState::Online));
}

#[test]
fn what_waits_for_the_connection_says_so_on_either_side() {
    for cut_off in [0, 1] {
        let (mut world, parcel) = mqdrop_sim::under_way(1_000_000, &[5_000_000], 1_000_000);
        let view = |world: &World| {
            let now = world.now;
            world.devices[cut_off]
                .engine()
                .transfer(parcel, now)
                .unwrap()
        };
        assert!(view(&world).rate > 0.0);
        world.cut_off.insert(cut_off);
        world.cut(cut_off);
        let says_so = |world: &World| view(world).cause == Some(Cause::NoConnection);
        assert!(world.run_until(MINUTE, says_so));
        let seen = view(&world);
        assert_eq!((seen.rate, seen.eta), (0.0, None));
        world.cut_off.remove(&cut_off);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        assert_eq!(view(&world).cause, None);
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
    let room = engine.join(mqdrop_sim::join(), now).unwrap();
    assert_eq!(actions(&mut engine), open);
    for _ in 0..3 {
        // Nothing is heard of the connection.
        let (deadline, _) = engine.poll_timeout(now).unwrap();
        assert!(deadline.since(now) <= 20 * SECOND);
        now = deadline;
        engine.handle_timeout(now);
        assert_eq!(actions(&mut engine), [SocketAction::Close { last: vec![] }]);
        assert_eq!(engine.status(room).state, ConnectionState::Error);
        (now, _) = engine.poll_timeout(now).unwrap();
        engine.handle_timeout(now);
        assert_eq!(actions(&mut engine), open);
    }
    // And when it answers, the handshake begins.
    engine.handle_open(false, 0, now);
    assert!(engine.poll_transmit(now).is_some());
    assert_eq!(engine.status(room).limit, None);
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
        ..mqdrop_sim::join()
    });
    world.run_for(MINUTE);
    assert_eq!(world.devices[device].status().state, ConnectionState::Error);
}

#[test]
fn a_connack_of_mqtt_5_that_cannot_be_read_leads_to_3_1_1() {
    let faults = Faults {
        properties: vec![0x7e, 1, 2, 3],
        ..Faults::default()
    };
    let (_, status) = after(2, faults);
    assert_eq!(status.state, ConnectionState::Online, "{status:?}");
    assert_eq!(status.protocol.as_deref(), Some("MQTT 3.1.1"));
}

#[test]
fn a_broker_without_quality_of_service_1_is_used_without() {
    let faults = Faults {
        max_qos_0: true,
        properties: vec![0x24, 0],
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let parcel = world.offer(0, &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn a_broker_that_is_only_busy_is_tried_until_it_is_not() {
    let faults = Faults {
        refuses: 0x88,
        ..Faults::default()
    };
    let (mut world, busy) = after(60, faults);
    assert_eq!((busy.state, busy.remedy), (ConnectionState::Error, None));
    assert!(said_of(&busy).contains("try again later"), "{busy:?}");
    assert!(world.broker.connects > 3);
    world.broker.faults.refuses = 0;
    assert!(world.run_until(MINUTE, |w| status(w, 0).state == ConnectionState::Online));
}

#[test]
fn who_is_alone_or_among_others_is_online_as_soon_as_its_own_word_comes_back() {
    let (_, alone) = after(1, Faults::default());
    assert_eq!(alone.state, ConnectionState::Online);
    let world = room(3);
    for device in 0..3 {
        assert_eq!(status(&world, device).state, ConnectionState::Online);
    }
}

#[test]
fn a_link_that_falls_silent_is_noticed_within_ten_seconds_while_something_is_under_way() {
    for device in 0..2 {
        let (mut world, parcel) = mqdrop_sim::under_way(1_000_000, &[5_000_000], 1_000_000);
        world.sever(device);
        assert!(world.run_until(10 * SECOND, |w| {
            status(w, device).state != ConnectionState::Online
        }));
        world.mend(device);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    }
    // Saying something is under way as well.
    let mut world = room(2);
    world.sever(0);
    world.offer(0, &[1000]);
    assert!(world.run_until(10 * SECOND, |w| {
        status(w, 0).state != ConnectionState::Online
    }));
}

#[test]
fn the_keep_alive_is_as_wished_and_a_long_one_hides_no_dead_link() {
    // The shortest wish is asked for by pings, and the longest by none.
    for (seconds, least, most) in [(5, 2 * 60, 2 * 130), (65_535, 0, 0)] {
        let mut world = World::new(6, Faults::default());
        for _ in 0..2 {
            world.join_as(Join {
                keep_alive: seconds * SECOND,
                ..mqdrop_sim::join()
            });
        }
        world.run_for(MINUTE);
        let before = world.broker.pings;
        world.run_for(10 * MINUTE);
        let pings = world.broker.pings - before;
        assert!((least..=most).contains(&pings), "{seconds} s: {pings}");
        world.sever(0);
        assert!(
            world.run_until(90 * SECOND, |w| status(w, 0).state
                != ConnectionState::Online),
            "{seconds} s"
        );
        assert!(world.run_until(2 * MINUTE, |w| { w.devices[1].peers().is_empty() }));
        world.mend(0);
        assert!(world.run_until(MINUTE, |w| { w.devices[1].peers().len() == 1 }));
    }
}

#[test]
fn nobody_pings_more_often_when_nothing_is_under_way() {
    let mut world = room(2);
    let parcel = world.offer(0, &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.state(0, parcel) == Some(TransferState::Done)));
    world.run_for(MINUTE);
    let before = world.broker.pings;
    world.run_for(10 * MINUTE);
    // Each device is heard every 30 s by the other one, which is a sign of life as well.
    assert!(world.broker.pings - before <= 2 * 20);
}

#[test]
fn a_broker_that_acknowledges_late_holds_up_no_data() {
    let faults = Faults {
        receive_maximum: Some(2),
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[3_000_000]);
    assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > 500_000));
    world.broker.withholds = true;
    // All that is said at QoS 1 waits after that, and what is received is acknowledged all the same.
    for text in ["one", "two", "three"] {
        world.offer_text(1, text);
    }
    assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) == 3_000_000));
    assert_ne!(world.state(0, parcel), Some(TransferState::Done));
    world.acknowledge();
    assert!(world.run_until(MINUTE, |w| {
        w.delivered(0, 1, parcel)
            && w.state(0, parcel) == Some(TransferState::Done)
            && w.devices[0].texts.len() == 3
    }));
}
