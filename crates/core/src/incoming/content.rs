//! The blocks of an incoming parcel: what is held, and what becomes of a frame's bytes.

use core::ops::Range;

use bytes::Bytes;

use crate::hash::{CHECK, ParcelHashes};
use crate::io::StoreRequest;
use crate::layout::{BLOCK, DIGEST, Layout, Region, blocks};
use crate::manifest::Manifest;
use crate::message::{LeftOut, Offer, Runs};
use crate::ranges::RangeSet;

use super::suspects::Suspects;
use crate::notes::{Blocks, Note};

/// Everything of a parcel that has arrived, or where it went.
pub(super) struct Content {
    held: RangeSet,
    pub(super) suspects: Suspects,
    stage: Stage,
    /// A text's content; files go to the driver's storage.
    text: Option<Vec<u8>>,
    /// Files that the sender cannot read.
    left_out: LeftOut,
    /// CRC-32 of the files is wanted.
    sums: bool,
}

enum Stage {
    /// Only the manifest can be placed yet.
    Manifest(Vec<u8>),
    /// Everything can be.
    Blocks(Box<Known>),
}

struct Known {
    manifest: Manifest,
    hashes: ParcelHashes,
    digests: Vec<u8>,
}

/// The effect of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// Nothing new in it, or it cannot be placed yet.
    Nothing,
    /// Some blocks are new.
    Blocks,
    /// The manifest is whole now.
    Manifest,
    /// The manifest contradicts the offer.
    BadManifest,
    /// These bytes are not the manifest that was offered: it is to be fetched again.
    NotTheManifest,
}

impl Content {
    /// Nothing of the offered parcel is here yet. `sums`: CRC-32 of its files is wanted, if there are
    /// several.
    pub(super) fn new(offer: &Offer, sums: bool) -> Self {
        Self {
            held: RangeSet::default(),
            suspects: Suspects::default(),
            stage: Stage::Manifest(Vec::new()),
            text: offer.text.then(|| vec![0; offer.total as usize]),
            left_out: LeftOut::default(),
            sums: sums && offer.files > 1,
        }
    }

    /// The list of held blocks for the sender.
    pub(super) fn runs(&self) -> Runs {
        Runs::new(&self.held)
    }

    /// The parcel's title: by its manifest, once that is here. Until then, and of a text, the
    /// sender's word counts.
    pub(super) fn title(&self, offer: &Offer) -> String {
        let manifest = self.manifest().filter(|_| !offer.text);
        manifest.map_or_else(|| offer.title.clone(), Manifest::title)
    }

    pub(super) fn manifest(&self) -> Option<&Manifest> {
        match &self.stage {
            Stage::Manifest(_) => None,
            Stage::Blocks(known) => Some(&known.manifest),
        }
    }

    /// Bytes of content that are held.
    pub(super) fn bytes(&self) -> u64 {
        self.manifest()
            .map_or(0, |manifest| manifest.layout.content_in(self.held.runs()))
    }

    /// Returns whether everything is held that there is.
    pub(super) fn is_whole(&self) -> bool {
        let Some(manifest) = self.manifest() else {
            return false;
        };
        let total = manifest.layout.total_blocks();
        if self.held.len() == total || self.left_out.is_empty() {
            return self.held.len() == total;
        }
        let mut all = self.held.clone();
        for (file, _) in self.left_out.files() {
            all.insert(manifest.layout.file_blocks(file as usize));
        }
        all.len() == total
    }

    /// Notes the files that the sender cannot read. Returns whether that can be, as far as it is
    /// known.
    pub(super) fn leave_out(&mut self, files: LeftOut) -> bool {
        let Stage::Blocks(known) = &self.stage else {
            return files.is_empty();
        };
        let is_plausible = files.is_plausible(known.manifest.entries.len() as u32);
        if is_plausible {
            self.left_out = files;
        }
        is_plausible
    }

    pub(super) fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Places of the files that are left out, in bytes of the content.
    pub(super) fn left_out_ranges(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let files = self.manifest().map_or(&[][..], |m| m.layout.files());
        let left_out = self.left_out.files();
        let spans = left_out.filter_map(|(file, _)| files.get(file as usize));
        for span in spans.filter(|span| span.size > 0) {
            let end = span.offset + span.size;
            match ranges.last_mut() {
                Some(last) if last.end == span.offset => last.end = end,
                _ => ranges.push(span.offset..end),
            }
        }
        ranges
    }

    /// Bytes of what is left out.
    pub(super) fn left_out_bytes(&self) -> u64 {
        let ranges = self.left_out_ranges().into_iter();
        ranges.map(|range| range.end - range.start).sum()
    }

    /// The hash of a file as it arrived, once it is whole.
    pub(super) fn digest(&self, file: usize) -> Option<&blake3::Hash> {
        match &self.stage {
            Stage::Manifest(_) => None,
            Stage::Blocks(known) => known.hashes.digest(file),
        }
    }

