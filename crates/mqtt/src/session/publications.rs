use std::collections::VecDeque;

use bytes::Bytes;

use crate::codec;
use crate::types::{Limits, QoS, ReasonCode, RequestError, Ticket};

/// The most publications in flight, whatever the server's Receive Maximum.
const MAX_IN_FLIGHT: usize = 1024;

/// The most publications that wait for their turn.
const MAX_WAITING: usize = 1024;

/// QoS 1 publications that have no PUBACK yet, oldest first. They outlive connections.
#[derive(Debug, Default)]
pub(super) struct Publications {
    /// The first `sent` of these are in flight, the others wait.
    queue: VecDeque<Publication>,
    sent: usize,
}

#[derive(Debug)]
struct Publication {
    ticket: Ticket,
    id: u16,
    packet: Bytes,
}

impl Publications {
    pub(super) fn check_room(&self) -> Result<(), RequestError> {
        if self.waiting() < MAX_WAITING {
            Ok(())
        } else {
            Err(RequestError::QueueFull)
        }
    }

    pub(super) fn push(&mut self, ticket: Ticket, id: u16, packet: Bytes) {
        self.queue.push_back(Publication { ticket, id, packet });
    }

    /// The next packet that flow control (MQTT 5, section 4.9) lets go, which then counts as sent.
    pub(super) fn next_to_send(&mut self, limits: &Limits) -> Option<Bytes> {
        let most = usize::from(limits.receive_maximum).min(MAX_IN_FLIGHT);
        if self.sent >= most {
            return None;
        }
        let packet = self.queue.get(self.sent)?.packet.clone();
        self.sent += 1;
        Some(packet)
    }

    /// PUBACK came for `id`: the publication it belongs to, if one with it was sent.
    pub(super) fn acknowledge(&mut self, id: u16) -> Option<Ticket> {
        let index = self
            .queue
            .iter()
            .take(self.sent)
            .position(|publication| publication.id == id)?;
        self.sent -= 1;
        self.queue
            .remove(index)
            .map(|publication| publication.ticket)
    }

    /// The session was resumed: what was in flight is to be sent again, with DUP, in the old order (section 4.4).
    /// Returns what the server, under its new limits, would not take any more.
    pub(super) fn resume(&mut self, limits: &Limits) -> Vec<(Ticket, ReasonCode)> {
        let sent = core::mem::take(&mut self.sent);
        for publication in self.queue.iter_mut().take(sent) {
            let packet = core::mem::take(&mut publication.packet);
            publication.packet = codec::repeated(packet);
        }
        let mut refused = Vec::new();
        self.queue.retain(|publication| {
            let reason = if limits.max_qos < QoS::AtLeastOnce {
                ReasonCode::QOS_NOT_SUPPORTED
            } else if publication.packet.len() > super::max_packet(limits) {
                ReasonCode::PACKET_TOO_LARGE
            } else {
                return true;
            };
            refused.push((publication.ticket, reason));
            false
        });
        refused
    }

    pub(super) fn contains(&self, id: u16) -> bool {
        self.queue.iter().any(|publication| publication.id == id)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() - self.sent
    }

    /// Length in bytes of the packets that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        let waiting = self.queue.iter().skip(self.sent);
        waiting.map(|publication| publication.packet.len()).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
