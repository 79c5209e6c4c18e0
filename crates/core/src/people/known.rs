//! The record of one person, and the decisions of the user about it.

use minicbor::{Decode, Encode};

use super::normal;
use crate::identity::PUBLIC;
use crate::names;
use crate::person::Card;
use crate::view::Verified;

/// The longest record of a room that is read, in bytes.
pub(super) const MAX_RECORD: usize = 1024 * 1024;

/// The user's decision to hear nothing of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Mute {
    #[n(0)]
    is_on: bool,
    /// When that was decided, in ms since 1970; 0 if it never was.
    #[n(1)]
    decided: u64,
}

/// The user's decision that a key is that of the person whose name it bears.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Trust {
    #[n(0)]
    how: Verified,
    /// When that was decided, in ms since 1970; 0 if it never was.
    #[n(1)]
    decided: u64,
    /// The name then, in the form in which names are compared.
    #[n(2)]
    name: String,
}

/// What is known of one person.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Person {
    /// The newest card.
    #[n(0)]
    pub(super) card: Card,
    /// The public key of the device that the card fits.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) device: [u8; PUBLIC],
    /// When this profile first knew of the person, in ms since 1970.
    #[n(2)]
    pub(super) first: u64,
    /// When this profile itself heard of the person last, in ms since 1970; 0 if it never did.
    #[n(3)]
    seen: u64,
    /// When the person was heard of last as other members say, who may invent it, in ms since 1970.
    #[n(4)]
    told: u64,
    #[n(5)]
    mute: Mute,
    #[n(6)]
    trust: Trust,
    /// The name in the form in which names are compared, which takes a while to make.
    #[cbor(skip)]
    pub(super) normal: String,
    /// The name was told to the user as that of an imitator.
    #[cbor(skip)]
    pub(super) warned_of: Option<String>,
}

impl Person {
    pub(super) fn new(card: &Card, device: &[u8; PUBLIC], wall: u64) -> Self {
        Self {
            card: card.clone(),
            device: *device,
            first: wall,
            seen: 0,
            told: 0,
            mute: Mute::default(),
            trust: Trust::default(),
            normal: normal(&card.name),
            warned_of: None,
        }
    }

    /// Takes over a card that is newer than the one that is known. Whether it is.
    pub(super) fn take_card(&mut self, card: &Card, device: &[u8; PUBLIC]) -> bool {
        let is_newer = card.named > self.card.named;
        if is_newer {
            (self.card, self.device) = (card.clone(), *device);
            self.normal = normal(&card.name);
        }
        is_newer
    }

    /// This profile heard of the person itself. Whether that is the first time.
    pub(super) fn see(&mut self, wall: u64) -> bool {
        let is_first = !self.is_met();
        self.seen = self.seen.max(wall).max(1);
        is_first
    }

    /// Another member heard of the person. Whether that is news.
    pub(super) fn hear(&mut self, told: u64) -> bool {
        let is_news = told > self.seen();
        self.told = self.told.max(told);
        is_news
    }

    /// Whether a device of the person was here at the same time as one of this profile.
    pub(super) fn is_met(&self) -> bool {
        self.seen > 0
    }

    /// When the person was heard of last, as far as anybody says.
    pub(super) fn seen(&self) -> u64 {
        self.seen.max(self.told)
    }

    /// How many ms ago this profile heard of the person itself; `None` if it never did.
    pub(super) fn age(&self, wall: u64) -> Option<u64> {
        self.is_met().then(|| wall.saturating_sub(self.seen))
    }

    pub(super) fn name(&self) -> String {
        names::device_name(&self.card.name)
    }

    pub(super) fn is_muted(&self) -> bool {
        self.mute.is_on
    }

    /// Whether that changed anything.
    pub(super) fn mute(&mut self, is_on: bool, wall: u64) -> bool {
        let before = std::mem::replace(
            &mut self.mute,
            Mute {
                is_on,
                decided: wall,
            },
        );
        before.is_on != is_on
    }

    pub(super) fn verified(&self) -> Verified {
        self.trust.how
    }

    /// Whether that changed anything.
    pub(super) fn verify(&mut self, how: Verified, wall: u64) -> bool {
        let trust = Trust {
            how,
            decided: wall,
            name: self.normal.clone(),
        };
        std::mem::replace(&mut self.trust, trust).how != how
    }

    /// Whether the user ever decided about the key.
    pub(super) fn is_decided(&self) -> bool {
        self.trust.decided > 0
    }

    /// Whether the user wants the person to be kept in mind.
    pub(super) fn stays(&self) -> bool {
        self.is_muted() || self.verified() != Verified::No
    }

    /// How much it would be missed, compared with others: somebody who was only told of least, then
    /// those who were known shortest, so that nobody who was invented for an hour takes the place of a
    /// friend who is away.
    pub(super) fn weight(&self) -> (bool, u64) {
        match self.is_met() {
            true => (true, self.seen.saturating_sub(self.first)),
            false => (false, self.told),
        }
    }

    /// Tells whether the user compared the words of this person under its present name.
    pub(super) fn is_verified_by_name(&self) -> bool {
        self.verified() == Verified::Words && self.trust.name == self.normal
    }

    /// The order of persons of one name: the first one keeps it. That is the one whose words were
    /// compared under this name, or else the one who was known first. A verified person who takes
    /// another's name does not get it.
    pub(super) fn precedence(&self) -> impl Ord {
        (!self.is_verified_by_name(), self.first, self.card.person)
    }

    /// Takes over what is newer.
    pub(super) fn merge(&mut self, other: Self) {
        if other.mute.decided > self.mute.decided {
            self.mute = other.mute;
        }
        if other.trust.decided > self.trust.decided {
            self.trust = other.trust;
        }
        self.first = self.first.min(other.first);
        self.seen = self.seen.max(other.seen);
        self.told = self.told.max(other.told);
        if other.card.named > self.card.named {
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
pub(super) fn read(record: &[u8]) -> Vec<Person> {
    let read = Some(record).filter(|record| record.len() <= MAX_RECORD);
    let record = read.and_then(|record| minicbor::decode::<Record>(record).ok());
    record.map(|record| record.persons).unwrap_or_default()
}

pub(super) fn write(persons: Vec<Person>) -> Vec<u8> {
    // Writing into a Vec cannot fail.
    minicbor::to_vec(Record { persons }).unwrap_or_default()
}
