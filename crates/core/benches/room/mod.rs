//! A room in memory: engines, and a broker that does nothing but pass on. A file's bytes are not
//! read from anywhere, and those that arrive are not kept, so that nearly all time goes to engines.

#![allow(dead_code, reason = "each benchmark uses its own part of this")]

mod broker;

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::OnceLock;

use bytes::Bytes;
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::{ConnectionState, TransferState};
use mqdrop_core::{
    Engine, Entry, Join, ParcelId, ReadRequest, SocketAction, StoreReply, StoreRequest, Time,
    VersionPolicy,
};

use broker::Broker;

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
    /// Reads of the sender that were asked for and not answered.
    reads: Vec<ReadRequest>,
}

struct Device {
    engine: Engine,
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
            reads: Vec::new(),
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
        assert_eq!(room.sender().peers().len(), receivers);
        room
    }

    /// One more device comes in; the sender and it get to know one another.
    pub(crate) fn join(&mut self) {
        let index = self.devices.len();
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&(index as u64).to_be_bytes());
        let mut engine = Engine::new(seed);
        let join = Join {
            secret: secret(),
            broker: "pipe".into(),
            prefix: String::new(),
            name: format!("device {index}"),
            login: None,
            version: VersionPolicy::Auto,
            auto_accept: true,
            frame_limit: self.frame_limit,
            frame_length: self.frame_limit,
        };
        engine.join(join, self.now).unwrap();
        self.devices.push(Device {
            engine,
            inbox: VecDeque::new(),
        });
        while self.step(index) | self.step(SENDER) {}
        let status = self.devices[index].engine.status();
        assert_eq!(status.state, ConnectionState::Online, "{}", status.text);
    }

    pub(crate) fn sender(&mut self) -> &mut Engine {
        &mut self.devices[SENDER].engine
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Takes a device's engine out, to be dropped; nothing can be done with the room after that.
    pub(crate) fn take_sender(&mut self) -> Engine {
        std::mem::replace(&mut self.devices[SENDER].engine, Engine::new([0; 32]))
    }

    /// The sender offers one file, and everyone accepts it. Nothing of it is sent yet.
    pub(crate) fn offer(&mut self, size: u64) -> ParcelId {
        let entry = Entry {
            path: "file.bin".into(),
            size,
            modified: None,
            mime: String::new(),
        };
        let now = self.now;
        let parcel = self.sender().offer_files(vec![entry], now).unwrap();
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
                let (at, _) = device.engine.poll_timeout(self.now)?;
                Some(at)
            });
            self.now = next.min().unwrap().max(self.now);
        }
    }

    fn sender_view(&self, parcel: ParcelId) -> Option<TransferState> {
        let view = self.devices[SENDER].engine.transfer(parcel, self.now)?;
        Some(view.state)
    }

    /// The sender sends as many frames as are acknowledged together, and everyone gets them. What
    /// they answer is for the sender to handle: an acknowledgement of each receiver.
    pub(crate) fn acknowledgements(&mut self) -> VecDeque<Bytes> {
        self.now += Duration::from_millis(1);
        self.poll_reads();
        self.answer_reads();
        for _ in 0..FRAMES_OF_AN_ACK {
            self.send_one();
        }
        self.answers()
    }

    /// What receivers say to what they got.
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

    /// The sender gets a packet.
    pub(crate) fn handle(&mut self, packet: Bytes) {
        let now = self.now;
        self.sender().handle_bytes(packet, now);
    }

    /// What a driver asks the sender after each input, while its socket has no room. Reads are
    /// answered later, as files are.
    pub(crate) fn poll(&mut self) {
        let now = self.now;
        let sender = self.sender();
        let due = sender.poll_timeout(now);
        assert!(due.is_none_or(|(at, _)| at > now), "{due:?}");
        assert!(sender.poll_socket().is_none());
        // Of what was read, storage is to note the checks.
        while let Some(request) = sender.poll_store() {
            assert!(matches!(request, StoreRequest::Note { .. }), "{request:?}");
        }
        self.poll_reads();
        self.poll_events();
        // For its alarm.
        core::hint::black_box(self.sender().poll_timeout(now));
    }

    /// Takes what the sender tells, none of which matters here.
    pub(crate) fn poll_events(&mut self) {
        while self.sender().poll_event().is_some() {}
    }

    /// The sender reads, seals and sends one frame. It is on its way to everyone then.
    pub(crate) fn frame(&mut self) -> Bytes {
        let now = self.now;
        let sender = self.sender();
        let request = sender.poll_read(now).unwrap();
        sender.handle_read(request, Ok(()), now);
        sender.poll_transmit(now).unwrap()
    }

    pub(crate) fn send_one(&mut self) {
        let now = self.now;
        let frame = self.sender().poll_transmit(now).unwrap();
        self.route(SENDER, frame);
    }

    /// Everyone gets a frame and says so after a while; the sender hears it.
    pub(crate) fn carry(&mut self, frame: Bytes) {
        self.route(SENDER, frame);
        self.now += Duration::from_millis(25);
        for packet in self.answers() {
            self.handle(packet);
        }
        self.poll_events();
    }

    fn poll_reads(&mut self) {
        while let Some(request) = self.devices[SENDER].engine.poll_read(self.now) {
            self.reads.push(request);
        }
    }

    fn answer_reads(&mut self) {
        for request in std::mem::take(&mut self.reads) {
            self.devices[SENDER]
                .engine
                .handle_read(request, Ok(()), self.now);
        }
    }

    /// Does what a driver does, once. Whether there was anything to do.
    fn step(&mut self, index: usize) -> bool {
        let mut busy = false;
        while let Some(request) = self.devices[index].engine.poll_read(self.now) {
            busy = true;
            let engine = &mut self.devices[index].engine;
            engine.handle_read(request, Ok(()), self.now);
        }
        self.step_without_reads(index) || busy
    }

    fn step_without_reads(&mut self, index: usize) -> bool {
        let now = self.now;
        let Device { engine, inbox } = &mut self.devices[index];
        let mut busy = false;
        while let Some(packet) = inbox.pop_front() {
            busy = true;
            engine.handle_bytes(packet, now);
        }
        let due = engine.poll_timeout(now);
        if due.is_some_and(|(at, _)| at <= now) {
            busy = true;
            engine.handle_timeout(now);
        }
        while let Some(action) = engine.poll_socket() {
            busy = true;
            assert!(matches!(action, SocketAction::Open { .. }), "{action:?}");
            engine.handle_open(false, now);
        }
        while let Some(request) = engine.poll_store() {
            busy = true;
            if let Some(reply) = reply(&request) {
                drop(request);
                engine.handle_store(reply, now);
            }
        }
        while engine.poll_event().is_some() {
            busy = true;
        }
        // One at a time, as a socket's buffer does not take everything at once.
        if let Some(bytes) = engine.poll_transmit(now) {
            busy = true;
            self.route(index, bytes);
        }
        busy
    }

    fn route(&mut self, from: usize, bytes: Bytes) {
        let devices = &mut self.devices;
        let mut deliver = |to: usize, packet| devices[to].inbox.push_back(packet);
        self.broker.receive(from, bytes, &mut deliver);
    }
}

/// A store that takes everything and keeps nothing.
fn reply(request: &StoreRequest) -> Option<StoreReply> {
    match *request {
        StoreRequest::Create { parcel, .. } => Some(StoreReply::Created { parcel }),
        StoreRequest::Write {
            parcel, ref data, ..
        } => Some(StoreReply::Written {
            parcel,
            len: data.len(),
        }),
        StoreRequest::Finish { parcel, .. } => Some(StoreReply::Finished { parcel }),
        StoreRequest::Note { .. } | StoreRequest::Discard { .. } => None,
        StoreRequest::Read { .. } => panic!("nothing was kept"),
    }
}

/// The room's key; derived once because that is slow on purpose.
fn secret() -> RoomSecret {
    static SECRET: OnceLock<RoomSecret> = OnceLock::new();
    SECRET
        .get_or_init(|| RoomSecret::derive("blue whale").unwrap())
        .clone()
}
