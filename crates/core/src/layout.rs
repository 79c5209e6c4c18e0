//! Where everything lies in a parcel's byte space.
//!
//! A parcel's blocks are, in this order: the manifest, the files one after the other (each begins
//! at a block of its own; an empty file has none), and the digests, 32 bytes a file. Storage has no
//! gaps: there the files follow each other byte by byte, so that a run of blocks of content is one
//! run of bytes as well.

use core::ops::Range;

use crate::io::Segment;

/// Bytes in a block: the unit of bookkeeping, and a whole subtree of BLAKE3.
pub(crate) const BLOCK: u64 = 16 * 1024;

/// Bytes of one file's digest.
pub(crate) const DIGEST: u64 = 32;

/// How many blocks `len` bytes take.
pub(crate) fn blocks(len: u64) -> u64 {
    len.div_ceil(BLOCK)
}

/// A file's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its first block.
    pub(crate) first_block: u32,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// The place in the content where it begins, in bytes.
    pub(crate) offset: u64,
}

/// The three parts of a parcel's byte space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    Manifest,
    Content,
    Digests,
}

/// The map of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    manifest_len: u64,
    files: Vec<Span>,
    content: Range<u32>,
    content_len: u64,
    total_blocks: u32,
}

impl Layout {
    /// Lays out files of these sizes behind a manifest of `manifest_len` bytes. `None` if it takes
    /// more than `u32::MAX` blocks.
    pub(crate) fn new(manifest_len: u64, sizes: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut block = u32::try_from(blocks(manifest_len)).ok()?;
        let first_content = block;
        let mut offset = 0u64;
        let mut files = Vec::new();
        for size in sizes {
            files.push(Span {
                first_block: block,
                size,
                offset,
            });
            block = block.checked_add(u32::try_from(blocks(size)).ok()?)?;
            offset = offset.checked_add(size)?;
        }
        let content = first_content..block;
        let digests = blocks(DIGEST.checked_mul(files.len() as u64)?);
        let total_blocks = block.checked_add(u32::try_from(digests).ok()?)?;
        Some(Self {
            manifest_len,
            files,
            content,
            content_len: offset,
            total_blocks,
        })
    }

    pub(crate) fn files(&self) -> &[Span] {
        &self.files
    }

    /// Blocks in all.
    pub(crate) fn total_blocks(&self) -> u32 {
        self.total_blocks
    }

    /// Bytes of content in all.
    pub(crate) fn content_len(&self) -> u64 {
        self.content_len
    }

    /// The blocks of a region.
    pub(crate) fn region(&self, region: Region) -> Range<u32> {
        match region {
            Region::Manifest => 0..self.content.start,
            Region::Content => self.content.clone(),
            Region::Digests => self.content.end..self.total_blocks,
        }
    }

    /// Which region a block lies in.
    pub(crate) fn region_of(&self, block: u32) -> Region {
        if block < self.content.start {
            Region::Manifest
        } else if block < self.content.end {
            Region::Content
        } else {
            Region::Digests
        }
    }

    /// The blocks of file `file`.
    pub(crate) fn file_blocks(&self, file: usize) -> Range<u32> {
        let span = self.files[file];
        span.first_block..span.first_block + blocks(span.size) as u32
    }

    /// Which file a block of content belongs to.
    pub(crate) fn file_of(&self, block: u32) -> usize {
        // Empty files share their first block with the file behind them, so the last one is meant.
        self.files
            .partition_point(|span| span.first_block <= block)
            .saturating_sub(1)
    }

    /// How many bytes a run of blocks within one region has.
    pub(crate) fn run_len(&self, run: &Range<u32>) -> u64 {
        match self.region_of(run.start) {
            Region::Manifest => {
                (u64::from(run.end) * BLOCK).min(self.manifest_len) - u64::from(run.start) * BLOCK
            }
            Region::Content => self.content_offset(run.end) - self.content_offset(run.start),
            Region::Digests => self.digest_offset(run.end) - self.digest_offset(run.start),
        }
    }

