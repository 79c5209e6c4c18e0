//! Persons: who is here, who was, and what of it outlives a restart.

use mqdrop_core::view::{PersonView, TransferState};
use mqdrop_core::{Audience, AutoAccept, Join, OfferError, PersonId};
use mqdrop_sim::faults::Faults;
use mqdrop_sim::{MINUTE, SECOND, World, join_as};

/// Devices whose names are told apart.
fn room(count: usize) -> World {
    let mut world = World::new(1, Faults::default());
    for place in 0..count {
        world.join_as(join_as(place));
    }
    world
}

/// The persons that a device knows, as its page shows them.
fn people(world: &World, device: usize) -> Vec<PersonView> {
    world.devices[device].people.clone()
}

/// The names of those that a device knows and that are here, or are not.
fn names(world: &World, device: usize, here: bool) -> Vec<String> {
    let people = people(world, device).into_iter();
    let mut names: Vec<String> = people
        .filter(|person| person.is_here == here)
        .map(|person| person.name)
        .collect();
    names.sort();
    names
}

/// The way in of another device of the person whose device has this place.
fn as_person(place: usize) -> Join {
    let mut join = join_as(place);
    join.profile.secret = [7; 32];
    join
}

#[test]
fn a_reload_is_the_same_person_and_the_former_device_is_gone_at_once() {
    let mut world = room(1);
    let before = world.join_as(as_person(1));
    assert!(world.run_until(MINUTE, |w| names(w, 0, true) == ["device 1"]));
    let former = world.devices[0].peers()[0].device.parse().ok();
    // Without a word: the broker says so later.
    world.cut_off.insert(before);
    let after = world.join_as(Join {
        former,
        ..as_person(1)
    });
    assert!(world.run_until(5 * SECOND, |w| {
        let peers = w.devices[0].peers();
        peers.len() == 1 && peers[0].device.parse().ok() != former
    }));
    assert_eq!(people(&world, 0).len(), 1);
    assert_ne!(before, after);
}

#[test]
fn nobody_sends_away_a_device_of_another_person() {
    let mut world = room(2);
    assert!(world.run_until(MINUTE, |w| names(w, 0, true) == ["device 1"]));
    let former = world.devices[0].peers()[0].device.parse().ok();
    world.join_as(Join {
        former,
        ..as_person(2)
    });
    assert!(world.run_until(MINUTE, |w| names(w, 0, true).len() == 2));
    // Its next refresh would bring it back.
    let is_away = |w: &World| names(w, 0, true) != ["device 1", "device 2"];
    assert!(!world.run_until(MINUTE, is_away));
}

#[test]
fn a_device_that_is_said_to_be_gone_and_is_not_says_that_it_is_here() {
    let mut world = room(1);
    let first = world.join_as(as_person(1));
    assert!(world.run_until(MINUTE, |w| names(w, 0, true).len() == 1));
    // A tab that was duplicated has what the other one remembers of itself.
    let former = world.devices[0].peers()[0].device.parse().ok();
    world.join_as(Join {
        former,
        ..as_person(1)
    });
    assert!(world.run_until(10 * SECOND, |w| w.devices[0].peers().len() == 2));
    assert_eq!(people(&world, 0).len(), 1);
    assert!(world.devices[first].peers().len() == 2);
    // That is said once: both stay, through all that they refresh.
    let is_away = |w: &World| w.devices[0].peers().len() != 2;
    assert!(!world.run_until(3 * MINUTE, is_away));
}

#[test]
fn who_left_is_known_to_those_who_come_later() {
    let mut world = room(3);
    assert!(world.run_until(MINUTE, |w| names(w, 0, true).len() == 2));
    world.act(2, |engine, now| engine.leave_all(now));
    assert!(world.run_until(MINUTE, |w| names(w, 0, false) == ["device 2"]));
    let newcomer = world.join_as(join_as(3));
    assert!(world.run_until(MINUTE, |w| names(w, newcomer, false) == ["device 2"]));
    let told = people(&world, newcomer);
    let told: Vec<_> = told.iter().filter(|person| person.is_told).collect();
    assert_eq!(told.len(), 1);
    let seen = people(&world, 0)
        .into_iter()
        .find(|person| !person.is_here)
        .map(|person| person.seen);
    assert!(
        seen.unwrap().abs_diff(told[0].seen) < 3_000,
        "{seen:?} {told:?}"
    );
}

