//! One connection's place in the audience, fed by its link and by the broker's events.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use mqtt5::QoS;
use mqtt5::broker::{
    BrokerEventHandler, ClientConnectEvent, ClientPublishEvent, ClientUnsubscribeEvent,
    PublishAction,
};
use mqtt5::packet::publish::PublishPacket;
use mqtt5::protocol::v5::properties::Properties;
use tokio::sync::Notify;

use super::audience::Audience;
use super::counted::{COST_OF_A_COPY, COST_OF_PROPERTIES, Count};
use super::gauge::Gauge;
use super::inspector::{Found, Published};
use super::listener::Listener;
use super::reception::Answer;
use super::rules::Rules;
use super::sessions::Sessions;
use super::socket::Socket;
use crate::seldom::Seldom;

/// How much a client publishes, in bytes, before others have their turn.
const TURN: usize = 1024 * 1024;
/// The weight of a message besides its payload, in bytes.
const COST_OF_A_MESSAGE: usize = 4096;
/// Payloads up to this length, in bytes, are copied out of the buffer they came in.
const SHORT_PAYLOAD: usize = 16 * 1024;
/// From this length on, in bytes, a message's listeners are looked at before they get it.
const LONG_PAYLOAD: usize = 64 * 1024;
/// The bytes of a PUBLISH of QoS 0 before its payload, besides topic and properties, in bytes.
const LONGEST_HEADER: usize = 16;
/// PUBLISH packets that the broker has not come to; it reads 4 KiB at a time.
const MOST_EXPECTED: usize = 1024;
/// The smallest buffer of the broker's crate, in bytes: it reads so much at a time.
const SMALLEST_BUFFER: usize = 4096;

static TOO_MUCH: Seldom = Seldom::new();

/// One connection's place in the audience; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Seat {
    audience: Arc<Audience>,
    sessions: Sessions,
    pub(crate) listener: Arc<Listener>,
    is_admitted: AtomicBool,
    admitted: Notify,
    /// Bytes that this client has published since others had their turn.
    published: AtomicUsize,
    passing: Mutex<Passing>,
    /// The room that its next packet waits for, and a note that it does.
    wait: Mutex<Option<Wait>>,
    has_to_wait: AtomicBool,
}

/// Facts about the packets that pass.
#[derive(Debug, Default)]
struct Passing {
    expected: VecDeque<Published>,
    /// QoS 2 messages that the client has not released.
    unreleased: HashMap<u16, usize>,
    /// The longest payload so far.
    longest: usize,
    /// The lengths of the crate's buffer and the link's for what this client sends.
    read_buffer: usize,
    received: usize,
}

struct Wait(Answer<'static, ()>);

impl std::fmt::Debug for Wait {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Wait")
    }
}

impl Seat {
    /// Takes a place for a connection that has not logged in yet.
    pub(crate) fn new(
        audience: &Arc<Audience>,
        sessions: &Sessions,
        gauge: Gauge,
        socket: &Arc<Socket>,
    ) -> Arc<Self> {
        let listener = audience.enter(gauge, socket.peer().ip(), Arc::clone(socket));
        Arc::new(Self {
            audience: Arc::clone(audience),
            sessions: sessions.clone(),
            listener,
            is_admitted: AtomicBool::new(false),
            admitted: Notify::new(),
            published: AtomicUsize::new(0),
            passing: Mutex::default(),
            wait: Mutex::default(),
            has_to_wait: AtomicBool::new(false),
        })
    }

    /// The rules for the client.
    pub(crate) fn rules(&self) -> Rules {
        self.audience.rules
    }

    /// Tells whether the broker has accepted the connection's CONNECT.
    pub(crate) fn is_admitted(&self) -> bool {
        self.is_admitted.load(Ordering::Relaxed)
    }

    /// Resolves once when the client is let in.
    pub(crate) async fn admitted(&self) {
        self.admitted.notified().await;
    }

    /// Lets the client in.
    pub(crate) fn admit(&self) {
        self.is_admitted.store(true, Ordering::Relaxed);
        self.admitted.notify_one();
    }

