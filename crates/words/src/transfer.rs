//! Sentences about transfers.

use mqdrop_core::view::{
    Cause, Direction, EndReason, SubscriptionTrouble, TransferState, TransferView,
};
use mqdrop_core::{StoreError, isolated};

use crate::{Surface, Words};

impl Words {
    /// The cause of a transfer's standing, if that has to be said.
    #[must_use]
    pub fn cause(self, view: &TransferView) -> Option<String> {
        let is_out = view.direction == Direction::Out;
        let cause = view.cause.as_ref()?;
        Some(match cause {
            Cause::EndedHere(reason) if is_out => self.ended_sending(reason),
            Cause::EndedHere(reason) => self.ended_receiving(reason, view.total),
            Cause::EndedBySender(reason) => self.ended_by_sender(reason),
            Cause::OfReceiver {
                reason: Some(reason),
                ..
            } => self.ended_by_receiver(reason),
            Cause::OfReceiver { name, state, .. } => self.of_receiver(&isolated(name), *state),
            Cause::Unreadable { path, why } => {
                self.left_out_choose_again(&self.left_out_unreadable_why(path, why))
            }
            Cause::LeftOut { path, why, others } => self.left_out(path, why.as_deref(), *others),
            Cause::LeftOutBySender {
                path,
                changed,
                others,
            } => self.left_out_by_sender(path, *changed, *others),
            Cause::UnknownToSender => self.transfer_unknown_to_sender().into(),
            Cause::NotSubscribed(trouble) => self.subscription(trouble),
            Cause::NotStored(StoreError::NoSpace { .. }) => self.transfer_no_space().into(),
            Cause::NotStored(error) => self.transfer_not_stored(&self.storage(error)),
            Cause::NotFinished(error) => self.transfer_not_finished(&self.storage(error)),
            Cause::NotFinishedBefore => match self.surface() {
                Surface::Page => self.transfer_not_finished_before_page(),
                Surface::Terminal => self.transfer_not_finished_before_terminal(),
            }
            .into(),
            Cause::PausedByOther if is_out => self.transfer_paused_by_receiver().into(),
            Cause::PausedByOther => self.transfer_paused_by_sender().into(),
            Cause::SenderAway if view.state == TransferState::Offered => {
                self.transfer_sender_away().into()
            }
            Cause::SenderAway => self.transfer_sender_away_returns().into(),
            Cause::LacksFiles => match self.surface() {
                Surface::Page => self.transfer_lacks_files_page(),
                Surface::Terminal => self.transfer_lacks_files_terminal(),
            }
            .into(),
            Cause::Checking(percent) => self.transfer_checking(&self.number((*percent).into())),
            Cause::ForWhoeverComes => self.transfer_for_whoever_comes().into(),
            Cause::ReceiverAway(name) => self.transfer_receiver_away(&isolated(name)),
            Cause::LeftUnanswered(name) => self.transfer_left_unanswered(&isolated(name)),
            Cause::Asking(name) => self.transfer_asking(&isolated(name)),
            Cause::Stalled { topic } if is_out => self.transfer_nothing_gets_through(topic),
            Cause::Stalled { topic } => self.transfer_nothing_arrives(topic),
            Cause::HeldUp if is_out => self.transfer_held_up_there().into(),
            Cause::HeldUp => self.transfer_held_up_here().into(),
            Cause::NoConnection => self.transfer_no_connection().into(),
        })
    }

    /// The reason for which a receiver ended it, as the sender's user reads it.
    #[must_use]
    pub fn ended_by_receiver(self, reason: &EndReason) -> String {
        match reason {
            EndReason::ByUser => self.ended_by_receiver_by_user().into(),
            EndReason::NoSpace { available: None } => self.ended_by_receiver_no_space().into(),
            EndReason::NoSpace {
                available: Some(bytes),
            } => self.ended_by_receiver_no_space_free(&self.size(*bytes)),
            EndReason::TooLarge => self.ended_by_receiver_too_large().into(),
            EndReason::TooMany => self.ended_by_receiver_too_many().into(),
            EndReason::BadManifest => self.ended_by_receiver_bad_manifest().into(),
            EndReason::FileChanged(file) => self.ended_by_receiver_changed(file),
            EndReason::Storage(why) if why.is_empty() => self.ended_by_receiver_storage().into(),
            EndReason::Storage(why) => self.ended_by_receiver_storage_why(why),
            EndReason::Left | EndReason::Unreadable(_) | EndReason::Unknown | EndReason::Other => {
                self.ended_by_receiver_other().into()
            }
        }
    }

