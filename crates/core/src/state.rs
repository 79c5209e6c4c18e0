//! The states of transfers.

use serde::{Deserialize, Serialize};

/// The state of a transfer, or of one receiver of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TransferState {
    /// Offered and not answered yet.
    Offered,
    /// Accepted or open, but the other side is not there.
    Waiting,
    /// Data flows.
    Active,
    /// Stopped by a user of either side, can be resumed.
    Paused,
    /// All data is there; the hashes are being compared.
    Verifying,
    /// Delivered and verified.
    Done,
    /// Ended with an error.
    Failed,
    /// Ended by a user of either side.
    Cancelled,
    /// The receiver did not want it.
    Declined,
}

impl TransferState {
    /// The state's name in lower case, as in the `data-state` attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Verifying => "verifying",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
        }
    }

    /// Tells whether the transfer is over, for whatever reason.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Failed | Self::Cancelled | Self::Declined
        )
    }
}
