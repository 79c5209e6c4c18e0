//! Sentences about transfers.

use mqdrop_core::view::{
    Cause, Direction, EndReason, SubscriptionTrouble, Title, TransferState, TransferView,
};
use mqdrop_core::{ReadFault, StoreError, isolated};

use crate::{Surface, Words};

impl Words {
    /// The title of a parcel.
    #[must_use]
    pub fn title(self, title: &Title) -> String {
        match (title.name.as_str(), title.more) {
            ("", _) => self.title_text().into(),
            (name, 0) => name.into(),
            (name, more) => self.title_and_more(more.into(), name),
        }
    }

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
            Cause::Unreadable { path, why } => self
                .left_out_choose_again(&self.left_out_unreadable_why(path, &self.read_fault(why))),
            Cause::LeftOut { path, why, others } => self.left_out(path, why.as_ref(), *others),
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
            Cause::ForPersonsAway => self.transfer_for_persons_away(&self.names(&view.to)),
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
            EndReason::Storage(StoreError::NoSpace { available }) => match available {
                Some(bytes) => self.ended_by_receiver_no_space_free(&self.size(*bytes)),
                None => self.ended_by_receiver_no_space().into(),
            },
            EndReason::TooLarge => self.ended_by_receiver_too_large().into(),
            EndReason::TooMany => self.ended_by_receiver_too_many().into(),
            EndReason::BadManifest => self.ended_by_receiver_bad_manifest().into(),
            EndReason::FileChanged(file) => {
                self.ended_by_receiver_changed(self.file_or_hashes(file))
            }
            EndReason::Storage(StoreError::Told(why)) if !why.is_empty() => {
                self.ended_by_receiver_storage_why(why)
            }
            EndReason::Storage(_) => self.ended_by_receiver_storage().into(),
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
            StoreError::Excess => self.storage_excess().into(),
            StoreError::Told(why) => self.quoted(why).into(),
        }
    }

    /// The reason why a file cannot be read, as a part of a sentence.
    #[must_use]
    pub fn read_fault(self, fault: &ReadFault) -> String {
        match fault {
            ReadFault::Shorter => self.unread_shorter(),
            ReadFault::NotThere => self.unread_not_there(),
            ReadFault::Moved => self.unread_moved(),
            ReadFault::Changed => self.unread_changed(),
            ReadFault::Unreadable => self.unread_unreadable(),
            ReadFault::Withheld => self.unread_withheld(),
            ReadFault::Told(why) => self.quoted(why),
        }
        .into()
    }

    /// The words of the system, to be put into a sentence.
    fn quoted(self, said: &str) -> &str {
        match said.trim_end_matches('.') {
            "" => self.phrase_not_said(),
            said => said,
        }
    }

    /// The name of a file that did not arrive as it was sent. Without one, it is the list of hashes.
    pub(crate) fn file_or_hashes(self, file: &str) -> &str {
        if file.is_empty() {
            self.phrase_hashes()
        } else {
            file
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
            EndReason::Storage(StoreError::NoSpace { available }) => {
                let total = self.size(total);
                match available {
                    Some(free) => self.ended_receiving_no_space_free(&total, &self.size(*free)),
                    None => self.ended_receiving_no_space(&total),
                }
            }
            EndReason::TooLarge => self.ended_receiving_too_large().into(),
            EndReason::BadManifest => self.ended_receiving_bad_manifest().into(),
            EndReason::FileChanged(file) => self.ended_receiving_changed(self.file_or_hashes(file)),
            EndReason::Storage(error) => self.ended_receiving_storage(&self.storage(error)),
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

    fn left_out(self, path: &str, why: Option<&ReadFault>, others: u32) -> String {
        let sentence = match why {
            Some(why) => self.left_out_unreadable_why(path, &self.read_fault(why)),
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

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_title_has_the_first_file_and_the_number_of_others() {
        let title = |name: &str, more| Title {
            name: name.into(),
            more,
        };
        let words = |title| Words::page().title(&title);
        assert_eq!(words(title("a.txt", 0)), "a.txt");
        assert_eq!(words(title("a.txt", 1)), "a.txt and 1 more");
        assert_eq!(words(title("a.txt", 1234)), "a.txt and 1,234 more");
        assert_eq!(words(title("", 0)), "Text");
    }

    #[test]
    fn what_the_system_said_stands_within_the_sentence() {
        let words = Words::page();
        let fault = |said: &str| words.read_fault(&ReadFault::Told(said.into()));
        assert_eq!(fault("The disk is gone."), "The disk is gone");
        assert_eq!(fault(""), "the browser did not say why");
        assert_eq!(words.storage(&StoreError::Told("EIO.".into())), "EIO");
    }

    #[test]
    fn a_receivers_own_words_are_quoted_if_it_has_any() {
        let words = |error| Words::page().ended_by_receiver(&EndReason::Storage(error));
        let told = |why: &str| StoreError::Told(why.into());
        assert_eq!(words(told("EIO")), "The receiver could not store it: EIO");
        assert_eq!(words(told("")), "The receiver could not store it");
        let full = StoreError::NoSpace {
            available: Some(1500),
        };
        assert_eq!(
            words(full),
            "The receiver has no space left for it: 1.5 kB are free there"
        );
    }

    #[test]
    fn a_file_without_a_name_is_the_list_of_hashes() {
        let notice =
            |file: &str| Words::page().notice(&mqdrop_core::Notice::FetchedAgain(file.into()));
        assert!(notice("a.txt").starts_with("“a.txt” did not arrive"));
        assert!(notice("").starts_with("“the list of hashes” did not arrive"));
    }
}
