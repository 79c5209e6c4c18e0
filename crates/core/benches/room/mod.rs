//! A room in memory: engines with their clients, and a broker that does nothing but pass on. A file's
//! bytes are not read from anywhere, and those that arrive are not kept, so that nearly all time goes
//! to engines.

#![allow(dead_code, reason = "each benchmark uses its own part of this")]

mod broker;
mod machine;

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::OnceLock;

use bytes::Bytes;
use mqdrop_client::{Client, Input};
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{
    Audience, Entry, Identity, Join, ParcelId, Profile, RoomId, Time, VersionPolicy,
};

use broker::Broker;
use machine::Machine;

/// The device that sends; all others receive.
pub(crate) const SENDER: usize = 0;

/// More than is sent where a transfer is not to end.
pub(crate) const ENDLESS: u64 = 4 << 30;

/// Frames of one block, so that frames for everyone are made quickly.
pub(crate) const SHORT_FRAME: u32 = 16 * 1024;

/// Frames after which a receiver acknowledges at once.
pub(crate) const FRAMES_OF_AN_ACK: usize = 4;

pub(crate) struct Room {
    now: Time,
    devices: Vec<Device>,
    broker: Broker,
    /// The longest frame that the sender makes, if it is not to find that out.
    frame_limit: Option<u32>,
}

struct Device {
    client: Client<Machine>,
    room: RoomId,
    inbox: VecDeque<Bytes>,
}

impl Room {
    /// A sender that is alone.
    pub(crate) fn new(frame_limit: Option<u32>) -> Self {
        let mut room = Self {
            now: Time::from_millis(1000),
            devices: Vec::new(),
            broker: Broker::default(),
            frame_limit,
        };
        room.join();
        room
    }

    /// A sender and so many receivers that know it.
    pub(crate) fn with_receivers(receivers: usize, frame_limit: Option<u32>) -> Self {
        let mut room = Self::new(frame_limit);
        for _ in 0..receivers {
            room.join();
        }
        let sender = &room.devices[SENDER];
        let peers = sender.client.engine().peers(sender.room);
        assert_eq!(peers.len(), receivers);
        room
    }