    /// Notes the buffers that this connection has here and in the crate. The crate's grow to the
    /// next power of two of what they had to hold, and never shrink.
    pub(crate) fn note_buffers(&self, received: usize, passed: usize) {
        let mut passing = self.passing();
        let needed = passed.max(SMALLEST_BUFFER).next_power_of_two();
        if needed > passing.read_buffer || received > passing.received {
            let before = passing.read_buffer + passing.received;
            passing.read_buffer = passing.read_buffer.max(needed);
            passing.received = passing.received.max(received);
            let after = passing.read_buffer + passing.received;
            drop(passing);
            self.listener.gauge.keep(after - before);
            self.audience.make_room();
        }
    }

    /// Notes a packet that the broker sends to this client.
    pub(crate) fn note_sent(&self, packet: &[u8]) {
        self.listener.expect_packet(packet.len());
    }

    /// Notes that a message was sent which the client has to acknowledge.
    pub(crate) fn note_sent_as(&self, packet_id: u16, packet: usize) {
        self.listener.note_sent(packet_id, packet);
    }

    /// Notes what was found in packets that the broker is about to get.
    pub(crate) fn note_found(&self, found: Vec<Found>) {
        for found in found {
            match found {
                Found::Publish(published) => {
                    let mut passing = self.passing();
                    // The oldest were refused: the broker reads no further ahead.
                    if passing.expected.len() >= MOST_EXPECTED {
                        passing.expected.pop_front();
                    }
                    passing.expected.push_back(published);
                }
                Found::Subscribe(filters) => {
                    for (filter, options) in filters {
                        self.listener.announce(filter, options);
                    }
                }
                Found::Acknowledged(id) => self.listener.note_acknowledged(id),
                Found::Released(id) => {
                    let released = self.passing().unreleased.remove(&id);
                    self.listener.gauge.release(2 * released.unwrap_or(0));
                }
            }
        }
    }

    /// Ready when the client's next packet may be read.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_to_wait.load(Ordering::Relaxed) {
            let mut wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Wait(room)) = wait.as_mut()
                && room.as_mut().poll(cx).is_pending()
            {
                return Poll::Pending;
            }
            *wait = None;
            self.has_to_wait.store(false, Ordering::Relaxed);
        }
        Poll::Ready(())
    }

    /// Lets the tasks of the listeners run between a publisher's messages. While its socket has
    /// data its own task would go on for a thousand of them.
    async fn take_turns(&self, payload: usize) {
        let published = self
            .published
            .fetch_add(payload + COST_OF_A_MESSAGE, Ordering::Relaxed);
        if published >= TURN {
            self.published.store(0, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }

    /// The properties that came with a message, which the event does not tell.
    fn properties(&self, event: &ClientPublishEvent) -> Option<(Properties, usize)> {
        let mut passing = self.passing();
        while let Some(next) = passing.expected.pop_front() {
            // Others before it were refused.
            if next.qos == event.qos as u8
                && next.is_retained == event.retain
                && next.packet_id == event.packet_id
                && next.payload == event.payload.len()
            {
                drop(passing);
                if next.properties.len() < 2 {
                    return Some((Properties::new(), 0));
                }
                let mut properties = Properties::decode(&mut &next.properties[..]).ok()?;
                properties.remove_topic_alias();
                return Some((properties, next.properties.len()));
            }
        }
        None
    }

    /// A payload that does not keep a longer buffer alive.
    fn own(&self, payload: Bytes) -> Bytes {
        let mut passing = self.passing();
        passing.longest = passing.longest.max(payload.len());
        let is_short = payload.len() <= SHORT_PAYLOAD || payload.len() < passing.longest / 4;
        drop(passing);
        if is_short {
            return Bytes::copy_from_slice(&payload);
        }
        payload
    }

    /// Counts a message, or says that it is dropped.
    fn count(&self, event: &ClientPublishEvent, properties: usize) -> Option<Count> {
        let content = event.payload.len();
        let copy = COST_OF_A_COPY + event.topic.len() + COST_OF_PROPERTIES * properties;
        let queues = &self.audience.queues;
        if event.qos == QoS::AtMostOnce {
            let gauge = &self.listener.gauge;
            let under_way = gauge.under_way();
            if under_way > 0 && under_way + content > queues.drop_above {
                if let Some(others) = TOO_MUCH.due() {
                    tracing::warn!(
                        others,
                        "limit hit: dropping QoS 0 messages of a client that sends more than the station passes on"
                    );
                }
                return None;
            }
            // Most have one or two listeners, and each takes its copy soon.
            if content >= LONG_PAYLOAD {
                for (listener, _) in self.audience.listeners_of(&event.topic) {
                    listener.expect_packet(content + event.topic.len() + LONGEST_HEADER);
                }
            }
            return Some(Count::under_way(gauge, content + copy));
        }
        let own = Some(self.listener.id);
        let count = Count::owed(&self.audience, &event.topic, own, content + copy);
        if event.qos == QoS::ExactlyOnce
            && let Some(id) = event.packet_id
        {
            self.keep_until_released(id, content + copy);
        }
        Some(count)
    }

    /// Counts a message of QoS 2, which the broker keeps twice until its client releases it.
    fn keep_until_released(&self, id: u16, size: usize) {
        let mut passing = self.passing();
        let before = passing.unreleased.insert(id, size).unwrap_or(0);
        let all: usize = passing.unreleased.values().sum();
        drop(passing);
        self.listener.gauge.keep(2 * size);
        self.listener.gauge.release(2 * before);
        if 2 * all > self.audience.queues.drop_above {
            self.listener
                .end("too many of its messages waited for their release");
        }
    }

    /// Has the next packet wait for those who hear this one.
    fn wait_for_room(&self, topic: &Arc<str>) {
        let gauge = &self.listener.gauge;
        if !self.audience.must_wait(topic, self.listener.id, gauge) {
            return;
        }
        let (audience, topic) = (Arc::clone(&self.audience), Arc::clone(topic));
        let (id, gauge) = (self.listener.id, gauge.clone());
        let room = async move { audience.wait_for_room(&topic, id, &gauge).await };
        let mut wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        *wait = Some(Wait(Box::pin(room)));
        self.has_to_wait.store(true, Ordering::Relaxed);
    }

    /// Counts a message and gives it back as the broker is to pass it on: without the names of its
    /// sender, which the crate adds. Also gives what it takes, in bytes.
    fn pass_on(&self, event: ClientPublishEvent) -> Option<(PublishPacket, usize)> {
        let (properties, length) = self.properties(&event).unwrap_or_default();
        let payload = self.own(event.payload.clone());
        let count = self.count(&event, length)?;
        let size = payload.len() + event.topic.len() + COST_OF_A_COPY + COST_OF_PROPERTIES * length;
        self.wait_for_room(&event.topic);
        let mut packet = PublishPacket::new(&*event.topic, count.with(payload), event.qos);
        packet.packet_id = event.packet_id;
        packet.retain = event.retain;
        packet.properties = properties;
        Some((packet, size))
    }

    fn passing(&self) -> MutexGuard<'_, Passing> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.audience.leave(&self.listener, self.is_admitted());
    }
}

