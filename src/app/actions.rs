//! Which buttons a transfer has in which state, and what its state is called.

use mqdrop_core::isolated;
use mqdrop_core::view::{Direction, ParcelKind, ReceiverView, TransferState, TransferView};

use super::format;
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
    /// Save what was received.
    Save,
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
            Self::Save => "save",
            Self::Remove => "remove",
        }
    }

    /// What is written on it while the transfer is in this state.
    #[must_use]
    pub fn label(self, direction: Direction, state: TransferState) -> &'static str {
        match self {
            // What is here already is lost with it.
            Self::Cancel if direction == Direction::In && state == TransferState::Paused => {
                "Discard"
            }
            Self::Accept => "Accept",
            Self::Decline => "Decline",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Cancel => "Cancel",
            Self::Save => "Save",
            Self::Remove => "Remove",
        }
    }

    /// What the worker is told; saving is the app's own business.
    #[must_use]
    pub fn action(self) -> Option<TransferAction> {
        match self {
            Self::Accept => Some(TransferAction::Accept),
            Self::Decline => Some(TransferAction::Decline),
            Self::Pause => Some(TransferAction::Pause),
            Self::Resume => Some(TransferAction::Resume),
            Self::Cancel => Some(TransferAction::Cancel),
            Self::Remove => Some(TransferAction::Remove),
            Self::Save => None,
        }
    }
}

/// The buttons of a transfer, the most likely one first. Who did not pause it cannot let it go on.
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
        // What its sender could not read is missing; the other files are here.
        (Direction::In, S::Done | S::Failed)
            if kind == ParcelKind::Files && (is_here || state == S::Done) =>
        {
            &[Button::Save, Button::Remove]
        }
        (_, S::Done | S::Failed | S::Cancelled | S::Declined) => &[Button::Remove],
    }
}

/// The state in words for the person looking at it.
#[must_use]
pub fn state_words(view: &TransferView) -> String {
    use TransferState as S;
    if view.lacks_files && !view.state.is_final() {
        return "Waiting for its files".to_owned();
    }
    let words = match (view.direction, view.state) {
        _ if view.offline => "No connection",
        (Direction::In, S::Offered) => "Wants to send you this",
        (Direction::Out, S::Offered) => return asked_words(&view.receivers),
        (Direction::Out, S::Waiting) if view.receivers.is_empty() => "Waiting for someone to join",
        (Direction::Out, S::Waiting) => "Waiting",
        // It says who did it.
        (_, S::Cancelled | S::Declined) if view.cause.is_some() => "",
        (Direction::In, S::Waiting) => "Waiting for the sender",
        (Direction::Out, S::Active) => "Sending",
        (Direction::In, S::Active) => "Receiving",
        (_, S::Paused) => "Paused",
        (_, S::Verifying) => "Verifying",
        (Direction::Out, S::Done) => return delivered_words(&view.receivers),
        (Direction::In, S::Done) => "Received and verified",
        (_, S::Failed) if view.left_out > 0 && files_here(view) > 0 => {
            let done = match view.direction {
                Direction::Out => "sent",
                Direction::In => "received",
            };
            return format!("{} of {} files {done}", files_here(view), view.files);
        }
        (_, S::Failed) => "Failed",
        (_, S::Cancelled) => "Cancelled",
        (Direction::Out, S::Declined) => "Declined",
        (Direction::In, S::Declined) => "You declined",
    };
    words.to_owned()
}

/// Whose answer is waited for.
fn asked_words(receivers: &[ReceiverView]) -> String {
    let mut asked = receivers
        .iter()
        .filter(|each| each.state == TransferState::Offered);
    match (asked.next(), asked.count()) {
        (Some(one), 0) => format!("Waiting for {}", isolated(&one.name)),
        (_, others) => format!("Waiting for {} answers", others + 1),
    }
}

/// Who has it, and who of the others comes first to mind.
fn delivered_words(receivers: &[ReceiverView]) -> String {
    let lacks = |each: &&ReceiverView| each.state != TransferState::Done;
    let others = receivers.iter().filter(lacks);
    let Some(other) = others
        .clone()
        .min_by_key(|each| (!is_pending(each), each.has_answered))
    else {
        return "Delivered and verified".to_owned();
    };
    let (all, without) = (receivers.len(), others.count());
    let mut words = format!(
        "{} of {all} have it · {} {}",
        all - without,
        isolated(&other.name),
        receiver_words(other)
    );
    if without > 1 {
        words += &format!(", and {} more", without - 1);
    }
    words
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
    let words = match receiver.state {
        S::Failed if receiver.without > 0 => {
            let files = format::count(receiver.without as usize, "file", "files");
            return format!("delivered without {files}");
        }
        S::Offered => "has not answered",
        S::Waiting if receiver.is_away && !receiver.has_answered => "left before answering",
        S::Waiting if receiver.is_away => "is not here now",
        S::Waiting => "waiting",
        S::Active => "receiving",
        S::Paused => "paused",
        S::Verifying => "verifying",
        S::Done => "delivered",
        S::Failed => "failed",
        S::Cancelled => "cancelled",
        S::Declined => "declined",
    };
    words.to_owned()
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
        assert_eq!(left, [Button::Save, Button::Remove]);
    }

    fn receiver(
        name: &str,
        state: TransferState,
        is_away: bool,
        has_answered: bool,
    ) -> ReceiverView {
        ReceiverView {
            device: name.into(),
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