    /// The CRC-32 of a file as it arrived, once it is whole, if that is wanted.
    pub(super) fn sum(&self, file: usize) -> Option<u32> {
        match &self.stage {
            Stage::Manifest(_) => None,
            Stage::Blocks(known) => known.hashes.sum(file),
        }
    }

    /// Gives the text away, if it is one.
    pub(super) fn take_text(&mut self) -> Option<String> {
        let text = self.text.take()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// How many bytes a run of blocks has; `None` if that is not known, or no frame has such a run.
    pub(super) fn run_len(&self, run: &Range<u32>, offer: &Offer) -> Option<u64> {
        if run.start >= run.end {
            return None;
        }
        match &self.stage {
            Stage::Manifest(_) => (u64::from(run.end) <= blocks(offer.manifest_len)).then(|| {
                (u64::from(run.end) * BLOCK).min(offer.manifest_len) - u64::from(run.start) * BLOCK
            }),
            Stage::Blocks(known) => {
                let layout = &known.manifest.layout;
                let fits = run.end <= layout.total_blocks()
                    && run.end <= layout.region(layout.region_of(run.start)).end;
                fits.then(|| layout.run_len(run))
            }
        }
    }

    /// Puts a frame's blocks where they belong. What was held before stays: only the bytes that
    /// were hashed may be the ones that are kept.
    #[inline(never)]
    pub(super) fn place(
        &mut self,
        run: Range<u32>,
        data: &Bytes,
        offer: &Offer,
        store: &mut impl FnMut(StoreRequest),
    ) -> Placed {
        if self.run_len(&run, offer) != Some(data.len() as u64) {
            return Placed::Nothing;
        }
        match &mut self.stage {
            Stage::Manifest(bytes) => {
                let from = u64::from(run.start) * BLOCK;
                let to = from + data.len() as u64;
                let last = blocks(offer.manifest_len);
                // It grows with what arrives: its announced length is only the sender's word.
                bytes.resize(bytes.len().max(to as usize), 0);
                bytes[from as usize..to as usize].copy_from_slice(data);
                self.held.insert(run);
                if u64::from(self.held.len()) < last {
                    Placed::Blocks
                } else {
                    self.read_manifest(offer, store)
                }
            }
            Stage::Blocks(known) => {
                let fresh = self.held.missing(run.clone());
                for part in &fresh {
                    known.keep(&run, part, data, self.text.as_mut(), offer, store);
                    self.held.insert(part.clone());
                }
                if fresh.is_empty() {
                    Placed::Nothing
                } else {
                    Placed::Blocks
                }
            }
        }
    }

    fn read_manifest(&mut self, offer: &Offer, store: &mut impl FnMut(StoreRequest)) -> Placed {
        let Stage::Manifest(bytes) = &mut self.stage else {
            return Placed::Nothing;
        };
        if blake3::hash(bytes) != blake3::Hash::from_bytes(offer.manifest_hash) {
            self.held = RangeSet::default();
            return Placed::NotTheManifest;
        }
        let manifest = Manifest::decode(bytes, offer.files).filter(|manifest| {
            manifest.layout.content_len() == offer.total
                && manifest.entries.len() == offer.files as usize
        });
        let Some(manifest) = manifest else {
            return Placed::BadManifest;
        };
        if !offer.text {
            store(StoreRequest::Note {
                parcel: offer.parcel,
                note: Note::Manifest(std::mem::take(bytes)).to_bytes(),
            });
        }
        let hashes = if self.sums {
            ParcelHashes::with_sums(&manifest.layout)
        } else {
            ParcelHashes::new(&manifest.layout)
        };
        let digests = vec![0; manifest.entries.len() * DIGEST as usize];
        self.stage = Stage::Blocks(Box::new(Known {
            manifest,
            hashes,
            digests,
        }));
        Placed::Manifest
    }

    /// Compares the hashes of what arrived with those the sender sent. `Ok` if all agree; otherwise
    /// what does not is forgotten, to be fetched again, and `Err` has the first such file. It is empty if
    /// the list of hashes is not the sender's.
    #[inline(never)]
    pub(super) fn verify(&mut self, digests_hash: &[u8; 32]) -> Result<(), String> {
        let Stage::Blocks(known) = &mut self.stage else {
            return Err(String::new());
        };
        let layout = &known.manifest.layout;
        if *blake3::hash(&known.digests).as_bytes() != *digests_hash {
            self.held.remove(layout.region(Region::Digests));
            return Err(String::new());
        }
        let mut first = None;
        for (file, expected) in known.digests.chunks_exact(DIGEST as usize).enumerate() {
            let actual = known.hashes.digest(file);
            if self.left_out.contains(file)
                || actual.is_some_and(|actual| actual.as_bytes() == expected)
            {
                continue;
            }
            let blocks = layout.file_blocks(file);
            if self.text.is_some() {
                self.held.remove(blocks);
            } else {
                self.held.subtract(&self.suspects.accuse(&blocks));
            }
            known.hashes.reset(layout, file);
            first.get_or_insert_with(|| known.manifest.entries[file].path.clone());
        }
        match first {
            None => Ok(()),
            Some(path) => {
                // The digests may be wrong as well.
                self.held.remove(layout.region(Region::Digests));
                Err(path)
            }
        }
    }
}

/// A second look at content that is here already.
impl Content {
    /// From now on only signed frames are taken; what is held came without.
    pub(super) fn suspect_held(&mut self) {
        self.suspects.suspect(&self.held);
    }

