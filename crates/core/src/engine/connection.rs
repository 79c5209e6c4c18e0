//! The connection to the broker: session, link, limits and the length of frames. It knows no room. Rooms
//! claim topics on it, and so can whatever else is to hear of topics; each knows its answers by their
//! tickets and its messages by their topics.

use core::time::Duration;

use mqdrop_mqtt::{
    Disconnect, Login, Options, QoS, ReasonCode, Session, Subscription, Ticket, Time, Version,
    VersionPolicy, Will,
};

use super::link::{self, Link, Stage};
use super::refusal::{self, Asked, Refusal};
use crate::api::{Event, Join};
use crate::cause::{BrokerLimit, RoomTrouble};
use crate::frame::PIECE_OVERHEAD;
use crate::frame_size::{Fit, FrameSize, MAX_FRAME};
use crate::io::{Invalid, Obstacle, SocketAction, SocketClose};
use crate::random::Random;

/// MQTT 5: how long the broker keeps this device's place during an interruption.
const SESSION_EXPIRY: Duration = Duration::from_secs(120);
/// MQTT 5: how long others are not told of an interruption.
const WILL_DELAY: Duration = Duration::from_secs(10);
/// The longest packet taken from the broker: a frame and then some.
const MAX_INCOMING_PACKET: u32 = 2 * 1024 * 1024;
const RECEIVE_MAXIMUM: u16 = 64;
/// Bytes that a message must be able to carry at least. Texts of others, offers of many files and
/// letters take up to 17,000, which is what mqdrop asks for.
const LEAST_PAYLOAD: usize = 2048;
/// The most topics that are given back in one packet.
const MAX_RELEASED: usize = 8;

pub(super) struct Connection {
    broker: String,
    login: Option<Login>,
    policy: VersionPolicy,
    pub(super) session: Session,
    pub(super) link: Link,
    pub(super) frame_size: FrameSize,
    /// The quickest length of a frame that was told to be remembered.
    best: Option<u32>,
    /// Topics that nobody wants any more and the session has not given back yet.
    released: Vec<String>,
    will_qos: QoS,
    /// The WebSocket's close code, when the session ends by it.
    close_code: Option<u16>,
    /// The obstacle that ended the connection, if the driver knows one.
    refused: Option<Obstacle>,
}

/// A message that the broker publishes if the connection ends without a word.
pub(super) struct LastWord {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

/// Facts about whatever has topics on a connection that ended.
pub(super) struct Users {
    /// The connection ended while one of them entered.
    pub(super) were_entering: bool,
    /// A filter of all topics that one of them needs.
    pub(super) topics: String,
}

impl Connection {
    /// One that is being opened, to where `join` says and in the way that it says.
    pub(super) fn new(join: &Join, now: Time) -> Self {
        let options = Options {
            // At most 23 letters and digits, which every broker takes (MQTT 3.1.1, section 3.1.3.1).
            client_id: format!("mqdrop{}", join.identity.device),
            version: join.version,
            login: join.login.clone(),
            will: None,
            keep_alive: join.keep_alive,
            session_expiry: SESSION_EXPIRY,
            max_incoming_packet: MAX_INCOMING_PACKET,
            receive_maximum: RECEIVE_MAXIMUM,
        };
        Self {
            link: Link::new(join.broker.clone(), now),
            broker: join.broker.clone(),
            login: join.login.clone(),
            policy: join.version,
            session: Session::new(options),
            frame_size: FrameSize::new(
                join.frame_limit.map(u64::from),
                join.frame_length.map(u64::from),
            ),
            best: join.frame_length,
            released: Vec::new(),
            will_qos: QoS::AtLeastOnce,
            close_code: None,
            refused: None,
        }
    }

    /// Tells whether it goes to where `join` says, with the same login.
    pub(super) fn suits(&self, join: &Join) -> bool {
        self.broker == join.broker && self.login == join.login
    }

    /// Asks the driver for a connection.
    pub(super) fn open(&self) -> SocketAction {
        SocketAction::Open {
            url: self.broker.clone(),
        }
    }

    /// Has the connection closed, after whatever the broker is still to be told.
    pub(super) fn close(&mut self) -> SocketAction {
        SocketAction::Close {
            last: std::iter::from_fn(|| self.session.poll_transmit()).collect(),
        }
    }