#[test]
fn persons_are_known_again_after_a_restart_and_stay_muted() {
    let mut world = room(2);
    assert!(world.run_until(MINUTE, |w| names(w, 0, true).len() == 1));
    let (here, muted): (_, PersonId) = (
        world.devices[0].room(),
        world.devices[0].peers()[0].person.parse().unwrap(),
    );
    world.act(0, |engine, now| engine.mute(here, muted, true, now));
    world.run_for(5 * SECOND);
    world.act(1, |engine, now| engine.leave_all(now));
    world.run_for(5 * SECOND);
    world.restart(0, false);
    assert!(world.run_until(MINUTE, |w| names(w, 0, false) == ["device 1"]));
    // Another device of the same person.
    world.enter_as(1, join_as(1));
    assert!(world.run_until(MINUTE, |w| names(w, 0, true).len() == 1));
    assert!(people(&world, 0)[0].muted && world.devices[0].peers()[0].muted);
    world.offer(1, &[1000]);
    let withheld = world.offer(0, &[1000]);
    world.run_for(MINUTE);
    assert_eq!(world.devices[0].shown.len(), 1, "its own");
    // Who is muted may see what is offered to the room, and gets nothing of it.
    let seen = world.devices[1].view(withheld, world.now);
    assert!(seen.is_none_or(|view| view.bytes == 0));
    assert!(!world.delivered(0, 1, withheld));
}

#[test]
fn ones_own_other_devices_are_listed_while_they_are_here() {
    let mut world = World::new(1, Faults::default());
    for place in 0..2 {
        world.join_as(as_person(place));
    }
    let own = |w: &World| people(w, 0).iter().filter(|person| person.is_me).count();
    assert!(world.run_until(MINUTE, |w| own(w) == 1));
    world.act(1, |engine, now| engine.leave_all(now));
    assert!(world.run_until(MINUTE, |w| own(w) == 0));
}

#[test]
fn a_room_of_many_passes_on_cards_a_few_times_only() {
    let mut world = room(30);
    assert!(world.run_until(5 * MINUTE, |w| {
        (0..30).all(|device| names(w, device, true).len() == 29)
    }));
    for gone in 20..30 {
        world.act(gone, |engine, now| engine.leave_all(now));
    }
    assert!(world.run_until(MINUTE, |w| names(w, 0, false).len() == 10));
    world.broker.record = true;
    let before = world.broker.seen.len();
    let newcomer = world.join_as(join_as(40));
    assert!(
        world.run_until(MINUTE, |w| names(w, newcomer, false).len() == 10
            && names(w, newcomer, true).len() == 20)
    );
    // A hello, an answer of each and the answers to those, two lists, and some that show themselves.
    let published = world.broker.seen.len() - before;
    assert!(published < 80, "{published}");
}

/// Three devices that know one another.
fn three() -> World {
    let mut world = room(3);
    assert!(world.run_until(MINUTE, |w| {
        (0..3).all(|device| names(w, device, true).len() == 2)
    }));
    world
}

/// The person of a device, as another one knows it.
fn person_of(world: &World, of: usize, known_by: usize) -> Option<PersonId> {
    let name = format!("device {of}");
    let people = people(world, known_by).into_iter();
    let mut persons = people.filter(|person| person.name == name);
    persons.find_map(|person| person.person.parse().ok())
}

#[test]
fn what_is_for_one_person_reaches_nobody_else() {
    let mut world = three();
    let ben = person_of(&world, 1, 0).unwrap();
    let parcel = world.offer_to(0, Audience::Persons(vec![ben]), &[100_000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    world.run_for(MINUTE);
    assert!(world.devices[2].parcels.is_empty());
    let view = world.devices[1].view(parcel, world.now).unwrap();
    assert_eq!(
        view.from.person,
        person_of(&world, 0, 1).unwrap().to_string()
    );
    assert_eq!(view.to[0].person, ben.to_string());
    let view = world.devices[0].view(parcel, world.now).unwrap();
    assert_eq!(view.to[0].name, "device 1");
    assert_eq!((view.to.len(), view.receivers.len()), (1, 1));
}

#[test]
fn who_comes_later_gets_what_is_for_them_and_nobody_else_does() {
    let mut world = three();
    let ben = person_of(&world, 1, 0).unwrap();
    world.act(1, |engine, now| engine.leave_all(now));
    assert!(world.run_until(MINUTE, |w| names(w, 0, false) == ["device 1"]));
    let parcel = world.offer_to(0, Audience::Persons(vec![ben]), &[100_000]);
    world.run_for(MINUTE);
    // A newcomer is somebody else.
    world.join_as(join_as(3));
    world.run_for(MINUTE);
    assert!(world.devices[3].parcels.is_empty());
    world.enter_as(1, join_as(1));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.devices[2].parcels.is_empty() && world.devices[3].parcels.is_empty());
}

#[test]
fn all_devices_of_a_person_are_meant() {
    let mut world = room(1);
    world.join_as(as_person(1));
    world.join_as(as_person(2));
    world.join_as(join_as(3));
    assert!(world.run_until(MINUTE, |w| w.devices[0].peers().len() == 3));
    let both = people(&world, 0)
        .into_iter()
        .find(|person| person.name != "device 3")
        .unwrap();
    let to = Audience::Persons(vec![both.person.parse().unwrap()]);
    let parcel = world.offer_to(0, to, &[1000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)
        && w.delivered(0, 2, parcel)));
    assert!(world.devices[3].parcels.is_empty());
}

