//! Runs `mqdrop send`: counts the receivers that have it, and ends.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mqdrop_core::Time;
use mqdrop_core::view::{Direction, Fault, PersonView, ReceiverView, TransferState, TransferView};

use super::task::{Happened, Patience, Step, Task};
use super::who::{Choice, Who};
use crate::failure::Failure;
use crate::say::Event;
use crate::words;

/// A person who is known by others' word alone is sent to when the person's own devices had so long to
/// answer. The same goes before a name that several have is refused.
const SETTLING: Duration = Duration::from_secs(2);

/// The condition under which sending is over.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The persons whom it is for, by name, id or words; nobody for everyone.
    pub(crate) to: Vec<String>,
    /// So many are to have everything.
    pub(crate) receivers: usize,
    /// Go on for others then.
    pub(crate) stays: bool,
    /// How long to wait while nobody receives.
    pub(crate) timeout: Option<Duration>,
}

/// Sends.
pub(super) struct Sending {
    wish: Wish,
    /// The persons whom it is for.
    to: Vec<Who>,
    people: Vec<PersonView>,
    /// When all had time to answer.
    settling: Option<Time>,
    is_settled: bool,
    /// How many parcels this command sends, once they are offered.
    count: Option<usize>,
    parcels: BTreeMap<String, Parcel>,
    patience: Patience,
    has_entered: bool,
    /// It was said that somebody is not known yet.
    has_told_of_unknown: bool,
    /// The key that was made for this command, without which nobody can go on with it.
    made_key: Option<String>,
}

/// A parcel of this command.
#[derive(Default)]
struct Parcel {
    view: Option<TransferView>,
    /// Devices that have it.
    have: BTreeSet<String>,
    /// Devices that do not receive it, and the words for that.
    refused: BTreeMap<String, String>,
}

impl Sending {
    /// Sends what is [offered](Task::offered).
    pub(super) fn new(wish: Wish, made_key: Option<String>) -> Self {
        Self {
            count: None,
            patience: Patience::new(wish.timeout),
            to: wish.to.iter().map(|text| Who::new(text)).collect(),
            people: Vec::new(),
            settling: None,
            is_settled: false,
            wish,
            parcels: BTreeMap::new(),
            has_entered: false,
            has_told_of_unknown: false,
            made_key,
        }
    }

    /// Tells whether it is for everyone in the room.
    pub(super) fn is_for_all(&self) -> bool {
        self.wish.to.is_empty()
    }

    /// Offers everything once all are known whom it is for.
    fn consider(&mut self, steps: &mut Vec<Step>) {
        if self.count.is_some() || self.is_for_all() {
            return;
        }
        let choices = self.to.iter().map(|who| (who, who.choose(&self.people)));
        let choices: Vec<(&Who, Choice)> = choices.collect();
        let mut failures = choices.iter().filter_map(|(who, choice)| match choice {
            Choice::Several(persons) => Some(who.several(persons)),
            Choice::Muted(person) => Some(Failure::usage(
                words().sending_muted(&person.name, who.text()),
            )),
            Choice::One(_) | Choice::Nobody => None,
        });
        if self.is_settled
            && let Some(failure) = failures.next()
        {
            return steps.push(Step::End(Err(failure)));
        }
        let is_unknown = |(_, choice): &&(&Who, Choice)| *choice == Choice::Nobody;
        if let Some((who, _)) = choices.iter().find(is_unknown) {
            if self.has_entered && !self.has_told_of_unknown {
                let text = words().sending_waits_for(who.text());
                steps.push(Step::Say(Event::Warning { text }));
                self.has_told_of_unknown = true;
            }
            return;
        }
        let sure = choices.iter().map(|(_, choice)| match choice {
            Choice::One(person) if self.is_settled || !person.is_told => Some(*person),
            _ => None,
        });
        if let Some(persons) = sure.collect::<Option<Vec<&PersonView>>>() {
            let told = persons.iter().map(|person| Step::Say(Event::to(person)));
            steps.extend(told);
            let ids = persons.iter().map(|person| person.person.clone());
            let ids: BTreeSet<String> = ids.collect();
            steps.push(Step::Offer(ids.into_iter().collect()));
            self.count = Some(0);
        }
    }

    fn handle_view(&mut self, view: TransferView, fault: Option<Fault>, steps: &mut Vec<Step>) {
        let Some(parcel) = self.parcels.get_mut(&view.parcel) else {
            return;
        };
        if parcel.view.is_none() {
            steps.push(Step::Say(Event::offer(&view)));
        }
        for receiver in &view.receivers {
            parcel.note(&view, receiver, steps);
        }
        if !view.receivers.is_empty() {
            steps.push(Step::Say(Event::progress(&view)));
        }
        if fault == Some(Fault::Source) {
            let why = words().cause(&view);
            let why = why.as_deref().unwrap_or(words().sending_could_not());
            let failure = Failure::other(words().sending_failed(&words().title(&view.title), why));
            return steps.push(Step::End(Err(failure)));
        }
        parcel.view = Some(view);
        steps.extend(self.outcome().map(Step::End));
    }

