//! How long a data frame may be at this broker.
//!
//! MQTT 5 brokers name their limit; others simply hang up on what is too long. So frames begin at
//! one block and double while they arrive. If the connection dies right after the first frame of a
//! new length, that length is under suspicion; the second time it is the limit. If connections die
//! of lengths that arrived before, the limit has changed.

use core::time::Duration;

use mqdrop_mqtt::Time;

use crate::layout::BLOCK;

/// Bytes of plaintext in the shortest frame worth sending.
pub(crate) const MIN_FRAME: u64 = BLOCK;
/// Bytes of plaintext in the longest. Each frame has its price, so long ones are faster; but many
/// brokers stop at 1 MiB.
pub(crate) const MAX_FRAME: u64 = 896 * 1024;
/// A connection that lives longer than this after a frame did not die of it.
const SUSPICION: Duration = Duration::from_secs(10);
/// After so many connections that died of a length that had arrived before, that counts no more.
const MOST_RELAPSES: u32 = 3;
/// How many frames must arrive before a suspicious length is tried once more.
const PROBATION: u32 = 32;

#[derive(Clone, Debug)]
pub(crate) struct FrameSize {
    current: u64,
    /// The longest that arrived.
    confirmed: u64,
    /// The longest that arrived on this connection.
    confirmed_here: u64,
    limit: Option<u64>,
    /// The longest frame under way that is longer than any that arrived on this connection, and when
    /// the first of its length was sent.
    probe: Option<(u64, Time)>,
    /// The length that was under way when a connection died.
    suspect: Option<u64>,
    probation: u32,
    /// How often the connection died before even the shortest frame arrived.
    deaths_at_once: u32,
    /// The shortest length that had arrived before, and of which connections died since, and how many.
    relapse: Option<(u64, u32)>,
}

