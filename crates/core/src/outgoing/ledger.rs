//! Messages of receivers, written into the ledger.

use core::time::Duration;

use mqdrop_mqtt::Time;

use super::Outgoing;
use super::flight::Flight;
use super::receiver::{Phase, Progress};
use crate::api::Event;
use crate::effects::Effects;
use crate::frame_size::FrameSize;
use crate::ids::DeviceId;
use crate::layout::Region;
use crate::message::{Body, Echo, EndReason, LeftOut, Want};
use crate::ranges::RangeSet;

/// The most runs of blocks that a receiver is known to hold; what lies behind is taken for lacking
/// until it tells. It chooses them, and lists a fourth of these at once.
const MAX_HELD: usize = 2048;

impl Outgoing {
    /// A receiver has the offer.
    pub(crate) fn handle_seen(&mut self, device: DeviceId, counter: u64, cx: &mut Effects) {
        if let Some(reason) = &self.ended {
            cx.answer(device, Body::Cancel(reason.ending(self.parcel.id)));
            return;
        }
        let Some(receiver) = self.receivers.get_mut(device) else {
            return;
        };
        if receiver.is_undecided() {
            receiver.counter = counter;
            receiver.phase = Phase::Seen;
        } else if receiver.is_receiving() && counter >= receiver.counter {
            // It has thrown away what it had, and its user is asked anew.
            receiver.counter = counter;
            receiver.phase = Phase::Seen;
            self.note_end(device, cx);
            cx.event(Event::Transfer(self.parcel.id));
        }
    }

    /// A receiver does not want it, or ended it.
    #[inline(never)]
    pub(crate) fn handle_end(
        &mut self,
        device: DeviceId,
        reason: EndReason,
        declined: bool,
        counter: u64,
        cx: &mut Effects,
    ) {
        let Some(receiver) = self.receivers.get_mut(device) else {
            return;
        };
        if counter < receiver.counter || matches!(receiver.phase, Phase::Done { .. }) {
            return;
        }
        receiver.counter = counter;
        receiver.phase = if declined {
            Phase::Declined(reason)
        } else {
            Phase::Cancelled(reason)
        };
        self.note_end(device, cx);
        cx.event(Event::Transfer(self.parcel.id));
    }

    /// A receiver holds it verified, all but so many files that were left out.
    #[inline(never)]
    pub(crate) fn handle_receipt(
        &mut self,
        device: DeviceId,
        without: u32,
        counter: u64,
        now: Time,
        cx: &mut Effects,
    ) {
        let Some(receiver) = self.receivers.get_mut(device) else {
            return;
        };
        if counter < receiver.counter {
            return;
        }
        receiver.counter = counter;
        cx.event(Event::Transfer(self.parcel.id));
        if self.source.digests.is_none() {
            // It had it before this device was restarted. What it verified is not known here yet;
            // once it is, the receipt is asked for again.
            let without = LeftOut::default();
            receiver.phase = Phase::Verifying { next: now, without };
            return;
        }
        receiver.phase = Phase::Done { without };
        self.journal.note_delivery(cx);
        self.note_end(device, cx);
    }

