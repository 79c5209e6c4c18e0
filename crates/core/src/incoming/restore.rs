//! Going on after a restart with what storage kept.

use mqdrop_mqtt::Time;

use super::content::{self, Content, Placed};
use super::restoring::Restoring;
use super::{Incoming, Phase, Receiving};
use crate::api::Event;
use crate::effects::Effects;
use crate::io::StoreRequest;
use crate::layout::Region;
use crate::message::{LeftOut, Offer};
use crate::notes::{Blocks, Received};

impl Incoming {
    /// A parcel as its notes tell. `None` if they do not tell enough. `sums`: CRC-32 of its files is
    /// wanted.
    pub(crate) fn restore(notes: Received, sums: bool) -> Option<Self> {
        let accepted = notes.accepted;
        if !content::is_plausible(&accepted.offer) || accepted.offer.text {
            return None;
        }
        let offer = accepted.offer;
        let mut content = Content::new(&offer, sums);
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
        let mut incoming = Self::new(Offer { title, ..offer }, accepted.origin, sums).ok()?;
        incoming.sender = incoming.sender.kept(notes.times_accepted);
        let is_signed = notes.unsigned.is_some();
        let restoring = Restoring::new(content, checks, notes.digests, is_signed);
        incoming.phase = Phase::Restoring(Box::new(restoring));
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
        self.sender.set_present(false);
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
        self.sender.room()
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
        self.sender.take_over(&offered.sender);
    }

    /// Returns whether more of it is here, or may turn out to be, than `other` has.
    pub(crate) fn holds_more_than(&self, other: &Self) -> bool {
        self.noted_bytes() > other.noted_bytes() || other.noted_bytes() == 0
    }

    /// Bytes of content that are here, if what storage kept is as it was noted.
    fn noted_bytes(&self) -> u64 {
        let unread = match &self.phase {
            Phase::Restoring(restoring) => restoring.unread_bytes(),
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
        if restoring.is_reading() {
            return;
        }
        if let Some((offset, len)) = restoring.read_on() {
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
        if let Phase::Restoring(restoring) = &mut self.phase {
            restoring.handle_read(offset, data);
        }
    }

    fn end_restoring(&mut self, wanted: bool, now: Time, cx: &mut Effects) {
        let parcel = self.parcel();
        let phase = std::mem::replace(&mut self.phase, Phase::Offered);
        let Phase::Restoring(restoring) = phase else {
            return;
        };
        let (mut content, is_whole, signed) = restoring.end();
        cx.event(Event::Files(parcel));
        if is_whole {
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
