mod connect;
mod deadline;
mod handle;
mod keep_alive;
mod publications;
mod requests;
mod transmit;
mod version;

use core::fmt;
use std::collections::VecDeque;

use bytes::Bytes;

use self::deadline::Deadline;
use self::keep_alive::{KeepAlive, Watch};
use self::publications::Publications;
use self::requests::{Kind, Requests};
use self::transmit::Transmit;
use self::version::Negotiation;
use crate::Time;
use crate::codec::{self, Framer, MAX_REMAINING, TooLong};
use crate::topic;
use crate::types::{
    Event, Limits, Options, QoS, ReasonCode, RequestError, Subscription, Ticket, Timer, Version,
    Will,
};

/// An MQTT client session that outlives its connections.
///
/// After every call that takes `&mut self`, drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), and set a timer for [`poll_timeout`](Self::poll_timeout). On
/// [`Event::Disconnected`] close the transport, but only after it took what `poll_transmit` yielded: that
/// may end with a DISCONNECT. Until the next [`handle_connected`](Self::handle_connected) there are no
/// further events.
///
/// With MQTT 5 and a session expiry above zero the broker may resume the session on a later connection. Then
/// QoS 1 publications without PUBACK are sent again in their order, and so are SUBSCRIBE and UNSUBSCRIBE without an
/// answer. If it does not resume (`session_present` is false), all of them are forgotten and their tickets get no
/// event.
pub struct Session {
    options: Options,
    negotiation: Negotiation,
    /// The version of the last accepted connection.
    accepted: Option<Version>,
    /// The server may hold a session that the next CONNECT can resume.
    resumable: bool,
    connection: Option<Connection>,
    publications: Publications,
    requests: Requests,
    transmit: Transmit,
    events: VecDeque<Event>,
    /// Something is under way.
    is_busy: bool,
    /// See [`Watch::patience`].
    patience: u32,
    last_id: u16,
    last_ticket: u64,
}

#[derive(Debug)]
struct Connection {
    version: Version,
    framer: Framer,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// CONNECT went out.
    Connecting { clean: bool, connack: Deadline },
    /// CONNACK accepted.
    Connected {
        limits: Limits,
        keep_alive: KeepAlive,
        /// When it was accepted.
        since: Time,
    },
}

