//! The way to the broker: opening it, losing it, finding it again, and saying how it stands.

use core::time::Duration;

use mqdrop_mqtt::{Disconnect, ReasonCode, Time, Version};

use super::refusal::Refusal;
use super::rights::Rights;
use crate::cause::{BrokerLimit, RoomTrouble};
use crate::frame_size::Loss;
use crate::io::SocketClose;
use crate::random::Random;
use crate::view::{Approach, ConnectionState, Remedy, StatusView};

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(20);

/// A host that does not answer is given up after so long; browsers and systems would wait for minutes.
const OPENING: Duration = Duration::from_secs(15);

/// A broker that let this device in before is asked again so often when it says that it never will:
/// what it asks about logins may only start a little later than it does itself.
const SECOND_THOUGHTS: u32 = 3;

/// The reason of a broker that gave this device's session to another connection (MQTT 5, section 2.4).
const SESSION_TAKEN_OVER: ReasonCode = ReasonCode(0x8e);
/// Reasons that have nothing to do with what was sent last: not authorized, busy, shutting down,
/// silent for too long, taken over, an administrator's will, another server, connected for too long.
const NOT_BY_SIZE: [ReasonCode; 9] = [
    ReasonCode::NOT_AUTHORIZED,
    ReasonCode(0x89),
    ReasonCode(0x8b),
    ReasonCode(0x8d),
    SESSION_TAKEN_OVER,
    ReasonCode(0x98),
    ReasonCode(0x9c),
    ReasonCode(0x9d),
    ReasonCode(0xa0),
];
/// So often in a row another client may take this one's place before each try waits longer.
const TAKEOVERS: u32 = 3;
/// WebSocket close code for a message that is too big (RFC 6455, section 7.4.1).
const MESSAGE_TOO_BIG: u16 = 1009;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The driver opens a connection; at this time it is given up.
    Opening(Time),
    /// It is open; CONNACK is due.
    Handshake,
    /// The session was accepted; no topics were given yet.
    Subscribing,
    /// Messages of some topics come.
    Online,
    /// Not connected; the next try is at this time.
    Waiting(Time),
    /// Not connected, and no use in trying: the user has to change something.
    Stopped,
}

pub(super) struct Link {
    pub(super) stage: Stage,
    broker: String,
    attempts: u32,
    /// How often in a row another client took this one's place.
    takeovers: u32,
    /// The other version was tried already since the last success.
    tried_other_version: bool,
    was_online: bool,
    /// How often in a row the broker refused for good.
    refusals: u32,
    /// The last failure.
    failure: Option<Refusal>,
    version: Option<Version>,
    /// The broker compresses messages.
    pub(super) compresses: bool,
    /// A limit of the broker's packets.
    pub(super) limit: Option<BrokerLimit>,
    /// The reason for which the broker did not take a message.
    pub(super) refused: Option<ReasonCode>,
    /// Nothing can be sent here.
    pub(super) unfit: Option<RoomTrouble>,
}

impl Link {
    pub(super) fn new(broker: String, now: Time) -> Self {
        Self {
            stage: Stage::Opening(now + OPENING),
            broker,
            attempts: 0,
            takeovers: 0,
            tried_other_version: false,
            was_online: false,
            refusals: 0,
            failure: None,
            version: None,
            compresses: false,
            limit: None,
            refused: None,
            unfit: None,
        }
    }

    pub(super) fn is_online(&self) -> bool {
        self.stage == Stage::Online
    }

    /// The driver is asked to open a connection.
    pub(super) fn open(&mut self, now: Time) {
        self.stage = Stage::Opening(now + OPENING);
    }

    pub(super) fn accepted(&mut self, version: Version) {
        self.stage = Stage::Subscribing;
        self.version = Some(version);
        self.tried_other_version = false;
    }

    pub(super) fn online(&mut self) {
        self.stage = Stage::Online;
    }

    /// Notes that this device's messages get through.
    pub(super) fn proven(&mut self) {
        self.attempts = 0;
        self.refusals = 0;
        self.was_online = true;
        self.failure = None;
        self.refused = None;
    }