    /// Hashes what is held of a run, if these may be its bytes.
    pub(super) fn hash_again(&mut self, run: Range<u32>, data: &[u8]) -> bool {
        let Stage::Blocks(known) = &mut self.stage else {
            return false;
        };
        let layout = &known.manifest.layout;
        let is_whole = layout.run_len(&run) == data.len() as u64;
        if is_whole {
            known.hashes.add(layout, run, data);
        }
        is_whole
    }

    /// Has a run fetched again.
    pub(super) fn forget(&mut self, run: Range<u32>) {
        self.held.remove(run);
    }
}

/// Going on after a restart.
impl Content {
    /// The digests that everything was compared with.
    pub(super) fn digests(&self) -> Option<&[u8]> {
        match &self.stage {
            Stage::Manifest(_) => None,
            Stage::Blocks(known) => Some(&known.digests),
        }
    }

    /// Takes in what storage kept of a run of content: the blocks that give the checks noted.
    pub(super) fn restore(&mut self, run: Range<u32>, data: &[u8], checks: &[[u8; CHECK]]) {
        let Stage::Blocks(known) = &mut self.stage else {
            return;
        };
        let layout = &known.manifest.layout;
        if layout.run_len(&run) == data.len() as u64 {
            let genuine = known.hashes.restore(layout, run, data, checks);
            self.held.extend(&genuine);
        }
    }

    /// Takes in noted digests, if they are those of what is held, which is whole then. Returns whether
    /// they are.
    pub(super) fn restore_digests(&mut self, digests: &[u8]) -> bool {
        let Stage::Blocks(known) = &mut self.stage else {
            return false;
        };
        let same = known.digests.len() == digests.len()
            && digests
                .chunks_exact(DIGEST as usize)
                .enumerate()
                .all(|(file, noted)| {
                    let actual = known.hashes.digest(file);
                    self.left_out.contains(file)
                        || actual.is_some_and(|actual| actual.as_bytes() == noted)
                });
        if same {
            known.digests.copy_from_slice(digests);
            self.held
                .insert(known.manifest.layout.region(Region::Digests));
        }
        same
    }
}

impl Known {
    /// Keeps the blocks `part` of a frame that carries the blocks `run`.
    fn keep(
        &mut self,
        run: &Range<u32>,
        part: &Range<u32>,
        data: &Bytes,
        text: Option<&mut Vec<u8>>,
        offer: &Offer,
        store: &mut impl FnMut(StoreRequest),
    ) {
        let layout = &self.manifest.layout;
        match layout.region_of(run.start) {
            Region::Manifest => {}
            Region::Digests => {
                let (slice, at) = cut(|block| layout.digest_offset(block), run, part);
                let target = at as usize..at as usize + slice.len();
                self.digests[target].copy_from_slice(&data[slice]);
            }
            Region::Content => {
                let (slice, at) = cut(|block| layout.content_offset(block), run, part);
                let piece = data.slice(slice);
                let checks = self.hashes.add(layout, part.clone(), &piece);
                if let Some(text) = text {
                    text[at as usize..at as usize + piece.len()].copy_from_slice(&piece);
                    return;
                }
                let parcel = offer.parcel;
                store(StoreRequest::Write {
                    parcel,
                    offset: at,
                    data: piece,
                });
                for blocks in Blocks::of(&checks) {
                    let note = Note::Blocks(blocks).to_bytes();
                    store(StoreRequest::Note { parcel, note });
                }
            }
        }
    }
}

/// Places of the blocks `part` in a frame's data and in their region.
fn cut(offset: impl Fn(u32) -> u64, run: &Range<u32>, part: &Range<u32>) -> (Range<usize>, u64) {
    let (begin, from, to) = (offset(run.start), offset(part.start), offset(part.end));
    ((from - begin) as usize..(to - begin) as usize, from)
}

/// Returns whether a parcel's layout can be as an offer says; before anything is asked for.
pub(super) fn is_plausible(offer: &Offer) -> bool {
    u64::from(offer.block) == BLOCK
        && offer.files > 0
        && offer.files <= crate::manifest::MAX_FILES
        && (1..=crate::manifest::MAX_MANIFEST).contains(&offer.manifest_len)
        && offer.total <= crate::manifest::MAX_TOTAL
        && Layout::new(offer.manifest_len, [offer.total]).is_some()
        && (!offer.text || is_plausible_text(offer))
}

/// Texts are taken without asking, so there is little that one may need.
fn is_plausible_text(offer: &Offer) -> bool {
    offer.files == 1 && offer.total <= super::MAX_TEXT && offer.manifest_len <= 4096
}