    /// Where a block of content (or its end) lies in the content, in bytes.
    pub(crate) fn content_offset(&self, block: u32) -> u64 {
        let block = block.clamp(self.content.start, self.content.end);
        if block == self.content.start {
            return 0;
        }
        let span = self.files[self.file_of(block - 1)];
        span.offset + (u64::from(block - span.first_block) * BLOCK).min(span.size)
    }

    /// Where a block of the digests (or their end) lies among them, in bytes.
    pub(crate) fn digest_offset(&self, block: u32) -> u64 {
        let len = DIGEST * self.files.len() as u64;
        (u64::from(block.saturating_sub(self.content.end)) * BLOCK).min(len)
    }

    /// Bytes of content in these runs of blocks.
    pub(crate) fn content_in(&self, runs: &[Range<u32>]) -> u64 {
        runs.iter()
            .map(|run| self.content_offset(run.end) - self.content_offset(run.start))
            .sum()
    }

    /// The longest run that begins at `run.start`, stays within `run` and within one region, and
    /// has at most `max_bytes` bytes and `max_blocks` blocks; at least one block.
    pub(crate) fn clip(&self, run: Range<u32>, max_bytes: u64, max_blocks: u32) -> Range<u32> {
        let region = self.region(self.region_of(run.start));
        let end = run
            .end
            .min(region.end)
            .min(run.start.saturating_add(max_blocks));
        let mut clipped = run.start..run.start + 1;
        // Blocks are at most BLOCK long, so this many fit for sure; short ones may let more in.
        let sure = u32::try_from(max_bytes / BLOCK).unwrap_or(u32::MAX);
        clipped.end = clipped.end.max(run.start.saturating_add(sure).min(end));
        while clipped.end < end && self.run_len(&(clipped.start..clipped.end + 1)) <= max_bytes {
            clipped.end += 1;
        }
        clipped
    }

    /// The pieces of files that make up a run of content.
    pub(crate) fn segments(&self, run: Range<u32>) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut block = run.start;
        while block < run.end {
            let file = self.file_of(block);
            let span = self.files[file];
            let end = self.file_blocks(file).end.min(run.end);
            let offset = u64::from(block - span.first_block) * BLOCK;
            let until = (u64::from(end - span.first_block) * BLOCK).min(span.size);
            segments.push(Segment {
                file,
                offset,
                len: (until - offset) as usize,
            });
            block = end;
        }
        segments
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranges::RangeSet;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn sizes() -> impl Strategy<Value = Vec<u64>> {
        let size = prop_oneof![Just(0), 1u64..100, 16_383u64..16_386, 0u64..200_000];
        proptest::collection::vec(size, 0..20)
    }

    mqdrop_testing::properties! {
        fn every_byte_has_one_place(manifest in 1u64..40_000, sizes in sizes(), max in 1u64..300_000) {
            let layout = Layout::new(manifest, sizes.clone()).unwrap();
            let (mut block, mut read) = (0, vec![0u64; sizes.len()]);
            let mut bytes = [0u64; 3];
            while block < layout.total_blocks() {
                let run = layout.clip(block..layout.total_blocks(), max, 1000);
                let len = layout.run_len(&run);
                prop_assert!(len > 0 && (len <= max || run.len() == 1));
                let region = layout.region_of(run.start);
                if region == Region::Content {
                    prop_assert_eq!(layout.content_offset(run.start), bytes[1]);
                    let segments = layout.segments(run.clone());
                    prop_assert_eq!(segments.iter().map(|s| s.len as u64).sum::<u64>(), len);
                    for segment in segments {
                        prop_assert_eq!(read[segment.file], segment.offset);
                        read[segment.file] += segment.len as u64;
                    }
                }
                bytes[region as usize] += len;
                block = run.end;
            }
            prop_assert_eq!(&read, &sizes);
            prop_assert_eq!(bytes, [manifest, sizes.iter().sum(), 32 * sizes.len() as u64]);
            prop_assert_eq!(layout.content_in(RangeSet::of(0..layout.total_blocks()).runs()), bytes[1]);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Layout::new(1, [u64::MAX]), None);
        assert_eq!(Layout::new(1, [1 << 45, 1 << 45, 1 << 45]), None);
        assert!(Layout::new(1, [1 << 45]).is_some());
    }
}
