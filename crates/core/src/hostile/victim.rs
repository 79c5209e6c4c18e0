//! The device under attack, and what is around it.

use core::time::Duration;

use bytes::Bytes;
use mqdrop_client::{Client, Input, Update};
use mqdrop_core::view::{ConnectionState, FileView, PeerView, StatusView, TransferView};
use mqdrop_core::{Audience, Engine, Join, Notice, OfferError, RoomId, SocketClose};
use mqdrop_mqtt::{Time, Version, VersionPolicy};

use super::machine::Machine;
use crate::identity::Identity;
use crate::ids::{DeviceId, ParcelId, PersonId};
use crate::keys::RoomSecret;

/// CONNACK of MQTT 3.1.1.
pub(super) const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];

/// The beginning of the room's topics.
const PREFIX: &str = "mqdrop/1";

/// The words that the room's key is made of.
const WORDS: &str = "a room with a traitor";

/// The room's key, as its members have it.
pub(super) fn secret() -> RoomSecret {
    static SECRET: std::sync::OnceLock<RoomSecret> = std::sync::OnceLock::new();
    SECRET
        .get_or_init(|| RoomSecret::derive(WORDS).unwrap())
        .clone()
}

/// The way it joins; each time as another device.
fn join(version: Version, times: u8) -> Join {
    static SECRET: std::sync::OnceLock<mqdrop_core::keys::RoomSecret> = std::sync::OnceLock::new();
    Join {
        secret: SECRET
            .get_or_init(|| mqdrop_core::keys::RoomSecret::derive(WORDS).unwrap())
            .clone(),
        identity: mqdrop_core::Identity::from_random([times; 32]),
        broker: "wss://broker.example/mqtt".into(),
        prefix: String::new(),
        profile: mqdrop_core::Profile {
            secret: [9; 32],
            name: "Victim".into(),
            named: 0,
        },
        people: Vec::new(),
        invited_by: String::new(),
        former: None,
        wall: 0,
        login: None,
        version: VersionPolicy::Only(version),
        keep_alive: Join::KEEP_ALIVE,
        auto_accept: mqdrop_core::AutoAccept::Off,
        takes_texts: true,
        frame_limit: None,
        frame_length: None,
    }
}

/// A parcel's id, in words to the victim.
fn theirs(parcel: ParcelId) -> mqdrop_core::ParcelId {
    parcel.to_string().parse().unwrap()
}

/// A device whose broker and storage the test plays.
pub(super) struct Victim {
    version: Version,
    /// The room that it joined last.
    pub(super) room: RoomId,
    /// The number of times it joined.
    joined: u8,
    /// The machine's clock when a connection opens, in ms since 1970.
    pub(super) wall: u64,
    client: Client<Machine>,
    pub(super) notices: Vec<Notice>,
    /// The message by which it last said in the room that it is here.
    pub(super) hello: Vec<u8>,
    /// The packet identifiers of messages that the broker has not acknowledged.
    unacknowledged: Vec<[u8; 2]>,
}

impl Victim {
    /// One that has yet to connect, by MQTT 3.1.1.
    pub(super) fn new() -> Self {
        Self::speaking(Version::V311)
    }

    pub(super) fn speaking(version: Version) -> Self {
        let mut client = Client::new([1; 32], Machine::default());
        let room = client.act(|engine, now| engine.join(join(version, 1), now));
        let mut victim = Self {
            version,
            room: room.unwrap(),
            joined: 1,
            wall: 0,
            client,
            notices: Vec::new(),
            hello: Vec::new(),
            unacknowledged: Vec::new(),
        };
        victim.settle();
        victim
    }

    /// One that is in the room.
    pub(super) fn online() -> Self {
        let mut victim = Self::new();
        victim.admit();
        victim
    }

    /// An honest broker lets it into the room.
    pub(super) fn admit(&mut self) {
        match self.version {
            Version::V5 => self.let_in(&[0x20, 3, 0, 0, 0], &[0, 1, 1]),
            Version::V311 => self.let_in(&ACCEPTED, &[1, 1]),
        }
        self.echo();
        assert_eq!(self.status().state, ConnectionState::Online);
    }

