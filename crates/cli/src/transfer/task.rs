//! The common part of sending and receiving: a state machine that is told what happens and says what
//! to do.

use mqdrop_core::Time;
use mqdrop_core::view::{Fault, PersonView, TransferView};

use super::deciding::Decision;
use crate::failure::Failure;
use crate::say::Event;

/// Something that a task is told.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    /// This device is in the room for the first time.
    Entered,
    /// This is known of the room's persons.
    People(Vec<PersonView>),
    /// A transfer is new or changed. `fault` names the part of this device that keeps it from being
    /// delivered, if one does.
    Transfer {
        view: Box<TransferView>,
        fault: Option<Fault>,
    },
    /// A transfer is off the list.
    Removed(String),
    /// A text is whole, sent or received.
    Text { parcel: String, text: String },
    /// Files that were found again are not those that were being sent.
    Unfit(String),
    /// The person at the terminal answered; `None` if there is nobody any more.
    Answer(Option<bool>),
    /// Time passed.
    Woken,
}

/// Something that a task wants done. Parcels are named by their ids.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Tell the user.
    Say(Event),
    /// Offer everything to these persons alone, by their ids.
    Offer(Vec<String>),
    /// Ask the person at the terminal, who answers with yes or no.
    Ask(String),
    /// Keep a decision about a person, by id.
    Decide(String, Decision),
    /// Take an offer.
    Accept(String),
    /// Do not take it.
    Decline(String),
    /// Go on with a parcel of this device's.
    Resume(String),
    /// Offer the files of a parcel as a new one.
    OfferAnew(String),
    /// Tell where the files of a received parcel are.
    Saved(String),
    /// Give the user a text.
    Deliver { parcel: String, text: String },
    /// The command is over.
    End(Result<(), Failure>),
}

/// A command that runs in a room.
pub(super) trait Task {
    /// Takes in what happened, and says what to do then.
    fn handle(&mut self, happened: Happened, now: Time) -> Vec<Step>;

    /// When to be [woken](Happened::Woken).
    fn deadline(&self) -> Option<Time>;

    /// What was to be offered has these ids.
    fn offered(&mut self, parcels: Vec<String>);

    /// The parcel `new` takes the place of one that turned out to be another.
    fn replace(&mut self, old: &str, new: String);

    /// How to go on after an interruption, in words.
    fn remedy(&self) -> String;
}

/// A time that is allowed to pass without anything.
#[derive(Debug, Default)]
pub(super) struct Patience {
    span: Option<core::time::Duration>,
    until: Option<Time>,
}

impl Patience {
    /// Patience for so long, or without end.
    pub(super) fn new(span: Option<core::time::Duration>) -> Self {
        Self { span, until: None }
    }

    /// Notes whether something goes on now. The time begins when nothing does.
    pub(super) fn note(&mut self, is_busy: bool, now: Time) {
        if is_busy {
            self.until = None;
        } else if self.until.is_none() {
            self.until = self.span.map(|span| now + span);
        }
    }

    /// When it ends.
    pub(super) fn until(&self) -> Option<Time> {
        self.until
    }

    /// Tells whether it has ended.
    pub(super) fn is_over(&self, now: Time) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}
