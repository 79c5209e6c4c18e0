//! The engine: one device in its rooms, over one MQTT session. Drivers move bytes, blocks and time.

mod connection;
mod dispatch;
mod ending;
mod families;
mod gate;
mod kept;
mod link;
mod lists;
mod outbox;
mod parcels;
mod proof;
mod refusal;
mod restoring;
mod rights;
mod room;
mod rooms;
mod schedule;
mod stall;
mod subscriptions;
mod topics;
mod verbs;
mod voice;

use std::collections::VecDeque;

use litemap::LiteMap;

use bytes::Bytes;
use mqdrop_mqtt::Time;

use crate::api::{Event, Timer};
use crate::effects::Effects;
use crate::ids::{ParcelId, RoomId, base32};
use crate::incoming::Incoming;
use crate::io::{SocketAction, SocketClose, StoreReply, StoreRequest};
use crate::random::Random;
use crate::view::{FileView, PeerView, PersonView, StatusView, TransferState, TransferView};

use connection::Connection;
use kept::Kept;
use link::Stage;
use room::Room;
pub use topics::topic_prefix;

/// One device, in any number of rooms at one broker. Rooms at several brokers need an engine each.
///
/// After every `handle_*` call and every command, call each `poll_*` until all answer `None`, then
/// sleep until [`poll_timeout`](Self::poll_timeout) or the next input. The crate `mqdrop-client` does
/// that for any platform, with the rules that go with it.
pub struct Engine {
    random: Random,
    /// There is one while there are rooms.
    connection: Option<Connection>,
    rooms: LiteMap<RoomId, Room>,
    /// The number of rooms that were joined.
    stays: u32,
    /// Parcels of other rooms that storage kept.
    kept: LiteMap<ParcelId, Kept>,
    /// Requests to storage, and events for the user.
    cx: Effects,
    socket: VecDeque<SocketAction>,
    /// Which outgoing parcel was served last.
    turn: Option<(RoomId, ParcelId)>,
    /// CRC-32 of received files is wanted.
    sums: bool,
}

