//! The persons of a room: everyone who was ever here, as far as this profile knows.

mod known;

use litemap::LiteMap;
use minicbor::{Decode, Encode};

use self::known::{Person, read, write};
use crate::identity::PUBLIC;
use crate::ids::{PersonId, base32};
use crate::keys::normalise;
use crate::names;
use crate::order::ordered;
use crate::person::{Card, person_of};
use crate::view::{PersonName, PersonView, Verified};

/// The most persons that are kept in mind; a room member could invent any number.
const MAX_PERSONS: usize = 1024;
/// The most of them that are known by others' word alone.
const MAX_TOLD: usize = 320;

/// A card as it is passed on: with the device that it fits and the age of the last word of its person.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PassedOn {
    /// The public key of the device that the card fits.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) device: [u8; PUBLIC],
    /// How many seconds ago its person was heard of.
    #[n(1)]
    pub(crate) age: u64,
    #[n(2)]
    pub(crate) card: Card,
}

/// Puts two records of one room into one, for drivers whose devices keep theirs in one place: of each
/// person the newest card, the user's latest decisions, and everything else from whichever knows more.
#[must_use]
pub fn merge_people(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut people = People::default();
    people.merge(one, String::clone);
    people.merge(other, String::clone);
    people.record()
}

#[derive(Default)]
pub(crate) struct People {
    /// This profile's own person.
    me: Option<PersonId>,
    own_name: String,
    /// The same in the form in which names are compared.
    own_normal: String,
    persons: LiteMap<PersonId, Person>,
}

impl People {
    /// The persons of a record that this profile kept of the room; nobody if it is damaged.
    pub(crate) fn restore(record: &[u8], own: &Card) -> Self {
        let mut people = Self {
            me: Some(own.id()),
            own_name: names::device_name(&own.name),
            own_normal: normal(&own.name),
            persons: LiteMap::new(),
        };
        people.merge(record, |name| normal(name));
        people
    }

    /// The record of everyone, for the next time.
    pub(crate) fn record(&self) -> Vec<u8> {
        write(self.persons.values().cloned().collect())
    }

    /// A device showed this card, which is right for its key, at `wall` (ms since 1970).
    /// `here`, in order, are those that have a device in the room.
    pub(crate) fn meet(
        &mut self,
        card: &Card,
        device: &[u8; PUBLIC],
        wall: u64,
        here: impl FnOnce() -> Vec<PersonId>,
    ) {
        let id = card.id();
        if !self.persons.contains_key(&id) {
            if self.persons.len() >= MAX_PERSONS {
                self.make_room(MAX_PERSONS - 1, &here());
            }
            if self.persons.len() >= MAX_PERSONS {
                return;
            }
        }
        let known = self.persons.entry(id);
        let known = known.or_insert_with(|| Person::new(card, device, wall));
        known.take_card(card, device);
        known.see(wall);
    }

    /// Another member passed a card on, which is right. Whether that is news.
    pub(crate) fn hear_of(&mut self, passed: &PassedOn, wall: u64) -> bool {
        let told = wall.saturating_sub(passed.age.saturating_mul(1000));
        let id = passed.card.id();
        if let Some(known) = self.persons.get_mut(&id) {
            let is_newer = known.take_card(&passed.card, &passed.device);
            return known.hear(told) || is_newer;
        }
        // Nobody who is only told of pushes out anybody else.
        let by_word = self.persons.values().filter(|person| !person.is_met());
        if self.persons.len() >= MAX_PERSONS || by_word.count() >= MAX_TOLD {
            return false;
        }
        let mut person = Person::new(&passed.card, &passed.device, wall);
        person.hear(told);
        self.persons.insert(id, person);
        true
    }

    /// Takes over what another device of this profile knows; `normal` is the form in which names are
    /// compared.
    fn merge(&mut self, record: &[u8], normal: impl Fn(&String) -> String) {
        for mut person in read(record) {
            let id = person.card.id();
            person.normal = normal(&person.card.name);
            match self.persons.get_mut(&id) {
                Some(known) => known.merge(person),
                None => drop(self.persons.insert(id, person)),
            }
        }
        self.make_room(MAX_PERSONS, &[]);
    }

    /// Has at most so many, but for those who the user decided about and those who are `here`.
    fn make_room(&mut self, most: usize, here: &[PersonId]) {
        while self.persons.len() > most {
            let leaving = self.persons.iter();
            let leaving =
                leaving.filter(|(id, person)| !person.stays() && here.binary_search(id).is_err());
            match leaving.min_by_key(|(_, person)| person.weight()) {
                Some((&id, _)) => drop(self.persons.remove(&id)),
                None => return,
            }
        }
    }

    /// The person was heard of at `wall`.
    pub(crate) fn saw(&mut self, person: PersonId, wall: u64) {
        if let Some(known) = self.persons.get_mut(&person) {
            known.see(wall);
        }
    }

