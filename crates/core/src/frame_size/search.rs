//! Which length of packets is the quickest at this broker.
//!
//! That differs: the best of one may be a thousand times slower than the best of another. So packets
//! begin short and become longer, step by step, while that is not much slower. From the longest that
//! is not, lengths are measured downwards in larger steps, and the best of them stays until it is
//! not as quick as it was.
//!
//! The first step is taken with care. Mosquitto up to 2.0 goes on writing a longer packet only when
//! something else comes, so that what is under way when nothing more may be sent takes seconds: while
//! that is not ruled out, little is under way.

use core::time::Duration;

use super::{PIECE, longer, step};
use crate::layout::BLOCK;

/// The shortest length is judged by so many bytes, the next one by twice as many.
const FIRST_JUDGED: u64 = 512 * 1024;
/// What may be under way while the first step is taken, in bytes.
const CAREFUL: u64 = 256 * 1024;
/// Further steps are judged by so many packets if they come quickly …
const PACKETS: u64 = 8;
/// … and after this if they do not: one that is far slower than the steps before is looked into.
const PATIENCE: Duration = Duration::from_millis(150);
/// Acknowledgements come together by chance, so shorter times say little.
const CHANCE: Duration = Duration::from_millis(20);
/// So many times slower is far slower.
const FAR: f64 = 3.0;
/// How long a length is measured at least when it is compared.
const MEASURE: Duration = Duration::from_millis(120);
/// A length that is not this much quicker than a longer one is not worth its price.
const CLEARLY: f64 = 1.15;
/// What was found is looked at in spans of this.
const SPAN: Duration = Duration::from_secs(1);
/// A longer packet that was too slow is tried again after sending for so long, then after four times
/// as long.
const FIRST_RETRY: Duration = Duration::from_secs(60);

/// What arrived in packets of one length.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    bytes: u64,
    spans: u32,
    took: Duration,
}

impl Flow {
    /// Bytes a second; at most what they are in so short a time that chance decides.
    fn rate(&self) -> f64 {
        self.bytes as f64 / self.took.max(CHANCE).as_secs_f64()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Search {
    stage: Stage,
    flow: Flow,
    /// The best rate of any length so far.
    top: f64,
    /// Longer ones are not tried: one was far slower.
    cap: Option<u64>,
    /// Sending for how long leads to another try, and for how long that was since the last.
    retry: (Duration, Duration),
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Longer step by step, up to a length that was found earlier if there is one.
    Up { goal: Option<u64> },
    /// A longer length came at this rate, far slower than shorter ones did. The shortest shows whether
    /// that is so, or everything has become slower.
    Doubt { rate: f64 },
    /// Shorter in larger steps; the best so far and its rate.
    Down { best: (u64, f64) },
    /// The best is found; how often it was far slower since.
    Found { slower: u32 },
}

impl Search {
    /// `goal` is what was found earlier.
    pub(super) fn new(goal: Option<u64>) -> Self {
        Self {
            stage: Stage::Up { goal },
            flow: Flow::default(),
            top: 0.0,
            cap: None,
            retry: (FIRST_RETRY, Duration::ZERO),
        }
    }

    /// The best length if that is known: packets have the `current` one, or are on their way to it.
    pub(super) fn best(&self, current: u64) -> Option<u64> {
        match self.stage {
            Stage::Found { .. } => Some(current),
            Stage::Up { goal } => goal,
            Stage::Doubt { .. } | Stage::Down { .. } => None,
        }
    }

    #[cfg(test)]
    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Found { .. })
    }

    /// How many bytes may be under way in packets of `current` length, if that is not for others to
    /// say.
    pub(super) fn window(&self, current: u64) -> Option<u64> {
        let is_first_step = current == BLOCK && matches!(self.stage, Stage::Up { .. });
        is_first_step.then_some(CAREFUL)
    }

    /// The length is another one now, for a reason that is none of the search's.
    pub(super) fn interrupt(&mut self) {
        *self = Self::new(None);
    }

