//! The receivers of a parcel: beginning, ending, and being kept over a restart.

use mqdrop_mqtt::Time;

use super::Outgoing;
use super::receiver::{MAX_RECEIVERS, Phase, Receiver};
use crate::api::Event;
use crate::effects::Effects;
use crate::ids::{DeviceId, Token};
use crate::io::StoreReply;
use crate::notes::Note;
use crate::view::ParcelKind;

/// So many beginnings are noted of a parcel. Whoever begins after that is sent to like the others,
/// but not waited for after a restart: receivers choose how often they begin.
const MAX_NOTED: u32 = 2 * MAX_RECEIVERS as u32;
/// So many that left without an answer are shown at most, those that left last.
const MAX_LEFT: usize = 50;

impl Outgoing {
    /// A receiver of this name begins.
    pub(crate) fn begin(&mut self, device: DeviceId, name: String, cx: &mut Effects) {
        if let Some(receiver) = self.receivers.get_mut(&device) {
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
        for (&device, receiver) in &mut self.receivers {
            self.journal.note_beginning(device, receiver, MAX_NOTED, cx);
        }
        // It may have taken longer to make room than to send.
        self.forget_note_if_done(cx);
    }

    /// A receiver is not waited for any more, though it stays on the list.
    pub(super) fn note_end(&mut self, device: DeviceId, cx: &mut Effects) {
        if let Some(receiver) = self.receivers.get_mut(&device) {
            self.journal.note_end(device, receiver, cx);
        }
        self.forget_note_if_done(cx);
    }

    /// Takes a receiver off the list.
    pub(super) fn remove_receiver(&mut self, device: DeviceId, cx: &mut Effects) {
        if let Some(mut receiver) = self.receivers.remove(&device) {
            self.journal.note_end(device, &mut receiver, cx);
        }
        self.forget_note_if_done(cx);
    }

    /// A device left without an answer: it is shown as such, unless it is back already.
    pub(super) fn keep_in_mind(&mut self, device: DeviceId, cx: &mut Effects) {
        let name = self.receivers.get(&device).map(|left| left.name.clone());
        let mut others = self.receivers.iter().filter(|(other, _)| **other != device);
        if others.any(|(_, other)| other.is_present() && Some(&other.name) == name.as_ref()) {
            return self.remove_receiver(device, cx);
        }
        let left = self.receivers.iter().filter_map(|(&device, receiver)| {
            let since = receiver.away_since.filter(|_| receiver.is_undecided())?;
            Some((since, device))
        });
        if left.clone().count() > MAX_LEFT
            && let Some((_, first)) = left.min()
        {
            self.receivers.remove(&first);
        }
        self.forget_note_if_done(cx);
    }

    /// A device of this name comes. Another one of the same name that left, and has nothing of this
    /// parcel, makes room for it on the list: most likely it is the same one with a new id. If it is
    /// not, all that is lost is the word that the other one left.
    pub(super) fn replace(&mut self, device: DeviceId, name: &str, cx: &mut Effects) {
        let is_text = self.parcel.kind == ParcelKind::Text;
        let former = |(&other, receiver): (&DeviceId, &Receiver)| {
            let is_former = other != device && receiver.has_left(is_text) && receiver.name == name;
            is_former.then_some(other)
        };
        let former: Vec<DeviceId> = self.receivers.iter().filter_map(former).collect();
        for former in former {
            self.remove_receiver(former, cx);
        }
    }

    /// The user does not wait for a receiver that is away, or wants to hear nothing of it. Who has
    /// the parcel stays on the list.
    pub(crate) fn forget_receiver(&mut self, device: DeviceId, cx: &mut Effects) {
        let receiver = self.receivers.get(&device);
        if receiver.is_some_and(|receiver| !matches!(receiver.phase, Phase::Done { .. })) {
            self.remove_receiver(device, cx);
            cx.event(Event::Transfer(self.parcel.id));
        }
    }

    /// Whether a device that receives this is not in the room.
    pub(crate) fn is_away(&self, device: DeviceId) -> bool {
        let receiver = self.receivers.get(&device);
        receiver.is_some_and(|receiver| !receiver.is_present())
    }

    /// A device with this token spoke: whoever else has that was the same receiver, before its
    /// program was restarted or it left the room.
    pub(crate) fn recognise(&mut self, device: DeviceId, token: Token, cx: &mut Effects) {
        if let Some(receiver) = self.receivers.get_mut(&device)
            && receiver.token.replace(token) == Some(token)
        {
            return;
        }
        let mut others = self.receivers.iter();
        let former = others.find(|(id, other)| **id != device && other.token == Some(token));
        if let Some((&former, _)) = former {
            self.remove_receiver(former, cx);
            cx.event(Event::Transfer(self.parcel.id));
        }
    }

    /// Whether there is room for one more receiver: if need be, one makes it that has not decided or
    /// does not want it, or else the one that has been away for longest.
    pub(super) fn has_room(&mut self, now: Time, cx: &mut Effects) -> bool {
        if self.receivers.len() < MAX_RECEIVERS {
            return true;
        }
        let rank = |receiver: &Receiver| match receiver.phase {
            Phase::Offered { .. } | Phase::Seen => Some(0),
            Phase::Declined(_) | Phase::Cancelled(_) => Some(1),
            Phase::Done { .. } if receiver.is_lost(now) => Some(2),
            _ if receiver.is_lost(now) => Some(3),
            _ => None,
        };
        let ranked = self
            .receivers
            .iter()
            .filter_map(|(&device, receiver)| Some((rank(receiver)?, receiver.away_since, device)));
        let Some((_, _, device)) = ranked.min() else {
            return false;
        };
        self.remove_receiver(device, cx);
        true
    }

    /// There is nothing to go on with after a restart once all have it who may want it.
    pub(super) fn forget_note_if_done(&mut self, cx: &mut Effects) {
        let is_open = |receiver: &Receiver| {
            receiver.is_receiving() || (receiver.is_undecided() && receiver.is_present())
        };
        if self.journal.is_delivered() && !self.receivers.values().any(is_open) {
            self.journal.close(cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::api::Entry;
    use crate::frame_size::FrameSize;
    use crate::io::StoreRequest;
    use crate::message::EndReason;
    use crate::message::tests::wanting;
    use crate::outgoing::{Address, Audience};
    use crate::random::Random;
    use crate::ranges::RangeSet;

    /// A device, by its number.
    fn device(number: u32) -> DeviceId {
        let mut id = [0; 10];
        id[..4].copy_from_slice(&number.to_be_bytes());
        DeviceId(id)
    }

    /// A file that is sent and has notes.
    fn noted(cx: &mut Effects) -> Outgoing {
        let entry = Entry {
            path: "a".into(),
            size: 1,
            modified: None,
            mime: String::new(),
        };
        let mut random = Random::new([1; 32]);
        let to = Address {
            room: "room".into(),
            audience: Audience::Room,
        };
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
    fn who_has_the_token_of_another_was_that_one() {
        let cx = &mut Effects::default();
        let mut outgoing = noted(cx);
        let (former, later, other) = (device(1), device(2), device(3));
        for who in [former, later, other] {
            begin(&mut outgoing, who, 1, Time::ZERO, cx);
        }
        let mut say = |who, token| {
            outgoing.recognise(who, Token([token; 16]), cx);
            outgoing.receivers.keys().copied().collect::<Vec<_>>()
        };
        assert_eq!(say(former, 7), [former, later, other]);
        assert_eq!(say(other, 8), [former, later, other]);
        assert_eq!(say(later, 7), [later, other]);
        assert_eq!(say(later, 7), [later, other]);
        // It need not have begun itself.
        assert_eq!(say(device(4), 7), [other]);
    }

    #[test]
    fn devices_that_do_not_answer_leave_room_for_those_that_do() {
        let cx = &mut Effects::default();
        let mut outgoing = noted(cx);
        for number in 0..MAX_RECEIVERS as u32 + 10 {
            outgoing.handle_here(device(number), String::new(), Time::ZERO, cx);
        }
        let late = device(u32::MAX);
        begin(&mut outgoing, late, 1, Time::ZERO, cx);
        assert_eq!(outgoing.receivers.len(), MAX_RECEIVERS);
        assert!(outgoing.receivers[&late].active().is_some());
    }

    #[test]
    fn who_has_been_away_for_long_makes_room() {
        let cx = &mut Effects::default();
        let mut outgoing = noted(cx);
        for number in 0..MAX_RECEIVERS as u32 {
            begin(&mut outgoing, device(number), 1, Time::ZERO, cx);
        }
        let later = device(u32::MAX);
        begin(&mut outgoing, later, 1, Time::ZERO, cx);
        assert!(!outgoing.receivers.contains_key(&later));
        for number in [7, 3] {
            let gone = Time::ZERO + Duration::from_secs(u64::from(10 - number));
            outgoing.handle_gone(device(number), gone, cx);
        }
        let at = Time::ZERO + Duration::from_secs(200);
        begin(&mut outgoing, later, 1, at, cx);
        assert!(outgoing.receivers.contains_key(&later));
        assert!(!outgoing.receivers.contains_key(&device(7)));
        assert!(outgoing.receivers.contains_key(&device(3)));
        assert_eq!(outgoing.receivers.len(), MAX_RECEIVERS);
    }
}