    /// The connection opens, and the broker answers CONNECT and the first SUBSCRIBE so; what stands
    /// behind a SUBACK's packet identifier is `result`.
    pub(super) fn let_in(&mut self, connack: &[u8], result: &[u8]) {
        self.machine().sent.clear();
        self.open();
        self.receive(connack);
        self.answer_subscribe(result);
    }

    /// The broker delivers to it what it says in the room, as it is subscribed to that.
    pub(super) fn echo(&mut self) {
        for (first, body) in packets(&self.machine().sent.clone()) {
            if first >> 4 == 3 {
                let (tail, payload) = message(first, &body);
                if tail == "c" {
                    self.hello = payload;
                }
                self.receive(&packet(first, &body));
            }
        }
    }

    /// The user tries again.
    pub(super) fn join_again(&mut self) {
        self.joined += 1;
        let join = join(self.version, self.joined);
        self.room = self.act(|engine, now| {
            engine.leave_all(now);
            engine.join(join, now).unwrap()
        });
    }

    pub(super) fn machine(&mut self) -> &mut Machine {
        self.client.platform_mut()
    }

    pub(super) fn now(&self) -> Time {
        self.client.platform().now
    }

    /// Bytes of content that it wrote to storage.
    pub(super) fn written(&self) -> u64 {
        self.client.platform().written
    }

    /// Tells whether it asked for a connection.
    pub(super) fn is_opening(&self) -> bool {
        self.client.platform().opening
    }

    pub(super) fn engine(&self) -> &Engine {
        self.client.engine()
    }

    pub(super) fn peers(&self) -> Vec<PeerView> {
        self.engine().peers(self.room)
    }

    pub(super) fn status(&self) -> StatusView {
        self.engine().status(self.room)
    }

    /// It offers a text to the room.
    pub(super) fn offer_text(&mut self, text: &str) -> Result<ParcelId, OfferError> {
        let room = self.room;
        let offered = self.act(|engine, now| engine.offer_text(room, text, Audience::Room, now));
        offered.map(|parcel| parcel.to_string().parse().unwrap())
    }

    /// Its user accepts a parcel.
    pub(super) fn accept(&mut self, parcel: ParcelId) {
        self.act(|engine, now| engine.accept(theirs(parcel), now));
    }

    /// Its user does not want a parcel, and takes it off the list.
    pub(super) fn decline(&mut self, parcel: ParcelId) {
        self.act(|engine, now| engine.decline(theirs(parcel), now));
        self.act(|engine, now| engine.remove(theirs(parcel), now));
    }

    /// Its user does not want to hear of a device.
    pub(super) fn mute(&mut self, person: PersonId) {
        let (room, person) = (self.room, person.to_string().parse().unwrap());
        self.act(|engine, now| engine.mute(room, person, true, now));
    }

    /// The broker answers the SUBSCRIBE that was sent last; this stands behind its packet
    /// identifier.
    pub(super) fn answer_subscribe(&mut self, result: &[u8]) {
        let packets = packets(&std::mem::take(&mut self.machine().sent));
        let subscribe = packets.iter().rfind(|(first, _)| first >> 4 == 8).unwrap();
        self.receive(&packet(0x90, &[&subscribe.1[..2], result].concat()));
    }

    pub(super) fn open(&mut self) {
        self.machine().opening = false;
        self.handle(Input::Opened {
            compresses: false,
            wall: self.wall,
        });
    }

    /// The connection ends, or cannot be opened.
    pub(super) fn close(&mut self, close: SocketClose) {
        self.machine().opening = false;
        self.handle(Input::Closed(close));
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.handle(Input::Received(Bytes::copy_from_slice(bytes)));
    }

    /// Time goes by at a broker that answers each ping.
    pub(super) fn stay(&mut self, duration: Duration) {
        let end = self.now() + duration;
        while self.now() < end {
            self.wait(Duration::from_secs(1));
            self.receive(&[0xd0, 0]);
        }
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.machine().now += duration;
        self.handle(Input::Woken);
    }

