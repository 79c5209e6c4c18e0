//! The family of people: cards of those who are away, passed on to newcomers.

use mqdrop_mqtt::Time;

use crate::engine::room::Room;
use crate::ids::DeviceId;
use crate::message::{Body, PeopleList};

/// So many devices tell a newcomer of those who are away: two, as one may leave just then.
const TELLERS: usize = 2;

impl Room {
    /// A device comes in. It is told who was here, if it is this device's turn: devices take turns by the
    /// newcomer's id. One that was here just now knows.
    pub(super) fn note_newcomer(&mut self, newcomer: DeviceId) {
        if self.peers.is_present(newcomer) {
            return;
        }
        let turn = |device: DeviceId| *blake3::hash(&[newcomer.0, device.0].concat()).as_bytes();
        let own = turn(self.voice.device());
        let earlier = self.peers.present().filter(|device| turn(*device) < own);
        if earlier.take(TELLERS).count() < TELLERS {
            self.lists.note_newcomer(newcomer);
        }
    }

    /// Queues the next part of what a newcomer is told, when nothing else waits.
    pub(in crate::engine) fn tell_newcomers(&mut self, now: Time) {
        if let Some(newcomer) = self.lists.next_newcomer(now) {
            let here = self.peers.persons_here();
            let newcomer_is = self.peers.person(newcomer);
            let mut away = self.people.to_pass_on(self.wall(now));
            away.retain(|passed| {
                let person = passed.card.id();
                Some(person) != newcomer_is && here.binary_search(&person).is_err()
            });
            self.lists.begin(newcomer, away);
        }
        if let Some((newcomer, list)) = self.lists.next_part() {
            self.answer(newcomer, Body::People(list), now);
        }
    }

    /// A member tells who was here before this device came.
    pub(super) fn handle_people(&mut self, teller: DeviceId, list: &PeopleList, now: Time) {
        if self.peers.person(teller).is_none() || !self.lists.may_hear(teller) {
            return;
        }
        let wall = self.wall(now);
        let room = *self.voice.room_id();
        let mut is_news = false;
        for passed in &list.persons {
            let is_own = passed.card.person == self.voice.card().person;
            if !is_own && passed.person(&room).is_some() {
                is_news |= self.people.hear_of(passed, wall);
            }
        }
        if is_news {
            self.tell_people(now);
        }
    }
}
