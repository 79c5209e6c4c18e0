//! Lists of what users, browsers, networks and brokers may do, in any order; and beside the
//! engines a model of what must hold after each of them.

use core::time::Duration;

use mqdrop_core::view::TransferState;
use mqdrop_core::{ParcelId, StoreError};

use crate::faults::Faults;
use crate::model::Model;
use crate::storage::Reads;
use crate::{SECOND, World};

/// The most devices, parcels and operations of a list.
const DEVICES: usize = 4;
const PARCELS: usize = 6;
const OPERATIONS: usize = 60;

/// After everything works again, everything has arrived within this time.
const RESUMES: Duration = Duration::from_secs(120);

/// The longest packet: a frame of 896 KiB and what is around it.
const LONGEST: usize = 897 * 1024;

/// The most that one engine may be reading ahead: 2 MiB, begun with one frame less.
const MOST_READ: usize = 2 * 1024 * 1024 + LONGEST;

/// The most that one parcel's sender may let wait for the receiver's storage.
const MOST_WRITTEN: usize = 16 * 1024 * 1024;

/// Bytes that are read as numbers; zeros without end follow them.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        usize::from(*first) % limit
    }

    /// How many are left: decides what was added since lists failed that are to stay as they are.
    fn left(&self) -> usize {
        self.0.len()
    }

    fn any_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.below(all.len())])
    }
}

struct Run {
    world: World,
    model: Model,
}

/// Does what `bytes` say, whatever they are.
///
/// # Panics
/// If the engines do something that they must not.
pub fn run(bytes: &[u8]) {
    let mut numbers = Numbers(bytes);
    let faults = Faults {
        drop_qos0: [0, 0, 20][numbers.below(3)],
        reorder: [0, 3][numbers.below(2)],
        repeat: [0, 4][numbers.below(2)],
        max_packet: [None, Some(20_000)][numbers.below(2)],
        announce: numbers.below(2) == 0,
        only_v311: numbers.below(3) == 0,
        late_pubacks: [0, 3][numbers.left() % 2],
        receive_maximum: [None, Some(2), Some(1)][numbers.left() % 3],
        ..Faults::default()
    };
    let mut world = World::new(1, faults);
    world.uplink = [None, Some(300_000)][numbers.below(2)];
    let mut run = Run {
        world,
        model: Model::default(),
    };
    run.join();
    run.join();
    for _ in 0..OPERATIONS {
        if numbers.0.is_empty() {
            break;
        }
        run.step(&mut numbers);
        run.check();
    }
    run.heal();
    run.clear_away();
}

impl Run {
    fn join(&mut self) {
        let join = crate::join_as(self.world.devices.len());
        let device = self.world.join_as(join);
        self.world.devices[device].accepts = false;
    }

