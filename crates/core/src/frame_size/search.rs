//! Which length of packets is the quickest at this broker.
//!
//! That differs: the best of one may be a thousand times slower than the best of another. So packets
//! begin short and become longer, step by step, while that is not much slower. From the longest that
//! is not, lengths are measured downwards in larger steps, and the best of them stays until it is
//! not as quick as it was.
//!
//! A broker may go on writing a longer packet only when something else comes, as mosquitto up to 2.0
//! does. What is under way when nothing more may be sent then takes seconds. So the first step is taken
//! with little under way.

use core::time::Duration;

use super::steps::{PIECE, longer, shorter, step};
use crate::layout::BLOCK;

/// The shortest length is judged by so many bytes, the next one by twice as many.
const FIRST_JUDGED: u64 = 512 * 1024;
/// The bytes that may be under way while the first step is taken.
const CAREFUL: u64 = 256 * 1024;
/// Further steps are judged by so many packets if they come quickly …
const PACKETS: u64 = 8;
/// … and after this if they do not: one that is far slower than the steps before is looked into.
const PATIENCE: Duration = Duration::from_millis(150);
/// Acknowledgements come together by chance, so shorter times say little.
const CHANCE: Duration = Duration::from_millis(20);
/// So many times slower is far slower.
const FAR: f64 = 3.0;
/// Bytes a second that any machine seals in the shortest packets. If the first longer ones are not as
/// quick, the shortest are measured once more, as something may have held them up.
const SLOW: f64 = 250e3;
/// The time for which a length is measured at once when it is compared.
const MEASURE: Duration = Duration::from_millis(120);
/// Most measurements of a length: a queue of the length before may go first, and the window has to grow.
const MOST_MEASURED: u32 = 6;
/// A length that is not this much quicker than a longer one is not worth its price, and one that does
/// not become this much quicker from one measurement to the next is as quick as it gets.
const CLEARLY: f64 = 1.15;
/// Measurements are looked at in spans of this.
const SPAN: Duration = Duration::from_secs(1);
/// A longer packet is tried after sending for so long, then after four times as long.
const FIRST_RETRY: Duration = Duration::from_secs(60);

/// Bytes that arrived in packets of one length.
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

/// The rate of a length, measured until it does not grow any more.
#[derive(Clone, Copy, Debug, Default)]
struct Gauge {
    rate: f64,
    times: u32,
}

impl Gauge {
    /// Takes a flow that is long enough; the rate, once it is known.
    fn take(&mut self, flow: Flow) -> Option<f64> {
        let grows = flow.rate() > self.rate * CLEARLY;
        self.rate = self.rate.max(flow.rate());
        self.times += 1;
        (self.times > 1 && !grows || self.times >= MOST_MEASURED).then_some(self.rate)
    }
}

/// A length and its rate.
type Rated = (u64, f64);

#[derive(Clone, Debug)]
pub(super) struct Search {
    stage: Stage,
    flow: Flow,
    /// The best rate of any length so far.
    top: f64,
    /// Sending for how long leads to a try of a longer length, and for how long that was since the last.
    retry: (Duration, Duration),
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Longer step by step, up to `cap`, or to a length that was found earlier if there is one. The
    /// rate of the shortest is sure if it was measured for longer than the first step takes.
    Up {
        goal: Option<u64>,
        cap: u64,
        is_sure: bool,
    },
    /// A length longer than `cap` came at this rate, far slower than shorter ones did. The shortest
    /// shows whether that is so, or everything has become slower.
    Doubt {
        rate: f64,
        cap: u64,
        goal: Option<u64>,
    },
    /// Shorter in larger steps; the best so far.
    Down { best: Rated, gauge: Gauge },
    /// The best is found; how often it was far slower since.
    Found { slower: u32 },
    /// One longer than the best is tried: it may have become quicker.
    Retry { best: Rated },
}

impl Stage {
    fn down(best: Rated) -> Self {
        Self::Down {
            best,
            gauge: Gauge::default(),
        }
    }
}

impl Search {
    /// `goal` is what was found earlier.
    pub(super) fn new(goal: Option<u64>) -> Self {
        Self {
            stage: Stage::Up {
                goal,
                cap: u64::MAX,
                is_sure: false,
            },
            flow: Flow::default(),
            top: 0.0,
            retry: (FIRST_RETRY, Duration::ZERO),
        }
    }