impl Session {
    /// A session without a connection. Options beyond their ranges are brought into them, or reported by
    /// [`Disconnect::InvalidOptions`](crate::Disconnect::InvalidOptions) when it connects.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            negotiation: Negotiation::new(options.version),
            options,
            accepted: None,
            resumable: false,
            connection: None,
            publications: Publications::default(),
            requests: Requests::default(),
            transmit: Transmit::default(),
            events: VecDeque::new(),
            is_busy: false,
            patience: 1,
            last_id: 0,
            last_ticket: 0,
        }
    }

    /// Replaces the will; takes effect at the next CONNECT.
    pub fn set_will(&mut self, will: Option<Will>) {
        self.options.will = will;
    }

    /// Sends a message. The payload is copied once.
    ///
    /// Returns a ticket at QoS 1, which [`Event::Published`] names later. QoS 1 is lowered to QoS 0 where the server
    /// takes no more (Maximum QoS), and `retain` is dropped where it keeps no messages (Retain Available). Beyond the
    /// server's Receive Maximum, and beyond 1,024 in any case, publications wait.
    ///
    /// # Errors
    /// [`RequestError::QueueFull`] when 1,024 publications wait already; the others as they say.
    pub fn publish(
        &mut self,
        topic: &str,
        payload: impl AsRef<[u8]>,
        qos: QoS,
        retain: bool,
        now: Time,
    ) -> Result<Option<Ticket>, RequestError> {
        let payload = payload.as_ref();
        let (version, limits) = self.connected()?;
        if !topic::is_name(topic) {
            return Err(RequestError::InvalidTopic);
        }
        let qos = qos.min(limits.max_qos);
        let retain = retain && limits.retain_available;
        let (size, _) = codec::publish_len(version, topic, payload.len(), qos);
        let limit = max_packet(limits);
        if size > limit {
            return Err(RequestError::TooLarge { size, limit });
        }
        let too_large = |TooLong| RequestError::TooLarge { size, limit };
        if qos == QoS::AtMostOnce {
            let packet = codec::encode_publish(version, topic, payload, None, retain);
            self.send(packet.map_err(too_large)?, now);
            return Ok(None);
        }
        self.publications.check_room()?;
        let id = self.next_id();
        let packet = codec::encode_publish(version, topic, payload, Some(id), retain);
        let packet = packet.map_err(too_large)?;
        let ticket = self.next_ticket();
        self.publications.push(ticket, id, packet);
        self.send_publications(now);
        Ok(Some(ticket))
    }

    /// Asks for messages that match `subscriptions`, of which there must be at least one;
    /// [`Event::Subscribed`] brings the results. 3.1.1 knows no `no_local`: it is ignored there, as it is for shared
    /// subscriptions.
    ///
    /// # Errors
    /// [`RequestError::QueueFull`] when 64 requests wait for their answer; the others as they say.
    pub fn subscribe(
        &mut self,
        subscriptions: &[Subscription],
        now: Time,
    ) -> Result<Ticket, RequestError> {
        let filters: Vec<_> = subscriptions
            .iter()
            .map(|wanted| wanted.filter.as_str())
            .collect();
        self.request(Kind::Subscribe, &filters, now, |version, id| {
            codec::subscribe(version, id, subscriptions)
        })
    }

    /// Ends subscriptions, at least one; [`Event::Unsubscribed`] confirms.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn unsubscribe(&mut self, filters: &[&str], now: Time) -> Result<Ticket, RequestError> {
        self.request(Kind::Unsubscribe, filters, now, |version, id| {
            codec::unsubscribe(version, id, filters)
        })
    }

    /// Ends the connection in good order, and on MQTT 5 the session on the broker too. The broker does not publish
    /// the will.
    pub fn disconnect(&mut self, _now: Time) {
        self.end_by_client(ReasonCode::SUCCESS);
    }

    /// As [`disconnect`](Self::disconnect), but the broker publishes the will (MQTT 5, reason code 0x04). 3.1.1 has no
    /// such DISCONNECT: there none is sent, and the closing of the transport makes the broker publish it.
    pub fn disconnect_with_will(&mut self, _now: Time) {
        self.end_by_client(ReasonCode::DISCONNECT_WITH_WILL);
    }

    /// The next bytes for the transport: one packet, or several small ones.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmit.pop()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why. Calling late or without need does no harm.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Time, Timer)> {
        match &self.connection.as_ref()?.phase {
            Phase::Connecting { connack, .. } => Some((connack.at(), Timer::Connack)),
            Phase::Connected { keep_alive, .. } => Some(keep_alive.timeout(self.watch())),
        }
    }

    /// Says whether answers are expected soon, so that a server that fell silent is noticed within 9 s instead of
    /// 45. Publications and requests that wait for their acknowledgement count without that. While something is
    /// received there is no traffic for this, and else one PINGREQ in 4 s.
    pub fn set_busy(&mut self, is_busy: bool) {
        self.is_busy = is_busy;
    }

    fn watch(&self) -> Watch {
        let waits = self.publications.len() + self.requests.len() > 0;
        Watch {
            is_busy: self.is_busy || waits,
            patience: self.patience,
        }
    }

    /// Whether CONNACK accepted the connection and it has not ended.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.limits().is_some()
    }

    /// The version spoken on this connection, or else on the last accepted one.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        let current = self.connection.as_ref();
        current
            .map(|connection| connection.version)
            .or(self.accepted)
    }

    /// Whether the next connection will speak another version than the last one, because that one did not
    /// go well.
    #[must_use]
    pub fn is_changing_version(&self) -> bool {
        self.negotiation.is_changing()
    }

    /// The server's limits, while connected.
    #[must_use]
    pub fn limits(&self) -> Option<&Limits> {
        match &self.connection.as_ref()?.phase {
            Phase::Connecting { .. } => None,
            Phase::Connected { limits, .. } => Some(limits),
        }
    }

    /// How many publications at QoS 1 wait until the server acknowledges others.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.publications.waiting()
    }

    /// Bytes accepted but not yet taken by [`poll_transmit`](Self::poll_transmit).
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.transmit.bytes() + self.publications.waiting_bytes()
    }

    /// The most payload bytes a QoS 0 PUBLISH to `topic` may carry, within a packet of at most
    /// `packet` bytes and the server's Maximum Packet Size or the protocol's. Not connected: on MQTT 5
    /// without a server's limit.
    #[must_use]
    pub fn max_payload(&self, topic: &str, packet: usize) -> usize {
        let version = self.version().unwrap_or(Version::V5);
        let limit = self
            .limits()
            .map_or(MAX_REMAINING + 5, max_packet)
            .min(packet);
        let (_, head) = codec::publish_len(version, topic, 0, QoS::AtMostOnce);
        // The longest Remaining Length in 1 to 4 bytes for which the whole packet stays within the limit.
        let remaining = (1..=4)
            .map(|len| (limit.saturating_sub(1 + len)).min((1 << (7 * len)) - 1))
            .max();
        remaining.unwrap_or(0).saturating_sub(head)
    }

    fn request(
        &mut self,
        kind: Kind,
        filters: &[&str],
        now: Time,
        encode: impl FnOnce(Version, u16) -> Result<Bytes, TooLong>,
    ) -> Result<Ticket, RequestError> {
        let (version, limits) = self.connected()?;
        let limit = max_packet(limits);
        if filters.is_empty() || !filters.iter().all(|filter| topic::is_filter(filter)) {
            return Err(RequestError::InvalidTopic);
        }
        self.requests.check_room()?;
        let id = self.next_id();
        let size = filters.iter().map(|filter| filter.len() + 3).sum();
        let packet =
            encode(version, id).map_err(|TooLong| RequestError::TooLarge { size, limit })?;
        if packet.len() > limit {
            let size = packet.len();
            return Err(RequestError::TooLarge { size, limit });
        }
        let ticket = self.next_ticket();
        self.requests
            .push(ticket, id, kind, filters.len(), packet.clone());
        self.send(packet, now);
        Ok(ticket)
    }

    fn connected(&self) -> Result<(Version, &Limits), RequestError> {
        match &self.connection {
            Some(Connection {
                version,
                phase: Phase::Connected { limits, .. },
                ..
            }) => Ok((*version, limits)),
            _ => Err(RequestError::NotConnected),
        }
    }

    /// A packet identifier not in use. Far fewer than 65,535 ever are.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            if !self.publications.contains(id) && !self.requests.contains(id) {
                return id;
            }
        }
    }

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    fn send(&mut self, packet: Bytes, now: Time) {
        self.transmit.push(packet);
        self.note_sent(now);
    }

    fn send_publications(&mut self, now: Time) {
        while let Some(packet) = self.next_publication() {
            self.send(packet, now);
        }
    }

    fn next_publication(&mut self) -> Option<Bytes> {
        match &self.connection.as_ref()?.phase {
            Phase::Connecting { .. } => None,
            Phase::Connected { limits, .. } => self.publications.next_to_send(limits),
        }
    }

    fn note_sent(&mut self, now: Time) {
        if let Some(Connection {
            phase: Phase::Connected { keep_alive, .. },
            ..
        }) = &mut self.connection
        {
            keep_alive.handle_sent(now);
        }
    }
}

/// Without the queued packets and the login.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("client_id", &self.options.client_id)
            .field("negotiation", &self.negotiation)
            .field("resumable", &self.resumable)
            .field("connection", &self.connection)
            .field("publications", &self.publications.len())
            .field("requests", &self.requests.len())
            .field("transmit", &self.transmit.bytes())
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

/// The longest packet the server takes, in bytes.
fn max_packet(limits: &Limits) -> usize {
    let protocol = MAX_REMAINING + 5;
    limits
        .max_packet_size
        .and_then(|size| usize::try_from(size).ok())
        .map_or(protocol, |size| size.min(protocol))
}
