//! Going on after a restart with what storage kept.

use core::ops::Range;
use std::collections::VecDeque;

use mqdrop_mqtt::Time;

use super::content::{self, Content, Placed};
use super::{Incoming, Phase, Receiving};
use crate::api::Event;
use crate::effects::Effects;
use crate::hash::CHECK;
use crate::io::StoreRequest;
use crate::layout::{BLOCK, Region};
use crate::message::{LeftOut, Offer};
use crate::notes::{Blocks, Received};

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

impl Incoming {
    /// A parcel as its notes tell. `None` if they do not tell enough.
    pub(crate) fn restore(notes: Received) -> Option<Self> {
        let accepted = notes.accepted;
        if !content::is_plausible(&accepted.offer) || accepted.offer.text {
            return None;
        }
        let offer = accepted.offer;
        let mut content = Content::new(&offer);
        if let Some(manifest) = notes.manifest {
            let run = 0..u32::try_from(crate::layout::blocks(offer.manifest_len)).ok()?;
            let placed = content.place(run, &manifest.into(), &offer, &mut |_| ());
            if placed != Placed::Manifest {
                return None;
            }
        }
        let layout = content.manifest().map(|manifest| &manifest.layout);
        let known = layout.map_or(0..0, |layout| layout.region(Region::Content));
        if let Some(unsigned) = notes.unsigned {
            let (before, after) = notes.blocks.split_at(unsigned.min(notes.blocks.len()));
            let mut suspicious = Blocks::noted(before, &known);
            suspicious.subtract(&Blocks::noted(after, &known));
            content.suspects.suspect(&suspicious);
        }
        let checks = Blocks::checks(notes.blocks, &known);
        if notes.digests.is_some() {
            content.leave_out(notes.left_out);
        }
        let title = content.title(&offer);
        let mut incoming = Self::new(Offer { title, ..offer }, accepted.origin).ok()?;
        incoming.sender_present = false;
        incoming.noted = notes.times_accepted;
        incoming.phase = Phase::Restoring(Box::new(Restoring {
            content,
            checks,
            reading: None,
            digests: notes.digests,
            signed: notes.unsigned.is_some(),
        }));
        Some(incoming)
    }

    /// This device leaves the room. Whether what was accepted is kept until it is back.
    pub(crate) fn leave(&mut self) -> bool {
        if !(self.is_under_way() || self.is_done()) || self.is_text() {
            return false;
        }
        match &mut self.phase {
            Phase::Opening { paused, left } => (*paused, *left) = (true, true),
            Phase::Receiving(receiving) => receiving.rest(),
            // The content was read back, or is being.
            _ => {}
        }
        self.sender_present = false;
        true
    }

    /// This device is in the room that it was accepted in, for the first time since a restart or
    /// again. `wanted` says whether to go on receiving without being asked.
    pub(crate) fn enter(&mut self, wanted: bool, now: Time, cx: &mut Effects) {
        if let Phase::Opening { paused, .. } = &mut self.phase {
            *paused = !wanted;
        }
        if let Phase::Receiving(_) = &self.phase {
            self.go_on(wanted, now, cx);
        } else {
            self.finish_again(cx);
            self.read_back(wanted, now, cx);
        }
    }

    /// The room that it was accepted in.
    pub(crate) fn room(&self) -> &str {
        &self.origin.room
    }

    /// Returns whether what was kept is still being read back.
    pub(crate) fn is_restoring(&self) -> bool {
        matches!(self.phase, Phase::Restoring(_))
    }

    /// Bytes that storage holds for it, or has made room for.
    pub(crate) fn total(&self) -> u64 {
        self.offer.total
    }

    /// Its sender offered it to this device since the restart.
    pub(crate) fn take_offer(&mut self, offered: &Self) {
        self.origin.sender = offered.origin.sender;
        self.sender_present = offered.sender_present;
        self.sender_paused = offered.sender_paused;
    }

    /// Returns whether more of it is here, or may turn out to be, than `other` has.
    pub(crate) fn holds_more_than(&self, other: &Self) -> bool {
        self.noted_bytes() > other.noted_bytes() || other.noted_bytes() == 0
    }

    /// Bytes of content that are here, if what storage kept is as it was noted.
    fn noted_bytes(&self) -> u64 {
        let unread = match &self.phase {
            Phase::Restoring(restoring) => restoring.checks.len() as u64 * BLOCK,
            _ => 0,
        };
        self.bytes() + unread
    }

    /// Returns whether `other` is the same parcel of the same sender, who may have been restarted.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.is_offer_of_it(&other.offer)
    }

    /// Reads on, or ends reading. `wanted` says whether to go on receiving without being asked.
    pub(crate) fn read_back(&mut self, wanted: bool, now: Time, cx: &mut Effects) {
        let parcel = self.parcel();
        let Phase::Restoring(restoring) = &mut self.phase else {
            return;
        };
        if restoring.reading.is_some() {
            // Asked for before the room was left and entered again.
            return;
        }
        if let Some((run, offset, len)) = restoring.next() {
            restoring.reading = Some((run, offset));
            cx.store.push_back(StoreRequest::Read {
                parcel,
                offset,
                len,
            });
        } else {
            self.end_restoring(wanted, now, cx);
        }
        cx.event(Event::Transfer(parcel));
    }

    /// Storage read back what lies at `offset`, or nothing if it could not.
    pub(super) fn handle_read_back(&mut self, offset: u64, data: &[u8]) {
        let Phase::Restoring(restoring) = &mut self.phase else {
            return;
        };
        let Some((run, _)) = restoring.reading.take_if(|(_, from)| *from == offset) else {
            return;
        };
        // They are the first of all, as they were when this run was asked for.
        let read = restoring
            .checks
            .drain(..run.len().min(restoring.checks.len()));
        let checks: Vec<_> = read.map(|(_, check)| check).collect();
        restoring.content.restore(run, data, &checks);
    }

    fn end_restoring(&mut self, wanted: bool, now: Time, cx: &mut Effects) {
        let parcel = self.parcel();
        let phase = std::mem::replace(&mut self.phase, Phase::Offered);
        let Phase::Restoring(restoring) = phase else {
            return;
        };
        let Restoring {
            mut content,
            digests,
            signed,
            ..
        } = *restoring;
        cx.event(Event::Files(parcel));
        if digests.is_some_and(|digests| content.restore_digests(&digests)) {
            return self.begin_finishing(content, cx);
        }
        content.leave_out(LeftOut::default());
        let mut receiving = Receiving::new(&self.offer, content, true, now);
        receiving.restored = true;
        (receiving.signed, receiving.signed_noted) = (signed, signed);
        self.phase = Phase::Receiving(Box::new(receiving));
        self.note_accepted(cx);
        self.go_on(wanted, now, cx);
    }

    /// Goes on receiving if that is wanted; else tells the sender that it waits.
    fn go_on(&mut self, wanted: bool, now: Time, cx: &mut Effects) {
        if wanted {
            self.set_paused(false, now, cx);
        } else if let Phase::Receiving(receiving) = &mut self.phase {
            receiving.ack.now(now);
        }
    }
}

impl Restoring {
    /// Returns whether all of it was verified before.
    pub(super) fn was_whole(&self) -> bool {
        self.digests.is_some()
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
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
