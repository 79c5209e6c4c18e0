//! How much may be under way to one receiver.
//!
//! The window grows while acknowledgements come back quickly, holds when they begin to take
//! longer, which means that a queue fills up somewhere (the idea of TCP Vegas), and shrinks when
//! the queue keeps growing or much is lost. A few lost frames do not shrink it: a broker drops
//! QoS 0 messages for reasons of its own, and they are simply sent again.

use core::time::Duration;

use mqdrop_mqtt::Time;

const START_WINDOW: u64 = 256 * 1024;
const MIN_WINDOW: u64 = 64 * 1024;
const MAX_WINDOW: u64 = 32 * 1024 * 1024;

/// Part of frames lost, of the last 32 or so, above which the window shrinks.
const LOSS_TOLERATED: f64 = 0.12;
/// How long a smallest round-trip time is believed.
const MIN_RTT_AGE: Duration = Duration::from_secs(10);
const MIN_RTO: Duration = Duration::from_secs(1);
const MAX_RTO: Duration = Duration::from_secs(15);

/// The window towards one receiver.
#[derive(Clone, Debug)]
pub(crate) struct Pacer {
    window: u64,
    slow_start: bool,
    rtt: Option<Rtt>,
    loss: f64,
    last_cut: Option<Time>,
    timeouts: u32,
}

#[derive(Clone, Debug)]
struct Rtt {
    smoothed: Duration,
    variation: Duration,
    /// The smallest of this period and of the one before.
    min: [Duration; 2],
    period_began: Time,
}

impl Pacer {
    pub(crate) fn new() -> Self {
        Self {
            window: START_WINDOW,
            slow_start: true,
            rtt: None,
            loss: 0.0,
            last_cut: None,
            timeouts: 0,
        }
    }

    /// Bytes that may be under way.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// How long to wait for an acknowledgement before taking what is under way for lost
    /// (RFC 6298, section 2, with a floor for throttled background tabs).
    pub(crate) fn timeout(&self) -> Duration {
        let base = self.rtt.as_ref().map_or(Duration::from_secs(2), |rtt| {
            rtt.smoothed + 4 * rtt.variation
        });
        (base * 2u32.pow(self.timeouts.min(4))).clamp(MIN_RTO, MAX_RTO)
    }

    /// A frame arrived; `full` says whether the window was used up when it was acknowledged.
    pub(crate) fn on_delivered(&mut self, bytes: u64, full: bool) {
        self.timeouts = 0;
        self.loss -= self.loss / 32.0;
        if !full {
            return;
        }
        match self.queueing() {
            Queueing::Little if self.slow_start => self.window += bytes,
            Queueing::Little => self.window += bytes / 8 + 1,
            Queueing::Enough => self.slow_start = false,
            Queueing::Much => {
                self.slow_start = false;
                // A frame may be longer than the window: one always goes.
                self.window = self.window.saturating_sub(bytes / 8);
            }
        }
        self.window = self.window.clamp(MIN_WINDOW, MAX_WINDOW);
    }

    /// A round trip took `rtt`.
    pub(crate) fn on_rtt(&mut self, sample: Duration, now: Time) {
        let Some(rtt) = &mut self.rtt else {
            self.rtt = Some(Rtt {
                smoothed: sample,
                variation: sample / 2,
                min: [sample; 2],
                period_began: now,
            });
            return;
        };
        let deviation = rtt.smoothed.abs_diff(sample);
        rtt.variation = (rtt.variation * 3 + deviation) / 4;
        rtt.smoothed = (rtt.smoothed * 7 + sample) / 8;
        if now.since(rtt.period_began) > MIN_RTT_AGE {
            rtt.min = [sample, rtt.min[0]];
            rtt.period_began = now;
        }
        rtt.min[0] = rtt.min[0].min(sample);
    }

    /// A frame did not arrive although a later one did.
    pub(crate) fn on_lost(&mut self, now: Time) {
        self.loss += (1.0 - self.loss) / 32.0;
        let rtt = self.rtt.as_ref().map_or(MIN_RTO, |rtt| rtt.smoothed);
        if self.loss > LOSS_TOLERATED && self.last_cut.is_none_or(|cut| now.since(cut) > rtt) {
            self.last_cut = Some(now);
            self.slow_start = false;
            self.window = (self.window * 7 / 10).max(MIN_WINDOW);
        }
    }

