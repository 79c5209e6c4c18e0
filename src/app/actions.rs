//! Which buttons a transfer has in which state, and what its state is called.

use mqdrop_core::view::{Direction, ParcelKind, TransferState, TransferView};

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
) -> &'static [Button] {
    use TransferState as S;
    match (direction, state) {
        (Direction::In, S::Offered) => &[Button::Accept, Button::Decline],
        (Direction::Out, S::Offered) | (_, S::Waiting | S::Active) => {
            &[Button::Pause, Button::Cancel]
        }
        (_, S::Paused) if paused_here => &[Button::Resume, Button::Cancel],
        (_, S::Verifying | S::Paused) => &[Button::Cancel],
        (Direction::In, S::Done) if kind == ParcelKind::Files => &[Button::Save, Button::Remove],
        (_, S::Done | S::Failed | S::Cancelled | S::Declined) => &[Button::Remove],
    }
}

/// The state in words for the person looking at it.
#[must_use]
pub fn state_words(view: &TransferView) -> &'static str {
    use TransferState as S;
    if view.lacks_files && !view.state.is_final() {
        return "Waiting for its files";
    }
    match (view.direction, view.state) {
        (Direction::In, S::Offered) => "Wants to send you this",
        (Direction::Out, S::Offered) if view.receivers.is_empty() => "Waiting for a receiver",
        (Direction::Out, S::Offered) => "Offered",
        (Direction::Out, S::Waiting) => "Waiting for a receiver",
        (Direction::In, S::Waiting) => "Waiting for the sender",
        (Direction::Out, S::Active) => "Sending",
        (Direction::In, S::Active) => "Receiving",
        (_, S::Paused) => "Paused",
        (_, S::Verifying) => "Verifying",
        (Direction::Out, S::Done) => "Delivered and verified",
        (Direction::In, S::Done) => "Received and verified",
        (_, S::Failed) => "Failed",
        (_, S::Cancelled) => "Cancelled",
        (Direction::Out, S::Declined) => "Declined",
        (Direction::In, S::Declined) => "You declined",
    }
}

/// One receiver's state in words for the sender.
#[must_use]
pub fn receiver_words(state: TransferState, is_away: bool) -> &'static str {
    use TransferState as S;
    match state {
        S::Offered => "not answered yet",
        S::Waiting if is_away => "not here now",
        S::Waiting => "waiting",
        S::Active => "receiving",
        S::Paused => "paused",
        S::Verifying => "verifying",
        S::Done => "delivered",
        S::Failed => "failed",
        S::Cancelled => "cancelled",
        S::Declined => "declined",
    }
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
        buttons(direction, kind, state, true)
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
            let here = buttons(direction, kind, state, true);
            assert_eq!(here, [Button::Resume, Button::Cancel]);
            assert_eq!(buttons(direction, kind, state, false), [Button::Cancel]);
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
