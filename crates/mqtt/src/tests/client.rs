//! A session with a clock, and the packets it sends as the oracle reads them.

use core::time::Duration;

use bytes::Bytes;

use super::oracle::{self, Sent};
use crate::{
    Disconnect, Event, Limits, Options, QoS, Session, Subscription, Ticket, Time, Timer, Version,
    VersionPolicy,
};

pub(super) fn options(version: VersionPolicy) -> Options {
    Options {
        client_id: "tester".to_owned(),
        version,
        login: None,
        will: None,
        keep_alive: Duration::from_secs(30),
        session_expiry: Duration::from_secs(300),
        max_incoming_packet: 1024 * 1024,
        receive_maximum: 16,
    }
}

pub(super) struct Client {
    pub(super) session: Session,
    pub(super) now: Time,
    version: Version,
}

impl Client {
    pub(super) fn new(options: Options) -> Self {
        Self {
            session: Session::new(options),
            now: Time::from_millis(1_000),
            version: Version::V5,
        }
    }

    /// Connected, with the events and packets of that drained.
    pub(super) fn connected(version: Version) -> Self {
        Self::connected_with(options(VersionPolicy::Only(version)), &connack(version))
    }

    pub(super) fn connected_with(options: Options, connack: &[u8]) -> Self {
        let mut client = Self::new(options);
        client.open();
        client.receive(connack);
        client.connected_event();
        client
    }

    /// Opens the transport and takes the CONNECT.
    pub(super) fn open(&mut self) -> Sent {
        self.session.handle_connected(self.now);
        self.version = self.session.version().expect("a connection begins");
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "only CONNECT before CONNACK: {sent:?}");
        sent.remove(0)
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.session
            .handle_bytes(Bytes::copy_from_slice(bytes), self.now);
    }

    pub(super) fn close(&mut self) {
        self.session.handle_disconnected(self.now);
    }

    pub(super) fn sent(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while let Some(bytes) = self.session.poll_transmit() {
            sent.extend(oracle::read_all(&bytes, self.version));
        }
        assert_eq!(self.session.poll_transmit(), None);
        sent
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.session.poll_event()).collect()
    }

    pub(super) fn connected_event(&mut self) -> (bool, Version, Limits) {
        match self.session.poll_event() {
            Some(Event::Connected {
                session_present,
                version,
                limits,
            }) => (session_present, version, limits),
            other => panic!("expected Connected, got {other:?}"),
        }
    }

    /// The only event, which must end the connection.
    pub(super) fn ended(&mut self) -> Disconnect {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "only one event: {events:?}");
        assert!(!self.session.is_connected());
        assert_eq!(self.session.poll_timeout(), None);
        match events.remove(0) {
            Event::Disconnected(reason) => reason,
            other => panic!("expected Disconnected, got {other:?}"),
        }
    }

    pub(super) fn advance(&mut self, duration: Duration) {
        self.now += duration;
    }

    /// Sleeps to the next deadline and handles it.
    pub(super) fn wake(&mut self) -> Timer {
        let (at, timer) = self.session.poll_timeout().expect("a timer runs");
        self.now = self.now.max(at);
        self.session.handle_timeout(self.now);
        timer
    }

    pub(super) fn publish(&mut self, topic: &str, payload: &[u8], qos: QoS) -> Option<Ticket> {
        self.session
            .publish(topic, payload, qos, false, self.now)
            .expect("accepted for sending")
    }

    pub(super) fn subscribe(&mut self, filter: &str) -> Ticket {
        let subscription = Subscription {
            filter: filter.to_owned(),
            qos: QoS::AtLeastOnce,
            no_local: true,
        };
        self.session
            .subscribe(&[subscription], self.now)
            .expect("accepted for sending")
    }
}

pub(super) fn connack(version: Version) -> Vec<u8> {
    match version {
        Version::V5 => oracle::connack_v5(false, 0, Vec::new()),
        Version::V311 => oracle::connack_v311(false, 0),
    }
}
