//! Runs `mqdrop people`: waits a moment for others to answer, and lists who is here and who was.

use std::time::Duration;

use mqdrop_core::view::PersonView;
use mqdrop_core::{Time, is_same_name};

use super::task::{Happened, Step, Task};
use crate::failure::Failure;
use crate::say::Event;
use crate::words;

/// Lists.
pub(super) struct Listing {
    /// The name of those who are asked for; everyone if it is missing.
    name: Option<String>,
    /// How long others may take to answer.
    patience: Duration,
    until: Option<Time>,
    people: Vec<PersonView>,
}

impl Listing {
    pub(super) fn new(name: Option<String>, patience: Duration) -> Self {
        Self {
            name,
            patience,
            until: None,
            people: Vec::new(),
        }
    }

    /// Those that are asked for: who is here first, and then who was here last.
    fn listed(&self) -> Vec<&PersonView> {
        let is_meant = |person: &&PersonView| match &self.name {
            Some(name) => is_same_name(&person.name, name),
            None => true,
        };
        let mut listed: Vec<&PersonView> = self.people.iter().filter(is_meant).collect();
        listed.sort_by_key(|person| (!person.is_here, core::cmp::Reverse(person.seen)));
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
                let nobody = match &self.name {
                    Some(name) if listed.is_empty() => Some(words().listing_unknown(name)),
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
    use super::*;

    const START: Time = Time::ZERO;
    const PATIENCE: Duration = Duration::from_secs(2);

    fn person(name: &str, is_here: bool, seen: u64) -> PersonView {
        PersonView {
            person: name.to_lowercase(),
            key: String::new(),
            name: name.into(),
            is_me: false,
            is_namesake: false,
            is_here,
            seen,
            is_told: false,
            muted: false,
            verified: mqdrop_core::view::Verified::No,
        }
    }

    /// What is listed of a room's persons once time is up.
    fn listed(name: Option<&str>) -> Vec<Step> {
        let mut task = Listing::new(name.map(str::to_owned), PATIENCE);
        task.handle(Happened::Entered, START);
        let people = vec![
            person("Ann", false, 1),
            person("Ben", true, 2),
            person("Cleo", false, 3),
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
    fn who_is_here_comes_first_and_then_who_was_here_last() {
        let steps = listed(None);
        assert_eq!(names(&steps), ["Ben", "Cleo", "Ann"]);
        assert_eq!(steps.last(), Some(&Step::End(Ok(()))));
    }

    #[test]
    fn one_name_is_looked_up_and_an_unknown_one_is_a_failure() {
        assert_eq!(names(&listed(Some("ann"))), ["Ann"]);
        let steps = listed(Some("Dora"));
        assert!(matches!(&steps[..], [Step::End(Err(failure))] if failure.code() == 3));
    }
}
