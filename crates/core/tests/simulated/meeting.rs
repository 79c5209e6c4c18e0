//! Devices in a room: coming, being away, leaving, and those that one does not want to hear.

use core::time::Duration;

use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{Engine, Identity, Join, PersonId, Time};
use mqdrop_sim::faults::Faults;
use mqdrop_sim::{MINUTE, SECOND, World, room, room_with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_device_is_the_one_whose_identity_it_joins_with() {
    let mut world = room(1);
    let identity = Identity::from_random([5; 32]);
    let known = identity.device().to_string();
    let join = Join {
        identity,
        ..mqdrop_sim::join()
    };
    let device = world.add();
    world
        .act(device, |engine, now| engine.join(join, now))
        .unwrap();
    assert!(world.run_until(MINUTE, |w| w.devices[0].peers().len() == 1));
    assert_eq!(world.devices[0].peers()[0].device, known);
}

#[test]
fn the_sender_may_come_first_or_last() {
    let mut world = World::new(2, Faults::default());
    let sender = world.join();
    assert!(world.run_until(MINUTE, |w| w.devices[sender].status().state
        == ConnectionState::Online));
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
fn whoever_is_cut_off_while_it_comes_in_is_met_all_the_same() {
    for millis in 0..150 {
        let mut world = World::new(millis, Faults::default());
        let (here, comes) = (world.join(), world.join());
        world.run_for(Duration::from_millis(millis));
        world.cut(comes);
        if millis % 3 == 0 {
            world.cut(here);
        }
        let met = world.run_until(SECOND * 8, |w| {
            let sees = |device: usize| w.devices[device].peers().len() == 1;
            let online =
                |device: usize| w.devices[device].status().state == ConnectionState::Online;
            [here, comes].into_iter().all(|d| sees(d) && online(d))
        });
        assert!(met, "cut after {millis} ms");
    }
}

#[test]
fn another_key_sees_nothing_and_neither_does_the_broker() {
    let mut world = room(2);
    world.broker.record = true;
    let other = Join {
        secret: RoomSecret::derive("green whale").unwrap(),
        ..mqdrop_sim::join()
    };
    let outsider = world.join_as(other);
    let parcel = world.offer(0, &[200_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(
        world.devices[outsider].peers().is_empty() && world.devices[outsider].parcels.is_empty()
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
    let half = world.now;
    let late = world.join();
    assert!(world.run_until(MINUTE, |w| w.state(late, parcel).is_some()));
    let sent_by_then = world.devices[0].sent;
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
fn a_hundred_texts_wait_for_one_who_comes_late() {
    let mut world = room(1);
    let texts: Vec<_> = (0..100)
        .map(|n| world.offer_text(0, &format!("text {n}")))
        .collect();
    let late = world.join();
    assert!(world.run_until(MINUTE, |w| w.devices[late].texts.len() == texts.len()));
}

#[test]
fn what_was_said_before_a_device_came_is_not_news_when_someone_repeats_it() {
    let mut world = World::new(1, Faults::default());
    world.broker.record = true;
    let (stays, leaves) = (world.join(), world.join());
    world.run_for(SECOND);
    let over = world.offer(stays, &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(stays, leaves, over)));
    world.act(stays, |engine, now| engine.remove(over, now));
    let open = world.offer(stays, &[100_000]);
    world.run_for(SECOND);
    world.act(leaves, |engine, now| engine.leave_all(now));
    world.run_for(SECOND);
    let said = world.broker.seen.clone();

    let late = world.join();
    for _ in 0..3 {
        world.broker.seen.clone_from(&said);
        world.repeat_everything();
        world.run_for(SECOND * 10);
        let peers = world.devices[late].peers();
        assert_eq!(peers.len(), 1, "{peers:?}");
        assert_eq!(world.state(late, over), None);
    }
    assert!(world.run_until(MINUTE, |w| w.delivered(stays, late, open)));
    // Nor is what was missed during an interruption.
    world.cut(late);
    let again = world.offer(stays, &[100_000]);
    world.act(stays, |engine, now| engine.cancel(again, now));
    world.act(stays, |engine, now| engine.remove(again, now));
    let said = world.broker.seen.clone();
    world.run_for(SECOND * 30);
    world.broker.seen = said;
    world.repeat_everything();
    world.run_for(SECOND * 10);
    assert_eq!(world.state(late, again), None);
    assert_eq!(world.devices[late].peers().len(), 1);
    assert_eq!(world.devices[stays].peers().len(), 1);
}

#[test]
fn an_end_that_is_said_while_a_device_is_away_reaches_it() {
    for only_v311 in [false, true] {
        let mut world = room_with(
            2,
            Faults {
                only_v311,
                ..Faults::default()
            },
        );
        world.devices[1].accepts = false;
        let parcel = world.offer(0, &[100_000]);
        assert!(world.run_until(SECOND, |w| w.state(1, parcel)
            == Some(TransferState::Offered)));
        world.cut(1);
        world.act(0, |engine, now| engine.cancel(parcel, now));
        world.run_for(SECOND * 10);
        let state = world.state(1, parcel);
        assert_eq!(state, Some(TransferState::Cancelled), "{only_v311}");
    }
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

/// Takes a device off the network, lets its user do something, and lets it come back.
fn while_away(world: &mut World, device: usize, act: impl FnOnce(&mut Engine, Time)) {
    world.down = true;
    world.cut(device);
    world.run_for(5 * SECOND);
    world.act(device, act);
    world.run_for(20 * SECOND);
    world.down = false;
}

#[test]
fn leaving_and_vanishing_are_noticed() {
    let mut world = room(3);
    world.act(0, |engine, now| engine.leave_all(now));
    assert!(world.run_until(SECOND * 5, |w| {
        (1..3).all(|d| w.devices[d].peers().len() == 1)
    }));
    assert_eq!(world.devices[0].status().state, ConnectionState::Offline);
    // The broker publishes the will.
    world.down = true;
    world.cut(1);
    assert!(world.run_until(MINUTE, |w| w.devices[2].peers().is_empty()));
}

#[test]
fn one_who_left_for_good_does_not_keep_a_delivered_parcel_waiting() {
    let mut world = room(3);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[2_000_000]);
    assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > 500_000));
    world.act(1, |engine, now| engine.leave_all(now));
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
    let sender = world.devices[1].peers()[0].person.parse().unwrap();
    let room = world.devices[1].room();
    world.act(1, |engine, now| engine.mute(room, sender, true, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn who_is_muted_is_not_heard_and_gets_nothing_until_it_is_heard_again() {
    let mut world = room(3);
    world.uplink = Some(1_000_000);
    world.devices[0].accepts = false;
    let muted: PersonId = {
        let before: Vec<_> = world.devices[2].peers();
        // The device that only the third one does not list is itself.
        let all = world.devices[0].peers();
        let own = all
            .iter()
            .find(|peer| before.iter().all(|other| other.device != peer.device))
            .unwrap();
        own.person.parse().unwrap()
    };
    let here = world.devices[0].room();
    let pending = world.offer(2, &[1000]);
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, pending) == Some(TransferState::Offered)
    }));
    world.act(0, |engine, now| engine.mute(here, muted, true, now));
    assert_eq!(world.state(0, pending), Some(TransferState::Declined));
    world.devices[0].accepts = true;
    let unheard = world.offer(2, &[1000]);
    let withheld = world.offer(0, &[1000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, withheld)));
    world.run_for(MINUTE);
    assert_eq!(world.state(0, unheard), None);
    assert!(!world.delivered(0, 2, withheld));
    let peers = world.devices[0].peers();
    let shown: Vec<_> = peers.iter().filter(|peer| peer.muted).collect();
    assert_eq!(shown.len(), 1, "{peers:?}");
    world.act(0, |engine, now| engine.mute(here, muted, false, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(2, 0, unheard)));
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 2, withheld)));
}
