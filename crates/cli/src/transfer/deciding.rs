//! Runs `mqdrop people NAME --verify` and its like: finds the person, and decides about that one.

use std::time::Duration;

use mqdrop_core::view::{PersonView, Verified};
use mqdrop_core::{Engine, PersonId, RoomId, Time};

use super::task::{Happened, Step, Task};
use super::who::Who;
use crate::failure::Failure;
use crate::say::Event;
use crate::words;

/// A decision about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The words were compared, and are the same.
    Verify,
    /// They were not, or are not.
    Doubt,
    /// The user wants to hear nothing of the person.
    Mute,
    /// The user wants to hear the person again.
    Unmute,
}

impl Decision {
    /// The person as the decision leaves them.
    fn about(self, mut person: PersonView) -> PersonView {
        match self {
            Self::Verify => person.verified = Verified::Words,
            Self::Doubt => person.verified = Verified::No,
            Self::Mute => person.muted = true,
            Self::Unmute => person.muted = false,
        }
        person
    }

    /// Has the engine keep the decision, in the one room that it is in.
    pub(super) fn keep(self, engine: &mut Engine, person: PersonId, now: Time) {
        let rooms: Vec<RoomId> = engine.rooms().collect();
        for room in rooms {
            match self {
                Self::Verify => engine.verify(room, person, true, now),
                Self::Doubt => engine.verify(room, person, false, now),
                Self::Mute => engine.mute(room, person, true, now),
                Self::Unmute => engine.mute(room, person, false, now),
            }
        }
    }
}

/// Decides.
pub(super) struct Deciding {
    me: PersonView,
    who: Who,
    decision: Decision,
    /// The person at the terminal is asked to compare words first.
    asks: bool,
    /// How long others may take to answer.
    patience: Duration,
    until: Option<Time>,
    people: Vec<PersonView>,
    /// The person whose words are being compared.
    asked: Option<PersonView>,
}

impl Deciding {
    pub(super) fn new(
        me: PersonView,
        who: &str,
        decision: Decision,
        asks: bool,
        patience: Duration,
    ) -> Self {
        Self {
            me,
            who: Who::new(who),
            decision,
            asks,
            patience,
            until: None,
            people: Vec::new(),
            asked: None,
        }
    }

    /// Looks for the person, now that all had time to answer.
    fn consider(&mut self) -> Vec<Step> {
        let fitting = self.who.others(&self.people);
        let person = match fitting[..] {
            [] => {
                let text = words().listing_unknown(self.who.text());
                return vec![Step::End(Err(Failure::Nobody(text)))];
            }
            [person] => person.clone(),
            _ => return vec![Step::End(Err(self.who.several(&fitting)))],
        };
        let mut steps = Vec::new();
        if self.decision == Decision::Verify {
            steps.push(Step::Say(Event::known(&self.me)));
        }
        if self.asks {
            steps.push(Step::Say(Event::known(&person)));
            steps.push(Step::Ask(words().question_same_words().into()));
            self.asked = Some(person);
        } else {
            steps.extend(self.decide(person));
        }
        steps
    }

    fn decide(&self, person: PersonView) -> [Step; 3] {
        let decision = self.decision;
        let id = person.person.clone();
        let known = Event::known(&decision.about(person));
        [
            Step::Decide(id, decision),
            Step::Say(known),
            Step::End(Ok(())),
        ]
    }

    fn answer(&self, person: PersonView, answer: Option<bool>) -> Vec<Step> {
        let failure = match answer {
            Some(true) => return self.decide(person).into(),
            Some(false) => Failure::Refused(words().listing_not_same(&person.name)),
            None => Failure::usage(words().usage_verify_needs_yes()),
        };
        vec![Step::End(Err(failure))]
    }
}

impl Task for Deciding {
    fn handle(&mut self, happened: Happened, now: Time) -> Vec<Step> {
        match happened {
            Happened::Entered => self.until = Some(now + self.patience),
            Happened::People(people) => self.people = people,
            Happened::Answer(answer) => {
                if let Some(person) = self.asked.take() {
                    return self.answer(person, answer);
                }
            }
            Happened::Woken if self.until.is_some_and(|until| until <= now) => {
                self.until = None;
                return self.consider();
            }
            _ => {}
        }
        Vec::new()
    }

    fn deadline(&self) -> Option<Time> {
        self.until
    }

    fn offered(&mut self, _: Vec<String>) {}

    fn replace(&mut self, _: &str, _: String) {}

    fn remedy(&self) -> String {
        words().terminal_interrupted().into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::who::tests::person;
    use super::*;

    /// The task once everybody had time to answer, and what it wants then.
    fn decided(who: &str, decision: Decision, asks: bool) -> (Deciding, Vec<Step>) {
        let me = PersonView {
            is_me: true,
            ..person(9, "Me")
        };
        let mut task = Deciding::new(me.clone(), who, decision, asks, Duration::ZERO);
        task.handle(Happened::Entered, Time::ZERO);
        let people = vec![me, person(1, "Ann"), person(2, "Ben"), person(3, "Ann")];
        task.handle(Happened::People(people), Time::ZERO);
        let steps = task.handle(Happened::Woken, Time::ZERO);
        (task, steps)
    }

    fn code(steps: &[Step]) -> Option<u8> {
        match steps.last() {
            Some(Step::End(Err(failure))) => Some(failure.code()),
            Some(Step::End(Ok(()))) => Some(0),
            _ => None,
        }
    }

    #[test]
    fn a_decision_is_about_one_person() {
        let ben = person(2, "Ben");
        for decision in [
            Decision::Verify,
            Decision::Doubt,
            Decision::Mute,
            Decision::Unmute,
        ] {
            let (_, steps) = decided("ben", decision, false);
            let step = Step::Decide(ben.person.clone(), decision);
            assert!(steps.contains(&step), "{steps:?}");
            let after = Event::known(&decision.about(ben.clone()));
            assert!(steps.contains(&Step::Say(after)), "{steps:?}");
            assert_eq!(code(&steps), Some(0));
        }
    }

    #[test]
    fn of_several_none_is_taken_unless_by_id_or_words() {
        let (_, steps) = decided("Ann", Decision::Mute, false);
        assert_eq!((steps.len(), code(&steps)), (1, Some(2)));
        let ann = person(3, "Ann");
        for who in [
            ann.person.clone(),
            mqdrop_core::keys::fingerprint(&ann.key).unwrap(),
        ] {
            let (_, steps) = decided(&who, Decision::Mute, false);
            let step = Step::Decide(ann.person.clone(), Decision::Mute);
            assert!(steps.contains(&step), "{who}: {steps:?}");
        }
        for nobody in ["Dora", "Me"] {
            assert_eq!(code(&decided(nobody, Decision::Mute, false).1), Some(3));
        }
    }

    #[test]
    fn both_rows_of_words_are_shown_before_anybody_is_asked() {
        for (answer, expected) in [(Some(true), 0), (Some(false), 4), (None, 2)] {
            let (mut task, steps) = decided("Ben", Decision::Verify, true);
            let shown = |step: &Step| match step {
                Step::Say(Event::Known { name, .. }) => name.clone(),
                Step::Ask(_) => "?".into(),
                other => panic!("{other:?}"),
            };
            assert_eq!(
                steps.iter().map(shown).collect::<Vec<_>>(),
                ["Me", "Ben", "?"]
            );
            let steps = task.handle(Happened::Answer(answer), Time::ZERO);
            assert_eq!(code(&steps), Some(expected));
            let is_decided = steps.iter().any(|step| matches!(step, Step::Decide(..)));
            assert_eq!(is_decided, answer == Some(true));
        }
    }
}
