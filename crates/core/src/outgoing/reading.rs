//! The choice of what is sent next, and where its bytes come from.

use core::ops::Range;

use mqdrop_mqtt::Time;

use super::original::Files;
use super::receiver::{Phase, Progress};
use super::{Outgoing, Receiver};
use crate::api::Event;
use crate::effects::Effects;
use crate::frame::{FRAME_HEAD, FRAME_OVERHEAD};
use crate::frame_size::Fit;
use crate::ids::RoomId;
use crate::io::{ReadError, ReadPurpose, ReadRequest};
use crate::layout::{BLOCK, Region};

/// Bytes read at once where they are only hashed.
const HASH_READ: u64 = 1024 * 1024;

impl Outgoing {
    /// Bytes of frames that are being read or wait for the socket.
    pub(crate) fn prepared_bytes(&self) -> u64 {
        self.pump.prepared_bytes()
    }

    /// Prepares frames that fit while `budget` lasts; those whose bytes the driver must read are
    /// handed to it.
    #[inline(never)]
    pub(crate) fn next_read(&mut self, fit: &Fit, budget: u64, now: Time) -> Option<ReadRequest> {
        if self.ended.is_some() {
            return None;
        }
        match self.source.files {
            Files::Here if self.paused => return None,
            Files::Here => {}
            Files::Lacking(_) => return None,
            Files::Checking(_) => return self.next_check(),
        }
        while self.pump.prepared_bytes() < budget {
            let Some(blocks) = self.choose(self.fitting(fit.frame), fit.window, now) else {
                break;
            };
            let len = self.parcel.layout().run_len(&blocks) as usize;
            self.pump.prepare(&blocks, self.parcel.layout());
            let digests = self.source.digests.as_deref();
            match self.parcel.in_memory(&blocks, digests) {
                Some(bytes) => {
                    let mut buffer = Vec::with_capacity(len + FRAME_OVERHEAD);
                    buffer.resize(FRAME_HEAD, 0);
                    buffer.extend_from_slice(bytes);
                    self.pump.push(blocks, buffer);
                }
                None => {
                    // A build for size clears what a buffer grows by byte by byte, but all of a new
                    // one at once.
                    let mut buffer = vec![0; len + FRAME_OVERHEAD];
                    buffer.truncate(FRAME_HEAD + len);
                    let purpose = ReadPurpose::Frame {
                        count: blocks.len() as u16,
                    };
                    return Some(self.read(&blocks, buffer, FRAME_HEAD, purpose));
                }
            }
        }
        self.next_hash_read()
    }

    /// The driver read what it was asked to, or could not.
    #[inline(never)]
    pub(crate) fn handle_read(
        &mut self,
        request: ReadRequest,
        result: Result<(), ReadError>,
        now: Time,
        cx: &mut Effects,
    ) {
        let ReadRequest {
            first_block,
            buffer,
            target,
            purpose,
            ..
        } = request;
        let (ReadPurpose::Frame { count } | ReadPurpose::Hash { count }) = purpose;
        let blocks = first_block..first_block + u32::from(count);
        if self.ended.is_some() {
            return self.pump.release(&blocks, self.parcel.layout());
        }
        if self.is_checking() {
            self.pump.is_hashing = false;
            return self.check(blocks, &buffer[target], result, cx);
        }
        if let Err(error) = result {
            let framed = matches!(purpose, ReadPurpose::Frame { .. });
            return self.leave_out(blocks, framed, &error, now, cx);
        }
        let known = self.source.digests.is_some();
        let layout = self.parcel.layout();
        let checks = self
            .source
            .hashes
            .add(layout, blocks.clone(), &buffer[target]);
        self.journal.note_checks(&checks, cx);
        match purpose {
            ReadPurpose::Hash { .. } => self.pump.is_hashing = false,
            ReadPurpose::Frame { .. } => self.pump.push(blocks, buffer),
        }
        self.learn_digests();
        if !known && self.source.digests.is_some() {
            cx.event(Event::Files(self.parcel.id));
        }
    }

