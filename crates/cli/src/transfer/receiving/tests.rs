use super::*;
use mqdrop_core::view::Cause;

use crate::say::view;

const START: Time = Time::ZERO;

fn yes() -> Receiving {
    Receiving::new(Wish {
        takes_all: true,
        ..Wish::default()
    })
}

fn incoming(parcel: &str, state: TransferState) -> TransferView {
    TransferView {
        parcel: parcel.into(),
        room: mqdrop_core::RoomId::default(),
        ..view(Direction::In, state)
    }
}

const NO_SPACE: StoreError = StoreError::NoSpace { available: None };

fn told(task: &mut Receiving, view: TransferView, fault: Option<Fault>) -> Vec<Step> {
    let view = Box::new(view);
    let steps = task.handle(Happened::Transfer { view, fault }, START);
    let is_telling = |step: &Step| matches!(step, Step::Say(_));
    steps.into_iter().filter(|step| !is_telling(step)).collect()
}

fn see(task: &mut Receiving, parcel: &str, state: TransferState) -> Vec<Step> {
    told(task, incoming(parcel, state), None)
}

fn code(steps: &[Step]) -> Option<u8> {
    steps.iter().find_map(|step| match step {
        Step::End(Ok(())) => Some(0),
        Step::End(Err(failure)) => Some(failure.code()),
        _ => None,
    })
}

#[test]
fn a_namesake_is_asked_about_as_another_one() {
    let mut view = incoming("a", TransferState::Offered);
    view.from.is_namesake = true;
    let steps = told(&mut Receiving::new(Wish::default()), view, None);
    let [Step::Ask(question)] = &steps[..] else {
        panic!("{steps:?}");
    };
    assert!(question.starts_with("Another Ann wants to send you"));
}

#[test]
fn one_parcel_is_taken_and_then_it_is_over() {
    let mut task = yes();
    assert_eq!(
        see(&mut task, "a", TransferState::Offered),
        [Step::Accept("a".into())]
    );
    assert_eq!(see(&mut task, "b", TransferState::Offered), []);
    assert_eq!(see(&mut task, "a", TransferState::Active), []);
    let done = see(&mut task, "a", TransferState::Done);
    assert_eq!(done, [Step::Saved("a".into()), Step::End(Ok(()))]);
}

#[test]
fn the_next_offer_has_its_turn_while_the_first_ones_sender_is_away() {
    let mut task = yes();
    see(&mut task, "a", TransferState::Offered);
    see(&mut task, "b", TransferState::Offered);
    let steps = see(&mut task, "a", TransferState::Waiting);
    assert_eq!(steps, [Step::Accept("b".into())]);
}

#[test]
fn who_stays_takes_all() {
    let mut task = Receiving::new(Wish {
        takes_all: true,
        stays: true,
        timeout: None,
    });
    for parcel in ["a", "b"] {
        let steps = see(&mut task, parcel, TransferState::Offered);
        assert_eq!(steps, [Step::Accept(parcel.into())]);
    }
    assert_eq!(
        see(&mut task, "a", TransferState::Done),
        [Step::Saved("a".into())]
    );
    assert_eq!(see(&mut task, "b", TransferState::Failed), []);
}

#[test]
fn somebody_at_the_terminal_is_asked_about_one_offer_after_the_other() {
    let mut task = Receiving::new(Wish {
        stays: true,
        ..Wish::default()
    });
    let steps = see(&mut task, "a", TransferState::Offered);
    let question = "Ann wants to send you \"a.txt\" (10 bytes). Take it? [y/N] ";
    assert_eq!(steps, [Step::Ask(question.into())]);
    assert_eq!(see(&mut task, "b", TransferState::Offered), []);
    let steps = task.handle(Happened::Answer(Some(true)), START);
    assert_eq!(steps[0], Step::Accept("a".into()));
    assert!(
        matches!(steps[1], Step::Ask(_)),
        "the other one has its turn"
    );
    let steps = task.handle(Happened::Answer(Some(false)), START);
    assert_eq!(steps, [Step::Decline("b".into())]);
}

#[test]
fn what_is_declined_or_cancelled_ends_with_four() {
    let mut task = Receiving::new(Wish::default());
    see(&mut task, "a", TransferState::Offered);
    task.handle(Happened::Answer(Some(false)), START);
    assert_eq!(code(&see(&mut task, "a", TransferState::Declined)), Some(4));

    let mut task = yes();
    see(&mut task, "a", TransferState::Offered);
    assert_eq!(
        code(&see(&mut task, "a", TransferState::Cancelled)),
        Some(4)
    );
}

