//! Which piece of a content lies where, when pieces come in any order and may be written again.

use core::ops::Range;

/// A run of bytes that can be cut.
pub(super) trait Piece {
    /// How many bytes.
    fn len(&self) -> u64;

    /// The bytes from `start` up to `end`, counted within this piece.
    fn cut(&self, start: u64, end: u64) -> Self;
}

/// Pieces in the order of their places. They never overlap: what is written last stands.
pub(super) struct Extents<P> {
    pieces: Vec<(u64, P)>,
}

impl<P: Piece> Extents<P> {
    pub(super) fn new() -> Self {
        Self { pieces: Vec::new() }
    }

    /// Puts a piece at `offset`, over what was there. `offset + piece.len()` must fit a `u64`.
    pub(super) fn insert(&mut self, offset: u64, piece: P) {
        if piece.len() > 0 {
            self.clear(offset, offset + piece.len());
            let place = self.place(offset);
            self.pieces.insert(place, (offset, piece));
        }
    }

    /// The index of the first piece that lies at `offset` or behind it.
    fn place(&self, offset: u64) -> usize {
        self.pieces.partition_point(|(each, _)| *each < offset)
    }

    /// The pieces that reach into `range`, in their order.
    fn within(&self, range: &Range<u64>) -> &[(u64, P)] {
        let ends_before = |(offset, piece): &(u64, P)| offset + piece.len() <= range.start;
        let from = self.pieces.partition_point(ends_before);
        self.pieces.get(from..self.place(range.end)).unwrap_or(&[])
    }

    /// The pieces that make up `range`, cut to it, in their order; `None` if something is missing.
    pub(super) fn cover(&self, range: Range<u64>) -> Option<Vec<P>> {
        if !self.gaps(range.clone()).is_empty() {
            return None;
        }
        let cut = |(offset, piece): &(u64, P)| {
            let start = range.start.saturating_sub(*offset);
            piece.cut(start, piece.len().min(range.end - offset))
        };
        Some(self.within(&range).iter().map(cut).collect())
    }