    pub(super) fn act<R>(&mut self, act: impl FnOnce(&mut Engine, Time) -> R) -> R {
        let result = self.client.act(act);
        self.settle();
        result
    }

    pub(super) fn handle(&mut self, input: Input<()>) {
        self.client.handle(input);
        self.settle();
    }

    /// Gives it all that has happened by now.
    fn settle(&mut self) {
        loop {
            self.client.tell(&mut |update| {
                if let Update::Notice(notice) = update {
                    self.notices.push(notice);
                }
            });
            let machine = self.client.platform_mut();
            let is_due = |at: &mut Time| *at <= machine.now;
            let woken = machine.timer.take_if(is_due).map(|_| Input::Woken);
            match machine.inputs.pop_front().or(woken) {
                Some(input) => self.client.handle(input),
                None => return,
            }
        }
    }

    /// The broker delivers this.
    pub(super) fn deliver(&mut self, tail: &str, payload: &[u8]) {
        let topic = format!("{PREFIX}/{}/{tail}", secret().room());
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        body.extend_from_slice(payload);
        self.receive(&packet(0x30, &body));
        // Anything may take a moment.
        self.machine().now += Duration::from_millis(1);
    }

    pub(super) fn view(&self, parcel: ParcelId) -> Option<TransferView> {
        self.engine().transfer(theirs(parcel), self.now())
    }

    pub(super) fn files(&self, parcel: ParcelId) -> Option<Vec<FileView>> {
        self.engine().files(theirs(parcel))
    }

    /// Messages that it published since the last time: the topic's last parts and the payload.
    pub(super) fn published(&mut self) -> Vec<(String, Vec<u8>)> {
        let packets = packets(&std::mem::take(&mut self.machine().sent));
        let published = packets.iter().filter(|(first, _)| first >> 4 == 3);
        let acknowledged = published.clone().filter(|(first, _)| first & 6 != 0);
        self.unacknowledged
            .extend(acknowledged.map(|(_, body)| identifier(body)));
        published
            .map(|(first, body)| message(*first, body))
            .collect()
    }

    /// The broker acknowledges all messages, and those that it is sent then. Returns the number of
    /// these, which waited for that.
    pub(super) fn acknowledge_all(&mut self) -> usize {
        let mut waited = self.published().len();
        while !self.unacknowledged.is_empty() {
            for id in std::mem::take(&mut self.unacknowledged) {
                self.receive(&packet(0x40, &id));
            }
            waited += self.published().len();
        }
        waited
    }

    pub(super) fn own_keys(&self) -> (DeviceId, [u8; 32]) {
        let identity = Identity::from_random([self.joined; 32]);
        (identity.device, identity.public)
    }
}

/// The topic's last parts and the payload of a PUBLISH in the room.
fn message(first: u8, body: &[u8]) -> (String, Vec<u8>) {
    let base = format!("{PREFIX}/{}/", secret().room());
    let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
    let topic = str::from_utf8(&body[2..end]).unwrap();
    let id = if first & 6 == 0 { 0 } else { 2 };
    let tail = topic.strip_prefix(&base).unwrap().to_owned();
    (tail, body[end + id..].to_vec())
}

/// The packet identifier of a PUBLISH that is to be acknowledged.
fn identifier(body: &[u8]) -> [u8; 2] {
    let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
    [body[end], body[end + 1]]
}

pub(super) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut len = body.len();
    loop {
        let digit = (len % 128) as u8;
        len /= 128;
        packet.push(if len > 0 { digit | 128 } else { digit });
        if len == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

/// Takes whole packets apart: the first byte, and what follows the length.
pub(super) fn packets(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut packets = Vec::new();
    while let Some((&first, rest)) = bytes.split_first() {
        let (mut len, mut digits) = (0, 0);
        loop {
            len |= usize::from(rest[digits] & 127) << (7 * digits);
            digits += 1;
            if rest[digits - 1] < 128 {
                break;
            }
        }
        packets.push((first, rest[digits..digits + len].to_vec()));
        bytes = &rest[digits + len..];
    }
    packets
}
