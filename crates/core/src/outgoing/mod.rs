//! A parcel that is being sent: the ledger, and what to send next.

mod audience;
mod flight;
mod journal;
mod leave_out;
mod ledger;
mod original;
mod patience;
mod prepare;
mod receiver;
mod receivers;
mod resume;
mod source;
mod view;

use core::ops::Range;
use std::collections::VecDeque;

use litemap::LiteMap;

use mqdrop_mqtt::Time;

use crate::api::Event;
use crate::effects::Effects;
use crate::frame::{FRAME_HEAD, FrameCipher, FrameHead, PIECE_OVERHEAD};
use crate::frame_size::{Fit, FrameSize};
use crate::hash::ParcelHashes;
use crate::identity::ParcelKey;
use crate::ids::{DeviceId, ParcelId};
use crate::layout::{Layout, Region};
use crate::manifest::Manifest;
use crate::message::{Body, Complete, EndReason, Offer, ParcelRef};
use crate::random::Random;
use crate::ranges::RangeSet;
use crate::rate::RateMeter;
use crate::view::ParcelKind;

pub(crate) use audience::Address;
pub use audience::Audience;
use flight::{Flight, Frame};
use journal::Noting;
use leave_out::Gaps;
use original::Files;
use receiver::{Phase, Receiver};
use receivers::MAX_RECEIVERS;

/// One parcel on its way to everyone of its audience who wants it.
pub(crate) struct Outgoing {
    parcel: ParcelId,
    to: Address,
    offer: Offer,
    kind: ParcelKind,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    /// The content of a text; files are read by the driver.
    text: Option<String>,
    cipher: FrameCipher,
    key: ParcelKey,
    /// The device that offers it: this one.
    sender: DeviceId,
    /// Somebody forges frames: those that are sent are signed.
    signs: bool,
    files: Files,
    /// It was sent before a restart, or before the room was left.
    restored: bool,
    noting: Noting,
    hashes: ParcelHashes,
    /// The files' hashes one after the other, once all are known.
    digests: Option<Vec<u8>>,
    receivers: LiteMap<DeviceId, Receiver>,
    /// How many beginnings were noted.
    begun: u32,
    /// Somebody has it, or had it before a restart.
    delivered: bool,
    /// What some receiver lacks and nobody is being sent.
    queue: RangeSet,
    /// Where the last frame ended: sending goes on from here and around, so that one who comes in
    /// the middle does not send the others back to the beginning.
    cursor: u32,
    /// What is being read or waits for the socket.
    preparing: RangeSet,
    prepared_bytes: u64,
    ready: VecDeque<Ready>,
    hash_read_under_way: bool,
    flight: Flight,
    paused: bool,
    ended: Option<EndReason>,
    gaps: Gaps,
    rate: RateMeter,
}

/// A frame that only waits to be sealed and sent.
struct Ready {
    blocks: Range<u32>,
    /// Room for the frame's head, then its blocks.
    buffer: Vec<u8>,
    /// Its send time, the bytes that went, and how long its pieces are, once some of them went: a
    /// frame is accounted for by the length of its packets, so that stays.
    begun: Option<(u64, usize, usize)>,
}

impl Ready {
    fn new(blocks: Range<u32>, buffer: Vec<u8>) -> Self {
        Self {
            blocks,
            buffer,
            begun: None,
        }
    }
}

impl Outgoing {
    pub(crate) fn parcel(&self) -> ParcelId {
        self.parcel
    }

    fn layout(&self) -> &Layout {
        &self.manifest.layout
    }

    /// Offers it to those of these devices whom it is for: all that are in the room.
    pub(crate) fn announce(
        &mut self,
        present: impl Iterator<Item = (DeviceId, String)>,
        now: Time,
        cx: &mut Effects,
    ) {
        let audience = self.to.audience;
        let present = present.filter(|(device, _)| audience.has(*device));
        for (device, name) in present.take(MAX_RECEIVERS) {
            self.receivers.insert(device, Receiver::offered(name, now));
        }
        self.tell_audience(Body::Offer(self.current_offer()), cx);
    }