    fn step(&mut self, numbers: &mut Numbers<'_>) {
        let device = numbers.below(self.world.devices.len());
        let parcels: Vec<ParcelId> = self.model.parcels.iter().map(|(_, id)| *id).collect();
        let parcel = numbers.any_of(&parcels);
        match (numbers.below(21), parcel) {
            (0, _) if self.world.devices.len() < DEVICES => self.join(),
            (1 | 2, _) if parcels.len() < PARCELS => {
                let sizes = [
                    &[60_000, 0, 9][..],
                    &[1],
                    &[200_000],
                    &[16_384, 16_384],
                    &[1_000_000],
                ];
                let sizes = sizes[numbers.below(sizes.len())];
                let parcel = self.world.offer(device, sizes);
                self.model.parcels.push((device, parcel));
            }
            (3..=5, Some(parcel)) => self.accept(device, parcel),
            (6, Some(parcel)) => self
                .world
                .act(device, |engine, now| engine.pause(parcel, now)),
            (7, Some(parcel)) => self
                .world
                .act(device, |engine, now| engine.resume(parcel, now)),
            (8, Some(parcel)) => {
                if self.world.state(device, parcel) == Some(TransferState::Offered) {
                    self.refuse(device, parcel);
                }
                self.world
                    .act(device, |engine, now| engine.decline(parcel, now));
            }
            (9, Some(parcel)) => {
                self.refuse(device, parcel);
                self.world
                    .act(device, |engine, now| engine.cancel(parcel, now));
            }
            (10, Some(parcel)) => {
                self.refuse(device, parcel);
                self.world
                    .act(device, |engine, now| engine.remove(parcel, now));
            }
            (11, _) => {
                let keeps = numbers.below(2) == 0;
                if !keeps {
                    self.world.devices[device].notes.clear();
                    self.world.devices[device].stores.clear();
                }
                self.forget(device, keeps);
                if numbers.left().is_multiple_of(3) {
                    self.world.lose_power(device, false);
                } else {
                    self.world.restart(device, false);
                }
            }
            (12, _) => self.world.choose_again(device),
            (13, _) => self.world.cut(device),
            (14, _) => {
                self.world.broker.faults.max_packet =
                    [None, Some(20_000), Some(40_000)][numbers.below(3)];
                self.world.restart_broker();
            }
            (15, _) => {
                if !self.world.cut_off.remove(&device) {
                    self.world.cut_off.insert(device);
                    self.world.cut(device);
                }
            }
            (16, _) if numbers.below(4) == 0 => {
                let out = Duration::from_secs([0, 40][numbers.below(2)]);
                self.leave_and_come_back(device, out);
            }
            (16, Some(parcel)) if numbers.left().is_multiple_of(4) => {
                if self.model.parcels.contains(&(device, parcel)) {
                    self.world.devices[device].unreadable.insert(parcel);
                    self.model.ended.insert(parcel);
                    self.model.unreadable.insert(parcel);
                }
            }
            (17, _) => {
                let long = [3, 200][numbers.below(2)];
                self.world.sleep(device, Duration::from_secs(long));
            }
            (18, _) => {
                if self.world.is_severed(device) {
                    self.world.mend(device);
                } else {
                    self.world.sever(device);
                }
            }
            (19, _) => {
                let no_space = StoreError::NoSpace { available: None };
                let other = StoreError::Told("out of order".into());
                self.world.devices[device].broken =
                    [None, Some(no_space), Some(other)][numbers.below(3)].clone();
                let reads = [Reads::Whole, Reads::Damaged, Reads::Short, Reads::Failing];
                self.world.devices[device].reads = reads[numbers.left() % 4];
            }
            _ => {
                let pause = [10, 200, 3_000, 40_000][numbers.below(4)];
                self.world.run_for(Duration::from_millis(pause));
            }
        }
    }

    fn leave_and_come_back(&mut self, device: usize, out: Duration) {
        let held = |world: &World, parcel| {
            let view = world.devices[device].view(parcel, world.now)?;
            let is_held = view.state == TransferState::Done
                || !(view.state.is_final() || view.state == TransferState::Offered);
            is_held.then_some(view.bytes)
        };
        let received = self.model.parcels.iter().filter(|(of, _)| *of != device);
        let before: Vec<_> = received
            .map(|&(_, parcel)| (parcel, held(&self.world, parcel)))
            .collect();
        self.world.act(device, |engine, now| engine.leave_all(now));
        self.world.run_for(out);
        self.world.enter_as(device, crate::join_as(device));
        for (parcel, before) in before {
            if before.is_none() {
                self.model.accepted.remove(&(device, parcel));
            }
            assert!(
                held(&self.world, parcel) >= before,
                "what was whole or under way is kept"
            );
        }
        self.model.refused.retain(|(of, _)| *of != device);
    }

    fn accept(&mut self, device: usize, parcel: ParcelId) {
        if self.world.state(device, parcel) == Some(TransferState::Offered) {
            self.model.accepted.insert((device, parcel));
            self.model.finished.remove(&(device, parcel));
            self.model.refused.remove(&(device, parcel));
        }
        self.world
            .act(device, |engine, now| engine.accept(parcel, now));
    }

    fn refuse(&mut self, device: usize, parcel: ParcelId) {
        let known = self.world.state(device, parcel);
        if known.is_some() && known != Some(TransferState::Done) {
            self.model.accepted.remove(&(device, parcel));
        }
        self.model.refused.insert((device, parcel));
        if self.model.parcels.contains(&(device, parcel)) {
            self.model.ended.insert(parcel);
        }
    }

    /// The device's program ends; it is a new device afterwards.
    fn forget(&mut self, device: usize, keeps: bool) {
        if !keeps {
            self.model.accepted.retain(|(of, _)| *of != device);
        }
        self.model.refused.retain(|(of, _)| *of != device);
    }

