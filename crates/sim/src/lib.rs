//! The simulated world of the tests: peers, the broker, their storage, the network between them,
//! the clock and all that goes wrong with these. A [`World`] is all of it, and its whole course
//! follows from one seed.
//!
//! - Peers are [`device::Device`]s: a client, its page, and a [`machine::Machine`], which is its
//!   platform and has its files and storage.
//! - The broker is [`broker::Broker`]; its limits and misbehaviour are [`faults::Faults`]. That it
//!   withholds acknowledgements is [`broker::Broker::withholds`].
//! - Storage is full ([`machine::Machine::space`]), fails while it writes or at the end
//!   ([`machine::Machine::broken`]), gives back damaged bytes, fewer or none ([`storage::Reads`]), and
//!   loses what was not flushed ([`World::lose_power`]).
//! - The network delays, has a rate ([`World::uplink`]), is cut ([`World::cut`]), falls silent
//!   ([`World::sever`]), or is not there ([`World::cut_off`], [`World::down`]).
//! - The clock is [`World::now`]. Only [`World::run_until`] and what calls it let time pass;
//!   timers may be late ([`World::throttled`]) and devices asleep ([`World::sleep`]).
//! - [`operations::run`] does lists of all this, beside a model of what must hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what goes wrong here fails the test"
)]

pub mod broker;
pub mod device;
pub mod faults;
mod flow;
pub mod machine;
mod model;
mod network;
pub mod operations;
pub mod packets;
pub mod random;
pub mod storage;

use core::cell::Cell;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::OnceLock;

use mqdrop_client::{Client, Input as Brought};
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::TransferState;
use mqdrop_core::{
    Audience, AutoAccept, Engine, Entry, Identity, Join, ParcelId, Profile, RoomId, Time,
    VersionPolicy,
};

use broker::Broker;
use device::Device;
use faults::Faults;
use machine::Machine;
use network::{Input, Inputs};
use random::Random;

/// How long anything here may take.
pub const MINUTE: Duration = Duration::from_secs(60);
/// A second of virtual time.
pub const SECOND: Duration = Duration::from_secs(1);

/// Everything there is, from one seed.
pub struct World {
    /// The time.
    pub now: Time,
    /// The peers; tests name them by their place in here.
    pub devices: Vec<Device>,
    /// The broker that all of them connect to.
    pub broker: Broker,
    /// Decides all that is left to chance.
    pub random: Random,
    /// The seed of the devices' identities.
    identities: Random,
    /// Shortest and longest way to or from the broker.
    pub latency: (Duration, Duration),
    /// Bytes a second on each device's way to the broker.
    pub uplink: Option<u64>,
    /// So many ms the machines' clocks are ahead of where they began.
    pub ahead: u64,
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
    inputs: Inputs,
    /// How many connections there were.
    connections: Rc<Cell<u32>>,
}

/// Devices that know each other, at a broker without faults.
pub fn room(count: usize) -> World {
    room_with(count, Faults::default())
}

