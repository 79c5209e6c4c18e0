//! Persons: what is for one is told to no other, and nobody is somebody else or too many.

use core::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::insider::Member;
use super::ledger::want;
use super::parcel::Parcel;
use super::victim::{Victim, secret};
use crate::identity::PUBLIC;
use crate::ids::{ParcelId, PersonId, Token};
use crate::message::{Body, EndReason, MAX_MESSAGE, Message, ParcelRef, PeopleList};
use crate::people::PassedOn;
use crate::person::PersonKey;
use mqdrop_core::view::{PersonView, TransferState};
use mqdrop_core::{Audience, Entry, Notice, SocketClose};

/// All messages that these members can read, of those that the victim published.
fn read(members: &[&Member], published: &[(String, Vec<u8>)]) -> Vec<Body> {
    let to_room = members[0].read_room(published);
    let to_them = members.iter().flat_map(|member| member.read(published));
    to_room.into_iter().chain(to_them).collect()
}

/// Whether a message tells of a parcel.
fn tells_of(body: &Body, parcel: ParcelId) -> bool {
    let body = body.clone();
    let bytes = Message { counter: 0, body }.encode();
    bytes.windows(10).any(|part| part == parcel.0)
}

fn person(victim: &Victim, name: &str) -> PersonView {
    let people = victim.engine().people(victim.room);
    let person = people.into_iter().find(|person| person.name == name);
    person.unwrap()
}

/// The victim offers a file to one person alone.
fn offers_to(victim: &mut Victim, name: &str) -> ParcelId {
    let room = victim.room;
    let to = Audience::Persons(vec![person(victim, name).person.parse().unwrap()]);
    let entry = Entry {
        path: "secret.txt".into(),
        size: 40_000,
        modified: None,
        mime: String::new(),
    };
    let offered = victim.act(|engine, now| engine.offer_files(room, vec![entry], to, now));
    offered.unwrap().to_string().parse().unwrap()
}

#[test]
fn what_is_for_one_person_is_told_to_no_other() {
    let mut victim = Victim::online();
    let mut ann = Member::in_room(2, &mut victim);
    let mut eve = Member::in_room(3, &mut victim);
    victim.acknowledge_all();
    let parcel = offers_to(&mut victim, "Member 2");
    let mut published = victim.published();
    let offers = |body: &Body| matches!(body, Body::Offer(_)) && tells_of(body, parcel);
    assert!(ann.read(&published).iter().any(offers));
    // All that is said of it afterwards.
    let theirs = parcel.to_string().parse().unwrap();
    victim.act(|engine, now| engine.pause(theirs, now));
    victim.act(|engine, now| engine.resume(theirs, now));
    ann.tell(&mut victim, want(parcel, [], 1000));
    published.extend(victim.published());
    victim.acknowledge_all();
    // Somebody who comes in now.
    let late = Member::in_room(4, &mut victim);
    // One who asks for what it cannot know of is answered as if there were no such parcel.
    let unknown = ParcelId([7; 10]);
    let mut answers = [parcel, unknown].map(|of| {
        let reference = ParcelRef {
            parcel: of,
            token: Some(Token([0; 16])),
        };
        let ending = EndReason::ByUser.ending(of);
        let asks = [
            want(of, [], 1000),
            Body::Seen(reference),
            Body::Decline(ending.clone()),
            Body::Cancel(ending),
        ];
        let mut answers = Vec::new();
        for body in asks {
            eve.tell(&mut victim, body);
            let said = victim.published();
            answers.extend(eve.read(&said));
            published.extend(said.into_iter().filter(|(topic, _)| {
                let own = format!("i/{}", eve.device());
                *topic != own
            }));
            victim.acknowledge_all();
        }
        answers
    });
    for (body, of) in answers
        .iter_mut()
        .zip([parcel, unknown])
        .flat_map(|(all, of)| all.iter_mut().map(move |body| (body, of)))
    {
        assert_eq!(*body, Body::Cancel(EndReason::Unknown.ending(of)));
    }
    assert_eq!(answers[0].len(), answers[1].len());
    victim.act(|engine, now| engine.cancel(theirs, now));
    published.extend(victim.published());
    let told = read(&[&eve, &late], &published);
    assert!(
        told.iter()
            .any(|body| matches!(body, Body::Alive(_) | Body::Hello(_)))
    );
    assert!(!told.iter().any(|body| tells_of(body, parcel)), "{told:?}");
    let topic = format!("d/{parcel}");
    let is_elsewhere = |(tail, payload): &(String, Vec<u8>)| {
        *tail != topic && payload.windows(10).any(|part| part == parcel.0)
    };
    assert!(!published.iter().any(is_elsewhere));
}

#[test]
fn who_is_muted_does_not_come_back_without_a_card() {
    let mut victim = Victim::online();
    let known = Member::in_room(2, &mut victim);
    let id: PersonId = person(&victim, "Member 2").person.parse().unwrap();
    assert_eq!(id, known.card("").id());
    victim.mute(id);
    let offered = victim.offer_text("for everyone").unwrap();
    victim.acknowledge_all();
    // Another device, which says nothing of itself.
    let mut nobody = Member::new(3);
    let mut parcel = Parcel::new(&nobody, 5);
    parcel.offer.text = true;
    nobody.tell(&mut victim, Body::Offer(parcel.offer.clone()));
    assert!(victim.view(parcel.id()).is_none());
    let asked = nobody.read(&victim.published());
    assert!(matches!(&asked[..], [Body::Hello(_)]), "{asked:?}");
    victim.acknowledge_all();
    nobody.tell(&mut victim, want(offered, [], 1000));
    assert!(victim.view(offered).unwrap().receivers.is_empty());
}

