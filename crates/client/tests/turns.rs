//! The rules of a client's turn, and of what it tells.

#![allow(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod room;

use core::time::Duration;

use mqdrop_client::{Input, Update};
use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{Audience, Join, ParcelId, SocketClose};
use room::{Call, Disk, Member, Room, join, join_for_speed};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Long enough for some thousand turns.
const LONG: usize = 15_000_000;

/// The place of the first update that is like this, among those from `from` on.
fn place(member: &Member, from: usize, is_it: impl Fn(&Update<Vec<u8>>) -> bool) -> Option<usize> {
    let place = member.told[from..].iter().position(|(_, it)| is_it(it))?;
    Some(from + place)
}

fn shows(update: &Update<Vec<u8>>, state: TransferState) -> bool {
    matches!(update, Update::Transfer(view) if view.state == state)
}

fn is_content(update: &Update<Vec<u8>>) -> bool {
    matches!(update, Update::Content { .. })
}

fn received(room: &mut Room, size: usize) -> ParcelId {
    let parcel = room.offer(0, size);
    room.run_until(|room| {
        let is_done = |index| room.state(index, parcel) == Some(TransferState::Done);
        is_done(0) && is_done(1)
    });
    parcel
}

#[test]
fn content_and_hashes_are_told_before_the_state_that_says_they_are_there() {
    let mut room = Room::with(2);
    let parcel = received(&mut room, 100_000);
    let receiver = &room.members[1];
    let content = place(receiver, 0, is_content).unwrap();
    let hashes = |it: &_| matches!(it, Update::Files { files, .. } if files[0].blake3.is_some());
    let hashes = place(receiver, 0, hashes).unwrap();
    let done = place(receiver, 0, |it| shows(it, TransferState::Done)).unwrap();
    assert!(content < done && hashes < done, "{content} {hashes} {done}");
    let (_, Update::Content { content, .. }) = &receiver.told[content] else {
        return;
    };
    assert!(*content == receiver.client.platform().disk.0[&parcel].0);
    assert!(*content == room.members[0].client.platform().files[&parcel]);
}

#[test]
fn content_is_told_again_when_its_room_is_entered_again() {
    let mut room = Room::with(2);
    let parcel = received(&mut room, 1000);
    room.act(1, |engine, now| engine.leave_all(now));
    let left = room.members[1].told.len();
    assert!(
        room.members[1]
            .told
            .contains(&(room.now, Update::Removed(parcel)))
    );
    room.enter(1, join());
    room.run_until(|room| {
        place(&room.members[1], left, |it| shows(it, TransferState::Done)).is_some()
    });
    let receiver = &room.members[1];
    let content = place(receiver, left, is_content).unwrap();
    let done = place(receiver, left, |it| shows(it, TransferState::Done)).unwrap();
    assert!(content < done);
    assert_eq!(place(receiver, content + 1, is_content), None, "once");
}

#[test]
fn content_of_what_was_removed_is_not_told() {
    let mut room = Room::with(2);
    let parcel = room.offer(0, 1000);
    let is_finished = |input: &Input<_>| matches!(input, Input::Finished { .. });
    room.run_until(|room| {
        let inputs = &room.members[1].client.platform().inputs;
        inputs.iter().any(is_finished)
    });
    // The browser had it ready when the user removed it, in the same moment.
    let inputs = std::mem::take(&mut room.machine(1).inputs);
    for input in inputs.into_iter().filter(is_finished) {
        room.members[1].client.handle(input);
    }
    room.act(1, |engine, now| engine.remove(parcel, now));
    assert!(room.machine(1).calls.contains(&Call::Discard(parcel)));
    assert_eq!(place(&room.members[1], 0, is_content), None);
}

/// The messages that a sender sends to a receiver of a parcel, in the first turn after its machine slept for so long.
fn sent_after(sleep: Duration) -> Vec<Call> {
    let mut room = Room::with(2);
    let parcel = room.offer(0, LONG);
    room.run_until(|room| room.bytes(0, parcel) > 100_000);
    // Frames wait for a connection that takes nothing.
    room.members[0].room = 0;
    while room.step(0) {}
    room.now += sleep;
    room.members[0].room = 4;
    // Not the timer.
    room.handle(0, Input::Received(Vec::new().into()));
    std::mem::take(&mut room.machine(0).calls)
}

#[test]
fn what_is_due_is_sent_before_anything_else() {
    let is_frame = |call: Option<&Call>| matches!(call, Some(Call::Send(len)) if *len > 1000);
    let calls = sent_after(Duration::ZERO);
    assert!(is_frame(calls.first()), "{calls:?}");
    // First of all the others are told that it is still here.
    let calls = sent_after(Duration::from_secs(600));
    assert!(!is_frame(calls.first()), "{calls:?}");
    assert!(is_frame(calls.last()), "{calls:?}");
}

#[test]
fn any_input_serves_instead_of_a_timer_that_is_late() {
    let mut room = Room::with(1);
    let close = SocketClose::Closed { code: Some(1006) };
    room.machine(0).is_open = false;
    room.handle(0, Input::Closed(close));
    let again = room.machine(0).timer.unwrap();
    assert!(again > room.now);
    assert!(!room.machine(0).calls.contains(&Call::Open));
    room.now = again;
    let here = room.here(0);
    room.act(0, |engine, now| {
        engine.offer_text(here, "hello", Audience::Room, now)
    })
    .unwrap();
    assert_eq!(room.machine(0).calls.first(), Some(&Call::Open));
}

