//! The room this device is in: its session, its peers, and the messages between them.

use core::time::Duration;

use litemap::LiteMap;

use mqdrop_mqtt::{
    Disconnect, Options, QoS, ReasonCode, Session, Subscription, Ticket, Time, Version,
    VersionPolicy, Will,
};

use super::gate::Said;
use super::link::{Link, Stage};
use super::outbox::Outbox;
use super::refusal::{self, Asked, Refusal};
use super::rights::Rights;
use super::subscriptions::Subscriptions;
use super::topics::{Channel, Topics};
use crate::api::{Join, JoinError};
use crate::cause::{BrokerLimit, RoomTrouble};
use crate::effects::{DataTopic, To};
use crate::envelope::{self, Opened};
use crate::frame::PIECE_OVERHEAD;
use crate::frame_size::{Fit, FrameSize, MAX_FRAME};
use crate::identity::Identity;
use crate::ids::{DeviceId, ParcelId};
use crate::io::SocketAction;
use crate::message::{Body, Introduction, Message};
use crate::names;
use crate::peers::Peers;
use crate::random::Random;
use crate::seal::OpenError;
use crate::view::StatusView;

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
/// How often this device shows that it is still here.
pub(super) const REFRESH: Duration = Duration::from_secs(30);

pub(super) struct Room {
    secret: crate::keys::RoomSecret,
    name: String,
    pub(super) broker: String,
    policy: VersionPolicy,
    pub(super) identity: Identity,
    pub(super) session: Session,
    pub(super) topics: Topics,
    pub(super) link: Link,
    pub(super) peers: Peers,
    pub(super) frame_size: FrameSize,
    /// The quickest length of a frame that was told to be remembered.
    pub(super) best: Option<u32>,
    pub(super) subscriptions: Subscriptions,
    pub(super) rights: Rights,
    /// Messages that the broker has not acknowledged.
    pub(super) unacknowledged: LiteMap<Ticket, To>,
    has_login: bool,
    will_qos: QoS,
    counter: u64,
    /// The counter of the hello on this connection.
    pub(super) hello: u64,
    pub(super) outbox: Outbox,
    pub(super) refresh: Time,
    /// The user was told that someone speaks a newer version.
    pub(super) told_of_newer: bool,
    /// The WebSocket's close code, when the session ends by it.
    pub(super) close_code: Option<u16>,
    /// The driver's words for the end of the connection, if it knows better than the session.
    pub(super) refused: Option<String>,
}

impl Room {
    pub(super) fn new(join: Join, now: Time) -> Result<Self, JoinError> {
        let topics = Topics::new(&join.prefix, &join.secret, join.identity.device)?;
        let has_login = join.login.is_some();
        let options = Options {
            // At most 23 letters and digits, which every broker takes (MQTT 3.1.1, section 3.1.3.1).
            client_id: format!("mqdrop{}", join.identity.device),
            version: join.version,
            login: join.login,
            will: None,
            keep_alive: join.keep_alive,
            session_expiry: SESSION_EXPIRY,
            max_incoming_packet: MAX_INCOMING_PACKET,
            receive_maximum: RECEIVE_MAXIMUM,
        };
        Ok(Self {
            secret: join.secret,
            name: names::device_name(&join.name),
            link: Link::new(join.broker.clone(), now),
            broker: join.broker,
            policy: join.version,
            identity: join.identity,
            session: Session::new(options),
            topics,
            peers: Peers::default(),
            frame_size: FrameSize::new(
                join.frame_limit.map(u64::from),
                join.frame_length.map(u64::from),
            ),
            best: join.frame_length,
            subscriptions: Subscriptions::default(),
            rights: Rights::default(),
            unacknowledged: LiteMap::new(),
            has_login,
            will_qos: QoS::AtLeastOnce,
            counter: 0,
            hello: 0,
            outbox: Outbox::default(),
            refresh: now,
            told_of_newer: false,
            close_code: None,
            refused: None,
        })
    }

    /// Has the connection closed, after whatever the broker is still to be told.
    pub(super) fn close(&mut self) -> SocketAction {
        SocketAction::Close {
            last: std::iter::from_fn(|| self.session.poll_transmit()).collect(),
        }
    }

    /// The room's name in topics.
    pub(super) fn name_in_topics(&self) -> String {
        self.secret.room()
    }

