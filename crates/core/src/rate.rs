//! How fast something goes.

use core::time::Duration;
use std::collections::VecDeque;

use mqdrop_mqtt::Time;

/// How far back a rate looks.
const SPAN: Duration = Duration::from_secs(3);
const STEP: Duration = Duration::from_millis(200);
/// A break that was longer than this is none of a rate's business.
const LONGEST: Duration = Duration::from_secs(10);

/// Bytes a second over the last three seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateMeter {
    /// Bytes by the time their step began.
    steps: VecDeque<(Time, u64)>,
    /// When the last step before those began.
    before: Option<Time>,
}

impl RateMeter {
    pub(crate) fn add(&mut self, bytes: u64, now: Time) {
        match self.steps.back_mut() {
            Some((began, sum)) if now.since(*began) < STEP => *sum += bytes,
            _ => self.steps.push_back((now, bytes)),
        }
        while self
            .steps
            .front()
            .is_some_and(|(began, _)| now.since(*began) > SPAN)
        {
            self.before = self.steps.pop_front().map(|(began, _)| began);
        }
    }

    /// Zero when nothing came for three seconds.
    pub(crate) fn rate(&self, now: Time) -> f64 {
        let old = self
            .steps
            .partition_point(|(began, _)| now.since(*began) > SPAN);
        let recent = self.steps.range(old..);
        let Some((first, _)) = recent.clone().next() else {
            return 0.0;
        };
        // Bytes that come in rare, large pieces took the time since the piece before.
        let before = self.steps.range(..old).next_back().map(|(began, _)| *began);
        let began = before.or(self.before).unwrap_or(*first);
        let bytes: u64 = recent.map(|(_, bytes)| bytes).sum();
        bytes as f64 / now.since(began).clamp(STEP, LONGEST).as_secs_f64()
    }

    /// When the rate becomes zero unless something comes; `None` if it is.
    pub(crate) fn end(&self) -> Option<Time> {
        self.steps.back().map(|(began, _)| *began + SPAN)
    }

    /// Whether the rate became zero just now. It has to be shown then, as nothing else happens.
    pub(crate) fn fade(&mut self, now: Time) -> bool {
        let has_ended = self.end().is_some_and(|end| end <= now);
        if has_ended {
            self.before = self.steps.back().map(|(began, _)| *began);
            self.steps.clear();
        }
        has_ended
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
        self.before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_steady_flow_has_its_rate_and_a_stalled_one_none() {
        let mut meter = RateMeter::default();
        assert_eq!(meter.rate(Time::ZERO), 0.0);
        for tick in 0..200 {
            meter.add(1000, Time::from_millis(tick * 50));
        }
        let rate = meter.rate(Time::from_millis(10_000));
        assert!((rate - 20_000.0).abs() < 1500.0, "{rate}");
        assert_eq!(meter.rate(Time::from_millis(14_000)), 0.0);
        assert!(meter.steps.len() < 20);
    }

    #[test]
    fn rare_and_large_pieces_are_no_faster_than_they_come() {
        let mut meter = RateMeter::default();
        for tick in 0..5 {
            meter.add(40_000, Time::from_millis(tick * 4_000));
        }
        let rate = meter.rate(Time::from_millis(16_000));
        assert!((rate - 10_000.0).abs() < 100.0, "{rate}");
        assert!(!meter.fade(Time::from_millis(18_999)));
        assert_eq!(meter.end(), Some(Time::from_millis(19_000)));
        assert!(meter.fade(Time::from_millis(19_000)));
        assert_eq!(
            (meter.rate(Time::from_millis(19_000)), meter.end()),
            (0.0, None)
        );
        meter.add(40_000, Time::from_millis(20_000));
        let rate = meter.rate(Time::from_millis(20_000));
        assert!((rate - 10_000.0).abs() < 100.0, "{rate}");
    }
}
