//! The proof that the room's topics work for this login: what the device says to them comes back.

use mqdrop_mqtt::{QoS, ReasonCode, Time};

use super::connection::Connection;
use super::rights::{Due, Rights};
use super::room::Room;
use crate::cause::RoomTrouble;
use crate::effects::To;
use crate::message::Body;
use crate::random::Random;

impl Room {
    /// The device is in the room and has said hello.
    pub(super) fn begin_proof(&mut self, connection: &mut Connection, now: Time) {
        self.rights = Rights::begin(now);
        self.say_to_self(connection, now);
    }

    /// Publishes nothing to this device's own topic, which tells whether that works.
    fn say_to_self(&mut self, connection: &mut Connection, now: Time) {
        if self.rights.has_inbox() {
            return;
        }
        let me = self.voice.device();
        let topic = self.topics.device(me);
        // If it is not taken, its answer is missed and it is said again.
        if let Ok(Some(ticket)) =
            connection
                .session
                .publish(&topic, [], QoS::AtLeastOnce, false, now)
        {
            self.unacknowledged.insert(ticket, To::Device(me));
        }
    }

    /// Notes that what this device said to the room came back or was answered.
    pub(super) fn prove_room(&mut self) {
        self.rights.prove(true, false);
    }

    /// Notes that something came for this device alone.
    pub(super) fn prove_inbox(&mut self) {
        self.rights.prove(false, true);
    }

    /// Says something again, or draws the conclusion, if it is time. Returns whether it concluded.
    pub(super) fn check_rights(
        &mut self,
        connection: &mut Connection,
        random: &mut Random,
        now: Time,
    ) -> bool {
        let topic = match self.rights.check(now) {
            None => return false,
            Some(Due::Again) => {
                self.show_presence(connection, random, now);
                return false;
            }
            Some(Due::Denied {
                room: true,
                inbox: true,
            }) => self.topics.all(),
            Some(Due::Denied { room: true, .. }) => self.topics.room(),
            Some(Due::Denied { .. }) => self.topics.device(self.voice.device()),
        };
        let topics = self.topics.all();
        self.rights.suspect(RoomTrouble::Unheard { topic, topics });
        true
    }

    /// Notes that PUBACK took a message. Returns whether that is news.
    pub(super) fn note_taken(&mut self, to: To) -> bool {
        self.rights.note_taken(to)
    }

    /// Notes that PUBACK refused a message. Returns whether that is to be shown.
    pub(super) fn note_refused(
        &mut self,
        to: To,
        reason: ReasonCode,
        connection: &mut Connection,
    ) -> bool {
        if !matches!(
            reason,
            ReasonCode::NOT_AUTHORIZED | ReasonCode::TOPIC_NAME_INVALID
        ) {
            let refused = &mut connection.link.refused;
            return refused.replace(reason) != Some(reason);
        }
        let topic = match to {
            To::Room => self.topics.room(),
            To::Device(device) => self.topics.device(device),
        };
        let denied = RoomTrouble::MayNotPublish {
            topic,
            reason: reason.0,
            topics: self.topics.all(),
        };
        self.rights.note_refused(to, self.voice.device(), denied)
    }

    /// Shows that this device is still here.
    pub(super) fn show_presence(
        &mut self,
        connection: &mut Connection,
        random: &mut Random,
        now: Time,
    ) {
        self.push(To::Room, Body::Alive(self.voice.introduction(0)));
        self.say_to_self(connection, now);
        self.refresh = now + random.around(super::room::REFRESH);
    }
}
