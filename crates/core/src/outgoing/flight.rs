//! The frames that are under way.

use core::ops::Range;
use std::collections::VecDeque;

use crate::ranges::RangeSet;

/// Frames that are kept in mind at most; older ones are taken for lost by a timeout instead.
const MAX_FRAMES: usize = 8192;

/// One data frame that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// When, in microseconds; no two frames of a parcel have the same.
    pub(super) sent: u64,
    pub(super) blocks: Range<u32>,
    pub(super) bytes: u64,
    /// How long its packets are, as [`FrameSize`](crate::frame_size::FrameSize) counts.
    pub(super) packet: u64,
}

/// The frames that some receiver has not accounted for, oldest first.
#[derive(Debug, Default)]
pub(super) struct Flight {
    frames: VecDeque<Frame>,
    last_sent: u64,
    /// The send time of the newest frame that is not kept in mind any more.
    forgotten: u64,
}

impl Flight {
    /// The send time of the newest frame.
    pub(super) fn last_sent(&self) -> u64 {
        self.last_sent
    }

    /// A send time for the next frame: now, or just after the one before.
    pub(super) fn stamp(&self, now_micros: u64) -> u64 {
        now_micros.max(self.last_sent + 1)
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.last_sent = frame.sent;
        self.frames.push_back(frame);
        if self.frames.len() > MAX_FRAMES {
            self.forget_first();
        }
    }

    /// Whether no frame was sent at this time, which somebody echoes: someone else writes frames.
    pub(super) fn is_foreign(&self, sent: u64) -> bool {
        sent > self.forgotten && self.between(sent.saturating_sub(1), sent).next().is_none()
    }

    /// The frames sent after `after` and up to `until`.
    pub(super) fn between(&self, after: u64, until: u64) -> impl Iterator<Item = &Frame> {
        let first = self.frames.partition_point(|frame| frame.sent <= after);
        self.frames
            .range(first..)
            .take_while(move |frame| frame.sent <= until)
    }

    /// Takes out of `blocks` what was sent after `after`: it may still arrive.
    pub(super) fn subtract_later(&self, blocks: &mut RangeSet, after: u64) {
        for frame in self.between(after, u64::MAX) {
            if blocks.is_empty() {
                return;
            }
            blocks.remove(frame.blocks.clone());
        }
    }

    /// Forgets frames up to `sent`: everyone has accounted for them.
    pub(super) fn forget(&mut self, sent: u64) {
        while self.frames.front().is_some_and(|frame| frame.sent <= sent) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.forgotten = frame.sent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn flight(times: &[u64]) -> Flight {
        let mut flight = Flight::default();
        for (index, &time) in times.iter().enumerate() {
            let sent = flight.stamp(time);
            let first = index as u32 * 4;
            flight.push(Frame {
                sent,
                blocks: first..first + 4,
                bytes: 65_536,
                packet: 65_536,
            });
        }
        flight
    }

    #[test]
    fn no_two_frames_are_sent_at_the_same_time() {
        let flight = flight(&[5, 5, 5, 4, 90]);
        let times: Vec<u64> = flight
            .between(0, u64::MAX)
            .map(|frame| frame.sent)
            .collect();
        assert_eq!(times, [5, 6, 7, 8, 90]);
    }

    #[test]
    fn echoes_of_frames_that_were_not_sent_are_told_apart() {
        let mut flight = flight(&[10, 20, 30]);
        for (echo, foreign) in [(10, false), (11, true), (30, false), (31, true), (9, true)] {
            assert_eq!(flight.is_foreign(echo), foreign, "{echo}");
        }
        flight.forget(20);
        assert!(!flight.is_foreign(11) && flight.is_foreign(31));
        flight.forget(30);
        assert!(!flight.is_foreign(30) && flight.is_foreign(31));
    }

    #[test]
    fn what_was_sent_again_since_is_not_lost_yet() {
        let flight = flight(&[10, 20, 30]);
        let mut blocks = RangeSet::of(0..12);
        flight.subtract_later(&mut blocks, 10);
        assert_eq!(blocks, RangeSet::of(0..4));
    }

    #[test]
    fn forgotten_frames_are_gone() {
        let mut flight = flight(&[10, 20, 30]);
        flight.forget(20);
        assert_eq!(flight.between(0, u64::MAX).count(), 1);
        assert_eq!(flight.last_sent(), 30);
    }
}
