use bytes::Bytes;

use crate::types::{Event, QoS, ReasonCode, RequestError, Ticket};

/// The most SUBSCRIBE and UNSUBSCRIBE without an answer.
const MAX_REQUESTS: usize = 64;

/// SUBSCRIBE and UNSUBSCRIBE that have no answer yet, oldest first. They outlive connections.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: Vec<Request>,
}

/// The kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
}

#[derive(Debug)]
struct Request {
    ticket: Ticket,
    id: u16,
    kind: Kind,
    filters: usize,
    packet: Bytes,
}

impl Requests {
    pub(super) fn check_room(&self) -> Result<(), RequestError> {
        if self.pending.len() < MAX_REQUESTS {
            Ok(())
        } else {
            Err(RequestError::QueueFull)
        }
    }

    pub(super) fn push(
        &mut self,
        ticket: Ticket,
        id: u16,
        kind: Kind,
        filters: usize,
        packet: Bytes,
    ) {
        self.pending.push(Request {
            ticket,
            id,
            kind,
            filters,
            packet,
        });
    }

    /// SUBACK came: its event, `None` if nothing like it was asked for.
    pub(super) fn handle_suback(
        &mut self,
        id: u16,
        reasons: &[ReasonCode],
    ) -> Result<Option<Event>, &'static str> {
        let Some(request) = self.take(id, Kind::Subscribe) else {
            return Ok(None);
        };
        if reasons.len() != request.filters {
            return Err("SUBACK with another number of results than was asked for");
        }
        let results = reasons
            .iter()
            .map(|reason| match reason.0 {
                0 => Ok(Ok(QoS::AtMostOnce)),
                1 => Ok(Ok(QoS::AtLeastOnce)),
                _ if reason.is_error() => Ok(Err(*reason)),
                _ => Err("SUBACK that grants what was not asked for"),
            })
            .collect::<Result<_, _>>()?;
        Ok(Some(Event::Subscribed {
            ticket: request.ticket,
            results,
        }))
    }

    /// UNSUBACK came: its event, `None` if nothing like it was asked for.
    pub(super) fn handle_unsuback(
        &mut self,
        id: u16,
        reasons: &[ReasonCode],
    ) -> Result<Option<Event>, &'static str> {
        let Some(request) = self.take(id, Kind::Unsubscribe) else {
            return Ok(None);
        };
        if !reasons.is_empty() && reasons.len() != request.filters {
            return Err("UNSUBACK with another number of results than was asked for");
        }
        Ok(Some(Event::Unsubscribed {
            ticket: request.ticket,
        }))
    }

    /// The session was resumed: forgets what the server, under its new limits, would not take any more, and returns
    /// the events that say so.
    pub(super) fn resume(&mut self, max_packet: usize) -> Vec<Event> {
        let is_too_large = |request: &mut Request| request.packet.len() > max_packet;
        let refused = self.pending.extract_if(.., is_too_large);
        refused
            .map(|request| match request.kind {
                Kind::Subscribe => Event::Subscribed {
                    ticket: request.ticket,
                    results: vec![Err(ReasonCode::PACKET_TOO_LARGE); request.filters],
                },
                Kind::Unsubscribe => Event::Unsubscribed {
                    ticket: request.ticket,
                },
            })
            .collect()
    }

    /// The packets to send again after the session was resumed.
    pub(super) fn packets(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.pending.iter().map(|request| request.packet.clone())
    }

    pub(super) fn contains(&self, id: u16) -> bool {
        self.pending.iter().any(|request| request.id == id)
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    fn take(&mut self, id: u16, kind: Kind) -> Option<Request> {
        let index = self
            .pending
            .iter()
            .position(|request| request.id == id && request.kind == kind)?;
        Some(self.pending.remove(index))
    }
}
