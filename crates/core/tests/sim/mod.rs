//! Devices, a broker and the network between them, on a virtual clock, from one seed.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part of this"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong here fails the test"
)]

pub mod broker;
pub mod device;
pub mod operations;
pub mod random;

use core::time::Duration;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::OnceLock;

use bytes::Bytes;
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::TransferState;
use mqdrop_core::{
    Entry, Join, ParcelId, SocketAction, SocketClose, StoreReply, Time, VersionPolicy,
};

use broker::{Action, Broker, Faults};
use device::Device;
use random::Random;

/// Bytes a socket's buffer takes before its device must wait.
const SOCKET_BUFFER: u64 = 512 * 1024;

/// How long anything here may take.
pub const MINUTE: Duration = Duration::from_secs(60);
pub const SECOND: Duration = Duration::from_secs(1);

pub struct World {
    pub now: Time,
    pub devices: Vec<Device>,
    pub broker: Broker,
    pub random: Random,
    /// Shortest and longest way to or from the broker.
    pub latency: (Duration, Duration),
    /// Bytes a second on each device's way to the broker.
    pub uplink: Option<u64>,
    /// Nobody can connect.
    pub down: bool,
    /// These devices cannot connect.
    pub cut_off: BTreeSet<usize>,
    /// These devices' timers ring only at multiples of this, as those of hidden tabs do.
    pub throttled: BTreeMap<usize, Duration>,
    /// These devices do nothing.
    asleep: BTreeSet<usize>,
    /// Nothing gets to or from these devices and nobody is told; and what waits to.
    severed: BTreeMap<usize, Vec<Input>>,
    heap: BinaryHeap<Reverse<(Time, u64, Step)>>,
    steps: Vec<Option<Input>>,
    next_connection: u32,
}

type Step = usize;

enum Input {
    Open(usize, u32),
    Refuse(usize, u32),
    Up(usize, u32, Vec<u8>),
    Down(u32, Vec<u8>),
    /// The device closed it.
    Left(usize, u32),
    /// It was lost, as the device finds out.
    Closed(u32),
    Read(usize, Box<mqdrop_core::ReadRequest>),
    Stored(usize, StoreReply),
}

/// Devices that know each other.
pub fn room(count: usize) -> World {
    room_with(count, Faults::default())
}

pub fn room_with(count: usize, faults: Faults) -> World {
    let mut world = World::new(1, faults);
    for _ in 0..count {
        world.join();
    }
    assert!(world.run_until(MINUTE, |w| {
        w.devices
            .iter()
            .all(|d| d.engine.peers().len() == count - 1)
    }));
    world
}

/// Two devices, and a parcel of which the second one holds more than so many bytes.
pub fn under_way(uplink: u64, sizes: &[u64], held: u64) -> (World, ParcelId) {
    let mut world = room(2);
    world.uplink = Some(uplink);
    let parcel = world.offer(0, sizes);
    assert!(world.run_until(MINUTE, |w| w.bytes(1, parcel) > held));
    (world, parcel)
}

/// The room that the tests meet in; derived once because that is slow on purpose.
pub fn secret() -> RoomSecret {
    static SECRET: OnceLock<RoomSecret> = OnceLock::new();
    SECRET
        .get_or_init(|| RoomSecret::derive("blue whale").unwrap())
        .clone()
}

/// How the device at this place joins: by its name others' views are told apart.
pub fn join_as(place: usize) -> Join {
    Join {
        name: format!("device {place}"),
        ..join()
    }
}

pub fn join() -> Join {
    Join {
        secret: secret(),
        broker: "ws://broker".into(),
        prefix: String::new(),
        name: "device".into(),
        login: None,
        version: VersionPolicy::Auto,
        auto_accept: false,
        frame_limit: None,
    }
}