/// What is known of why a connection ended.
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
    /// `learnt` is the limit found earlier at this broker.
    pub(crate) fn new(learnt: Option<u64>) -> Self {
        let limit = learnt.map(|limit| limit.clamp(MIN_FRAME, MAX_FRAME));
        Self {
            current: MIN_FRAME,
            confirmed: 0,
            confirmed_here: 0,
            limit,
            probe: None,
            suspect: None,
            probation: 0,
            deaths_at_once: 0,
            relapse: None,
        }
    }

    /// Bytes of plaintext to put into the next frame at most.
    pub(crate) fn current(&self) -> u64 {
        self.current
    }

    /// The limit, if the broker hung up on anything longer.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Whether this broker seems to hang up on even the shortest frame.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.deaths_at_once >= 3
    }

    pub(crate) fn on_sent(&mut self, bytes: u64, now: Time) {
        let longest = self.probe.map_or(self.confirmed_here, |(probe, _)| probe);
        if bytes > longest {
            self.probe = Some((bytes, now));
        }
    }

    pub(crate) fn on_delivered(&mut self, bytes: u64) {
        self.confirmed = self.confirmed.max(bytes);
        self.confirmed_here = self.confirmed_here.max(bytes);
        if self
            .probe
            .is_some_and(|(probe, _)| probe <= self.confirmed_here)
        {
            self.probe = None;
        }
        if self.relapse.is_some_and(|(length, _)| length <= bytes) {
            self.relapse = None;
        }
        if self.confirmed >= MIN_FRAME {
            self.deaths_at_once = 0;
        }
        if self
            .suspect
            .is_some_and(|suspect| suspect <= self.confirmed)
        {
            self.suspect = None;
        }
        self.probation = self.probation.saturating_sub(1);
        // Small files make frames that are shorter than they may be; they say little.
        if bytes * 2 > self.current && self.probation == 0 {
            self.current = (self.current * 2).min(self.limit.unwrap_or(MAX_FRAME));
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
        if probe <= self.confirmed && self.confirmed >= MIN_FRAME {
            self.doubt(probe, too_large);
            return false;
        }
        // The longest power of two that is known to arrive.
        self.current = 1 << self.confirmed.max(MIN_FRAME).ilog2();
        if self.confirmed < MIN_FRAME {
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
            *self = Self::new(self.limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Sends frames to a broker that hangs up on more than `limit` bytes, until `frames` arrived.
    fn send(size: &mut FrameSize, limit: u64, frames: u32) -> u32 {
        let (mut arrived, mut hung_up) = (0, 0);
        while arrived < frames {
            let bytes = size.current();
            size.on_sent(bytes, Time::ZERO);
            if bytes <= limit {
                size.on_delivered(bytes);
                arrived += 1;
            } else {
                hung_up += 1;
                size.on_connection_lost(Loss::Unexplained, Time::ZERO);
            }
        }
        hung_up
    }

    #[test]
    fn grows_to_the_longest() {
        let mut size = FrameSize::new(None);
        assert_eq!(send(&mut size, u64::MAX, 10), 0);
        assert_eq!((size.current(), size.limit()), (MAX_FRAME, None));
    }

    #[test]
    fn finds_a_limit_after_two_hang_ups_and_keeps_it() {
        for limit in [16_384, 20_000, 40_000, 131_072, 200_000] {
            let mut size = FrameSize::new(None);
            assert_eq!(send(&mut size, limit, 200), 2, "{limit}");
            let found = size.limit().unwrap();
            assert!(found <= limit && found * 2 > limit, "{found} of {limit}");
            let mut again = FrameSize::new(size.limit());
            assert_eq!(send(&mut again, limit, 200), 0);
        }
    }

    #[test]
    fn a_limit_that_changes_is_found_again() {
        for (before, after) in [(u64::MAX, 20_000), (40_000, 20_000), (300_000, 40_000)] {
            let mut size = FrameSize::new(None);
            send(&mut size, before, 100);
            let hung_up = send(&mut size, after, 100);
            // The first time it may be chance, and so may the first at a new length.
            assert!(hung_up <= 1 + MOST_RELAPSES + 2, "{hung_up}");
            assert!(size.limit().is_some_and(|limit| limit <= after));
        }
    }

    #[test]
    fn a_connection_that_ends_for_another_reason_says_nothing_of_lengths() {
        let mut size = FrameSize::new(None);
        send(&mut size, u64::MAX, 3);
        let current = size.current();
        for _ in 0..10 {
            size.on_sent(current, Time::ZERO);
            assert!(!size.on_connection_lost(Loss::NotBySize, Time::ZERO));
        }
        assert_eq!((size.current(), size.limit()), (current, None));
    }

    /// As after a reconnection, when the window is short.
    #[test]
    fn a_limit_that_changes_is_found_again_behind_shorter_frames() {
        let (mut size, limit) = (FrameSize::new(None), 200_000);
        send(&mut size, u64::MAX, 100);
        let mut hung_up = 0;
        for _ in 0..20 {
            for window in [65_536, 131_072, 262_144, MAX_FRAME] {
                let bytes = size.current().min(window);
                size.on_sent(bytes, Time::ZERO);
                if bytes > limit {
                    hung_up += 1;
                    size.on_connection_lost(Loss::Unexplained, Time::ZERO);
                    break;
                }
                size.on_delivered(bytes);
            }
        }
        assert!(hung_up <= 1 + MOST_RELAPSES + 2, "{hung_up}");
        assert_eq!(size.limit(), Some(131_072));
    }

    #[test]
    fn a_connection_lost_by_chance_leaves_no_limit() {
        let mut size = FrameSize::new(None);
        size.on_sent(size.current(), Time::ZERO);
        size.on_delivered(MIN_FRAME);
        size.on_sent(size.current(), Time::ZERO);
        assert!(!size.on_connection_lost(Loss::Unexplained, Time::ZERO));
        assert_eq!(size.current(), MIN_FRAME);
        send(&mut size, u64::MAX, 60);
        assert_eq!((size.current(), size.limit()), (MAX_FRAME, None));
        size.on_sent(size.current(), Time::ZERO);
        assert!(
            !size.on_connection_lost(Loss::Unexplained, Time::ZERO),
            "nothing new was tried"
        );
    }

    #[test]
    fn a_broker_that_says_too_large_is_believed_at_once() {
        let mut size = FrameSize::new(None);
        size.on_sent(MIN_FRAME, Time::ZERO);
        size.on_delivered(MIN_FRAME);
        size.on_sent(2 * MIN_FRAME, Time::ZERO);
        assert!(size.on_connection_lost(Loss::TooLarge, Time::ZERO));
        assert_eq!(size.limit(), Some(MIN_FRAME));
    }

    #[test]
    fn a_broker_that_takes_nothing_is_noticed() {
        let mut size = FrameSize::new(None);
        for _ in 0..3 {
            assert!(!size.is_hopeless());
            size.on_sent(MIN_FRAME, Time::ZERO);
            size.on_connection_lost(Loss::Unexplained, Time::ZERO);
        }
        assert!(size.is_hopeless());
        size.on_delivered(MIN_FRAME);
        assert!(!size.is_hopeless());
    }

    #[test]
    fn a_connection_that_dies_much_later_died_of_something_else() {
        let mut size = FrameSize::new(None);
        for _ in 0..5 {
            size.on_sent(MIN_FRAME, Time::ZERO);
            assert!(!size.on_connection_lost(Loss::Unexplained, Time::from_millis(60_000)));
        }
    }
}