    /// Returns whether there is nothing to close: no connection, nor one being opened.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Waiting(_) | Stage::Stopped)
    }

    /// The transport ended before the session could say anything about it.
    pub(super) fn unreachable(&mut self, close: &SocketClose, random: &mut Random, now: Time) {
        let trouble = match close {
            SocketClose::Refused(obstacle) => RoomTrouble::Transport(obstacle.clone()),
            SocketClose::Unreachable | SocketClose::Closed { .. } | SocketClose::Invalid(_) => {
                RoomTrouble::Unreachable
            }
        };
        self.fail(Some(Refusal::passing(trouble)), random, now);
    }

    /// The next try speaks another version than the last one, which did not go well. Whether it is
    /// made at once: most likely the broker only speaks that one.
    pub(super) fn try_other_version(&mut self, now: Time) -> bool {
        let is_first = !std::mem::replace(&mut self.tried_other_version, true);
        if is_first {
            self.stage = Stage::Waiting(now);
        }
        is_first
    }

    /// The session ended. `known` is the driver's cause for it, and `meaning` what it means else.
    pub(super) fn ended(
        &mut self,
        why: &Disconnect,
        known: Option<Refusal>,
        meaning: Refusal,
        random: &mut Random,
        now: Time,
    ) {
        if matches!(why, Disconnect::ByServer { reason, .. } if *reason == SESSION_TAKEN_OVER) {
            // Two that come back at once would fight for ever.
            self.takeovers += 1;
            self.attempts = self.takeovers.saturating_sub(TAKEOVERS);
        } else {
            self.takeovers = 0;
        }
        let first_loss = self.was_online && self.attempts == 0;
        let is_plain = matches!(
            why,
            Disconnect::TransportClosed | Disconnect::KeepAliveTimeout
        );
        let meaning = (!(first_loss && is_plain)).then_some(meaning);
        self.fail(known.or(meaning), random, now);
    }

    /// Not in the room; `None` if it is not worth a word yet.
    pub(super) fn fail(&mut self, failure: Option<Refusal>, random: &mut Random, now: Time) {
        let wait = (FIRST_RETRY * 2u32.pow(self.attempts.min(8))).min(LAST_RETRY);
        self.attempts += 1;
        let is_final = failure.as_ref().is_some_and(|f| f.remedy.is_some());
        self.refusals = if is_final { self.refusals + 1 } else { 0 };
        let most = if self.was_online { SECOND_THOUGHTS } else { 0 };
        self.stage = if self.refusals > most {
            Stage::Stopped
        } else {
            Stage::Waiting(now + random.around(wait))
        };
        self.failure = failure.or(self.failure.take());
    }

    /// How it stands; `rights` says what seems not to be allowed here, or whether all is.
    pub(super) fn status(&self, rights: &Rights) -> StatusView {
        let (trouble, remedy) = match (&self.failure, self.stage) {
            (_, Stage::Online) => match (rights.denied(), &self.unfit) {
                (Some(denied), _) => (Some(denied.clone()), Some(Remedy::Rights)),
                (None, unfit) => (unfit.clone(), None),
            },
            (Some(failure), _) => (Some(failure.trouble.clone()), failure.remedy),
            (None, _) => (None, None),
        };
        let is_in = self.stage == Stage::Online && rights.are_proven();
        StatusView {
            state: match trouble {
                Some(_) => ConnectionState::Error,
                None if is_in => ConnectionState::Online,
                None => ConnectionState::Connecting,
            },
            broker: self.broker.clone(),
            approach: match self.stage {
                Stage::Online => Approach::Entering,
                _ if self.was_online => Approach::Returning,
                _ => Approach::Connecting,
            },
            tries_again: trouble.is_some() && !matches!(self.stage, Stage::Online | Stage::Stopped),
            // That of a try which is followed by another one is not to be acted on yet.
            remedy: remedy.filter(|_| matches!(self.stage, Stage::Online | Stage::Stopped)),
            trouble,
            protocol: self.version.map(|version| {
                match version {
                    Version::V5 => "MQTT 5",
                    Version::V311 => "MQTT 3.1.1",
                }
                .into()
            }),
            limit: self
                .limit
                .clone()
                .or_else(|| Some(BrokerLimit::NotTaken(self.refused?.0)))
                .or_else(|| self.compresses.then_some(BrokerLimit::Compresses)),
        }
    }
}

/// The cause of a connection's end as far as it is known, also by its WebSocket's close code.
pub(super) fn loss(why: &Disconnect, close: Option<u16>) -> Loss {
    match why {
        _ if close == Some(MESSAGE_TOO_BIG) => Loss::TooLarge,
        Disconnect::ByServer { reason, .. } if *reason == ReasonCode::PACKET_TOO_LARGE => {
            Loss::TooLarge
        }
        Disconnect::ByServer { reason, .. } if NOT_BY_SIZE.contains(reason) => Loss::NotBySize,
        // This device hung up.
        Disconnect::Protocol(_) | Disconnect::KeepAliveTimeout => Loss::NotBySize,
        _ => Loss::Unexplained,
    }
}
