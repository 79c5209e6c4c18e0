//! A parcel that is being sent: the ledger, and what to send next.

mod audience;
mod flight;
mod gaps;
mod journal;
mod leave_out;
mod ledger;
mod noting;
mod original;
mod parcel;
mod patience;
mod prepare;
mod pump;
mod reading;
mod receiver;
mod receivers;
mod resume;
mod source;
mod view;

use core::ops::Range;

use mqdrop_mqtt::Time;

use crate::api::Event;
use crate::effects::Effects;
use crate::frame::{FRAME_HEAD, FrameHead, PIECE_OVERHEAD};
use crate::frame_size::{Fit, FrameSize};
use crate::ids::{DeviceId, ParcelId, PersonId};
use crate::layout::Region;
use crate::message::{Body, Complete, EndReason, ParcelRef};
use crate::peers::Here;
use crate::random::Random;
use crate::ranges::RangeSet;
use crate::rate::RateMeter;

pub use audience::Audience;
pub(crate) use audience::{Address, MAX_PERSONS};
use flight::{Flight, Frame};
use journal::Journal;
use original::Files;
use parcel::Parcel;
use pump::Pump;
use receiver::{Phase, Receiver};
use receivers::Receivers;
use source::Source;

/// One parcel on its way to everyone of its audience who wants it.
pub(crate) struct Outgoing {
    parcel: Parcel,
    source: Source,
    journal: Journal,
    receivers: Receivers,
    pump: Pump,
    flight: Flight,
    rate: RateMeter,
    paused: bool,
    ended: Option<EndReason>,
}

impl Outgoing {
    pub(crate) fn parcel(&self) -> ParcelId {
        self.parcel.id
    }

    /// Offers it to those of these devices whom it is for: all that are in the room.
    pub(crate) fn announce(
        &mut self,
        present: impl Iterator<Item = Here>,
        now: Time,
        cx: &mut Effects,
    ) {
        let to = &self.parcel.to;
        let meant = present.filter(|here| to.has(here.person));
        let meant = meant.map(|here| (here.device, here.name));
        self.receivers.offer_to_all(meant, now);
        self.tell_audience(Body::Offer(self.parcel.offer(self.paused)), cx);
    }

    /// Tells whether it is for a device of this person.
    pub(crate) fn is_for(&self, person: Option<PersonId>) -> bool {
        self.parcel.to.has(person)
    }

    /// Says something of it to all whom it is for and who are here.
    fn tell_audience(&self, body: Body, cx: &mut Effects) {
        if self.parcel.to.is_open() {
            return cx.broadcast(body);
        }
        let receivers = self.receivers.iter();
        for (device, _) in receivers.filter(|(_, receiver)| receiver.is_present()) {
            cx.send(device, body.clone());
        }
    }

    /// A device is in the room, new or again.
    pub(crate) fn handle_here(&mut self, here: Here, now: Time, cx: &mut Effects) {
        if self.ended.is_some() || !self.is_for(here.person) {
            return;
        }
        let Here { device, name, .. } = here;
        self.replace(device, &name, cx);
        if !self.source.is_here() {
            if let Some(receiver) = self.receivers.get_mut(device) {
                receiver.away_since = None;
                cx.event(Event::Transfer(self.parcel.id));
            }
            return;
        }
        match self.receivers.get_mut(device) {
            Some(receiver) => {
                receiver.away_since = None;
                receiver.name = name;
                match &mut receiver.phase {
                    Phase::Offered { .. } => {
                        receiver.phase = Receiver::offered(String::new(), now).phase;
                    }
                    Phase::Verifying { next, .. } => *next = now,
                    Phase::Seen | Phase::Receiving(_) => {}
                    Phase::Done { .. } | Phase::Declined(_) | Phase::Cancelled(_) => return,
                }
            }
            None => {
                if !self.make_room(now, cx) {
                    return;
                }
                self.receivers.offer(device, name, now);
            }
        }
        // It may have decided, ended or missed something while it was away: its answer to the offer
        // says how it stands.
        cx.answer(device, Body::Offer(self.parcel.offer(self.paused)));
        cx.event(Event::Transfer(self.parcel.id));
    }

