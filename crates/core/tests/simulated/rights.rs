//! Logins that brokers refuse, and what they do not allow in a room.

use crate::{said, said_of};
use mqdrop_core::view::{ConnectionState, Remedy, TransferState};
use mqdrop_core::{Engine, Join, Login};
use mqdrop_sim::faults::Faults;
use mqdrop_sim::{MINUTE, SECOND, World, room, room_with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::brokers::{after, status};

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
                ..mqdrop_sim::join()
            });
            world.run_for(3 * SECOND);
            let stopped = status(&world, device);
            assert_eq!(stopped.state, ConnectionState::Error);
            assert_eq!(stopped.remedy, Some(Remedy::Login));
            let words = match login {
                None => "This broker asks for a user name and a password",
                Some(_) => "Wrong user name or password for this broker",
            };
            assert_eq!(said_of(&stopped), words);
            // Not even for the user's coming back to the page.
            let tries = world.broker.connects;
            world.run_for(10 * MINUTE);
            world.act(device, Engine::check);
            world.run_for(MINUTE);
            assert_eq!(world.broker.connects, tries);
            // The changed login is tried.
            world.broker.faults.refuses = 0;
            world.enter(device);
            assert!(world.run_until(MINUTE, |w| status(w, device).state
                == ConnectionState::Online));
            assert_eq!(status(&world, device).remedy, None);
        }
    }
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
    let base = format!("mqdrop/1/{}", mqdrop_sim::secret().room());
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
                    assert!(said_of(&denied).contains(&topic), "{topic}: {denied:?}");
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
        assert!(said_of(&denied).contains("does not let this login publish to"));
        assert!(said_of(&denied).contains(part), "{denied:?}");
    }
}

#[test]
fn what_may_not_be_said_to_another_device_stays_said_until_it_may() {
    let mut world = room(2);
    let other = world.devices[0].peers()[0].device.clone();
    let topic: &'static str = format!("/i/{other}").leak();
    (world.broker.faults.deaf_to, world.broker.faults.says_so) = (Some(topic), true);
    let says_so = |world: &World| {
        let status = status(world, 0);
        status.remedy == Some(Remedy::Rights) && said_of(&status).contains(topic)
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
        assert!(said_of(&denied).contains("/c:"), "{denied:?}");
        let tries = world.broker.connects;
        world.run_for(10 * MINUTE);
        assert_eq!(world.broker.connects, tries);
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
                view.map(|view| said(&view)).unwrap_or_default()
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
    let words = said(&view);
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
    let words = said(&world.devices[1].view(parcel, world.now).unwrap());
    assert!(words.contains("/d/") && words.contains("resume"), "{words}");
    world.broker.faults.unsubscribable = None;
    world.act(1, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}