    /// A device of this name is in the room, new or again.
    pub(crate) fn handle_here(
        &mut self,
        device: DeviceId,
        name: String,
        now: Time,
        cx: &mut Effects,
    ) {
        if self.ended.is_some() || !self.to.audience.has(device) {
            return;
        }
        self.replace(device, &name, cx);
        if !matches!(self.files, Files::Here) {
            if let Some(receiver) = self.receivers.get_mut(&device) {
                receiver.away_since = None;
                cx.event(Event::Transfer(self.parcel));
            }
            return;
        }
        match self.receivers.get_mut(&device) {
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
                if !self.has_room(now, cx) {
                    return;
                }
                self.receivers.insert(device, Receiver::offered(name, now));
            }
        }
        // It may have decided, ended or missed something while it was away: its answer to the offer
        // says how it stands.
        cx.answer(device, Body::Offer(self.current_offer()));
        cx.event(Event::Transfer(self.parcel));
    }

    /// A device left the room.
    pub(crate) fn handle_gone(&mut self, device: DeviceId, now: Time, cx: &mut Effects) {
        let Some(receiver) = self.receivers.get_mut(&device) else {
            return;
        };
        receiver.away_since = Some(now);
        if receiver.is_undecided() {
            self.keep_in_mind(device, cx);
        } else if let Some(progress) = receiver.progress_mut() {
            progress.in_step = false;
            progress.clear_flight(self.flight.last_sent());
        }
        cx.event(Event::Transfer(self.parcel));
    }

    /// This device lost its connection: what was under way may or may not have arrived.
    pub(crate) fn handle_link_lost(&mut self, cx: &mut Effects) {
        for ready in std::mem::take(&mut self.ready) {
            self.put_back(ready);
        }
        let last_sent = self.flight.last_sent();
        self.flight.forget(last_sent);
        let receivers = self.receivers.iter_mut();
        for progress in receivers.filter_map(|(_, receiver)| receiver.progress_mut()) {
            progress.in_step = false;
            progress.clear_flight(last_sent);
            progress.pacer.on_reconnect();
        }
        cx.event(Event::Transfer(self.parcel));
    }

    /// Stops or goes on.
    pub(crate) fn set_paused(&mut self, paused: bool, cx: &mut Effects) {
        if self.paused == paused || self.ended.is_some() {
            return;
        }
        self.paused = paused;
        let parcel = ParcelRef {
            parcel: self.parcel,
            token: None,
        };
        let body = if paused {
            Body::Pause(parcel)
        } else {
            Body::Resume(parcel)
        };
        self.tell_audience(body, cx);
        self.rate.clear();
        cx.event(Event::Transfer(self.parcel));
    }

    /// Ends it for everyone.
    pub(crate) fn end(&mut self, reason: EndReason, cx: &mut Effects) {
        if self.ended.is_some() {
            return;
        }
        if !matches!(self.files, Files::Here) {
            // Since its restart nobody was told that it is this device's.
            for (&device, receiver) in &self.receivers {
                if receiver.is_present() && receiver.is_receiving() {
                    cx.send(device, Body::Offer(self.current_offer()));
                    cx.send(device, Body::Cancel(reason.ending(self.parcel)));
                }
            }
        }
        self.tell_audience(Body::Cancel(reason.ending(self.parcel)), cx);
        self.ended = Some(reason);
        self.files = Files::Here;
        self.forget_note(cx);
        for ready in std::mem::take(&mut self.ready) {
            self.put_back(ready);
        }
        self.queue = RangeSet::default();
        self.rate.clear();
        cx.event(Event::Transfer(self.parcel));
    }

    #[inline(never)]
    pub(crate) fn handle_timeout(&mut self, now: Time, size: &mut FrameSize, cx: &mut Effects) {
        if self.ended.is_some() {
            return;
        }
        if self.rate.fade(now) {
            cx.event(Event::Transfer(self.parcel));
        }
        let total = self.layout().total_blocks();
        let mut lacking = RangeSet::default();
        let mut messages = Vec::new();
        for (&device, receiver) in &mut self.receivers {
            if receiver.ask_again(now) {
                messages.push((
                    device,
                    Body::Offer(Offer {
                        paused: self.paused,
                        ..self.offer.clone()
                    }),
                ));
            }
            if let Some(digests) = &self.digests
                && let Some(without) = receiver.complete_again(now)
            {
                let digests_hash = *blake3::hash(digests).as_bytes();
                messages.push((
                    device,
                    Body::Complete(Complete {
                        parcel: self.parcel,
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
                let offer = Offer {
                    paused: self.paused,
                    ..self.offer.clone()
                };
                messages.push((device, Body::Offer(offer)));
                cx.event(Event::Transfer(self.parcel));
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
        lacking.subtract(&self.preparing);
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
            let mut ready = self.ready.pop_front()?;
            // One that was begun is ended: without its other pieces those that went are useless.
            if ready.begun.is_none() && !self.is_wanted_now() {
                self.put_back(ready);
                continue;
            }
            let bytes = ready.buffer.len() - FRAME_HEAD;
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
                signed: self.signs,
                piece: None,
            };
            let by = (&self.key, self.sender);
            if from == 0 && bytes <= piece {
                self.cipher.seal(head, &mut ready.buffer, by, random);
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
            self.cipher.seal(head, &mut payload, by, random);
            if to < bytes {
                ready.begun = Some((sent, to, piece));
                self.ready.push_front(ready);
            }
            return Some(payload);
        }
    }

    /// Whether somebody is sent to.
    fn is_wanted_now(&self) -> bool {
        !self.paused && self.receivers.values().any(|each| each.active().is_some())
    }

    /// A frame is not sent now, or not to its end.
    fn put_back(&mut self, ready: Ready) {
        if ready.begun.is_none() {
            self.release(&ready.blocks);
        }
        self.queue.insert(ready.blocks);
    }

    /// Accounts for a frame that goes now in packets of `packet` bytes: its send time.
    fn begin_frame(
        &mut self,
        blocks: &Range<u32>,
        packet: u64,
        now: Time,
        size: &mut FrameSize,
    ) -> u64 {
        self.release(blocks);
        let bytes = self.layout().run_len(blocks);
        let sent = self.flight.stamp(now.as_micros());
        self.flight.push(Frame {
            sent,
            blocks: blocks.clone(),
            bytes,
            packet,
        });
        let receivers = self.receivers.iter_mut();
        for progress in receivers.filter_map(|(_, receiver)| receiver.active_mut()) {
            progress.on_sent(bytes, now);
        }
        size.on_sent(packet, now);
        sent
    }

    pub(crate) fn entry_path(&self, file: usize) -> String {
        self.manifest
            .entries
            .get(file)
            .map(|entry| entry.path.clone())
            .unwrap_or_default()
    }

    fn current_offer(&self) -> Offer {
        Offer {
            paused: self.paused,
            ..self.offer.clone()
        }
    }

    /// If all hashes are known now, the digests can be sent.
    fn learn_digests(&mut self) {
        if self.digests.is_some() {
            return;
        }
        self.digests = self.hashes.to_bytes();
        if self.digests.is_some()
            && let Noting::Asked(blocks) = &mut self.noting
        {
            // The digests will be noted instead.
            *blocks = Vec::new();
        }
        if self.digests.is_some()
            && self
                .receivers
                .iter_mut()
                .any(|(_, receiver)| receiver.progress_mut().is_some())
        {
            self.queue.insert(self.layout().region(Region::Digests));
        }
    }

    /// Blocks are no longer being prepared.
    fn release(&mut self, blocks: &Range<u32>) {
        self.preparing.remove(blocks.clone());
        self.prepared_bytes = self
            .prepared_bytes
            .saturating_sub(self.layout().run_len(blocks));
    }

    fn forget_accounted(&mut self) {
        let progresses = self.receivers.values().filter_map(Receiver::active);
        if let Some(echoed) = progresses.map(|progress| progress.echoed).min() {
            self.flight.forget(echoed);
        }
    }
}
