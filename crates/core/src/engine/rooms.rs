//! Entering rooms and leaving them, and what of their parcels is kept meanwhile.

use mqdrop_mqtt::Time;

use super::Engine;
use super::connection::Connection;
use super::kept::Kept;
use super::link::Stage;
use super::room::Room;
use crate::api::{Event, Join, JoinError};
use crate::ids::RoomId;
use crate::message::EndReason;

/// A device that said goodbye and is still there after so long comes back by itself.
const GOODBYE: core::time::Duration = core::time::Duration::from_secs(60);

impl Engine {
    /// Enters a room, beside those that this device is in. It stays there, through any interruption,
    /// until [`leave`](Self::leave). All rooms of an engine share its one connection.
    ///
    /// # Errors
    /// If the prefix cannot be part of a topic, the connection of the other rooms goes to another broker
    /// or with another login, or this device is in the room already.
    pub fn join(&mut self, join: Join, now: Time) -> Result<RoomId, JoinError> {
        let id = RoomId(self.stays + 1);
        let mut room = Room::new(id, &join, now)?;
        let mut others = self.rooms.values();
        match &mut self.connection {
            Some(connection) if !connection.suits(&join) => return Err(JoinError::OtherBroker),
            Some(_) if others.any(|other| other.topics.are_of_one_room(&room.topics)) => {
                return Err(JoinError::AlreadyInside);
            }
            Some(connection) => {
                // The refusal that stopped the others may not stop this one.
                if connection.link.stage == Stage::Stopped {
                    connection.link.stage = Stage::Waiting(now);
                }
            }
            None => {
                let connection = self.connection.insert(Connection::new(&join, now));
                self.socket.push_back(connection.open());
            }
        }
        self.stays += 1;
        room.begin();
        room.tell_status();
        // Those that are known from earlier.
        room.parcels.cx.event(Event::People(id));
        self.rooms.insert(id, room);
        self.take_up_kept(now);
        self.settle(now);
        Ok(id)
    }

    /// Leaves a room. What somebody receives, here or elsewhere, is kept for when the room is entered
    /// again; what nobody has accepted ends. The connection ends with the last room.
    pub fn leave(&mut self, room: RoomId, now: Time) {
        let Some(left) = self.rooms.get(&room) else {
            return;
        };
        let claimed = left.claimed();
        self.end_transfers(room, now);
        self.settle(now);
        let (Some(mut left), Some(connection)) = (self.rooms.remove(&room), &mut self.connection)
        else {
            return;
        };
        left.say_goodbye(connection, &mut self.random, now);
        left.tell_peers();
        left.tell_status();
        self.cx.take_over(&mut left.parcels.cx);
        if self.rooms.is_empty() {
            connection.session.disconnect(now);
            if !connection.link.is_closed() {
                self.socket.push_back(connection.close());
            }
            self.connection = None;
        } else if left.is_on_its_way() {
            connection.release(claimed);
        }
        self.settle(now);
    }

    /// Leaves all rooms.
    pub fn leave_all(&mut self, now: Time) {
        let rooms: Vec<RoomId> = self.rooms().collect();
        for room in rooms {
            self.leave(room, now);
        }
    }

    /// The rooms that this device is in or on its way to, in the order in which they were joined.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> {
        self.rooms.keys().copied()
    }

    /// This device may be gone in a moment, without a word, or be back some time: says goodbye in all
    /// rooms and hangs up. Nothing is ended by that. It is back with [`check`](Self::check), or by
    /// itself if it is still there after a while.
    pub fn say_goodbye(&mut self, now: Time) {
        let connection = self.connection.as_mut();
        let Some(connection) = connection.filter(|connection| connection.link.is_online()) else {
            return;
        };
        for (_, room) in &mut self.rooms {
            room.say_goodbye(connection, &mut self.random, now);
        }
        connection.session.disconnect(now);
        self.socket.push_back(connection.close());
        connection.link.stage = Stage::Waiting(now + GOODBYE);
        for (_, room) in &mut self.rooms {
            room.handle_lost();
        }
        self.settle(now);
    }

    /// This device leaves a room: keeps what is under way, and ends the rest.
    fn end_transfers(&mut self, room: RoomId, now: Time) {
        let Some(room) = self.rooms.get_mut(&room) else {
            return;
        };
        let cx = &mut room.parcels.cx;
        for (parcel, mut outgoing) in std::mem::take(&mut room.parcels.outgoing) {
            if let Some(kept) = outgoing.leave(now, cx) {
                self.kept.insert(parcel, Kept::Sent(Box::new(kept)));
                cx.event(Event::Kept);
            } else {
                outgoing.end(EndReason::Left, cx);
            }
            cx.event(Event::Transfer(parcel));
        }
        for (parcel, mut incoming) in std::mem::take(&mut room.parcels.incoming) {
            if incoming.leave() {
                self.kept.insert(parcel, Kept::Received(Box::new(incoming)));
                cx.event(Event::Kept);
            }
            // An offer that was not accepted is not declined by that: everyone sees that this device left.
            cx.event(Event::Transfer(parcel));
        }
    }
}
