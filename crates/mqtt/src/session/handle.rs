//! The inputs of a session: transport, bytes and time.

use core::time::Duration;

use bytes::Bytes;

use super::deadline::{Deadline, Expiry};
use super::keep_alive::{Action, KeepAlive};
use super::{Connection, Phase, Session, connect};
use crate::Time;
use crate::codec::{self, ConnAck, Fault, Framer, Incoming};
use crate::types::{Disconnect, Event, ReasonCode, Version};

/// How long the server has for CONNACK.
const CONNACK: Duration = Duration::from_secs(15);

/// A connection that is given up for its silence so soon after it was accepted may only have been slow.
const SOON: Duration = Duration::from_secs(60);

/// How many times as long as at first a silent server is waited for at most.
const MOST_PATIENCE: u32 = 8;

/// Reasons of a server that did not understand this client, or does not say what is the matter: the
/// other version may fare better.
const UNCLEAR: [ReasonCode; 4] = [
    ReasonCode::UNSPECIFIED_ERROR,
    ReasonCode::MALFORMED_PACKET,
    ReasonCode::PROTOCOL_ERROR,
    ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR,
];

/// The most characters kept of a Reason String.
const MAX_TEXT: usize = 1024;

impl Session {
    /// The transport is open: CONNECT goes out.
    pub fn handle_connected(&mut self, now: Time) {
        self.handle_disconnected(now);
        let version = self.negotiation.speak();
        let clean = version == Version::V311 || !self.resumable;
        match connect::encode(&self.options, version, clean) {
            Ok(packet) => self.transmit.push(packet),
            Err(what) => {
                let reason = Disconnect::InvalidOptions(what);
                self.events.push_back(Event::Disconnected(reason));
                return;
            }
        }
        let limit = usize::try_from(connect::max_incoming_packet(&self.options));
        self.connection = Some(Connection {
            version,
            framer: Framer::new(limit.unwrap_or(usize::MAX)),
            phase: Phase::Connecting {
                clean,
                connack: Deadline::new(now, CONNACK),
            },
        });
    }

    /// Bytes arrived. Packets may be split over calls or merged in one in any way.
    ///
    /// A packet that lies whole in `bytes` is not copied: its message's payload is a slice of them.
    pub fn handle_bytes(&mut self, mut bytes: Bytes, now: Time) {
        if bytes.is_empty() {
            return;
        }
        if let Some(Connection {
            phase: Phase::Connected { keep_alive, .. },
            ..
        }) = &mut self.connection
        {
            keep_alive.handle_received(now);
        }
        while let Some(connection) = &mut self.connection {
            let version = connection.version;
            let packet = match connection.framer.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => codec::decode(&frame, version),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = packet.and_then(|packet| self.handle_packet(packet, now)) {
                self.fail(fault);
            }
        }
    }

    /// The transport ended, by either side. Calling it again, or after [`Event::Disconnected`], does nothing.
    pub fn handle_disconnected(&mut self, _now: Time) {
        let reason = match self.connection.as_ref().map(|connection| &connection.phase) {
            Some(Phase::Connecting { .. }) => {
                self.negotiation.handle_failed();
                Some(Disconnect::ClosedBeforeConnack)
            }
            Some(Phase::Connected { .. }) => {
                self.negotiation.handle_closed();
                Some(Disconnect::TransportClosed)
            }
            None => None,
        };
        self.transmit.clear();
        if let Some(reason) = reason {
            self.end(reason);
        }
    }

    /// Ends the connection because of something that is no MQTT, as the transport can tell by itself.
    pub fn handle_invalid(&mut self, what: &'static str) {
        if self.connection.is_some() {
            self.end(Disconnect::Protocol(what));
        }
    }

