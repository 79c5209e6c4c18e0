//! The course of data frames: placed, stored, verified, given to the user.

use core::ops::Range;

use bytes::{Bytes, BytesMut};
use mqdrop_mqtt::Time;

use super::content::{Content, Placed};
use super::pieces::Partial;
use super::receiving::CREDIT;
use super::{Incoming, MAX_REPAIRS, Phase};
use crate::api::Event;
use crate::cause::Notice;
use crate::effects::{DataTopic, Effects};
use crate::io::{StoreError, StoreReply, StoreRequest};
use crate::message::EndReason;
use crate::notes::Note;

impl Incoming {
    /// A data frame arrived.
    #[inline(never)]
    pub(crate) fn handle_frame(&mut self, payload: Bytes, now: Time, cx: &mut Effects) {
        let Phase::Receiving(receiving) = &mut self.phase else {
            return;
        };
        if receiving.paused {
            return;
        }
        // Far more waits for storage than was allowed: the frame is dropped, as if it was lost.
        if receiving.unwritten > 2 * CREDIT {
            return;
        }
        let mut frame = payload
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        let by = (&self.offer.parcel_key, self.sender.device());
        let opened = receiving.cipher.open(&mut frame, by);
        let Ok((head, plain)) = opened else { return };
        if !receiving.is_by_sender(head, now) {
            return;
        }
        let data = frame.freeze().slice(plain);
        let Some(end) = head.first_block.checked_add(u32::from(head.count)) else {
            return;
        };
        let run = head.first_block..end;
        if receiving.pieces.is_other(head.sent)
            && let Some(partial) = receiving.pieces.take()
        {
            // Its other pieces are lost: they would have come before this one.
            self.take_partial(partial, now, cx);
        }
        let Phase::Receiving(receiving) = &mut self.phase else {
            return;
        };
        let Some(offset) = head.piece else {
            receiving.echo = Some((head.sent, now));
            self.take_blocks(run, &data, now, cx);
            return self.end_frame(false, now, cx);
        };
        let Some(len) = receiving.content.run_len(&run, &self.offer) else {
            // A piece that comes before the manifest is no use, but tells how long frames take.
            // The number of its frame's pieces is not known.
            let before = receiving.echo.replace((head.sent, now));
            if before.is_none_or(|(sent, _)| sent != head.sent) {
                self.take_blocks(run, &Bytes::new(), now, cx);
                self.end_frame(false, now, cx);
            }
            return;
        };
        if let Some(partial) = receiving.pieces.add((head.sent, run, len), offset, &data) {
            self.take_partial(partial, now, cx);
        }
    }

    /// No more pieces of a frame will come.
    fn take_partial(&mut self, partial: Partial, now: Time, cx: &mut Effects) {
        let (sent, run) = (partial.sent, partial.run.clone());
        let Phase::Receiving(receiving) = &mut self.phase else {
            return;
        };
        receiving.echo = Some((sent, now));
        let receiving = &*receiving;
        let len_of = |run| receiving.content.run_len(&run, &self.offer).unwrap_or(0);
        let runs = partial.into_runs(len_of);
        let is_whole = runs.first().is_some_and(|(first, _)| *first == run);
        for (run, data) in runs {
            self.take_blocks(run, &data, now, cx);
        }
        self.end_frame(!is_whole, now, cx);
    }

    /// Puts blocks where they belong.
    fn take_blocks(&mut self, run: Range<u32>, data: &Bytes, now: Time, cx: &mut Effects) {
        let Phase::Receiving(receiving) = &mut self.phase else {
            return;
        };
        let mut written = 0;
        let mut store = |request: StoreRequest| {
            if let StoreRequest::Write { data, .. } = &request {
                written += data.len() as u64;
            }
            cx.store.push_back(request);
        };
        let placed = receiving
            .content
            .place(run.clone(), data, &self.offer, &mut store);
        receiving.unwritten += written;
        receiving.rate.add(written, now);
        receiving.gap |= run.start != receiving.expected;
        receiving.expected = run.end;
        match placed {
            Placed::Nothing => {}
            Placed::Blocks => cx.event(Event::Transfer(self.offer.parcel)),
            Placed::Manifest => {
                receiving.ack.now(now);
                self.offer.title = receiving.content.title(&self.offer);
                cx.event(Event::Transfer(self.offer.parcel));
                cx.event(Event::Files(self.offer.parcel));
            }
            Placed::BadManifest => self.cancel(EndReason::BadManifest, cx),
            Placed::NotTheManifest => {
                receiving.repairs += 1;
                receiving.take_signed_only(now);
                if receiving.repairs > MAX_REPAIRS {
                    self.cancel(EndReason::BadManifest, cx);
                }
            }
        }
    }

    /// All that will come of a frame has come.
    fn end_frame(&mut self, is_partial: bool, now: Time, cx: &mut Effects) {
        let Phase::Receiving(receiving) = &mut self.phase else {
            return;
        };
        let gap = std::mem::take(&mut receiving.gap) || is_partial;
        receiving.ack.on_frame(gap, now);
        self.advance(now, cx);
    }

