//! BLAKE3 of a file whose blocks come in any order.
//!
//! A block of 16 KiB is a whole subtree of BLAKE3's tree (sixteen chunks), so its chaining value can
//! be computed alone and merged with its neighbour's when that one is there (BLAKE3 paper, section
//! 2.1; `blake3::hazmat`). What is held at any time is about one value for each gap.

use core::ops::Range;

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use blake3::{Hash, Hasher};
use litemap::LiteMap;

use crate::layout::{BLOCK, DIGEST, Layout, Region, blocks};
use crate::ranges::RangeSet;
use crate::sums::FileSums;

/// Bytes by which a block is known again: the first of its value in its file's tree.
pub(crate) const CHECK: usize = 8;

/// Stands for the digest of a file that cannot be read.
const UNKNOWN: Hash = Hash::from_bytes([0; 32]);

/// The hash of a file under way.
#[derive(Debug)]
pub(crate) struct FileHash {
    blocks: u64,
    /// Subtrees whose neighbour is missing, by level (0 is a block) and position in it.
    subtrees: LiteMap<(u32, u64), ChainingValue>,
    root: Option<Hash>,
}

impl FileHash {
    /// A file of `size` bytes of which nothing is known yet.
    pub(crate) fn new(size: u64) -> Self {
        let root = (size == 0).then(|| blake3::hash(&[]));
        Self {
            blocks: blocks(size),
            subtrees: LiteMap::new(),
            root,
        }
    }

    /// The hash, once every block was added.
    pub(crate) fn root(&self) -> Option<Hash> {
        self.root
    }

    /// The value of block number `index` of the file in its tree; of an only block, the root.
    fn value(&self, index: u64, block: &[u8]) -> ChainingValue {
        if self.blocks == 1 {
            return *blake3::hash(block).as_bytes();
        }
        let mut hasher = Hasher::new();
        hasher.set_input_offset(index * BLOCK);
        hasher.update(block);
        hasher.finalize_non_root()
    }

    /// Adds the value of a block; of each exactly once, all full but the file's last.
    fn add(&mut self, index: u64, value: ChainingValue) {
        if self.blocks == 1 {
            self.root = Some(Hash::from_bytes(value));
        } else {
            self.merge(index, value);
        }
    }

    /// Climbs from a block as far as neighbours are there. In a level of n subtrees each even one
    /// pairs with the odd one behind it; a last one without a partner moves up as it is, which gives
    /// the same tree as BLAKE3's "left subtree is the largest power of two".
    fn merge(&mut self, index: u64, value: ChainingValue) {
        let (mut level, mut index, mut value, mut width) = (0u32, index, value, self.blocks);
        loop {
            if index == width - 1 && index % 2 == 0 {
                // Without a partner on this level.
            } else {
                let Some(other) = self.subtrees.remove(&(level, index ^ 1)) else {
                    self.subtrees.insert((level, index), value);
                    return;
                };
                let (left, right) = if index % 2 == 0 {
                    (value, other)
                } else {
                    (other, value)
                };
                if width == 2 {
                    self.root = Some(merge_subtrees_root(&left, &right, Mode::Hash));
                    return;
                }
                value = merge_subtrees_non_root(&left, &right, Mode::Hash);
            }
            level += 1;
            index /= 2;
            width = width.div_ceil(2);
        }
    }
}

/// The hashes of a parcel's files, computed while its blocks pass by.
#[derive(Debug)]
pub(crate) struct ParcelHashes {
    digests: Vec<Option<Hash>>,
    under_way: LiteMap<usize, FileHash>,
    /// Which blocks of content were hashed.
    hashed: RangeSet,
    /// CRC-32 of the same blocks, where it is wanted.
    sums: Option<FileSums>,
}

impl ParcelHashes {
    pub(crate) fn new(layout: &Layout) -> Self {
        let digests = layout
            .files()
            .iter()
            .map(|span| FileHash::new(span.size).root())
            .collect();
        Self {
            digests,
            under_way: LiteMap::new(),
            hashed: RangeSet::default(),
            sums: None,
        }
    }

    /// The same, with the files' CRC-32 besides.
    pub(crate) fn with_sums(layout: &Layout) -> Self {
        Self {
            sums: Some(FileSums::new(layout.files().len())),
            ..Self::new(layout)
        }
    }

    /// Takes in a run of content blocks; those that were hashed before are passed over. Returns the
    /// others with their checks.
    pub(crate) fn add(
        &mut self,
        layout: &Layout,
        run: Range<u32>,
        bytes: &[u8],
    ) -> Vec<(u32, [u8; CHECK])> {
        let mut checks = Vec::with_capacity(run.len());
        self.take(layout, run, bytes, |block, check| {
            checks.push((block, *check));
            true
        });
        checks
    }

    /// Takes in those blocks of a run whose checks are as `checks` says, and returns them.
    pub(crate) fn restore(
        &mut self,
        layout: &Layout,
        run: Range<u32>,
        bytes: &[u8],
        checks: &[[u8; CHECK]],
    ) -> RangeSet {
        let mut genuine = RangeSet::default();
        let first = run.start;
        self.take(layout, run, bytes, |block, check| {
            let same = checks.get((block - first) as usize) == Some(check);
            if same {
                genuine.insert(block..block + 1);
            }
            same
        });
        genuine
    }