    /// Time has passed; call it when [`poll_timeout`](Self::poll_timeout) says, or any time.
    pub fn handle_timeout(&mut self, now: Time) {
        let watch = self.watch();
        let (action, reason) = match self
            .connection
            .as_mut()
            .map(|connection| &mut connection.phase)
        {
            None => return,
            Some(Phase::Connecting { connack, .. }) => {
                let action = match connack.handle_timeout(now) {
                    Expiry::Expired => Action::GiveUp,
                    Expiry::Pending | Expiry::Renewed => Action::Nothing,
                };
                (action, Disconnect::ConnackTimeout)
            }
            Some(Phase::Connected {
                keep_alive, since, ..
            }) => {
                let action = keep_alive.handle_timeout(watch, now);
                if action == Action::GiveUp {
                    // Again so soon: perhaps it only was slow.
                    self.patience = if now.since(*since) < SOON {
                        (self.patience * 2).min(MOST_PATIENCE)
                    } else {
                        1
                    };
                }
                (action, Disconnect::KeepAliveTimeout)
            }
        };
        match action {
            Action::Nothing => {}
            Action::SendPing => self.send_ping(now),
            Action::GiveUp => {
                if reason == Disconnect::ConnackTimeout {
                    self.negotiation.handle_failed();
                }
                self.transmit.clear();
                self.end(reason);
            }
        }
    }

    /// Asks the server at once whether it is there, and gives the connection up if it stays silent for 5 s. For when a
    /// tab becomes visible again or the network returned. Does nothing before CONNACK.
    pub fn check(&mut self, now: Time) {
        if let Some(Connection {
            phase: Phase::Connected { keep_alive, .. },
            ..
        }) = &mut self.connection
            && keep_alive.check(now) == Action::SendPing
        {
            self.send_ping(now);
        }
    }

    pub(super) fn end_by_client(&mut self, reason: ReasonCode) {
        let Some(connection) = &self.connection else {
            return;
        };
        let version = connection.version;
        let is_connecting = matches!(connection.phase, Phase::Connecting { .. });
        if is_connecting && !self.transmit.is_empty() {
            // CONNECT is still here: as if it had never been.
            self.transmit.clear();
        } else if version == Version::V5 || reason == ReasonCode::SUCCESS {
            let ends_session = !self.options.session_expiry.is_zero();
            if let Ok(packet) = codec::disconnect(version, reason, ends_session) {
                self.transmit.push(packet);
            }
        }
        self.resumable = false;
        self.publications.clear();
        self.requests.clear();
        self.end(Disconnect::ByClient);
    }

    fn handle_packet(&mut self, packet: Incoming, now: Time) -> Result<(), Fault> {
        if let Some(Connection {
            version,
            phase: Phase::Connecting { clean, .. },
            ..
        }) = &self.connection
        {
            let (version, clean) = (*version, *clean);
            return match packet {
                Incoming::ConnAck(connack) => self.handle_connack(connack, version, clean, now),
                // Not in its place, and yet clear.
                Incoming::Disconnect { reason, text } if reason.is_error() => {
                    self.handle_refusal(reason, text);
                    Ok(())
                }
                _ => Err(Fault::protocol("something before CONNACK")),
            };
        }
        match packet {
            Incoming::ConnAck(_) => Err(Fault::protocol("CONNACK twice")),
            Incoming::Publish { id, message } => {
                if let Some(id) = id {
                    self.acknowledge(id, now)?;
                }
                self.events.push_back(Event::Message(message));
                Ok(())
            }
            Incoming::PubAck { id, reason } => {
                if let Some(ticket) = self.publications.acknowledge(id) {
                    let result = if reason.is_error() {
                        Err(reason)
                    } else {
                        Ok(())
                    };
                    self.events.push_back(Event::Published { ticket, result });
                    self.send_publications(now);
                }
                Ok(())
            }
            Incoming::SubAck { id, reasons } => {
                let event = self.requests.handle_suback(id, &reasons);
                self.events.extend(event.map_err(Fault::protocol)?);
                self.negotiation.handle_proven();
                Ok(())
            }
            Incoming::UnsubAck { id, reasons } => {
                let event = self.requests.handle_unsuback(id, &reasons);
                self.events.extend(event.map_err(Fault::protocol)?);
                Ok(())
            }
            // Its arrival was noted with its bytes.
            Incoming::PingResp => Ok(()),
            Incoming::Disconnect { reason, text } => {
                if UNCLEAR.contains(&reason) {
                    self.negotiation.handle_closed();
                }
                self.transmit.clear();
                let text = text.map(shortened);
                self.end(Disconnect::ByServer { reason, text });
                Ok(())
            }
        }
    }

