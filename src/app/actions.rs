//! Which buttons a transfer has in which state, and what its state is called.

use mqdrop_core::isolated;
use mqdrop_core::view::{Direction, ParcelKind, ReceiverView, TransferState, TransferView};

use super::words::words;
use crate::bridge::TransferAction;

/// A button of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Take the offer.
    Accept,
    /// Do not take it.
    Decline,
    /// Stop for now.
    Pause,
    /// Go on.
    Resume,
    /// End it on both sides.
    Cancel,
    /// Save several files as one zip archive.
    SaveZip,
    /// Save several files into a folder, with their structure.
    SaveFolder,
    /// Save what was received; several files one by one.
    Save,
    /// Stop saving.
    StopSaving,
    /// Take it off the list.
    Remove,
}

impl Button {
    /// Its `data-testid`.
    #[must_use]
    pub fn test_id(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::SaveZip => "save-zip",
            Self::SaveFolder => "save-folder",
            Self::Save => "save",
            Self::StopSaving => "stop-saving",
            Self::Remove => "remove",
        }
    }

    /// The button's text while the transfer is in this state and has so many files here.
    #[must_use]
    pub fn label(self, direction: Direction, state: TransferState, files: usize) -> &'static str {
        let words = words();
        match self {
            Self::SaveZip => words.button_save_zip(),
            Self::SaveFolder => words.button_save_folder(),
            Self::Save if files > 1 => words.button_save_each(),
            Self::StopSaving => words.button_stop(),
            // Bytes that are here already are lost with it.
            Self::Cancel if direction == Direction::In && state == TransferState::Paused => {
                words.button_discard()
            }
            Self::Accept => words.button_accept(),
            Self::Decline => words.button_decline(),
            Self::Pause => words.button_pause(),
            Self::Resume => words.button_resume(),
            Self::Cancel => words.button_cancel(),
            Self::Save => words.button_save(),
            Self::Remove => words.button_remove(),
        }
    }

    /// The action for the worker; saving is the app's own business.
    #[must_use]
    pub fn action(self) -> Option<TransferAction> {
        match self {
            Self::Accept => Some(TransferAction::Accept),
            Self::Decline => Some(TransferAction::Decline),
            Self::Pause => Some(TransferAction::Pause),
            Self::Resume => Some(TransferAction::Resume),
            Self::Cancel => Some(TransferAction::Cancel),
            Self::Remove => Some(TransferAction::Remove),
            Self::SaveZip | Self::SaveFolder | Self::Save | Self::StopSaving => None,
        }
    }
}

/// The buttons of a transfer, the most likely one first. Who did not pause it cannot let it go on. Not
/// all ways of saving are there for each.
#[must_use]
pub fn buttons(
    direction: Direction,
    kind: ParcelKind,
    state: TransferState,
    paused_here: bool,
    is_here: bool,
) -> &'static [Button] {
    use TransferState as S;
    match (direction, state) {
        (Direction::In, S::Offered) => &[Button::Accept, Button::Decline],
        (Direction::Out, S::Offered) | (_, S::Waiting | S::Active) => {
            &[Button::Pause, Button::Cancel]
        }
        (_, S::Paused) if paused_here => &[Button::Resume, Button::Cancel],
        (_, S::Verifying | S::Paused) => &[Button::Cancel],
        // The files that its sender could not read are missing; the others are here.
        (Direction::In, S::Done | S::Failed)
            if kind == ParcelKind::Files && (is_here || state == S::Done) =>
        {
            &SAVE_AND_REMOVE
        }
        (_, S::Done | S::Failed | S::Cancelled | S::Declined) => &[Button::Remove],
    }
}

const SAVE_AND_REMOVE: [Button; 5] = [
    Button::SaveZip,
    Button::SaveFolder,
    Button::Save,
    Button::StopSaving,
    Button::Remove,
];

