//! Clients in a room, on a virtual clock, with a broker in memory. Each turn takes a millisecond, and
//! what a client is told is kept with its time.

mod machine;

use core::time::Duration;

use mqdrop_client::{Client, Input, Update};
use mqdrop_core::view::TransferState;
use mqdrop_core::{Audience, Engine, Entry, Identity, Join, OfferError, ParcelId, RoomId, Time};
use mqdrop_sim::broker::{Action, Broker};
use mqdrop_sim::{faults::Faults, random::Random};

pub(crate) use machine::{Call, Disk, Machine};

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

/// Short frames: a transfer then takes many turns.
const FRAME: Option<u32> = Some(16 * 1024);

pub(crate) struct Room {
    pub(crate) now: Time,
    pub(crate) members: Vec<Member>,
    broker: Broker,
    random: Random,
    /// How many connections there were.
    connections: u32,
}

pub(crate) struct Member {
    pub(crate) client: Client<Machine>,
    /// Everything that it was told, and when.
    pub(crate) told: Vec<(Time, Update<Vec<u8>>)>,
    /// How many packets its connection takes in a turn.
    pub(crate) room: usize,
    connection: u32,
}

/// How clients join here, if a transfer is to take a few turns only.
pub(crate) fn join_for_speed() -> Join {
    Join {
        auto_accept: mqdrop_core::AutoAccept::All,
        ..mqdrop_sim::join()
    }
}

/// How clients join here.
pub(crate) fn join() -> Join {
    Join {
        auto_accept: mqdrop_core::AutoAccept::All,
        frame_limit: FRAME,
        frame_length: FRAME,
        ..mqdrop_sim::join()
    }
}

impl Room {
    /// Clients that know one another.
    pub(crate) fn with(members: usize) -> Self {
        Self::with_join(members, &join())
    }

    /// Clients that know one another and joined like this.
    pub(crate) fn with_join(members: usize, join: &Join) -> Self {
        let mut room = Self {
            now: Time::from_millis(1000),
            members: Vec::new(),
            broker: Broker::new(Faults::default()),
            random: Random(1),
            connections: 0,
        };
        for _ in 0..members {
            let index = room.add(Disk::default());
            room.enter(index, join.clone());
        }
        room.run_until(|room| {
            let knows_all = |it: &Member| {
                let engine = it.client.engine();
                engine.rooms().map(|room| engine.peers(room).len()).sum::<usize>()
            } == members - 1;
            room.members.iter().all(knows_all)
        });
        room
    }

    /// One more client, in no room, on a machine with this disk.
    pub(crate) fn add(&mut self, disk: Disk) -> usize {
        let machine = Machine::with(disk);
        self.members.push(Member {
            client: Client::new(self.random.seed(), machine),
            told: Vec::new(),
            room: 4,
            connection: 0,
        });
        self.members.len() - 1
    }

    /// The room that a client is in; no room's id if it is in none.
    pub(crate) fn here(&self, index: usize) -> RoomId {
        self.engine(index).rooms().last().unwrap_or_default()
    }

    /// A client joins, as another device than before.
    pub(crate) fn enter(&mut self, index: usize, join: Join) {
        let identity = Identity::from_random(self.random.seed());
        let join = Join { identity, ..join };
        self.act(index, |engine, now| engine.join(join, now))
            .unwrap();
    }

    /// Offers a file of which every byte follows from its place.
    pub(crate) fn offer(&mut self, index: usize, size: usize) -> ParcelId {
        let file: Vec<u8> = (0..size).map(|at| (at ^ (at >> 8)) as u8).collect();
        let entry = Entry {
            path: "file.bin".into(),
            size: size as u64,
            modified: None,
            mime: String::new(),
        };
        let room = self.here(index);
        let offered = self.act_with_machine(index, |engine, machine, now| {
            let parcel = engine.offer_files(room, vec![entry], Audience::Room, now)?;
            machine.files.insert(parcel, file);
            Ok::<_, OfferError>(parcel)
        });
        offered.unwrap()
    }

    pub(crate) fn act<R>(&mut self, index: usize, act: impl FnOnce(&mut Engine, Time) -> R) -> R {
        self.act_with_machine(index, |engine, _, now| act(engine, now))
    }

    pub(crate) fn act_with_machine<R>(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut Engine, &mut Machine, Time) -> R,
    ) -> R {
        let result = self.begin(index).act_with_platform(act);
        self.end(index);
        result
    }

    pub(crate) fn handle(&mut self, index: usize, input: Input<Vec<u8>>) {
        if matches!(input, Input::Opened { .. }) {
            self.connections += 1;
            self.broker.open(self.connections);
            self.members[index].connection = self.connections;
            self.machine(index).is_open = true;
        }
        self.begin(index).handle(input);
        self.end(index);
    }

    fn begin(&mut self, index: usize) -> &mut Client<Machine> {
        self.now += MILLISECOND;
        let member = &mut self.members[index];
        member.client.platform_mut().begin(self.now, member.room);
        &mut member.client
    }

    /// Tells the user what is new, and brings to the broker what was sent.
    fn end(&mut self, index: usize) {
        let (now, member) = (self.now, &mut self.members[index]);
        let told = &mut member.told;
        member.client.tell(&mut |update| told.push((now, update)));
        let sent = std::mem::take(&mut member.client.platform_mut().sent);
        let connection = member.connection;
        for packet in sent {
            for action in self.broker.receive(connection, &packet, &mut self.random) {
                self.carry_out(action);
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        let (Action::Send(connection, _) | Action::Close(connection)) = action;
        let to = |member: &&mut Member| member.connection == connection;
        let Some(member) = self.members.iter_mut().find(to) else {
            return;
        };
        if let Action::Send(_, bytes) = action {
            let input = Input::Received(bytes.into());
            member.client.platform_mut().inputs.push_back(input);
        }
    }

    pub(crate) fn machine(&mut self, index: usize) -> &mut Machine {
        self.members[index].client.platform_mut()
    }

    pub(crate) fn engine(&self, index: usize) -> &Engine {
        self.members[index].client.engine()
    }

    pub(crate) fn state(&self, index: usize, parcel: ParcelId) -> Option<TransferState> {
        self.engine(index).transfer_state(parcel, self.now)
    }

    pub(crate) fn bytes(&self, index: usize, parcel: ParcelId) -> u64 {
        let view = self.engine(index).transfer(parcel, self.now);
        view.map_or(0, |view| view.bytes)
    }

    /// Takes one input in, if there is one for this client or its timer rings. Whether there was.
    pub(crate) fn step(&mut self, index: usize) -> bool {
        let now = self.now;
        let machine = self.machine(index);
        let input = machine.inputs.pop_front().or_else(|| {
            machine.timer.take_if(|at| *at <= now)?;
            Some(Input::Woken)
        });
        let Some(input) = input else { return false };
        self.handle(index, input);
        true
    }

    /// Goes on until `goal` holds.
    pub(crate) fn run_until(&mut self, goal: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(600);
        while !goal(self) {
            assert!(self.now < end, "it takes too long");
            let mut is_busy = false;
            for index in 0..self.members.len() {
                is_busy |= self.step(index);
            }
            if !is_busy {
                let timers = self.members.iter();
                let timers = timers.filter_map(|member| member.client.platform().timer);
                self.now = timers.min().unwrap().max(self.now);
            }
        }
    }
}