#[test]
fn a_device_that_turns_out_to_be_of_somebody_muted_is_silenced() {
    let mut victim = Victim::online();
    let mut first = Member::in_room(2, &mut victim);
    victim.mute(first.card("").id());
    let mut second = Member::new(3);
    second.person = first.person;
    second.introduce(&mut victim, "Member 2");
    let parcel = Parcel::new(&second, 5);
    for device in [&mut first, &mut second] {
        device.tell(&mut victim, Body::Offer(parcel.offer.clone()));
        assert!(victim.view(parcel.id()).is_none());
    }
    assert!(victim.peers().iter().all(|peer| peer.muted));
}

#[test]
fn crowds_of_newcomers_are_told_little_and_fill_no_memory() {
    let mut victim = Victim::online();
    for seed in 10..60 {
        let mut member = Member::new(seed);
        member.introduce(&mut victim, &format!("{seed}{}", "x".repeat(60)));
        member.tell_room(&mut victim, Body::Gone);
        victim.acknowledge_all();
    }
    // While the broker acknowledges nothing, all of it would wait.
    let mut lists = 0;
    for seed in 0..1000u32 {
        let mut newcomer = Member::numbered(1000 + seed);
        let hello = newcomer.hello("newcomer");
        newcomer.tell_room(&mut victim, hello);
        let published = victim.published();
        lists += newcomer
            .read(&published)
            .iter()
            .filter(|it| matches!(it, Body::People(_)))
            .count();
        for (_, payload) in &published {
            assert!(payload.len() <= MAX_MESSAGE);
        }
    }
    let more = victim.acknowledge_all();
    // 50 cards go in two parts, to 32 newcomers at once; and each newcomer is asked whether it is here.
    assert!(lists <= 64 && more <= 1000 + 64 + 50, "{lists} {more}");
}

#[test]
fn invented_persons_neither_spread_nor_crowd_out_those_who_were_met() {
    let mut victim = Victim::online();
    let mut liar = Member::in_room(2, &mut victim);
    victim.acknowledge_all();
    for part in 0..100u8 {
        let persons = (0..30u8).map(|number| {
            let mut profile = [9; 32];
            (profile[0], profile[1]) = (part, number);
            let device = [4; PUBLIC];
            let room = secret().room;
            PassedOn {
                device,
                age: 0,
                card: PersonKey::new(&profile, &room).card(&room, &device, "Ann".into(), 0),
            }
        });
        let persons = persons.collect();
        liar.tell(&mut victim, Body::People(PeopleList { part, persons }));
    }
    let people = victim.engine().people(victim.room);
    let told = people.iter().filter(|person| person.is_told).count();
    assert_eq!(told, 8 * 30, "eight parts of one device are listened to");
    let mut newcomer = Member::new(77);
    let hello = newcomer.hello("newcomer");
    newcomer.tell_room(&mut victim, hello);
    let said = newcomer.read(&victim.published());
    assert!(
        !said.iter().any(|body| matches!(body, Body::People(_))),
        "{said:?}"
    );
}

#[test]
fn a_sender_is_told_apart_from_one_who_took_its_name() {
    let mut victim = Victim::online();
    let mut ann = Member::new(2);
    ann.introduce(&mut victim, "Ann");
    let mut mallory = Member::new(3);
    mallory.introduce(&mut victim, "ANN");
    for (member, is_namesake) in [(&mut ann, false), (&mut mallory, true)] {
        let parcel = Parcel::new(member, 5 + u8::from(is_namesake));
        member.tell(&mut victim, Body::Offer(parcel.offer.clone()));
        let view = victim.view(parcel.id()).unwrap();
        assert_eq!(view.state, TransferState::Offered);
        assert_eq!(view.from.is_namesake, is_namesake);
    }
}

#[test]
fn who_takes_the_name_of_somebody_verified_is_told_of_once() {
    let mut victim = Victim::online();
    let mut ann = Member::new(2);
    ann.introduce(&mut victim, "Ann");
    let (room, id) = (victim.room, person(&victim, "Ann").person.parse().unwrap());
    victim.act(|engine, now| engine.verify(room, id, true, now));
    assert_eq!(victim.notices, []);
    let mut mallory = Member::new(3);
    for _ in 0..2 {
        mallory.introduce(&mut victim, "ann");
        mallory.tell_room(&mut victim, Body::Gone);
    }
    ann.introduce(&mut victim, "Ann");
    assert_eq!(victim.notices, [Notice::Imitator("ann".into())]);
}

#[test]
fn times_are_those_of_the_clock_after_the_machine_slept() {
    let mut victim = Victim::online();
    victim.close(SocketClose::Closed { code: None });
    victim.wait(Duration::from_secs(60));
    assert!(victim.is_opening());
    victim.wall = 8 * 3600 * 1000;
    victim.admit();
    let _ = Member::in_room(2, &mut victim);
    assert!(person(&victim, "Member 2").seen.abs_diff(victim.wall) < 1000);
}
