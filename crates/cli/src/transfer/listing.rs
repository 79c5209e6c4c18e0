//! Runs `mqdrop people`: waits a moment for others to answer, and lists who is here and who was.

use std::time::Duration;

use mqdrop_core::Time;
use mqdrop_core::view::PersonView;

use super::task::{Happened, Step, Task};
use super::who::Who;
use crate::failure::Failure;
use crate::say::Event;
use crate::words;

/// Lists.
pub(super) struct Listing {
    me: PersonView,
    /// Those who are asked for; everyone if it is missing.
    who: Option<Who>,
    /// How long others may take to answer.
    patience: Duration,
    until: Option<Time>,
    people: Vec<PersonView>,
}

impl Listing {
    pub(super) fn new(me: PersonView, who: Option<&str>, patience: Duration) -> Self {
        Self {
            me,
            who: who.map(Who::new),
            patience,
            until: None,
            people: Vec::new(),
        }
    }

    /// Those that are asked for: the user first, whose words others compare; then who is here, and then
    /// who was here last.
    fn listed(&self) -> Vec<&PersonView> {
        let others = self.people.iter().filter(|person| !person.is_me);
        let all = others.chain([&self.me]);
        let is_meant = |person: &&PersonView| self.who.as_ref().is_none_or(|it| it.fits(person));
        let mut listed: Vec<&PersonView> = all.filter(is_meant).collect();
        listed.sort_by_key(|person| {
            let seen = core::cmp::Reverse(person.seen);
            (!person.is_me, !person.is_here, seen)
        });
        listed
    }
}

impl Task for Listing {
    fn handle(&mut self, happened: Happened, now: Time) -> Vec<Step> {
        match happened {
            Happened::Entered => self.until = Some(now + self.patience),
            Happened::People(people) => self.people = people,
            Happened::Woken if self.until.is_some_and(|until| until <= now) => {
                self.until = None;
                let listed = self.listed();
                let nobody = match &self.who {
                    Some(who) if listed.is_empty() => Some(words().listing_unknown(who.text())),
                    _ => None,
                };
                let steps = listed.into_iter().map(|it| Step::Say(Event::known(it)));
                let end = nobody.map_or(Ok(()), |text| Err(Failure::Nobody(text)));
                return steps.chain([Step::End(end)]).collect();
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

    const START: Time = Time::ZERO;
    const PATIENCE: Duration = Duration::from_secs(2);

    fn seen(number: u8, name: &str, is_here: bool, seen: u64) -> PersonView {
        PersonView {
            is_here,
            seen,
            ..person(number, name)
        }
    }

    /// What is listed of a room's persons once time is up.
    fn listed(name: Option<&str>) -> Vec<Step> {
        let me = PersonView {
            is_me: true,
            ..seen(9, "Me", true, 4)
        };
        let mut task = Listing::new(me.clone(), name, PATIENCE);
        task.handle(Happened::Entered, START);
        let people = vec![
            seen(1, "Ann", false, 1),
            seen(2, "Ben", true, 2),
            // Another device of the user's.
            me,
            seen(3, "Cleo", false, 3),
        ];
        task.handle(Happened::People(people), START);
        assert!(task.handle(Happened::Woken, START).is_empty());
        assert_eq!(task.deadline(), Some(START + PATIENCE));
        task.handle(Happened::Woken, START + PATIENCE)
    }

    fn names(steps: &[Step]) -> Vec<&str> {
        let names = steps.iter().filter_map(|step| match step {
            Step::Say(Event::Known { name, .. }) => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }

    #[test]
    fn the_user_comes_first_then_who_is_here_and_then_who_was_here_last() {
        let steps = listed(None);
        assert_eq!(names(&steps), ["Me", "Ben", "Cleo", "Ann"]);
        let Step::Say(Event::Known { state, words, .. }) = &steps[0] else {
            panic!("{steps:?}");
        };
        assert_eq!((*state, words.split(' ').count()), ("you", 8));
        assert_eq!(steps.last(), Some(&Step::End(Ok(()))));
    }

    #[test]
    fn one_name_is_looked_up_and_an_unknown_one_is_a_failure() {
        assert_eq!(names(&listed(Some("ann"))), ["Ann"]);
        assert_eq!(names(&listed(Some(&person(2, "").person))), ["Ben"]);
        let steps = listed(Some("Dora"));
        assert!(matches!(&steps[..], [Step::End(Err(failure))] if failure.code() == 3));
    }
}