/// Devices that know each other, at a broker with these faults.
pub fn room_with(count: usize, faults: Faults) -> World {
    let mut world = World::new(1, faults);
    for _ in 0..count {
        world.join();
    }
    assert!(world.run_until(MINUTE, |w| {
        w.devices.iter().all(|d| d.peers().len() == count - 1)
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

/// Three devices, and a parcel of 3 MB that the second one has and the third one, whose connection is
/// cut, has begun with.
pub fn one_is_away() -> (World, ParcelId) {
    let mut world = room(3);
    world.uplink = Some(1_000_000);
    let parcel = world.offer(0, &[3_000_000]);
    assert!(world.run_until(MINUTE, |w| w.bytes(2, parcel) > 1_000_000));
    world.cut_off.insert(2);
    world.cut(2);
    assert!(world.run_until(MINUTE, |w| w.delivered(0, 1, parcel)));
    // Its receipt gets there.
    world.run_for(SECOND);
    (world, parcel)
}

/// The room that the tests meet in; derived once because that is slow on purpose.
pub fn secret() -> RoomSecret {
    static SECRET: OnceLock<RoomSecret> = OnceLock::new();
    SECRET
        .get_or_init(|| RoomSecret::derive("blue whale").unwrap())
        .clone()
}

/// Another room, for devices that are in two.
pub fn other_secret() -> RoomSecret {
    static SECRET: OnceLock<RoomSecret> = OnceLock::new();
    SECRET
        .get_or_init(|| RoomSecret::derive("red fox").unwrap())
        .clone()
}

/// How the device at this place joins: by its name others' views are told apart.
pub fn join_as(place: usize) -> Join {
    let mut join = join();
    join.profile.name = format!("device {place}");
    join
}

/// The time of the machines' clocks when a world begins: 2020, in ms since 1970.
pub const WALL: u64 = 1_577_836_800_000;

/// The way into the room that the tests meet in. A [`World`] gives each device that joins an identity
/// and a person of its own.
pub fn join() -> Join {
    Join {
        secret: secret(),
        identity: Identity::from_random([0; 32]),
        broker: "ws://broker".into(),
        prefix: String::new(),
        profile: Profile {
            secret: [0; 32],
            name: "device".into(),
            named: 0,
        },
        people: Vec::new(),
        invited_by: String::new(),
        former: None,
        wall: WALL,
        login: None,
        version: VersionPolicy::Auto,
        keep_alive: Join::KEEP_ALIVE,
        auto_accept: AutoAccept::Off,
        takes_texts: true,
        frame_limit: None,
        frame_length: None,
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
    /// A world with nobody in it.
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self {
            now: Time::from_millis(1000),
            devices: Vec::new(),
            broker: Broker::new(faults),
            random: Random(seed),
            identities: Random(!seed),
            latency: (Duration::from_millis(1), Duration::from_millis(20)),
            uplink: None,
            ahead: 0,
            down: false,
            cut_off: BTreeSet::new(),
            throttled: BTreeMap::new(),
            asleep: BTreeSet::new(),
            severed: BTreeMap::new(),
            inputs: Inputs::default(),
            connections: Rc::default(),
        }
    }

    /// A new device in the room.
    pub fn join(&mut self) -> usize {
        self.join_as(join())
    }

    /// A new device that joins like this.
    pub fn join_as(&mut self, join: Join) -> usize {
        let index = self.add();
        self.enter_as(index, join);
        index
    }

    /// A new device in no room.
    pub fn add(&mut self) -> usize {
        let seed = self.random.seed();
        let connections = Rc::clone(&self.connections);
        self.devices.push(Device::new(seed, connections));
        self.devices.len() - 1
    }

    /// A device enters the room, as another device than before.
    pub fn enter(&mut self, device: usize) {
        self.enter_as(device, join());
    }

    /// The clock of all machines, in ms since 1970.
    fn wall(&self) -> u64 {
        WALL + self.ahead + self.now.as_micros() / 1000
    }

    /// A device leaves where it is and joins like this, as another device than before.
    pub fn enter_as(&mut self, device: usize, join: Join) -> RoomId {
        self.act(device, |engine, now| engine.leave_all(now));
        self.enter_too(device, join)
    }

    /// A device joins like this, beside where it is already. Each device is a person of its own, unless
    /// the profile has another secret than the one of [`join`].
    pub fn enter_too(&mut self, device: usize, mut join: Join) -> RoomId {
        join.identity = Identity::from_random(self.identities.seed());
        if let Some(record) = self.devices[device].places.get(&join.secret.room()) {
            join.people = record.clone();
        }
        join.wall = self.wall();
        if join.profile.secret == [0; 32] {
            join.profile.secret[..8].copy_from_slice(&(device as u64 + 1).to_be_bytes());
        }
        self.act(device, |engine, now| engine.join(join, now))
            .unwrap()
    }

    /// Offers files of these sizes to the room that a device joined last; their bytes follow from the
    /// seed.
    pub fn offer(&mut self, device: usize, sizes: &[u64]) -> ParcelId {
        self.offer_in(device, self.devices[device].room(), sizes)
    }

    /// Offers files of these sizes in a room.
    pub fn offer_in(&mut self, device: usize, room: RoomId, sizes: &[u64]) -> ParcelId {
        self.offer_there(device, room, Audience::Room, sizes)
    }

    /// Offers files of these sizes to somebody in the room that a device joined last.
    pub fn offer_to(&mut self, device: usize, audience: Audience, sizes: &[u64]) -> ParcelId {
        self.offer_there(device, self.devices[device].room(), audience, sizes)
    }

    fn offer_there(
        &mut self,
        device: usize,
        room: RoomId,
        audience: Audience,
        sizes: &[u64],
    ) -> ParcelId {
        let files: Vec<Vec<u8>> = sizes
            .iter()
            .map(|&size| {
                let start = self.random.word();
                (0..size)
                    .map(|at| (start.wrapping_add(at.wrapping_mul(at >> 7 | 1)) >> 3) as u8)
                    .collect()
            })
            .collect();
        self.act_with_machine(device, |engine, machine, now| {
            let parcel = engine
                .offer_files(room, entries(&files), audience, now)
                .unwrap();
            machine.sources.insert(parcel, files);
            parcel
        })
    }

    /// Offers a text to the room that a device joined last.
    pub fn offer_text(&mut self, device: usize, text: &str) -> ParcelId {
        let room = self.devices[device].room();
        self.act(device, |engine, now| {
            engine.offer_text(room, text, Audience::Room, now)
        })
        .unwrap()
    }

    /// Does something to a device's engine as its user.
    pub fn act<R>(&mut self, device: usize, act: impl FnOnce(&mut Engine, Time) -> R) -> R {
        self.act_with_machine(device, |engine, _, now| act(engine, now))
    }

    fn act_with_machine<R>(
        &mut self,
        device: usize,
        act: impl FnOnce(&mut Engine, &mut Machine, Time) -> R,
    ) -> R {
        let result = self.client(device).act_with_platform(act);
        self.follow(device);
        result
    }

    /// Something happens to a device.
    fn bring(&mut self, device: usize, input: Brought<()>) {
        self.client(device).handle(input);
        self.follow(device);
    }

    /// A device's client, whose machine knows what time it is.
    fn client(&mut self, device: usize) -> &mut Client<Machine> {
        let client = &mut self.devices[device].client;
        let machine = client.platform_mut();
        (machine.now, machine.uplink) = (self.now, self.uplink);
        client
    }

    /// After a device's turn: does what it asked for, and what its user does about what is new.
    fn follow(&mut self, device: usize) {
        loop {
            self.perform_asked(device);
            let accepted = self.devices[device].look();
            if accepted.is_empty() {
                return;
            }
            self.client(device).act(|engine, now| {
                for parcel in accepted {
                    engine.accept(parcel, now);
                }
            });
        }
    }

    /// How much of a parcel a device holds, or has had delivered.
    pub fn bytes(&self, device: usize, parcel: ParcelId) -> u64 {
        self.devices[device]
            .view(parcel, self.now)
            .map_or(0, |view| view.bytes)
    }

    /// The state that a device shows of a parcel.
    pub fn state(&self, device: usize, parcel: ParcelId) -> Option<TransferState> {
        self.devices[device].state(parcel, self.now)
    }

    /// Whether a receiver holds exactly what the sender sent, and was given it once.
    pub fn delivered(&self, sender: usize, receiver: usize, parcel: ParcelId) -> bool {
        let files = &self.devices[sender].sources[&parcel];
        let sent = files.concat();
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
            let shown = receiver_device.engine().files(parcel).unwrap_or_default();
            let sums: Vec<_> = shown.iter().map(|file| file.crc32).collect();
            let right = files.iter().map(|file| Some(crc32fast::hash(file)));
            if files.len() > 1 {
                assert_eq!(sums, right.collect::<Vec<_>>(), "the files' CRC-32");
            }
        }
        done
    }

    /// Goes on until `goal` holds. False if it does not within `limit` of virtual time.
    pub fn run_until(&mut self, limit: Duration, goal: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        let mut busy = 0;
        while !goal(self) {
            let input = self.inputs.next();
            let timers = (0..self.devices.len())
                .filter_map(|device| Some((self.timer(device)?, device)))
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
                timers.and_then(|(_, d)| self.devices[d].engine().poll_timeout(self.now))
            );
            self.now = self.now.max(next);
            if input == Some(next) {
                if let Some(input) = self.inputs.pop() {
                    self.handle(input);
                }
            } else if let Some((_, device)) = timers {
                self.devices[device].timer = None;
                self.bring(device, Brought::Woken);
            }
        }
        true
    }

    /// When a device's timer rings.
    fn timer(&self, device: usize) -> Option<Time> {
        if self.asleep.contains(&device) {
            return None;
        }
        let at = self.devices[device].timer?;
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

    /// Goes on for so long.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// The device's program ends without a word and is started again, with what its storage kept;
    /// `auto_accept` is the setting that it joins with.
    pub fn restart(&mut self, index: usize, auto_accept: bool) {
        self.cut(index);
        self.inputs.forget(index);
        let seed = self.random.seed();
        let fresh = Device::new(seed, Rc::clone(&self.connections));
        let mut before = std::mem::replace(&mut self.devices[index], fresh);
        self.devices[index].accepts = before.accepts;
        self.devices[index].places = std::mem::take(&mut before.places);
        self.devices[index].inherit(&mut before);
        for (parcel, notes) in std::mem::take(&mut before.notes) {
            if let Some(store) = before.stores.remove(&parcel) {
                self.restore(index, parcel, notes, store);
            }
        }
        let join = Join {
            auto_accept: if auto_accept {
                AutoAccept::All
            } else {
                AutoAccept::Off
            },
            ..join_as(index)
        };
        self.enter_as(index, join);
    }

    /// Takes up a parcel that a device's storage kept, if its notes are good for that.
    fn restore(&mut self, index: usize, parcel: ParcelId, mut notes: Vec<u8>, mut store: Vec<u8>) {
        self.act_with_machine(index, |engine, machine, now| {
            let Ok(restored) = engine.restore(&notes, now) else {
                return;
            };
            assert_eq!(restored.parcel, parcel);
            store.resize(restored.size as usize, 0xee);
            machine.stores.insert(parcel, store);
            notes.truncate(restored.notes_len as usize);
            machine.notes.insert(parcel, notes);
        });
    }

    /// The device loses its power, and is started again.
    pub fn lose_power(&mut self, index: usize, auto_accept: bool) {
        self.devices[index].lose_power(&mut self.random);
        self.restart(index, auto_accept);
    }

    /// The user of a device that was restarted chooses the files of everything it sent again.
    pub fn choose_again(&mut self, index: usize) {
        self.act_with_machine(index, |engine, machine, now| {
            for (parcel, files) in &machine.sources {
                // A parcel that was delivered, or is not over, does not wait for files.
                if engine.choose_again(*parcel, entries(files), now).is_ok() {
                    machine.forgotten.remove(parcel);
                }
            }
        });
    }
}
