//! Sentences about what did not work.

use mqdrop_core::keys::{KeyError, MAX_KEY_LEN};
use mqdrop_core::{JoinError, Notice, OfferError, TooMuch};

use crate::{Surface, Words};

/// The most files that a parcel holds.
const MOST_FILES: u64 = 250_000;

impl Words {
    /// The reason why a parcel cannot be sent, and what to do.
    #[must_use]
    pub fn offer_error(self, error: &OfferError) -> String {
        match error {
            OfferError::NoRoom => self.error_no_room().into(),
            OfferError::Empty => self.error_nothing().into(),
            OfferError::TooLarge(TooMuch::Files) => {
                self.error_too_many_files(&self.number(MOST_FILES))
            }
            OfferError::TooLarge(TooMuch::Names) => self.error_names_too_long().into(),
            OfferError::TooLarge(TooMuch::Bytes) => self.error_too_many_bytes().into(),
            OfferError::TooLarge(TooMuch::Persons) => self.error_too_many_persons().into(),
            OfferError::UnknownPerson => self.error_unknown_person().into(),
            OfferError::TooLarge(TooMuch::Text) => self.error_text_too_long().into(),
            OfferError::Missing(path) => self.error_missing_file(path),
            OfferError::Changed(path) => self.error_other_size(path),
            OfferError::OtherContent(path) => self.error_other_content(path),
            OfferError::Unreadable(path, why) => self.error_unreadable(path, &self.read_fault(why)),
            OfferError::NotWaiting => self.error_not_waiting().into(),
        }
    }

    /// The reason why a key cannot be used.
    #[must_use]
    pub fn key_error(self, error: KeyError) -> String {
        match error {
            KeyError::Empty => self.error_key_empty().into(),
            KeyError::TooLong => self.error_key_too_long(&self.number(MAX_KEY_LEN as u64)),
        }
    }

    /// Files that cannot be read where they were chosen, of which this is the first one.
    #[must_use]
    pub fn unreadable_here(self, path: &str, others: u64) -> String {
        match others {
            0 => self.error_unreadable_here(path),
            1 => self.error_unreadable_here_two(path),
            others => self.error_unreadable_here_more(others, path),
        }
    }

    /// The reason why a room cannot be entered.
    #[must_use]
    pub fn join_error(self, error: &JoinError) -> String {
        match error {
            JoinError::InvalidPrefix => self.error_invalid_prefix(),
            JoinError::OtherBroker => self.error_other_broker(),
            JoinError::AlreadyInside => self.error_already_inside(),
        }
        .into()
    }

    /// Something that the user should know.
    #[must_use]
    pub fn notice(self, notice: &Notice) -> String {
        match notice {
            Notice::NewerVersion => match self.surface() {
                Surface::Page => self.error_newer_version_page(),
                Surface::Terminal => self.error_newer_version_terminal(),
            }
            .into(),
            Notice::Imitator(name) => self.error_imitator(name),
            Notice::FetchedAgain(file) => self.error_fetched_again(self.file_or_hashes(file)),
        }
    }
}
