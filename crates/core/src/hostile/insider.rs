//! Someone in the room, who writes what a test wants.

use super::victim::{Victim, secret};
use crate::envelope;
use crate::identity::Identity;
use crate::ids::DeviceId;
use crate::message::{Body, Introduction, Message};
use crate::person::{Card, PersonKey};
use crate::random::Random;

/// Someone in the room, who writes what the test wants.
pub(super) struct Member {
    pub(super) identity: Identity,
    pub(super) random: Random,
    /// What its person's key follows from.
    pub(super) person: [u8; 32],
    counter: u64,
}

impl Member {
    /// One who has not said hello.
    pub(super) fn new(seed: u8) -> Self {
        Self::numbered(seed.into())
    }

    /// The same, for crowds.
    pub(super) fn numbered(number: u32) -> Self {
        let mut seed = [7; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let mut random = Random::new(seed);
        let identity = Identity::from_random(random.bytes());
        Self {
            person: identity.public,
            identity,
            random,
            counter: 0,
        }
    }

    /// One who is in the room with the victim.
    pub(super) fn in_room(seed: u8, victim: &mut Victim) -> Self {
        let mut member = Self::new(seed);
        member.introduce(victim, &format!("Member {seed}"));
        member
    }

    /// Comes in, and answers when it is asked whether it is here.
    pub(super) fn introduce(&mut self, victim: &mut Victim, name: &str) {
        self.tell_room(victim, self.hello(name));
        let Body::Hello(hello) = self.hello(name) else {
            return;
        };
        let said = [("c".to_owned(), victim.hello.clone())];
        let Some(Body::Hello(heard)) = self.read_room(&said).pop() else {
            panic!("it has not said hello");
        };
        let heard = heard.hello;
        self.tell(victim, Body::Alive(Introduction { heard, ..hello }));
    }

    pub(super) fn hello(&self, name: &str) -> Body {
        Body::Hello(Introduction {
            hello: 1,
            heard: 0,
            card: self.card(name),
            former: None,
        })
    }

    /// Its person's card.
    pub(super) fn card(&self, name: &str) -> Card {
        let room = &secret().room;
        let key = PersonKey::new(&self.person, room);
        key.card(room, &self.identity.public, name.into(), 0)
    }

    pub(super) fn device(&self) -> DeviceId {
        self.identity.device
    }

    /// Writes a well-formed message to the room.
    pub(super) fn tell_room(&mut self, victim: &mut Victim, body: Body) {
        let bytes = self.encode(body);
        self.bytes_to_room(victim, &bytes);
    }

    /// Writes a well-formed message to the victim.
    pub(super) fn tell(&mut self, victim: &mut Victim, body: Body) {
        let bytes = self.encode(body);
        self.bytes_to_victim(victim, &bytes);
    }

    pub(super) fn encode(&mut self, body: Body) -> Vec<u8> {
        self.counter += 1;
        let counter = self.counter;
        Message { counter, body }.encode()
    }

    pub(super) fn bytes_to_room(&mut self, victim: &mut Victim, bytes: &[u8]) {
        let sealed =
            envelope::seal_to_room(&secret().key, &self.identity, "c", bytes, &mut self.random);
        victim.deliver("c", &sealed);
    }

    pub(super) fn bytes_to_victim(&mut self, victim: &mut Victim, bytes: &[u8]) {
        let (device, public) = victim.own_keys();
        let key = self.identity.pair_key(&public).unwrap();
        let sealed = envelope::seal_to_device(
            &secret().key,
            &self.identity,
            device,
            &key,
            bytes,
            &mut self.random,
        );
        victim.deliver(&format!("i/{device}"), &sealed);
    }

    /// Messages of the victim to the room.
    pub(super) fn read_room(&self, published: &[(String, Vec<u8>)]) -> Vec<Body> {
        let to_room = published.iter().filter(|(topic, _)| topic == "c");
        let open = |sealed: &[u8]| {
            let opened = envelope::open(&secret().key, self.device(), "c", sealed, |_, _| None);
            Message::decode(&opened.unwrap().body).unwrap().body
        };
        to_room.map(|(_, sealed)| open(sealed)).collect()
    }

    /// Messages of the victim to this member.
    pub(super) fn read(&self, published: &[(String, Vec<u8>)]) -> Vec<Body> {
        let tail = format!("i/{}", self.device());
        published
            .iter()
            .filter(|(topic, _)| *topic == tail)
            .map(|(_, sealed)| {
                let key = |_, public: &[u8; 32]| self.identity.pair_key(public);
                let device = self.device();
                let opened =
                    envelope::open(&secret().key, device, &device.to_string(), sealed, key)
                        .unwrap();
                Message::decode(&opened.body).unwrap().body
            })
            .collect()
    }
}