/// The state in words for the person looking at it.
#[must_use]
pub fn state_words(view: &TransferView) -> String {
    use TransferState as S;
    let words = words();
    if view.lacks_files && !view.state.is_final() {
        return words.card_waiting_for_files().to_owned();
    }
    let state = match (view.direction, view.state) {
        _ if view.offline => words.card_no_connection(),
        (Direction::In, S::Offered) => words.card_offered(),
        (Direction::Out, S::Offered) => return asked_words(&view.receivers),
        (Direction::Out, S::Waiting) if view.receivers.is_empty() => {
            words.card_waiting_for_anyone()
        }
        (Direction::Out, S::Waiting) => words.card_waiting(),
        // It says who did it.
        (_, S::Cancelled | S::Declined) if view.cause.is_some() => "",
        (Direction::In, S::Waiting) => words.card_waiting_for_sender(),
        (Direction::Out, S::Active) => words.card_sending(),
        (Direction::In, S::Active) => words.card_receiving(),
        (_, S::Paused) => words.card_paused(),
        (_, S::Verifying) => words.card_verifying(),
        (Direction::Out, S::Done) => return delivered_words(&view.receivers),
        (Direction::In, S::Done) => words.card_received(),
        (direction, S::Failed) if view.left_out > 0 && files_here(view) > 0 => {
            let here = words.number(files_here(view) as u64);
            let all = words.number(view.files.into());
            return match direction {
                Direction::Out => words.card_sent_some(&here, &all),
                Direction::In => words.card_received_some(&here, &all),
            };
        }
        (_, S::Failed) => words.card_failed(),
        (_, S::Cancelled) => words.card_cancelled(),
        (Direction::Out, S::Declined) => words.card_declined(),
        (Direction::In, S::Declined) => words.card_declined_here(),
    };
    state.to_owned()
}

/// Whose answer is waited for.
fn asked_words(receivers: &[ReceiverView]) -> String {
    let mut asked = receivers
        .iter()
        .filter(|each| each.state == TransferState::Offered);
    match (asked.next(), asked.count()) {
        (Some(one), 0) => words().card_asked(&isolated(&one.name)),
        (_, others) => words().card_asked_many(others as u64 + 1),
    }
}

/// The receivers that have it, and the one of the others that comes first to mind.
fn delivered_words(receivers: &[ReceiverView]) -> String {
    let words = words();
    let lacks = |each: &&ReceiverView| each.state != TransferState::Done;
    let others = receivers.iter().filter(lacks);
    let Some(other) = others
        .clone()
        .min_by_key(|each| (!is_pending(each), each.has_answered))
    else {
        return words.card_delivered().to_owned();
    };
    let (all, without) = (receivers.len() as u64, others.count() as u64);
    let (number, all) = (words.number(all - without), words.number(all));
    let (name, state) = (isolated(&other.name), receiver_words(other));
    match without {
        1 => words.card_delivered_to(&number, &all, &name, &state),
        _ => words.card_delivered_to_more(without - 1, &number, &all, &name, &state),
    }
}

/// Whether files were received and can be saved, be it without those that their sender could not
/// read.
#[must_use]
pub fn is_received(view: &TransferView) -> bool {
    let is_here = view.state == TransferState::Done
        || (view.state == TransferState::Failed && view.left_out > 0);
    is_here && (view.direction, view.kind) == (Direction::In, ParcelKind::Files)
}

/// How many files are part of it.
#[must_use]
pub fn files_here(view: &TransferView) -> usize {
    view.files.saturating_sub(view.left_out) as usize
}

/// Whether a receiver does not have it and may still get it.
#[must_use]
pub fn is_pending(receiver: &ReceiverView) -> bool {
    !receiver.state.is_final() && (receiver.has_answered || !receiver.is_away)
}

/// One receiver's state in words for the sender.
#[must_use]
pub fn receiver_words(receiver: &ReceiverView) -> String {
    use TransferState as S;
    let words = words();
    let state = match receiver.state {
        S::Failed if receiver.without > 0 => {
            return words.receiver_left_out(receiver.without.into());
        }
        S::Offered => words.receiver_asked(),
        S::Waiting if receiver.is_away && !receiver.has_answered => words.receiver_left(),
        S::Waiting if receiver.is_away => words.receiver_away(),
        S::Waiting => words.receiver_waiting(),
        S::Active => words.receiver_receiving(),
        S::Paused => words.receiver_paused(),
        S::Verifying => words.receiver_verifying(),
        S::Done => words.receiver_delivered(),
        S::Failed => words.receiver_failed(),
        S::Cancelled => words.receiver_cancelled(),
        S::Declined => words.receiver_declined(),
    };
    state.to_owned()
}

