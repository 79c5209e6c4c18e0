//! How much the station takes from its clients: the bounds an operator may change.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Bounds on connections, time, messages and memory, each within the range that is named like it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at the same time, from all addresses. Fewer are taken where the system
    /// does not allow this process so many open files.
    pub max_connections: u32,
    /// Connections open at the same time from one address; for IPv6 from one /64 network.
    pub max_connections_per_address: u32,
    /// Seconds for the head of a request, for a TLS handshake, and for an MQTT login.
    pub handshake_time: u64,
    /// MQTT packets from one client in a second, after a second's worth at once; a client that
    /// sends more is read more slowly.
    pub max_rate: u32,
    /// Bytes that may wait for one client; beyond them its QoS 0 messages are dropped, at twice as
    /// many it is disconnected.
    pub max_queue: u64,
    /// Bytes that may wait for all clients together.
    pub max_queue_total: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_address: 1000,
            handshake_time: 10,
            max_rate: 10_000,
            max_queue: 16 * 1024 * 1024,
            max_queue_total: 512 * 1024 * 1024,
        }
    }
}

/// Waiting bytes from which on a listener counts as behind, however long its queue may become.
const BEHIND_AT_MOST: usize = 4 * 1024 * 1024;

/// How many bytes may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// From so many on, a client counts as behind and slows its publishers down.
    pub(crate) behind_from: usize,
    /// Beyond so many, a client's QoS 0 messages are dropped.
    pub(crate) drop_above: usize,
    /// Beyond so many, a client's connection is given up: everything that is not QoS 0 counts on
    /// arriving.
    pub(crate) give_up_above: usize,
    /// For all clients together.
    pub(crate) total: usize,
}

impl Limits {
    /// The range of both numbers of connections.
    pub const MAX_CONNECTIONS: RangeInclusive<u64> = 1..=1_000_000;
    /// The range of `handshake_time`, in seconds: the broker itself waits ten for a CONNECT.
    pub const HANDSHAKE_TIME: RangeInclusive<u64> = 1..=10;
    /// The range of `max_rate`, in packets.
    pub const MAX_RATE: RangeInclusive<u64> = 100..=1_000_000;
    /// The range of `max_queue`, in bytes.
    pub const MAX_QUEUE: RangeInclusive<u64> = 64 * 1024..=1024 * 1024 * 1024;
    /// The range of `max_queue_total`, in bytes.
    pub const MAX_QUEUE_TOTAL: RangeInclusive<u64> = 1024 * 1024..=64 * 1024 * 1024 * 1024;

    /// Every number with its option and its range.
    pub(crate) fn numbers(&self) -> [(&'static str, u64, RangeInclusive<u64>); 6] {
        [
            (
                "--max-connections",
                self.max_connections.into(),
                Self::MAX_CONNECTIONS,
            ),
            (
                "--max-connections-per-address",
                self.max_connections_per_address.into(),
                Self::MAX_CONNECTIONS,
            ),
            (
                "--handshake-time",
                self.handshake_time,
                Self::HANDSHAKE_TIME,
            ),
            ("--max-rate", self.max_rate.into(), Self::MAX_RATE),
            ("--max-queue", self.max_queue, Self::MAX_QUEUE),
            (
                "--max-queue-total",
                self.max_queue_total,
                Self::MAX_QUEUE_TOTAL,
            ),
        ]
    }

    /// How long a handshake of any kind may take.
    pub(crate) fn handshake_time(&self) -> Duration {
        Duration::from_secs(self.handshake_time)
    }

    /// The bounds of what waits to be sent.
    pub(crate) fn queues(&self) -> QueueLimits {
        let per_client = usize::try_from(self.max_queue).unwrap_or(usize::MAX);
        QueueLimits {
            behind_from: (per_client / 4).min(BEHIND_AT_MOST),
            drop_above: per_client,
            give_up_above: per_client.saturating_mul(2),
            total: usize::try_from(self.max_queue_total).unwrap_or(usize::MAX),
        }
    }

    /// Keeps the number of connections below what the system allows this process, in open files.
    pub(crate) fn fit(&mut self, open_files: u64) {
        // Files of the app, the broker's folder, standard streams.
        const OTHER_FILES: u64 = 128;
        let possible = open_files.saturating_sub(OTHER_FILES).max(1);
        let possible = u32::try_from(possible).unwrap_or(u32::MAX);
        if self.max_connections > possible {
            tracing::debug!(
                possible,
                "the system allows fewer connections than asked for"
            );
            self.max_connections = possible;
        }
    }
}

#[cfg(test)]
impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            behind_from: BEHIND_AT_MOST,
            drop_above: 16 * 1024 * 1024,
            give_up_above: 32 * 1024 * 1024,
            total: 512 * 1024 * 1024,
        }
    }
}
