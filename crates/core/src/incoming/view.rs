//! The view of a receiver's transfer.

use mqdrop_mqtt::Time;

use super::receiving::CREDIT;
use super::{Incoming, Phase};
use crate::incoming::content::Content;
use crate::io::StoreError;
use crate::message::{CHANGED, EndReason};
use crate::view::{Direction, Fault, FileView, ParcelKind, TransferState, TransferView};

impl Incoming {
    /// The part of this device that keeps it from being delivered, if one does.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match &self.phase {
            Phase::Declined(reason) | Phase::EndedHere(reason) => match reason {
                EndReason::NoSpace { available } => Some(Fault::Storage(StoreError::NoSpace {
                    available: *available,
                })),
                EndReason::Storage(text) => Some(Fault::Storage(StoreError::Other(text.clone()))),
                EndReason::BadManifest | EndReason::FileChanged(_) => Some(Fault::Integrity),
                _ => None,
            },
            Phase::Receiving(receiving) if receiving.paused => {
                receiving.stuck.error.clone().map(Fault::Storage)
            }
            Phase::Finishing(finishing) if finishing.has_given_up() => {
                finishing.error.clone().map(Fault::Storage)
            }
            _ => None,
        }
    }

    pub(crate) fn view(&self, sender: String, now: Time) -> TransferView {
        let state = self.state();
        let bytes = self.bytes();
        let rate = match &self.phase {
            Phase::Receiving(receiving) if state == TransferState::Active => {
                receiving.rate.rate(now)
            }
            _ => 0.0,
        };
        TransferView {
            parcel: self.parcel().to_string(),
            direction: Direction::In,
            kind: if self.offer.text {
                ParcelKind::Text
            } else {
                ParcelKind::Files
            },
            title: self.offer.title.clone(),
            state,
            bytes,
            total: self.offer.total,
            files: self.offer.files,
            paused_here: self.is_paused_here(),
            rate,
            eta: (rate > 0.0).then(|| (self.offer.total - bytes) as f64 / rate),
            error: self.error(state),
            offline: false,
            left_out: self.content().map_or(0, |content| content.left_out().len()),
            sender: Some(sender),
            lacks_files: false,
            receivers: Vec::new(),
        }
    }

    /// A number that changes when something arrives.
    pub(crate) fn progress(&self) -> u64 {
        match &self.phase {
            Phase::Receiving(receiving) => {
                let newest = receiving.echo.map_or(0, |(sent, _)| sent);
                receiving.content.bytes().wrapping_add(newest)
            }
            _ => 0,
        }
    }

    /// Returns whether the broker delivers its data frames here.
    pub(crate) fn is_subscribed(&self) -> bool {
        matches!(&self.phase, Phase::Receiving(receiving) if receiving.subscribed)
    }

    /// Returns whether nothing more can arrive before this device's own storage answers.
    pub(crate) fn waits_for_storage(&self) -> bool {
        match &self.phase {
            Phase::Opening { .. } => true,
            Phase::Receiving(receiving) => receiving.unwritten >= CREDIT,
            _ => false,
        }
    }

    fn is_paused_here(&self) -> bool {
        match &self.phase {
            Phase::Opening { paused, .. } => *paused,
            Phase::Receiving(receiving) => receiving.paused,
            Phase::Finishing(finishing) => finishing.has_given_up(),
            _ => false,
        }
    }

    /// Bytes of content that are here, as far as they are known to be right.
    pub(super) fn bytes(&self) -> u64 {
        match &self.phase {
            Phase::Receiving(receiving) => receiving.content.bytes(),
            Phase::Restoring(restoring) => restoring.content().bytes(),
            Phase::Finishing(_) | Phase::Done(_) => {
                self.offer.total - self.content().map_or(0, Content::left_out_bytes)
            }
            _ => 0,
        }
    }

    pub(crate) fn files_view(&self) -> Option<Vec<FileView>> {
        let content = self.content()?;
        // A hash is shown when it was compared with the sender's.
        let verified = matches!(self.phase, Phase::Done(_));
        let digest = |file| {
            content
                .digest(file)
                .filter(|_| verified)
                .map(|hash| hash.to_hex().to_string())
        };
        let is_left_out = |file| verified && content.left_out().contains(file);
        Some(content.manifest()?.views(is_left_out, digest))
    }

    fn content(&self) -> Option<&Content> {
        match &self.phase {
            Phase::Receiving(receiving) => Some(&receiving.content),
            Phase::Restoring(restoring) => Some(restoring.content()),
            Phase::Finishing(finishing) => Some(&finishing.content),
            Phase::Done(content) => Some(content),
            _ => None,
        }
    }

    pub(crate) fn state(&self) -> TransferState {
        match &self.phase {
            Phase::Offered => TransferState::Offered,
            Phase::Opening { paused: true, .. } => TransferState::Paused,
            Phase::Receiving(receiving) if receiving.paused => TransferState::Paused,
            Phase::Receiving(receiving) if receiving.unknown_to_sender => TransferState::Waiting,
            Phase::Receiving(receiving) if receiving.not_subscribed.is_some() => {
                TransferState::Waiting
            }
            Phase::Receiving(_) if self.sender_paused => TransferState::Paused,
            Phase::Receiving(receiving) if receiving.content.is_whole() => TransferState::Verifying,
            Phase::Opening { .. } | Phase::Receiving(_) if !self.sender_present => {
                TransferState::Waiting
            }
            Phase::Opening { .. } | Phase::Receiving(_) => TransferState::Active,
            Phase::Finishing(finishing) if finishing.has_given_up() => TransferState::Paused,
            Phase::Restoring(_) | Phase::Finishing(_) => TransferState::Verifying,
            Phase::Done(content) if !content.left_out().is_empty() => TransferState::Failed,
            Phase::Done(_) => TransferState::Done,
            Phase::Declined(EndReason::ByUser) => TransferState::Declined,
            Phase::EndedHere(EndReason::ByUser)
            | Phase::EndedBySender(EndReason::ByUser | EndReason::Left) => TransferState::Cancelled,
            Phase::Declined(_) | Phase::EndedHere(_) | Phase::EndedBySender(_) => {
                TransferState::Failed
            }
        }
    }

    fn error(&self, state: TransferState) -> Option<String> {
        match &self.phase {
            Phase::Declined(reason) | Phase::EndedHere(reason) => {
                reason.to_receiver(self.offer.total)
            }
            Phase::EndedBySender(reason) => reason.of_sender(),
            Phase::Done(content) => left_out_words(content),
            Phase::Receiving(receiving)
                if state == TransferState::Waiting && receiving.unknown_to_sender =>
            {
                Some(
                    "The sender left, or does not offer it any more. What arrived is kept; ask for it to be sent again"
                        .into(),
                )
            }
            Phase::Receiving(receiving) if receiving.not_subscribed.is_some() => {
                receiving.not_subscribed.clone()
            }
            Phase::Receiving(receiving) if receiving.paused && receiving.stuck.error.is_some() => {
                receiving.stuck.error.as_ref().map(stuck_words)
            }
            Phase::Finishing(finishing) if finishing.has_given_up() => {
                finishing.error.as_ref().map(unfinished_words)
            }
            Phase::Receiving(receiving) if receiving.restored && receiving.paused => {
                Some(
                    "Not finished when this page was closed or the room was left. Resume to go on"
                        .into(),
                )
            }
            Phase::Receiving(receiving) if state == TransferState::Paused && !receiving.paused => {
                Some("Paused by the sender".into())
            }
            _ if state == TransferState::Waiting => {
                Some("The sender is away. It goes on when it is back".into())
            }
            Phase::Offered if !self.sender_present => Some("The sender is away".into()),
            _ => None,
        }
    }
}

/// Words for files that are not here because their sender could not read them.
fn left_out_words(content: &Content) -> Option<String> {
    let (file, reason) = content.left_out().files().next()?;
    let path = &content.manifest()?.entries.get(file as usize)?.path;
    let why = if reason == CHANGED {
        "was changed or removed"
    } else {
        "could not be read"
    };
    let others = match content.left_out().len() {
        1 => String::new(),
        2 => ", and so was another file".to_owned(),
        number => format!(", and so were {} other files", number - 1),
    };
    Some(format!(
        "\u{201c}{path}\u{201d} {why} at the sender and was left out{others}. Ask for what is missing to be sent again"
    ))
}

/// Why storage did not give what it holds, and what to do.
fn unfinished_words(error: &StoreError) -> String {
    format!("It is here and verified, but could not be finished: {error}. Resume to try again")
}

/// Why storage did not take what arrived, and what to do.
fn stuck_words(error: &StoreError) -> String {
    match error {
        StoreError::NoSpace { .. } => {
            "There is no space left on this device. Make some, then resume".into()
        }
        StoreError::Gone | StoreError::Other(_) => {
            format!("This device did not store what arrived: {error}. Resume to try again")
        }
    }
}