    /// The reason why storage failed, as a part of a sentence.
    #[must_use]
    pub fn storage(self, error: &StoreError) -> String {
        match error {
            StoreError::NoSpace { .. } => self.storage_no_space().into(),
            StoreError::Gone => self.storage_gone().into(),
            StoreError::Other(why) => why.clone(),
        }
    }

    fn ended_sending(self, reason: &EndReason) -> String {
        match reason {
            EndReason::FileChanged(file) => self.ended_sending_changed(file),
            EndReason::Unreadable(file) => self.ended_sending_unreadable(file),
            _ => self.ended_sending_other().into(),
        }
    }

    fn ended_by_sender(self, reason: &EndReason) -> String {
        match reason {
            EndReason::ByUser => self.ended_by_sender_by_user().into(),
            EndReason::Left => self.ended_by_sender_left().into(),
            EndReason::FileChanged(file) => self.ended_by_sender_changed(file),
            EndReason::Unreadable(file) => self.ended_by_sender_unreadable(file),
            EndReason::Unknown => self.ended_by_sender_unknown().into(),
            _ => self.ended_by_sender_other().into(),
        }
    }

    fn ended_receiving(self, reason: &EndReason, total: u64) -> String {
        match reason {
            EndReason::NoSpace { available } => {
                let total = self.size(total);
                match available {
                    Some(free) => self.ended_receiving_no_space_free(&total, &self.size(*free)),
                    None => self.ended_receiving_no_space(&total),
                }
            }
            EndReason::TooLarge => self.ended_receiving_too_large().into(),
            EndReason::BadManifest => self.ended_receiving_bad_manifest().into(),
            EndReason::FileChanged(file) => self.ended_receiving_changed(file),
            EndReason::Storage(why) => self.ended_receiving_storage(why),
            EndReason::ByUser
            | EndReason::Left
            | EndReason::Unreadable(_)
            | EndReason::Unknown
            | EndReason::TooMany
            | EndReason::Other => self.ended_receiving_other().into(),
        }
    }

    fn of_receiver(self, name: &str, state: TransferState) -> String {
        match state {
            TransferState::Declined => self.transfer_receiver_declined(name),
            TransferState::Cancelled => self.transfer_receiver_cancelled(name),
            _ => self.transfer_receiver_failed(name),
        }
    }

    fn left_out(self, path: &str, why: Option<&str>, others: u32) -> String {
        let sentence = match why {
            Some(why) => self.left_out_unreadable_why(path, why),
            None => self.left_out_unreadable(path),
        };
        match others {
            0 => self.left_out_alone(&sentence),
            1 => self.left_out_with_another(&sentence),
            others => self.left_out_with_others(others.into(), &sentence),
        }
    }

    fn left_out_by_sender(self, path: &str, changed: bool, others: u32) -> String {
        let sentence = if changed {
            self.left_out_changed_at_sender(path)
        } else {
            self.left_out_unreadable_at_sender(path)
        };
        let sentence = match others {
            0 => sentence,
            1 => self.left_out_so_was_another(&sentence),
            others => self.left_out_so_were_others(others.into(), &sentence),
        };
        self.left_out_ask_again(&sentence)
    }

    fn subscription(self, trouble: &SubscriptionTrouble) -> String {
        match trouble {
            SubscriptionTrouble::Denied { topic, reason } => {
                self.transfer_subscription_denied(topic, self.reason(*reason))
            }
            SubscriptionTrouble::Refused { topic, reason } => {
                self.transfer_subscription_refused(topic, self.reason(*reason))
            }
            SubscriptionTrouble::Quota {
                reason,
                has_others: true,
            } => self.transfer_subscription_quota_others(self.reason(*reason)),
            SubscriptionTrouble::Quota { reason, .. } => {
                self.transfer_subscription_quota(self.reason(*reason))
            }
        }
    }
}