    /// `bytes` in packets of `current` length arrived within `took`; what length to go on with, up
    /// to `most`.
    pub(super) fn on_flow(
        &mut self,
        (current, most): (u64, u64),
        bytes: u64,
        took: Duration,
    ) -> u64 {
        self.flow.bytes += bytes;
        self.flow.spans += 1;
        self.flow.took += took;
        let (flow, rate) = (self.flow, self.flow.rate());
        let is_far_slower = current > PIECE && flow.took >= PATIENCE && rate * FAR < self.top;
        let next = match self.stage {
            Stage::Up { .. } | Stage::Down { .. } if is_far_slower => {
                self.cap = Some(shorter(current));
                self.stage = Stage::Doubt { rate };
                Some(PIECE)
            }
            Stage::Up { goal } => self.go_up((current, most), goal, flow),
            Stage::Doubt { rate } => self.compare(rate, flow),
            Stage::Down { best } => self.go_down(current, best, flow),
            Stage::Found { slower } => self.stay((current, most), slower, flow),
        };
        let Some(next) = next else { return current };
        self.flow = Flow::default();
        next
    }

    fn go_up(&mut self, (current, most): (u64, u64), goal: Option<u64>, flow: Flow) -> Option<u64> {
        let enough = match current {
            ..BLOCK => FIRST_JUDGED,
            BLOCK => 2 * FIRST_JUDGED,
            _ if goal.is_some() => 0,
            _ => PACKETS * current,
        };
        if flow.bytes < enough && flow.took < PATIENCE {
            return None;
        }
        self.top = self.top.max(flow.rate());
        if goal.is_some_and(|goal| current >= goal) {
            return Some(self.settle(current));
        }
        let next = longer(current).min(most).min(self.cap.unwrap_or(most));
        if next <= current {
            self.stage = Stage::Down {
                best: (current, 0.0),
            };
            return Some(current);
        }
        Some(next)
    }

    fn compare(&mut self, rate: f64, flow: Flow) -> Option<u64> {
        if flow.took < MEASURE || flow.spans < 2 {
            return None;
        }
        self.top = flow.rate();
        if flow.rate() > rate * FAR {
            self.cap = Some(PIECE);
            return Some(self.settle(PIECE));
        }
        self.stage = Stage::Up { goal: None };
        Some(PIECE)
    }

    fn go_down(&mut self, current: u64, best: (u64, f64), flow: Flow) -> Option<u64> {
        if flow.took < MEASURE || flow.spans < 2 {
            return None;
        }
        let rate = flow.rate();
        let is_better = rate > best.1 * if current == best.0 { 1.0 } else { CLEARLY };
        let best = if is_better { (current, rate) } else { best };
        // Where it is far slower than the best it does not get better again.
        if current <= BLOCK || rate * FAR < best.1 {
            self.top = best.1;
            return Some(self.settle(best.0));
        }
        self.stage = Stage::Down { best };
        Some(step(current / 3).max(BLOCK))
    }

    fn settle(&mut self, best: u64) -> u64 {
        self.stage = Stage::Found { slower: 0 };
        best
    }

    fn stay(&mut self, (current, most): (u64, u64), slower: u32, flow: Flow) -> Option<u64> {
        if flow.took < SPAN {
            return None;
        }
        self.retry.1 += flow.took;
        if self.cap == Some(current) && self.retry.1 >= self.retry.0 && longer(current) <= most {
            self.retry = (self.retry.0 * 4, Duration::ZERO);
            (self.cap, self.top) = (None, flow.rate());
            self.stage = Stage::Up { goal: None };
            return Some(current);
        }
        let is_slower = flow.rate() * FAR < self.top;
        let slower = if is_slower { slower + 1 } else { 0 };
        if slower >= 2 {
            // It is not true any more, or the way is another one.
            self.interrupt();
            return Some(PIECE);
        }
        self.top = self.top.max(flow.rate());
        self.stage = Stage::Found { slower };
        Some(current)
    }
}

