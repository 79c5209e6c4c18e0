//! Kept content while it is read back and compared with its notes.

use core::ops::Range;
use std::collections::VecDeque;

use super::content::Content;
use crate::hash::CHECK;
use crate::layout::BLOCK;

/// Bytes that are read back at once.
const READ: u64 = 4 * 1024 * 1024;

/// Kept content while it is read back and compared with its notes.
pub(super) struct Restoring {
    content: Content,
    /// The checks of the blocks that are not read back yet, in their order.
    checks: VecDeque<(u32, [u8; CHECK])>,
    /// The run that is being read, and its place in the content.
    reading: Option<(Range<u32>, u64)>,
    /// All of it was verified before.
    digests: Option<Vec<u8>>,
    /// Somebody forged frames.
    signed: bool,
}

impl Restoring {
    /// Content of which nothing is read back yet; `signed` says that somebody forged frames of it.
    pub(super) fn new(
        content: Content,
        checks: VecDeque<(u32, [u8; CHECK])>,
        digests: Option<Vec<u8>>,
        signed: bool,
    ) -> Self {
        Self {
            content,
            checks,
            reading: None,
            digests,
            signed,
        }
    }

    /// Returns whether all of it was verified before.
    pub(super) fn was_whole(&self) -> bool {
        self.digests.is_some()
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    /// Bytes of blocks that are not read back yet.
    pub(super) fn unread_bytes(&self) -> u64 {
        self.checks.len() as u64 * BLOCK
    }

    /// Tells whether storage was asked and has not answered, perhaps before the room was left and entered
    /// again.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Begins to read what comes next: its place and length in bytes; `None` if all was read.
    pub(super) fn read_on(&mut self) -> Option<(u64, usize)> {
        let (run, offset, len) = self.next()?;
        self.reading = Some((run, offset));
        Some((offset, len))
    }

    /// Storage read back what lies at `offset`, or nothing if it could not.
    pub(super) fn handle_read(&mut self, offset: u64, data: &[u8]) {
        let Some((run, _)) = self.reading.take_if(|(_, from)| *from == offset) else {
            return;
        };
        // They are the first of all, as they were when this run was asked for.
        let read = self.checks.drain(..run.len().min(self.checks.len()));
        let checks: Vec<_> = read.map(|(_, check)| check).collect();
        self.content.restore(run, data, &checks);
    }

    /// All was read: the content, whether all of it is verified, and whether somebody forged frames.
    pub(super) fn end(mut self) -> (Content, bool, bool) {
        let digests = self.digests.take();
        let is_whole = digests.is_some_and(|digests| self.content.restore_digests(&digests));
        (self.content, is_whole, self.signed)
    }

    /// The next run of noted blocks, and where it lies in the content.
    fn next(&self) -> Option<(Range<u32>, u64, usize)> {
        let layout = &self.content.manifest()?.layout;
        let mut noted = self.checks.iter().map(|(block, _)| *block);
        let first = noted.next()?;
        let most = u32::try_from(READ / BLOCK).unwrap_or(1);
        let end = noted
            .zip(first + 1..first.saturating_add(most))
            .take_while(|(block, expected)| block == expected)
            .last()
            .map_or(first + 1, |(block, _)| block + 1);
        let run = first..end;
        let len = layout.run_len(&run) as usize;
        Some((run, layout.content_offset(first), len))
    }
}
