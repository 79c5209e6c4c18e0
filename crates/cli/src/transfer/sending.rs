//! Runs `mqdrop send`: counts the receivers that have it, and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mqdrop_core::Time;
use mqdrop_core::is_same_name;
use mqdrop_core::view::{Direction, Fault, PersonView, ReceiverView, TransferState, TransferView};

use super::task::{Happened, Patience, Step, Task};
use crate::failure::Failure;
use crate::say::Event;
use crate::words;

/// The condition under which sending is over.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The names of the persons whom it is for; nobody for everyone.
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
    fn handle_people(&mut self, people: &[PersonView], steps: &mut Vec<Step>) {
        if self.count.is_some() || self.is_for_all() {
            return;
        }
        let known = self.wish.to.iter().map(|name| named(people, name));
        if let Some(persons) = known.collect() {
            self.count = Some(0);
            steps.push(Step::Offer(persons));
        } else if self.has_entered && !std::mem::replace(&mut self.has_told_of_unknown, true) {
            let mut unknown = self.wish.to.iter();
            if let Some(name) = unknown.find(|name| named(people, name).is_none()) {
                let text = words().sending_waits_for(name);
                steps.push(Step::Say(Event::Warning { text }));
            }
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

/// The first person of this name that became known. Others of the name would have to be told apart by
/// their words, which this command does not ask for.
fn named(people: &[PersonView], name: &str) -> Option<String> {
    let is_meant = |person: &&PersonView| !person.is_namesake && is_same_name(&person.name, name);
    Some(people.iter().find(is_meant)?.person.clone())
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
            Happened::Entered => self.has_entered = true,
            Happened::Transfer { view, fault } if view.direction == Direction::Out => {
                self.handle_view(*view, fault, &mut steps);
            }
            Happened::People(people) => self.handle_people(&people, &mut steps),
            Happened::Unfit(id) if self.parcels.contains_key(&id) => {
                steps.push(Step::OfferAnew(id));
            }
            Happened::Woken if self.patience.is_over(now) => {
                steps.push(Step::End(Err(self.nobody())));
            }
            _ => {}
        }
        if self.has_entered {
            self.patience.note(self.is_busy(), now);
        }
        steps
    }

    fn deadline(&self) -> Option<Time> {
        self.patience.until()
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

#[cfg(test)]
mod tests {
    use super::*;
    use mqdrop_core::view::EndReason;

    use crate::say::view;

    const START: Time = Time::ZERO;

    fn task(receivers: usize) -> Sending {
        let wish = Wish {
            to: Vec::new(),
            receivers,
            stays: false,
            timeout: Some(Duration::from_secs(5)),
        };
        let mut task = Sending::new(wish, None);
        task.offered(vec!["a".to_owned()]);
        task
    }

    fn receiver(name: &str, state: TransferState) -> ReceiverView {
        ReceiverView {
            device: name.to_lowercase(),
            person: String::new(),
            name: name.into(),
            state,
            is_away: false,
            has_answered: state != TransferState::Offered,
            bytes: 0,
            reason: None,
            without: 0,
        }
    }

    fn outgoing(receivers: Vec<ReceiverView>) -> TransferView {
        let state = receivers
            .first()
            .map_or(TransferState::Waiting, |first| first.state);
        TransferView {
            parcel: "a".into(),
            room: mqdrop_core::RoomId::default(),
            receivers,
            ..view(Direction::Out, state)
        }
    }

    fn told(task: &mut Sending, view: TransferView, fault: Option<Fault>) -> Vec<Step> {
        let view = Box::new(view);
        task.handle(Happened::Transfer { view, fault }, START)
    }

    fn see(task: &mut Sending, receivers: &[(&str, TransferState)]) -> Vec<Step> {
        let receivers = receivers.iter().map(|(name, state)| receiver(name, *state));
        told(task, outgoing(receivers.collect()), None)
    }

    fn code(steps: &[Step]) -> Option<u8> {
        steps.iter().find_map(|step| match step {
            Step::End(Ok(())) => Some(0),
            Step::End(Err(failure)) => Some(failure.code()),
            _ => None,
        })
    }

    fn receipts(steps: &[Step]) -> usize {
        let is_receipt = |step: &&Step| matches!(step, Step::Say(Event::Receipt { .. }));
        steps.iter().filter(is_receipt).count()
    }

    #[test]
    fn it_is_over_when_as_many_as_wanted_have_it() {
        use TransferState::{Active, Done};
        let mut task = task(2);
        assert_eq!(code(&see(&mut task, &[])), None);
        let steps = see(&mut task, &[("Ann", Done), ("Ben", Active)]);
        assert_eq!((receipts(&steps), code(&steps)), (1, None));
        let steps = see(&mut task, &[("Ann", Done), ("Ben", Done)]);
        assert_eq!(
            (receipts(&steps), code(&steps)),
            (1, Some(0)),
            "each is told once"
        );
    }

    #[test]
    fn every_parcel_is_to_be_had() {
        let wish = task(1).wish;
        let mut task = Sending::new(wish, None);
        task.offered(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(code(&see(&mut task, &[("Ann", TransferState::Done)])), None);
        let other = TransferView {
            parcel: "b".into(),
            room: mqdrop_core::RoomId::default(),
            ..outgoing(vec![receiver("Ann", TransferState::Done)])
        };
        assert_eq!(code(&told(&mut task, other, None)), Some(0));
    }

    #[test]
    fn it_ends_with_four_when_nobody_is_left_who_may_want_it() {
        use TransferState::{Cancelled, Declined, Offered};
        let mut task = task(1);
        assert_eq!(
            code(&see(&mut task, &[("Ann", Declined), ("Ben", Offered)])),
            None
        );
        let steps = see(&mut task, &[("Ann", Declined), ("Ben", Cancelled)]);
        assert_eq!(code(&steps), Some(4));
    }

    #[test]
    fn who_left_before_answering_is_not_waited_for_and_who_began_is() {
        let away = |has_answered| ReceiverView {
            is_away: true,
            has_answered,
            ..receiver("Ben", TransferState::Waiting)
        };
        let ann = || receiver("Ann", TransferState::Declined);
        let steps = told(&mut task(1), outgoing(vec![ann(), away(true)]), None);
        assert_eq!(code(&steps), None);
        let steps = told(&mut task(1), outgoing(vec![ann(), away(false)]), None);
        assert_eq!(code(&steps), Some(4));
    }

    #[test]
    fn a_receiver_that_fails_is_another_failure() {
        let ann = ReceiverView {
            reason: Some(EndReason::Storage(mqdrop_core::StoreError::NoSpace {
                available: None,
            })),
            ..receiver("Ann", TransferState::Failed)
        };
        let steps = told(&mut task(1), outgoing(vec![ann]), None);
        assert_eq!(code(&steps), Some(1));
    }

    #[test]
    fn files_that_were_left_out_are_a_failure_though_all_have_the_rest() {
        let ann = ReceiverView {
            without: 2,
            ..receiver("Ann", TransferState::Failed)
        };
        let view = TransferView {
            left_out: 2,
            ..outgoing(vec![ann])
        };
        let steps = told(&mut task(1), view, None);
        assert_eq!((receipts(&steps), code(&steps)), (1, Some(1)));
    }

    #[test]
    fn files_that_changed_end_it() {
        let steps = told(&mut task(1), outgoing(Vec::new()), Some(Fault::Source));
        assert_eq!(code(&steps), Some(1));
    }

    #[test]
    fn who_stays_goes_on() {
        let mut task = task(1);
        task.wish.stays = true;
        let steps = see(&mut task, &[("Ann", TransferState::Done)]);
        assert_eq!((receipts(&steps), code(&steps)), (1, None));
        assert_eq!(
            code(&see(&mut task, &[("Ann", TransferState::Declined)])),
            None
        );
    }

    #[test]
    fn files_that_are_others_by_now_are_offered_anew() {
        let mut task = task(1);
        let steps = task.handle(Happened::Unfit("a".into()), START);
        assert_eq!(steps, [Step::OfferAnew("a".into())]);
        task.replace("a", "b".into());
        assert_eq!(task.handle(Happened::Unfit("a".into()), START), []);
        let view = TransferView {
            parcel: "b".into(),
            room: mqdrop_core::RoomId::default(),
            ..outgoing(vec![receiver("Ann", TransferState::Done)])
        };
        assert_eq!(code(&told(&mut task, view, None)), Some(0));
    }

    #[test]
    fn nobody_who_receives_in_time_is_an_error_and_somebody_stops_the_clock() {
        use TransferState::{Active, Offered, Waiting};
        let mut task = task(1);
        see(&mut task, &[]);
        assert_eq!(task.deadline(), None, "not in the room yet");
        task.handle(Happened::Entered, START);
        let until = START + Duration::from_secs(5);
        see(&mut task, &[("Ann", Offered)]);
        assert_eq!(task.deadline(), Some(until));
        see(&mut task, &[("Ann", Active)]);
        assert_eq!(task.deadline(), None);
        see(&mut task, &[("Ann", Waiting)]);
        assert_eq!(code(&task.handle(Happened::Woken, until)), Some(3));
    }

    #[test]
    fn an_interruption_tells_the_key_that_was_made() {
        assert_eq!(task(1).remedy(), "interrupted; the same command goes on");
        let made = Sending::new(task(1).wish, Some("a-b-c".into()));
        assert!(made.remedy().contains("MQDROP_KEY=a-b-c"));
    }

    fn person(name: &str, is_namesake: bool) -> PersonView {
        PersonView {
            person: format!("{name} {is_namesake}"),
            key: String::new(),
            name: name.into(),
            is_me: false,
            is_namesake,
            is_here: true,
            seen: 0,
            is_told: false,
            muted: false,
            verified: mqdrop_core::view::Verified::No,
        }
    }

    #[test]
    fn what_is_for_persons_is_offered_once_all_of_them_are_known() {
        let wish = Wish {
            to: vec!["ann".into(), "Ben".into()],
            ..task(1).wish
        };
        let mut task = Sending::new(wish, None);
        task.handle(Happened::Entered, START);
        let ann = [person("Ann", true), person("Ann", false)];
        let steps = task.handle(Happened::People(ann.to_vec()), START);
        assert!(matches!(&steps[..], [Step::Say(Event::Warning { text })] if text.contains("Ben")));
        let all = [&ann[..], &[person("Ben", false)]].concat();
        let steps = task.handle(Happened::People(all.clone()), START);
        let offer = Step::Offer(vec!["Ann false".into(), "Ben false".into()]);
        assert_eq!(steps, [offer]);
        assert_eq!(task.handle(Happened::People(all), START), []);
    }
}
