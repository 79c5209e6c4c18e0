//! Handling of the session's events.

use bytes::Bytes;
use mqdrop_mqtt::{Disconnect, QoS, ReasonCode, Ticket, Time};

use super::connection::Users;
use super::gate::Heard;
use super::room::{Membership, Room};
use super::topics::Channel;
use super::{Engine, refusal};
use crate::api::Event;
use crate::cause::Notice;
use crate::ids::{ParcelId, RoomId};
use crate::incoming::Incoming;

impl Engine {
    /// Handles everything the session has to say, then sends what came of it.
    #[inline(never)]
    pub(super) fn settle(&mut self, now: Time) {
        while let Some(event) = self
            .connection
            .as_mut()
            .and_then(|connection| connection.session.poll_event())
        {
            self.handle_session(event, now);
            // One by one: many events may have come at once.
            self.flush(now);
        }
        self.flush(now);
        // Tells the session whether silence of the broker is suspicious.
        let is_busy = self.rooms.values().any(|room| room.parcels.are_busy(now));
        if let Some(connection) = &mut self.connection {
            connection.session.set_busy(is_busy);
        }
    }

    /// Passes on what rooms and transfers want done.
    #[inline(never)]
    fn flush(&mut self, now: Time) {
        for (_, room) in &mut self.rooms {
            if let Some(connection) = &mut self.connection {
                room.flush(connection, &mut self.random, now);
            }
            self.cx.take_over(&mut room.parcels.cx);
        }
        if let Some(connection) = &mut self.connection {
            connection.flush_released(now);
        }
    }

    #[inline(never)]
    fn handle_session(&mut self, event: mqdrop_mqtt::Event, now: Time) {
        match event {
            mqdrop_mqtt::Event::Connected {
                version,
                session_present,
                ..
            } => {
                let longest = self.longest_topic();
                let Some(connection) = &mut self.connection else {
                    return;
                };
                connection.link.accepted(version);
                connection.heed_limits(&longest);
                for (_, room) in &mut self.rooms {
                    room.handle_connected(session_present);
                }
                self.tell_status();
                self.report_learnt();
            }
            mqdrop_mqtt::Event::Subscribed { ticket, results } => {
                self.handle_subscribed(ticket, &results, now);
            }
            mqdrop_mqtt::Event::Unsubscribed { .. } => {
                for (_, room) in &mut self.rooms {
                    room.subscriptions.given_back();
                }
            }
            mqdrop_mqtt::Event::Published { ticket, result } => {
                self.handle_published(ticket, result);
            }
            mqdrop_mqtt::Event::Message(message) => {
                self.handle_message(&message.topic, message.payload, now);
            }
            mqdrop_mqtt::Event::Disconnected(why) => self.lose_link(&why, now),
        }
    }

    /// The broker answered a SUBSCRIBE.
    fn handle_subscribed(
        &mut self,
        ticket: Ticket,
        results: &[Result<QoS, ReasonCode>],
        now: Time,
    ) {
        let entering = Membership::Entering(ticket);
        let mut rooms = self.rooms.iter();
        if let Some((&id, _)) = rooms.find(|(_, room)| room.membership == entering) {
            return self.handle_claimed(id, results, now);
        }
        let refused = results.iter().find_map(|result| result.err());
        let mut rooms = self.rooms.iter_mut();
        let asked = rooms.find_map(|(&id, room)| Some((id, room.subscriptions.answered(ticket)?)));
        let Some((id, parcel)) = asked else { return };
        match refused {
            None => self.handle_data_granted(id, parcel, now),
            Some(reason) => self.handle_data_refused(id, parcel, reason, now),
        }
    }

    /// The broker answered for the topics without which there is no room.
    fn handle_claimed(&mut self, id: RoomId, results: &[Result<QoS, ReasonCode>], now: Time) {
        let mut others = self.rooms.values().filter(|room| room.id != id);
        let is_alone = !others.any(Room::is_on_its_way);
        let (Some(connection), Some(room)) = (&mut self.connection, self.rooms.get_mut(&id)) else {
            return;
        };
        let Some(refusal) = room.refusal(results) else {
            connection.link.online();
            room.handle_entered(connection, &mut self.random, now);
            return self.tell_status();
        };
        if !is_alone {
            return room.handle_refused(refusal, connection, now);
        }
        connection.session.disconnect(now);
        connection.link.fail(Some(refusal), &mut self.random, now);
        self.socket.push_back(connection.close());
        for (_, room) in &mut self.rooms {
            room.handle_lost();
        }
    }