    /// Storage answered.
    #[inline(never)]
    pub(crate) fn handle_store(&mut self, reply: &StoreReply, now: Time, cx: &mut Effects) {
        match (&mut self.phase, reply) {
            (Phase::Opening { paused, left }, StoreReply::Created { .. }) => {
                let (paused, left) = (*paused, *left);
                self.begin(paused, left, now, cx);
            }
            (Phase::Receiving(receiving), StoreReply::Written { len, .. }) => {
                let starved = receiving.credit() == 0;
                receiving.unwritten = receiving.unwritten.saturating_sub(*len as u64);
                if starved && receiving.credit() > 0 {
                    receiving.ack.now(now);
                }
                self.advance(now, cx);
            }
            (
                Phase::Receiving(_),
                StoreReply::Unwritten {
                    error: error @ StoreError::Gone,
                    ..
                },
            ) => self.cancel(EndReason::Storage(error.clone()), cx),
            (
                Phase::Receiving(receiving),
                StoreReply::Unwritten {
                    offset,
                    data,
                    error,
                    ..
                },
            ) => {
                receiving.stuck.pieces.push((*offset, data.clone()));
                receiving.stuck.error = Some(error.clone());
                if !receiving.paused {
                    self.set_paused(true, now, cx);
                }
            }
            (
                Phase::Receiving(_),
                StoreReply::Unread {
                    error: error @ StoreError::Gone,
                    ..
                },
            ) => self.cancel(EndReason::Storage(error.clone()), cx),
            (_, StoreReply::Read { offset, data, .. }) => self.take_read(*offset, data, now, cx),
            // It may be gone, or damaged: then it is received again.
            (_, StoreReply::Unread { offset, .. }) => self.take_read(*offset, &[], now, cx),
            (Phase::Finishing(_), StoreReply::Finished { .. }) => {
                if let Phase::Finishing(whole) = std::mem::replace(&mut self.phase, Phase::Offered)
                {
                    self.finish(whole.content, cx);
                }
            }
            (Phase::Opening { .. }, StoreReply::Failed { error, .. }) => {
                let reason = EndReason::Storage(error.clone());
                self.phase = Phase::Declined(reason);
                self.tell_ending(cx);
                cx.event(Event::Transfer(self.parcel()));
            }
            (
                Phase::Receiving(_) | Phase::Finishing(_),
                StoreReply::Failed {
                    error: error @ StoreError::Gone,
                    ..
                },
            )
            | (Phase::Receiving(_), StoreReply::Failed { error, .. }) => {
                self.cancel(EndReason::Storage(error.clone()), cx);
            }
            (Phase::Finishing(_), StoreReply::Failed { error, .. }) => {
                self.fail_to_finish(error, now, cx);
            }
            _ => {}
        }
    }

    /// Storage read back what lies at `offset`, or nothing if it could not.
    fn take_read(&mut self, offset: u64, data: &[u8], now: Time, cx: &mut Effects) {
        if let Phase::Receiving(receiving) = &mut self.phase {
            receiving.content.rehash(offset, data);
            receiving.ack.now(now);
            self.advance(now, cx);
        } else {
            self.handle_read_back(offset, data);
        }
    }

    /// Goes on to verifying and finishing when the time has come.
    #[inline(never)]
    pub(super) fn advance(&mut self, now: Time, cx: &mut Effects) {
        self.note_signed(cx);
        if !self.has_hashed_all(cx) {
            return;
        }
        let Phase::Receiving(receiving) = &mut self.phase else {
            return;
        };
        if !receiving.content.is_whole() {
            return;
        }
        if !receiving.verified {
            let Some(digests_hash) = receiving.complete else {
                return receiving.ack.now(now);
            };
            if let Err(file) = receiving.content.verify(&digests_hash) {
                receiving.complete = None;
                receiving.repairs += 1;
                receiving.take_signed_only(now);
                if receiving.repairs > MAX_REPAIRS {
                    return self.cancel(EndReason::FileChanged(file), cx);
                }
                cx.event(Event::Notice(Notice::FetchedAgain(file)));
                self.note_signed(cx);
                self.has_hashed_all(cx);
                return;
            }
            receiving.verified = true;
            if let Some(digests) = receiving.content.digests().filter(|_| !self.offer.text) {
                let parcel = self.offer.parcel;
                let left_out = receiving.content.left_out();
                if !left_out.is_empty() {
                    let note = Note::LeftOut(left_out.clone()).to_bytes();
                    cx.store.push_back(StoreRequest::Note { parcel, note });
                }
                let note = Note::Verified(digests.to_vec()).to_bytes();
                cx.store.push_back(StoreRequest::Note { parcel, note });
            }
        }
        if receiving.unwritten > 0 {
            return;
        }
        cx.topics
            .push_back(DataTopic::Unsubscribe(self.offer.parcel));
        let phase = std::mem::replace(&mut self.phase, Phase::Offered);
        let Phase::Receiving(receiving) = phase else {
            return;
        };
        if self.offer.text {
            self.finish(receiving.content, cx);
        } else {
            self.begin_finishing(receiving.content, cx);
            cx.event(Event::Transfer(self.parcel()));
        }
    }

    fn finish(&mut self, mut content: Content, cx: &mut Effects) {
        let parcel = self.parcel();
        if let Some(text) = content.take_text() {
            cx.event(Event::Text { parcel, text });
        }
        self.phase = Phase::Done {
            content: Box::new(content),
            receipt_due: !self.sender.is_present(),
        };
        cx.event(Event::Files(parcel));
        cx.event(Event::Transfer(parcel));
        self.tell_ending(cx);
    }
}