    /// Returns whether it was found out that this broker speaks only 3.1.1.
    pub(super) fn only_v311(&self) -> bool {
        !matches!(self.policy, VersionPolicy::Only(_))
            && self.session.version() == Some(Version::V311)
    }

    /// The counter of the message that was sealed last.
    #[cfg(test)]
    pub(super) fn counter(&self) -> u64 {
        self.counter
    }

    /// The transport is open.
    pub(super) fn connect(&mut self, random: &mut Random, now: Time) {
        let payload = self.seal(To::Room, Body::Gone, random).unwrap_or_default();
        // It is the next thing that is said.
        self.hello = self.counter + 1;
        self.peers.doubt();
        let will = Will {
            topic: self.topics.room(),
            payload: payload.into(),
            qos: self.will_qos,
            delay: WILL_DELAY,
        };
        self.session.set_will(Some(will));
        self.close_code = None;
        self.refused = None;
        self.session.handle_connected(now);
        self.link.stage = Stage::Handshake;
    }

    /// The connection ended. Whether to try again at once, in another way.
    pub(super) fn may_go_otherwise(&mut self, why: &Disconnect, now: Time) -> bool {
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
    pub(super) fn end(&mut self, why: &Disconnect, random: &mut Random, now: Time) {
        let asked = Asked {
            has_login: self.has_login,
            is_one_version: matches!(self.policy, VersionPolicy::Only(_)),
            topics: self.topics.all(),
            was_entering: match self.link.stage {
                Stage::Subscribing(_) => true,
                Stage::Online => !self.rights.are_proven(),
                _ => false,
            },
        };
        let meaning = refusal::meaning(why, asked);
        let known = self.refused.take();
        let known = known.map(|words| Refusal::passing(RoomTrouble::Transport(words)));
        self.link.ended(why, known, meaning, random, now);
    }

    /// How the connection stands.
    pub(super) fn status(&self) -> StatusView {
        self.link.status(&self.rights)
    }

    /// The topics without which there is no room.
    fn own_topics(&self) -> [String; 2] {
        [self.topics.room(), self.topics.device(self.identity.device)]
    }

    /// The broker refused to deliver the room's messages.
    pub(super) fn not_subscribed(
        &mut self,
        results: &[Result<QoS, ReasonCode>],
        random: &mut Random,
        now: Time,
    ) {
        let mut refused = results
            .iter()
            .zip(self.own_topics())
            .filter_map(|(result, topic)| Some((result.err()?, topic)));
        let Some((reason, topic)) = refused.next() else {
            return;
        };
        let topic = match refused.next() {
            Some(_) => self.topics.all(),
            None => topic,
        };
        self.session.disconnect(now);
        let failure = refusal::not_subscribed(reason, topic, self.topics.all());
        self.link.fail(Some(failure), random, now);
    }

    /// Subscribes to the room's topics; what this device says there has to come back.
    #[inline(never)]
    pub(super) fn subscribe(&mut self, now: Time) {
        let wanted = self.own_topics().map(|filter| Subscription {
            filter,
            qos: QoS::AtLeastOnce,
            no_local: false,
        });
        match self.session.subscribe(&wanted, now) {
            Ok(ticket) => self.link.stage = Stage::Subscribing(ticket),
            // Cannot be: the session was just accepted and the filters are short and valid.
            Err(_) => self.session.disconnect(now),
        }
    }

    /// Says hello, after which everyone else answers.
    pub(super) fn greet(&mut self, random: &mut Random, now: Time) {
        self.outbox = Outbox::default();
        self.peers.forgive(now);
        self.push(To::Room, Body::Hello(self.introduction(0)));
        self.refresh = now + random.around(REFRESH);
    }

    /// This device's introduction of itself; `heard` is the counter of the hello that this answers.
    pub(super) fn introduction(&self, heard: u64) -> Introduction {
        Introduction {
            name: self.name.clone(),
            hello: self.hello,
            heard,
        }
    }

    /// A device says something to the room, and has not shown yet that it is here: it is asked.
    pub(super) fn ask(&mut self, said: &Said, now: Time) {
        let device = said.sender;
        let heard = match said.body {
            // Always answered: it is said once.
            Body::Hello(_) => said.counter,
            // Before that nobody would hear it.
            _ if !self.link.is_online() || !self.peers.may_ask(device, now) => return,
            _ => 0,
        };
        let hello = Body::Hello(self.introduction(heard));
        self.answer(device, hello, now);
    }

    /// Queues a message. While not online there is nobody to hear it: every state is told anew
    /// when devices meet again.
    pub(super) fn push(&mut self, to: To, body: Body) {
        if self.link.is_online() {
            self.outbox.push(to, body);
        }
    }

    /// Queues an answer, as far as a device may have them: it decides how often it asks.
    pub(super) fn answer(&mut self, device: DeviceId, body: Body, now: Time) {
        if self.link.is_online() {
            let peers = &mut self.peers;
            let allowed = || peers.may_have_answer(device, now);
            self.outbox.answer(device, body, allowed);
        }
    }

    /// Gives queued messages to the session, as far as it sends them. The others are sealed when their
    /// turn comes: what is sealed long before it is sent would be taken for a repetition.
    #[inline(never)]
    pub(super) fn flush(&mut self, random: &mut Random, now: Time) {
        if !self.link.is_online() {
            self.outbox = Outbox::default();
        }
        while let Some((to, body, qos)) = self.outbox.pop(self.session.waiting() > 0) {
            let topic = match to {
                To::Room => self.topics.room(),
                To::Device(device) => self.topics.device(device),
            };
            if let Some(payload) = self.seal(to, body, random) {
                // A message that cannot be sent here is as good as lost, and lost ones are repeated.
                let published = self.session.publish(&topic, &payload, qos, false, now);
                if let Ok(Some(ticket)) = published {
                    self.unacknowledged.insert(ticket, to);
                }
            }
        }
    }

    #[inline(never)]
    pub(super) fn seal(&mut self, to: To, body: Body, random: &mut Random) -> Option<Vec<u8>> {
        self.counter += 1;
        let message = Message {
            counter: self.counter,
            body,
        }
        .encode();
        let key = &self.secret.key;
        match to {
            To::Room => Some(envelope::seal_to_room(
                key,
                &self.identity,
                "c",
                &message,
                random,
            )),
            To::Device(device) => {
                let pair_key = self.peers.pair_key(device)?;
                Some(envelope::seal_to_device(
                    key,
                    &self.identity,
                    device,
                    pair_key,
                    &message,
                    random,
                ))
            }
        }
    }

    /// Opens a control message.
    #[inline(never)]
    pub(super) fn open(&self, channel: Channel, payload: &[u8]) -> Result<Opened, OpenError> {
        let me = self.identity.device;
        let tail = if channel == Channel::Room {
            "c".to_string()
        } else {
            me.to_string()
        };
        envelope::open(&self.secret.key, me, &tail, payload, |sender, public| {
            self.peers
                .pair_key(sender)
                .cloned()
                .or_else(|| self.identity.pair_key(public))
        })
    }

    /// Begins or stops listening to a parcel's data, as soon as the session takes it.
    pub(super) fn change_topic(&mut self, change: DataTopic) {
        self.subscriptions.change(change);
    }

    /// Gives changes of topics to the session, as far as it takes them.
    #[inline(never)]
    pub(super) fn flush_topics(&mut self, now: Time) {
        if self.link.is_online() {
            self.subscriptions
                .flush(&mut self.session, &self.topics, now);
        }
    }

    /// How long the next data frame and its packets may be; `None` if nothing fits.
    pub(super) fn fit(&self, parcel: ParcelId) -> Option<Fit> {
        let topic = self.topics.data(parcel);
        Fit::new(&self.frame_size, |packet| {
            let packet = packet.map_or(usize::MAX, |packet| packet as usize);
            let payload = self.session.max_payload(&topic, packet);
            payload.saturating_sub(PIECE_OVERHEAD) as u64
        })
    }

    /// A payload with data at most, in bytes.
    fn most_payload(&self) -> usize {
        let topic = self.topics.data(ParcelId([0; 10]));
        self.session.max_payload(&topic, usize::MAX)
    }

    /// Keeps to what the broker says that it takes.
    pub(super) fn heed_limits(&mut self) {
        let room = self.most_payload().saturating_sub(PIECE_OVERHEAD);
        self.frame_size.on_connected(room as u64);
        self.note_limits();
    }

    /// Notes which of the broker's limits the user should know.
    #[inline(never)]
    pub(super) fn note_limits(&mut self) {
        let room = self.most_payload();
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
}