#[test]
fn a_parcel_for_one_person_is_paused_resumed_and_cancelled_there() {
    let mut world = three();
    world.uplink = Some(500_000);
    let ben = person_of(&world, 1, 0).unwrap();
    let parcel = world.offer_to(0, Audience::Persons(vec![ben]), &[2_000_000]);
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Active)));
    world.act(0, |engine, now| engine.pause(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Waiting)
        || w.state(1, parcel) == Some(TransferState::Paused)));
    world.act(0, |engine, now| engine.resume(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Active)));
    world.act(0, |engine, now| engine.cancel(parcel, now));
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Cancelled)));
}

#[test]
fn whom_it_is_for_outlives_a_restart_of_the_sender() {
    let mut world = three();
    world.uplink = Some(500_000);
    let ben = person_of(&world, 1, 0).unwrap();
    let parcel = world.offer_to(0, Audience::Persons(vec![ben]), &[2_000_000]);
    assert!(world.run_until(MINUTE, |w| w.state(1, parcel)
        == Some(TransferState::Active)));
    world.run_for(SECOND);
    world.restart(0, false);
    world.choose_again(0);
    assert!(world.run_until(5 * MINUTE, |w| w.delivered(0, 1, parcel)));
    assert!(world.devices[2].parcels.is_empty());
}

#[test]
fn nothing_is_sent_to_nobody_or_to_strangers() {
    let mut world = three();
    let room = world.devices[0].room();
    let stranger: PersonId = "aaaaaaaaaaaaaaaa".parse().unwrap();
    for persons in [vec![], vec![stranger]] {
        let offered = world.act(0, |engine, now| {
            engine.offer_text(room, "hello", Audience::Persons(persons), now)
        });
        assert_eq!(offered, Err(OfferError::UnknownPerson));
    }
}

#[test]
fn what_is_for_those_present_is_for_nobody_who_comes_later() {
    let mut world = three();
    let room = world.devices[0].room();
    let text = world.act(0, |engine, now| {
        engine.offer_text(room, "hello", Audience::Present, now)
    });
    let text = text.unwrap();
    world.uplink = Some(500_000);
    let files = world.offer_to(0, Audience::Present, &[2_000_000]);
    let is_under_way = |w: &World| w.state(1, files) == Some(TransferState::Active);
    assert!(world.run_until(MINUTE, is_under_way));
    let late = world.join_as(join_as(3));
    world.run_for(SECOND);
    world.restart(0, false);
    world.choose_again(0);
    assert!(world.run_until(5 * MINUTE, |w| w.delivered(0, 1, files)
        && w.delivered(0, 2, files)));
    assert!(world.devices[1].parcels.len() == 2 && text != files);
    assert!(world.devices[late].parcels.is_empty());
}

#[test]
fn what_is_for_those_present_is_for_whoever_comes_if_nobody_is() {
    let mut world = room(1);
    world.run_for(SECOND);
    let parcel = world.offer_to(0, Audience::Present, &[1000]);
    world.join_as(join_as(1));
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
}

#[test]
fn only_those_whose_key_is_known_are_accepted_unasked_if_the_user_says_so() {
    let mut world = three();
    world.devices[0].accepts = false;
    let here = world.devices[0].room();
    world.act(0, |engine, now| {
        engine.set_auto_accept(here, AutoAccept::Verified, now);
    });
    let (first, other) = (world.offer(1, &[1000]), world.offer(2, &[1000]));
    let asks = |w: &World, parcel| w.state(0, parcel) == Some(TransferState::Offered);
    assert!(world.run_until(MINUTE, |w| asks(w, first) && asks(w, other)));
    let ben = person_of(&world, 1, 0).unwrap();
    // What waits is accepted then, and what comes later.
    world.act(0, |engine, now| engine.verify(here, ben, true, now));
    assert!(world.run_until(MINUTE, |w| w.delivered(1, 0, first)));
    let second = world.offer(1, &[1000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(1, 0, second)));
    assert!(asks(&world, other));
    world.act(0, |engine, now| {
        engine.set_auto_accept(here, AutoAccept::All, now);
    });
    assert!(world.run_until(MINUTE, |w| w.delivered(2, 0, other)));
}

#[test]
fn a_text_is_not_taken_where_nobody_would_read_it() {
    let mut world = room(2);
    let blind = world.join_as(Join {
        takes_texts: false,
        ..join_as(2)
    });
    assert!(world.run_until(MINUTE, |w| names(w, 0, true).len() == 2));
    let here = world.devices[0].room();
    let text = world.act(0, |engine, now| {
        engine.offer_text(here, "hello", Audience::Room, now)
    });
    let text = text.unwrap();
    let has_it = |w: &World| w.state(1, text) == Some(TransferState::Done);
    assert!(world.run_until(MINUTE, has_it));
    let files = world.offer(0, &[1000]);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, blind, files)));
    assert_eq!(world.state(blind, text), None);
}
