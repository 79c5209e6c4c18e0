//! When a receiver tells the sender what it holds.

use core::time::Duration;

use mqdrop_mqtt::Time;

/// Each of the first frames is acknowledged: by these the sender finds out how much may be under way,
/// and in what pieces.
const FIRST_FRAMES: u32 = 32;
/// An acknowledgement at the latest after so many frames, behind the first …
const EVERY_FRAMES: u32 = 4;
/// … or so long after a frame arrived.
const DELAY: Duration = Duration::from_millis(25);
/// Gaps are told at once, but not more often than this.
const GAP_SPACING: Duration = Duration::from_millis(5);
/// While nothing arrives, the sender is reminded: after this, then after twice as long …
const FIRST_REMINDER: Duration = Duration::from_secs(1);
/// … up to this.
const LAST_REMINDER: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(super) struct AckClock {
    /// Frames since the last acknowledgement.
    frames: u32,
    /// Frames that are still to be acknowledged one by one.
    first: u32,
    due: Option<Time>,
    sent: Time,
    reminder: Duration,
}

impl AckClock {
    /// Begins with an acknowledgement that is due now: it is the acceptance.
    pub(super) fn new(now: Time) -> Self {
        Self {
            frames: 0,
            first: FIRST_FRAMES,
            due: Some(now),
            sent: now,
            reminder: FIRST_REMINDER,
        }
    }

    /// A frame arrived, perhaps not the one that was expected next.
    pub(super) fn on_frame(&mut self, gap: bool, now: Time) {
        self.frames += 1;
        self.first = self.first.saturating_sub(1);
        self.reminder = FIRST_REMINDER;
        let due = if gap {
            (self.sent + GAP_SPACING).max(now)
        } else if self.frames >= EVERY_FRAMES || self.first > 0 {
            now
        } else {
            now + DELAY
        };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Something changed that the sender must know.
    pub(super) fn now(&mut self, now: Time) {
        self.due = Some(now);
        self.reminder = FIRST_REMINDER;
    }

    /// Whether nothing arrived since the last acknowledgement.
    pub(super) fn is_reminder(&self) -> bool {
        self.frames == 0
    }

    pub(super) fn on_sent(&mut self, now: Time) {
        if self.is_reminder() {
            self.reminder = (self.reminder * 2).min(LAST_REMINDER);
        }
        (self.frames, self.due, self.sent) = (0, None, now);
    }

    pub(super) fn deadline(&self) -> Time {
        let reminder = self.sent + self.reminder;
        self.due.map_or(reminder, |due| due.min(reminder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn frames_are_acknowledged_together_gaps_at_once_and_silence_more_and_more_rarely() {
        let at = Time::from_millis;
        let mut ack = AckClock::new(at(0));
        assert_eq!(ack.deadline(), at(0));
        ack.on_sent(at(0));
        for frame in 1..FIRST_FRAMES {
            ack.on_frame(false, at(50));
            assert_eq!(ack.deadline(), at(50), "{frame}");
            ack.on_sent(at(50));
        }
        for (frame, due) in [(0, 125), (1, 125), (2, 125), (3, 103)] {
            ack.on_frame(false, at(100 + frame));
            assert_eq!(ack.deadline(), at(due));
        }
        ack.on_sent(at(103));
        ack.on_frame(true, at(104));
        assert_eq!(ack.deadline(), at(108));
        ack.on_sent(at(108));
        assert_eq!(ack.deadline(), at(1108));
        let (mut now, mut waits) = (at(108), Vec::new());
        for _ in 0..5 {
            waits.push(ack.deadline().since(now).as_millis());
            now = ack.deadline();
            ack.on_sent(now);
        }
        assert_eq!(waits, [1000, 2000, 4000, 5000, 5000]);
    }
}
