//! Notes about a parcel's receivers, so that it can go on after a restart: they begin, end, and
//! go off the list.

use mqdrop_mqtt::Time;

use super::Outgoing;
use super::receivers::{MAX_RECEIVERS, Removed};
use crate::api::Event;
use crate::effects::Effects;
use crate::ids::{DeviceId, Token};
use crate::io::StoreReply;
use crate::notes::Note;
use crate::view::ParcelKind;

/// So many beginnings are noted of a parcel. Whoever begins after that is sent to like the others,
/// but not waited for after a restart: receivers choose how often they begin.
const MAX_NOTED: u32 = 2 * MAX_RECEIVERS as u32;

impl Outgoing {
    /// A receiver of this name begins.
    pub(crate) fn begin(&mut self, device: DeviceId, name: String, cx: &mut Effects) {
        if let Some(receiver) = self.receivers.get_mut(device) {
            receiver.name = name;
            self.journal.note_beginning(device, receiver, MAX_NOTED, cx);
            self.ask_for_notes(cx);
        }
    }

    /// Asks storage for a place for this parcel's notes, unless it has one. Texts are sent in a
    /// moment and have none.
    pub(crate) fn ask_for_notes(&mut self, cx: &mut Effects) {
        if self.parcel.text.is_none() {
            self.journal.ask(cx);
        }
    }

    /// Storage answered.
    pub(crate) fn handle_store(&mut self, reply: &StoreReply, cx: &mut Effects) {
        match reply {
            StoreReply::Created { .. } => self.begin_notes(cx),
            StoreReply::Failed { .. } => self.journal.handle_failed(),
            _ => {}
        }
    }

    fn begin_notes(&mut self, cx: &mut Effects) {
        let blocks = self.journal.open();
        if self.ended.is_some() {
            return self.journal.close(cx);
        }
        let mut notes = vec![Note::Sent(self.parcel.to_note())];
        match &self.source.digests {
            // Without them nothing were known of what was read before this was noted.
            Some(digests) => notes.push(Note::Verified(digests.clone())),
            None => notes.extend(blocks.into_iter().map(Note::Blocks)),
        }
        let left_out = &self.source.gaps.files;
        if !left_out.is_empty() {
            notes.push(Note::LeftOut(left_out.clone()));
        }
        if self.journal.is_delivered() {
            notes.push(Note::Delivered);
        }
        for note in notes {
            self.journal.note(&note, cx);
        }
        for (device, receiver) in self.receivers.iter_mut() {
            self.journal.note_beginning(device, receiver, MAX_NOTED, cx);
        }
        // It may have taken longer to make room than to send.
        self.forget_note_if_done(cx);
    }

    /// A receiver is not waited for any more, though it stays on the list.
    pub(super) fn note_end(&mut self, device: DeviceId, cx: &mut Effects) {
        if let Some(receiver) = self.receivers.get_mut(device) {
            self.journal.note_end(device, receiver, cx);
        }
        self.forget_note_if_done(cx);
    }

    /// Receivers were taken off the list.
    fn note_removed(&mut self, removed: impl IntoIterator<Item = Removed>, cx: &mut Effects) {
        for (device, mut receiver) in removed {
            self.journal.note_end(device, &mut receiver, cx);
        }
        self.forget_note_if_done(cx);
    }

    /// A device left without an answer: it is shown as such, unless it is back already.
    pub(super) fn keep_in_mind(&mut self, device: DeviceId, cx: &mut Effects) {
        let removed = self.receivers.keep_in_mind(device);
        self.note_removed(removed, cx);
    }

    /// A device of this name comes, which may have been here with another id.
    pub(super) fn replace(&mut self, device: DeviceId, name: &str, cx: &mut Effects) {
        let is_text = self.parcel.kind == ParcelKind::Text;
        let former = self.receivers.replace(device, name, is_text);
        if !former.is_empty() {
            self.note_removed(former, cx);
        }
    }

    /// The user does not wait for a receiver that is away, or wants to hear nothing of it. One that
    /// has the parcel stays on the list.
    pub(crate) fn forget_receiver(&mut self, device: DeviceId, cx: &mut Effects) {
        if let Some(removed) = self.receivers.forget(device) {
            self.note_removed([removed], cx);
            cx.event(Event::Transfer(self.parcel.id));
        }
    }

