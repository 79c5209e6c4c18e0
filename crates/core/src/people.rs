//! The persons of a room: everyone who was ever here, as far as this profile knows.

use litemap::LiteMap;
use minicbor::{Decode, Encode};

use crate::identity::PUBLIC;
use crate::ids::{PersonId, base32};
use crate::keys::normalise;
use crate::names;
use crate::order::ordered;
use crate::person::{Card, person_of};
use crate::view::{PersonName, PersonView};

/// The most persons that are kept in mind; a room member could invent any number.
const MAX_PERSONS: usize = 1024;
/// The longest record that is read, in bytes.
const MAX_RECORD: usize = 512 * 1024;

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

/// What is known of one person.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Person {
    /// The newest card.
    #[n(0)]
    card: Card,
    /// The public key of the device that the card fits.
    #[cbor(n(1), with = "minicbor::bytes")]
    device: [u8; PUBLIC],
    /// When this profile first knew of the person, in ms since 1970.
    #[n(2)]
    first: u64,
    /// When the person was heard of last, in ms since 1970.
    #[n(3)]
    seen: u64,
    /// A device of the person was here at the same time as one of this profile.
    #[n(4)]
    met: bool,
    /// The user wants to hear nothing of the person.
    #[n(5)]
    muted: bool,
    /// The user compared the person's words.
    #[n(6)]
    verified: bool,
    /// The name in the form in which names are compared, which takes a while to make.
    #[cbor(skip)]
    normal: String,
}

impl Person {
    fn name(&self) -> String {
        names::device_name(&self.card.name)
    }

    /// Takes over what is newer; what the user decided last on one device is not known to be later, so
    /// `other` has the last word on that.
    fn merge(&mut self, other: Self) {
        (self.muted, self.verified) = (other.muted, other.verified);
        self.first = self.first.min(other.first);
        self.seen = self.seen.max(other.seen);
        self.met |= other.met;
        if other.card.named >= self.card.named {
            (self.card, self.device) = (other.card, other.device);
            self.normal = other.normal;
        }
    }
}

/// The record as a driver keeps it.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Record {
    #[n(0)]
    persons: Vec<Person>,
}

/// The persons of a record; none if it is damaged.
fn read(record: &[u8]) -> Vec<Person> {
    let read = Some(record).filter(|record| record.len() <= MAX_RECORD);
    let record = read.and_then(|record| minicbor::decode::<Record>(record).ok());
    record.map(|record| record.persons).unwrap_or_default()
}

/// Puts two records of one room into one, for drivers whose devices keep theirs in one place. What the
/// user decided is taken from `newer`, and everything else from whichever knows more.
#[must_use]
pub fn merge_people(older: &[u8], newer: &[u8]) -> Vec<u8> {
    let mut people = People {
        me: PersonId([0; 10]),
        own_name: String::new(),
        persons: LiteMap::new(),
    };
    people.merge(older);
    people.merge(newer);
    people.record()
}

pub(crate) struct People {
    me: PersonId,
    own_name: String,
    persons: LiteMap<PersonId, Person>,
}

impl People {
    /// The persons of a record that this profile kept of the room; nobody if it is damaged.
    pub(crate) fn restore(record: &[u8], own: &Card) -> Self {
        let mut people = Self {
            me: own.id(),
            own_name: names::device_name(&own.name),
            persons: LiteMap::new(),
        };
        people.merge(record);
        people
    }

    /// The record of everyone, for the next time.
    pub(crate) fn record(&self) -> Vec<u8> {
        let record = Record {
            persons: self.persons.values().cloned().collect(),
        };
        // Writing into a Vec cannot fail.
        minicbor::to_vec(record).unwrap_or_default()
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
        self.note(card, device, wall, wall, Some(here));
    }

