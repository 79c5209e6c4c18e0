//! Tests that a transfer shows what happened, and by whom; on a virtual clock.

use crate::said;
use mqdrop_core::ParcelId;
use mqdrop_core::view::{TransferState, TransferView};
use mqdrop_sim::{MINUTE, SECOND, World, join_as, under_way};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Devices that know each other and have names of their own; nobody accepts by themselves.
fn named(count: usize) -> World {
    let mut world = World::new(1, mqdrop_sim::faults::Faults::default());
    for place in 0..count {
        world.join_as(join_as(place));
        world.devices[place].accepts = false;
    }
    let all = |w: &World| w.devices.iter().all(|d| d.peers().len() == count - 1);
    assert!(world.run_until(MINUTE, all));
    world
}

/// The transfer as a device's page shows it.
fn shown(world: &World, device: usize, parcel: ParcelId) -> &TransferView {
    &world.devices[device].shown[&parcel]
}

fn rejoin(world: &mut World, device: usize) {
    world.enter_as(device, join_as(device));
}

#[test]
fn who_leaves_without_an_answer_declined_nothing() {
    let mut world = named(2);
    let parcel = world.offer(0, &[50_000]);
    world.run_for(5 * SECOND);
    world.act(1, |engine, now| engine.leave_all(now));
    world.run_for(5 * SECOND);
    let view = shown(&world, 0, parcel);
    assert_eq!(view.state, TransferState::Waiting);
    let error = said(view);
    assert!(
        error.contains("device 1\u{2069} left before answering"),
        "{error}"
    );
    let [left] = &view.receivers[..] else {
        panic!("{view:?}")
    };
    assert!(left.is_away && !left.has_answered && left.reason.is_none());
    // It comes back as another device, and is there once.
    rejoin(&mut world, 1);
    world.run_for(5 * SECOND);
    let view = shown(&world, 0, parcel);
    assert_eq!(
        (view.state, view.receivers.len()),
        (TransferState::Offered, 1)
    );
    world.act(1, |engine, now| engine.accept(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn who_is_back_before_it_is_missed_is_there_once() {
    let mut world = named(2);
    let parcel = world.offer(0, &[50_000]);
    world.run_for(5 * SECOND);
    // Its broker says after a while that it is gone.
    world.restart(1, false);
    world.run_for(MINUTE);
    let view = shown(&world, 0, parcel);
    assert_eq!(
        (view.state, view.receivers.len()),
        (TransferState::Offered, 1)
    );
    assert!(!view.receivers[0].is_away);
}

#[test]
fn a_no_is_told_by_name_and_forgotten_when_its_device_is_another_one() {
    let mut world = named(3);
    let parcel = world.offer(0, &[50_000]);
    world.run_for(5 * SECOND);
    world.act(1, |engine, now| engine.decline(parcel, now));
    world.act(2, |engine, now| engine.decline(parcel, now));
    world.run_for(5 * SECOND);
    let view = shown(&world, 0, parcel);
    assert_eq!(view.state, TransferState::Declined);
    let error = said(view);
    assert!(
        error.contains("device ") && error.ends_with("declined"),
        "{error}"
    );
    assert!(view.receivers.iter().all(|each| each.reason.is_none()));
    world.act(2, |engine, now| engine.leave_all(now));
    rejoin(&mut world, 2);
    world.run_for(5 * SECOND);
    let view = shown(&world, 0, parcel);
    let states: Vec<_> = view
        .receivers
        .iter()
        .map(|each| (&each.name[..], each.state))
        .collect();
    assert_eq!(states.len(), 2, "{states:?}");
    assert!(states.contains(&("device 1", TransferState::Declined)));
    assert!(states.contains(&("device 2", TransferState::Offered)));
}

#[test]
fn many_who_pass_by_do_not_fill_the_list() {
    let mut world = named(2);
    let parcel = world.offer(0, &[50_000]);
    for place in 100..160 {
        world.act(1, |engine, now| engine.leave_all(now));
        world.enter_as(1, join_as(place));
        world.run_for(5 * SECOND);
    }
    world.run_for(5 * SECOND);
    assert_eq!(shown(&world, 0, parcel).receivers.len(), 51);
    assert_eq!(shown(&world, 0, parcel).state, TransferState::Offered);
}

#[test]
fn one_who_has_it_and_one_who_left_make_a_delivery() {
    let mut world = named(3);
    let parcel = world.offer(0, &[50_000]);
    world.run_for(5 * SECOND);
    world.act(1, |engine, now| engine.accept(parcel, now));
    world.run_for(5 * SECOND);
    let view = shown(&world, 0, parcel);
    let open = view.receivers.iter().filter(|each| !each.has_answered);
    assert_eq!((view.state, open.count()), (TransferState::Done, 1));
    world.act(2, |engine, now| engine.leave_all(now));
    world.run_for(5 * SECOND);
    assert_eq!(shown(&world, 0, parcel).state, TransferState::Done);
    // Nobody receives it who is not done.
    assert!(world.devices[0].notes.is_empty());
}

#[test]
fn a_sender_that_leaves_says_so() {
    let mut world = named(2);
    let parcel = world.offer(0, &[50_000]);
    world.run_for(5 * SECOND);
    world.act(0, |engine, now| engine.leave_all(now));
    world.run_for(5 * SECOND);
    let view = shown(&world, 1, parcel);
    assert_eq!(view.state, TransferState::Cancelled);
    let error = said(view);
    assert!(error.contains("left"), "{error}");
}

#[test]
fn without_a_connection_both_sides_say_so() {
    let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
    world.down = true;
    world.cut(0);
    world.cut(1);
    world.run_for(SECOND);
    for device in 0..2 {
        let view = shown(&world, device, parcel);
        assert!(view.offline, "{device}");
        assert_eq!(
            (view.state, view.rate),
            (TransferState::Waiting, 0.0),
            "{device}"
        );
        assert_eq!(
            world.state(device, parcel),
            Some(TransferState::Waiting),
            "{device}"
        );
    }
    world.down = false;
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!((0..2).all(|device| !shown(&world, device, parcel).offline));
}

#[test]
fn without_bytes_there_is_no_rate() {
    let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
    world.sever(0);
    world.sever(1);
    world.run_for(4 * SECOND);
    for device in 0..2 {
        let view = shown(&world, device, parcel);
        assert_eq!((view.rate, view.eta), (0.0, None), "{device}");
    }
}

#[test]
fn who_says_goodbye_is_gone_at_once_and_goes_on_when_it_is_back() {
    for leaver in 0..2 {
        let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
        let other = 1 - leaver;
        world.act(leaver, |engine, now| engine.say_goodbye(now));
        world.run_for(SECOND / 2);
        assert!(world.devices[other].peers().is_empty());
        assert_eq!(shown(&world, other, parcel).state, TransferState::Waiting);
        assert!(shown(&world, leaver, parcel).offline);
        world.run_for(20 * SECOND);
        assert!(world.devices[leaver].connection.is_none(), "it is not here");
        let sent = world.devices[0].sent;
        world.act(leaver, |engine, now| engine.check(now));
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        assert!(world.devices[0].sent - sent < 2_100_000);
        assert_eq!(world.devices[other].peers().len(), 1);
    }
}

#[test]
fn a_page_that_is_loaded_again_is_there_once() {
    let mut world = named(3);
    world.act(1, |engine, now| engine.say_goodbye(now));
    world.run_for(SECOND / 2);
    world.restart(1, false);
    world.run_for(SECOND);
    for device in [0, 2] {
        let peers = world.devices[device].peers();
        let named = peers.iter().filter(|peer| peer.name == "device 1");
        assert_eq!(named.count(), 1, "{peers:?}");
    }
}

#[test]
fn who_stays_after_a_goodbye_comes_back() {
    let mut world = named(2);
    world.act(1, |engine, now| engine.say_goodbye(now));
    world.run_for(SECOND);
    assert!(world.devices[0].peers().is_empty());
    assert!(world.run_until(2 * MINUTE, |w| w.devices[0].peers().len() == 1));
}
