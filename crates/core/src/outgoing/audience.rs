//! Whom a parcel is for.

use crate::ids::PersonId;

/// The most persons that a parcel is for by name.
pub(crate) const MAX_PERSONS: usize = 64;

/// Whom a parcel is for, as its user says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone in the room, and everyone who comes later.
    Room,
    /// The persons who are in the room now, on all of their devices. If nobody is, as [`Self::Room`].
    Present,
    /// These persons alone, 1 to 64: all of their devices, now and later. Others are told nothing.
    Persons(Vec<PersonId>),
}

/// The room that a parcel goes to, and whom there.
#[derive(Clone)]
pub(crate) struct Address {
    /// The room's name in topics.
    room: String,
    meant: Meant,
}

#[derive(Clone)]
enum Meant {
    Everyone,
    /// Those who were in the room when it was offered. All members may know of it.
    Present(Vec<PersonId>),
    /// These persons, and nobody else knows of it.
    Persons(Vec<PersonId>),
}

impl Address {
    /// Everyone in a room, now and later.
    pub(crate) fn everyone(room: String) -> Self {
        let meant = Meant::Everyone;
        Self { room, meant }
    }

    /// The persons who are in a room, or everyone if nobody is.
    pub(crate) fn present(room: String, present: Vec<PersonId>) -> Self {
        let meant = match present.is_empty() {
            true => Meant::Everyone,
            false => Meant::Present(present),
        };
        Self { room, meant }
    }

    /// These persons alone.
    pub(crate) fn persons(room: String, persons: Vec<PersonId>) -> Self {
        let meant = Meant::Persons(persons);
        Self { room, meant }
    }

    /// The one that was noted.
    pub(super) fn noted(
        room: String,
        persons: Option<Vec<PersonId>>,
        present: Option<Vec<PersonId>>,
    ) -> Self {
        match (persons, present) {
            (Some(persons), _) => Self::persons(room, persons),
            (None, Some(present)) => Self::present(room, present),
            (None, None) => Self::everyone(room),
        }
    }

    /// The room's name in topics.
    pub(super) fn room(&self) -> &str {
        &self.room
    }

    /// The list for the offer and the note; `None` if all members may know of it.
    pub(super) fn listed(&self) -> Option<Vec<PersonId>> {
        match &self.meant {
            Meant::Persons(persons) => Some(persons.clone()),
            Meant::Everyone | Meant::Present(_) => None,
        }
    }

    /// Those who were in the room, if it is for nobody else.
    pub(super) fn noted_present(&self) -> Option<Vec<PersonId>> {
        match &self.meant {
            Meant::Present(present) => Some(present.clone()),
            Meant::Everyone | Meant::Persons(_) => None,
        }
    }

    /// The persons whom it is for by name; nobody if all members may know of it.
    pub(super) fn named(&self) -> &[PersonId] {
        match &self.meant {
            Meant::Persons(persons) => persons,
            Meant::Everyone | Meant::Present(_) => &[],
        }
    }

    /// Tells whether all members may know of it.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.meant, Meant::Persons(_))
    }

    /// Tells whether a device of this person is meant; `None` for a device that introduced nobody.
    pub(super) fn has(&self, person: Option<PersonId>) -> bool {
        match &self.meant {
            Meant::Everyone => true,
            Meant::Present(persons) | Meant::Persons(persons) => {
                person.is_some_and(|person| persons.contains(&person))
            }
        }
    }
}