    /// Another member passed a card on, which is right. Whether that is news.
    pub(crate) fn hear_of(&mut self, passed: &PassedOn, wall: u64) -> bool {
        let seen = wall.saturating_sub(passed.age.saturating_mul(1000));
        let met: Option<fn() -> Vec<PersonId>> = None;
        self.note(&passed.card, &passed.device, seen, wall, met)
    }

    fn note(
        &mut self,
        card: &Card,
        device: &[u8; PUBLIC],
        seen: u64,
        wall: u64,
        met: Option<impl FnOnce() -> Vec<PersonId>>,
    ) -> bool {
        let id = card.id();
        let is_met = met.is_some();
        if let Some(known) = self.persons.get_mut(&id) {
            let is_newer = card.named > known.card.named;
            let is_news = is_newer || (is_met && !known.met) || seen > known.seen;
            if is_newer {
                (known.card, known.device) = (card.clone(), *device);
                known.normal = normal(&card.name);
            }
            known.seen = known.seen.max(seen);
            known.met |= is_met;
            return is_news;
        }
        if self.persons.len() >= MAX_PERSONS {
            // Nobody who is only told of pushes out somebody who was met, and nobody those who are here.
            let here = met.map(|here| here());
            self.make_room(MAX_PERSONS - 1, here.as_deref());
        }
        if self.persons.len() >= MAX_PERSONS {
            return false;
        }
        let person = Person {
            card: card.clone(),
            device: *device,
            first: wall,
            seen,
            met: is_met,
            muted: false,
            verified: false,
            normal: normal(&card.name),
        };
        self.persons.insert(id, person);
        true
    }

    /// Takes over what another device of this profile knows.
    fn merge(&mut self, record: &[u8]) {
        for mut person in read(record) {
            let id = person.card.id();
            person.normal = normal(&person.card.name);
            match self.persons.get_mut(&id) {
                Some(known) => known.merge(person),
                None => drop(self.persons.insert(id, person)),
            }
        }
        self.make_room(MAX_PERSONS, Some(&[]));
    }

    /// Has at most so many, but for those that the user decided something about and those who are `here`;
    /// without these, but for those that were met.
    fn make_room(&mut self, most: usize, here: Option<&[PersonId]>) {
        while self.persons.len() > most {
            let stays = |id: &PersonId, person: &Person| match here {
                Some(here) => here.binary_search(id).is_ok(),
                None => person.met,
            };
            let leaving = self
                .persons
                .iter()
                .filter(|(id, person)| !(person.muted || person.verified || stays(id, person)));
            match leaving.min_by_key(|(_, person)| (person.met, person.seen)) {
                Some((&id, _)) => drop(self.persons.remove(&id)),
                None => return,
            }
        }
    }

    /// The person was heard of at `wall`.
    pub(crate) fn saw(&mut self, person: PersonId, wall: u64) {
        if let Some(known) = self.persons.get_mut(&person) {
            known.seen = known.seen.max(wall);
        }
    }

    /// These persons with their names; this profile's own is among them by the name it has here.
    pub(crate) fn named(&self, persons: &[PersonId]) -> Vec<PersonName> {
        let name = |person: &PersonId| match self.persons.get(person) {
            _ if *person == self.me => self.own_name.clone(),
            Some(known) => known.name(),
            None => names::device_name(""),
        };
        let named = persons.iter().map(|person| PersonName {
            person: person.to_string(),
            name: name(person),
        });
        named.collect()
    }

    pub(crate) fn knows(&self, person: PersonId) -> bool {
        self.persons.contains_key(&person)
    }

    pub(crate) fn is_muted(&self, person: PersonId) -> bool {
        self.persons.get(&person).is_some_and(|known| known.muted)
    }

    /// The user wants to hear nothing of a person, or to hear it again. Whether that changed anything.
    pub(crate) fn mute(&mut self, person: PersonId, muted: bool) -> bool {
        let known = self.persons.get_mut(&person);
        known.is_some_and(|known| std::mem::replace(&mut known.muted, muted) != muted)
    }