    /// The length of the next frame: at least four fit into the largest window. A window that a
    /// single frame fills could not grow, and a lost frame without another behind it is only
    /// noticed after a time-out.
    fn fitting(&self, frame_bytes: u64) -> u64 {
        let progresses = self.receivers.active();
        let window = progresses.map(|progress| progress.pacer.window()).max();
        window.map_or(frame_bytes, |window| {
            frame_bytes.min(window / 4 / BLOCK * BLOCK).max(BLOCK)
        })
    }

    /// The run to send next: of what somebody lacks, from the cursor on and around; before that the
    /// manifest, because nothing can be placed without it, and the digests as soon as they are
    /// known, because somebody may wait for nothing else. `None` while someone has no room.
    fn choose(&mut self, frame_bytes: u64, window: u64, now: Time) -> Option<Range<u32>> {
        let reserved = self.pump.prepared_bytes();
        let has_room = |progress: &Progress| progress.has_room(frame_bytes, reserved, window);
        let anyone_has_room = self.receivers.active().any(has_room);
        let mut anyone_is_waited_for = false;
        for progress in self.receivers.active_mut() {
            if has_room(progress) {
                progress.full_since = None;
            } else {
                anyone_is_waited_for |= progress.is_waited_for(anyone_has_room, now);
            }
        }
        if !anyone_has_room || anyone_is_waited_for {
            return None;
        }
        let content = self.parcel.layout().region(Region::Content);
        self.pump.remove_all(&self.source.gaps.blocks);
        loop {
            let run = self.pump.next(&content)?;
            let run = self
                .parcel
                .layout()
                .clip(run, frame_bytes.max(BLOCK), u32::from(u16::MAX));
            match self.first_lacking(&run) {
                Some(lacking) => return Some(lacking),
                // Everyone got it meanwhile.
                None => self.pump.remove(run),
            }
        }
    }

    /// The first part of `run` that an active receiver lacks; the queue loses what comes before it.
    fn first_lacking(&mut self, run: &Range<u32>) -> Option<Range<u32>> {
        let mut first: Option<Range<u32>> = None;
        for progress in self.receivers.active() {
            for part in progress.held.missing(run.clone()) {
                match &mut first {
                    Some(found) if part.start > found.end => {}
                    Some(found) if part.end < found.start => *found = part,
                    Some(found) => *found = found.start.min(part.start)..found.end.max(part.end),
                    None => first = Some(part),
                }
            }
        }
        if let Some(found) = &first {
            self.pump.remove(run.start..found.start);
        }
        first
    }

    /// Where receivers held blocks before this device first read them (it was restarted), they must
    /// still be read once: their hashes are part of what completes the parcel.
    fn next_hash_read(&mut self) -> Option<ReadRequest> {
        if self.pump.is_hashing || self.source.digests.is_some() || !self.pump.is_idle() {
            return None;
        }
        // Blocks that are queued for somebody are read for that one first.
        let is_sending = self.receivers.is_any_active();
        let is_verifying = |each: &Receiver| matches!(each.phase, Phase::Verifying { .. });
        if !(is_sending && self.pump.is_empty()
            || !is_sending && self.receivers.values().any(is_verifying))
        {
            return None;
        }
        let missing = self.source.hashes.next_missing(self.parcel.layout())?;
        Some(self.hash_read(missing))
    }

    /// Reads the first part of blocks that are only hashed.
    pub(super) fn hash_read(&mut self, blocks: Range<u32>) -> ReadRequest {
        let layout = self.parcel.layout();
        let blocks = layout.clip(blocks, HASH_READ, u32::from(u16::MAX));
        self.pump.is_hashing = true;
        let buffer = vec![0; layout.run_len(&blocks) as usize];
        let purpose = ReadPurpose::Hash {
            count: blocks.len() as u16,
        };
        self.read(&blocks, buffer, 0, purpose)
    }

    fn read(
        &self,
        blocks: &Range<u32>,
        buffer: Vec<u8>,
        from: usize,
        purpose: ReadPurpose,
    ) -> ReadRequest {
        ReadRequest {
            parcel: self.parcel.id,
            segments: self.parcel.layout().segments(blocks.clone()),
            first_block: blocks.start,
            target: from..buffer.len(),
            buffer,
            purpose,
            room: RoomId::default(),
        }
    }
}