/// Whether leaving the page now would break the transfer off.
#[must_use]
pub fn is_moving(state: TransferState) -> bool {
    matches!(state, TransferState::Active | TransferState::Verifying)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [TransferState; 9] = [
        TransferState::Offered,
        TransferState::Waiting,
        TransferState::Active,
        TransferState::Paused,
        TransferState::Verifying,
        TransferState::Done,
        TransferState::Failed,
        TransferState::Cancelled,
        TransferState::Declined,
    ];

    fn ids(direction: Direction, kind: ParcelKind, state: TransferState) -> Vec<&'static str> {
        buttons(direction, kind, state, true, false)
            .iter()
            .map(|button| button.test_id())
            .collect()
    }

    #[test]
    fn only_an_incoming_offer_can_be_accepted_or_declined() {
        for state in STATES {
            let asked = state == TransferState::Offered;
            for (direction, expected) in [(Direction::In, asked), (Direction::Out, false)] {
                let ids = ids(direction, ParcelKind::Files, state);
                assert_eq!(ids.contains(&"accept"), expected, "{direction:?} {state:?}");
                assert_eq!(
                    ids.contains(&"decline"),
                    expected,
                    "{direction:?} {state:?}"
                );
            }
        }
    }

    #[test]
    fn who_did_not_pause_it_cannot_let_it_go_on() {
        let (kind, state) = (ParcelKind::Files, TransferState::Paused);
        for direction in [Direction::In, Direction::Out] {
            let here = buttons(direction, kind, state, true, false);
            assert_eq!(here, [Button::Resume, Button::Cancel]);
            let there = buttons(direction, kind, state, false, false);
            assert_eq!(there, [Button::Cancel]);
        }
    }

    #[test]
    fn only_received_files_can_be_saved() {
        for state in STATES {
            let received = state == TransferState::Done;
            assert_eq!(
                ids(Direction::In, ParcelKind::Files, state).contains(&"save"),
                received
            );
            assert!(!ids(Direction::In, ParcelKind::Text, state).contains(&"save"));
            assert!(!ids(Direction::Out, ParcelKind::Files, state).contains(&"save"));
        }
        let (kind, failed) = (ParcelKind::Files, TransferState::Failed);
        let left = buttons(Direction::In, kind, failed, false, true);
        assert_eq!(left, SAVE_AND_REMOVE);
    }

    fn receiver(
        name: &str,
        state: TransferState,
        is_away: bool,
        has_answered: bool,
    ) -> ReceiverView {
        ReceiverView {
            device: name.into(),
            person: String::new(),
            name: name.into(),
            state,
            is_away,
            has_answered,
            bytes: 0,
            reason: None,
            without: 0,
        }
    }

    #[test]
    fn a_receiver_that_has_all_but_a_file_has_not_failed_in_words() {
        let mut ann = receiver("Ann", TransferState::Failed, false, true);
        assert_eq!(receiver_words(&ann), "failed");
        ann.without = 1;
        assert_eq!(receiver_words(&ann), "delivered without 1 file");
        ann.without = 2;
        assert_eq!(receiver_words(&ann), "delivered without 2 files");
    }

    #[test]
    fn who_has_not_answered_is_named_beside_who_has_it() {
        use TransferState as S;
        let words = |receivers: &[ReceiverView]| {
            delivered_words(receivers).replace(['\u{2068}', '\u{2069}'], "")
        };
        let ann = receiver("Ann", S::Done, false, true);
        assert_eq!(words(std::slice::from_ref(&ann)), "Delivered and verified");
        let ben = receiver("Ben", S::Offered, false, false);
        let cleo = receiver("Cleo", S::Declined, false, true);
        let dora = receiver("Dora", S::Waiting, true, false);
        let two = [cleo.clone(), ann.clone()];
        assert_eq!(words(&two), "1 of 2 have it · Cleo declined");
        let two = [ann.clone(), dora.clone()];
        assert_eq!(words(&two), "1 of 2 have it · Dora left before answering");
        assert!(!two.iter().any(is_pending));
        let all = [cleo, ann, dora, ben];
        assert_eq!(
            words(&all),
            "1 of 4 have it · Ben has not answered, and 2 more"
        );
        assert_eq!(all.iter().filter(|each| is_pending(each)).count(), 1);
        assert_eq!(asked_words(&all), "Waiting for \u{2068}Ben\u{2069}");
    }

    #[test]
    fn what_is_over_can_be_removed_and_what_is_not_can_be_ended() {
        for direction in [Direction::In, Direction::Out] {
            for state in STATES {
                let ids = ids(direction, ParcelKind::Files, state);
                assert_eq!(
                    ids.contains(&"remove"),
                    state.is_final(),
                    "{direction:?} {state:?}"
                );
                let ends = ids.contains(&"cancel") || ids.contains(&"decline");
                assert_eq!(ends, !state.is_final(), "{direction:?} {state:?}");
                assert_eq!(ids.contains(&"resume"), state == TransferState::Paused);
            }
        }
    }

    #[test]
    fn a_running_transfer_can_be_paused() {
        assert_eq!(
            ids(Direction::In, ParcelKind::Files, TransferState::Active),
            ["pause", "cancel"]
        );
        assert_eq!(
            ids(Direction::Out, ParcelKind::Files, TransferState::Offered),
            ["pause", "cancel"]
        );
        assert_eq!(
            ids(Direction::Out, ParcelKind::Text, TransferState::Done),
            ["remove"]
        );
    }
}