impl Engine {
    /// `seed` must come from a cryptographic random source: keys and nonces follow from it.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            random: Random::new(seed),
            connection: None,
            rooms: LiteMap::new(),
            stays: 0,
            kept: LiteMap::new(),
            cx: Effects::default(),
            socket: VecDeque::new(),
            turn: None,
            sums: false,
        }
    }

    /// Has the [CRC-32](FileView::crc32) of files computed while they arrive, for parcels of several
    /// files that are offered or restored from now on: a driver that makes archives of what is here needs
    /// it, and would have to read everything again.
    pub fn sum_files(&mut self) {
        self.sums = true;
    }

    /// Looks at the connection at once: the page became visible, the network came back.
    pub fn check(&mut self, now: Time) {
        if let Some(connection) = &mut self.connection {
            match connection.link.stage {
                Stage::Waiting(_) => connection.link.stage = Stage::Waiting(now),
                Stage::Stopped => {}
                Stage::Opening(until) if now >= until => {
                    // This device slept meanwhile.
                    self.socket.push_back(connection.close());
                    connection.link.stage = Stage::Waiting(now);
                }
                _ => connection.session.check(now),
            }
        }
        self.handle_timeout(now);
    }

    /// The connection that was asked for is open. `compresses`: the broker compresses messages (a
    /// WebSocket's permessage-deflate, RFC 7692), which takes time and makes nothing of files shorter, as
    /// they are encrypted. `wall` is the machine's clock, in ms since 1970.
    pub fn handle_open(&mut self, compresses: bool, wall: u64, now: Time) {
        if let Some(connection) = &mut self.connection
            && matches!(connection.link.stage, Stage::Opening(_))
        {
            connection.link.compresses = compresses;
            for (_, room) in &mut self.rooms {
                room.set_wall(wall, now);
            }
            // MQTT has one will for a connection. In the other rooms silence tells.
            let mut rooms = self.rooms.iter_mut().map(|(_, room)| room);
            let first = rooms.next().map(|room| {
                let last_word = room.last_word(&mut self.random);
                room.begin();
                last_word
            });
            rooms.for_each(Room::begin);
            connection.connect(first, now);
        }
        self.settle(now);
    }

    /// Bytes came, split or merged in any way.
    #[inline(never)]
    pub fn handle_bytes(&mut self, bytes: Bytes, now: Time) {
        if let Some(connection) = &mut self.connection
            && !(matches!(connection.link.stage, Stage::Opening(_)) || connection.link.is_closed())
        {
            connection.session.handle_bytes(bytes, now);
        }
        self.settle(now);
    }

    /// The connection ended, or could not be opened.
    pub fn handle_close(&mut self, close: SocketClose, now: Time) {
        if let Some(connection) = &mut self.connection {
            match connection.link.stage {
                Stage::Waiting(_) | Stage::Stopped => {}
                Stage::Opening(_) => {
                    connection.link.unreachable(&close, &mut self.random, now);
                    self.tell_status();
                }
                Stage::Handshake | Stage::Subscribing | Stage::Online => {
                    connection.handle_close(close, now);
                }
            }
        }
        self.settle(now);
    }

    /// Storage answered.
    #[inline(never)]
    pub fn handle_store(&mut self, reply: StoreReply, now: Time) {
        let (StoreReply::Created { parcel }
        | StoreReply::Written { parcel, .. }
        | StoreReply::Unwritten { parcel, .. }
        | StoreReply::Read { parcel, .. }
        | StoreReply::Unread { parcel, .. }
        | StoreReply::Finished { parcel }
        | StoreReply::Failed { parcel, .. }) = reply;
        if let Some(room) = self.room_with(parcel) {
            let unasked = room.accepts_unasked(parcel);
            let parcels = &mut room.parcels;
            if let Some(incoming) = parcels.incoming.get_mut(&parcel) {
                incoming.handle_store(&reply, now, &mut parcels.cx);
                incoming.read_back(unasked, now, &mut parcels.cx);
            } else if let Some(outgoing) = parcels.outgoing.get_mut(&parcel) {
                outgoing.handle_store(&reply, &mut parcels.cx);
            }
        } else if self.kept.contains_key(&parcel) {
            self.handle_store_of_kept(parcel, &reply, now);
        } else if matches!(reply, StoreReply::Created { .. }) {
            // Its parcel was removed meanwhile.
            self.cx.store.push_back(StoreRequest::Discard { parcel });
        }
        self.settle(now);
    }

    /// Something may be due. Calling it late is fine; calling it early does nothing.
    #[inline(never)]
    pub fn handle_timeout(&mut self, now: Time) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        connection.session.handle_timeout(now);
        match connection.link.stage {
            Stage::Opening(until) if now >= until => {
                self.socket.push_back(connection.close());
                let close = SocketClose::Unreachable;
                connection.link.unreachable(&close, &mut self.random, now);
                self.tell_status();
            }
            Stage::Waiting(until) if now >= until => {
                connection.link.open(now);
                self.socket.push_back(connection.open());
            }
            _ => {}
        }
        self.settle(now);
        if let Some(connection) = &mut self.connection {
            for (_, room) in &mut self.rooms {
                room.handle_timeout(connection, &mut self.random, now);
            }
        }
        self.settle(now);
    }

    /// The next bytes for the socket, in order. Call it only while the socket's own buffer has
    /// room: what waits here can still be put to better use.
    #[inline(never)]
    pub fn poll_transmit(&mut self, now: Time) -> Option<Bytes> {
        loop {
            let connection = self.connection.as_mut()?;
            if let Some(bytes) = connection.session.poll_transmit() {
                return Some(bytes);
            }
            if !connection.link.is_online() || !self.send_frame(now) {
                return None;
            }
        }
    }

    /// Gives the next thing to do with the connection to the broker.
    pub fn poll_socket(&mut self) -> Option<SocketAction> {
        self.socket.pop_front()
    }

    /// Gives the next thing to do with storage.
    pub fn poll_store(&mut self) -> Option<StoreRequest> {
        self.cx.store.pop_front()
    }

    /// Gives the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.cx.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why.
    #[must_use]
    pub fn poll_timeout(&self, now: Time) -> Option<(Time, Timer)> {
        let connection = self.connection.as_ref()?;
        let session = connection
            .session
            .poll_timeout()
            .map(|(at, timer)| (at, Timer::Session(timer)));
        let link = match connection.link.stage {
            Stage::Opening(until) => Some((until, Timer::Opening)),
            Stage::Waiting(until) => Some((until, Timer::Reconnect)),
            Stage::Online | Stage::Handshake | Stage::Subscribing | Stage::Stopped => None,
        };
        let rooms = self.rooms.values().filter_map(|room| room.deadline(now));
        let deadlines = session.into_iter().chain(link).chain(rooms);
        deadlines.min_by_key(|(at, _)| *at)
    }

    /// The standing of this device in a room; as in none if it is not on its way there.
    #[must_use]
    pub fn status(&self, room: RoomId) -> StatusView {
        match (&self.connection, self.rooms.get(&room)) {
            (Some(connection), Some(room)) => room.status(connection),
            _ => StatusView::default(),
        }
    }

    /// Everyone else in a room.
    #[must_use]
    pub fn peers(&self, room: RoomId) -> Vec<PeerView> {
        let room = self.rooms.get(&room);
        room.map(|room| room.peers.views()).unwrap_or_default()
    }

    /// Everyone who is in a room or was, as far as this profile knows, in the order in which it came to
    /// know them.
    #[must_use]
    pub fn people(&self, room: RoomId) -> Vec<PersonView> {
        let room = self.rooms.get(&room);
        room.map(Room::people).unwrap_or_default()
    }

    /// The public key of this profile's own person in a room, in lower-case base32; empty without a room.
    #[must_use]
    pub fn person_key(&self, room: RoomId) -> String {
        let room = self.rooms.get(&room);
        room.map(|room| base32(&room.voice.card().person))
            .unwrap_or_default()
    }

    /// One transfer; `None` if it is off the list.
    #[must_use]
    pub fn transfer(&self, parcel: ParcelId, now: Time) -> Option<TransferView> {
        self.room_of(parcel)?.transfer(parcel, now)
    }

    /// How a transfer stands, as its view says, at less cost; `None` if it is off the list.
    #[must_use]
    pub fn transfer_state(&self, parcel: ParcelId, now: Time) -> Option<TransferState> {
        let room = self.room_of(parcel)?;
        Some(room.as_shown(room.parcels.state(parcel, now)?))
    }

    /// A parcel's files, once they are known.
    #[must_use]
    pub fn files(&self, parcel: ParcelId) -> Option<Vec<FileView>> {
        let parcels = &self.room_of(parcel)?.parcels;
        match parcels.outgoing.get(&parcel) {
            Some(outgoing) => Some(outgoing.files_view()),
            None => parcels.incoming.get(&parcel).and_then(Incoming::files_view),
        }
    }

    /// The room where a parcel is sent or received.
    fn room_of(&self, parcel: ParcelId) -> Option<&Room> {
        self.rooms.values().find(|room| room.has(parcel))
    }

    /// The same.
    fn room_with(&mut self, parcel: ParcelId) -> Option<&mut Room> {
        let mut rooms = self.rooms.iter_mut().map(|(_, room)| room);
        rooms.find(|room| room.has(parcel))
    }

    /// Has all rooms say how they stand.
    fn tell_status(&mut self) {
        for (_, room) in &mut self.rooms {
            room.tell_status();
        }
    }
}
