//! One MQTT connection that is talked to a question at a time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mqdrop_mqtt::{
    Disconnect, Event, Limits, Login, Message, Options, QoS, RequestError, Session, Subscription,
    Time, Version, VersionPolicy,
};

use super::Fault;
use crate::native::wire::{Route, Wire};

/// The time that the broker may take for an answer that it owes.
const ANSWER: Duration = Duration::from_secs(10);

/// Longer packets are not taken in: four times what is ever sent here.
const MAX_PACKET: u32 = 8 * 1024 * 1024;

/// A connection that CONNACK accepted.
pub(super) struct Conversation {
    session: Session,
    wire: Wire,
    /// Words for the end of the wire.
    lost: Option<String>,
    start: Instant,
}

impl Conversation {
    /// Connects, and speaks this version alone.
    ///
    /// # Errors
    /// [`Fault::Unreachable`] if there is no connection, [`Fault::Ended`] if the broker refuses it.
    pub(super) async fn begin(
        route: &Route,
        login: Option<Login>,
        client_id: &str,
        version: Version,
    ) -> Result<Self, Fault> {
        let wire = Wire::open(route).await.map_err(Fault::Unreachable)?;
        let session = Session::new(Options {
            client_id: client_id.to_owned(),
            version: VersionPolicy::Only(version),
            login,
            will: None,
            keep_alive: Duration::from_secs(30),
            session_expiry: Duration::ZERO,
            max_incoming_packet: MAX_PACKET,
            receive_maximum: 64,
        });
        let mut conversation = Self {
            session,
            wire,
            lost: None,
            start: Instant::now(),
        };
        let now = conversation.now();
        conversation.session.handle_connected(now);
        match conversation.next(Instant::now() + ANSWER).await? {
            Some(Event::Connected { .. }) => Ok(conversation),
            Some(_) | None => Err(Fault::Silent),
        }
    }

    /// The limits that the broker announced; `None` once the connection has ended.
    pub(super) fn limits(&self) -> Option<&Limits> {
        self.session.limits()
    }

    /// Subscribes to one filter; the granted quality of service, or the reason of the refusal.
    ///
    /// # Errors
    /// If the connection ends, or nothing is answered.
    pub(super) async fn subscribe(
        &mut self,
        filter: &str,
    ) -> Result<Result<QoS, mqdrop_mqtt::ReasonCode>, Fault> {
        let wanted = Subscription {
            filter: filter.to_owned(),
            qos: QoS::AtLeastOnce,
            no_local: false,
        };
        let now = self.now();
        let asked = self.session.subscribe(&[wanted], now)?;
        let until = Instant::now() + ANSWER;
        while let Some(event) = self.next(until).await? {
            if let Event::Subscribed { ticket, results } = event
                && ticket == asked
            {
                return results.into_iter().next().ok_or(Fault::Silent);
            }
        }
        Err(Fault::Silent)
    }

    /// Publishes and, at QoS 1, waits for the acknowledgement, which may be a refusal.
    ///
    /// # Errors
    /// If the connection ends, the packet is longer than the broker takes, or nothing is answered.
    pub(super) async fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: QoS,
        retain: bool,
    ) -> Result<Result<(), mqdrop_mqtt::ReasonCode>, Fault> {
        let now = self.now();
        let Some(sent) = self.session.publish(topic, payload, qos, retain, now)? else {
            self.send().await?;
            return Ok(Ok(()));
        };
        let until = Instant::now() + ANSWER;
        while let Some(event) = self.next(until).await? {
            if let Event::Published { ticket, result } = event
                && ticket == sent
            {
                return Ok(result);
            }
        }
        Err(Fault::Silent)
    }

    /// The next message before `until`, if any.
    ///
    /// # Errors
    /// If the connection ends.
    pub(super) async fn message(&mut self, until: Instant) -> Result<Option<Message>, Fault> {
        while let Some(event) = self.next(until).await? {
            if let Event::Message(message) = event {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Takes leave of the broker.
    pub(super) async fn end(mut self) {
        let now = self.now();
        self.session.disconnect(now);
        // A broker that is gone already needs no farewell.
        let _ = self.send().await;
        self.wire.close().await;
    }

    /// The next event before `until`, if any.
    async fn next(&mut self, until: Instant) -> Result<Option<Event>, Fault> {
        loop {
            self.send().await?;
            match self.session.poll_event() {
                Some(Event::Disconnected(reason)) => return Err(self.fault(reason)),
                Some(event) => return Ok(Some(event)),
                None => {}
            }
            let timer = self.session.poll_timeout().map(|(at, _)| self.instant(at));
            let wake = timer.map_or(until, |timer| timer.min(until));
            tokio::select! {
                received = self.wire.receive() => {
                    let now = self.now();
                    match received {
                        Ok(bytes) => self.session.handle_bytes(bytes, now),
                        Err(words) => {
                            self.lost = Some(words);
                            self.session.handle_disconnected(now);
                        }
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    if Instant::now() >= until {
                        return Ok(None);
                    }
                    let now = self.now();
                    self.session.handle_timeout(now);
                }
            }
        }
    }

    /// The words of the wire say more than that it ended.
    fn fault(&mut self, reason: Disconnect) -> Fault {
        match (reason, self.lost.take()) {
            (Disconnect::TransportClosed | Disconnect::ClosedBeforeConnack, Some(words)) => {
                Fault::Lost(words)
            }
            (reason, _) => Fault::Ended(reason),
        }
    }

    /// Hands the wire all that waits for it.
    async fn send(&mut self) -> Result<(), Fault> {
        while let Some(packet) = self.session.poll_transmit() {
            self.write(packet).await?;
        }
        Ok(())
    }

    async fn write(&mut self, packet: Bytes) -> Result<(), Fault> {
        let written = tokio::time::timeout(ANSWER, self.wire.send(packet)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(words)) => Err(Fault::Lost(words)),
            Err(_) => Err(Fault::Silent),
        }
    }

    fn now(&self) -> Time {
        Time::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn instant(&self, at: Time) -> Instant {
        self.start + at.since(Time::ZERO)
    }
}

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}