    /// A device left the room.
    pub(crate) fn handle_gone(&mut self, device: DeviceId, now: Time, cx: &mut Effects) {
        let Some(receiver) = self.receivers.get_mut(device) else {
            return;
        };
        receiver.away_since = Some(now);
        if receiver.is_undecided() {
            self.keep_in_mind(device, cx);
        } else if let Some(progress) = receiver.progress_mut() {
            progress.in_step = false;
            progress.clear_flight(self.flight.last_sent());
        }
        cx.event(Event::Transfer(self.parcel.id));
    }

    /// This device lost its connection: what was under way may or may not have arrived.
    pub(crate) fn handle_link_lost(&mut self, cx: &mut Effects) {
        self.pump.put_all_back(self.parcel.layout());
        let last_sent = self.flight.last_sent();
        self.flight.forget(last_sent);
        self.receivers.lose_connection(last_sent);
        cx.event(Event::Transfer(self.parcel.id));
    }

    /// Stops or goes on.
    pub(crate) fn set_paused(&mut self, paused: bool, cx: &mut Effects) {
        if self.paused == paused || self.ended.is_some() {
            return;
        }
        self.paused = paused;
        let parcel = ParcelRef {
            parcel: self.parcel.id,
            token: None,
        };
        let body = if paused {
            Body::Pause(parcel)
        } else {
            Body::Resume(parcel)
        };
        self.tell_audience(body, cx);
        self.rate.clear();
        cx.event(Event::Transfer(self.parcel.id));
    }

    /// Ends it for everyone.
    pub(crate) fn end(&mut self, reason: EndReason, cx: &mut Effects) {
        if self.ended.is_some() {
            return;
        }
        if !self.source.is_here() {
            // Since its restart nobody was told that it is this device's.
            for (device, receiver) in self.receivers.iter() {
                if receiver.is_present() && receiver.is_receiving() {
                    cx.send(device, Body::Offer(self.parcel.offer(self.paused)));
                    cx.send(device, Body::Cancel(reason.ending(self.parcel.id)));
                }
            }
        }
        self.tell_audience(Body::Cancel(reason.ending(self.parcel.id)), cx);
        self.ended = Some(reason);
        self.source.files = Files::Here;
        self.journal.close(cx);
        self.pump.end(self.parcel.layout());
        self.rate.clear();
        cx.event(Event::Transfer(self.parcel.id));
    }

    #[inline(never)]
    pub(crate) fn handle_timeout(&mut self, now: Time, size: &mut FrameSize, cx: &mut Effects) {
        if self.ended.is_some() {
            return;
        }
        if self.rate.fade(now) {
            cx.event(Event::Transfer(self.parcel.id));
        }
        let total = self.parcel.layout().total_blocks();
        let mut lacking = RangeSet::default();
        let mut messages = Vec::new();
        for (device, receiver) in self.receivers.iter_mut() {
            if receiver.ask_again(now) {
                messages.push((device, Body::Offer(self.parcel.offer(self.paused))));
            }
            if let Some(digests) = &self.source.digests
                && let Some(without) = receiver.complete_again(now)
            {
                let digests_hash = *blake3::hash(digests).as_bytes();
                messages.push((
                    device,
                    Body::Complete(Complete {
                        parcel: self.parcel.id,
                        digests_hash,
                        left_out: (!without.is_empty()).then_some(without),
                    }),
                ));
            }
            let Some(progress) = receiver.in_step_mut() else {
                continue;
            };
            if progress.silent(now) {
                progress.in_step = false;
                progress.clear_flight(self.flight.last_sent());
                let offer = self.parcel.offer(self.paused);
                messages.push((device, Body::Offer(offer)));
                cx.event(Event::Transfer(self.parcel.id));
            } else if progress.timed_out(now) {
                size.on_stall(progress.pacer.timeout(), now);
                progress.pacer.on_timeout();
                progress.clear_flight(self.flight.last_sent());
                let mut lost = RangeSet::of(0..total);
                lost.subtract(&progress.held);
                lacking.extend(&lost);
            }
        }
        for (device, body) in messages {
            cx.answer(device, body);
        }
        self.enqueue(&lacking);
    }

