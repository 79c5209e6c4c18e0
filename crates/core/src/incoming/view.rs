//! The view of a receiver's transfer.

use mqdrop_mqtt::Time;

use super::receiving::CREDIT;
use super::{Incoming, Phase};
use crate::cause::Cause;
use crate::ids::{PersonId, RoomId};
use crate::incoming::content::Content;
use crate::message::{CHANGED, EndReason};
use crate::view::{
    Direction, Fault, FileView, ParcelKind, PersonName, Title, TransferState, TransferView,
};

impl Incoming {
    /// The part of this device that keeps it from being delivered, if one does.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match &self.phase {
            Phase::Declined(reason) | Phase::EndedHere(reason) => match reason {
                EndReason::Storage(error) => Some(Fault::Storage(error.clone())),
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

    pub(crate) fn view(&self, room: RoomId, from: PersonName, now: Time) -> TransferView {
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
            room,
            direction: Direction::In,
            kind: if self.offer.text {
                ParcelKind::Text
            } else {
                ParcelKind::Files
            },
            title: Title::of(&self.offer),
            state,
            bytes,
            total: self.offer.total,
            files: self.offer.files,
            paused_here: self.is_paused_here(),
            rate,
            eta: (rate > 0.0).then(|| (self.offer.total - bytes) as f64 / rate),
            cause: self.cause(state),
            offline: false,
            left_out: self.content().map_or(0, |content| content.left_out().len()),
            from,
            to: Vec::new(),
            time: self.sender.time(),
            lacks_files: false,
            receivers: Vec::new(),
        }
    }

    /// The persons whom it is for; nobody if it is for everyone.
    pub(crate) fn persons(&self) -> &[PersonId] {
        self.offer.persons.as_deref().unwrap_or_default()
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
            Phase::Finishing(_) | Phase::Done { .. } => {
                self.offer.total - self.content().map_or(0, Content::left_out_bytes)
            }
            _ => 0,
        }
    }

    pub(crate) fn files_view(&self) -> Option<Vec<FileView>> {
        let content = self.content()?;
        // A hash is shown when it was compared with the sender's.
        let verified = self.is_done();
        let digest = |file| {
            content
                .digest(file)
                .filter(|_| verified)
                .map(|hash| hash.to_hex().to_string())
        };
        let is_left_out = |file| verified && content.left_out().contains(file);
        let sum = |file| content.sum(file).filter(|_| verified);
        Some(content.manifest()?.views(is_left_out, digest, sum))
    }

    fn content(&self) -> Option<&Content> {
        match &self.phase {
            Phase::Receiving(receiving) => Some(&receiving.content),
            Phase::Restoring(restoring) => Some(restoring.content()),
            Phase::Finishing(finishing) => Some(&finishing.content),
            Phase::Done { content, .. } => Some(content),
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
            Phase::Receiving(_) if self.sender.is_paused() => TransferState::Paused,
            Phase::Receiving(receiving) if receiving.content.is_whole() => TransferState::Verifying,
            Phase::Opening { .. } | Phase::Receiving(_) if !self.sender.is_present() => {
                TransferState::Waiting
            }
            Phase::Opening { .. } | Phase::Receiving(_) => TransferState::Active,
            Phase::Finishing(finishing) if finishing.has_given_up() => TransferState::Paused,
            Phase::Restoring(_) | Phase::Finishing(_) => TransferState::Verifying,
            Phase::Done { content, .. } if !content.left_out().is_empty() => TransferState::Failed,
            Phase::Done { .. } => TransferState::Done,
            Phase::Declined(EndReason::ByUser) => TransferState::Declined,
            Phase::EndedHere(EndReason::ByUser)
            | Phase::EndedBySender(EndReason::ByUser | EndReason::Left) => TransferState::Cancelled,
            Phase::Declined(_) | Phase::EndedHere(_) | Phase::EndedBySender(_) => {
                TransferState::Failed
            }
        }
    }

    fn cause(&self, state: TransferState) -> Option<Cause> {
        let receiving = match &self.phase {
            Phase::Declined(EndReason::ByUser) | Phase::EndedHere(EndReason::ByUser) => {
                return None;
            }
            Phase::Declined(reason) | Phase::EndedHere(reason) => {
                return Some(Cause::EndedHere(reason.clone()));
            }
            Phase::EndedBySender(reason) => return Some(Cause::EndedBySender(reason.clone())),
            Phase::Done { content, .. } => return left_out(content),
            Phase::Finishing(finishing) if finishing.has_given_up() => {
                return finishing.error.clone().map(Cause::NotFinished);
            }
            Phase::Offered if !self.sender.is_present() => return Some(Cause::SenderAway),
            Phase::Receiving(receiving) => Some(receiving),
            _ => None,
        };
        if let Some(receiving) = receiving {
            if state == TransferState::Waiting && receiving.unknown_to_sender {
                return Some(Cause::UnknownToSender);
            }
            if let Some(trouble) = &receiving.not_subscribed {
                return Some(Cause::NotSubscribed(trouble.clone()));
            }
            if receiving.paused {
                let error = receiving.stuck.error.clone().map(Cause::NotStored);
                return error.or(receiving.restored.then_some(Cause::NotFinishedBefore));
            }
            if state == TransferState::Paused {
                return Some(Cause::PausedByOther);
            }
        }
        (state == TransferState::Waiting).then_some(Cause::SenderAway)
    }
}

/// The files that are not here because their sender could not read them.
fn left_out(content: &Content) -> Option<Cause> {
    let (file, reason) = content.left_out().files().next()?;
    let path = &content.manifest()?.entries.get(file as usize)?.path;
    Some(Cause::LeftOutBySender {
        path: path.clone(),
        changed: reason == CHANGED,
        others: content.left_out().len().saturating_sub(1),
    })
}