    /// Hashes those blocks of a run that were not hashed before, and takes in those that `wanted`
    /// says yes to when it is shown their checks.
    fn take(
        &mut self,
        layout: &Layout,
        run: Range<u32>,
        bytes: &[u8],
        mut wanted: impl FnMut(u32, &[u8; CHECK]) -> bool,
    ) {
        let begin = layout.content_offset(run.start);
        for block in self.hashed.missing(run).into_iter().flatten() {
            let from = (layout.content_offset(block) - begin) as usize;
            let to = (layout.content_offset(block + 1) - begin) as usize;
            let file = layout.file_of(block);
            let span = layout.files()[file];
            let hash = self
                .under_way
                .entry(file)
                .or_insert_with(|| FileHash::new(span.size));
            let index = u64::from(block - span.first_block);
            let value = hash.value(index, &bytes[from..to]);
            let mut check = [0; CHECK];
            check.copy_from_slice(&value[..CHECK]);
            if !wanted(block, &check) {
                continue;
            }
            hash.add(index, value);
            if let Some(sums) = &mut self.sums {
                let end = layout.content_offset(block + 1);
                let behind = span.offset + span.size - end;
                sums.add(file, &bytes[from..to], behind);
            }
            if let Some(root) = hash.root() {
                self.digests[file] = Some(root);
                self.under_way.remove(&file);
            }
            self.hashed.insert(block..block + 1);
        }
    }

    /// A file will not be read to its end: it counts as hashed, with a digest of zeros unless its own
    /// is known.
    pub(crate) fn skip(&mut self, layout: &Layout, file: usize) {
        self.under_way.remove(&file);
        self.digests[file].get_or_insert(UNKNOWN);
        self.hashed.insert(layout.file_blocks(file));
    }

    /// Whether a file's digest is its own.
    pub(crate) fn is_known(&self, file: usize) -> bool {
        self.digest(file).is_some_and(|digest| *digest != UNKNOWN)
    }

    /// Forgets what is known of one file.
    pub(crate) fn reset(&mut self, layout: &Layout, file: usize) {
        self.under_way.remove(&file);
        self.digests[file] = FileHash::new(layout.files()[file].size).root();
        self.hashed.remove(layout.file_blocks(file));
        if let Some(sums) = &mut self.sums {
            sums.reset(file);
        }
    }

    /// The hash of a file, once all of it was seen.
    pub(crate) fn digest(&self, file: usize) -> Option<&Hash> {
        self.digests[file].as_ref()
    }

    /// The CRC-32 of a file, once all of it was seen, if that is wanted.
    pub(crate) fn sum(&self, file: usize) -> Option<u32> {
        self.digest(file)?;
        self.sums.as_ref().map(|sums| sums.get(file))
    }

    /// The first run of content that was not hashed yet.
    pub(crate) fn next_missing(&self, layout: &Layout) -> Option<Range<u32>> {
        self.hashed
            .missing(layout.region(Region::Content))
            .into_iter()
            .next()
    }

    /// All hashes one after the other, once all are known.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.digests.len() * DIGEST as usize);
        for digest in &self.digests {
            bytes.extend_from_slice(digest.as_ref()?.as_bytes());
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    mqdrop_testing::properties! {
        fn any_order_gives_the_hash_of_the_whole(
            size in prop_oneof![Just(0usize), 1usize..50, 16_380usize..16_390, 0usize..600_000],
            order in any::<u64>(),
        ) {
            let data: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
            let mut hash = FileHash::new(size as u64);
            let mut parts: Vec<(usize, &[u8])> = data.chunks(BLOCK as usize).enumerate().collect();
            let mut state = order | 1;
            for i in (1..parts.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                parts.swap(i, (state >> 33) as usize % (i + 1));
            }
            for (index, block) in parts {
                prop_assert_eq!(hash.root(), None);
                let value = hash.value(index as u64, block);
                hash.add(index as u64, value);
            }
            prop_assert_eq!(hash.root(), Some(blake3::hash(&data)));
            prop_assert!(hash.subtrees.is_empty());
        }

        fn blocks_in_any_order_give_each_file_its_sum(
            sizes in prop::collection::vec(prop_oneof![Just(0u64), 1u64..50, 16_380u64..16_390, 0u64..200_000], 1..6),
            order in any::<u64>(),
            again in any::<prop::sample::Index>(),
        ) {
            let layout = Layout::new(100, sizes.iter().copied()).unwrap();
            let data: Vec<u8> = (0..layout.content_len()).map(|i| (i * 31 % 251) as u8).collect();
            let bytes_of = |block| {
                let (from, to) = (layout.content_offset(block), layout.content_offset(block + 1));
                &data[from as usize..to as usize]
            };
            let mut hashes = ParcelHashes::with_sums(&layout);
            let content = layout.region(Region::Content);
            let mut blocks: Vec<u32> = content.collect();
            let mut state = order | 1;
            for i in (1..blocks.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                blocks.swap(i, (state >> 33) as usize % (i + 1));
            }
            // What comes twice counts once.
            for block in blocks.iter().chain(&blocks) {
                hashes.add(&layout, *block..block + 1, bytes_of(*block));
            }
            // One of them turns out not to be the sender's, and is fetched again.
            let file = again.index(sizes.len());
            hashes.reset(&layout, file);
            prop_assert_eq!(hashes.sum(file).is_some(), sizes[file] == 0);
            for block in layout.file_blocks(file).rev() {
                hashes.add(&layout, block..block + 1, bytes_of(block));
            }
            for (file, span) in layout.files().iter().enumerate() {
                let content = &data[span.offset as usize..(span.offset + span.size) as usize];
                let mut whole = FileSums::new(1);
                whole.add(0, content, 0);
                prop_assert_eq!(hashes.sum(file), Some(whole.get(0)));
            }
        }
    }
}