    /// The end of it, if it has come.
    fn outcome(&self) -> Option<Result<(), Failure>> {
        let views = self
            .parcels
            .values()
            .filter_map(|parcel| parcel.view.as_ref());
        if self.wish.stays {
            return None;
        }
        let enough = |parcel: &Parcel| parcel.is_with(self.wish.receivers);
        if self.count == Some(self.parcels.len())
            && !self.parcels.is_empty()
            && self.parcels.values().all(enough)
        {
            let left_out: u32 = views.map(|view| view.left_out).sum();
            return Some(match left_out {
                0 => Ok(()),
                number => Err(Failure::other(words().sending_left_out(number.into()))),
            });
        }
        let hopeless =
            |parcel: &&Parcel| !enough(parcel) && !parcel.refused.is_empty() && !parcel.is_open();
        let hopeless = self.parcels.values().find(hopeless)?;
        let text = hopeless
            .refused
            .values()
            .next()
            .cloned()
            .unwrap_or_default();
        Some(Err(if hopeless.has_failed() {
            Failure::other(text)
        } else {
            Failure::Refused(text)
        }))
    }

    fn is_busy(&self) -> bool {
        self.parcels.values().any(Parcel::is_busy)
    }

    fn nobody(&self) -> Failure {
        let fewest = self.parcels.values().map(|parcel| parcel.have.len()).min();
        Failure::Nobody(match fewest.unwrap_or_default() {
            0 => words().sending_nobody().into(),
            had => {
                let number = |number: usize| words().number(number as u64);
                words().sending_too_few(&number(had), &number(self.wish.receivers))
            }
        })
    }
}

impl Parcel {
    /// Tells whether all persons have it whom it is for, on one device at least; or so many devices, if it
    /// is for everyone.
    fn is_with(&self, receivers: usize) -> bool {
        let Some(view) = self.view.as_ref().filter(|view| !view.to.is_empty()) else {
            return self.have.len() >= receivers;
        };
        view.to.iter().all(|person| {
            let mut receivers = view.receivers.iter();
            receivers.any(|it| it.person == person.person && self.have.contains(&it.device))
        })
    }

    /// Notes what became of a receiver, once.
    fn note(&mut self, view: &TransferView, receiver: &ReceiverView, steps: &mut Vec<Step>) {
        let device = receiver.device.clone();
        // With some files left out it has the others.
        if receiver.state == TransferState::Done || receiver.without > 0 {
            self.refused.remove(&device);
            if self.have.insert(device.clone()) {
                steps.push(Step::Say(Event::Receipt {
                    parcel: view.parcel.clone(),
                    device,
                    name: receiver.name.clone(),
                }));
            }
        } else if receiver.state.is_final() {
            let name = &receiver.name;
            let text = match (&receiver.reason, receiver.state) {
                (Some(reason), _) => {
                    words().sending_not_received_why(name, &words().ended_by_receiver(reason))
                }
                (None, TransferState::Declined) => words().sending_declined(name),
                (None, TransferState::Cancelled) => words().sending_cancelled(name),
                (None, _) => words().sending_not_received(name),
            };
            if self.refused.insert(device, text.clone()).is_none() {
                steps.push(Step::Say(Event::Warning { text }));
            }
        } else {
            // It thought again.
            self.refused.remove(&device);
        }
    }

    fn receivers(&self) -> impl Iterator<Item = &ReceiverView> {
        self.view.iter().flat_map(|view| &view.receivers)
    }

    /// Somebody may still receive it, or is about to decide.
    fn is_open(&self) -> bool {
        self.receivers().any(|receiver| {
            !receiver.state.is_final() && (receiver.has_answered || !receiver.is_away)
        })
    }

    /// Somebody receives it now.
    fn is_busy(&self) -> bool {
        self.receivers().any(|receiver| {
            let state = receiver.state;
            matches!(
                state,
                TransferState::Active | TransferState::Verifying | TransferState::Paused
            )
        })
    }

    /// A receiver did not end it by its user's wish.
    fn has_failed(&self) -> bool {
        self.receivers().any(|receiver| {
            receiver.state == TransferState::Failed && self.refused.contains_key(&receiver.device)
        })
    }
}

impl Task for Sending {
    fn handle(&mut self, happened: Happened, now: Time) -> Vec<Step> {
        let mut steps = Vec::new();
        match happened {
            Happened::Entered => {
                self.has_entered = true;
                self.settling = (!self.is_for_all()).then_some(now + SETTLING);
            }
            Happened::Transfer { view, fault } if view.direction == Direction::Out => {
                self.handle_view(*view, fault, &mut steps);
            }
            Happened::People(people) => {
                self.people = people;
                self.consider(&mut steps);
            }
            Happened::Unfit(id) if self.parcels.contains_key(&id) => {
                steps.push(Step::OfferAnew(id));
            }
            Happened::Woken if self.patience.is_over(now) => {
                steps.push(Step::End(Err(self.nobody())));
            }
            Happened::Woken if self.settling.is_some_and(|at| at <= now) => {
                self.settling = None;
                self.is_settled = true;
                self.consider(&mut steps);
            }
            _ => {}
        }
        if self.has_entered {
            self.patience.note(self.is_busy(), now);
        }
        steps
    }

    fn deadline(&self) -> Option<Time> {
        self.patience.until().into_iter().chain(self.settling).min()
    }

    fn offered(&mut self, parcels: Vec<String>) {
        self.count = Some(parcels.len());
        self.parcels = parcels
            .into_iter()
            .map(|id| (id, Parcel::default()))
            .collect();
    }

    fn replace(&mut self, old: &str, new: String) {
        self.parcels.remove(old);
        self.parcels.insert(new, Parcel::default());
    }

    fn remedy(&self) -> String {
        match &self.made_key {
            Some(key) => words().sending_interrupted_made_key(key),
            None => words().sending_interrupted().into(),
        }
    }
}