    /// Checks what must hold at any time.
    fn check(&mut self) {
        assert!(self.world.broker.longest <= LONGEST);
        assert_eq!(self.world.broker.signed, 0, "nobody forges anything");
        for device in &self.world.devices {
            assert!(device.reading <= MOST_READ, "{} bytes", device.reading);
            let most = MOST_WRITTEN * self.model.parcels.len();
            assert!(device.writing <= most, "{} bytes", device.writing);
        }
        self.check_reasons();
        for (sender, parcel) in self.model.parcels.clone() {
            for device in (0..self.world.devices.len()).filter(|device| *device != sender) {
                // It is the sender's bytes, and was given to the user once.
                if self.world.delivered(sender, device, parcel) {
                    self.model.finished.insert((device, parcel));
                    assert!(
                        self.model.accepted.contains(&(device, parcel)),
                        "nobody accepted it"
                    );
                }
            }
            let Some(view) = self.world.devices[sender].view(parcel, self.world.now) else {
                continue;
            };
            assert!(view.bytes <= view.total);
            for receiver in &view.receivers {
                let device = receiver.name.strip_prefix("device ");
                let device = device.and_then(|number| number.parse().ok());
                if let Some(device) = device {
                    let is_done = receiver.state == TransferState::Done;
                    self.model.shown(parcel, device, &receiver.device, is_done);
                }
            }
        }
    }

    /// Nothing is over without a user's wish or a reason.
    fn check_reasons(&self) {
        for &(sender, parcel) in &self.model.parcels {
            for (index, device) in self.world.devices.iter().enumerate() {
                let Some(view) = device.view(parcel, self.world.now) else {
                    continue;
                };
                match view.state {
                    TransferState::Failed => {
                        assert!(view.cause.is_some(), "no reason: {view:?}");
                        let may = index != sender || self.model.unreadable.contains(&parcel);
                        assert!(may, "nothing else fails at the sender: {view:?}");
                    }
                    TransferState::Cancelled if index == sender => {
                        assert!(self.model.ended.contains(&parcel), "{view:?}");
                    }
                    TransferState::Waiting => assert!(view.cause.is_some(), "{view:?}"),
                    _ => {}
                }
            }
        }
    }

    /// Everything works again and every user wants everything: whatever can arrive does, in time,
    /// and nobody has to do anything for it but answer offers.
    fn heal(&mut self) {
        self.world.cut_off.clear();
        for device in 0..self.world.devices.len() {
            self.world.mend(device);
            self.world.devices[device].broken = None;
            self.world.devices[device].reads = Reads::Whole;
            self.world.choose_again(device);
        }
        let end = self.world.now + RESUMES;
        // Once now, and once for what was still being read back from storage.
        for _ in 0..2 {
            for &(_, parcel) in &self.model.parcels.clone() {
                for device in 0..self.world.devices.len() {
                    self.world
                        .act(device, |engine, now| engine.resume(parcel, now));
                }
            }
            self.answer_offers();
            self.world.run_for(5 * SECOND);
        }
        let late = loop {
            self.answer_offers();
            self.world.run_for(5 * SECOND);
            self.check();
            let late = self.late();
            if late.is_empty() || self.world.now >= end {
                break late;
            }
        };
        let views = |&(sender, device, parcel): &(usize, usize, ParcelId)| {
            let view = |device: usize| self.world.devices[device].view(parcel, self.world.now);
            (sender, device, view(sender), view(device))
        };
        assert!(
            late.is_empty(),
            "{:?}",
            late.iter().map(views).collect::<Vec<_>>()
        );
    }

    /// Each device that is asked accepts.
    fn answer_offers(&mut self) {
        for &(_, parcel) in &self.model.parcels.clone() {
            for device in 0..self.world.devices.len() {
                self.accept(device, parcel);
            }
        }
    }

    /// Parcels that are still to arrive: sender, receiver and parcel.
    fn late(&self) -> Vec<(usize, usize, ParcelId)> {
        let mut late = Vec::new();
        for &(sender, parcel) in &self.model.parcels {
            // A device that came back without storage, or left before anybody wanted it, has it no more.
            if self.model.ended.contains(&parcel) || self.world.state(sender, parcel).is_none() {
                continue;
            }
            for device in (0..self.world.devices.len()).filter(|device| *device != sender) {
                let wanted = !self.model.refused.contains(&(device, parcel));
                if wanted && !self.world.delivered(sender, device, parcel) {
                    late.push((sender, device, parcel));
                }
            }
        }
        late
    }

    /// There is no state that cannot be left.
    fn clear_away(&mut self) {
        for device in 0..self.world.devices.len() {
            for &(_, parcel) in &self.model.parcels {
                self.world
                    .act(device, |engine, now| engine.remove(parcel, now));
                assert_eq!(self.world.state(device, parcel), None);
                let device = &self.world.devices[device];
                let is_let_go = device.forgotten.contains(&parcel);
                assert_eq!(device.parcels.contains(&parcel), is_let_go, "its files");
            }
            assert!(
                self.world.devices[device].stores.is_empty(),
                "storage is freed"
            );
            assert!(self.world.devices[device].notes.is_empty(), "and its notes");
            self.world.act(device, |engine, now| engine.leave_all(now));
            assert!(self.world.devices[device].peers().is_empty());
        }
    }
}