    /// When something is due.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        if self.ended.is_some() {
            return None;
        }
        self.receivers
            .values()
            .filter_map(|receiver| receiver.deadline(now))
            .chain(self.rate.end())
            .min()
    }

    /// Seals the next frame that is ready, or the next piece of it: the payload of a packet.
    #[inline(never)]
    pub(crate) fn next_frame(
        &mut self,
        now: Time,
        fit: &Fit,
        size: &mut FrameSize,
        random: &mut Random,
    ) -> Option<Vec<u8>> {
        loop {
            let mut ready = self.pump.pop()?;
            // One that was begun is ended: without its other pieces those that went are useless.
            if ready.begun.is_none() && !self.is_wanted_now() {
                self.pump.put_back(ready, self.parcel.layout());
                continue;
            }
            let bytes = ready.bytes();
            let (sent, from, piece) = match ready.begun {
                Some(begun) => begun,
                None => {
                    let packet = if bytes <= fit.piece {
                        bytes as u64
                    } else {
                        fit.length
                    };
                    let sent = self.begin_frame(&ready.blocks, packet, now, size);
                    (sent, 0, fit.piece)
                }
            };
            let head = FrameHead {
                first_block: ready.blocks.start,
                count: ready.blocks.len() as u16,
                sent,
                signed: self.parcel.signs,
                piece: None,
            };
            if from == 0 && bytes <= piece {
                self.parcel.seal(head, &mut ready.buffer, random);
                return Some(ready.buffer);
            }
            let to = bytes.min(from + piece);
            let head = FrameHead {
                piece: Some(from as u32),
                ..head
            };
            let mut payload = Vec::with_capacity(to - from + PIECE_OVERHEAD);
            payload.resize(head.room(), 0);
            payload.extend_from_slice(&ready.buffer[FRAME_HEAD + from..FRAME_HEAD + to]);
            self.parcel.seal(head, &mut payload, random);
            if to < bytes {
                ready.begun = Some((sent, to, piece));
                self.pump.go_on_with(ready);
            }
            return Some(payload);
        }
    }

    /// Whether somebody is sent to.
    fn is_wanted_now(&self) -> bool {
        !self.paused && self.receivers.is_any_active()
    }

    /// Accounts for a frame that goes now in packets of `packet` bytes: its send time.
    fn begin_frame(
        &mut self,
        blocks: &Range<u32>,
        packet: u64,
        now: Time,
        size: &mut FrameSize,
    ) -> u64 {
        self.pump.release(blocks, self.parcel.layout());
        let bytes = self.parcel.layout().run_len(blocks);
        let sent = self.flight.stamp(now.as_micros());
        self.flight.push(Frame {
            sent,
            blocks: blocks.clone(),
            bytes,
            packet,
        });
        for progress in self.receivers.active_mut() {
            progress.on_sent(bytes, now);
        }
        size.on_sent(packet, now);
        sent
    }

    /// If all hashes are known now, the digests can be sent.
    fn learn_digests(&mut self) {
        if !self.source.learn_digests() {
            return;
        }
        self.journal.pass_over_checks();
        let mut receivers = self.receivers.values_mut();
        if receivers.any(|receiver| receiver.progress_mut().is_some()) {
            let digests = self.parcel.layout().region(Region::Digests);
            self.pump.add_run(digests);
        }
    }

    fn forget_accounted(&mut self) {
        if let Some(echoed) = self.receivers.least_echoed() {
            self.flight.forget(echoed);
        }
    }
}
