//! Why a transfer ended, in words for whoever reads them.

use crate::message::EndReason;
use crate::words::size;

impl EndReason {
    /// What the sender ended, as its own user reads it.
    pub(crate) fn to_sender(&self) -> Option<String> {
        match self {
            Self::ByUser => None,
            Self::FileChanged(file) => Some(format!(
                "\u{201c}{file}\u{201d} was changed or removed while it was being sent. Choose it again to send it as it is now"
            )),
            Self::Unreadable(file) => Some(format!("\u{201c}{file}\u{201d} could not be read")),
            _ => Some("It could not be sent".into()),
        }
    }

    /// What a receiver ended, as the sender's user reads it.
    pub(crate) fn of_receiver(&self) -> Option<String> {
        Some(match self {
            Self::ByUser => "The receiver cancelled".into(),
            Self::NoSpace { available: None } => "The receiver has no space left for it".into(),
            Self::NoSpace {
                available: Some(bytes),
            } => format!(
                "The receiver has no space left for it: {} are free there",
                size(*bytes)
            ),
            Self::TooLarge => {
                "The receiver does not take so many files or bytes at once. Send them in parts"
                    .into()
            }
            Self::TooMany => {
                "The receiver has too many transfers open. Try again when it has finished some"
                    .into()
            }
            Self::BadManifest => {
                "The receiver found that the list of files contradicts the offer".into()
            }
            Self::FileChanged(file) => format!(
                "\u{201c}{file}\u{201d} did not arrive as it was sent; most likely it was changed meanwhile. Send it again"
            ),
            Self::Storage(text) if text.is_empty() => "The receiver could not store it".into(),
            Self::Storage(text) => format!("The receiver could not store it: {text}"),
            Self::Left | Self::Unreadable(_) | Self::Unknown | Self::Other => {
                "The receiver ended it".into()
            }
        })
    }

    /// What the sender ended, as the receiver's user reads it.
    pub(crate) fn of_sender(&self) -> Option<String> {
        Some(match self {
            Self::ByUser => "The sender cancelled".into(),
            Self::Left => "The sender left before it was sent".into(),
            Self::FileChanged(file) => {
                format!(
                    "\u{201c}{file}\u{201d} was changed or removed at the sender. Ask for it to be sent again"
                )
            }
            Self::Unreadable(file) => {
                format!(
                    "\u{201c}{file}\u{201d} could not be read at the sender. Ask for it to be sent again"
                )
            }
            Self::Unknown => {
                "The sender left, or does not offer it any more. Ask for it to be sent again".into()
            }
            _ => "The sender ended it".into(),
        })
    }

    /// What the receiver ended, as its own user reads it; `total` bytes were to be received.
    pub(crate) fn to_receiver(&self, total: u64) -> Option<String> {
        Some(match self {
            Self::ByUser => return None,
            Self::NoSpace { available } => {
                let free = available.map(|bytes| format!(", and {} are free", size(bytes)));
                format!(
                    "There is no space left for it on this device: it takes {}{}. Free some and ask for it again",
                    size(total),
                    free.unwrap_or_default()
                )
            }
            Self::TooLarge => {
                "It has more files or bytes than can be received at once. Ask for it in parts"
                    .into()
            }
            Self::BadManifest => {
                "The sender’s list of files contradicts its offer. Ask for it to be sent again"
                    .into()
            }
            Self::FileChanged(file) => format!(
                "\u{201c}{file}\u{201d} did not arrive as it was sent, several times; most likely it was changed meanwhile. Ask for it to be sent again"
            ),
            Self::Storage(text) => format!("It could not be stored: {text}"),
            Self::Left | Self::Unreadable(_) | Self::Unknown | Self::TooMany | Self::Other => {
                "It ended".into()
            }
        })
    }
}