    /// A person by name; this profile's own by the name it has here.
    pub(crate) fn named(&self, person: PersonId) -> PersonName {
        let known = self.persons.get(&person);
        let is_me = self.me == Some(person);
        PersonName {
            person: person.to_string(),
            name: match known {
                _ if is_me => self.own_name.clone(),
                Some(known) => known.name(),
                None => names::device_name(""),
            },
            is_namesake: !is_me && known.is_some_and(|known| self.is_namesake(known)),
            verified: known.map_or(Verified::No, Person::verified),
        }
    }

    /// Tells whether another person keeps this one's name.
    fn is_namesake(&self, person: &Person) -> bool {
        let of_name = |other: &&Person| other.normal == person.normal;
        let mut others = self.persons.values().filter(of_name);
        let precedes = |other: &Person| other.precedence() < person.precedence();
        person.normal == self.own_normal || others.any(precedes)
    }

    /// The name of a person if it is that of another one whose words were compared, and this one's were
    /// not. Says so once.
    pub(crate) fn new_imitator(&mut self, person: PersonId) -> Option<String> {
        let known = self.persons.get(&person)?;
        let of_name = |other: &Person| other.normal == known.normal && other.is_verified_by_name();
        let is_other = |id: &PersonId| *id != person;
        let mut others = self.persons.iter().filter(|(id, _)| is_other(id));
        if known.verified() == Verified::Words || !others.any(|(_, other)| of_name(other)) {
            return None;
        }
        let name = known.name();
        let known = self.persons.get_mut(&person)?;
        let before = known.warned_of.replace(name.clone());
        (before.as_ref() != Some(&name)).then_some(name)
    }

    pub(crate) fn knows(&self, person: PersonId) -> bool {
        self.persons.contains_key(&person)
    }

    pub(crate) fn is_verified(&self, person: PersonId) -> bool {
        let known = self.persons.get(&person);
        known.is_some_and(|known| known.verified() != Verified::No)
    }

    pub(crate) fn is_muted(&self, person: PersonId) -> bool {
        self.persons.get(&person).is_some_and(Person::is_muted)
    }

    /// The user wants to hear nothing of a person, or to hear it again. Whether that changed anything.
    pub(crate) fn mute(&mut self, person: PersonId, muted: bool, wall: u64) -> bool {
        let known = self.persons.get_mut(&person);
        known.is_some_and(|known| known.mute(muted, wall))
    }

    /// The user compared the person's words, or takes that back. Whether that changed anything.
    pub(crate) fn verify(&mut self, person: PersonId, verified: bool, wall: u64) -> bool {
        let how = match verified {
            true => Verified::Words,
            false => Verified::No,
        };
        let known = self.persons.get_mut(&person);
        known.is_some_and(|known| known.verify(how, wall))
    }

    /// The user came by the person's link. That says nothing new once the user decided.
    pub(crate) fn verify_by_link(&mut self, person: PersonId, wall: u64) {
        if let Some(known) = self.persons.get_mut(&person)
            && !known.is_decided()
        {
            known.verify(Verified::Link, wall);
        }
    }

    /// Cards for a newcomer, those seen last first. Only of those who this profile met itself: what
    /// somebody invented is not passed on.
    pub(crate) fn to_pass_on(&self, wall: u64) -> Vec<PassedOn> {
        let met = self.persons.values();
        let met: Vec<(u64, &Person)> = met
            .filter_map(|person| Some((person.age(wall)?, person)))
            .collect();
        let met = ordered(met, |(one, _), (other, _)| one.cmp(other));
        let passed = met.into_iter().map(|(age, person)| PassedOn {
            device: person.device,
            age: age / 1000,
            card: person.card.clone(),
        });
        passed.collect()
    }

    /// Everyone; `here`, in order, are those that have a device in the room.
    pub(crate) fn views(&self, here: &[PersonId]) -> Vec<PersonView> {
        let all: Vec<(PersonId, &Person)> = self.persons.iter().map(|(id, it)| (*id, it)).collect();
        let all = ordered(all, |(_, one), (_, other)| {
            let order = one.normal.cmp(&other.normal);
            order.then_with(|| one.precedence().cmp(&other.precedence()))
        });
        let mut views: Vec<(u64, PersonView)> = Vec::with_capacity(all.len());
        let mut before: Option<&Person> = None;
        for (id, person) in all {
            let keeps_name = before
                .replace(person)
                .is_none_or(|it| it.normal != person.normal);
            let is_here = here.binary_search(&id).is_ok();
            let is_me = self.me == Some(id);
            if is_me && !is_here {
                continue;
            }
            let view = PersonView {
                person: id.to_string(),
                key: base32(&person.card.person),
                name: person.name(),
                is_me,
                is_namesake: !is_me && (!keeps_name || person.normal == self.own_normal),
                is_here,
                seen: person.seen(),
                is_told: !person.is_met(),
                muted: person.is_muted(),
                verified: person.verified(),
            };
            views.push((person.first, view));
        }
        let views = ordered(views, |(one, a), (other, b)| {
            one.cmp(other).then_with(|| a.person.cmp(&b.person))
        });
        views.into_iter().map(|(_, view)| view).collect()
    }
}

