//! The pump: what is to be sent, what is being read for that, and what only waits for the socket.

use core::ops::Range;
use std::collections::VecDeque;

use crate::frame::FRAME_HEAD;
use crate::layout::{Layout, Region};
use crate::ranges::RangeSet;

/// The most runs of blocks that are to be sent: receivers choose them.
const MAX_QUEUED: usize = 8192;

#[derive(Default)]
pub(super) struct Pump {
    /// Blocks that some receiver lacks and nobody is being sent.
    queue: RangeSet,
    /// Where the last frame ended: sending goes on from here and around, so that one who comes in
    /// the middle does not send the others back to the beginning.
    cursor: u32,
    /// Frames that are being read or wait for the socket.
    preparing: RangeSet,
    prepared_bytes: u64,
    ready: VecDeque<Ready>,
    /// Blocks are being read that are only hashed.
    pub(super) is_hashing: bool,
}

/// A frame that only waits to be sealed and sent.
pub(super) struct Ready {
    pub(super) blocks: Range<u32>,
    /// Room for the frame's head, then its blocks.
    pub(super) buffer: Vec<u8>,
    /// Its send time, the bytes that went, and how long its pieces are, once some of them went: a
    /// frame is accounted for by the length of its packets, so that stays.
    pub(super) begun: Option<(u64, usize, usize)>,
}

impl Ready {
    /// Bytes of its blocks.
    pub(super) fn bytes(&self) -> usize {
        self.buffer.len() - FRAME_HEAD
    }
}

impl Pump {
    /// Bytes of frames that are being read or wait for the socket.
    pub(super) fn prepared_bytes(&self) -> u64 {
        self.prepared_bytes
    }

    /// Tells whether no frame is being read or waits for the socket.
    pub(super) fn is_idle(&self) -> bool {
        self.preparing.is_empty()
    }

    /// Tells whether nothing is to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Some receiver lacks these blocks. What is being prepared comes to it anyway.
    pub(super) fn add(&mut self, lacking: &RangeSet) {
        let mut lacking = lacking.clone();
        lacking.subtract(&self.preparing);
        self.queue.extend(&lacking);
        if self.queue.runs().len() > MAX_QUEUED {
            // Blocks that are added so, and nobody lacks, are passed over when their turn comes.
            self.queue.coarsen(MAX_QUEUED / 2);
            self.queue.subtract(&self.preparing);
        }
    }

    /// Everyone who takes part lacks this run.
    pub(super) fn add_run(&mut self, run: Range<u32>) {
        self.queue.insert(run);
    }

    /// Nobody lacks this run, or it cannot be sent yet.
    pub(super) fn remove(&mut self, run: Range<u32>) {
        self.queue.remove(run);
    }

    /// These blocks cannot be sent.
    pub(super) fn remove_all(&mut self, blocks: &RangeSet) {
        self.queue.subtract(blocks);
    }

    /// The run whose turn it is: of what is to be sent, from the cursor on and around; before that the
    /// manifest, because nothing can be placed without it, and the digests as soon as they are
    /// known, because somebody may wait for nothing else.
    pub(super) fn next(&self, content: &Range<u32>) -> Option<Range<u32>> {
        let first = self.queue.next_from(0)?;
        if first.start < content.start {
            return Some(first);
        }
        let digests = self.queue.next_from(content.end);
        let content = || self.queue.next_from(self.cursor);
        digests.or_else(content).or(Some(first))
    }

    /// A frame of these blocks is prepared.
    pub(super) fn prepare(&mut self, blocks: &Range<u32>, layout: &Layout) {
        self.queue.remove(blocks.clone());
        if layout.region_of(blocks.start) == Region::Content {
            self.cursor = blocks.end;
        }
        self.preparing.insert(blocks.clone());
        self.prepared_bytes += layout.run_len(blocks);
    }

    /// Blocks are no longer being prepared.
    pub(super) fn release(&mut self, blocks: &Range<u32>, layout: &Layout) {
        self.preparing.remove(blocks.clone());
        let bytes = layout.run_len(blocks);
        self.prepared_bytes = self.prepared_bytes.saturating_sub(bytes);
    }

    /// A frame has its bytes: room for its head, then its blocks.
    pub(super) fn push(&mut self, blocks: Range<u32>, buffer: Vec<u8>) {
        self.ready.push_back(Ready {
            blocks,
            buffer,
            begun: None,
        });
    }

    /// Takes the next frame that waits for the socket.
    pub(super) fn pop(&mut self) -> Option<Ready> {
        self.ready.pop_front()
    }

    /// A frame is sent on before all others.
    pub(super) fn go_on_with(&mut self, ready: Ready) {
        self.ready.push_front(ready);
    }

    /// A frame is not sent now, or not to its end.
    pub(super) fn put_back(&mut self, ready: Ready, layout: &Layout) {
        if ready.begun.is_none() {
            self.release(&ready.blocks, layout);
        }
        self.queue.insert(ready.blocks);
    }

    /// No frame is sent now.
    pub(super) fn put_all_back(&mut self, layout: &Layout) {
        for ready in std::mem::take(&mut self.ready) {
            self.put_back(ready, layout);
        }
    }

    /// Nothing is sent any more.
    pub(super) fn end(&mut self, layout: &Layout) {
        self.put_all_back(layout);
        self.queue = RangeSet::default();
    }

    /// The number of runs to be sent.
    #[cfg(test)]
    pub(super) fn runs(&self) -> usize {
        self.queue.runs().len()
    }
}
