//! How fast something goes.

use core::time::Duration;
use std::collections::VecDeque;

use mqdrop_mqtt::Time;

/// How far back a rate looks.
const SPAN: Duration = Duration::from_secs(3);
const STEP: Duration = Duration::from_millis(200);

/// Bytes a second over the last three seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateMeter {
    /// Bytes by the time their step began.
    steps: VecDeque<(Time, u64)>,
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
            self.steps.pop_front();
        }
    }

    /// Zero when nothing came for three seconds.
    pub(crate) fn rate(&self, now: Time) -> f64 {
        let recent = || {
            self.steps
                .iter()
                .filter(|(began, _)| now.since(*began) <= SPAN)
        };
        let Some((began, _)) = recent().next() else {
            return 0.0;
        };
        let bytes: u64 = recent().map(|(_, bytes)| bytes).sum();
        bytes as f64 / now.since(*began).max(STEP).as_secs_f64()
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
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
}
