//! Handling of the session's events.

use bytes::Bytes;
use mqdrop_mqtt::{Disconnect, QoS, ReasonCode, Ticket, Time};

use super::gate::Heard;
use super::link::{self, Stage};
use super::topics::Channel;
use super::{Engine, refusal};
use crate::api::Event;
use crate::cause::Notice;
use crate::incoming::Incoming;
use crate::view::TransferState;

impl Engine {
    /// Handles everything the session has to say, then sends what came of it.
    #[inline(never)]
    pub(super) fn settle(&mut self, now: Time) {
        while let Some(event) = self
            .room
            .as_mut()
            .and_then(|room| room.session.poll_event())
        {
            self.handle_session(event, now);
            // One by one: many events may have come at once.
            self.flush_effects(now);
        }
        self.flush_effects(now);
        self.note_busy(now);
    }

    /// Tells the session whether silence of the broker is suspicious.
    fn note_busy(&mut self, now: Time) {
        let is_active = |state| matches!(state, TransferState::Active | TransferState::Verifying);
        let is_busy = self.incoming.values().any(|i| is_active(i.state()))
            || self.outgoing.values().any(|o| is_active(o.state(now)));
        if let Some(room) = &mut self.room {
            room.session.set_busy(is_busy);
        }
    }

    #[inline(never)]
    fn handle_session(&mut self, event: mqdrop_mqtt::Event, now: Time) {
        let Some(room) = &mut self.room else { return };
        match event {
            mqdrop_mqtt::Event::Connected {
                version,
                session_present,
                ..
            } => {
                room.link.accepted(version);
                room.subscriptions.handle_connected();
                if !session_present {
                    room.unacknowledged.clear();
                }
                room.heed_limits();
                room.subscribe(now);
                self.cx.event(Event::Status);
                self.report_learnt();
            }
            mqdrop_mqtt::Event::Subscribed { ticket, results } => {
                self.handle_subscribed(ticket, &results, now);
            }
            mqdrop_mqtt::Event::Unsubscribed { .. } => room.subscriptions.given_back(),
            // PUBACK tells of the broker, and nothing of the receiver.
            mqdrop_mqtt::Event::Published { ticket, result } => {
                let to = room.unacknowledged.remove(&ticket);
                let is_news = to.is_some_and(|to| match result {
                    Ok(()) => room.note_taken(to),
                    Err(reason) => room.note_refused(to, reason),
                });
                if is_news {
                    self.cx.event(Event::Status);
                }
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
        let Some(room) = &mut self.room else { return };
        let refused = results.iter().find_map(|result| result.err());
        if room.link.stage == Stage::Subscribing(ticket) {
            if refused.is_none() {
                return self.enter(now);
            }
            room.not_subscribed(results, &mut self.random, now);
            self.socket.push_back(room.close());
            self.cx.event(Event::Status);
            return;
        }
        let Some(parcel) = room.subscriptions.answered(ticket) else {
            return;
        };
        let Some(reason) = refused else {
            room.subscriptions.granted();
            if let Some(incoming) = self.incoming.get_mut(&parcel) {
                incoming.handle_subscribed(now);
                self.cx.event(Event::Transfer(parcel));
            }
            return;
        };
        let has_others = self.incoming.values().any(Incoming::is_subscribed);
        if let Some(incoming) = self.incoming.get_mut(&parcel) {
            let topic = room.topics.data(parcel);
            let (trouble, is_final) = refusal::no_data(reason, topic, has_others);
            if incoming.handle_not_subscribed(trouble, is_final, now, &mut self.cx) && !is_final {
                room.subscriptions.refused(parcel, now);
            }
        }
    }

    /// Subscribed to the room: in it.
    #[inline(never)]
    fn enter(&mut self, now: Time) {
        let Some(room) = &mut self.room else { return };
        room.link.online();
        room.greet(&mut self.random, now);
        room.begin_proof(now);
        self.forget_stalls();
        for (_, incoming) in &mut self.incoming {
            incoming.handle_online(&mut self.cx);
        }
        self.tell_transfers();
        self.cx.event(Event::Status);
    }

    /// Has each transfer that waits for the connection say so.
    pub(super) fn tell_transfers(&mut self) {
        for &parcel in self.outgoing.keys().chain(self.incoming.keys()) {
            self.cx.event(Event::Transfer(parcel));
        }
    }

    #[inline(never)]
    fn lose_link(&mut self, why: &Disconnect, now: Time) {
        let Some(room) = &mut self.room else { return };
        if room.link.is_closed() {
            return;
        }
        let was_online = room.link.is_online();
        let loss = link::loss(why, room.close_code);
        let limit_found = room.frame_size.on_connection_lost(loss, now);
        room.note_limits();
        if !room.may_go_otherwise(why, now) {
            room.end(why, &mut self.random, now);
        }
        self.socket.push_back(room.close());
        if was_online {
            for (_, outgoing) in &mut self.outgoing {
                outgoing.handle_link_lost(&mut self.cx);
            }
            self.tell_transfers();
        }
        self.cx.event(Event::Status);
        if limit_found {
            self.report_learnt();
        }
    }

    fn report_learnt(&mut self) {
        let Some(room) = &mut self.room else { return };
        let bytes = |length: Option<u64>| length.and_then(|length| u32::try_from(length).ok());
        let frame_limit = bytes(room.frame_size.limit());
        // While it is looked for anew, what was learnt before is better than nothing.
        room.best = bytes(room.frame_size.best()).or(room.best);
        let within = |best: u32| best.min(frame_limit.unwrap_or(u32::MAX));
        self.cx.event(Event::Learnt {
            only_v311: room.only_v311(),
            frame_limit,
            frame_length: room.best.map(within),
        });
    }

    /// Tells what was found out about the length of packets since it was like this.
    pub(super) fn report_lengths(&mut self, was_hopeless: bool, best: Option<u64>) {
        let Some(room) = &mut self.room else { return };
        if was_hopeless && !room.frame_size.is_hopeless() {
            room.note_limits();
            self.cx.event(Event::Status);
        }
        let found = room.frame_size.best();
        if found.is_some() && found != best {
            self.report_learnt();
        }
    }

    #[inline(never)]
    fn handle_message(&mut self, topic: &str, payload: Bytes, now: Time) {
        let Some(room) = &mut self.room else { return };
        match room.topics.classify(topic) {
            Some(Channel::Data(parcel)) => {
                if let Some(incoming) = self.incoming.get_mut(&parcel) {
                    incoming.handle_frame(payload, now, &mut self.cx);
                }
            }
            Some(channel) => self.handle_control(channel, &payload, now),
            None => {}
        }
    }

    /// A control message came.
    fn handle_control(&mut self, channel: Channel, payload: &[u8], now: Time) {
        let Some(room) = &mut self.room else { return };
        let were_proven = room.rights.are_proven();
        let heard = room.hear(channel, payload, now);
        if !were_proven && room.rights.are_proven() {
            self.cx.event(Event::Status);
        }
        match heard {
            Heard::Counts(said) => self.handle_said(said, now),
            Heard::Unconfirmed(said) => room.ask(&said, now),
            Heard::Newer => {
                if !std::mem::replace(&mut room.told_of_newer, true) {
                    self.cx.event(Event::Notice(Notice::NewerVersion));
                }
            }
            Heard::Noise | Heard::Own | Heard::Repeated | Heard::Muted => {}
        }
    }
}