    /// Tells whether a device that receives this is not in the room.
    pub(crate) fn is_away(&self, device: DeviceId) -> bool {
        self.receivers.is_away(device)
    }

    /// A device with this token spoke, which may be a receiver that was another device before.
    pub(crate) fn recognise(&mut self, device: DeviceId, token: Token, cx: &mut Effects) {
        if let Some(former) = self.receivers.recognise(device, token) {
            self.note_removed([former], cx);
            cx.event(Event::Transfer(self.parcel.id));
        }
    }

    /// Tells whether there is room for one more receiver, after making some if need be.
    pub(super) fn make_room(&mut self, now: Time, cx: &mut Effects) -> bool {
        let made = self.receivers.make_room(now);
        if let Ok(Some(removed)) = made {
            self.note_removed([removed], cx);
            return true;
        }
        made.is_ok()
    }

    /// There is nothing to go on with after a restart once all have it who may want it.
    fn forget_note_if_done(&mut self, cx: &mut Effects) {
        if self.journal.is_delivered() && !self.receivers.is_any_open() {
            self.journal.close(cx);
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::api::Entry;
    use crate::frame_size::FrameSize;
    use crate::ids::tests::device;
    use crate::io::StoreRequest;
    use crate::message::EndReason;
    use crate::message::tests::wanting;
    use crate::outgoing::Address;
    use crate::peers::Here;
    use crate::random::Random;
    use crate::ranges::RangeSet;

    /// A file that is sent and has notes.
    fn noted(cx: &mut Effects) -> Outgoing {
        let entry = Entry {
            path: "a".into(),
            size: 1,
            modified: None,
            mime: String::new(),
        };
        let mut random = Random::new([1; 32]);
        let to = Address::everyone("room".into());
        let mut outgoing = Outgoing::files(vec![entry], to, &mut random).unwrap();
        outgoing.ask_for_notes(cx);
        let parcel = outgoing.parcel();
        outgoing.handle_store(&StoreReply::Created { parcel }, cx);
        outgoing
    }

    /// A device wants it all.
    fn begin(outgoing: &mut Outgoing, who: DeviceId, counter: u64, at: Time, cx: &mut Effects) {
        let want = wanting(outgoing.parcel(), &RangeSet::default(), 1);
        let mut size = FrameSize::new(None, None);
        if outgoing.handle_want(who, &want, counter, at, &mut size, cx) {
            outgoing.begin(who, "name".into(), cx);
        }
    }

    /// Bytes that were noted.
    fn notes(cx: &mut Effects) -> usize {
        let notes = cx.store.drain(..).map(|request| match request {
            StoreRequest::Note { note, .. } => note.len(),
            _ => 0,
        });
        notes.sum()
    }

    #[test]
    fn notes_do_not_grow_with_how_often_a_receiver_changes_its_mind() {
        let cx = &mut Effects::default();
        let mut outgoing = noted(cx);
        let mut change_mind = |times: u64, cx: &mut Effects| {
            for counter in times..times + 20_000 {
                begin(&mut outgoing, device(1), 2 * counter, Time::ZERO, cx);
                let end = EndReason::ByUser;
                outgoing.handle_end(device(1), end, false, 2 * counter + 1, cx);
            }
            notes(cx)
        };
        let noted = change_mind(0, cx);
        assert!((100_000..2_000_000).contains(&noted), "{noted}");
        assert_eq!(change_mind(20_000, cx), 0);
    }

    #[test]
    fn who_wants_it_when_the_list_is_full_takes_the_place_of_one_that_did_not_answer() {
        let cx = &mut Effects::default();
        let mut outgoing = noted(cx);
        for number in 0..MAX_RECEIVERS as u32 + 10 {
            let here = Here {
                device: device(number),
                person: None,
                name: String::new(),
            };
            outgoing.handle_here(here, Time::ZERO, cx);
        }
        let late = device(u32::MAX);
        begin(&mut outgoing, late, 1, Time::ZERO, cx);
        assert_eq!(outgoing.receivers.iter().count(), MAX_RECEIVERS);
        assert!(outgoing.receivers.get(late).unwrap().active().is_some());
    }
}
