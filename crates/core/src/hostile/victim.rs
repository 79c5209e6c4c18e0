//! The device under attack, and what is around it.

use crate::cause::Notice;
use core::time::Duration;

use bytes::Bytes;
use litemap::LiteMap;
use mqdrop_mqtt::{Time, Version, VersionPolicy};

use crate::engine::room::Room;
use crate::identity::Identity;
use crate::ids::{DeviceId, ParcelId, RoomId};
use crate::io::{SocketAction, StoreReply, StoreRequest};
use crate::keys::RoomSecret;
use crate::view::{ConnectionState, PeerView, StatusView, TransferView};
use crate::{Audience, Engine, Event, Join, OfferError};

/// CONNACK of MQTT 3.1.1.
pub(super) const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];

/// The beginning of the room's topics.
const PREFIX: &str = "mqdrop/1";

pub(super) fn secret() -> RoomSecret {
    static SECRET: std::sync::OnceLock<RoomSecret> = std::sync::OnceLock::new();
    SECRET
        .get_or_init(|| RoomSecret::derive("a room with a traitor").unwrap())
        .clone()
}

/// The way it joins; each time as another device.
fn join(version: Version, times: u8) -> Join {
    Join {
        secret: secret(),
        identity: Identity::from_random([times; 32]),
        broker: "wss://broker.example/mqtt".into(),
        prefix: String::new(),
        name: "Victim".into(),
        login: None,
        version: VersionPolicy::Only(version),
        keep_alive: Join::KEEP_ALIVE,
        auto_accept: false,
        frame_limit: None,
        frame_length: None,
    }
}

/// An engine whose broker and storage the test plays.
pub(super) struct Victim {
    version: Version,
    /// The room that it joined last.
    pub(super) room: RoomId,
    /// The number of times it joined.
    joined: u8,
    pub(super) engine: Engine,
    pub(super) now: Time,
    pub(super) notices: Vec<Notice>,
    /// The length of frames that it learnt.
    pub(super) frame_length: Option<u32>,
    /// Bytes of content that it wrote to storage.
    pub(super) written: u64,
    /// Bytes that it noted.
    pub(super) noted: usize,
    /// The content that storage holds.
    stored: LiteMap<ParcelId, Vec<u8>>,
    /// Answers of storage that are yet to come, if they take a while.
    pub(super) late: Option<Vec<StoreReply>>,
    /// The bytes it sent to the broker and nobody has looked at.
    pub(super) sent: Vec<u8>,
    /// It asked for a connection.
    pub(super) opening: bool,
}

impl Victim {
    /// One that has yet to connect, by MQTT 3.1.1.
    pub(super) fn new() -> Self {
        Self::speaking(Version::V311)
    }

    pub(super) fn speaking(version: Version) -> Self {
        let mut engine = Engine::new([1; 32]);
        let room = engine.join(join(version, 1), Time::ZERO).unwrap();
        let mut victim = Self {
            version,
            room,
            joined: 1,
            engine,
            now: Time::ZERO,
            notices: Vec::new(),
            frame_length: None,
            written: 0,
            noted: 0,
            stored: LiteMap::new(),
            late: None,
            sent: Vec::new(),
            opening: false,
        };
        victim.drain();
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
        self.sent.clear();
        self.open();
        self.receive(connack);
        self.answer_subscribe(result);
    }

    /// The broker delivers to it what it says in the room, as it is subscribed to that.
    pub(super) fn echo(&mut self) {
        for (first, body) in packets(&self.sent) {
            if first >> 4 == 3 {
                self.receive(&packet(first, &body));
            }
        }
    }

    fn next_join(&mut self) -> Join {
        self.joined += 1;
        join(self.version, self.joined)
    }

    /// The user tries again.
    pub(super) fn join_again(&mut self) {
        let join = self.next_join();
        self.enter(join);
    }

    /// It comes in with what it learnt of the broker before.
    pub(super) fn join_knowing(&mut self, frame_length: u32) {
        let join = Join {
            frame_length: Some(frame_length),
            ..self.next_join()
        };
        self.enter(join);
    }

    fn enter(&mut self, join: Join) {
        self.room = self.act(|engine, now| {
            engine.leave_all(now);
            engine.join(join, now).unwrap()
        });
    }

    /// Its room, from the inside.
    pub(super) fn inside(&mut self) -> &mut Room {
        self.engine.rooms.get_mut(&self.room).unwrap()
    }

    pub(super) fn peers(&self) -> Vec<PeerView> {
        self.engine.peers(self.room)
    }

    pub(super) fn status(&self) -> StatusView {
        self.engine.status(self.room)
    }

    /// It offers a text to the room.
    pub(super) fn offer_text(&mut self, text: &str) -> Result<ParcelId, OfferError> {
        let room = self.room;
        self.act(|engine, now| engine.offer_text(room, text, Audience::Room, now))
    }