    /// The broker delivers a parcel's data.
    fn handle_data_granted(&mut self, id: RoomId, parcel: ParcelId, now: Time) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.subscriptions.granted();
        if let Some(incoming) = room.parcels.incoming.get_mut(&parcel) {
            incoming.handle_subscribed(now);
            room.parcels.cx.event(Event::Transfer(parcel));
        }
    }

    /// The broker does not deliver a parcel's data.
    fn handle_data_refused(&mut self, id: RoomId, parcel: ParcelId, reason: ReasonCode, now: Time) {
        let mut incoming = self
            .rooms
            .values()
            .flat_map(|it| it.parcels.incoming.values());
        let has_others = incoming.any(Incoming::is_subscribed);
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        if let Some(incoming) = room.parcels.incoming.get_mut(&parcel) {
            let topic = room.topics.data(parcel);
            let (trouble, is_final) = refusal::no_data(reason, topic, has_others);
            let cx = &mut room.parcels.cx;
            if incoming.handle_not_subscribed(trouble, is_final, now, cx) && !is_final {
                room.subscriptions.refused(parcel, now);
            }
        }
    }

    /// The broker took a message, or did not. That tells of the broker, and nothing of the receiver.
    fn handle_published(&mut self, ticket: Ticket, result: Result<(), ReasonCode>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        for (_, room) in &mut self.rooms {
            let Some(to) = room.unacknowledged.remove(&ticket) else {
                continue;
            };
            let is_news = match result {
                Ok(()) => room.note_taken(to),
                Err(reason) => room.note_refused(to, reason, connection),
            };
            if is_news {
                room.tell_status();
            }
        }
    }

    #[inline(never)]
    fn lose_link(&mut self, why: &Disconnect, now: Time) {
        let longest = self.longest_topic();
        let Some(connection) = &mut self.connection else {
            return;
        };
        if connection.link.is_closed() {
            return;
        }
        let mut rooms = self.rooms.values();
        let unproven = rooms.find(|room| !room.rights.are_proven());
        let asks = unproven.or_else(|| self.rooms.values().next());
        let users = Users {
            were_entering: unproven.is_some(),
            topics: asks.map(|room| room.topics.all()).unwrap_or_default(),
        };
        let random = &mut self.random;
        let is_limit_found = connection.handle_lost(why, users, &longest, random, now);
        self.socket.push_back(connection.close());
        for (_, room) in &mut self.rooms {
            room.handle_lost();
        }
        if is_limit_found {
            self.report_learnt();
        }
    }

    fn report_learnt(&mut self) {
        if let Some(connection) = &mut self.connection {
            self.cx.event(connection.lesson());
        }
    }

    /// Tells what was found out about the length of packets since it was like this.
    pub(super) fn tell_of_lengths(&mut self, was_hopeless: bool, best: Option<u64>) {
        let longest = self.longest_topic();
        let Some(connection) = &mut self.connection else {
            return;
        };
        let found = connection.frame_size.best();
        if was_hopeless && !connection.frame_size.is_hopeless() {
            connection.note_limits(&longest);
            self.tell_status();
        }
        if found.is_some() && found != best {
            self.report_learnt();
        }
    }

    /// The longest topic that carries data, which leaves the least room in a packet.
    fn longest_topic(&self) -> String {
        let topics = self.rooms.values().map(|room| {
            let any = ParcelId([0; 10]);
            room.topics.data(any)
        });
        topics.max_by_key(String::len).unwrap_or_default()
    }

    #[inline(never)]
    fn handle_message(&mut self, topic: &str, payload: Bytes, now: Time) {
        let mut rooms = self.rooms.iter_mut();
        let meant = rooms.find_map(|(_, room)| Some((room.topics.classify(topic)?, room)));
        match meant {
            Some((Channel::Data(parcel), Room { parcels, .. })) => {
                if let Some(incoming) = parcels.incoming.get_mut(&parcel) {
                    incoming.handle_frame(payload, now, &mut parcels.cx);
                }
            }
            Some((channel, room)) => {
                let id = room.id;
                self.handle_control(id, channel, &payload, now);
            }
            None => {}
        }
    }

    /// A control message came.
    fn handle_control(&mut self, id: RoomId, channel: Channel, payload: &[u8], now: Time) {
        let (Some(connection), Some(room)) = (&mut self.connection, self.rooms.get_mut(&id)) else {
            return;
        };
        let were_proven = room.rights.are_proven();
        let heard = room.hear(channel, payload, now);
        if !were_proven && room.rights.are_proven() {
            connection.link.proven();
            self.tell_status();
        }
        match heard {
            Heard::Counts(said) => self.handle_said(id, said, now),
            Heard::Unconfirmed(said) => {
                if let Some(room) = self.rooms.get_mut(&id) {
                    room.ask(&said, now);
                }
            }
            Heard::Newer => self.tell_of_newer(id),
            Heard::Noise | Heard::Own | Heard::Repeated | Heard::Muted => {}
        }
    }

    fn tell_of_newer(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&id)
            && !std::mem::replace(&mut room.told_of_newer, true)
        {
            room.parcels.cx.event(Event::Notice(Notice::NewerVersion));
        }
    }
}
