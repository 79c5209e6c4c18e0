//! The ledger's line for one receiver: what it holds and what is under way to it.

use core::time::Duration;

use mqdrop_mqtt::Time;

use super::patience::Patience;
use crate::ids::Token;
use crate::message::{EndReason, LeftOut};
use crate::pacing::Pacer;
use crate::ranges::RangeSet;
use crate::view::TransferState;

/// An offer that was not answered is repeated this often, each time after twice as long.
const MAX_ASKS: u32 = 6;
const FIRST_ASK: Duration = Duration::from_secs(3);
/// How often `complete` is repeated to a present receiver that does not answer with a receipt.
const COMPLETE_AGAIN: Duration = Duration::from_secs(3);
/// A receiver that was silent for so long is not sent to until it is heard again.
const SILENCE: Duration = Duration::from_secs(15);
/// After so long a receiver that left counts for less than one that holds everything.
const LOST: Duration = Duration::from_secs(120);

/// One receiver.
pub(super) struct Receiver {
    /// Its name when it was last heard of; empty if that is not known.
    pub(super) name: String,
    /// The token it is known by when it is another device.
    pub(super) token: Option<Token>,
    /// Notes say that it has begun and not that it ended.
    pub(super) noted: bool,
    pub(super) phase: Phase,
    /// Since when the device is not in the room.
    pub(super) away_since: Option<Time>,
    /// The counter of the newest message that decided its phase or its holdings: messages may
    /// overtake each other, and an old one must not undo a new one.
    pub(super) counter: u64,
}

pub(super) enum Phase {
    /// Not heard to have got the offer yet; asked so often, and when next.
    Offered { asks: u32, next: Time },
    /// It has the offer and its user has not decided.
    Seen,
    /// It accepted.
    Receiving(Box<Progress>),
    /// It holds everything and compares the hashes.
    Verifying { next: Time, without: LeftOut },
    /// Its receipt came: for all but so many files.
    Done { without: u32 },
    /// It did not want it.
    Declined(EndReason),
    /// It ended it.
    Cancelled(EndReason),
}

/// How far a receiver is.
pub(super) struct Progress {
    /// The blocks it said it holds.
    pub(super) held: RangeSet,
    /// Bytes it allows to be under way.
    pub(super) credit: u64,
    /// Its user stopped it for now.
    pub(super) paused: bool,
    /// It told what it holds since the connection was last in doubt.
    pub(super) in_step: bool,
    /// Frames up to this send time are accounted for.
    pub(super) echoed: u64,
    /// Bytes sent after that.
    pub(super) in_flight: u64,
    pub(super) pacer: Pacer,
    /// When it was last heard.
    pub(super) heard: Time,
    /// Since when a frame is under way without any acknowledgement.
    pub(super) waiting_since: Option<Time>,
    /// When the newest frame arrived, by this device's clock, if more were under way then.
    pub(super) busy_since: Option<Time>,
    /// Since when nothing more may be sent to it, as far as that is not counted yet.
    pub(super) full_since: Option<Time>,
    patience: Patience,
}

impl Receiver {
    /// A device the offer was just sent to.
    pub(super) fn offered(name: String, now: Time) -> Self {
        Self {
            name,
            token: None,
            noted: false,
            phase: Phase::Offered {
                asks: 0,
                next: now + FIRST_ASK,
            },
            away_since: None,
            counter: 0,
        }
    }

    /// A device that accepted before a restart and was not heard of since.
    pub(super) fn away(name: String, token: Option<Token>, now: Time) -> Self {
        let mut progress = Progress::new(0, now);
        progress.in_step = false;
        Self {
            name,
            token,
            noted: true,
            phase: Phase::Receiving(Box::new(progress)),
            away_since: Some(now),
            ..Self::offered(String::new(), now)
        }
    }

    /// Whether the device is in the room.
    pub(super) fn is_present(&self) -> bool {
        self.away_since.is_none()
    }

    /// Whether it has been away for so long that nobody waits for it: it may have come back as
    /// another device.
    pub(super) fn is_lost(&self, now: Time) -> bool {
        self.away_since
            .is_some_and(|since| now.since(since) >= LOST)
    }

    /// Whether sending it frames makes sense now.
    pub(super) fn active(&self) -> Option<&Progress> {
        match &self.phase {
            Phase::Receiving(progress)
                if self.is_present() && progress.in_step && !progress.paused =>
            {
                Some(progress)
            }
            _ => None,
        }
    }

    /// Its progress while it can be relied on: it is here and was heard.
    pub(super) fn in_step_mut(&mut self) -> Option<&mut Progress> {
        let counts = self.is_present();
        self.progress_mut()
            .filter(|progress| counts && progress.in_step)
    }

    pub(super) fn active_mut(&mut self) -> Option<&mut Progress> {
        self.active()?;
        self.progress_mut()
    }

    pub(super) fn progress_mut(&mut self) -> Option<&mut Progress> {
        match &mut self.phase {
            Phase::Receiving(progress) => Some(progress),
            _ => None,
        }
    }

    /// Whether it accepted, and has not confirmed yet that it has everything.
    pub(super) fn is_receiving(&self) -> bool {
        matches!(self.phase, Phase::Receiving(_) | Phase::Verifying { .. })
    }