    /// The best length if that is known: packets have the `current` one, or are on their way to it.
    pub(super) fn best(&self, current: u64) -> Option<u64> {
        match self.stage {
            Stage::Found { .. } => Some(current),
            Stage::Up { goal, .. } => goal,
            Stage::Retry { best } => Some(best.0),
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
        let is_first_step = match self.stage {
            Stage::Up { .. } | Stage::Retry { .. } => true,
            Stage::Down { best, .. } => best.0 == PIECE,
            Stage::Doubt { .. } | Stage::Found { .. } => false,
        };
        (is_first_step && current == BLOCK).then_some(CAREFUL)
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
        let flow = self.flow;
        let is_far_slower =
            current > PIECE && flow.took >= PATIENCE && flow.rate() * FAR < self.top;
        let next = match self.stage {
            Stage::Up { .. } if is_far_slower => Some(self.doubt(current, flow.rate(), None)),
            Stage::Up { goal, cap, is_sure } => {
                self.go_up((current, most.min(cap)), goal, is_sure, flow)
            }
            Stage::Doubt { rate, cap, goal } => self.compare(rate, cap, goal, flow),
            Stage::Down { best, .. } if is_far_slower => {
                Some(self.give_up(current, best, flow.rate()))
            }
            Stage::Down { best, gauge } => self.go_down(current, best, gauge, flow),
            Stage::Found { slower } => self.stay((current, most), slower, flow),
            Stage::Retry { best } if is_far_slower => Some(self.settle(best)),
            Stage::Retry { .. } if flow.took < PATIENCE => None,
            Stage::Retry { .. } => {
                self.go_up_to(u64::MAX, None);
                Some(current)
            }
        };
        let Some(next) = next else { return current };
        self.flow = Flow::default();
        next
    }

    /// Something was under way in packets of `current` length, and nothing arrived; what length to go
    /// on with. That says something of a length only if none as long ever arrived.
    pub(super) fn on_stall(&mut self, current: u64) -> u64 {
        self.flow = Flow::default();
        match self.stage {
            Stage::Up { .. } if current > PIECE && self.top > 0.0 => self.doubt(current, 0.0, None),
            Stage::Down { best, .. } => self.give_up(current, best, 0.0),
            Stage::Retry { best } => self.settle(best),
            _ => current,
        }
    }

    /// On the way down a length is far slower than any was.
    fn give_up(&mut self, current: u64, best: Rated, rate: f64) -> u64 {
        if best.1 > 0.0 {
            // It does not get better again.
            self.settle(best)
        } else {
            self.doubt(current, rate, None)
        }
    }

    fn go_up_to(&mut self, cap: u64, goal: Option<u64>) {
        let is_sure = true;
        self.stage = Stage::Up { goal, cap, is_sure };
    }

    fn doubt(&mut self, current: u64, rate: f64, goal: Option<u64>) -> u64 {
        let cap = shorter(current);
        self.stage = Stage::Doubt { rate, cap, goal };
        PIECE
    }

    fn go_up(
        &mut self,
        (current, most): (u64, u64),
        goal: Option<u64>,
        is_sure: bool,
        flow: Flow,
    ) -> Option<u64> {
        let enough = match current {
            ..BLOCK => FIRST_JUDGED,
            BLOCK => 2 * FIRST_JUDGED,
            _ if goal.is_some() => 0,
            _ => PACKETS * current,
        };
        if flow.bytes < enough && flow.took < PATIENCE {
            return None;
        }
        if current > PIECE && !is_sure && flow.rate() < SLOW {
            return Some(self.doubt(current, flow.rate(), goal));
        }
        self.top = self.top.max(flow.rate());
        if goal.is_some_and(|goal| current >= goal) {
            return Some(self.settle((current, flow.rate())));
        }
        let next = longer(current).min(most);
        if next <= current {
            self.stage = Stage::down((current, 0.0));
            return Some(current);
        }
        Some(next)
    }

    fn compare(&mut self, rate: f64, cap: u64, goal: Option<u64>, flow: Flow) -> Option<u64> {
        if flow.took < MEASURE || flow.spans < 2 {
            return None;
        }
        let shortest = (PIECE, flow.rate());
        if shortest.1 > rate * FAR {
            if cap == PIECE {
                return Some(self.settle(shortest));
            }
            self.stage = Stage::down(shortest);
            return Some(cap);
        }
        self.top = shortest.1;
        // Between the shortest and that one may still be one that is quicker by far.
        self.go_up_to(if cap == PIECE { u64::MAX } else { cap }, goal);
        Some(PIECE)
    }

    fn go_down(&mut self, current: u64, best: Rated, mut gauge: Gauge, flow: Flow) -> Option<u64> {
        if flow.took < MEASURE || flow.spans < 2 {
            return None;
        }
        let Some(rate) = gauge.take(flow) else {
            self.stage = Stage::Down { best, gauge };
            return Some(current);
        };
        let best = if rate > best.1 * CLEARLY {
            (current, rate)
        } else {
            best
        };
        if current <= BLOCK {
            return Some(self.settle(best));
        }
        self.stage = Stage::down(best);
        Some(step(current / 3).max(BLOCK))
    }

    fn settle(&mut self, best: Rated) -> u64 {
        self.stage = Stage::Found { slower: 0 };
        self.top = best.1;
        best.0
    }

    fn stay(&mut self, (current, most): (u64, u64), slower: u32, flow: Flow) -> Option<u64> {
        if flow.took < SPAN {
            return None;
        }
        self.retry.1 += flow.took;
        let is_slower = flow.rate() * FAR < self.top;
        let slower = if is_slower { slower + 1 } else { 0 };
        if slower >= 2 {
            // It is not true any more, or the way is another one.
            self.interrupt();
            return Some(PIECE);
        }
        self.stage = Stage::Found { slower };
        if !is_slower && self.retry.1 >= self.retry.0 && longer(current).min(most) > current {
            self.retry = (self.retry.0 * 4, Duration::ZERO);
            self.top = flow.rate();
            let best = (current, flow.rate());
            self.stage = Stage::Retry { best };
            return Some(longer(current));
        }
        self.top = self.top.max(flow.rate());
        Some(current)
    }
}

#[cfg(test)]
mod tests;
