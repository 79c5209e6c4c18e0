//! This device as the others in a room hear it: what it says is sealed here, and what they say opened.

use crate::api::Join;
use crate::envelope::{self, Opened};
use crate::identity::{Identity, PairKey};
use crate::ids::DeviceId;
use crate::keys::RoomSecret;
use crate::message::{Body, Introduction, Message};
use crate::names;
use crate::person::{Card, PersonKey};
use crate::random::Random;
use crate::seal::OpenError;

use super::topics::Channel;

/// The last part of the topic of messages to the whole room.
const TO_ROOM: &str = "c";

/// The device in one room.
pub(super) struct Voice {
    secret: RoomSecret,
    identity: Identity,
    card: Card,
    former: Option<DeviceId>,
    /// The counter of the message that was sealed last.
    counter: u64,
    /// The counter of the hello on this connection.
    hello: u64,
}

impl Voice {
    pub(super) fn new(join: &Join) -> Self {
        let room = &join.secret.room;
        let name = names::device_name(&join.profile.name);
        let key = PersonKey::new(&join.profile.secret, room);
        Self {
            card: key.card(room, &join.identity.public, name, join.profile.named),
            former: join.former,
            secret: join.secret.clone(),
            identity: join.identity.clone(),
            counter: 0,
            hello: 0,
        }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn device(&self) -> DeviceId {
        self.identity.device
    }

    /// This device's person.
    pub(super) fn card(&self) -> &Card {
        &self.card
    }

    /// The room that cards are made for.
    pub(super) fn room_id(&self) -> &[u8; 16] {
        &self.secret.room
    }

    /// The room's name in topics.
    pub(super) fn room(&self) -> String {
        self.secret.room()
    }

    /// The counter of the hello on this connection.
    pub(super) fn hello(&self) -> u64 {
        self.hello
    }

    /// A connection begins: the next message is its hello.
    pub(super) fn begin(&mut self) {
        self.hello = self.counter + 1;
    }

    /// Another device is here. If this one was to take its place, it does not: a tab that was duplicated
    /// remembers what the other one is.
    pub(super) fn meet(&mut self, device: DeviceId) {
        self.former.take_if(|former| *former == device);
    }

    /// This device's introduction of itself; `heard` is the counter of the hello that this answers.
    pub(super) fn introduction(&self, heard: u64) -> Introduction {
        Introduction {
            hello: self.hello,
            heard,
            card: self.card.clone(),
            former: self.former,
        }
    }

    /// Seals what everyone in the room is to read.
    pub(super) fn seal_to_room(&mut self, body: Body, random: &mut Random) -> Vec<u8> {
        let message = self.count(body);
        envelope::seal_to_room(&self.secret.key, &self.identity, TO_ROOM, &message, random)
    }

    /// Seals what only one device is to read.
    pub(super) fn seal_to_device(
        &mut self,
        device: DeviceId,
        pair_key: &PairKey,
        body: Body,
        random: &mut Random,
    ) -> Vec<u8> {
        let message = self.count(body);
        let key = &self.secret.key;
        envelope::seal_to_device(key, &self.identity, device, pair_key, &message, random)
    }

    fn count(&mut self, body: Body) -> Vec<u8> {
        self.counter += 1;
        let counter = self.counter;
        Message { counter, body }.encode()
    }

    /// Opens a control message. `known` are the keys shared with others that were computed before.
    pub(super) fn open(
        &self,
        channel: Channel,
        payload: &[u8],
        known: impl Fn(DeviceId) -> Option<PairKey>,
    ) -> Result<Opened, OpenError> {
        let me = self.device();
        let tail = if channel == Channel::Room {
            TO_ROOM.to_owned()
        } else {
            me.to_string()
        };
        envelope::open(&self.secret.key, me, &tail, payload, |sender, public| {
            known(sender).or_else(|| self.identity.pair_key(public))
        })
    }
}
