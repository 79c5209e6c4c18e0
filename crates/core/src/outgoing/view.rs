//! The view of a sender's transfer.

use mqdrop_mqtt::Time;

use super::Outgoing;
use super::original::Files;
use super::receiver::{Phase, Receiver};
use crate::cause::Cause;
use crate::ids::{DeviceId, PersonId, RoomId};
use crate::message::EndReason;
use crate::names;
use crate::peers::Here;
use crate::view::{
    Direction, Fault, FileView, ParcelKind, PersonName, ReceiverView, Title, TransferState,
    TransferView,
};

/// How many letters of a text make its title.
const TEXT_TITLE: usize = 60;

impl Outgoing {
    /// The part of this device that keeps it from being delivered, if one does.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let ended = self.ended.as_ref()?;
        (*ended != EndReason::ByUser).then_some(Fault::Source)
    }

    pub(crate) fn view(
        &self,
        room: RoomId,
        from: PersonName,
        known: impl Fn(DeviceId) -> Option<Here>,
        now: Time,
    ) -> TransferView {
        let state = self.state(now);
        let receivers: Vec<ReceiverView> = self
            .receivers
            .iter()
            .map(|(device, receiver)| {
                let known = known(device);
                let person = known.as_ref().and_then(|known| known.person);
                let name = known.map(|known| known.name);
                let name = name.unwrap_or_else(|| names::device_name(&receiver.name));
                ReceiverView {
                    device: device.to_string(),
                    person: person.map(|it| it.to_string()).unwrap_or_default(),
                    state: self.receiver_state(receiver),
                    is_away: !receiver.is_present(),
                    has_answered: !receiver.is_undecided(),
                    bytes: self.bytes_of(receiver),
                    reason: reason(&receiver.phase),
                    without: match receiver.phase {
                        Phase::Done { without } => without,
                        _ => 0,
                    },
                    name,
                }
            })
            .collect();
        let cause = self.cause(state, &receivers);
        let total = self.parcel.layout().content_len();
        let bytes = self.bytes(state, now);
        let rate = if state == TransferState::Active {
            self.rate.rate(now)
        } else {
            0.0
        };
        let title = match &self.parcel.text {
            Some(text) => Title::named(names::line(text, TEXT_TITLE), 0),
            None => Title::of(&self.parcel.offer),
        };
        TransferView {
            parcel: self.parcel.id.to_string(),
            room,
            direction: Direction::Out,
            kind: self.parcel.kind,
            title,
            state,
            bytes,
            total,
            files: self.parcel.offer.files,
            paused_here: self.paused,
            rate,
            eta: (rate > 0.0).then(|| (total - bytes) as f64 / rate),
            cause,
            offline: false,
            left_out: self.source.gaps.files.len(),
            from,
            to: Vec::new(),
            time: self.parcel.time,
            lacks_files: self.lacks_files(),
            receivers,
        }
    }

    /// The persons whom it is for; nobody if it is for everyone.
    pub(crate) fn persons(&self) -> &[PersonId] {
        self.parcel.to.named()
    }

    /// When it was offered first, in ms since 1970.
    pub(crate) fn set_time(&mut self, time: u64) {
        self.parcel.time = time;
    }

    pub(crate) fn files_view(&self) -> Vec<FileView> {
        let is_left_out = |file| self.source.gaps.files.contains(file);
        let digest = |file| {
            let hash = self.source.hashes.digest(file);
            hash.map(|hash| hash.to_hex().to_string())
        };
        self.parcel.manifest.views(is_left_out, digest, |_| None)
    }

    pub(crate) fn shown_text(&self) -> Option<&str> {
        (self.parcel.kind == ParcelKind::Text)
            .then_some(self.parcel.text.as_deref())
            .flatten()
    }

    /// A number that changes when something gets to a receiver.
    pub(crate) fn progress(&self) -> u64 {
        let of_one = |receiver: &Receiver| match &receiver.phase {
            Phase::Receiving(progress) => u64::from(progress.held.len()),
            _ => 0,
        };
        self.receivers.values().map(of_one).sum()
    }

    /// Returns whether nothing can be sent before a receiver takes more: all of them have as much as
    /// they allowed.
    pub(crate) fn waits_for_receivers(&self) -> bool {
        let is_open = |receiver: &Receiver| match &receiver.phase {
            Phase::Receiving(progress) => progress.credit > 0,
            _ => false,
        };
        !self.receivers.values().any(is_open)
    }

    /// Of the receiver that is furthest from its end; those who have not decided count last.
    pub(crate) fn state(&self, now: Time) -> TransferState {
        match &self.ended {
            Some(EndReason::ByUser) => return TransferState::Cancelled,
            Some(_) => return TransferState::Failed,
            None if self.is_checking() => return TransferState::Verifying,
            None => {}
        }
        let rank = |receiver: &&Receiver| match self.receiver_state(receiver) {
            // It left before answering.
            TransferState::Waiting if receiver.is_undecided() => 3,
            TransferState::Active => 11,
            TransferState::Verifying => 10,
            TransferState::Paused if !receiver.is_lost(now) => 9,
            TransferState::Waiting if !receiver.is_lost(now) => 8,
            // It has all that could be read.
            TransferState::Failed if matches!(receiver.phase, Phase::Done { .. }) => 7,
            TransferState::Done => 6,
            TransferState::Paused | TransferState::Waiting => 5,
            TransferState::Offered => 4,
            TransferState::Failed => 2,
            TransferState::Declined => 1,
            TransferState::Cancelled => 0,
        };
        let furthest = self.receivers.values().max_by_key(rank);
        furthest.map_or(TransferState::Waiting, |receiver| {
            self.receiver_state(receiver)
        })
    }

    fn receiver_state(&self, receiver: &Receiver) -> TransferState {
        match (receiver.state(self.paused), &self.ended) {
            (state, Some(_)) if state.is_final() => state,
            (_, Some(EndReason::ByUser)) => TransferState::Cancelled,
            (_, Some(_)) => TransferState::Failed,
            (state, None) => state,
        }
    }

    fn bytes_of(&self, receiver: &Receiver) -> u64 {
        match &receiver.phase {
            Phase::Receiving(progress) => self.parcel.layout().content_in(progress.held.runs()),
            Phase::Verifying { without, .. } if without.is_empty() => {
                self.parcel.layout().content_len()
            }
            Phase::Done { without: 0 } => self.parcel.layout().content_len(),
            Phase::Verifying { .. } | Phase::Done { .. } => {
                self.parcel.layout().content_len() - self.left_out_bytes()
            }
            _ => 0,
        }
    }

    /// Of the receivers in this state the least, without those that nobody waits for if there are others.
    fn bytes(&self, state: TransferState, now: Time) -> u64 {
        let of_state = self
            .receivers
            .values()
            .filter(|receiver| self.receiver_state(receiver) == state);
        let least = of_state.min_by_key(|each| (each.is_lost(now), self.bytes_of(each)));
        least.map_or(0, |receiver| self.bytes_of(receiver))
    }

    fn cause(&self, state: TransferState, receivers: &[ReceiverView]) -> Option<Cause> {
        match &self.ended {
            Some(EndReason::ByUser) => return None,
            Some(reason) => {
                return Some(match self.source.gaps.first.clone() {
                    Some((path, why)) => Cause::Unreadable { path, why },
                    None => Cause::EndedHere(reason.clone()),
                });
            }
            None => {}
        }
        match &self.source.files {
            Files::Here => {}
            Files::Lacking(_) => return Some(Cause::LacksFiles),
            Files::Checking(checking) => return Some(Cause::Checking(checking.progress())),
        }
        if let Some(left_out) = self.left_out() {
            return Some(left_out);
        }
        match state {
            TransferState::Waiting if receivers.is_empty() => Some(if self.persons().is_empty() {
                Cause::ForWhoeverComes
            } else {
                Cause::ForPersonsAway
            }),
            TransferState::Waiting => waits_for(receivers),
            TransferState::Paused if !self.paused => Some(Cause::PausedByOther),
            TransferState::Failed | TransferState::Declined | TransferState::Cancelled => {
                let of_state = receivers.iter().find(|receiver| receiver.state == state)?;
                Some(Cause::OfReceiver {
                    name: of_state.name.clone(),
                    state,
                    reason: of_state.reason.clone(),
                })
            }
            _ => None,
        }
    }
}

/// The receiver that a transfer waits for, if nobody else receives it.
fn waits_for(receivers: &[ReceiverView]) -> Option<Cause> {
    let mut away = receivers.iter().filter(|receiver| receiver.is_away);
    let began = away.clone().find(|receiver| receiver.has_answered);
    let name = |receiver: &ReceiverView| receiver.name.clone();
    match (began, away.next()) {
        (Some(began), _) => Some(Cause::ReceiverAway(name(began))),
        (None, Some(left)) => Some(Cause::LeftUnanswered(name(left))),
        (None, None) => {
            let is_waited_for = |one: &&ReceiverView| one.state == TransferState::Waiting;
            let asked = receivers.iter().find(is_waited_for)?;
            Some(Cause::Asking(name(asked)))
        }
    }
}

/// Why a receiver does not receive it, if that was not its user's wish.
fn reason(phase: &Phase) -> Option<EndReason> {
    match phase {
        Phase::Declined(EndReason::ByUser) | Phase::Cancelled(EndReason::ByUser) => None,
        Phase::Declined(reason) | Phase::Cancelled(reason) => Some(reason.clone()),
        _ => None,
    }
}
