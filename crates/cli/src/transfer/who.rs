//! Persons as a command line names them, and the one who is meant among those who are known.

use mqdrop_core::view::{PersonView, Verified};
use mqdrop_core::{PersonId, is_same_name, keys};

use crate::failure::Failure;
use crate::words;

/// The number of words that stand for a person's key.
const WORDS: usize = 8;

/// The most persons of one name that are listed; anybody can bring more.
const LISTED: usize = 8;

/// A person as a command line names one.
#[derive(Clone, Debug)]
pub(super) struct Who {
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Name,
    Id,
    /// The words in small letters, with spaces in between.
    Words(String),
}

/// The person who is meant.
#[derive(Debug, PartialEq)]
pub(super) enum Choice<'a> {
    /// This one.
    One(&'a PersonView),
    /// One of these, and nothing tells which.
    Several(Vec<&'a PersonView>),
    /// Nobody but persons whom the user does not want to hear, such as this one.
    Muted(&'a PersonView),
    /// Nobody is known who could be meant.
    Nobody,
}

impl Who {
    /// Reads an id, eight words, or a name. A text that looks like an id or like words is never taken for
    /// a name: anybody can bear the words of another person as a name.
    pub(super) fn new(text: &str) -> Self {
        let is_between = |letter: char| letter.is_whitespace() || letter == '-';
        let parts: Vec<&str> = text.split(is_between).filter(|it| !it.is_empty()).collect();
        let is_word = |part: &&str| part.bytes().all(|letter| letter.is_ascii_alphabetic());
        let kind = if text.parse::<PersonId>().is_ok() {
            Kind::Id
        } else if parts.len() == WORDS && parts.iter().all(is_word) {
            Kind::Words(parts.join(" ").to_ascii_lowercase())
        } else {
            Kind::Name
        };
        Self {
            text: text.to_owned(),
            kind,
        }
    }

    /// The text as it was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Tells whether this person is meant, or another one of the same name.
    pub(super) fn fits(&self, person: &PersonView) -> bool {
        match &self.kind {
            Kind::Name => is_same_name(&person.name, &self.text),
            Kind::Id => person.person == self.text,
            Kind::Words(words) => keys::fingerprint(&person.key).as_ref() == Some(words),
        }
    }

    /// All who fit, but for the user.
    pub(super) fn others<'a>(&self, people: &'a [PersonView]) -> Vec<&'a PersonView> {
        let others = people.iter().filter(|person| !person.is_me);
        others.filter(|person| self.fits(person)).collect()
    }

    /// The one to send to. Of several with one name it is the one who keeps the name, unless another one
    /// has as good a claim: somebody invented by another member must not get what is for a friend.
    pub(super) fn choose<'a>(&self, people: &'a [PersonView]) -> Choice<'a> {
        let all = self.others(people);
        let heard: Vec<&PersonView> = all.iter().copied().filter(|it| !it.muted).collect();
        let is_verified = |person: &&&PersonView| person.verified == Verified::Words;
        let verified: Vec<&PersonView> = heard.iter().filter(is_verified).copied().collect();
        let keeper = heard.iter().copied().find(|person| !person.is_namesake);
        let is_known_best =
            |keeper: &PersonView| !keeper.is_told || heard.iter().all(|person| person.is_told);
        match (&heard[..], keeper, &verified[..]) {
            ([], ..) => all.first().map_or(Choice::Nobody, |it| Choice::Muted(it)),
            ([one], ..) | (_, None, [one]) => Choice::One(one),
            (_, Some(keeper), [one]) if keeper == *one => Choice::One(keeper),
            (_, Some(keeper), [] | [_]) if is_known_best(keeper) => Choice::One(keeper),
            _ => Choice::Several(heard),
        }
    }

    /// The failure of a name that several have, with what tells them apart.
    pub(super) fn several(&self, persons: &[&PersonView]) -> Failure {
        let listed = persons.iter().take(LISTED).map(|person| {
            let compared = keys::fingerprint(&person.key).unwrap_or_default();
            words().listing_one_of_several(&person.person, &compared)
        });
        let more = persons.len().saturating_sub(LISTED);
        let more = (more > 0).then(|| words().people_more(&words().number(more as u64)));
        let listed: Vec<String> = listed.chain(more).collect();
        let listed = listed.join(words().phrase_separator());
        Failure::usage(words().listing_several(&self.text, &listed))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The key of the person of this number.
    fn key(number: u8) -> String {
        let letters = b"abcdefghijklmnopqrstuvwxyz234567";
        let letter = char::from(letters[usize::from(number) % letters.len()]);
        let mut key = String::from(letter).repeat(51);
        // Bits behind the last byte are zero.
        key.push('a');
        key
    }

    /// A person who is here and was met.
    pub(in crate::transfer) fn person(number: u8, name: &str) -> PersonView {
        let key = key(number);
        let id = mqdrop_core::person_of_text(&key).unwrap();
        PersonView {
            person: id.to_string(),
            key,
            name: name.into(),
            is_me: false,
            is_namesake: false,
            is_here: true,
            seen: 0,
            is_told: false,
            muted: false,
            verified: Verified::No,
        }
    }

    fn namesake(number: u8) -> PersonView {
        PersonView {
            is_namesake: true,
            ..person(number, "Ann")
        }
    }

    fn told(person: PersonView) -> PersonView {
        PersonView {
            is_told: true,
            ..person
        }
    }

    fn verified(person: PersonView) -> PersonView {
        PersonView {
            verified: Verified::Words,
            ..person
        }
    }

    /// The place of the one who is chosen by name; `None` if several may be meant.
    fn chosen(people: &[PersonView]) -> Option<usize> {
        match Who::new("ann").choose(people) {
            Choice::One(one) => people.iter().position(|person| person == one),
            Choice::Several(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_person_is_named_by_name_id_or_words() {
        let (ann, ben) = (person(1, "Ann"), person(2, "Ben"));
        let words = keys::fingerprint(&ann.key).unwrap();
        for text in [
            "ANN".to_owned(),
            ann.person.clone(),
            words.clone(),
            words.to_uppercase().replace(' ', " - "),
        ] {
            let who = Who::new(&text);
            assert!(who.fits(&ann) && !who.fits(&ben), "{text}");
        }
        // Nobody gets what is for another by taking their id or words as a name.
        for name in [&ann.person, &words] {
            assert!(!Who::new(name).fits(&person(3, name)), "{name}");
        }
    }

    #[test]
    fn the_one_who_keeps_the_name_is_meant() {
        assert_eq!(chosen(&[namesake(1), person(2, "Ann")]), Some(1));
        assert_eq!(chosen(&[told(person(1, "Ann"))]), Some(0));
        assert_eq!(
            chosen(&[told(person(1, "Ann")), told(namesake(2))]),
            Some(0)
        );
        // The user has the same name.
        assert_eq!(chosen(&[namesake(1)]), Some(0));
        assert_eq!(chosen(&[namesake(1), verified(namesake(2))]), Some(1));
        let renamed = verified(namesake(2));
        assert_eq!(chosen(&[person(1, "Ann"), renamed]), Some(0));
    }

    #[test]
    fn persons_with_as_good_a_claim_are_not_chosen_among() {
        for people in [
            [namesake(1), namesake(2)],
            [verified(person(1, "Ann")), verified(namesake(2))],
            // Somebody else's word against somebody who came.
            [told(person(1, "Ann")), namesake(2)],
        ] {
            assert_eq!(chosen(&people), None, "{people:?}");
        }
        let people = [verified(told(person(1, "Ann"))), namesake(2)];
        assert_eq!(chosen(&people), Some(0));
    }

    #[test]
    fn neither_the_user_nor_the_muted_are_meant() {
        let me = PersonView {
            is_me: true,
            ..person(1, "Ann")
        };
        assert_eq!(
            Who::new("Ann").choose(core::slice::from_ref(&me)),
            Choice::Nobody
        );
        let muted = PersonView {
            muted: true,
            ..person(2, "Ann")
        };
        assert_eq!(chosen(&[me, muted.clone(), namesake(3)]), Some(2));
        let people = [muted];
        assert_eq!(Who::new("Ann").choose(&people), Choice::Muted(&people[0]));
    }

    #[test]
    fn several_of_a_name_are_listed_as_far_as_there_is_room() {
        let people: Vec<PersonView> = (0..10).map(namesake).collect();
        let people: Vec<&PersonView> = people.iter().collect();
        let failure = Who::new("Ann").several(&people);
        let text = failure.to_string();
        assert_eq!(failure.code(), 2);
        assert!(text.starts_with("Several are called Ann: "), "{text}");
        let is_listed = |person: &&&PersonView| text.contains(&person.person);
        assert_eq!(people.iter().filter(is_listed).count(), 8, "{text}");
        assert!(text.contains("and 2 more"), "{text}");
    }
}