    /// Nothing was heard for [`timeout`](Self::timeout). What is sent now only finds out whether
    /// anything gets through, so it is little (RFC 5681, section 3.1); if it does, the window grows
    /// again as quickly as at first.
    pub(crate) fn on_timeout(&mut self) {
        self.timeouts += 1;
        self.window = MIN_WINDOW;
        self.slow_start = true;
    }

    /// The connection is a new one: what was learnt about the way may not hold any more.
    pub(crate) fn on_reconnect(&mut self) {
        self.window = self.window.min(START_WINDOW);
        self.slow_start = true;
        self.timeouts = 0;
        self.rtt = None;
    }

    fn queueing(&self) -> Queueing {
        let Some(rtt) = &self.rtt else {
            return Queueing::Little;
        };
        let min = rtt.min[0].min(rtt.min[1]);
        let extra = rtt.smoothed.saturating_sub(min);
        if extra < Duration::from_millis(100) + min / 4 {
            Queueing::Little
        } else if extra < Duration::from_millis(200) + min / 2 {
            Queueing::Enough
        } else {
            Queueing::Much
        }
    }
}

enum Queueing {
    Little,
    Enough,
    Much,
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const FRAME: u64 = 256 * 1024;

    fn settled(rtt_millis: u64, rounds: u64) -> Pacer {
        let mut pacer = Pacer::new();
        for round in 0..rounds {
            pacer.on_rtt(
                Duration::from_millis(rtt_millis),
                Time::from_millis(round * rtt_millis),
            );
            pacer.on_delivered(FRAME, true);
        }
        pacer
    }

    #[test]
    fn grows_while_acknowledgements_are_quick() {
        assert!(settled(20, 20).window() > 4 * 1024 * 1024);
        assert!(settled(20, 1000).window() == MAX_WINDOW);
    }

    #[test]
    fn the_longest_frames_leave_the_smallest_window() {
        let mut pacer = settled(20, 3);
        for _ in 0..10 {
            pacer.on_timeout();
        }
        assert_eq!(pacer.window(), MIN_WINDOW);
        for round in 0..10 {
            pacer.on_rtt(Duration::from_secs(2), Time::from_millis(1000 + round));
            pacer.on_delivered(crate::frame_size::MAX_FRAME, true);
        }
        assert_eq!(pacer.window(), MIN_WINDOW);
    }

    #[test]
    fn sends_little_into_silence_and_grows_again_when_something_answers() {
        let mut pacer = settled(20, 1000);
        pacer.on_timeout();
        assert_eq!(pacer.window(), MIN_WINDOW);
        for round in 0..8 {
            pacer.on_rtt(Duration::from_millis(20), Time::from_millis(30_000 + round));
            pacer.on_delivered(FRAME, true);
        }
        assert_eq!(pacer.window(), MIN_WINDOW + 8 * FRAME);
    }

    #[test]
    fn does_not_grow_unused() {
        let mut pacer = Pacer::new();
        for _ in 0..100 {
            pacer.on_delivered(FRAME, false);
        }
        assert_eq!(pacer.window(), START_WINDOW);
    }

    #[test]
    fn shrinks_when_a_queue_builds_up() {
        let mut pacer = settled(20, 40);
        let before = pacer.window();
        for at in 0..400 {
            pacer.on_rtt(Duration::from_millis(500), Time::from_millis(800 + at * 5));
            pacer.on_delivered(FRAME, true);
        }
        assert!(
            pacer.window() < before / 2,
            "{} of {before}",
            pacer.window()
        );
    }

    #[test]
    fn tolerates_one_lost_frame_in_a_hundred_but_not_one_in_four() {
        let run = |every: u64| {
            let mut pacer = settled(100, 40);
            let before = pacer.window();
            for frame in 0..1000u64 {
                let now = Time::from_millis(4000 + frame * 100);
                if frame % every == 0 {
                    pacer.on_lost(now)
                } else {
                    pacer.on_delivered(FRAME, false)
                }
            }
            (before, pacer.window())
        };
        let (before, after) = run(100);
        assert_eq!(before, after);
        let (before, after) = run(4);
        assert!(after < before / 4);
    }

    #[test]
    fn waits_longer_after_every_timeout_and_not_for_ever() {
        let mut pacer = settled(100, 5);
        let first = pacer.timeout();
        pacer.on_timeout();
        assert!(pacer.timeout() >= first);
        for _ in 0..100 {
            pacer.on_timeout();
        }
        assert!(pacer.timeout() <= MAX_RTO);
        assert_eq!(pacer.window(), MIN_WINDOW);
        pacer.on_delivered(1, true);
        assert!(pacer.timeout() <= 2 * first.max(MIN_RTO));
    }
}
