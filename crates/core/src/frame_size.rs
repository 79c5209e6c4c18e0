//! How long a data frame and its packets may be at this broker.
//!
//! Two things are found out. What *arrives*: MQTT 5 brokers name their limit, others simply hang up
//! on what is too long. If the connection dies right after the first packet of a new length, that
//! length is under suspicion; the second time it is the limit. If connections die of lengths that
//! arrived before, the limit has changed. And what arrives *quickly*, which is in [`search`].

mod search;
mod steps;

use core::time::Duration;

use mqdrop_mqtt::Time;

use crate::layout::BLOCK;
use search::Search;
use steps::step;
pub(crate) use steps::{MAX_FRAME, PIECE};

/// Bytes of plaintext in a frame that goes in short packets: storage, acknowledgements and timers
/// have a price for each frame.
const FRAME_OF_PIECES: u64 = 128 * 1024;
/// Packets that may be under way: many brokers drop what is beyond 1,000 for one client.
const MOST_PACKETS: u64 = 500;
/// A connection that lives longer than this after a frame did not die of it.
const SUSPICION: Duration = Duration::from_secs(10);
/// After so many connections that died of a length that had arrived before, that counts no more.
const MOST_RELAPSES: u32 = 3;
/// How many frames must arrive before a suspicious length is tried once more.
const PROBATION: u32 = 8;

/// Lengths of the next frame and its packets, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Plaintext of a frame at most.
    pub(crate) frame: u64,
    /// Plaintext of a packet at most.
    pub(crate) piece: usize,
    /// The length by which [`FrameSize`] knows such packets.
    pub(crate) length: u64,
    /// The bytes that may be under way to a receiver.
    pub(crate) window: u64,
}

impl Fit {
    /// For packets as `size` has them, in which `room` bytes are left for plaintext (if the packet has
    /// at most so many); `None` if that is too little for any.
    pub(crate) fn new(size: &FrameSize, room: impl Fn(Option<u64>) -> u64) -> Option<Self> {
        let length = size.current;
        let piece = match length {
            PIECE => room(Some(PIECE)),
            _ => length,
        };
        let window = size.window();
        let frame = if size.confirmed == 0 {
            // A slow line brings a short one within the first time-out.
            BLOCK
        } else {
            // Four fit, as after so many it is acknowledged at the latest.
            length.max(FRAME_OF_PIECES.min(window / 4))
        };
        (piece > 0).then_some(Self {
            frame,
            piece: piece as usize,
            length,
            window,
        })
    }
}

/// The knowledge of lengths of packets at this broker. A length is that of the whole packet for
/// [`PIECE`], and else the bytes of plaintext in it.
#[derive(Clone, Debug)]
pub(crate) struct FrameSize {
    current: u64,
    /// The longest that arrived.
    confirmed: u64,
    /// The longest that arrived on this connection.
    confirmed_here: u64,
    /// The broker hung up on anything longer.
    limit: Option<u64>,
    /// The broker says that it takes no longer ones.
    announced: u64,
    /// The longest packet under way that is longer than any that arrived on this connection, and
    /// when the first of its length was sent.
    probe: Option<(u64, Time)>,
    /// The length that was under way when a connection died.
    suspect: Option<u64>,
    probation: u32,
    /// How often the connection died before even the shortest packet arrived.
    deaths_at_once: u32,
    /// The shortest length that had arrived before, and of which connections died since, and how many.
    relapse: Option<(u64, u32)>,
    search: Search,
    /// The time at which something arrived last.
    heard: Time,
}

/// The known cause of a connection's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The broker said that a packet was too large.
    TooLarge,
    /// There was another reason.
    NotBySize,
    /// Nobody said why.
    Unexplained,
}

impl FrameSize {
    /// `limit` is what this broker hung up on anything above of, and `best` the quickest length, both
    /// found earlier.
    pub(crate) fn new(limit: Option<u64>, best: Option<u64>) -> Self {
        let within = |length: u64| step(length.clamp(PIECE, MAX_FRAME));
        Self {
            current: PIECE,
            confirmed: 0,
            confirmed_here: 0,
            limit: limit.map(within),
            announced: MAX_FRAME,
            probe: None,
            suspect: None,
            probation: 0,
            deaths_at_once: 0,
            relapse: None,
            search: Search::new(best.map(within)),
            heard: Time::ZERO,
        }
    }