    /// Whether the offer is still to be answered.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self.phase, Phase::Offered { .. } | Phase::Seen)
    }

    /// Whether it left and nothing is kept for it there: it comes back as if it had never been here.
    pub(super) fn has_left(&self, is_text: bool) -> bool {
        let is_forgotten = match &self.phase {
            Phase::Offered { .. } | Phase::Seen | Phase::Declined(_) => true,
            Phase::Cancelled(reason) => *reason == EndReason::ByUser,
            Phase::Receiving(_) | Phase::Verifying { .. } => is_text,
            Phase::Done { .. } => false,
        };
        is_forgotten && !self.is_present()
    }

    pub(super) fn state(&self, sender_paused: bool) -> TransferState {
        match &self.phase {
            Phase::Offered { .. } | Phase::Seen if !self.is_present() => TransferState::Waiting,
            Phase::Offered { .. } | Phase::Seen => TransferState::Offered,
            Phase::Receiving(progress) if sender_paused || progress.paused => TransferState::Paused,
            Phase::Receiving(progress) if !self.is_present() || !progress.in_step => {
                TransferState::Waiting
            }
            Phase::Receiving(_) => TransferState::Active,
            Phase::Verifying { .. } if !self.is_present() => TransferState::Waiting,
            Phase::Verifying { .. } => TransferState::Verifying,
            Phase::Done { without: 0 } => TransferState::Done,
            Phase::Done { .. } => TransferState::Failed,
            Phase::Declined(_) => TransferState::Declined,
            Phase::Cancelled(EndReason::ByUser) => TransferState::Cancelled,
            Phase::Cancelled(_) => TransferState::Failed,
        }
    }

    /// Whether the offer is due to be repeated; counts the repetition.
    pub(super) fn ask_again(&mut self, now: Time) -> bool {
        let present = self.is_present();
        match &mut self.phase {
            Phase::Offered { asks, next } if present && *asks < MAX_ASKS && now >= *next => {
                *asks += 1;
                *next = now + FIRST_ASK * 2u32.pow(*asks);
                true
            }
            _ => false,
        }
    }

    /// If `complete` is due to be repeated, what it is to say is left out.
    pub(super) fn complete_again(&mut self, now: Time) -> Option<LeftOut> {
        let present = self.is_present();
        match &mut self.phase {
            Phase::Verifying { next, without } if present && now >= *next => {
                *next = now + COMPLETE_AGAIN;
                Some(without.clone())
            }
            _ => None,
        }
    }

    /// When something about it is due.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        match &self.phase {
            Phase::Offered { asks, next } if self.is_present() && *asks < MAX_ASKS => Some(*next),
            Phase::Verifying { next, .. } if self.is_present() => Some(*next),
            Phase::Receiving(progress) if self.is_present() && progress.in_step => {
                progress.deadline(now)
            }
            _ => None,
        }
    }
}

impl Progress {
    /// A receiver that accepted; nothing sent up to `last_sent` counts as under way to it.
    pub(super) fn new(last_sent: u64, now: Time) -> Self {
        Self {
            held: RangeSet::default(),
            credit: 0,
            paused: false,
            in_step: true,
            echoed: last_sent,
            in_flight: 0,
            pacer: Pacer::new(),
            heard: now,
            waiting_since: None,
            busy_since: None,
            full_since: None,
            patience: Patience::new(now),
        }
    }

    /// Whether `bytes` more may be sent to it beside `reserved` ones that are being prepared, if at
    /// most `most` are to be under way.
    pub(super) fn has_room(&self, bytes: u64, reserved: u64, most: u64) -> bool {
        let under_way = self.in_flight + reserved;
        let window = self.pacer.window().min(most).max(bytes);
        under_way + bytes <= window
            && under_way + bytes <= self.credit.max(bytes)
            && self.credit > 0
    }

    /// It has no room. Whether the others wait for it, if some of them have.
    pub(super) fn is_waited_for(&mut self, others_have_room: bool, now: Time) -> bool {
        let since = self.full_since.replace(now).unwrap_or(now);
        if others_have_room && !self.patience.left(since).is_zero() {
            self.patience.spend(now.since(since), now);
        }
        !self.patience.left(now).is_zero()
    }

    pub(super) fn on_sent(&mut self, bytes: u64, now: Time) {
        self.in_flight += bytes;
        self.waiting_since.get_or_insert(now);
    }

    /// Nothing is under way any more: all of it is accounted for, or given up.
    pub(super) fn clear_flight(&mut self, last_sent: u64) {
        self.echoed = last_sent;
        self.in_flight = 0;
        self.waiting_since = None;
        self.busy_since = None;
        self.full_since = None;
    }

    /// Whether what is under way must be taken for lost.
    pub(super) fn timed_out(&self, now: Time) -> bool {
        self.waiting_since
            .is_some_and(|since| now.since(since) >= self.pacer.timeout())
    }

    pub(super) fn silent(&self, now: Time) -> bool {
        now.since(self.heard) >= SILENCE
    }

    fn deadline(&self, now: Time) -> Option<Time> {
        let lost = self.waiting_since.map(|since| since + self.pacer.timeout());
        let waited_for = self
            .full_since
            .map(|since| since + self.patience.left(since))
            .filter(|&at| at > now);
        [Some(self.heard + SILENCE), lost, waited_for]
            .into_iter()
            .flatten()
            .min()
    }
}
