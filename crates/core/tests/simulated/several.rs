//! Several rooms of one device, which share its connection.

use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{Join, JoinError, Login, ParcelId, RoomId};
use mqdrop_sim::faults::Faults;
use mqdrop_sim::{MINUTE, SECOND, World, join_as, other_secret, room, room_with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The device that is in both rooms, the others of the first room and of the second.
const BOTH: usize = 0;
const FIRST: usize = 1;
const SECOND_ROOM: usize = 2;

/// The topic prefix of the second room.
const PREFIX: &str = "second";

fn second(place: usize) -> Join {
    Join {
        secret: other_secret(),
        prefix: PREFIX.into(),
        ..join_as(place)
    }
}

/// A device in two rooms, another one in each of them, and the ids that the first device has for the
/// rooms.
fn two_rooms() -> (World, [RoomId; 2]) {
    let mut world = room(2);
    world.join_as(second(SECOND_ROOM));
    let first = world.devices[BOTH].room();
    let second = world.enter_too(BOTH, second(BOTH));
    assert!(world.run_until(MINUTE, |w| meets(w, second)
        && w.devices[SECOND_ROOM].peers().len() == 1));
    (world, [first, second])
}

/// Tells whether there is somebody else in a room of the device that is in both.
fn meets(world: &World, room: RoomId) -> bool {
    world.devices[BOTH].engine().peers(room).len() == 1
}

fn state(world: &World, room: RoomId) -> ConnectionState {
    world.devices[BOTH].engine().status(room).state
}

fn room_of(world: &World, parcel: ParcelId) -> Option<RoomId> {
    let view = world.devices[BOTH].view(parcel, world.now)?;
    Some(view.room)
}

/// Parcels of the device that is in both rooms, one in each, and one that it receives in the second.
fn offer_all(world: &mut World, rooms: [RoomId; 2]) -> [(usize, usize, ParcelId); 3] {
    let [first, second] = rooms;
    [
        (BOTH, FIRST, world.offer_in(BOTH, first, &[2_000_000])),
        (
            BOTH,
            SECOND_ROOM,
            world.offer_in(BOTH, second, &[2_000_000]),
        ),
        (SECOND_ROOM, BOTH, world.offer(SECOND_ROOM, &[2_000_000])),
    ]
}

#[test]
fn transfers_go_on_in_two_rooms_at_once_and_neither_hears_of_the_other() {
    let (mut world, rooms) = two_rooms();
    world.uplink = Some(1_000_000);
    let connects = world.broker.connects;
    let parcels = offer_all(&mut world, rooms);
    world.run_for(2 * SECOND);
    for (sender, receiver, parcel) in parcels {
        assert!(
            world.bytes(receiver, parcel) > 100_000,
            "{sender} has its turn"
        );
    }
    assert!(world.run_until(MINUTE, |w| {
        parcels
            .iter()
            .all(|&(sender, receiver, parcel)| w.delivered(sender, receiver, parcel))
    }));
    assert_eq!(
        world.broker.connects, connects,
        "one connection serves both"
    );
    let [first, second] = rooms;
    assert_eq!(
        parcels.map(|(.., parcel)| room_of(&world, parcel)),
        [first, second, second].map(Some)
    );
    let [(.., in_first), (.., in_second), _] = parcels;
    assert_eq!(world.state(FIRST, in_second), None);
    assert_eq!(world.state(SECOND_ROOM, in_first), None);
    assert!(rooms.map(|room| meets(&world, room)) == [true; 2]);
}

#[test]
fn leaving_one_room_leaves_the_other_alone() {
    let (mut world, rooms) = two_rooms();
    world.uplink = Some(1_000_000);
    let parcels = offer_all(&mut world, rooms);
    let [first, second] = rooms;
    let in_first = parcels[0].2;
    let to_first = world.offer(FIRST, &[2_000_000]);
    assert!(
        world.run_until(MINUTE, |w| w.bytes(FIRST, in_first) > 500_000
            && w.bytes(BOTH, to_first) > 100_000)
    );
    let claimed = world.broker.subscriptions("mqdrop/1");
    world.act(BOTH, |engine, now| engine.leave(first, now));
    assert_eq!(world.state(BOTH, in_first), None);
    assert_eq!(world.devices[BOTH].engine().kept().parcels, 2);
    assert_eq!(state(&world, first), ConnectionState::Offline);
    assert_eq!(state(&world, second), ConnectionState::Online);
    world.run_for(2 * SECOND);
    // It said goodbye, and the broker has nothing more to deliver to it from there: neither of the room,
    // nor of what it received.
    assert!(world.devices[FIRST].peers().is_empty());
    assert_eq!(world.broker.subscriptions("mqdrop/1"), claimed - 3);
    for (sender, receiver, parcel) in &parcels[1..] {
        assert!(world.run_until(MINUTE, |w| w.delivered(*sender, *receiver, *parcel)));
    }
    // Transfers that were under way go on when the room is entered again.
    let again = world.enter_too(BOTH, join_as(BOTH));
    assert!(again != first && meets(&world, second));
    world.act(BOTH, |engine, now| engine.resume(to_first, now));
    assert!(
        world.run_until(MINUTE, |w| w.delivered(BOTH, FIRST, in_first)
            && w.delivered(FIRST, BOTH, to_first))
    );
    assert_eq!(room_of(&world, in_first), Some(again));
    assert_eq!(
        world.devices[BOTH].engine().rooms().collect::<Vec<_>>(),
        [second, again]
    );
}

#[test]
fn both_rooms_are_back_after_the_connection_was_lost() {
    let (mut world, rooms) = two_rooms();
    world.uplink = Some(1_000_000);
    let parcels = offer_all(&mut world, rooms);
    assert!(world.run_until(MINUTE, |w| {
        parcels
            .iter()
            .all(|&(_, receiver, parcel)| w.bytes(receiver, parcel) > 100_000)
    }));
    world.cut_off.insert(BOTH);
    world.cut(BOTH);
    world.run_for(5 * SECOND);
    assert!(
        rooms
            .iter()
            .all(|&room| state(&world, room) != ConnectionState::Online)
    );
    assert_eq!(
        world.state(BOTH, parcels[0].2),
        Some(TransferState::Waiting)
    );
    world.cut_off.clear();
    assert!(world.run_until(MINUTE, |w| {
        parcels
            .iter()
            .all(|&(sender, receiver, parcel)| w.delivered(sender, receiver, parcel))
    }));
    assert!(
        rooms
            .iter()
            .all(|&room| state(&world, room) == ConnectionState::Online)
    );
}

#[test]
fn the_broker_says_in_the_first_room_who_is_lost_and_silence_does_in_the_others() {
    let (mut world, [first, _]) = two_rooms();
    let lose = |world: &mut World| {
        world.cut_off.insert(BOTH);
        world.cut(BOTH);
        world.run_for(20 * SECOND);
    };
    lose(&mut world);
    assert!(world.devices[FIRST].peers().is_empty());
    assert_eq!(world.devices[SECOND_ROOM].peers().len(), 1);
    world.run_for(90 * SECOND);
    assert!(world.devices[SECOND_ROOM].peers().is_empty());
    // Without the first room, the next one is the first.
    world.cut_off.clear();
    assert!(world.run_until(MINUTE, |w| w.devices[SECOND_ROOM].peers().len() == 1));
    world.act(BOTH, |engine, now| engine.leave(first, now));
    world.cut(BOTH);
    world.run_for(MINUTE);
    lose(&mut world);
    assert!(world.devices[SECOND_ROOM].peers().is_empty());
}

#[test]
fn a_room_that_is_refused_leaves_the_others_alone() {
    let faults = Faults {
        unsubscribable: Some(PREFIX),
        ..Faults::default()
    };
    let mut world = room_with(2, faults);
    let first = world.devices[BOTH].room();
    let refused = world.enter_too(BOTH, second(BOTH));
    world.run_for(2 * SECOND);
    assert_eq!(state(&world, refused), ConnectionState::Error);
    assert_eq!(state(&world, first), ConnectionState::Online);
    let parcel = world.offer_in(BOTH, first, &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(BOTH, FIRST, parcel)));
    // A change at the broker counts from the next connection on.
    world.broker.faults.unsubscribable = None;
    world.cut(BOTH);
    assert!(world.run_until(MINUTE, |w| {
        [first, refused]
            .iter()
            .all(|&room| state(w, room) == ConnectionState::Online)
    }));
}

#[test]
fn one_engine_is_at_one_broker_and_once_in_each_room() {
    let mut world = room(1);
    let elsewhere = Join {
        broker: "ws://another".into(),
        ..second(BOTH)
    };
    let as_another = Join {
        login: Some(Login {
            username: "ann".into(),
            password: "secret".into(),
        }),
        ..second(BOTH)
    };
    for (join, error) in [
        (elsewhere, JoinError::OtherBroker),
        (as_another, JoinError::OtherBroker),
        (join_as(BOTH), JoinError::AlreadyInside),
    ] {
        let joined = world.act(BOTH, |engine, now| engine.join(join, now));
        assert_eq!(joined, Err(error));
    }
    assert_eq!(world.devices[BOTH].engine().rooms().count(), 1);
    world.run_for(MINUTE);
    assert_eq!(world.devices[BOTH].status().state, ConnectionState::Online);
}
