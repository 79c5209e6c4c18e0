//! Files that turn out not to be readable: the others go on without them.

use core::ops::Range;

use mqdrop_mqtt::Time;

use super::Outgoing;
use super::receiver::Phase;
use crate::api::Event;
use crate::cause::Cause;
use crate::effects::Effects;
use crate::hash::ParcelHashes;
use crate::io::{ReadError, ReadFailure};
use crate::layout::{Layout, Region};
use crate::message::{EndReason, LeftOut};
use crate::notes::Note;
use crate::ranges::RangeSet;

/// What is left out of a parcel.
#[derive(Default)]
pub(super) struct Gaps {
    pub(super) files: LeftOut,
    /// Their blocks.
    pub(super) blocks: RangeSet,
    /// The path of the first one, and why it is, in the driver's words.
    pub(super) first: Option<(String, String)>,
}

impl Gaps {
    fn insert(&mut self, file: u32, reason: u8, layout: &Layout, hashes: &mut ParcelHashes) {
        self.files.insert(file, reason);
        let file = file as usize;
        self.blocks.insert(layout.file_blocks(file));
        hashes.skip(layout, file);
    }

    /// Whether a receiver that holds this holds all that there is.
    pub(super) fn complete(&self, held: &RangeSet, total: u32) -> bool {
        if held.len() == total || self.blocks.is_empty() {
            return held.len() == total;
        }
        let mut all = held.clone();
        all.extend(&self.blocks);
        all.len() == total
    }

    /// What is left out for a receiver that holds this.
    pub(super) fn of(&self, held: &RangeSet, layout: &Layout, hashes: &ParcelHashes) -> LeftOut {
        let mut left_out = LeftOut::default();
        for (file, reason) in self.files.files() {
            let blocks = layout.file_blocks(file as usize);
            if !held.missing(blocks).is_empty() || !hashes.is_known(file as usize) {
                left_out.insert(file, reason);
            }
        }
        left_out
    }
}

impl Outgoing {
    /// A file cannot be read, for the blocks of which a frame was to be made if `framed`. It is left
    /// out from now on; if there is no other one, the parcel ends.
    pub(super) fn leave_out(
        &mut self,
        blocks: Range<u32>,
        framed: bool,
        error: &ReadError,
        now: Time,
        cx: &mut Effects,
    ) {
        if framed {
            self.release(&blocks);
        } else {
            self.hash_read_under_way = false;
        }
        let path = self.entry_path(error.file);
        let why = || error.text.trim_end_matches('.').to_owned();
        self.gaps.first.get_or_insert_with(|| (path.clone(), why()));
        let reason = match error.kind {
            ReadFailure::Changed => EndReason::FileChanged(path),
            ReadFailure::Unreadable => EndReason::Unreadable(path),
        };
        if error.file >= self.manifest.entries.len() {
            return self.end(reason, cx);
        }
        let number = reason.ending(self.parcel).reason;
        let is_new = !self.gaps.files.contains(error.file);
        let file = error.file as u32;
        let layout = &self.manifest.layout;
        self.gaps.insert(file, number, layout, &mut self.hashes);
        // Nobody waits for a parcel of empty files alone.
        let is_all = self.gaps.blocks.len() as usize == layout.region(Region::Content).len();
        if is_all || !self.gaps.files.is_plausible(self.offer.files) {
            return self.end(reason, cx);
        }
        if is_new {
            let mut noted = LeftOut::default();
            noted.insert(file, number);
            self.note(&Note::LeftOut(noted), cx);
        }
        if framed {
            self.enqueue(&RangeSet::of(blocks));
        }
        self.queue.subtract(&self.gaps.blocks);
        self.learn_digests();
        self.complete_those_who_can_be(now);
        cx.event(Event::Files(self.parcel));
        cx.event(Event::Transfer(self.parcel));
    }

    /// Some may hold all that there is, now that there is less.
    fn complete_those_who_can_be(&mut self, now: Time) {
        if self.digests.is_none() {
            return;
        }
        let layout = &self.manifest.layout;
        for (_, receiver) in &mut self.receivers {
            if let Some(progress) = receiver.in_step_mut()
                && self.gaps.complete(&progress.held, layout.total_blocks())
            {
                let without = self.gaps.of(&progress.held, layout, &self.hashes);
                receiver.phase = Phase::Verifying { next: now, without };
            }
        }
    }

    /// After a restart, or with hashes of which nothing is known: these are left out.
    pub(super) fn restore_gaps(&mut self, files: LeftOut) {
        if files.is_plausible(self.offer.files) {
            for (file, reason) in files.files() {
                let layout = &self.manifest.layout;
                self.gaps.insert(file, reason, layout, &mut self.hashes);
            }
        }
    }

    /// Bytes of what is left out.
    pub(super) fn left_out_bytes(&self) -> u64 {
        self.layout().content_in(self.gaps.blocks.runs())
    }

    /// What is left out, if anything is.
    pub(super) fn left_out(&self) -> Option<Cause> {
        let (file, _) = self.gaps.files.files().next()?;
        let (path, why) = match self.gaps.first.clone() {
            Some((path, why)) => (path, Some(why)),
            None => (self.entry_path(file as usize), None),
        };
        Some(Cause::LeftOut {
            path,
            why,
            others: self.gaps.files.len().saturating_sub(1),
        })
    }

    /// Blocks of content that can be read.
    pub(super) fn readable(&self) -> RangeSet {
        let mut blocks = RangeSet::of(self.layout().region(Region::Content));
        blocks.subtract(&self.gaps.blocks);
        blocks
    }
}
