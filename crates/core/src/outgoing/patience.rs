//! How long the others wait for a receiver that has no room.
//!
//! Everything goes out once for all, so one that is slow would make all as slow. It is waited for a
//! little, as it may be about to have room again, and left behind when that happens too often: what
//! it misses then is sent again in the end.

use core::time::Duration;

use mqdrop_mqtt::Time;

/// So long it may hold up the others at once …
const MOST: Duration = Duration::from_millis(100);
/// … and of all time one part in so many.
const SHARE: u32 = 30;

/// The rest of the others' patience with one receiver.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    spent: Duration,
    at: Time,
}

impl Patience {
    pub(super) fn new(now: Time) -> Self {
        Self {
            spent: Duration::ZERO,
            at: now,
        }
    }

    /// It held up the others for so long until now.
    pub(super) fn spend(&mut self, time: Duration, now: Time) {
        self.spent = (self.spent(now) + time).min(2 * MOST);
        self.at = now;
    }

    /// For how long the others wait from now on.
    pub(super) fn left(&self, now: Time) -> Duration {
        MOST.saturating_sub(self.spent(now))
    }

    fn spent(&self, now: Time) -> Duration {
        self.spent.saturating_sub(now.since(self.at) / SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn it_is_waited_for_at_first_and_then_for_a_small_part_of_the_time() {
        let step = Duration::from_millis(10);
        let (mut now, mut waited) = (Time::ZERO, Duration::ZERO);
        let mut patience = Patience::new(now);
        for _ in 0..1000 {
            now += step;
            if patience.left(now) > Duration::ZERO {
                patience.spend(step, now);
                waited += step;
            }
        }
        let (most, least) = (Duration::from_millis(460), Duration::from_millis(400));
        assert!(waited >= least && waited <= most, "{waited:?} of 10 s");
    }
}
