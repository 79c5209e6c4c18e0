//! What is sent next, and where its bytes come from.

use core::ops::Range;

use mqdrop_mqtt::Time;

use super::original::Files;
use super::receiver::{Phase, Progress};
use super::{Outgoing, Ready, Receiver};
use crate::api::Event;
use crate::effects::Effects;
use crate::frame::{FRAME_HEAD, FRAME_OVERHEAD};
use crate::frame_size::Fit;
use crate::ids::RoomId;
use crate::io::{ReadError, ReadPurpose, ReadRequest};
use crate::layout::{BLOCK, DIGEST, Region};

/// Bytes read at once where they are only hashed.
const HASH_READ: u64 = 1024 * 1024;

impl Outgoing {
    /// Bytes of frames that are being read or wait for the socket.
    pub(crate) fn prepared_bytes(&self) -> u64 {
        self.prepared_bytes
    }

    /// Prepares frames that fit while `budget` lasts; those whose bytes the driver must read are
    /// handed to it.
    #[inline(never)]
    pub(crate) fn next_read(&mut self, fit: &Fit, budget: u64, now: Time) -> Option<ReadRequest> {
        if self.ended.is_some() {
            return None;
        }
        match self.files {
            Files::Here if self.paused => return None,
            Files::Here => {}
            Files::Lacking(_) => return None,
            Files::Checking(_) => return self.next_check(),
        }
        while self.prepared_bytes < budget {
            let Some(blocks) = self.choose(self.fitting(fit.frame), fit.window, now) else {
                break;
            };
            let len = self.manifest.layout.run_len(&blocks) as usize;
            self.queue.remove(blocks.clone());
            if self.manifest.layout.region_of(blocks.start) == Region::Content {
                self.cursor = blocks.end;
            }
            self.preparing.insert(blocks.clone());
            self.prepared_bytes += len as u64;
            match self.in_memory(&blocks) {
                Some(bytes) => {
                    let mut buffer = Vec::with_capacity(len + FRAME_OVERHEAD);
                    buffer.resize(FRAME_HEAD, 0);
                    buffer.extend_from_slice(bytes);
                    self.ready.push_back(Ready::new(blocks, buffer));
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
            return self.release(&blocks);
        }
        if self.is_checking() {
            self.hash_read_under_way = false;
            return self.check(blocks, &buffer[target], result, cx);
        }
        if let Err(error) = result {
            let framed = matches!(purpose, ReadPurpose::Frame { .. });
            return self.leave_out(blocks, framed, &error, now, cx);
        }
        let known = self.digests.is_some();
        let layout = &self.manifest.layout;
        let checks = self.hashes.add(layout, blocks.clone(), &buffer[target]);
        self.note_checks(&checks, cx);
        match purpose {
            ReadPurpose::Hash { .. } => self.hash_read_under_way = false,
            ReadPurpose::Frame { .. } => self.ready.push_back(Ready::new(blocks, buffer)),
        }
        self.learn_digests();
        if !known && self.digests.is_some() {
            cx.event(Event::Files(self.parcel));
        }
    }

    /// The length of the next frame: at least four fit into the largest window. A window that a
    /// single frame fills could not grow, and a lost frame without another behind it is only
    /// noticed after a time-out.
    fn fitting(&self, frame_bytes: u64) -> u64 {
        let progresses = self.receivers.values().filter_map(Receiver::active);
        let window = progresses.map(|progress| progress.pacer.window()).max();
        window.map_or(frame_bytes, |window| {
            frame_bytes.min(window / 4 / BLOCK * BLOCK).max(BLOCK)
        })
    }

    /// The run to send next: of what somebody lacks, from the cursor on and around; before that the
    /// manifest, because nothing can be placed without it, and the digests as soon as they are
    /// known, because somebody may wait for nothing else. `None` while someone has no room.
    fn choose(&mut self, frame_bytes: u64, window: u64, now: Time) -> Option<Range<u32>> {
        let reserved = self.prepared_bytes;
        let has_room = |progress: &Progress| progress.has_room(frame_bytes, reserved, window);
        let mut active = self.receivers.values().filter_map(Receiver::active);
        let anyone_has_room = active.any(has_room);
        let mut anyone_is_waited_for = false;
        let receivers = self.receivers.iter_mut();
        for progress in receivers.filter_map(|(_, receiver)| receiver.active_mut()) {
            if has_room(progress) {
                progress.full_since = None;
            } else {
                anyone_is_waited_for |= progress.is_waited_for(anyone_has_room, now);
            }
        }
        if !anyone_has_room || anyone_is_waited_for {
            return None;
        }
        let content = self.manifest.layout.region(Region::Content);
        self.queue.subtract(&self.gaps.blocks);
        loop {
            let first = self.queue.next_from(0)?;
            let run = if first.start < content.start {
                first
            } else {
                let digests = self.queue.next_from(content.end);
                let content = || self.queue.next_from(self.cursor);
                digests.or_else(content).unwrap_or(first)
            };
            let run = self
                .manifest
                .layout
                .clip(run, frame_bytes.max(BLOCK), u32::from(u16::MAX));
            match self.first_lacking(&run) {
                Some(lacking) => return Some(lacking),
                // Everyone got it meanwhile.
                None => self.queue.remove(run),
            }
        }
    }

    /// The first part of `run` that an active receiver lacks; the queue loses what comes before it.
    fn first_lacking(&mut self, run: &Range<u32>) -> Option<Range<u32>> {
        let mut first: Option<Range<u32>> = None;
        for progress in self.receivers.values().filter_map(Receiver::active) {
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
            self.queue.remove(run.start..found.start);
        }
        first
    }

    /// The bytes of a run that need no reading.
    fn in_memory(&self, blocks: &Range<u32>) -> Option<&[u8]> {
        let layout = &self.manifest.layout;
        let (from, whole) = match layout.region_of(blocks.start) {
            Region::Manifest => (u64::from(blocks.start) * BLOCK, &self.manifest_bytes[..]),
            Region::Content => (
                layout.content_offset(blocks.start),
                self.text.as_deref()?.as_bytes(),
            ),
            Region::Digests => (layout.digest_offset(blocks.start), self.digests.as_deref()?),
        };
        debug_assert_eq!(DIGEST, blake3::OUT_LEN as u64);
        let from = from as usize;
        whole.get(from..from + layout.run_len(blocks) as usize)
    }

    /// Where receivers held blocks before this device first read them (it was restarted), they must
    /// still be read once: their hashes are part of what completes the parcel.
    fn next_hash_read(&mut self) -> Option<ReadRequest> {
        if self.hash_read_under_way || self.digests.is_some() || !self.preparing.is_empty() {
            return None;
        }
        // What is queued for somebody is read for that one first.
        let is_sending = self.receivers.values().any(|each| each.active().is_some());
        let is_verifying = |each: &Receiver| matches!(each.phase, Phase::Verifying { .. });
        if !(is_sending && self.queue.is_empty()
            || !is_sending && self.receivers.values().any(is_verifying))
        {
            return None;
        }
        let missing = self.hashes.next_missing(&self.manifest.layout)?;
        Some(self.hash_read(missing))
    }

    /// Reads the first part of blocks that are only hashed.
    pub(super) fn hash_read(&mut self, blocks: Range<u32>) -> ReadRequest {
        let layout = &self.manifest.layout;
        let blocks = layout.clip(blocks, HASH_READ, u32::from(u16::MAX));
        self.hash_read_under_way = true;
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
            parcel: self.parcel,
            segments: self.manifest.layout.segments(blocks.clone()),
            first_block: blocks.start,
            target: from..buffer.len(),
            buffer,
            purpose,
            room: RoomId::default(),
        }
    }
}
