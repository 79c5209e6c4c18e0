//! The family of people: cards of those who are away, passed on to newcomers.

use mqdrop_mqtt::Time;

use crate::engine::room::Room;
use crate::ids::DeviceId;
use crate::message::{Body, PeopleList};

/// So many devices tell a newcomer of those who are away: two, as one may leave just then.
const TELLERS: usize = 2;
/// So many cards go in one message, which is at most 16 KiB long.
const CARDS: usize = 40;
/// So many messages of them a newcomer gets from one device.
const PARTS: usize = 8;
/// So many are listened to on a connection: two devices tell, and some others may believe that it is
/// their turn.
const MAX_LISTS: u32 = 64;

impl Room {
    /// Tells a newcomer who was here, if it is this device's turn: devices take turns by the newcomer's id.
    pub(super) fn pass_on_people(&mut self, newcomer: DeviceId, now: Time) {
        let turn = |device: DeviceId| *blake3::hash(&[newcomer.0, device.0].concat()).as_bytes();
        let own = turn(self.voice.device());
        let others = self.peers.present().filter(|device| *device != newcomer);
        if others.filter(|device| turn(*device) < own).count() >= TELLERS {
            return;
        }
        let here = self.peers.persons_here();
        let newcomer_is = self.peers.person(newcomer);
        let mut away = self.people.to_pass_on(self.wall(now));
        away.retain(|passed| {
            let person = passed.card.id();
            Some(person) != newcomer_is && here.binary_search(&person).is_err()
        });
        for (part, persons) in (0..).zip(away.chunks(CARDS).take(PARTS)) {
            let persons = persons.to_vec();
            self.answer(newcomer, Body::People(PeopleList { part, persons }), now);
        }
    }

    /// A member tells who was here before this device came.
    pub(super) fn handle_people(&mut self, list: &PeopleList, now: Time) {
        if list.persons.len() > CARDS || self.lists_heard >= MAX_LISTS {
            return;
        }
        self.lists_heard += 1;
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
