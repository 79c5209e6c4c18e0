use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Packets up to this length are put together into one transmission.
const SMALL: usize = 1024;

/// The longest transmission put together from small packets.
const MERGED: usize = 4096;

/// Packets on their way to the transport, in order.
#[derive(Debug, Default)]
pub(super) struct Transmit {
    packets: VecDeque<Packet>,
    bytes: usize,
    acknowledgements: usize,
}

#[derive(Debug)]
struct Packet {
    bytes: Bytes,
    is_acknowledgement: bool,
}

impl Transmit {
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.bytes += bytes.len();
        self.packets.push_back(Packet {
            bytes,
            is_acknowledgement: false,
        });
    }

    /// Queues a PUBACK.
    pub(super) fn push_acknowledgement(&mut self, bytes: Bytes) {
        self.bytes += bytes.len();
        self.acknowledgements += 1;
        self.packets.push_back(Packet {
            bytes,
            is_acknowledgement: true,
        });
    }

    /// Queues a packet before all others.
    pub(super) fn push_first(&mut self, bytes: Bytes) {
        self.bytes += bytes.len();
        self.packets.push_front(Packet {
            bytes,
            is_acknowledgement: false,
        });
    }

    /// Takes the next transmission: one packet, or several small ones.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let first = self.pop_packet()?;
        if first.len() > SMALL || !self.next_fits(first.len()) {
            return Some(first);
        }
        let mut merged = BytesMut::with_capacity(MERGED);
        merged.extend_from_slice(&first);
        while self.next_fits(merged.len()) {
            match self.pop_packet() {
                Some(packet) => merged.extend_from_slice(&packet),
                None => break,
            }
        }
        Some(merged.freeze())
    }

    /// Length of all queued packets in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many PUBACKs the transport has not taken yet.
    pub(super) fn acknowledgements(&self) -> usize {
        self.acknowledgements
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn next_fits(&self, len: usize) -> bool {
        self.packets
            .front()
            .is_some_and(|next| next.bytes.len() <= SMALL && len + next.bytes.len() <= MERGED)
    }

    fn pop_packet(&mut self) -> Option<Bytes> {
        let packet = self.packets.pop_front()?;
        self.bytes -= packet.bytes.len();
        self.acknowledgements -= usize::from(packet.is_acknowledgement);
        Some(packet.bytes)
    }
}