    fn handle_connack(
        &mut self,
        connack: ConnAck,
        version: Version,
        clean: bool,
        now: Time,
    ) -> Result<(), Fault> {
        // A server that answers MQTT 5 in the form of 3.1.1 speaks only that.
        let is_foreign = connack.is_v311 && version == Version::V5;
        if is_foreign {
            self.negotiation.handle_refused();
        }
        if connack.reason != ReasonCode::SUCCESS {
            self.handle_refusal(connack.reason, connack.text);
            return Ok(());
        }
        if is_foreign {
            return Err(Fault::malformed(
                "a CONNACK of MQTT 3.1.1 in answer to MQTT 5",
            ));
        }
        // An old session cannot be there if a new one was asked for. Everything is made anew, so
        // that what the server kept does no harm.
        let session_present = connack.session_present && !clean;
        self.accept(connack, session_present, version, now);
        Ok(())
    }

    fn handle_refusal(&mut self, reason: ReasonCode, text: Option<String>) {
        if reason == ReasonCode::UNSUPPORTED_PROTOCOL_VERSION {
            self.negotiation.handle_refused();
        } else if UNCLEAR.contains(&reason) {
            self.negotiation.handle_failed();
        }
        self.transmit.clear();
        let text = text.map(shortened);
        self.end(Disconnect::Refused { reason, text });
    }

    fn accept(&mut self, connack: ConnAck, session_present: bool, version: Version, now: Time) {
        let limits = connect::limits(&self.options, &connack);
        self.negotiation.handle_accepted();
        self.accepted = Some(version);
        self.resumable = version == Version::V5 && !self.options.session_expiry.is_zero();
        if let Some(client_id) = connack.assigned_client_id {
            self.options.client_id = client_id;
        }
        if let Some(connection) = &mut self.connection {
            connection.phase = Phase::Connected {
                keep_alive: KeepAlive::new(limits.keep_alive, now),
                limits: limits.clone(),
                since: now,
            };
        }
        self.events.push_back(Event::Connected {
            session_present,
            version,
            limits: limits.clone(),
        });
        if !session_present {
            self.publications.clear();
            self.requests.clear();
            return;
        }
        for (ticket, reason) in self.publications.resume(&limits) {
            let result = Err(reason);
            self.events.push_back(Event::Published { ticket, result });
        }
        self.events
            .extend(self.requests.resume(super::max_packet(&limits)));
        for packet in self.requests.packets() {
            self.transmit.push(packet);
        }
        self.send_publications(now);
    }

    /// Acknowledges a QoS 1 message. PUBACKs go out in the order of arrival, which is the order of the queue.
    fn acknowledge(&mut self, id: u16, now: Time) -> Result<(), Fault> {
        let is_v5 = self.version() == Some(Version::V5);
        let most = usize::from(self.options.receive_maximum.max(1));
        // Only MQTT 5 servers were told the maximum.
        if is_v5 && self.transmit.acknowledgements() >= most {
            return Err(Fault {
                reason: ReasonCode::RECEIVE_MAXIMUM_EXCEEDED,
                what: "more unacknowledged messages than this client takes",
            });
        }
        if let Ok(packet) = codec::puback(id) {
            self.transmit.push_acknowledgement(packet);
            self.note_sent(now);
        }
        Ok(())
    }

    fn send_ping(&mut self, now: Time) {
        if let Ok(packet) = codec::pingreq() {
            // Ahead of what is queued: its answer is timed.
            self.transmit.push_first(packet);
            self.note_sent(now);
        }
    }

    /// The server broke the protocol: tell it why (MQTT 5, section 4.13) and end the connection. What is queued goes
    /// out before that, so that messages delivered are also acknowledged.
    fn fail(&mut self, fault: Fault) {
        self.negotiation.handle_fault();
        let version = self.version();
        if version == Some(Version::V5)
            && let Ok(packet) = codec::disconnect(Version::V5, fault.reason, false)
        {
            self.transmit.push(packet);
        }
        self.end(Disconnect::Protocol(fault.what));
    }

    fn end(&mut self, reason: Disconnect) {
        self.connection = None;
        self.events.push_back(Event::Disconnected(reason));
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}