/// Files as their user chooses them.
pub fn entries(files: &[Vec<u8>]) -> Vec<Entry> {
    let entry = |(index, file): (usize, &Vec<u8>)| Entry {
        path: format!("file {index}.bin"),
        size: file.len() as u64,
        modified: Some(1_700_000_000_000),
        mime: String::new(),
    };
    files.iter().enumerate().map(entry).collect()
}

impl World {
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self {
            now: Time::from_millis(1000),
            devices: Vec::new(),
            broker: Broker::new(faults),
            random: Random(seed),
            latency: (Duration::from_millis(1), Duration::from_millis(20)),
            uplink: None,
            down: false,
            cut_off: BTreeSet::new(),
            throttled: BTreeMap::new(),
            asleep: BTreeSet::new(),
            severed: BTreeMap::new(),
            heap: BinaryHeap::new(),
            steps: Vec::new(),
            next_connection: 0,
        }
    }

    /// A new device in the room.
    pub fn join(&mut self) -> usize {
        self.join_as(join())
    }

    pub fn join_as(&mut self, join: Join) -> usize {
        let seed = self.random.seed();
        let mut device = Device::new(seed);
        device.engine.join(join, self.now).unwrap();
        self.devices.push(device);
        let index = self.devices.len() - 1;
        self.drain(index);
        index
    }

    /// Offers files of these sizes; their bytes follow from the seed.
    pub fn offer(&mut self, device: usize, sizes: &[u64]) -> ParcelId {
        let files: Vec<Vec<u8>> = sizes
            .iter()
            .map(|&size| {
                let start = self.random.next();
                (0..size)
                    .map(|at| (start.wrapping_add(at.wrapping_mul(at >> 7 | 1)) >> 3) as u8)
                    .collect()
            })
            .collect();
        let parcel = self.devices[device]
            .engine
            .offer_files(entries(&files), self.now)
            .unwrap();
        self.devices[device].sources.insert(parcel, files);
        self.drain(device);
        parcel
    }

    /// Does something to a device's engine as its user.
    pub fn act<R>(
        &mut self,
        device: usize,
        act: impl FnOnce(&mut mqdrop_core::Engine, Time) -> R,
    ) -> R {
        let result = act(&mut self.devices[device].engine, self.now);
        self.drain(device);
        result
    }

    /// How much of a parcel a device holds, or has had delivered.
    pub fn bytes(&self, device: usize, parcel: ParcelId) -> u64 {
        self.devices[device]
            .view(parcel, self.now)
            .map_or(0, |view| view.bytes)
    }

    pub fn state(&self, device: usize, parcel: ParcelId) -> Option<TransferState> {
        self.devices[device].state(parcel, self.now)
    }

    /// Whether a receiver holds exactly what the sender sent, and was given it once.
    pub fn delivered(&self, sender: usize, receiver: usize, parcel: ParcelId) -> bool {
        let sent = self.devices[sender].sources[&parcel].concat();
        let receiver_device = &self.devices[receiver];
        let done = self.state(receiver, parcel) == Some(TransferState::Done);
        if done {
            assert_eq!(
                receiver_device.finished.get(&parcel),
                Some(&1),
                "given to the user once"
            );
            assert!(
                receiver_device.stores.get(&parcel) == Some(&sent),
                "what arrived is what was sent"
            );
        }
        done
    }

    /// Goes on until `goal` holds. False if it does not within `limit` of virtual time.
    pub fn run_until(&mut self, limit: Duration, goal: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        let mut busy = 0;
        while !goal(self) {
            let input = self.heap.peek().map(|Reverse((at, ..))| *at);
            let timers = (0..self.devices.len())
                .filter_map(|device| Some((self.alarm(device)?, device)))
                .min();
            let next = [input, timers.map(|(at, _)| at)]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|at| *at <= end) else {
                self.now = end;
                return goal(self);
            };
            busy = if next > self.now { 0 } else { busy + 1 };
            assert!(
                busy < 100_000,
                "no time passes: {:?}",
                timers.and_then(|(_, d)| self.devices[d].engine.poll_timeout(self.now))
            );
            self.now = self.now.max(next);
            if input == Some(next) {
                let Some(Reverse((_, _, step))) = self.heap.pop() else {
                    continue;
                };
                if let Some(input) = self.steps[step].take() {
                    self.handle(input);
                }
            } else if let Some((_, device)) = timers {
                self.devices[device].engine.handle_timeout(self.now);
                self.drain(device);
            }
        }
        true
    }

    /// When a device's timer rings.
    fn alarm(&self, device: usize) -> Option<Time> {
        if self.asleep.contains(&device) {
            return None;
        }
        let (at, _) = self.devices[device].engine.poll_timeout(self.now)?;
        let Some(tick) = self.throttled.get(&device) else {
            return Some(at);
        };
        let ticks = at.as_micros().div_ceil(tick.as_micros() as u64);
        Some(Time::ZERO + *tick * u32::try_from(ticks).unwrap())
    }

    /// A device does nothing for a while and does not notice; its connection is gone then.
    pub fn sleep(&mut self, device: usize, duration: Duration) {
        self.cut(device);
        self.asleep.insert(device);
        self.run_for(duration);
        self.asleep.remove(&device);
    }

    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// The device's program ends without a word and is started again, with what its storage kept;
    /// `auto_accept` is the setting that it joins with.
    pub fn restart(&mut self, index: usize, auto_accept: bool) {
        self.cut(index);
        for step in &mut self.steps {
            if matches!(step, Some(Input::Open(d, _) | Input::Refuse(d, _) | Input::Read(d, _) | Input::Stored(d, _)) if *d == index)
            {
                *step = None;
            }
        }
        let seed = self.random.seed();
        let before = std::mem::replace(&mut self.devices[index], Device::new(seed));
        let device = &mut self.devices[index];
        device.sent = before.sent;
        device.accepts = before.accepts;
        device.sources = before.sources;
        for (parcel, notes) in before.notes {
            if let Some(store) = before.stores.get(&parcel)
                && let Ok(restored) = device.engine.restore(&notes, self.now)
            {
                assert_eq!(restored.parcel, parcel);
                let mut store = store.clone();
                store.resize(restored.size as usize, 0xee);
                device.stores.insert(parcel, store);
                let whole = notes[..restored.notes_len as usize].to_vec();
                device.notes.insert(parcel, whole);
            }
        }
        let join = Join {
            auto_accept,
            ..join_as(index)
        };
        device.engine.join(join, self.now).unwrap();
        self.drain(index);
    }

    /// The user of a device that was restarted chooses the files of everything it sent again.
    pub fn choose_again(&mut self, index: usize) {
        let sources: Vec<_> = self.devices[index].sources.clone().into_iter().collect();
        for (parcel, files) in sources {
            // What was delivered, or is not over, does not wait for files.
            let _ = self.devices[index]
                .engine
                .choose_again(parcel, entries(&files), self.now);
        }
        self.drain(index);
    }

    /// From now on nothing gets to or from a device, and neither end is told.
    pub fn sever(&mut self, device: usize) {
        self.severed.entry(device).or_default();
    }

    pub fn is_severed(&self, device: usize) -> bool {
        self.severed.contains_key(&device)
    }

    /// What was held back goes on, as what computers send again.
    pub fn mend(&mut self, device: usize) {
        for input in self.severed.remove(&device).unwrap_or_default() {
            self.push(self.now, input);
        }
    }

    /// Cuts a device's connection without a word.
    pub fn cut(&mut self, device: usize) {
        if let Some((connection, _)) = self.devices[device].connection {
            let actions = self.broker.lost(connection, &mut self.random);
            self.perform(actions);
            self.push(self.now, Input::Closed(connection));
        }
    }

    pub fn repeat_everything(&mut self) {
        let actions = self.broker.repeat_everything(&mut self.random);
        self.perform(actions);
    }

    pub fn restart_broker(&mut self) {
        let actions = self.broker.restart();
        self.perform(actions);
    }

    fn handle(&mut self, input: Input) {
        let now = self.now;
        if self
            .concerned(&input)
            .is_some_and(|device| self.asleep.contains(&device))
        {
            return self.push(now + SECOND, input);
        }
        let Some(input) = self.hold_back(input) else {
            return;
        };
        match input {
            Input::Open(device, connection) => {
                if self.devices[device].connection != Some((connection, false)) {
                    return;
                }
                if self.down || self.cut_off.contains(&device) {
                    return self.handle(Input::Refuse(device, connection));
                }
                self.broker.open(connection);
                self.devices[device].connection = Some((connection, true));
                self.devices[device].engine.handle_open(now);
                self.drain(device);
            }
            Input::Refuse(device, connection) => {
                if self.devices[device].connection == Some((connection, false)) {
                    self.devices[device].connection = None;
                    self.devices[device]
                        .engine
                        .handle_close(SocketClose::Unreachable, now);
                    self.drain(device);
                }
            }
            Input::Up(device, connection, bytes) => {
                let actions = self.broker.receive(connection, &bytes, &mut self.random);
                self.perform(actions);
                // Its socket has room again.
                if !self.asleep.contains(&device) {
                    self.drain(device);
                }
            }
            Input::Down(connection, bytes) => {
                if let Some(device) = self.device_of(connection) {
                    // In pieces of any length, as a socket has them.
                    let cut = self.random.range(0, bytes.len() as u64 + 1) as usize;
                    let bytes = Bytes::from(bytes);
                    self.devices[device]
                        .engine
                        .handle_bytes(bytes.slice(..cut), now);
                    self.devices[device]
                        .engine
                        .handle_bytes(bytes.slice(cut..), now);
                    self.drain(device);
                }
            }
            Input::Left(_, connection) => {
                let actions = self.broker.lost(connection, &mut self.random);
                self.perform(actions);
            }
            Input::Closed(connection) => {
                if let Some(device) = self.device_of(connection) {
                    self.devices[device].connection = None;
                    self.devices[device]
                        .engine
                        .handle_close(SocketClose::Closed { code: Some(1006) }, now);
                    self.drain(device);
                }
            }
            Input::Read(device, mut request) => {
                let result = self.devices[device].read(&mut request);
                self.devices[device]
                    .engine
                    .handle_read(*request, result, now);
                self.drain(device);
            }
            Input::Stored(device, reply) => {
                self.devices[device].engine.handle_store(reply, now);
                self.drain(device);
            }
        }
    }

    /// The device that has to do something about an input.
    fn concerned(&self, input: &Input) -> Option<usize> {
        match *input {
            Input::Open(device, _)
            | Input::Refuse(device, _)
            | Input::Read(device, _)
            | Input::Stored(device, _) => Some(device),
            Input::Down(connection, _) | Input::Closed(connection) => self.device_of(connection),
            Input::Up(..) | Input::Left(..) => None,
        }
    }

    /// Keeps an input for later if it cannot get through now.
    fn hold_back(&mut self, input: Input) -> Option<Input> {
        let device = match input {
            Input::Open(device, _) | Input::Up(device, ..) | Input::Left(device, _) => Some(device),
            Input::Down(connection, _) | Input::Closed(connection) => self.device_of(connection),
            // Without a word.
            Input::Refuse(..) | Input::Read(..) | Input::Stored(..) => None,
        };
        let Some(held) = device.and_then(|device| self.severed.get_mut(&device)) else {
            return Some(input);
        };
        held.push(input);
        None
    }

    /// Does for a device what its engine asks for, until it asks for nothing more.
    fn drain(&mut self, index: usize) {
        let now = self.now;
        let due = self.devices[index].engine.poll_timeout(now);
        if due.is_some_and(|(deadline, _)| deadline <= now) {
            // Not only when the timer rings: in a hidden tab it is late.
            self.devices[index].engine.handle_timeout(now);
        }
        loop {
            let mut idle = true;
            while let Some(action) = self.devices[index].engine.poll_socket() {
                idle = false;
                self.change_socket(index, &action);
            }
            while let Some(request) = self.devices[index].engine.poll_store() {
                idle = false;
                if let Some(reply) = self.devices[index].store(request) {
                    let delay = Duration::from_micros(self.random.range(0, 3000));
                    self.push(now + delay, Input::Stored(index, reply));
                }
            }
            while let Some(request) = self.devices[index].engine.poll_read(now) {
                idle = false;
                let delay = Duration::from_micros(self.random.range(0, 2000));
                self.push(now + delay, Input::Read(index, Box::new(request)));
            }
            while let Some(event) = self.devices[index].engine.poll_event() {
                idle = false;
                self.devices[index].note(event, now);
            }
            while self.has_room(index) {
                let Some(bytes) = self.devices[index].engine.poll_transmit(now) else {
                    break;
                };
                idle = false;
                self.send(index, bytes.to_vec());
            }
            if idle {
                return;
            }
        }
    }

    fn has_room(&self, index: usize) -> bool {
        let device = &self.devices[index];
        let Some(rate) = self.uplink else { return true };
        let buffered = device.last_up.since(self.now).as_secs_f64() * rate as f64;
        buffered < SOCKET_BUFFER as f64
    }

    fn send(&mut self, index: usize, bytes: Vec<u8>) {
        let Some((connection, true)) = self.devices[index].connection else {
            return;
        };
        let delay = self.delay();
        let device = &mut self.devices[index];
        device.sent += bytes.len() as u64;
        let transfer = self.uplink.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(bytes.len() as f64 / rate as f64)
        });
        device.last_up = device.last_up.max(self.now) + transfer;
        // Never before what was sent earlier.
        let at = (device.last_up + delay).max(device.last_arrival);
        device.last_arrival = at;
        self.push(at, Input::Up(index, connection, bytes));
    }

    fn change_socket(&mut self, index: usize, action: &SocketAction) {
        if let SocketAction::Close { last } = action {
            for bytes in last {
                self.send(index, bytes.to_vec());
            }
        }
        if let Some((connection, open)) = self.devices[index].connection.take()
            && open
        {
            // What was sent before is sent.
            let at = self.devices[index].last_arrival.max(self.now);
            self.push(at, Input::Left(index, connection));
        }
        if let SocketAction::Open { .. } = action {
            self.next_connection += 1;
            let connection = self.next_connection;
            self.devices[index].connection = Some((connection, false));
            let delay = self.delay();
            self.push(self.now + delay, Input::Open(index, connection));
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(connection, bytes) => {
                    let Some(device) = self.device_of(connection) else {
                        continue;
                    };
                    let at = (self.now + self.delay()).max(self.devices[device].last_down);
                    self.devices[device].last_down = at;
                    self.push(at, Input::Down(connection, bytes));
                }
                Action::Close(connection) => {
                    let at = self
                        .device_of(connection)
                        .map_or(self.now, |d| self.devices[d].last_down);
                    self.push(at.max(self.now), Input::Closed(connection));
                }
            }
        }
    }

    fn device_of(&self, connection: u32) -> Option<usize> {
        self.devices
            .iter()
            .position(|device| device.connection.is_some_and(|(id, _)| id == connection))
    }

    fn delay(&mut self) -> Duration {
        let (least, most) = self.latency;
        Duration::from_micros(
            self.random
                .range(least.as_micros() as u64, most.as_micros() as u64 + 1),
        )
    }

    fn push(&mut self, at: Time, input: Input) {
        self.steps.push(Some(input));
        let step = self.steps.len() - 1;
        self.heap.push(Reverse((at, step as u64, step)));
    }
}
