//! A frame that comes in pieces, put together.

use core::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::frame_size::MAX_FRAME;
use crate::ranges::RangeSet;

/// The frame whose pieces come: at most one, as those of one sender come in order (MQTT 5, section
/// 4.6).
#[derive(Default)]
pub(super) struct Pieces {
    frame: Option<Partial>,
}

/// A frame, or what has come of it.
pub(super) struct Partial {
    /// When it was sent.
    pub(super) sent: u64,
    /// The blocks that it carries.
    pub(super) run: Range<u32>,
    /// Its length in bytes.
    len: u32,
    bytes: BytesMut,
    /// Which of its bytes are there.
    have: RangeSet,
}

impl Pieces {
    /// Whether pieces of another frame than the one sent at `sent` are here.
    pub(super) fn is_other(&self, sent: u64) -> bool {
        self.frame.as_ref().is_some_and(|frame| frame.sent != sent)
    }

    /// Gives away what is here.
    pub(super) fn take(&mut self) -> Option<Partial> {
        self.frame.take()
    }

    /// Puts a piece in its place in the frame of `len` bytes that was sent at `sent` and carries
    /// `run`; the frame, once it has come to its end. What does not fit is passed over.
    pub(super) fn add(
        &mut self,
        (sent, run, len): (u64, Range<u32>, u64),
        offset: u32,
        data: &[u8],
    ) -> Option<Partial> {
        let len = u32::try_from(len)
            .ok()
            .filter(|&len| u64::from(len) <= MAX_FRAME)?;
        let end = u32::try_from(data.len()).ok()?.checked_add(offset)?;
        if data.is_empty() || end > len {
            return None;
        }
        let frame = self.frame.get_or_insert_with(|| Partial {
            sent,
            run: run.clone(),
            len,
            bytes: BytesMut::new(),
            have: RangeSet::default(),
        });
        if (&frame.run, frame.len) != (&run, len) {
            return None;
        }
        let at = offset as usize..end as usize;
        if frame.bytes.is_empty() {
            frame.bytes.reserve(len as usize);
        }
        if frame.bytes.len() == at.start {
            frame.bytes.extend_from_slice(data);
        } else {
            frame.bytes.resize(frame.bytes.len().max(at.end), 0);
            frame.bytes[at].copy_from_slice(data);
        }
        frame.have.insert(offset..end);
        if end == len { self.frame.take() } else { None }
    }
}

impl Partial {
    /// The runs of blocks that are whole, and their bytes. `len_of` says how long a run of its
    /// blocks is.
    pub(super) fn into_runs(self, len_of: impl Fn(Range<u32>) -> u64) -> Vec<(Range<u32>, Bytes)> {
        let bytes = self.bytes.freeze();
        if self.have.missing(0..self.len).is_empty() {
            return vec![(self.run, bytes)];
        }
        let mut runs: Vec<(Range<u32>, Range<usize>)> = Vec::new();
        let mut from = 0;
        for block in self.run.clone() {
            let to = len_of(self.run.start..block + 1).min(u64::from(self.len)) as u32;
            if self.have.missing(from..to).is_empty() {
                match runs.last_mut() {
                    Some((run, at)) if run.end == block => {
                        run.end = block + 1;
                        at.end = to as usize;
                    }
                    _ => runs.push((block..block + 1, from as usize..to as usize)),
                }
            }
            from = to;
        }
        let slice = |(run, at): (_, Range<usize>)| (run, bytes.slice(at));
        runs.into_iter().map(slice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::BLOCK;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Blocks 5 to 7, of which the last has 100 bytes.
    const LEN: u64 = 2 * BLOCK + 100;

    fn len_of(run: Range<u32>) -> u64 {
        (u64::from(run.end - run.start) * BLOCK).min(LEN)
    }

    fn content() -> Vec<u8> {
        (0..LEN).map(|at| (at % 251) as u8).collect()
    }

    /// Adds pieces of `length` bytes but for those that are lost; what comes of it in the end.
    fn come(length: usize, is_lost: impl Fn(usize) -> bool) -> Option<Partial> {
        let (mut pieces, content) = (Pieces::default(), content());
        for (index, piece) in content.chunks(length).enumerate() {
            let offset = (index * length) as u32;
            if !is_lost(index)
                && let Some(whole) = pieces.add((9, 5..8, LEN), offset, piece)
            {
                return Some(whole);
            }
        }
        pieces.take()
    }

    #[test]
    fn pieces_make_their_frame() {
        for length in [1000, 3976, 16_384, LEN as usize] {
            let whole = come(length, |_| false).unwrap();
            assert_eq!(whole.sent, 9);
            assert_eq!(whole.into_runs(len_of), [(5..8, Bytes::from(content()))]);
        }
    }

    #[test]
    fn blocks_that_are_whole_count_although_others_are_not() {
        let runs = come(4096, |index| index == 5).unwrap().into_runs(len_of);
        let content = Bytes::from(content());
        let (block, len) = (BLOCK as usize, LEN as usize);
        assert_eq!(
            runs,
            [
                (5..6, content.slice(..block)),
                (7..8, content.slice(2 * block..len))
            ]
        );
        assert!(come(4096, |index| index < 9).is_none_or(|none| none.into_runs(len_of).len() < 2));
    }

    #[test]
    fn what_does_not_fit_is_passed_over() {
        let mut pieces = Pieces::default();
        let content = content();
        let too_long = MAX_FRAME + 1;
        assert!(pieces.add((9, 0..60, too_long), 0, &content).is_none());
        assert!(pieces.take().is_none());
        assert!(pieces.add((9, 5..8, LEN), 1, &content).is_none());
        assert!(pieces.add((9, 5..8, LEN), u32::MAX, &content).is_none());
        assert!(pieces.take().is_none());
        assert!(pieces.add((9, 5..8, LEN), 0, &content[..50]).is_none());
        assert!(pieces.add((9, 5..9, LEN), 50, &content[50..]).is_none());
        assert!(pieces.is_other(10) && !pieces.is_other(9));
        assert!(pieces.add((9, 5..8, LEN), 50, &content[50..]).is_some());
    }
}
