//! The network between devices and the broker: what it delays, holds back and cuts.

use core::time::Duration;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bytes::Bytes;
use mqdrop_client::Input as Brought;
use mqdrop_core::{ReadRequest, SocketClose, StoreReply, Time};

use crate::broker::Action;
use crate::machine::{Asked, written};
use crate::{SECOND, World};

/// Bytes on their way to a device or to the broker.
pub(crate) enum Input {
    Open(usize, u32),
    Refuse(usize, u32),
    Up(usize, u32, Vec<u8>),
    Down(u32, Vec<u8>),
    /// The device closed it.
    Left(usize, u32),
    /// It was lost, as the device finds out.
    Closed(u32),
    Read(usize, Box<ReadRequest>),
    Stored(usize, StoreReply),
}

/// Everything that is on its way, by when it is there.
#[derive(Default)]
pub(crate) struct Inputs {
    /// Of two that are there at the same time the one that set out first comes first.
    order: BinaryHeap<Reverse<(Time, usize)>>,
    all: Vec<Option<Input>>,
}

impl Inputs {
    /// When the next one is there.
    pub(super) fn next(&self) -> Option<Time> {
        self.order.peek().map(|Reverse((at, _))| *at)
    }

    /// The next one, unless it was forgotten.
    pub(super) fn pop(&mut self) -> Option<Input> {
        let Reverse((_, index)) = self.order.pop()?;
        self.all[index].take()
    }

    /// A device's program ended: nobody waits for what it asked for.
    pub(super) fn forget(&mut self, device: usize) {
        for input in &mut self.all {
            if matches!(input, Some(Input::Open(d, _) | Input::Refuse(d, _) | Input::Read(d, _) | Input::Stored(d, _)) if *d == device)
            {
                *input = None;
            }
        }
    }

    fn push(&mut self, at: Time, input: Input) {
        self.order.push(Reverse((at, self.all.len())));
        self.all.push(Some(input));
    }
}

impl World {
    /// From now on nothing gets to or from a device, and neither end is told.
    pub fn sever(&mut self, device: usize) {
        self.severed.entry(device).or_default();
    }

    /// Whether nothing gets to or from a device.
    pub fn is_severed(&self, device: usize) -> bool {
        self.severed.contains_key(&device)
    }

    /// Bytes that were held back go on, as those that computers send again.
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

    /// Someone who recorded everything that passed publishes it again.
    pub fn repeat_everything(&mut self) {
        let actions = self.broker.repeat_everything(&mut self.random);
        self.perform(actions);
    }

    /// The broker gives the PUBACKs that it withheld.
    pub fn acknowledge(&mut self) {
        let actions = self.broker.acknowledge();
        self.perform(actions);
    }

    /// The broker forgets everything and hangs up.
    pub fn restart_broker(&mut self) {
        let actions = self.broker.restart();
        self.perform(actions);
    }

    pub(super) fn handle(&mut self, input: Input) {
        if self
            .concerned(&input)
            .is_some_and(|device| self.asleep.contains(&device))
        {
            return self.push(self.now + SECOND, input);
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
                let (compresses, wall) = (false, self.wall());
                self.bring(device, Brought::Opened { compresses, wall });
            }
            Input::Refuse(device, connection) => {
                if self.devices[device].connection == Some((connection, false)) {
                    self.devices[device].connection = None;
                    self.bring(device, Brought::Closed(SocketClose::Unreachable));
                }
            }
            Input::Up(device, connection, bytes) => {
                let actions = self.broker.receive(connection, &bytes, &mut self.random);
                self.perform(actions);
                // Its socket has room again.
                if !self.asleep.contains(&device) {
                    self.bring(device, Brought::Woken);
                }
            }
            Input::Down(connection, bytes) => {
                // In pieces of any length, as a socket has them.
                let cut = self.random.range(0, bytes.len() as u64 + 1) as usize;
                let mut rest = Bytes::from(bytes);
                let first = rest.split_to(cut);
                for piece in [first, rest] {
                    if let Some(device) = self.device_of(connection) {
                        self.bring(device, Brought::Received(piece));
                    }
                }
            }
            Input::Left(_, connection) => {
                let actions = self.broker.lost(connection, &mut self.random);
                self.perform(actions);
            }
            Input::Closed(connection) => {
                if let Some(device) = self.device_of(connection) {
                    self.devices[device].connection = None;
                    let close = SocketClose::Closed { code: Some(1006) };
                    self.bring(device, Brought::Closed(close));
                }
            }
            Input::Read(device, mut request) => {
                let result = self.devices[device].fill(&mut request);
                self.devices[device].reading -= request.len();
                self.bring(device, Brought::Read(*request, result));
            }
            Input::Stored(device, reply) => {
                self.devices[device].writing -= written(&reply);
                let brought = match reply {
                    StoreReply::Finished { parcel } => Brought::Finished {
                        parcel,
                        content: (),
                    },
                    reply => Brought::Stored(reply),
                };
                self.bring(device, brought);
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

    /// Does what a device's client asked its machine for.
    pub(super) fn perform_asked(&mut self, index: usize) {
        for asked in std::mem::take(&mut self.devices[index].asked) {
            match asked {
                Asked::Open(connection) => {
                    let at = self.now + self.delay();
                    self.push(at, Input::Open(index, connection));
                }
                Asked::Close(connection) => {
                    // Bytes that were sent before go on their way.
                    let at = self.devices[index].last_arrival.max(self.now);
                    self.push(at, Input::Left(index, connection));
                }
                Asked::Send(connection, packet, sent) => {
                    // Never before what was sent earlier.
                    let at = (sent + self.delay()).max(self.devices[index].last_arrival);
                    self.devices[index].last_arrival = at;
                    self.push(at, Input::Up(index, connection, packet.to_vec()));
                }
                Asked::Read(request) => {
                    let delay = Duration::from_micros(self.random.range(0, 2000));
                    self.push(self.now + delay, Input::Read(index, request));
                }
                Asked::Store(reply) => {
                    let delay = Duration::from_micros(self.random.range(0, 3000));
                    self.push(self.now + delay, Input::Stored(index, reply));
                }
            }
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

    pub(super) fn push(&mut self, at: Time, input: Input) {
        self.inputs.push(at, input);
    }
}
