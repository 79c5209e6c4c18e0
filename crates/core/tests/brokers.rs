//! What brokers do: limits they name or keep to themselves, versions they know, hosts that do not
//! answer.

mod sim;

use mqdrop_core::view::{ConnectionState, Remedy, StatusView, TransferState};
use mqdrop_core::{Engine, Join, Login, SocketAction, Time, VersionPolicy};
use sim::broker::Faults;
use sim::{MINUTE, SECOND, World, room, room_with};
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
    engine.handle_open(false, now);
    assert!(engine.poll_transmit(now).is_some());
    assert_eq!(engine.status().limit, None);
}

#[test]
fn a_broker_that_compresses_is_told_of() {
    let mut engine = Engine::new([1; 32]);
    let now = Time::from_micros(0);
    engine.join(sim::join(), now).unwrap();
    while engine.poll_socket().is_some() {}
    engine.handle_open(true, now);
    let limit = engine.status().limit;
    assert!(limit.is_some_and(|limit| limit.contains("compresses messages")));
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

fn status(world: &World, device: usize) -> StatusView {
    world.devices[device].engine.status()
}

/// A device that joins a broker like this, and how it stands after so many seconds.
fn after(seconds: u32, faults: Faults) -> (World, StatusView) {
    let mut world = World::new(5, faults);
    world.join();
    world.run_for(seconds * SECOND);
    let status = status(&world, 0);
    (world, status)
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
fn a_connack_of_mqtt_5_that_cannot_be_read_leads_to_3_1_1() {
    let faults = Faults {
        properties: vec![0x7e, 1, 2, 3],
        ..Faults::default()
    };
    let (_, status) = after(2, faults);
    assert_eq!(status.state, ConnectionState::Online, "{}", status.text);
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
fn a_refused_login_stops_the_trying_and_says_what_to_change() {
    for only_v311 in [false, true] {
        for login in [None, Some("ann")] {
            let faults = Faults {
                refuses: 0x86,
                only_v311,
                ..Faults::default()
            };
            let mut world = World::new(6, faults);
            let device = world.join_as(Join {
                login: login.map(|name| Login {
                    username: name.into(),
                    password: "secret".into(),
                }),
                ..sim::join()
            });
            world.run_for(3 * SECOND);
            let stopped = status(&world, device);
            assert_eq!(stopped.state, ConnectionState::Error);
            assert_eq!(stopped.remedy, Some(Remedy::Login));
            let words = match login {
                None => "This broker asks for a user name and a password",
                Some(_) => "Wrong user name or password for this broker",
            };
            assert_eq!(stopped.text, words);
            // Not even for the user's coming back to the page.
            let tries = world.broker.connects;
            world.run_for(10 * MINUTE);
            world.act(device, Engine::check);
            world.run_for(MINUTE);
            assert_eq!(world.broker.connects, tries);
            // What was changed is tried.
            world.broker.faults.refuses = 0;
            world
                .act(device, |engine, now| engine.join(sim::join(), now))
                .unwrap();
            assert!(world.run_until(MINUTE, |w| status(w, device).state
                == ConnectionState::Online));
            assert_eq!(status(&world, device).remedy, None);
        }
    }
}

#[test]
fn a_broker_that_is_only_busy_is_tried_until_it_is_not() {
    let faults = Faults {
        refuses: 0x88,
        ..Faults::default()
    };
    let (mut world, busy) = after(60, faults);
    assert_eq!((busy.state, busy.remedy), (ConnectionState::Error, None));
    assert!(busy.text.contains("try again later"), "{}", busy.text);
    assert!(world.broker.connects > 3);
    world.broker.faults.refuses = 0;
    assert!(world.run_until(MINUTE, |w| status(w, 0).state == ConnectionState::Online));
}

#[test]
fn a_broker_that_let_one_in_before_may_change_its_mind_a_few_times() {
    let mut world = room(2);
    world.broker.faults.refuses = 0x87;
    world.restart_broker();
    world.run_for(2 * SECOND);
    world.broker.faults.refuses = 0;
    assert!(world.run_until(MINUTE, |w| status(w, 0).state == ConnectionState::Online));
    world.broker.faults.refuses = 0x87;
    world.restart_broker();
    assert!(world.run_until(MINUTE, |w| status(w, 0).remedy == Some(Remedy::Login)));
}

#[test]
fn what_is_not_allowed_in_the_room_is_said_within_seconds_and_by_name() {
    let base = format!("mqdrop/1/{}", sim::secret().room());
    let topics = [("/c", "/c"), ("/i/", "/i/"), ("mqdrop", "/#")];
    for (part, named) in topics {
        for only_v311 in [false, true] {
            for (deaf_to, mute_on) in [(Some(part), None), (None, Some(part))] {
                let faults = Faults {
                    only_v311,
                    deaf_to,
                    mute_on,
                    ..Faults::default()
                };
                let (mut world, denied) = after(8, faults);
                assert_eq!(denied.state, ConnectionState::Error, "{part}");
                assert_eq!(denied.remedy, Some(Remedy::Rights));
                for topic in [format!("{base}{named}"), format!("{base}/#")] {
                    assert!(denied.text.contains(&topic), "{topic}: {}", denied.text);
                }
                // Allowed meanwhile: seen without a click.
                (world.broker.faults.deaf_to, world.broker.faults.mute_on) = (None, None);
                assert!(world.run_until(MINUTE, |w| status(w, 0).state == ConnectionState::Online));
            }
        }
    }
}

#[test]
fn what_mqtt_5_refuses_in_puback_is_said_at_once() {
    for part in ["/c", "/i/"] {
        let faults = Faults {
            deaf_to: Some(part),
            says_so: true,
            ..Faults::default()
        };
        let (_, denied) = after(1, faults);
        assert_eq!(denied.remedy, Some(Remedy::Rights));
        assert!(denied.text.contains("does not let this login publish to"));
        assert!(denied.text.contains(part), "{}", denied.text);
    }
}

#[test]
fn what_may_not_be_said_to_another_device_stays_said_until_it_may() {
    let mut world = room(2);
    let other = world.devices[0].engine.peers()[0].device.clone();
    let topic: &'static str = format!("/i/{other}").leak();
    (world.broker.faults.deaf_to, world.broker.faults.says_so) = (Some(topic), true);
    let says_so = |world: &World| {
        let status = status(world, 0);
        status.remedy == Some(Remedy::Rights) && status.text.contains(topic)
    };
    world.offer(1, &[1000]);
    assert!(world.run_until(10 * SECOND, says_so));
    // Its messages to itself come back all the while.
    assert!(!world.run_until(10 * MINUTE, |world| !says_so(world)));
    world.broker.faults.deaf_to = None;
    world.offer(1, &[1000]);
    assert!(world.run_until(10 * SECOND, |w| status(w, 0).state
        == ConnectionState::Online));
}

#[test]
fn a_room_that_cannot_be_subscribed_to_is_not_tried_without_end() {
    for only_v311 in [false, true] {
        let faults = Faults {
            unsubscribable: Some("/c"),
            only_v311,
            ..Faults::default()
        };
        let (mut world, denied) = after(5, faults);
        assert_eq!(denied.remedy, Some(Remedy::Rights));
        assert!(denied.text.contains("/c:"), "{}", denied.text);
        let tries = world.broker.connects;
        world.run_for(10 * MINUTE);
        assert_eq!(world.broker.connects, tries);
    }
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
fn data_that_does_not_get_through_is_said_on_both_sides() {
    for only_v311 in [false, true] {
        for (deaf_to, mute_on) in [(Some("/d/"), None), (None, Some("/d/"))] {
            let faults = Faults {
                only_v311,
                deaf_to,
                mute_on,
                ..Faults::default()
            };
            let mut world = room_with(2, faults);
            let parcel = world.offer(0, &[500_000]);
            let words = |world: &World, device: usize| {
                let view = world.devices[device].view(parcel, world.now);
                view.and_then(|view| view.error).unwrap_or_default()
            };
            let says_so = |world: &World| {
                (0..2).all(|device| {
                    let words = words(world, device);
                    words.starts_with("Nothing ") && words.contains("/d/")
                })
            };
            assert!(
                world.run_until(30 * SECOND, says_so),
                "{} / {}",
                words(&world, 0),
                words(&world, 1)
            );
            (world.broker.faults.deaf_to, world.broker.faults.mute_on) = (None, None);
            assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
            assert_eq!(words(&world, 1), "");
        }
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
                .filter_map(|view| view.error)
                .filter(|words| words.contains("subscription"))
                .count()
        };
        assert!(world.run_until(10 * SECOND, |w| waiting(w) == 6));
        assert!(world.run_until(2 * MINUTE, |w| {
            parcels.iter().all(|&parcel| w.delivered(0, 1, parcel))
        }));
        assert_eq!(world.devices[1].errors, [""; 0]);
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

#[test]
fn a_single_parcel_whose_data_is_refused_without_a_reason_is_not_told_to_wait_for_others() {
    let faults = Faults {
        only_v311: true,
        unsubscribable: Some("/d/"),
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let parcel = world.offer(0, &[100_000]);
    assert!(world.run_until(10 * SECOND, |w| {
        w.state(1, parcel) == Some(TransferState::Waiting)
    }));
    let view = world.devices[1].view(parcel, world.now).unwrap();
    let words = view.error.unwrap();
    assert!(!words.contains("another transfer"), "{words}");
    for part in ["/d/", "Allow it", "limit of subscriptions"] {
        assert!(words.contains(part), "{words}");
    }
    world.broker.faults.unsubscribable = None;
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn data_that_may_not_be_subscribed_to_pauses_the_parcel_and_resume_tries_again() {
    let faults = Faults {
        unsubscribable: Some("/d/"),
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let parcel = world.offer(0, &[100_000]);
    assert!(world.run_until(10 * SECOND, |w| {
        (0..2).all(|device| w.state(device, parcel) == Some(TransferState::Paused))
    }));
    let words = world.devices[1]
        .view(parcel, world.now)
        .unwrap()
        .error
        .unwrap();
    assert!(words.contains("/d/") && words.contains("resume"), "{words}");
    world.broker.faults.unsubscribable = None;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn a_link_that_falls_silent_is_noticed_within_ten_seconds_while_something_is_under_way() {
    for device in 0..2 {
        let (mut world, parcel) = sim::under_way(1_000_000, &[5_000_000], 1_000_000);
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
        world.act(1, |engine, now| engine.offer_text(text, now).unwrap());
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
