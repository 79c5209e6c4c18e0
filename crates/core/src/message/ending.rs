//! Why a transfer was declined or ended, as messages say it.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{ParcelId, Token};
use crate::io::StoreError;
use crate::names;

/// The number of [`EndReason::FileChanged`].
pub(crate) const CHANGED: u8 = 4;

/// The longest detail of a reason, in letters.
const MAX_DETAIL: usize = 200;

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Ending {
    #[n(0)]
    pub(crate) parcel: ParcelId,
    /// One of [`EndReason`]'s numbers.
    #[n(1)]
    pub(crate) reason: u8,
    /// The subject of the reason: a file's name, a number of bytes.
    #[n(2)]
    pub(crate) detail: Option<String>,
    /// The token that the sender knows the receiver by, if it is a receiver that says this.
    #[n(3)]
    pub(crate) token: Option<Token>,
}

/// The reason why a transfer was declined or ended, as the devices tell each other. Texts are on one line of at
/// most 200 letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// A user did it.
    ByUser,
    /// The receiver takes no parcel of this size or number of files.
    TooLarge,
    /// The sender's manifest contradicts its offer.
    BadManifest,
    /// This file was changed or removed while it was being sent. Empty, it is the list of all files'
    /// hashes.
    FileChanged(String),
    /// The receiver's storage failed, or has no room for it. What another device says of its own is
    /// [`StoreError::NoSpace`] or [`StoreError::Told`], whose text may be empty.
    Storage(StoreError),
    /// The other side knows no such parcel (any more).
    Unknown,
    /// The receiver has too many transfers open.
    TooMany,
    /// The sender left the room.
    Left,
    /// This file could not be read by its sender.
    Unreadable(String),
    /// A reason that only later versions know.
    Other,
}

impl EndReason {
    pub(crate) fn ending(&self, parcel: ParcelId) -> Ending {
        let (reason, detail) = match self {
            Self::ByUser => (0, None),
            Self::Storage(StoreError::NoSpace { available }) => {
                (1, available.map(|bytes| bytes.to_string()))
            }
            Self::TooLarge => (2, None),
            Self::BadManifest => (3, None),
            Self::FileChanged(file) => (CHANGED, Some(names::line(file, MAX_DETAIL))),
            Self::Storage(StoreError::Told(text)) => (5, Some(names::line(text, MAX_DETAIL))),
            Self::Storage(StoreError::Gone | StoreError::Excess) => (5, None),
            Self::Unknown => (6, None),
            Self::TooMany => (7, None),
            Self::Left => (8, None),
            Self::Unreadable(file) => (9, Some(names::line(file, MAX_DETAIL))),
            Self::Other => (255, None),
        };
        Ending {
            parcel,
            reason,
            detail,
            token: None,
        }
    }
}

impl From<&Ending> for EndReason {
    fn from(ending: &Ending) -> Self {
        let detail = || names::line(ending.detail.as_deref().unwrap_or_default(), MAX_DETAIL);
        match ending.reason {
            0 => Self::ByUser,
            1 => Self::Storage(StoreError::NoSpace {
                available: detail().parse().ok(),
            }),
            2 => Self::TooLarge,
            3 => Self::BadManifest,
            CHANGED => Self::FileChanged(detail()),
            5 => Self::Storage(StoreError::Told(detail())),
            6 => Self::Unknown,
            7 => Self::TooMany,
            8 => Self::Left,
            9 => Self::Unreadable(detail()),
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_reason_survives() {
        let named = "report.pdf".to_string();
        for reason in [
            EndReason::ByUser,
            EndReason::Storage(StoreError::NoSpace { available: None }),
            EndReason::Storage(StoreError::NoSpace {
                available: Some(1_100_000_000),
            }),
            EndReason::TooLarge,
            EndReason::BadManifest,
            EndReason::FileChanged(named.clone()),
            EndReason::Storage(StoreError::Told(named.clone())),
            EndReason::Unreadable(named),
            EndReason::Unknown,
            EndReason::TooMany,
            EndReason::Left,
            EndReason::Other,
        ] {
            assert_eq!(EndReason::from(&reason.ending(ParcelId([0; 10]))), reason);
        }
    }

    #[test]
    fn of_storage_that_failed_only_words_are_told() {
        let told = |error| EndReason::from(&EndReason::Storage(error).ending(ParcelId([0; 10])));
        let detail = |text: &str| EndReason::Storage(StoreError::Told(text.into()));
        assert_eq!(told(StoreError::Told("EIO".into())), detail("EIO"));
        assert_eq!(told(StoreError::Gone), detail(""));
        assert_eq!(told(StoreError::Excess), detail(""));
    }
}