/// The next shorter length.
fn shorter(length: u64) -> u64 {
    if length > BLOCK {
        step(length - 1)
    } else {
        PIECE
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_FRAME;
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A broker: what it carries in a second, by the length of packets.
    type Broker = fn(u64) -> f64;

    /// As mosquitto 2.0 does.
    fn mosquitto(length: u64) -> f64 {
        if length <= PIECE { 66e6 } else { 0.1e6 }
    }

    /// As NATS 2.9 does.
    fn nats(length: u64) -> f64 {
        match length {
            PIECE => 52e6,
            BLOCK..=65_536 => 80e6,
            65_537..=262_144 => 19e6,
            _ => 41e6,
        }
    }

    /// Frames as a sender makes them go through a broker for so long; where it ends.
    fn run(search: &mut Search, mut current: u64, broker: Broker, seconds: f64) -> u64 {
        let mut clock = 0.0;
        while clock < seconds {
            let frame = current.max(65_536);
            let took = 4.0 * frame as f64 / broker(current);
            clock += took;
            let took = Duration::from_secs_f64(took);
            current = search.on_flow((current, MAX_FRAME), 4 * frame, took);
        }
        current
    }

    fn found(broker: Broker, seconds: f64) -> u64 {
        let mut search = Search::new(None);
        let length = run(&mut search, PIECE, broker, seconds);
        assert!(search.is_over());
        length
    }

    #[test]
    fn the_quickest_length_is_found_within_seconds() {
        assert_eq!(found(mosquitto, 4.0), PIECE);
        assert_eq!(found(nats, 2.0), 65_536);
        // The same at all lengths, and slow: nothing is gained by short ones.
        assert_eq!(found(|_| 100e6, 2.0), MAX_FRAME);
        assert_eq!(found(|_| 2e6, 20.0), MAX_FRAME);
        // As the station.
        assert_eq!(
            found(|length| 300e6 * (length as f64 / 262e3).min(1.0), 2.0),
            MAX_FRAME
        );
    }

    #[test]
    fn a_length_of_which_nothing_arrives_is_given_up() {
        let mut search = Search::new(None);
        let quick = Duration::from_millis(30);
        let first = search.on_flow((PIECE, MAX_FRAME), 1 << 20, quick);
        assert_eq!(first, BLOCK);
        assert_eq!(search.window(first), Some(CAREFUL));
        let stalled = search.on_flow((first, MAX_FRAME), 0, Duration::from_secs(1));
        assert_eq!((stalled, search.window(stalled)), (PIECE, None));
        for _ in 0..2 {
            assert!(!search.is_over());
            let length = search.on_flow((PIECE, MAX_FRAME), 4 << 20, MEASURE);
            assert_eq!(length, PIECE);
        }
        assert!(search.is_over());
    }

    #[test]
    fn a_length_that_was_found_before_is_gone_up_to_and_not_beyond() {
        let mut search = Search::new(Some(65_536));
        assert_eq!(run(&mut search, PIECE, |_| 100e6, 0.1), 65_536);
        assert!(search.is_over());
        // Not if it is far slower by now.
        let mut search = Search::new(Some(MAX_FRAME));
        assert_eq!(run(&mut search, PIECE, mosquitto, 4.0), PIECE);
    }

    #[test]
    fn what_was_found_is_found_anew_when_it_is_not_true_any_more() {
        let mut search = Search::new(None);
        let length = run(&mut search, PIECE, |_| 100e6, 2.0);
        assert_eq!(length, MAX_FRAME);
        // Another broker took its place, and the first frames take long.
        assert_eq!(run(&mut search, length, mosquitto, 120.0), PIECE);
        assert!(search.is_over());
        // It is updated: after a while longer ones are tried again.
        assert_eq!(run(&mut search, PIECE, |_| 100e6, 70.0), MAX_FRAME);
    }

    #[test]
    fn a_step_that_is_too_slow_is_tried_more_and_more_rarely() {
        let mut search = Search::new(None);
        let mut current = run(&mut search, PIECE, mosquitto, 4.0);
        let mut tries = 0;
        for _ in 0..600 {
            let before = current;
            current = run(&mut search, current, mosquitto, 1.0);
            tries += u32::from(
                before == PIECE
                    && search.retry.1 < Duration::from_millis(1500)
                    && search.retry.0 > FIRST_RETRY,
            );
        }
        assert!(tries <= 8, "{tries}");
        assert_eq!(current, PIECE);
    }
}