#[test]
fn an_answer_to_an_offer_that_was_withdrawn_is_to_no_other() {
    let mut task = Receiving::new(Wish::default());
    see(&mut task, "a", TransferState::Offered);
    assert_eq!(see(&mut task, "a", TransferState::Cancelled), []);
    assert_eq!(see(&mut task, "b", TransferState::Offered), []);
    let steps = task.handle(Happened::Answer(Some(true)), START);
    assert!(matches!(steps[..], [Step::Ask(_)]), "{steps:?}");
}

#[test]
fn nobody_at_the_terminal_is_a_usage_error() {
    let mut task = Receiving::new(Wish::default());
    see(&mut task, "a", TransferState::Offered);
    assert_eq!(code(&task.handle(Happened::Answer(None), START)), Some(2));
}

#[test]
fn what_was_begun_before_a_restart_goes_on_once() {
    let mut task = yes();
    let paused = || TransferView {
        paused_here: true,
        ..incoming("a", TransferState::Paused)
    };
    see(&mut task, "a", TransferState::Verifying);
    assert_eq!(told(&mut task, paused(), None), [Step::Resume("a".into())]);
    assert_eq!(told(&mut task, paused(), None), []);
    let steps = told(&mut task, paused(), Some(Fault::Storage(NO_SPACE)));
    assert_eq!(code(&steps), Some(5));
}

#[test]
fn what_storage_stops_names_the_command_and_no_button() {
    let view = TransferView {
        paused_here: true,
        cause: Some(Cause::NotStored(StoreError::NoSpace { available: None })),
        ..incoming("a", TransferState::Paused)
    };
    let pulled = StoreError::Told("the disk was pulled out".into());
    for (error, words) in [
        (
            NO_SPACE,
            "\"a.txt\": there is no space left for it on this device; make some, then the same command goes on with what arrived",
        ),
        (
            pulled,
            "\"a.txt\": the disk was pulled out; once that is mended the same command goes on with what arrived",
        ),
    ] {
        let steps = told(&mut yes(), view.clone(), Some(Fault::Storage(error)));
        let failure = Failure::Storage(words.into());
        assert_eq!(steps.last(), Some(&Step::End(Err(failure))));
    }
}

#[test]
fn the_exit_code_tells_what_failed() {
    for (fault, expected) in [
        (Some(Fault::Storage(NO_SPACE)), 5),
        (Some(Fault::Integrity), 7),
        (None, 1),
    ] {
        let mut task = yes();
        see(&mut task, "a", TransferState::Offered);
        let steps = told(&mut task, incoming("a", TransferState::Failed), fault);
        assert_eq!(code(&steps), Some(expected));
    }
}

#[test]
fn what_could_not_be_read_at_the_sender_leaves_the_rest_saved_and_fails() {
    let mut task = yes();
    see(&mut task, "a", TransferState::Offered);
    let view = TransferView {
        left_out: 1,
        ..incoming("a", TransferState::Failed)
    };
    let steps = told(&mut task, view, None);
    assert_eq!(steps[0], Step::Saved("a".into()));
    assert_eq!(code(&steps), Some(1));
}

#[test]
fn a_text_is_given_to_the_user_and_is_one_parcel() {
    let mut task = yes();
    let text = |state| TransferView {
        kind: ParcelKind::Text,
        ..incoming("a", state)
    };
    assert_eq!(told(&mut task, text(TransferState::Active), None), []);
    let (parcel, words) = ("a".to_owned(), "hello".to_owned());
    let happened = Happened::Text {
        parcel: parcel.clone(),
        text: words.clone(),
    };
    let steps = task.handle(happened, START);
    assert_eq!(
        steps,
        [Step::Deliver {
            parcel,
            text: words
        }]
    );
    assert_eq!(
        told(&mut task, text(TransferState::Done), None),
        [Step::End(Ok(()))]
    );
}

#[test]
fn nobody_who_sends_in_time_is_an_error_and_somebody_stops_the_clock() {
    let mut task = Receiving::new(Wish {
        takes_all: true,
        timeout: Some(Duration::from_secs(5)),
        ..Wish::default()
    });
    assert_eq!(task.deadline(), None, "not in the room yet");
    task.handle(Happened::Entered, START);
    let until = START + Duration::from_secs(5);
    assert_eq!(task.deadline(), Some(until));
    see(&mut task, "a", TransferState::Offered);
    assert_eq!(task.deadline(), None);
    assert_eq!(task.handle(Happened::Woken, until), []);
    see(&mut task, "a", TransferState::Waiting);
    assert_eq!(code(&task.handle(Happened::Woken, until)), Some(3));
}

#[test]
fn an_interruption_says_how_to_go_on() {
    let mut task = yes();
    assert_eq!(task.remedy(), "interrupted");
    see(&mut task, "a", TransferState::Offered);
    see(&mut task, "a", TransferState::Active);
    assert!(task.remedy().contains("same command"));
}