    /// A receiver says what it holds and how much it takes. Whether it begins with that.
    #[inline(never)]
    pub(crate) fn handle_want(
        &mut self,
        device: DeviceId,
        want: &Want,
        counter: u64,
        now: Time,
        size: &mut FrameSize,
        cx: &mut Effects,
    ) -> bool {
        if let Some(reason) = &self.ended {
            cx.answer(device, Body::Cancel(reason.ending(self.parcel.id)));
            return false;
        }
        let total = self.parcel.layout().total_blocks();
        let Some(mut held) = want.held.decode(total) else {
            return false;
        };
        if !self.receivers.contains(device) && !self.make_room(now, cx) {
            return false;
        }
        let holds_all = self.source.gaps.complete(&held, total);
        let receiver = self.receivers.line(device, now);
        if counter < receiver.counter || (holds_all && matches!(receiver.phase, Phase::Done { .. }))
        {
            return false;
        }
        receiver.counter = counter;
        receiver.away_since = None;
        let mut begins = false;
        if receiver.progress_mut().is_none()
            && !(holds_all && matches!(receiver.phase, Phase::Verifying { .. }))
        {
            let mut progress = Progress::new(self.flight.last_sent(), now);
            progress.in_step = false;
            receiver.phase = Phase::Receiving(Box::new(progress));
            begins = true;
        }
        let Some(progress) = receiver.progress_mut() else {
            return false;
        };
        let (own, foreign): (Option<Echo>, _) = match want.echo {
            Some(echo) if self.flight.is_foreign(echo.sent) => (None, true),
            echo => (echo, false),
        };
        self.parcel.signs |= want.signed || foreign;
        progress.heard = now;
        progress.credit = want.credit;
        if progress.paused && !want.paused {
            // It did not listen meanwhile.
            progress.in_step = false;
        }
        progress.paused = want.paused;
        // Blocks that the list did not reach stay as they were.
        let mut beyond = progress.held.clone();
        beyond.remove(0..want.held.until);
        held.extend(&beyond);
        held.keep_runs(MAX_HELD);
        let content = |held: &RangeSet| self.parcel.layout().content_in(held.runs());
        let arrived = content(&held).saturating_sub(content(&progress.held));
        // Blocks that it held when it accepted, or came back, did not arrive now.
        let arrived = if progress.in_step { arrived } else { 0 };
        let mut lacking = std::mem::replace(&mut progress.held, held);
        // Usually nothing: what it held before and does not hold any more.
        lacking.subtract(&progress.held);
        if !progress.in_step {
            progress.in_step = true;
            progress.clear_flight(self.flight.last_sent());
        }
        if let Some(Echo { sent, age }) = own
            && sent > progress.echoed
        {
            let age = u64::from(age);
            let rtt = now.as_micros().saturating_sub(sent).saturating_sub(age);
            progress.pacer.on_rtt(Duration::from_micros(rtt), now);
            let at = (now, Duration::from_micros(age));
            let lost = account(progress, &self.flight, sent, want.held.until, at, size);
            lacking.extend(&lost);
        }
        if progress.in_flight == 0 {
            // Nothing is under way to it, so whatever it lacks is to be sent.
            lacking = RangeSet::of(0..total);
            lacking.subtract(&progress.held);
        }
        if self.source.digests.is_some() && self.source.gaps.complete(&progress.held, total) {
            let layout = self.parcel.layout();
            let without = self
                .source
                .gaps
                .of(&progress.held, layout, &self.source.hashes);
            receiver.phase = Phase::Verifying { next: now, without };
        }
        let active = self.receivers.active().count();
        self.rate.add(arrived / (active.max(1) as u64), now);
        self.enqueue(&lacking);
        self.forget_accounted();
        cx.event(Event::Transfer(self.parcel.id));
        begins
    }

    /// Puts blocks on the queue, except digests that are not known yet.
    pub(super) fn enqueue(&mut self, blocks: &RangeSet) {
        self.pump.add(blocks);
        if self.source.digests.is_none() {
            let digests = self.parcel.layout().region(Region::Digests);
            self.pump.remove(digests);
        }
        self.pump.remove_all(&self.source.gaps.blocks);
    }
}