    /// The user compared the person's words, or takes that back. Whether that changed anything.
    pub(crate) fn verify(&mut self, person: PersonId, verified: bool) -> bool {
        let known = self.persons.get_mut(&person);
        known.is_some_and(|known| std::mem::replace(&mut known.verified, verified) != verified)
    }

    /// Cards for a newcomer, those heard of last first.
    pub(crate) fn to_pass_on(&self, wall: u64) -> Vec<PassedOn> {
        let others: Vec<&Person> = self.persons.values().collect();
        let others = ordered(others, |one, other| other.seen.cmp(&one.seen));
        let passed = others.into_iter().map(|person| PassedOn {
            device: person.device,
            age: wall.saturating_sub(person.seen) / 1000,
            card: person.card.clone(),
        });
        passed.collect()
    }

    /// Everyone; `here`, in order, are those that have a device in the room.
    pub(crate) fn views(&self, here: &[PersonId]) -> Vec<PersonView> {
        let named: Vec<Named> = self.persons.iter().map(Named::of).collect();
        let named = ordered(named, Named::cmp);
        let mut views: Vec<(u64, PersonView)> = Vec::with_capacity(named.len());
        let own = normal(&self.own_name);
        let mut before: Option<&Named> = None;
        for one in &named {
            let Some(person) = self.persons.get(&one.id) else {
                continue;
            };
            let is_here = here.binary_search(&one.id).is_ok();
            let is_me = one.id == self.me;
            if is_me && !is_here {
                continue;
            }
            let is_namesake = before.is_some_and(|before| before.name == one.name);
            let view = PersonView {
                person: one.id.to_string(),
                key: base32(&person.card.person),
                name: person.name(),
                is_me,
                is_namesake: !is_me && (is_namesake || one.name == own),
                is_here,
                seen: person.seen,
                is_told: !person.met,
                muted: person.muted,
                verified: person.verified,
            };
            views.push((person.first, view));
            if before.is_none_or(|before| before.name != one.name) {
                before = Some(one);
            }
        }
        let views = ordered(views, |(one, a), (other, b)| {
            one.cmp(other).then_with(|| a.person.cmp(&b.person))
        });
        views.into_iter().map(|(_, view)| view).collect()
    }
}

/// A person by name: of those with the same one, the first is the one that keeps it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    name: String,
    is_not_verified: bool,
    first: u64,
    id: PersonId,
}

impl Named {
    fn of((id, person): (&PersonId, &Person)) -> Self {
        Self {
            name: person.normal.clone(),
            is_not_verified: !person.verified,
            first: person.first,
            id: *id,
        }
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
        assert_eq!(people.named(&[new.id()])[0].name, "Anna");
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
        assert!(people.verify(second.id(), true));
        assert_eq!(namesakes(&people), [true, false, true]);
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
        assert!(people.mute(ben.id(), true) && !people.mute(ben.id(), true));
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
        other.verify(ann.id(), true);
        let merged = merge_people(&one.record(), &other.record());
        let merged = People::restore(&merged, &card(0, "Me", 0)).views(&[]);
        assert_eq!(merged.len(), 2);
        let ann = view(&merged, &ann);
        assert_eq!(
            (ann.name.as_str(), ann.seen, ann.verified),
            ("Anna", 10, true)
        );
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
        people.mute(muted.id(), true);
        for number in 3..1100 {
            people.hear_of(&told(card(number, "x", 0)), 1_000_000);
        }
        assert_eq!(people.persons.len(), MAX_PERSONS);
        // Nor do those that come push out those who are here.
        for number in 1100..3000 {
            people.meet(&card(number, "y", 0), &DEVICE, 2_000_000, || vec![met.id()]);
        }
        assert_eq!(people.persons.len(), MAX_PERSONS);
        assert!(people.knows(met.id()) && people.knows(muted.id()));
        assert!(people.record().len() < MAX_RECORD);
    }
}
