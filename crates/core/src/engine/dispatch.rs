//! Handling of the session's events and of the messages of other devices.

use bytes::Bytes;
use mqdrop_mqtt::{Disconnect, QoS, ReasonCode, Ticket, Time};

use super::link::{self, Stage};
use super::topics::Channel;
use super::{Engine, refusal};
use crate::api::Event;
use crate::cause::Notice;
use crate::envelope::Opened;
use crate::ids::DeviceId;
use crate::incoming::Incoming;
use crate::message::{Body, EndReason, Introduction, Message, ParcelRef, Want};
use crate::peers::Introduced;
use crate::seal::OpenError;
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
                self.handle_message(&message.topic, message.payload, now)
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

    #[inline(never)]
    fn handle_message(&mut self, topic: &str, payload: Bytes, now: Time) {
        let Some(room) = &mut self.room else { return };
        let Some(channel) = room.topics.classify(topic) else {
            return;
        };
        if let Channel::Data(parcel) = channel {
            if let Some(incoming) = self.incoming.get_mut(&parcel) {
                incoming.handle_frame(payload, now, &mut self.cx);
            }
            return;
        }
        if payload.len() > crate::message::MAX_MESSAGE {
            return;
        }
        if channel == Channel::Me && room.prove_inbox() {
            self.cx.event(Event::Status);
        }
        let opened = match room.open(channel, &payload) {
            Ok(opened) => opened,
            Err(OpenError::Newer) => {
                if !std::mem::replace(&mut room.told_of_newer, true) {
                    self.cx.event(Event::Notice(Notice::NewerVersion));
                }
                return;
            }
            // Noise, or someone without the key: nothing the user could do about.
            Err(OpenError::NotAuthentic) => return,
        };
        let Opened {
            sender,
            public,
            body,
        } = opened;
        let Some(message) = Message::decode(&body) else {
            return;
        };
        if sender == room.identity.device {
            if message.counter >= room.hello && room.prove_room() {
                self.cx.event(Event::Status);
            }
            return;
        }
        let to_me = channel == Channel::Me;
        let fresh = room.peers.accept(sender, message.counter, to_me, now);
        let will = message.body == Body::Gone && room.peers.is_will(sender, message.counter);
        if !(fresh || will) {
            return;
        }
        room.peers.learn_public(sender, &public, &room.identity);
        if to_me
            && let Body::Hello(introduction) | Body::Alive(introduction) = &message.body
            && introduction.heard >= room.hello
        {
            room.peers.confirm(sender, message.counter);
            if room.prove_room() {
                self.cx.event(Event::Status);
            }
        }
        if room.peers.is_muted(sender) && message.body != Body::Gone {
            return;
        }
        // A parcel that is over stays so, however late that is said.
        let is_final = matches!(message.body, Body::Gone | Body::Cancel(_));
        if !(to_me || is_final || room.peers.is_confirmed(sender)) {
            return room.ask(sender, &message, now);
        }
        self.handle_body(sender, to_me, message, now);
    }

    /// `to_me` says that the message is for this device alone.
    #[inline(never)]
    fn handle_body(&mut self, sender: DeviceId, to_me: bool, message: Message, now: Time) {
        let Message { counter, body } = message;
        let by_token = body.receivers_token();
        match body {
            Body::Hello(introduction) => {
                self.handle_introduction(sender, &introduction, true, to_me, counter, now)
            }
            Body::Alive(introduction) => {
                self.handle_introduction(sender, &introduction, false, to_me, counter, now)
            }
            Body::Gone => {
                if self
                    .room
                    .as_mut()
                    .is_some_and(|room| room.peers.leave(sender))
                {
                    self.handle_gone(sender, now);
                }
            }
            Body::Offer(offer) => self.handle_offer(sender, offer, now),
            Body::Complete(complete) => {
                let known = self.incoming.get_mut(&complete.parcel);
                match known.filter(|incoming| incoming.sender() == sender) {
                    Some(incoming) => incoming.handle_complete(&complete, now, &mut self.cx),
                    // It was taken off the list, and the word of it got lost.
                    None => {
                        let ending = EndReason::Unknown.ending(complete.parcel);
                        self.cx.answer(sender, Body::Cancel(ending));
                    }
                }
            }
            Body::Pause(parcel) => self.handle_sender_paused(sender, parcel, true),
            Body::Resume(parcel) => self.handle_sender_paused(sender, parcel, false),
            Body::Seen(answer) => match self.outgoing.get_mut(&answer.parcel) {
                Some(outgoing) => outgoing.handle_seen(sender, counter, &mut self.cx),
                None => {
                    let ending = EndReason::Unknown.ending(answer.parcel);
                    self.cx.answer(sender, Body::Cancel(ending));
                }
            },
            Body::Want(want) => self.handle_want(sender, &want, counter, now),
            Body::Receipt(receipt) => {
                if let Some(outgoing) = self.outgoing.get_mut(&receipt.parcel) {
                    let without = receipt.without.unwrap_or_default();
                    outgoing.handle_receipt(sender, without, counter, now, &mut self.cx);
                }
            }
            Body::Decline(ending) => {
                let reason = EndReason::from(&ending);
                if let Some(outgoing) = self.outgoing.get_mut(&ending.parcel) {
                    outgoing.handle_end(sender, reason, true, counter, &mut self.cx);
                }
            }
            Body::Cancel(ending) => {
                let reason = EndReason::from(&ending);
                if let Some(outgoing) = self.outgoing.get_mut(&ending.parcel) {
                    outgoing.handle_end(sender, reason, false, counter, &mut self.cx);
                } else if let Some(incoming) = self.incoming.get_mut(&ending.parcel)
                    && incoming.sender() == sender
                {
                    incoming.handle_cancel(reason, &mut self.cx);
                }
            }
        }
        if let Some((parcel, token)) = by_token
            && let Some(outgoing) = self.outgoing.get_mut(&parcel)
        {
            outgoing.recognise(sender, token, &mut self.cx);
        }
    }

    /// A device says that it is here: with `hello` because it just came, `to_me` in answer to mine.
    #[inline(never)]
    fn handle_introduction(
        &mut self,
        device: DeviceId,
        introduction: &Introduction,
        hello: bool,
        to_me: bool,
        counter: u64,
        now: Time,
    ) {
        let Some(room) = &mut self.room else { return };
        if !room.peers.is_confirmed(device) {
            // It was said before this device came back, or by one that does not know it yet.
            if hello {
                let introduction = room.introduction(counter);
                room.answer(device, Body::Hello(introduction), now);
            }
            return;
        }
        let introduced = room.peers.introduce(device, &introduction.name);
        room.peers.note_hello(device, introduction.hello);
        if introduced != Introduced::Known {
            self.cx.event(Event::Peers);
        }
        let came = introduced == Introduced::New;
        if hello {
            let introduction = room.introduction(counter);
            room.answer(device, Body::Alive(introduction), now);
        }
        if hello || to_me || came {
            let name = room.peers.name(device);
            for (_, outgoing) in &mut self.outgoing {
                outgoing.handle_here(device, name.clone(), now, &mut self.cx);
            }
            for (_, incoming) in &mut self.incoming {
                if incoming.sender() == device {
                    incoming.handle_here(now, &mut self.cx);
                }
            }
        }
    }

    #[inline(never)]
    pub(super) fn handle_gone(&mut self, device: DeviceId, now: Time) {
        for (_, outgoing) in &mut self.outgoing {
            outgoing.handle_gone(device, now, &mut self.cx);
        }
        for (_, incoming) in &mut self.incoming {
            if incoming.sender() == device {
                incoming.handle_gone(&mut self.cx);
            }
        }
        self.cx.event(Event::Peers);
    }

    fn handle_sender_paused(&mut self, sender: DeviceId, parcel: ParcelRef, paused: bool) {
        if let Some(incoming) = self.incoming.get_mut(&parcel.parcel)
            && incoming.sender() == sender
        {
            incoming.handle_sender_paused(paused, &mut self.cx);
        }
    }

    #[inline(never)]
    fn handle_want(&mut self, sender: DeviceId, want: &Want, counter: u64, now: Time) {
        let (Some(room), Some(outgoing)) = (&mut self.room, self.outgoing.get_mut(&want.parcel))
        else {
            let ending = EndReason::Unknown.ending(want.parcel);
            self.cx.answer(sender, Body::Cancel(ending));
            return;
        };
        let was_hopeless = room.frame_size.is_hopeless();
        let best = room.frame_size.best();
        let begins = outgoing.handle_want(
            sender,
            want,
            counter,
            now,
            &mut room.frame_size,
            &mut self.cx,
        );
        if let Some(token) = want.token {
            outgoing.recognise(sender, token, &mut self.cx);
        }
        if begins {
            outgoing.begin(sender, room.peers.name(sender), &mut self.cx);
        }
        if was_hopeless && !room.frame_size.is_hopeless() {
            room.note_limits();
            self.cx.event(Event::Status);
        }
        if room
            .frame_size
            .best()
            .is_some_and(|found| best != Some(found))
        {
            self.report_learnt();
        }
    }
}