    /// The broker has said how long packets may be: so that `room` bytes of plaintext fit.
    pub(crate) fn on_connected(&mut self, room: u64) {
        self.announced = step(room);
        if self.current > self.announced {
            self.current = self.announced;
            self.search.interrupt();
        }
    }

    /// The longest that may be tried.
    fn most(&self) -> u64 {
        self.limit.unwrap_or(MAX_FRAME).min(self.announced)
    }

    /// How long the next packet may be.
    #[cfg(test)]
    fn current(&self) -> u64 {
        self.current
    }

    /// The most that may be under way to a receiver, in bytes.
    pub(crate) fn window(&self) -> u64 {
        let careful = self.search.window(self.current);
        careful.unwrap_or(self.current * MOST_PACKETS)
    }

    /// The limit, if the broker hung up on anything longer.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// The quickest length, once it is found or if it was found earlier.
    pub(crate) fn best(&self) -> Option<u64> {
        self.search.best(self.current)
    }

    /// Whether this broker seems to hang up on even the shortest packet.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.deaths_at_once >= 3
    }

    pub(crate) fn on_sent(&mut self, length: u64, now: Time) {
        let longest = self.probe.map_or(self.confirmed_here, |(probe, _)| probe);
        if length > longest {
            self.probe = Some((length, now));
        }
    }

    /// A frame in packets of such a length arrived.
    pub(crate) fn on_delivered(&mut self, length: u64) {
        self.confirmed = self.confirmed.max(length);
        self.confirmed_here = self.confirmed_here.max(length);
        if self
            .probe
            .is_some_and(|(probe, _)| probe <= self.confirmed_here)
        {
            self.probe = None;
        }
        if self.relapse.is_some_and(|(relapse, _)| relapse <= length) {
            self.relapse = None;
        }
        if self.confirmed >= PIECE {
            self.deaths_at_once = 0;
        }
        if self
            .suspect
            .is_some_and(|suspect| suspect <= self.confirmed)
        {
            self.suspect = None;
        }
        self.probation = self.probation.saturating_sub(1);
    }

    /// `bytes` in packets of one length arrived one after the other within `took`, while there was
    /// always something under way. True if the quickest length became known by it.
    pub(crate) fn on_flow(&mut self, length: u64, bytes: u64, took: Duration, now: Time) -> bool {
        self.heard = now;
        // Small files make frames that are shorter than they may be; they say little. Nor is a length
        // the quickest before longer ones may be tried.
        if length > self.current || length * 2 <= self.current || self.probation > 0 {
            return false;
        }
        let was = self.best();
        let lengths = (self.current, self.most());
        self.current = self.search.on_flow(lengths, bytes, took);
        self.best().is_some_and(|best| was != Some(best))
    }

    /// Something was under way to a receiver, and it heard nothing for so long.
    pub(crate) fn on_stall(&mut self, took: Duration, now: Time) {
        // If others heard something, it is not the broker's doing.
        if now.since(self.heard) >= took {
            self.current = self.search.on_stall(self.current);
        }
    }

    /// The connection ended. True if the limit became known by it.
    pub(crate) fn on_connection_lost(&mut self, why: Loss, now: Time) -> bool {
        self.confirmed_here = 0;
        let Some((probe, sent)) = self.probe.take() else {
            return false;
        };
        if now.since(sent) > SUSPICION || why == Loss::NotBySize {
            return false;
        }
        let too_large = why == Loss::TooLarge;
        if probe <= self.confirmed && self.confirmed >= PIECE {
            self.doubt(probe, too_large);
            return false;
        }
        // The longest that is known to arrive.
        self.current = step(self.confirmed.max(PIECE));
        self.search.interrupt();
        if self.confirmed < PIECE {
            self.deaths_at_once += 1;
            return false;
        }
        if too_large || self.suspect.is_some_and(|suspect| probe >= suspect) {
            self.limit = Some(self.current);
            self.suspect = None;
            return true;
        }
        self.suspect = Some(probe);
        self.probation = PROBATION;
        false
    }

    /// A connection died of a length that had arrived before, by chance or because the broker's
    /// limit is another one now: in the end everything is found out anew.
    fn doubt(&mut self, length: u64, too_large: bool) {
        let (shortest, times) = self.relapse.unwrap_or((length, 0));
        self.relapse = Some((shortest.min(length), times + 1));
        if too_large || times + 1 >= MOST_RELAPSES {
            *self = Self {
                announced: self.announced,
                ..Self::new(self.limit, None)
            };
        }
    }
}

#[cfg(test)]
mod tests;