impl BrokerEventHandler for Seat {
    fn on_client_connect<'a>(&'a self, event: ClientConnectEvent) -> Answer<'a, ()> {
        Box::pin(async move {
            let client = event.client_id;
            let unfinished = self.sessions.unfinished(&client).await;
            self.audience
                .name(&self.listener, &client, event.user_id, event.clean_start);
            let queue = self.sessions.queue(&client);
            self.listener.take_up(queue, &unfinished.sent);
            for (id, size) in unfinished.unreleased {
                self.keep_until_released(id, size);
            }
            self.admit();
        })
    }

    fn on_client_unsubscribe<'a>(&'a self, event: ClientUnsubscribeEvent) -> Answer<'a, ()> {
        for filter in &event.topic_filters {
            self.audience.unsubscribe(&self.listener, filter);
        }
        Box::pin(async {})
    }

    fn on_client_publish<'a>(&'a self, event: ClientPublishEvent) -> Answer<'a, PublishAction> {
        Box::pin(async move {
            self.take_turns(event.payload.len()).await;
            let topic = Arc::clone(&event.topic);
            // A client that was told to go sends nothing more.
            let passed_on = if self.listener.is_ended() {
                None
            } else {
                self.pass_on(event)
            };
            if self.audience.ledger.excess() > 0 {
                self.audience.wait_until_room_is_made().await;
            }
            match passed_on {
                Some((packet, size)) if !self.listener.is_ended() => {
                    if packet.retain && !packet.payload.is_empty() {
                        let expiry = packet.properties.get_message_expiry_interval();
                        self.sessions
                            .retain(&topic, size, self.listener.household, expiry)
                            .await;
                    }
                    PublishAction::Transform(packet)
                }
                _ => PublishAction::Handled,
            }
        })
    }
}
