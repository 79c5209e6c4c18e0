//! Whom a parcel is for.

use crate::ids::PersonId;

/// The most persons that a parcel is for, unless it is for everyone.
pub(crate) const MAX_PERSONS: usize = 64;

/// Whom a parcel is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone in the room, and everyone who comes later.
    Room,
    /// These persons alone, 1 to 64: all of their devices, now and later. Others are told nothing.
    Persons(Vec<PersonId>),
}

/// The room that a parcel goes to.
pub(crate) struct Address {
    /// The room's name in topics.
    pub(crate) room: String,
    pub(crate) audience: Audience,
}

impl Audience {
    /// The audience of a parcel whose offer or note lists these.
    pub(super) fn listed(persons: Option<Vec<PersonId>>) -> Self {
        persons.map_or(Self::Room, Self::Persons)
    }

    /// The list for the offer and the note; none for everyone.
    pub(super) fn list(&self) -> Option<Vec<PersonId>> {
        match self {
            Self::Room => None,
            Self::Persons(persons) => Some(persons.clone()),
        }
    }

    /// The persons; nobody for everyone.
    pub(super) fn persons(&self) -> &[PersonId] {
        match self {
            Self::Room => &[],
            Self::Persons(persons) => persons,
        }
    }

    /// Tells whether a device of this person is meant; `None` for a device that introduced nobody.
    pub(super) fn has(&self, person: Option<PersonId>) -> bool {
        match self {
            Self::Room => true,
            Self::Persons(persons) => person.is_some_and(|person| persons.contains(&person)),
        }
    }
}
