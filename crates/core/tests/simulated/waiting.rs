//! Whom a sender waits for after its program ended and began anew, one behaviour a test, on a
//! virtual clock.

use mqdrop_core::ParcelId;
use mqdrop_core::view::Cause;
use mqdrop_core::view::{ReceiverView, TransferState};
use mqdrop_sim::{MINUTE, SECOND, World, one_is_away, room, under_way};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The sender's program ends and begins anew, and its user chooses the files again.
fn restart_sender(world: &mut World) {
    world.restart(0, false);
    world.choose_again(0);
}

fn receivers(world: &World, parcel: ParcelId) -> Vec<ReceiverView> {
    let view = world.devices[0].view(parcel, world.now);
    view.map(|view| view.receivers).unwrap_or_default()
}

fn is_kept(world: &World, parcel: ParcelId) -> bool {
    world.devices[0].notes.contains_key(&parcel)
}

/// Whether the sender shows somebody who is not in the room.
fn waits(world: &World, parcel: ParcelId) -> bool {
    receivers(world, parcel).iter().any(|each| each.is_away)
}

#[test]
fn who_is_away_while_a_sender_is_restarted_twice_is_not_forgotten() {
    let (mut world, parcel) = one_is_away();
    for _ in 0..2 {
        restart_sender(&mut world);
        assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
        world.run_for(MINUTE);
        let shown = receivers(&world, parcel);
        let mut states = shown.iter().map(|each| (each.name.as_str(), each.state));
        assert!(states.any(|shown| shown == ("device", TransferState::Waiting)));
        assert!(is_kept(&world, parcel));
    }
    world.cut_off.clear();
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 2, parcel)));
    assert!(world.run_until(MINUTE, |w| !is_kept(w, parcel)));
}

#[test]
fn the_user_need_not_wait_for_who_is_away() {
    let (mut world, parcel) = one_is_away();
    restart_sender(&mut world);
    let is_done = |each: &ReceiverView| each.state == TransferState::Done;
    assert!(world.run_until(MINUTE, |w| receivers(w, parcel).iter().any(is_done)));
    let shown = receivers(&world, parcel);
    assert_eq!(shown.len(), 2);
    for receiver in &shown {
        let device = receiver.device.parse().unwrap();
        world.act(0, |engine, now| engine.forget_receiver(parcel, device, now));
    }
    // A device that is there is not forgotten.
    let left = receivers(&world, parcel);
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].state, left[0].is_away),
        (TransferState::Done, false)
    );
    assert!(world.run_until(MINUTE, |w| !is_kept(w, parcel)));
    // It goes on all the same if it comes back while the sender is there.
    world.cut_off.clear();
    assert!(world.run_until(2 * MINUTE, |w| w.delivered(0, 2, parcel)));
}