    /// One more device comes in; the sender and it get to know one another.
    pub(crate) fn join(&mut self) {
        let index = self.devices.len();
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&(index as u64).to_be_bytes());
        let join = Join {
            secret: secret(),
            identity: Identity::from_random(seed),
            broker: "pipe".into(),
            prefix: String::new(),
            profile: Profile {
                secret: seed,
                name: format!("device {index}"),
                named: 0,
            },
            people: Vec::new(),
            invited_by: String::new(),
            former: None,
            wall: 0,
            login: None,
            version: VersionPolicy::Auto,
            keep_alive: Join::KEEP_ALIVE,
            auto_accept: mqdrop_core::AutoAccept::All,
            takes_texts: true,
            frame_limit: self.frame_limit,
            frame_length: self.frame_limit,
        };
        self.devices.push(Device {
            client: Client::new(seed, Machine::default()),
            room: RoomId::default(),
            inbox: VecDeque::new(),
        });
        let client = self.client(index, 0);
        let room = client.act(|engine, now| engine.join(join, now)).unwrap();
        self.devices[index].room = room;
        while self.step(index) | self.step(SENDER) {}
        let status = self.devices[index].client.engine().status(room);
        assert_eq!(status.state, ConnectionState::Online, "{status:?}");
    }

    /// A device's client, whose connection takes so many packets.
    fn client(&mut self, index: usize, room: usize) -> &mut Client<Machine> {
        let client = &mut self.devices[index].client;
        let machine = client.platform_mut();
        (machine.now, machine.room) = (self.now, room);
        client
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Takes the sender out, to be looked at or dropped; nothing can be done with the room after that.
    pub(crate) fn take_sender(&mut self) -> Client<Machine> {
        let mut sender = Client::new([0; 32], Machine::default());
        std::mem::swap(&mut sender, &mut self.devices[SENDER].client);
        // Only what the engine and its client keep counts.
        *sender.platform_mut() = Machine::default();
        sender
    }

    /// The sender offers one file, and everyone accepts it. Nothing of it is sent yet.
    pub(crate) fn offer(&mut self, size: u64) -> ParcelId {
        let entry = Entry {
            path: "file.bin".into(),
            size,
            modified: None,
            mime: String::new(),
        };
        let room = self.devices[SENDER].room;
        let sender = self.client(SENDER, 0);
        let parcel =
            sender.act(|engine, now| engine.offer_files(room, vec![entry], Audience::Room, now));
        let parcel = parcel.unwrap();
        let mut busy = true;
        while busy {
            busy = self.step_without_reads(SENDER);
            for receiver in 1..self.devices.len() {
                busy |= self.step(receiver);
            }
        }
        parcel
    }

    /// Goes on until every receiver has the parcel and the sender knows.
    pub(crate) fn deliver(&mut self, parcel: ParcelId) {
        loop {
            let mut busy = false;
            for device in 0..self.devices.len() {
                busy |= self.step(device);
            }
            if busy {
                continue;
            }
            let view = self.sender_view(parcel);
            if view == Some(TransferState::Done) {
                return;
            }
            // Something waits for time to pass.
            let next = self.devices.iter().filter_map(|device| {
                let (at, _) = device.client.engine().poll_timeout(self.now)?;
                Some(at)
            });
            self.now = next.min().unwrap().max(self.now);
        }
    }

    fn sender_view(&self, parcel: ParcelId) -> Option<TransferState> {
        let sender = self.devices[SENDER].client.engine();
        sender.transfer_state(parcel, self.now)
    }

    /// The sender sends as many frames as are acknowledged together, and everyone gets them. What
    /// they answer is for the sender to handle: an acknowledgement of each receiver.
    pub(crate) fn acknowledgements(&mut self) -> VecDeque<Bytes> {
        self.now += Duration::from_millis(1);
        for _ in 0..FRAMES_OF_AN_ACK {
            let frame = self.frame();
            self.route(SENDER, frame);
        }
        self.answers()
    }

    /// The answers of receivers.
    pub(crate) fn answers(&mut self) -> VecDeque<Bytes> {
        for receiver in 1..self.devices.len() {
            while self.step(receiver) {}
        }
        std::mem::take(&mut self.devices[SENDER].inbox)
    }

    /// So much time passes that each receiver shows once that it is still here.
    pub(crate) fn signs_of_life(&mut self) -> VecDeque<Bytes> {
        let mut signs = VecDeque::new();
        while signs.is_empty() {
            self.now += Duration::from_secs(5);
            while self.step(SENDER) {}
            signs = self.answers();
            // Not what the broker answers.
            signs.retain(|packet| packet[0] >> 4 == 3);
        }
        signs
    }

    /// The sender gets a packet, while its connection has no room. What it wants to read then is read
    /// later, as files are.
    pub(crate) fn handle(&mut self, packet: Bytes) {
        let now = self.now;
        let client = self.client(SENDER, 0);
        client.handle(Input::Received(packet));
        // For its timer.
        core::hint::black_box(client.engine().poll_timeout(now));
    }

    /// The sender is given what it wanted to read, and seals and sends one frame. It is on its way to
    /// everyone then.
    pub(crate) fn frame(&mut self) -> Bytes {
        let machine = self.client(SENDER, 1).platform_mut();
        let request = machine.reads.remove(0);
        let sender = &mut self.devices[SENDER].client;
        sender.handle(Input::Read(request, Ok(())));
        sender.platform_mut().sent.pop().unwrap()
    }

    /// Everyone gets a frame and says so after a while; the sender hears it.
    pub(crate) fn carry(&mut self, frame: Bytes) {
        self.route(SENDER, frame);
        self.now += Duration::from_millis(25);
        for packet in self.answers() {
            self.handle(packet);
        }
    }

    /// Brings a device what there is for it. Whether there was anything, or it did anything.
    fn step(&mut self, index: usize) -> bool {
        let reads = std::mem::take(&mut self.client(index, 0).platform_mut().reads);
        let mut busy = !reads.is_empty();
        for request in reads {
            self.client(index, 0).handle(Input::Read(request, Ok(())));
        }
        busy |= self.step_without_reads(index);
        busy
    }

    fn step_without_reads(&mut self, index: usize) -> bool {
        let mut inputs = std::mem::take(&mut self.client(index, 0).platform_mut().answers);
        let inbox = &mut self.devices[index].inbox;
        inputs.extend(inbox.drain(..).map(Input::Received));
        let engine = self.devices[index].client.engine();
        let due = engine.poll_timeout(self.now);
        let mut busy = !inputs.is_empty() || due.is_some_and(|(at, _)| at <= self.now);
        for input in inputs {
            self.client(index, 0).handle(input);
        }
        // One at a time, as a socket's buffer does not take everything at once.
        let client = self.client(index, 1);
        client.handle(Input::Woken);
        for packet in std::mem::take(&mut client.platform_mut().sent) {
            busy = true;
            self.route(index, packet);
        }
        busy
    }

    fn route(&mut self, from: usize, bytes: Bytes) {
        let devices = &mut self.devices;
        let mut deliver = |to: usize, packet| devices[to].inbox.push_back(packet);
        self.broker.receive(from, bytes, &mut deliver);
    }
}

/// The room's key; derived once because that is slow on purpose.
fn secret() -> RoomSecret {
    static SECRET: OnceLock<RoomSecret> = OnceLock::new();
    SECRET
        .get_or_init(|| RoomSecret::derive("blue whale").unwrap())
        .clone()
}