    /// The session was accepted: topics can be claimed.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.link.stage, Stage::Subscribing | Stage::Online)
    }

    /// The transport is open.
    pub(super) fn connect(&mut self, last_word: Option<LastWord>, now: Time) {
        let will = last_word.map(|LastWord { topic, payload }| Will {
            topic,
            payload: payload.into(),
            qos: self.will_qos,
            delay: WILL_DELAY,
        });
        self.session.set_will(will);
        self.close_code = None;
        self.refused = None;
        self.session.handle_connected(now);
        self.link.stage = Stage::Handshake;
    }

    /// The transport ended while the session used it.
    pub(super) fn handle_close(&mut self, close: SocketClose, now: Time) {
        match close {
            SocketClose::Closed { code } => self.close_code = code,
            SocketClose::Invalid(what) => self.session.handle_invalid(match what {
                Invalid::Text => "a WebSocket message of text",
                Invalid::TooLong => "a WebSocket message too long to take in",
            }),
            SocketClose::Refused(obstacle) => self.refused = Some(obstacle),
            SocketClose::Unreachable => {}
        }
        self.session.handle_disconnected(now);
    }

    /// The session ended. `longest` is the longest topic of data. Whether a limit was found by that.
    pub(super) fn handle_lost(
        &mut self,
        why: &Disconnect,
        users: Users,
        longest: &str,
        random: &mut Random,
        now: Time,
    ) -> bool {
        let loss = link::loss(why, self.close_code);
        let is_limit_found = self.frame_size.on_connection_lost(loss, now);
        self.note_limits(longest);
        if !self.may_go_otherwise(why, now) {
            self.end(why, users, random, now);
        }
        is_limit_found
    }

    /// The connection ended. Whether to try again at once, in another way.
    fn may_go_otherwise(&mut self, why: &Disconnect, now: Time) -> bool {
        if matches!(why, Disconnect::Refused { reason, .. } if *reason == ReasonCode::QOS_NOT_SUPPORTED)
            && self.will_qos == QoS::AtLeastOnce
        {
            // Before CONNACK nobody knows what the broker takes (MQTT 5, section 3.2.2.3.4).
            self.will_qos = QoS::AtMostOnce;
            self.link.stage = Stage::Waiting(now);
            return true;
        }
        // With a cause that the driver knows, it is not the version.
        self.refused.is_none()
            && self.session.is_changing_version()
            && self.link.try_other_version(now)
    }

    /// The connection ended for good: what that means.
    fn end(&mut self, why: &Disconnect, users: Users, random: &mut Random, now: Time) {
        let asked = Asked {
            has_login: self.login.is_some(),
            is_one_version: matches!(self.policy, VersionPolicy::Only(_)),
            topics: users.topics,
            was_entering: match self.link.stage {
                Stage::Subscribing | Stage::Online => users.were_entering,
                _ => false,
            },
        };
        let meaning = refusal::meaning(why, asked);
        let known = self.refused.take();
        let known = known.map(|obstacle| Refusal::passing(RoomTrouble::Transport(obstacle)));
        self.link.ended(why, known, meaning, random, now);
    }

    /// Claims topics; the broker's answer has the ticket. `None` if the session takes it only later.
    pub(super) fn claim(&mut self, topics: &[Subscription], now: Time) -> Option<Ticket> {
        match self.session.subscribe(topics, now) {
            Ok(ticket) => Some(ticket),
            Err(mqdrop_mqtt::RequestError::QueueFull) => None,
            Err(_) => {
                // Cannot be: the session was accepted and the filters are short and valid.
                self.session.disconnect(now);
                None
            }
        }
    }

    /// Nobody wants these topics any more.
    pub(super) fn release(&mut self, topics: impl IntoIterator<Item = String>) {
        self.released.extend(topics);
    }

    /// Somebody wants these topics, perhaps again.
    pub(super) fn keep(&mut self, topics: &[Subscription]) {
        let is_wanted = |topic: &String| topics.iter().any(|wanted| wanted.filter == *topic);
        self.released.retain(|topic| !is_wanted(topic));
    }

