//! Files that turn out not to be readable: the others go on without them.

use core::ops::Range;

use mqdrop_mqtt::Time;

use super::Outgoing;
use super::receiver::Phase;
use crate::api::Event;
use crate::cause::Cause;
use crate::effects::Effects;
use crate::io::{ReadError, ReadFailure};
use crate::layout::Region;
use crate::message::{EndReason, LeftOut};
use crate::notes::Note;
use crate::ranges::RangeSet;

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
            self.pump.release(&blocks, self.parcel.layout());
        } else {
            self.pump.is_hashing = false;
        }
        let path = self.parcel.entry_path(error.file);
        self.source
            .gaps
            .first
            .get_or_insert_with(|| (path.clone(), error.why.clone()));
        let reason = match error.kind {
            ReadFailure::Changed => EndReason::FileChanged(path),
            ReadFailure::Unreadable => EndReason::Unreadable(path),
        };
        if error.file >= self.parcel.manifest.entries.len() {
            return self.end(reason, cx);
        }
        let number = reason.ending(self.parcel.id).reason;
        let is_new = !self.source.gaps.files.contains(error.file);
        let file = error.file as u32;
        let layout = self.parcel.layout();
        self.source
            .gaps
            .insert(file, number, layout, &mut self.source.hashes);
        // Nobody waits for a parcel of empty files alone.
        let is_all = self.source.gaps.blocks.len() as usize == layout.region(Region::Content).len();
        if is_all || !self.source.gaps.files.is_plausible(self.parcel.offer.files) {
            return self.end(reason, cx);
        }
        if is_new {
            let mut noted = LeftOut::default();
            noted.insert(file, number);
            self.journal.note(&Note::LeftOut(noted), cx);
        }
        if framed {
            self.enqueue(&RangeSet::of(blocks));
        }
        self.pump.remove_all(&self.source.gaps.blocks);
        self.learn_digests();
        self.complete_those_who_can_be(now);
        cx.event(Event::Files(self.parcel.id));
        cx.event(Event::Transfer(self.parcel.id));
    }

    /// Some may hold all that there is, now that there is less.
    fn complete_those_who_can_be(&mut self, now: Time) {
        if self.source.digests.is_none() {
            return;
        }
        let layout = self.parcel.layout();
        for receiver in self.receivers.values_mut() {
            if let Some(progress) = receiver.in_step_mut()
                && self
                    .source
                    .gaps
                    .complete(&progress.held, layout.total_blocks())
            {
                let without = self
                    .source
                    .gaps
                    .of(&progress.held, layout, &self.source.hashes);
                receiver.phase = Phase::Verifying { next: now, without };
            }
        }
    }

    /// After a restart, or with hashes of which nothing is known: these are left out.
    pub(super) fn restore_gaps(&mut self, files: LeftOut) {
        if files.is_plausible(self.parcel.offer.files) {
            for (file, reason) in files.files() {
                let layout = self.parcel.layout();
                self.source
                    .gaps
                    .insert(file, reason, layout, &mut self.source.hashes);
            }
        }
    }

    /// Bytes of what is left out.
    pub(super) fn left_out_bytes(&self) -> u64 {
        self.parcel
            .layout()
            .content_in(self.source.gaps.blocks.runs())
    }

    /// The cause that names what is left out, if anything is.
    pub(super) fn left_out(&self) -> Option<Cause> {
        let (file, _) = self.source.gaps.files.files().next()?;
        let (path, why) = match self.source.gaps.first.clone() {
            Some((path, why)) => (path, Some(why)),
            None => (self.parcel.entry_path(file as usize), None),
        };
        Some(Cause::LeftOut {
            path,
            why,
            others: self.source.gaps.files.len().saturating_sub(1),
        })
    }
}
