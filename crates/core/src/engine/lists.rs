//! Lists of people: those that newcomers are told, and those that others told this device.
//!
//! Anybody may come in as any number of devices. So few newcomers wait, one list is made at a time, and
//! the lists that this device tells and hears are counted.

use core::time::Duration;
use std::collections::VecDeque;

use litemap::LiteMap;
use mqdrop_mqtt::Time;

use crate::allowance::Allowance;
use crate::ids::DeviceId;
use crate::message::PeopleList;
use crate::people::PassedOn;

/// The most newcomers that wait to be told.
const MAX_WAITING: usize = 32;
/// So many newcomers are told at once …
const AT_ONCE: u32 = 32;
/// … and one more each time so long has passed.
const ONE_EVERY: Duration = Duration::from_secs(2);
/// The longest part in bytes; with what is around it in a message of at most 16 KiB.
const MAX_PART: usize = 15_000;
/// The most bytes of a card that is passed on, without its name: two keys, a signature, two numbers of 9
/// bytes and heads.
const CARD: usize = 170;
/// The most parts that a newcomer gets from one device, and that one device is listened to.
const MAX_PARTS: u8 = 8;
/// The most devices that are listened to on a connection: two tell, and some others may believe that it
/// is their turn.
const MAX_TELLERS: usize = 8;

pub(super) struct Lists {
    newcomers: VecDeque<DeviceId>,
    /// Who is being told, the next part's number, and the cards that are left.
    telling: Option<(DeviceId, u8, VecDeque<PassedOn>)>,
    allowance: Allowance,
    /// How many parts of a list were heard on this connection, by the device that told them.
    heard: LiteMap<DeviceId, u8>,
}

impl Lists {
    pub(super) fn new(now: Time) -> Self {
        Self {
            newcomers: VecDeque::new(),
            telling: None,
            allowance: Allowance::new(AT_ONCE, ONE_EVERY, now),
            heard: LiteMap::new(),
        }
    }

    /// A newcomer is to be told. One too many is told by others, or by nobody: cards are of those who
    /// are away, and their next device shows its own.
    pub(super) fn note_newcomer(&mut self, newcomer: DeviceId) {
        if self.newcomers.len() < MAX_WAITING && !self.newcomers.contains(&newcomer) {
            self.newcomers.push_back(newcomer);
        }
    }

    /// The newcomer for whom a list is to be made now.
    pub(super) fn next_newcomer(&mut self, now: Time) -> Option<DeviceId> {
        if self.telling.is_some() || self.newcomers.is_empty() || !self.allowance.spend(now) {
            return None;
        }
        self.newcomers.pop_front()
    }

    /// The cards for a newcomer.
    pub(super) fn begin(&mut self, newcomer: DeviceId, cards: Vec<PassedOn>) {
        self.telling = Some((newcomer, 0, cards.into()));
    }

    /// The next part for the newcomer that is being told.
    pub(super) fn next_part(&mut self) -> Option<(DeviceId, PeopleList)> {
        let (newcomer, number, cards) = self.telling.as_mut()?;
        let (newcomer, part) = (*newcomer, *number);
        let (mut persons, mut len) = (Vec::new(), 0);
        while let Some(card) = cards.front() {
            len += CARD + card.card.name.len();
            if len > MAX_PART {
                break;
            }
            persons.extend(cards.pop_front());
        }
        *number += 1;
        if cards.is_empty() || *number == MAX_PARTS || persons.is_empty() {
            self.telling = None;
        }
        (!persons.is_empty()).then_some((newcomer, PeopleList { part, persons }))
    }

    /// This device is not in the room any more.
    pub(super) fn forget_newcomers(&mut self) {
        self.newcomers.clear();
        self.telling = None;
    }

    /// A connection begins: others may tell again.
    pub(super) fn forget_heard(&mut self) {
        self.heard.clear();
    }

    /// Whether one more part of this device's list is listened to; counts it.
    pub(super) fn may_hear(&mut self, teller: DeviceId) -> bool {
        if !self.heard.contains_key(&teller) && self.heard.len() >= MAX_TELLERS {
            return false;
        }
        let heard = self.heard.entry(teller).or_insert(0);
        *heard = heard.saturating_add(1);
        *heard <= MAX_PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PUBLIC;
    use crate::ids::tests::device;
    use crate::message::{Body, MAX_MESSAGE, Message};
    use crate::person::PersonKey;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn cards(count: u16, name: &str) -> Vec<PassedOn> {
        let cards = (0..count).map(|number| {
            let mut profile = [0; 32];
            profile[..2].copy_from_slice(&number.to_be_bytes());
            PassedOn {
                device: [4; PUBLIC],
                age: u64::MAX,
                card: PersonKey::new(&profile, &[3; 16]).card(
                    &[3; 16],
                    &[4; PUBLIC],
                    name.into(),
                    u64::MAX,
                ),
            }
        });
        cards.collect()
    }

    #[test]
    fn parts_are_messages_that_are_not_too_long_whatever_the_names() {
        for (count, letters, told) in [(100, 256, 100), (400, 256, 280), (400, 2, 400), (0, 2, 0)] {
            let mut lists = Lists::new(Time::ZERO);
            lists.note_newcomer(device(1));
            let newcomer = lists.next_newcomer(Time::ZERO).unwrap();
            lists.begin(newcomer, cards(count, &"x".repeat(letters)));
            let mut persons = 0;
            while let Some((to, list)) = lists.next_part() {
                assert_eq!(to, device(1));
                persons += list.persons.len();
                let body = Body::People(list);
                let message = Message {
                    counter: u64::MAX,
                    body,
                }
                .encode();
                // Around it are a key, a signature and the cipher's tag.
                assert!(message.len() + 200 <= MAX_MESSAGE, "{}", message.len());
            }
            assert_eq!(persons, told, "{count} cards of {letters} letters");
            assert_eq!(lists.next_newcomer(Time::ZERO), None);
        }
    }

    #[test]
    fn few_newcomers_wait_and_are_told_as_time_passes() {
        let mut lists = Lists::new(Time::ZERO);
        let mut told = |now: Time| {
            (0..1000).for_each(|number| lists.note_newcomer(device(number)));
            let mut told = 0;
            while let Some(newcomer) = lists.next_newcomer(now) {
                lists.begin(newcomer, cards(1, "x"));
                assert_eq!(lists.next_newcomer(now), None, "one at a time");
                assert!(lists.next_part().is_some());
                told += 1;
            }
            told
        };
        assert_eq!(told(Time::ZERO), 32);
        assert_eq!(told(Time::from_millis(10_000)), 5);
    }

    #[test]
    fn one_device_does_not_use_up_what_others_may_say() {
        let mut lists = Lists::new(Time::ZERO);
        let mut heard = |number| (0..100).filter(|_| lists.may_hear(device(number))).count();
        assert_eq!(heard(1), 8);
        assert_eq!(heard(2), 8);
        assert_eq!((3..100).map(&mut heard).sum::<usize>(), 6 * 8);
        lists.forget_heard();
        assert!(lists.may_hear(device(1)));
    }
}
