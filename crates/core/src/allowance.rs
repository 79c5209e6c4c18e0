//! How often somebody may have something of this device.

use core::time::Duration;

use mqdrop_mqtt::Time;

/// So many at once, and one more each time so long has passed.
pub(crate) struct Allowance {
    most: u32,
    every: Duration,
    left: u32,
    /// Since when none was added.
    since: Time,
}

impl Allowance {
    /// `most` (at least 1) at once, and one more `every` so long.
    pub(crate) fn new(most: u32, every: Duration, now: Time) -> Self {
        Self {
            most,
            every,
            left: most,
            since: now,
        }
    }

    /// Whether one more may be had; counts it.
    pub(crate) fn spend(&mut self, now: Time) -> bool {
        let elapsed = now.since(self.since).as_micros() / self.every.as_micros();
        let earned = u32::try_from(elapsed).unwrap_or(u32::MAX);
        if earned >= self.most - self.left {
            (self.left, self.since) = (self.most, now);
        } else {
            self.left += earned;
            self.since += self.every * earned;
        }
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn so_many_may_be_had_at_once_and_more_in_time() {
        let mut allowance = Allowance::new(256, Duration::from_micros(62_500), Time::ZERO);
        let mut have = |at: Time| (0..10_000).filter(|_| allowance.spend(at)).count();
        assert_eq!(have(Time::ZERO), 256);
        assert_eq!(have(Time::from_millis(62)), 0);
        assert_eq!(have(Time::from_millis(63)), 1);
        assert_eq!(have(Time::from_millis(1000)), 15);
        assert_eq!(have(Time::from_millis(100_000)), 256);
    }
}