#[test]
fn who_had_it_whole_and_is_another_device_now_is_not_waited_for() {
    let mut world = room(2);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[3_000_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    // Its receipt gets nowhere.
    world.cut_off.insert(0);
    world.cut(0);
    world.run_for(SECOND);
    assert!(is_kept(&world, parcel));
    world.restart(1, false);
    world.cut_off.clear();
    restart_sender(&mut world);
    assert!(world.run_until(MINUTE, |w| w.state(0, parcel) == Some(TransferState::Done)));
    assert!(world.run_until(MINUTE, |w| !is_kept(w, parcel)));
    assert!(!waits(&world, parcel));
}

#[test]
fn who_throws_away_what_it_had_is_asked_anew_and_not_waited_for() {
    let (mut world, parcel) = one_is_away();
    world.act(2, |engine, now| engine.remove(parcel, now));
    world.devices[2].accepts = false;
    restart_sender(&mut world);
    world.cut_off.clear();
    assert!(world.run_until(2 * MINUTE, |w| {
        let shown = receivers(w, parcel);
        let is_in = |state| shown.iter().any(|each| each.state == state);
        is_in(TransferState::Done) && is_in(TransferState::Offered) && !waits(w, parcel)
    }));
    // It leaves without an answer.
    world.act(2, |engine, now| engine.leave_all(now));
    assert!(world.run_until(MINUTE, |w| !is_kept(w, parcel)));
}

#[test]
fn who_cancels_under_another_id_is_not_waited_for() {
    let (mut world, parcel) = one_is_away();
    world.restart(2, false);
    world.run_for(SECOND);
    world.act(2, |engine, now| engine.cancel(parcel, now));
    restart_sender(&mut world);
    world.cut_off.clear();
    assert!(world.run_until(2 * MINUTE, |w| {
        let shown = receivers(w, parcel);
        shown
            .iter()
            .any(|each| each.state == TransferState::Cancelled)
    }));
    assert!(world.run_until(MINUTE, |w| !is_kept(w, parcel)));
}

#[test]
fn that_somebody_had_it_before_a_restart_is_not_forgotten() {
    let (mut world, parcel) = one_is_away();
    world.act(1, |engine, now| engine.leave_all(now));
    restart_sender(&mut world);
    world.cut_off.clear();
    assert!(world.run_until(2 * MINUTE, |w| !waits(w, parcel)));
    world.act(2, |engine, now| engine.cancel(parcel, now));
    assert!(world.run_until(MINUTE, |w| !is_kept(w, parcel)));
}

#[test]
fn who_is_muted_is_not_waited_for_and_is_offered_it_again_when_heard() {
    let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
    let (room, muted) = (
        world.devices[0].room(),
        world.devices[0].peers()[0].person.parse().unwrap(),
    );
    world.act(0, |engine, now| engine.mute(room, muted, true, now));
    world.run_for(MINUTE);
    assert!(receivers(&world, parcel).is_empty());
    world.act(0, |engine, now| engine.mute(room, muted, false, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.run_until(MINUTE, |w| !is_kept(w, parcel)));
}

#[test]
fn what_was_to_be_sent_to_one_who_left_does_not_hold_up_who_has_it() {
    let (mut world, parcel) = one_is_away();
    world.cut_off.clear();
    let more = |world: &mut World| {
        let held = world.bytes(2, parcel);
        assert!(world.run_until(2 * MINUTE, |w| w.bytes(2, parcel) > held + 200_000));
    };
    more(&mut world);
    // Both are there, so nothing is read only to be hashed before that one has everything.
    restart_sender(&mut world);
    more(&mut world);
    world.cut_off.insert(2);
    world.cut(2);
    assert!(world.run_until(MINUTE, |w| waits(w, parcel)));
    for receiver in receivers(&world, parcel) {
        let device = receiver.device.parse().unwrap();
        world.act(0, |engine, now| engine.forget_receiver(parcel, device, now));
    }
    assert!(world.run_until(MINUTE, |w| {
        w.state(0, parcel) == Some(TransferState::Done)
    }));
    assert!(!is_kept(&world, parcel));
}

#[test]
fn who_stayed_while_a_sender_was_restarted_is_not_away() {
    let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 1_000_000);
    world.restart(0, false);
    assert!(waits(&world, parcel));
    assert!(world.run_until(MINUTE, |w| !waits(w, parcel)));
    let shown = receivers(&world, parcel);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].state, TransferState::Waiting);
    world.choose_again(0);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn a_sender_that_is_back_says_what_it_waits_for() {
    let (mut world, parcel) = under_way(1_000_000, &[3_000_000], 500_000);
    world.cut(0);
    let end = world.now + MINUTE;
    let mut asked = false;
    while world.state(0, parcel) != Some(TransferState::Done) {
        assert!(world.now < end);
        world.run_for(MINUTE / 60_000);
        let view = world.devices[0].view(parcel, world.now).unwrap();
        if view.state == TransferState::Waiting {
            asked |= matches!(view.cause, Some(Cause::Asking(_)));
        }
    }
    assert!(asked);
}