    /// Gives back topics, as far as the session takes that.
    pub(super) fn flush_released(&mut self, now: Time) {
        while self.is_up() && !self.released.is_empty() {
            let most = self.released.len().min(MAX_RELEASED);
            let topics: Vec<&str> = self.released[..most].iter().map(String::as_str).collect();
            if self.session.unsubscribe(&topics, now).is_err() {
                return;
            }
            self.released.drain(..most);
        }
    }

    /// The lengths of the next data frame on this topic and its packets; `None` if nothing fits.
    pub(super) fn fit(&self, topic: &str) -> Option<Fit> {
        Fit::new(&self.frame_size, |packet| {
            let packet = packet.map_or(usize::MAX, |packet| packet as usize);
            let payload = self.session.max_payload(topic, packet);
            payload.saturating_sub(PIECE_OVERHEAD) as u64
        })
    }

    /// Keeps to what the broker says that it takes. `longest` is the longest topic of data.
    pub(super) fn heed_limits(&mut self, longest: &str) {
        let payload = self.session.max_payload(longest, usize::MAX);
        let room = payload.saturating_sub(PIECE_OVERHEAD);
        self.frame_size.on_connected(room as u64);
        self.note_limits(longest);
    }

    /// Notes which of the broker's limits the user should know. `longest` is the longest topic of data.
    #[inline(never)]
    pub(super) fn note_limits(&mut self, longest: &str) {
        let room = self.session.max_payload(longest, usize::MAX);
        let announced = self
            .session
            .limits()
            .and_then(|limits| limits.max_packet_size);
        self.link.unfit = match announced {
            Some(limit) if room < LEAST_PAYLOAD => Some(RoomTrouble::ShortPackets(limit)),
            _ if self.frame_size.is_hopeless() => Some(RoomTrouble::HangsUpOnShortPackets),
            _ => None,
        };
        self.link.limit = match (announced, self.frame_size.limit()) {
            (Some(limit), _) if room < MAX_FRAME as usize + PIECE_OVERHEAD => {
                Some(BrokerLimit::PacketsOf(limit))
            }
            (_, Some(limit)) if limit < MAX_FRAME => Some(BrokerLimit::HungUpAbove(limit)),
            _ => None,
        };
    }

    /// Returns whether it was found out that this broker speaks only 3.1.1.
    fn only_v311(&self) -> bool {
        !matches!(self.policy, VersionPolicy::Only(_))
            && self.session.version() == Some(Version::V311)
    }

    /// The lessons about this broker that are worth remembering.
    pub(super) fn lesson(&mut self) -> Event {
        let bytes = |length: Option<u64>| length.and_then(|length| u32::try_from(length).ok());
        let frame_limit = bytes(self.frame_size.limit());
        // While it is looked for anew, what was learnt before is better than nothing.
        self.best = bytes(self.frame_size.best()).or(self.best);
        let within = |best: u32| best.min(frame_limit.unwrap_or(u32::MAX));
        Event::Learnt {
            only_v311: self.only_v311(),
            frame_limit,
            frame_length: self.best.map(within),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::identity::Identity;
    use crate::keys::RoomSecret;

    #[test]
    fn what_was_learnt_of_a_broker_is_not_forgotten_while_it_is_looked_for_anew() {
        let join = Join {
            secret: RoomSecret::derive("a room").unwrap(),
            identity: Identity::from_random([1; 32]),
            broker: "wss://broker.example/mqtt".into(),
            prefix: String::new(),
            profile: crate::Profile {
                secret: [2; 32],
                name: String::new(),
                named: 0,
            },
            people: Vec::new(),
            invited_by: String::new(),
            former: None,
            wall: 0,
            login: None,
            version: VersionPolicy::Auto,
            keep_alive: Join::KEEP_ALIVE,
            auto_accept: crate::api::AutoAccept::Off,
            takes_texts: true,
            frame_limit: None,
            frame_length: Some(65_536),
        };
        let mut connection = Connection::new(&join, Time::ZERO);
        let length = |connection: &mut Connection| match connection.lesson() {
            Event::Learnt { frame_length, .. } => frame_length,
            event => panic!("{event:?}"),
        };
        assert_eq!(length(&mut connection), Some(65_536));
        for (limit, learnt) in [(None, 65_536), (Some(32_768), 32_768)] {
            // Something was the matter with it, and nothing else is known yet.
            connection.frame_size = FrameSize::new(limit, None);
            assert_eq!(length(&mut connection), Some(learnt));
        }
    }
}