/// Tells whether two names look the same: letter case, spaces and dashes make no difference.
#[must_use]
pub fn is_same_name(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// The form in which names are equal if they look the same.
fn normal(name: &str) -> String {
    let name = names::device_name(name);
    normalise(&name).unwrap_or(name)
}

impl PassedOn {
    /// The person whose card it is, if the card is right in this room.
    pub(crate) fn person(&self, room: &[u8; 16]) -> Option<PersonId> {
        let is_right = self.card.is_right(room, &self.device);
        is_right.then(|| person_of(&self.card.person))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::PersonKey;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ROOM: [u8; 16] = [3; 16];
    const DEVICE: [u8; PUBLIC] = [4; PUBLIC];

    /// The card of the person of this number.
    fn card(number: u16, name: &str, named: u64) -> Card {
        let mut profile = [0; 32];
        profile[..2].copy_from_slice(&number.to_be_bytes());
        PersonKey::new(&profile, &ROOM).card(&ROOM, &DEVICE, name.into(), named)
    }

    fn people() -> People {
        People::restore(&[], &card(0, "Me", 0))
    }

    fn view<'a>(views: &'a [PersonView], card: &Card) -> &'a PersonView {
        let id = card.id().to_string();
        views.iter().find(|view| view.person == id).unwrap()
    }

    #[test]
    fn the_newest_card_names_a_person() {
        let mut people = people();
        let (old, new) = (card(1, "Ann", 1), card(1, "Anna", 2));
        people.meet(&new, &DEVICE, 1000, Vec::new);
        people.meet(&old, &DEVICE, 2000, Vec::new);
        assert_eq!(people.named(new.id()).name, "Anna");
        assert_eq!(people.views(&[])[0].seen, 2000);
    }

    #[test]
    fn who_is_known_first_keeps_the_name_unless_another_one_is_verified() {
        let mut people = people();
        let (first, second, third) = (card(1, "Ann", 1), card(2, "ann ", 1), card(3, "me", 1));
        for (at, card) in [(10, &first), (20, &second), (30, &third)] {
            people.meet(card, &DEVICE, at, Vec::new);
        }
        let namesakes = |people: &People| {
            let views = people.views(&[]);
            [&first, &second, &third].map(|card| view(&views, card).is_namesake)
        };
        assert_eq!(namesakes(&people), [false, true, true]);
        assert!(people.verify(second.id(), true, 40));
        assert_eq!(namesakes(&people), [true, false, true]);
        let one_by_one = [&first, &second, &third].map(|card| people.named(card.id()).is_namesake);
        assert_eq!(one_by_one, namesakes(&people));
        // Not under a name that is another's.
        people.meet(&card(2, "me", 2), &DEVICE, 50, Vec::new);
        assert_eq!(namesakes(&people), [false, true, true]);
        people.meet(&card(4, "Ben", 1), &DEVICE, 60, Vec::new);
        people.meet(&card(2, "ben", 3), &DEVICE, 70, Vec::new);
        assert!(!people.named(second.id()).is_namesake);
    }

    #[test]
    fn a_link_verifies_once_and_takes_no_name_from_anybody() {
        let mut people = people();
        let (known, invites) = (card(1, "Ann", 1), card(2, "Ann", 1));
        people.meet(&known, &DEVICE, 10, Vec::new);
        people.meet(&invites, &DEVICE, 20, Vec::new);
        people.verify_by_link(invites.id(), 30);
        let named = people.named(invites.id());
        assert_eq!((named.is_namesake, named.verified), (true, Verified::Link));
        assert!(!people.named(known.id()).is_namesake);
        people.verify(invites.id(), false, 40);
        people.verify_by_link(invites.id(), 50);
        assert_eq!(people.named(invites.id()).verified, Verified::No);
    }

    #[test]
    fn a_record_brings_everyone_back() {
        let mut people = people();
        let (ann, ben) = (card(1, "Ann", 1), card(2, "Ben", 1));
        people.meet(&ann, &DEVICE, 10, Vec::new);
        let passed = PassedOn {
            device: DEVICE,
            age: 2,
            card: ben.clone(),
        };
        assert_eq!(passed.person(&ROOM), Some(ben.id()));
        people.hear_of(&passed, 9_000);
        assert!(people.mute(ben.id(), true, 1) && !people.mute(ben.id(), true, 2));
        let again = People::restore(&people.record(), &card(0, "Me", 0));
        let views = again.views(&[]);
        assert_eq!(views, people.views(&[]));
        assert!(view(&views, &ben).is_told && view(&views, &ben).muted);
        assert_eq!(view(&views, &ben).seen, 7_000);
        let damaged = People::restore(&people.record()[1..], &card(0, "Me", 0));
        assert!(damaged.views(&[]).is_empty());
    }

    #[test]
    fn two_records_become_one() {
        let [mut one, mut other] = [people(), people()];
        let (ann, ben) = (card(1, "Ann", 1), card(2, "Ben", 1));
        one.meet(&ann, &DEVICE, 10, Vec::new);
        other.meet(&card(1, "Anna", 2), &DEVICE, 5, Vec::new);
        other.meet(&ben, &DEVICE, 20, Vec::new);
        other.verify(ann.id(), true, 30);
        let merged = merge_people(&one.record(), &other.record());
        let merged = People::restore(&merged, &card(0, "Me", 0)).views(&[]);
        assert_eq!(merged.len(), 2);
        let ann = view(&merged, &ann);
        assert_eq!(
            (ann.name.as_str(), ann.seen, ann.verified),
            ("Anna", 10, Verified::Words)
        );
    }

    #[test]
    fn of_two_decisions_the_later_one_counts_whichever_record_is_kept_last() {
        let mut one = people();
        let ann = card(1, "Ann", 1);
        one.meet(&ann, &DEVICE, 10, Vec::new);
        let mut other = People::restore(&one.record(), &card(0, "Me", 0));
        one.mute(ann.id(), true, 20);
        other.verify(ann.id(), true, 30);
        let decided = |one: &People, other: &People| {
            let merged = merge_people(&one.record(), &other.record());
            let views = People::restore(&merged, &card(0, "Me", 0)).views(&[]);
            let view = view(&views, &ann).clone();
            (view.muted, view.verified)
        };
        assert_eq!(decided(&one, &other), (true, Verified::Words));
        assert_eq!(decided(&other, &one), (true, Verified::Words));
        other.mute(ann.id(), true, 25);
        other.mute(ann.id(), false, 40);
        assert_eq!(decided(&other, &one), (false, Verified::Words));
    }

    #[test]
    fn what_others_say_is_not_passed_on_and_makes_nobody_seen_here() {
        let mut people = people();
        let (met, told) = (card(1, "Ann", 1), card(2, "Ben", 1));
        people.meet(&met, &DEVICE, 10_000, Vec::new);
        for (card, age) in [(&met, 5), (&told, 5)] {
            let card = card.clone();
            people.hear_of(
                &PassedOn {
                    device: DEVICE,
                    age,
                    card,
                },
                100_000,
            );
        }
        let passed = people.to_pass_on(110_000);
        let passed: Vec<_> = passed.iter().map(|it| (it.card.id(), it.age)).collect();
        assert_eq!(passed, [(met.id(), 100)]);
        assert!(people.views(&[]).iter().all(|view| view.seen == 95_000));
    }

    #[test]
    fn a_friend_who_is_away_is_not_forgotten_for_those_who_are_there_briefly() {
        let mut people = people();
        let friend = card(1, "Ann", 1);
        people.meet(&friend, &DEVICE, 1, Vec::new);
        people.saw(friend.id(), 3_600_000);
        for number in 2..3000 {
            people.meet(&card(number, "Ann", 0), &DEVICE, 4_000_000, Vec::new);
        }
        assert_eq!(people.persons.len(), MAX_PERSONS);
        assert!(people.knows(friend.id()));
    }

    #[test]
    fn invented_persons_push_out_neither_those_met_nor_those_decided_about() {
        let mut people = people();
        let (met, muted) = (card(1, "Ann", 1), card(2, "Ben", 1));
        people.meet(&met, &DEVICE, 1, Vec::new);
        let told = |card: Card| PassedOn {
            device: DEVICE,
            age: 0,
            card,
        };
        people.hear_of(&told(muted.clone()), 1);
        people.mute(muted.id(), true, 1);
        for number in 3..1100 {
            people.hear_of(&told(card(number, &"x".repeat(256), 0)), 1_000_000);
        }
        assert_eq!(people.persons.len(), 1 + MAX_TOLD);
        // Nor do those that come push out those who are here.
        for number in 1100..3000 {
            let name = format!("{number}{}", "y".repeat(252));
            people.meet(&card(number, &name, 0), &DEVICE, 2_000_000, || {
                vec![met.id()]
            });
            people.verify(card(number, "", 0).id(), true, 0);
        }
        assert_eq!(people.persons.len(), MAX_PERSONS);
        assert!(people.knows(met.id()) && people.knows(muted.id()));
        assert!(people.record().len() < known::MAX_RECORD);
    }
}
