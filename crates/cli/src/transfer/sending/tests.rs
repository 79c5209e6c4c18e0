use super::*;
use mqdrop_core::view::EndReason;

use super::super::who::tests::person;
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

/// A task for these persons, in the room.
fn task_for(to: &[&str]) -> Sending {
    let wish = Wish {
        to: to.iter().map(|&text| text.to_owned()).collect(),
        ..task(1).wish
    };
    let mut task = Sending::new(wish, None);
    task.handle(Happened::Entered, START);
    task
}

/// The persons whom it was said to go to, and those whom it is offered.
fn goes_to(steps: &[Step]) -> (Vec<String>, Vec<String>) {
    let mut offered = Vec::new();
    let mut said = Vec::new();
    for step in steps {
        match step {
            Step::Say(Event::To { person, .. }) => said.push(person.clone()),
            Step::Offer(persons) => offered.extend(persons.clone()),
            other => panic!("{other:?}"),
        }
    }
    (said, offered)
}

#[test]
fn what_is_for_persons_is_offered_once_all_of_them_are_known() {
    let mut task = task_for(&["ann", "Ben"]);
    let namesake = PersonView {
        is_namesake: true,
        ..person(1, "Ann")
    };
    let ann = [namesake, person(2, "Ann")];
    let steps = task.handle(Happened::People(ann.to_vec()), START);
    assert!(matches!(&steps[..], [Step::Say(Event::Warning { text })] if text.contains("Ben")));
    let ben = person(3, "Ben");
    let all = [&ann[..], core::slice::from_ref(&ben)].concat();
    let steps = task.handle(Happened::People(all.clone()), START);
    let (said, mut offered) = goes_to(&steps);
    assert_eq!(said, [&*ann[1].person, &*ben.person]);
    offered.sort_by_key(|id| *id == ben.person);
    assert_eq!(offered, said);
    assert_eq!(task.handle(Happened::People(all), START), []);
}

#[test]
fn the_same_person_twice_is_one() {
    let ann = person(1, "Ann");
    let mut task = task_for(&["ann", &ann.person]);
    let steps = task.handle(Happened::People(vec![ann.clone()]), START);
    assert_eq!(goes_to(&steps).1, [ann.person]);
}

#[test]
fn who_is_known_by_others_word_alone_has_time_to_answer_first() {
    let mut task = task_for(&["Ann"]);
    let told = PersonView {
        is_told: true,
        ..person(1, "Ann")
    };
    let steps = task.handle(Happened::People(vec![told.clone()]), START);
    assert_eq!(steps, []);
    assert_eq!(task.deadline(), Some(START + SETTLING));
    let steps = task.handle(Happened::Woken, START + SETTLING);
    assert_eq!(goes_to(&steps).1, [told.person]);
    assert_eq!(task.deadline(), Some(START + Duration::from_secs(5)));
    assert!(matches!(&steps[0], Step::Say(Event::To { told: true, .. })));
}

#[test]
fn a_name_that_several_have_or_that_is_muted_is_refused_once_all_had_time_to_answer() {
    let of = |number, muted| PersonView {
        is_namesake: true,
        muted,
        ..person(number, "Ann")
    };
    for people in [vec![of(1, false), of(2, false)], vec![of(1, true)]] {
        let mut task = task_for(&["Ann"]);
        assert_eq!(task.handle(Happened::People(people), START), []);
        let steps = task.handle(Happened::Woken, START + SETTLING);
        assert_eq!(code(&steps), Some(2));
    }
}