    /// The broker answers the SUBSCRIBE that was sent last; this stands behind its packet
    /// identifier.
    pub(super) fn answer_subscribe(&mut self, result: &[u8]) {
        let packets = packets(&std::mem::take(&mut self.sent));
        let subscribe = packets.iter().rfind(|(first, _)| first >> 4 == 8).unwrap();
        self.receive(&packet(0x90, &[&subscribe.1[..2], result].concat()));
    }

    pub(super) fn open(&mut self) {
        self.opening = false;
        self.engine.handle_open(false, self.now);
        self.drain();
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.engine
            .handle_bytes(Bytes::copy_from_slice(bytes), self.now);
        self.drain();
    }

    /// Time goes by at a broker that answers each ping.
    pub(super) fn stay(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.wait(Duration::from_secs(1));
            self.receive(&[0xd0, 0]);
        }
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.now += duration;
        self.engine.handle_timeout(self.now);
        self.drain();
    }

    pub(super) fn act<R>(&mut self, act: impl FnOnce(&mut Engine, Time) -> R) -> R {
        let result = act(&mut self.engine, self.now);
        self.drain();
        result
    }

    /// The broker delivers this.
    pub(super) fn deliver(&mut self, tail: &str, payload: &[u8]) {
        let topic = format!("{PREFIX}/{}/{tail}", secret().room());
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        body.extend_from_slice(payload);
        self.receive(&packet(0x30, &body));
        // Anything may take a moment.
        self.now += Duration::from_millis(1);
    }

    pub(super) fn view(&self, parcel: ParcelId) -> Option<TransferView> {
        self.engine.transfer(parcel, self.now)
    }

    /// Messages that it published since the last time: the topic's last parts and the payload.
    pub(super) fn published(&mut self) -> Vec<(String, Vec<u8>)> {
        let base = format!("{PREFIX}/{}/", secret().room());
        packets(&std::mem::take(&mut self.sent))
            .into_iter()
            .filter(|(first, _)| first >> 4 == 3)
            .map(|(first, body)| {
                let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                let topic = String::from_utf8(body[2..end].to_vec()).unwrap();
                let id = if first & 6 == 0 { 0 } else { 2 };
                let tail = topic.strip_prefix(&base).unwrap().to_owned();
                (tail, body[end + id..].to_vec())
            })
            .collect()
    }

    pub(super) fn own_keys(&mut self) -> (DeviceId, [u8; 32]) {
        let identity = self.inside().voice.identity();
        (identity.device, identity.public)
    }

    fn drain(&mut self) {
        loop {
            let mut busy = false;
            while let Some(action) = self.engine.poll_socket() {
                busy = true;
                match action {
                    SocketAction::Open { .. } => self.opening = true,
                    SocketAction::Close { last } => self.sent.extend(last.concat()),
                }
            }
            while let Some(request) = self.engine.poll_store() {
                busy = true;
                let reply = self.store(&request);
                match (reply, &mut self.late) {
                    (Some(reply), Some(late)) => late.push(reply),
                    (Some(reply), None) => self.engine.handle_store(reply, self.now),
                    (None, _) => {}
                }
            }
            while let Some(request) = self.engine.poll_read(self.now) {
                busy = true;
                self.engine.handle_read(request, Ok(()), self.now);
            }
            while let Some(event) = self.engine.poll_event() {
                busy = true;
                match event {
                    Event::Notice(notice) => self.notices.push(notice),
                    Event::Learnt { frame_length, .. } => self.frame_length = frame_length,
                    _ => {}
                }
            }
            while let Some(bytes) = self.engine.poll_transmit(self.now) {
                busy = true;
                self.sent.extend_from_slice(&bytes);
            }
            if !busy {
                return;
            }
        }
    }

    fn store(&mut self, request: &StoreRequest) -> Option<StoreReply> {
        Some(match *request {
            StoreRequest::Create { parcel, .. } => StoreReply::Created { parcel },
            StoreRequest::Write {
                parcel,
                offset,
                ref data,
            } => {
                self.written += data.len() as u64;
                let (offset, len) = (offset as usize, data.len());
                let stored = self.stored.entry(parcel).or_default();
                stored.resize(stored.len().max(offset + len), 0);
                stored[offset..offset + len].copy_from_slice(data);
                StoreReply::Written { parcel, len }
            }
            StoreRequest::Finish { parcel, .. } => StoreReply::Finished { parcel },
            StoreRequest::Read {
                parcel,
                offset,
                len,
            } => {
                let at = offset as usize;
                let stored = &self.stored[&parcel][at..];
                let data = Bytes::copy_from_slice(&stored[..len]);
                StoreReply::Read {
                    parcel,
                    offset,
                    data,
                }
            }
            StoreRequest::Note { ref note, .. } => {
                self.noted += note.len();
                return None;
            }
            StoreRequest::Discard { .. } => return None,
        })
    }
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