    /// The parts of `range` where nothing lies, in their order.
    pub(super) fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut from = range.start;
        let mut gaps = Vec::new();
        for (offset, piece) in self.within(&range) {
            if from < *offset {
                gaps.push(from..*offset);
            }
            from = offset + piece.len();
        }
        if from < range.end {
            gaps.push(from..range.end);
        }
        gaps
    }

    /// The runs of adjoining pieces that satisfy `wanted`: where each begins, and its pieces.
    pub(super) fn runs(&self, wanted: impl Fn(&P) -> bool) -> Vec<(u64, Vec<&P>)> {
        let mut runs: Vec<(u64, Vec<&P>)> = Vec::new();
        let mut end = None;
        for (offset, piece) in self.pieces.iter().filter(|(_, piece)| wanted(piece)) {
            match runs.last_mut() {
                Some((_, run)) if end == Some(*offset) => run.push(piece),
                _ => runs.push((*offset, vec![piece])),
            }
            end = Some(offset + piece.len());
        }
        runs
    }

    /// Removes what lies from `start` up to `end`, cutting pieces that reach out of it.
    fn clear(&mut self, start: u64, end: u64) {
        let reached = self.within(&(start..end));
        let (Some((first, head)), Some((last, tail))) = (reached.first(), reached.last()) else {
            return;
        };
        let head = (*first < start).then(|| (*first, head.cut(0, start - first)));
        let tail_end = last + tail.len();
        let tail = (tail_end > end).then(|| (end, tail.cut(end - last, tail_end - last)));
        let count = reached.len();
        let end = self.place(end);
        let left = head.into_iter().chain(tail);
        self.pieces.splice(end - count..end, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    impl Piece for Vec<u8> {
        fn len(&self) -> u64 {
            Vec::len(self) as u64
        }

        fn cut(&self, start: u64, end: u64) -> Self {
            self[start as usize..end as usize].to_vec()
        }
    }

    fn joined(pieces: &[&Vec<u8>]) -> Vec<u8> {
        pieces
            .iter()
            .flat_map(|piece| piece.iter().copied())
            .collect()
    }

    fn whole(extents: &Extents<Vec<u8>>, size: u64) -> Option<Vec<u8>> {
        Some(extents.cover(0..size)?.concat())
    }

    #[test]
    fn pieces_in_any_order_become_whole() {
        let mut extents = Extents::new();
        extents.insert(4, b"ef".to_vec());
        assert_eq!(whole(&extents, 6), None);
        extents.insert(0, b"ab".to_vec());
        assert_eq!(whole(&extents, 6), None);
        extents.insert(2, b"cd".to_vec());
        assert_eq!(whole(&extents, 6).unwrap(), b"abcdef");
        assert_eq!(whole(&extents, 7), None, "one byte is missing");
    }

    #[test]
    fn a_part_is_cut_out_of_its_pieces() {
        let mut extents = Extents::new();
        for (offset, text) in [(0, "ab"), (2, "cdef"), (6, "g"), (9, "jk")] {
            extents.insert(offset, text.as_bytes().to_vec());
        }
        for (range, text) in [
            (0..7, "abcdefg"),
            (3..5, "de"),
            (1..3, "bc"),
            (4..7, "efg"),
            (10..11, "k"),
            (3..3, ""),
        ] {
            let part = extents.cover(range.clone()).unwrap().concat();
            assert_eq!(part, text.as_bytes(), "{range:?}");
        }
        assert_eq!(extents.cover(6..8), None);
        assert_eq!(extents.cover(8..10), None);
    }

    #[test]
    fn an_empty_content_is_whole() {
        let mut extents: Extents<Vec<u8>> = Extents::new();
        extents.insert(0, Vec::new());
        assert_eq!(whole(&extents, 0), Some(vec![]));
    }

    #[test]
    fn what_is_written_last_stands() {
        for (offset, text, expected) in [
            (0, "XY", "XYcdefgh"),
            (1, "XY", "aXYdefgh"),
            (3, "XY", "abcXYfgh"),
            (4, "XYZ", "abcdXYZh"),
            (0, "XXXXXXXX", "XXXXXXXX"),
            (2, "XXXXX", "abXXXXXh"),
        ] {
            let mut extents = Extents::new();
            extents.insert(0, b"abcd".to_vec());
            extents.insert(4, b"ef".to_vec());
            extents.insert(6, b"gh".to_vec());
            extents.insert(offset, text.as_bytes().to_vec());
            assert_eq!(
                whole(&extents, 8).unwrap(),
                expected.as_bytes(),
                "{text} at {offset}"
            );
        }
    }

    #[test]
    fn runs_join_what_adjoins() {
        let mut extents = Extents::new();
        for (offset, text) in [(0, "ab"), (2, "cd"), (4, "!"), (5, "fg"), (9, "jk")] {
            extents.insert(offset, text.as_bytes().to_vec());
        }
        let runs = extents.runs(|piece| piece != b"!");
        let runs: Vec<(u64, Vec<u8>)> = runs
            .iter()
            .map(|(offset, run)| (*offset, joined(run)))
            .collect();
        assert_eq!(
            runs,
            [
                (0, b"abcd".to_vec()),
                (5, b"fg".to_vec()),
                (9, b"jk".to_vec())
            ]
        );
    }

    #[test]
    fn gaps_are_what_no_piece_covers() {
        let mut extents = Extents::new();
        for (offset, text) in [(2, "cd"), (4, "e"), (8, "ij")] {
            extents.insert(offset, text.as_bytes().to_vec());
        }
        for (range, gaps) in [
            (0..12, vec![(0, 2), (5, 8), (10, 12)]),
            (2..5, vec![]),
            (3..9, vec![(5, 8)]),
            (6..7, vec![(6, 7)]),
            (9..11, vec![(10, 11)]),
            (11..20, vec![(11, 20)]),
        ] {
            let found = extents.gaps(range.clone()).into_iter();
            let found: Vec<_> = found.map(|gap| (gap.start, gap.end)).collect();
            assert_eq!(found, gaps, "{range:?}");
        }
    }

    /// Every short sequence of writes, against a plain array.
    #[test]
    fn all_sequences_of_four_writes_agree_with_an_array() {
        const SIZE: u64 = 5;
        let places: Vec<(u64, u64)> = (0..SIZE)
            .flat_map(|start| (start + 1..=SIZE).map(move |end| (start, end)))
            .collect();
        let choices = places.len().pow(4);
        for choice in 0..choices {
            let mut extents = Extents::new();
            let mut model = vec![0; SIZE as usize];
            let mut rest = choice;
            for value in 1..=4u8 {
                let (start, end) = places[rest % places.len()];
                rest /= places.len();
                extents.insert(start, vec![value; (end - start) as usize]);
                model[start as usize..end as usize].fill(value);
            }
            match whole(&extents, SIZE) {
                Some(bytes) => assert_eq!(bytes, model, "sequence {choice}"),
                None => assert!(model.contains(&0), "sequence {choice}"),
            }
        }
    }
}