/// Settles what was sent to a receiver up to the frame it echoed: delivered or lost. Data of one
/// sender on one topic is not reordered, so what is missing although a later frame arrived is lost
/// (MQTT 5, section 4.6). Answers what must be sent again. The frame came `age` before `now`.
fn account(
    progress: &mut Progress,
    flight: &Flight,
    echoed: u64,
    until: u32,
    (now, age): (Time, Duration),
    size: &mut FrameSize,
) -> RangeSet {
    let mut lost = RangeSet::default();
    let was_full = progress.in_flight * 4 >= progress.pacer.window() * 3;
    let was_at_limit = was_full || progress.in_flight * 4 >= size.window() * 3;
    let mut arrived = 0;
    let (mut shortest, mut longest) = (u64::MAX, 0);
    for frame in flight.between(progress.echoed, echoed) {
        if frame.blocks.end > until {
            // The list does not say. It gets shorter as gaps are mended, and reaches further then.
            break;
        }
        progress.echoed = frame.sent;
        progress.in_flight = progress.in_flight.saturating_sub(frame.bytes);
        shortest = shortest.min(frame.packet);
        longest = longest.max(frame.packet);
        let missing = progress.held.missing(frame.blocks.clone());
        if missing.is_empty() {
            progress.pacer.on_delivered(frame.bytes, was_full);
            size.on_delivered(frame.packet);
            arrived += frame.bytes;
        } else {
            progress.pacer.on_lost(now);
            missing.into_iter().for_each(|run| lost.insert(run));
        }
    }
    progress.waiting_since = (progress.in_flight > 0).then_some(now);
    // Bytes that follow while something is always under way, or no more may be, tell how quickly the
    // broker carries it.
    let at = Time::from_micros(now.as_micros().saturating_sub(age.as_micros() as u64));
    let before = std::mem::replace(
        &mut progress.busy_since,
        (progress.in_flight > 0 || was_at_limit).then_some(at),
    );
    if let Some(before) = before
        && shortest == longest
    {
        size.on_flow(longest, arrived, at.since(before), now);
    }
    // Another receiver may have lost it as well, and then it is on its way again already.
    flight.subtract_later(&mut lost, echoed);
    lost
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::api::Entry;
    use crate::message::Runs;
    use crate::message::tests::wanting;
    use crate::outgoing::Address;
    use crate::random::Random;

    const RUNS: u32 = 512;

    /// Blocks of a list: single ones from `first` on, with gaps between them.
    fn list(first: u32) -> RangeSet {
        let mut held = RangeSet::default();
        for run in 0..RUNS {
            let start = first + 4 * run;
            held.insert(start..start + 1);
        }
        held
    }

    #[test]
    fn a_receivers_list_takes_no_more_room_however_it_is_told() {
        let entry = Entry {
            path: "large".into(),
            size: 1 << 35,
            modified: None,
            mime: String::new(),
        };
        let to = Address::everyone("room".into());
        let mut outgoing = Outgoing::files(vec![entry], to, &mut Random::new([1; 32])).unwrap();
        let (liar, cx) = (DeviceId([1; 10]), &mut Effects::default());
        let size = &mut FrameSize::new(None, None);
        let mut counter = 0;
        let mut say = |outgoing: &mut Outgoing, want: &Want, size: &mut FrameSize| {
            counter += 1;
            outgoing.handle_want(liar, want, counter, Time::ZERO, size, cx);
        };
        // Each list ends before the one that was told before.
        for number in (0..60u32).rev() {
            let held = list(4 * RUNS * number);
            let mut want = Want {
                held: Runs::new(&held),
                ..wanting(outgoing.parcel(), &held, 0)
            };
            want.held.until = 4 * RUNS * (number + 1);
            say(&mut outgoing, &want, size);
        }
        let receiver = outgoing.receivers.get_mut(liar).unwrap();
        let known = receiver.progress_mut().unwrap().held.runs().len();
        assert!((1024..=MAX_HELD).contains(&known), "{known}");
        // And what is to be sent is a list as well. While something is under way, blocks that it held
        // and does not hold any more are sent again.
        let total = outgoing.parcel.layout().total_blocks();
        outgoing.pump.remove(0..total);
        outgoing.begin_frame(&(0..1), 1000, Time::ZERO, size);
        let mut most = 0;
        for number in 0..60u32 {
            let held = list(4 * RUNS * number);
            let want = wanting(outgoing.parcel(), &held, 0);
            say(&mut outgoing, &want, size);
            most = most.max(outgoing.pump.runs());
        }
        assert!((4096..=8192).contains(&most), "{most}");
    }
}