#[test]
fn an_address_that_is_none_is_an_error_of_the_same_turn() {
    let mut room = Room::with(0);
    let index = room.add(Disk::default());
    let join = Join {
        broker: "no address".into(),
        ..join()
    };
    room.enter(index, join);
    let told = room.members[index].told.iter();
    let states: Vec<_> = told
        .filter_map(|(_, update)| match update {
            Update::Status { status, .. } => Some(status.state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [ConnectionState::Error]);
}

/// A client joins: how many turns it takes until it is in the room.
fn turns_to_come_in(room: &mut Room, index: usize) -> usize {
    room.enter(index, join_for_speed());
    let mut turns = 1;
    while room.engine(index).status(room.here(index)).state != ConnectionState::Online {
        assert!(room.step(index));
        turns += 1;
    }
    turns
}

#[test]
fn reading_back_leaves_the_connection_its_turn() {
    let mut room = Room::with_join(2, &join_for_speed());
    let parcel = room.offer(0, 3 * LONG);
    room.run_until(|room| room.bytes(1, parcel) > 2 * LONG as u64);
    let disk = std::mem::take(&mut room.machine(1).disk);
    room.members.pop();
    let fresh = room.add(Disk::default());
    let turns = turns_to_come_in(&mut room, fresh);

    let index = room.add(disk);
    room.act_with_machine(index, |engine, machine, now| {
        let (content, notes) = machine.disk.0.get_mut(&parcel).unwrap();
        let restored = engine.restore(notes, now).unwrap();
        assert_eq!(restored.size, content.len() as u64);
        notes.truncate(restored.notes_len as usize);
    });
    // Storage answers at once, and the connection does not wait for any of it.
    assert_eq!(turns_to_come_in(&mut room, index), turns);
    let mut pieces = 0;
    while room.step(index) {
        let calls = room.machine(index).calls.iter();
        let reads = calls.filter(|call| **call == Call::ReadBack).count();
        assert!(reads <= 1, "{reads} pieces in a turn");
        pieces += reads;
    }
    assert!(pieces > 0, "all was read back before");
    room.run_until(|room| room.state(index, parcel) == Some(TransferState::Done));
    let sent = room.machine(0).files[&parcel].clone();
    assert!(room.machine(index).disk.0[&parcel].0 == sent);
}

#[test]
fn progress_is_told_a_few_times_a_second_and_states_at_once() {
    let mut room = Room::with(2);
    let begun = room.now;
    let parcel = received(&mut room, LONG);
    let seconds = room.now.since(begun).as_secs_f64();
    assert!(seconds > 2.0, "{seconds} s are too short for this");
    for (index, member) in room.members.iter().enumerate() {
        let told = member.told.iter().filter_map(|(at, update)| match update {
            Update::Transfer(view) => Some((*at, view)),
            _ => None,
        });
        let told: Vec<_> = told.collect();
        for pair in told.windows(2) {
            let [(before, last), (at, view)] = pair else {
                continue;
            };
            let pause = at.since(*before);
            assert!(
                view.state != last.state || pause >= Duration::from_millis(250),
                "{index}: {pause:?}"
            );
        }
        let most = seconds * 4.0 + 6.0;
        assert!(
            told.len() > 6 && (told.len() as f64) < most,
            "{}",
            told.len()
        );
        assert_eq!(told.last().unwrap().1.parcel, parcel.to_string());
        assert_eq!(told.last().unwrap().1.state, TransferState::Done);
    }
}

#[test]
fn what_changed_in_a_pause_is_told_after_it() {
    let mut room = Room::with(2);
    let parcel = room.offer(0, LONG);
    room.run_until(|room| room.bytes(1, parcel) > 100_000);
    // Nothing else happens from now on.
    room.machine(1).inputs.clear();
    let told = room.members[1].told.len();
    let end = room.now + Duration::from_millis(250);
    let progress = |it: &_| shows(it, TransferState::Active);
    // Lists of who is here have pauses of their own.
    while place(&room.members[1], told, progress).is_none() {
        let rings = room.machine(1).timer.unwrap();
        assert!(rings <= end);
        room.now = rings;
        assert!(room.step(1));
    }
}

#[test]
fn files_are_kept_as_long_as_anybody_may_want_them() {
    let mut room = Room::with(2);
    let is_forgotten = |room: &mut Room, parcel| {
        let call = Call::ForgetFiles(parcel);
        let machine = room.machine(0);
        assert_eq!(
            machine.calls.contains(&call),
            !machine.files.contains_key(&parcel)
        );
        machine.calls.contains(&call)
    };
    let parcel = room.offer(0, 1000);
    room.run_until(|room| room.state(0, parcel) == Some(TransferState::Done));
    assert!(
        !is_forgotten(&mut room, parcel),
        "others may come in and want them"
    );
    room.act(0, |engine, now| engine.leave_all(now));
    assert!(is_forgotten(&mut room, parcel));

    room.enter(0, join());
    let parcel = room.offer(0, LONG);
    room.run_until(|room| room.bytes(0, parcel) > 100_000);
    room.act(0, |engine, now| engine.leave_all(now));
    assert!(
        !is_forgotten(&mut room, parcel),
        "it goes on once the room is entered again"
    );
    room.enter(0, join());
    assert!(!is_forgotten(&mut room, parcel));
    room.act(0, |engine, now| engine.leave_all(now));
    room.act(0, |engine, _| engine.discard_kept());
    assert!(is_forgotten(&mut room, parcel));

    room.enter(0, join());
    let parcel = room.offer(0, 1000);
    room.act(0, |engine, now| engine.remove(parcel, now));
    assert!(is_forgotten(&mut room, parcel));
}
