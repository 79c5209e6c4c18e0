//! The way to the broker: opening it, losing it, finding it again, and saying how it stands.

use core::time::Duration;

use mqdrop_mqtt::{Disconnect, ReasonCode, Ticket, Time, Version};

use crate::frame_size::Loss;
use crate::io::SocketClose;
use crate::random::Random;
use crate::view::{ConnectionState, StatusView};

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(20);

/// A host that does not answer is given up after so long; browsers and systems would wait for minutes.
const OPENING: Duration = Duration::from_secs(15);

/// MQTT 5 reason codes that the link treats in a way of their own (MQTT 5, section 2.4).
const BAD_LOGIN: ReasonCode = ReasonCode(0x86);
const NOT_AUTHORIZED: ReasonCode = ReasonCode(0x87);
const PACKET_TOO_LARGE: ReasonCode = ReasonCode(0x95);
const SESSION_TAKEN_OVER: ReasonCode = ReasonCode(0x8e);
/// Reasons that have nothing to do with what was sent last: not authorized, busy, shutting down,
/// silent for too long, taken over, an administrator's will, another server, connected for too long.
const NOT_BY_SIZE: [ReasonCode; 9] = [
    NOT_AUTHORIZED,
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
    /// The room's topics are being subscribed to.
    Subscribing(Ticket),
    /// In the room.
    Online,
    /// Not connected; the next try is at this time.
    Waiting(Time),
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
    /// What went wrong the last time, in words.
    failure: Option<String>,
    version: Option<Version>,
    /// What the broker limits, in words.
    pub(super) limit: Option<String>,
    /// Nothing can be sent here, in words.
    pub(super) unfit: Option<String>,
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
            failure: None,
            version: None,
            limit: None,
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
        self.version = Some(version);
        self.tried_other_version = false;
    }

    pub(super) fn online(&mut self) {
        self.stage = Stage::Online;
        self.attempts = 0;
        self.was_online = true;
        self.failure = None;
    }

    /// The transport ended before the session could say anything about it.
    pub(super) fn unreachable(&mut self, close: &SocketClose, random: &mut Random, now: Time) {
        let text = match close {
            SocketClose::Refused(text) => text.clone(),
            SocketClose::Unreachable | SocketClose::Closed { .. } | SocketClose::Invalid(_) => {
                format!(
                    "Cannot reach {}. Is the address right, does the broker run, and does it offer WebSockets there?",
                    self.broker
                )
            }
        };
        self.fail(Some(text), random, now);
    }

    /// The session ended; `other_version` says whether the next try will speak another one.
    pub(super) fn ended(
        &mut self,
        why: &Disconnect,
        other_version: bool,
        random: &mut Random,
        now: Time,
    ) {
        if other_version && !self.tried_other_version {
            // Most likely it only speaks that one.
            self.tried_other_version = true;
            self.stage = Stage::Waiting(now);
            return;
        }
        if matches!(why, Disconnect::ByServer { reason, .. } if *reason == SESSION_TAKEN_OVER) {
            // Two that come back at once would fight for ever.
            self.takeovers += 1;
            self.attempts = self.takeovers.saturating_sub(TAKEOVERS);
        } else {
            self.takeovers = 0;
        }
        let first_loss = self.was_online && self.attempts == 0;
        let text = match why {
            Disconnect::TransportClosed | Disconnect::KeepAliveTimeout if first_loss => None,
            why => Some(self.words(why)),
        };
        self.fail(text, random, now);
    }

    /// The broker does not deliver the room's messages here.
    pub(super) fn not_subscribed(&mut self, reason: ReasonCode, random: &mut Random, now: Time) {
        let text = format!(
            "The broker does not let this device listen in the room: {}. Allow this login to subscribe, or set another topic prefix under Advanced",
            reason.describe()
        );
        self.fail(Some(text), random, now);
    }

    fn fail(&mut self, text: Option<String>, random: &mut Random, now: Time) {
        let wait = (FIRST_RETRY * 2u32.pow(self.attempts.min(8))).min(LAST_RETRY);
        self.attempts += 1;
        self.failure = text.or(self.failure.take());
        self.stage = Stage::Waiting(now + random.around(wait));
    }

    fn words(&self, why: &Disconnect) -> String {
        let broker = &self.broker;
        match why {
            Disconnect::Refused { reason, text }
                if *reason == BAD_LOGIN || *reason == NOT_AUTHORIZED =>
            {
                format!(
                    "The broker refused the login{}. Check user name and password under Advanced",
                    said(text.as_deref())
                )
            }
            Disconnect::Refused { reason, text } => {
                format!(
                    "The broker refused the connection: {}{}",
                    reason.describe(),
                    said(text.as_deref())
                )
            }
            Disconnect::ByServer { reason, text } => {
                format!(
                    "The broker ended the connection: {}{}",
                    reason.describe(),
                    said(text.as_deref())
                )
            }
            Disconnect::ClosedBeforeConnack => format!(
                "{broker} hung up before it answered. Is it an MQTT broker, does it want a login, or another protocol version?"
            ),
            Disconnect::ConnackTimeout => {
                format!("{broker} does not answer. Is it an MQTT broker?")
            }
            Disconnect::Protocol(what) => {
                format!("{broker} sent something that is not valid MQTT ({what})")
            }
            Disconnect::InvalidOptions(what) => format!("The login cannot be sent: {what}"),
            Disconnect::TransportClosed | Disconnect::KeepAliveTimeout | Disconnect::ByClient => {
                "The connection to the broker was lost".into()
            }
        }
    }

    pub(super) fn status(&self) -> StatusView {
        let (state, text) = match (&self.failure, self.stage) {
            (_, Stage::Online) => match &self.unfit {
                Some(unfit) => (ConnectionState::Error, unfit.clone()),
                None => (ConnectionState::Online, "Connected".into()),
            },
            (Some(failure), _) => (
                ConnectionState::Error,
                if failure.ends_with('?') {
                    format!("{failure} Trying again …")
                } else {
                    format!("{failure}. Trying again …")
                },
            ),
            (None, _) if self.was_online => (
                ConnectionState::Connecting,
                "The connection was lost. Connecting again".into(),
            ),
            (None, _) => (
                ConnectionState::Connecting,
                format!("Connecting to {}", self.broker),
            ),
        };
        let protocol = match self.version {
            Some(Version::V5) => Some("MQTT 5".into()),
            Some(Version::V311) => Some("MQTT 3.1.1".into()),
            None => None,
        };
        StatusView {
            state,
            text,
            protocol,
            limit: self.limit.clone(),
        }
    }
}

fn said(text: Option<&str>) -> String {
    let text = crate::names::line(text.unwrap_or_default(), 200);
    if text.is_empty() {
        text
    } else {
        format!(" (\u{201c}{text}\u{201d})")
    }
}

/// What is known of why a connection ended, also by its WebSocket's close code.
pub(super) fn loss(why: &Disconnect, close: Option<u16>) -> Loss {
    match why {
        _ if close == Some(MESSAGE_TOO_BIG) => Loss::TooLarge,
        Disconnect::ByServer { reason, .. } if *reason == PACKET_TOO_LARGE => Loss::TooLarge,
        Disconnect::ByServer { reason, .. } if NOT_BY_SIZE.contains(reason) => Loss::NotBySize,
        // This device hung up.
        Disconnect::Protocol(_) => Loss::NotBySize,
        _ => Loss::Unexplained,
    }
}
