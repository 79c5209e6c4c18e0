//! A room that this device is in: its topics on the connection, its peers, the messages between them,
//! and the parcels that are sent and received there.

use core::time::Duration;

use litemap::LiteMap;

use mqdrop_mqtt::{QoS, ReasonCode, Subscription, Ticket, Time};

use super::connection::{Connection, LastWord};
use super::lists::Lists;
use super::outbox::Outbox;
use super::parcels::Parcels;
use super::refusal::{self, Refusal};
use super::rights::Rights;
use super::subscriptions::Subscriptions;
use super::topics::Topics;
use super::voice::Voice;
use crate::api::{Event, Join, JoinError, Timer};
use crate::cause::Cause;
use crate::effects::To;
use crate::ids::{DeviceId, ParcelId, PersonId, RoomId};
use crate::incoming::Incoming;
use crate::message::Body;
use crate::peers::Peers;
use crate::people::People;
use crate::person::person_of_text;
use crate::random::Random;
use crate::view::{
    ConnectionState, PersonName, PersonView, StatusView, TransferState, TransferView, Verified,
};

/// How often this device shows that it is still here.
pub(super) const REFRESH: Duration = Duration::from_secs(30);
/// What is known of persons is kept so long after it changed: in a large room it changes often.
const RECORD: Duration = Duration::from_secs(2);
/// A room that was refused, while others are in on the same connection, is tried again after so long.
const RETRY: Duration = Duration::from_secs(20);

/// The stage of this device on the present connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// Not in the room; its topics are claimed as soon as there is a connection.
    Outside,
    /// The broker was asked for the room's topics.
    Entering(Ticket),
    /// In the room.
    Inside,
    /// The broker does not deliver the room's messages; when it is asked again, if that may help.
    Refused(Refusal, Option<Time>),
}

pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) voice: Voice,
    pub(super) topics: Topics,
    pub(super) membership: Membership,
    pub(super) rights: Rights,
    pub(super) subscriptions: Subscriptions,
    pub(super) peers: Peers,
    pub(super) people: People,
    /// The person whose link led here.
    pub(super) invited_by: Option<PersonId>,
    /// When what is known of them is to be kept, if it changed.
    record_due: Option<Time>,
    pub(super) lists: Lists,
    /// The machine's clock, in ms since 1970, when the room was joined or its connection opened last, and
    /// that moment.
    clock: (u64, Time),
    pub(super) outbox: Outbox,
    /// Messages that the broker has not acknowledged.
    pub(super) unacknowledged: LiteMap<Ticket, To>,
    /// When this device shows again that it is here.
    pub(super) refresh: Time,
    /// The user was told that someone speaks a newer version.
    pub(super) told_of_newer: bool,
    pub(super) parcels: Parcels,
    /// See [`Join::takes_texts`].
    pub(super) takes_texts: bool,
}

impl Room {
    pub(super) fn new(id: RoomId, join: &Join, now: Time) -> Result<Self, JoinError> {
        let topics = Topics::new(&join.prefix, &join.secret, join.identity.device)?;
        let voice = Voice::new(join);
        Ok(Self {
            id,
            people: People::restore(&join.people, voice.card()),
            invited_by: person_of_text(&join.invited_by),
            record_due: None,
            lists: Lists::new(now),
            clock: (join.wall, now),
            topics,
            voice,
            membership: Membership::Outside,
            rights: Rights::default(),
            subscriptions: Subscriptions::default(),
            peers: Peers::default(),
            outbox: Outbox::default(),
            unacknowledged: LiteMap::new(),
            refresh: now,
            told_of_newer: false,
            parcels: Parcels::new(join.auto_accept),
            takes_texts: join.takes_texts,
        })
    }

    pub(super) fn is_inside(&self) -> bool {
        self.membership == Membership::Inside
    }

    /// Tells whether this device is in the room, or waits for the broker to let it in.
    pub(super) fn is_on_its_way(&self) -> bool {
        matches!(
            self.membership,
            Membership::Inside | Membership::Entering(_)
        )
    }

    /// The farewell, to be said by the broker if the connection ends without a word. The next message
    /// is the hello.
    pub(super) fn last_word(&mut self, random: &mut Random) -> LastWord {
        LastWord {
            topic: self.topics.room(),
            payload: self.voice.seal_to_room(Body::Gone, random),
        }
    }

    /// A connection begins: the next message is its hello, which everyone has to answer.
    pub(super) fn begin(&mut self) {
        self.voice.begin();
        self.peers.doubt();
        self.lists.forget_heard();
    }

    /// The session was accepted. `is_kept` says that the broker kept what this device had there.
    pub(super) fn handle_connected(&mut self, is_kept: bool) {
        self.subscriptions.handle_connected();
        if !is_kept {
            self.unacknowledged.clear();
        }
    }

    /// The connection is lost, or given up.
    pub(super) fn handle_lost(&mut self) {
        if self.is_inside() {
            self.parcels.handle_link_lost();
        }
        self.membership = Membership::Outside;
        self.rights = Rights::default();
        self.tell_status();
    }

    pub(super) fn tell_status(&mut self) {
        self.parcels.cx.event(Event::Status(self.id));
    }

    pub(super) fn tell_peers(&mut self) {
        self.parcels.cx.event(Event::Peers(self.id));
    }

    /// What is known of the room's persons changed.
    pub(super) fn tell_people(&mut self, now: Time) {
        self.parcels.cx.event(Event::People(self.id));
        self.record_due.get_or_insert(now + RECORD);
    }

    /// Has what is known of the room's persons kept, if it changed.
    pub(super) fn record_people(&mut self, now: Time) {
        if self.record_due.take().is_some() {
            for person in self.peers.persons_here() {
                self.people.saw(person, self.wall(now));
            }
            self.parcels.cx.event(Event::Place {
                room: self.voice.room(),
                record: self.people.record(),
            });
        }
    }

    /// The machine's clock shows `wall` (ms since 1970). It may have slept since the last time.
    pub(super) fn set_wall(&mut self, wall: u64, now: Time) {
        self.clock = (wall, now);
    }

    /// The time by the machine's clock, in ms since 1970.
    pub(super) fn wall(&self, now: Time) -> u64 {
        let (wall, at) = self.clock;
        wall.saturating_add(now.since(at).as_millis().try_into().unwrap_or(u64::MAX))
    }

    /// Everyone who is here or was, as far as this profile knows.
    pub(super) fn people(&self) -> Vec<PersonView> {
        let here = self.peers.persons_here();
        self.people.views(&here)
    }

    /// The standing of this device in the room.
    pub(super) fn status(&self, connection: &Connection) -> StatusView {
        let status = connection.link.status(&self.rights);
        match &self.membership {
            Membership::Refused(refusal, retry) => StatusView {
                state: ConnectionState::Error,
                trouble: Some(refusal.trouble.clone()),
                tries_again: retry.is_some(),
                remedy: refusal.remedy,
                ..status
            },
            _ => status,
        }
    }

    /// The topics without which there is no room.
    fn own_topics(&self) -> [String; 2] {
        [self.topics.room(), self.topics.device(self.voice.device())]
    }

    /// The topics that it has on the connection.
    pub(super) fn claimed(&self) -> Vec<String> {
        let mut claimed = self.own_topics().to_vec();
        let received = self.parcels.subscribed().chain(self.subscriptions.asked());
        claimed.extend(received.map(|parcel| self.topics.data(parcel)));
        claimed
    }

    /// Claims the room's topics; what this device says there has to come back.
    #[inline(never)]
    fn enter(&mut self, connection: &mut Connection, now: Time) {
        let wanted = self.own_topics().map(|filter| Subscription {
            filter,
            qos: QoS::AtLeastOnce,
            no_local: false,
        });
        connection.keep(&wanted);
        if let Some(ticket) = connection.claim(&wanted, now) {
            self.membership = Membership::Entering(ticket);
        }
    }

    /// The broker delivers the room's messages: says hello, after which everyone else answers.
    pub(super) fn handle_entered(
        &mut self,
        connection: &mut Connection,
        random: &mut Random,
        now: Time,
    ) {
        self.membership = Membership::Inside;
        self.outbox = Outbox::default();
        self.peers.forgive(now);
        self.push(To::Room, Body::Hello(self.voice.introduction(0)));
        self.refresh = now + random.around(REFRESH);
        self.begin_proof(connection, now);
        self.parcels.handle_online();
        self.tell_status();
    }

    /// The meaning of the broker's refusal to deliver the room's messages; `None` if it did not refuse.
    pub(super) fn refusal(&self, results: &[Result<QoS, ReasonCode>]) -> Option<Refusal> {
        let mut refused = results
            .iter()
            .zip(self.own_topics())
            .filter_map(|(result, topic)| Some((result.err()?, topic)));
        let (reason, topic) = refused.next()?;
        let topic = match refused.next() {
            Some(_) => self.topics.all(),
            None => topic,
        };
        Some(refusal::not_subscribed(reason, topic, self.topics.all()))
    }

    /// The broker refused this room alone.
    pub(super) fn handle_refused(
        &mut self,
        refusal: Refusal,
        connection: &mut Connection,
        now: Time,
    ) {
        // It may have refused one topic of two.
        connection.release(self.own_topics());
        let retry = refusal.remedy.is_none().then(|| now + RETRY);
        self.membership = Membership::Refused(refusal, retry);
        self.tell_status();
    }

    /// When a room that was refused is tried again.
    pub(super) fn retry(&self) -> Option<Time> {
        match self.membership {
            Membership::Refused(_, retry) => retry,
            _ => None,
        }
    }

    /// Something may be due.
    pub(super) fn handle_timeout(
        &mut self,
        connection: &mut Connection,
        random: &mut Random,
        now: Time,
    ) {
        if self.retry().is_some_and(|retry| now >= retry) {
            self.membership = Membership::Outside;
            self.tell_status();
        }
        if self.record_due.is_some_and(|due| now >= due) {
            self.record_people(now);
        }
        if !self.is_inside() {
            return;
        }
        if now >= self.refresh {
            self.show_presence(connection, random, now);
        }
        if self.check_rights(connection, random, now) {
            self.tell_status();
        }
        self.subscriptions.handle_timeout(now);
        for device in self.peers.expire(now) {
            self.handle_gone(device, now);
        }
        self.parcels.handle_timeout(now, &mut connection.frame_size);
    }

    /// When something is due, and what.
    pub(super) fn deadline(&self, now: Time) -> Option<(Time, Timer)> {
        let record = self.record_due.map(|at| (at, Timer::Record));
        if !self.is_inside() {
            let retry = self.retry().map(|at| (at, Timer::Subscription));
            return [record, retry]
                .into_iter()
                .flatten()
                .min_by_key(|(at, _)| *at);
        }
        let outgoing = self.parcels.outgoing.values();
        let incoming = self.parcels.incoming.values();
        let deadlines = [
            (Some(self.refresh), Timer::Refresh),
            (self.rights.deadline(), Timer::Rights),
            (self.subscriptions.deadline(), Timer::Subscription),
            (self.parcels.stall_deadline(now), Timer::Stall),
            (self.peers.deadline(), Timer::Silence),
            (
                outgoing.filter_map(|it| it.deadline(now)).min(),
                Timer::Outgoing,
            ),
            (
                incoming.filter_map(Incoming::deadline).min(),
                Timer::Incoming,
            ),
        ];
        let deadlines = deadlines.into_iter();
        deadlines
            .filter_map(|(at, timer)| Some((at?, timer)))
            .chain(record)
            .min_by_key(|(at, _)| *at)
    }

    /// One transfer; `None` if it is off the list.
    pub(super) fn transfer(&self, parcel: ParcelId, now: Time) -> Option<TransferView> {
        let known = |device| self.peers.known(device);
        let (mut view, persons) = if let Some(outgoing) = self.parcels.outgoing.get(&parcel) {
            let from = self.people.named(self.voice.card().id());
            let view = outgoing.view(self.id, from, known, now);
            (view, outgoing.persons())
        } else {
            let incoming = self.parcels.incoming.get(&parcel)?;
            let from = self.sender(incoming);
            (incoming.view(self.id, from, now), incoming.persons())
        };
        view.to = persons.iter().map(|it| self.people.named(*it)).collect();
        view.state = self.as_shown(view.state);
        if view.state == TransferState::Active && view.cause.is_none() {
            view.cause = self.parcels.stall(parcel, self.topics.data(parcel));
        }
        if !self.is_inside() && view.state == TransferState::Waiting && !view.lacks_files {
            (view.rate, view.eta, view.offline) = (0.0, None, true);
            view.cause = Some(Cause::NoConnection);
        }
        Some(view)
    }

    /// The person who sends a parcel. One that is not known any more has the name that it had then.
    fn sender(&self, incoming: &Incoming) -> PersonName {
        let person = incoming.person();
        match person.filter(|person| self.people.knows(*person)) {
            Some(person) => self.people.named(person),
            None => PersonName {
                person: person.map(|person| person.to_string()).unwrap_or_default(),
                name: incoming.sender_name().to_owned(),
                is_namesake: false,
                verified: Verified::No,
            },
        }
    }

    /// Nothing flows without a connection.
    pub(super) fn as_shown(&self, state: TransferState) -> TransferState {
        match state {
            TransferState::Active if !self.is_inside() => TransferState::Waiting,
            state => state,
        }
    }

    /// Queues a message. While not in the room there is nobody to hear it: every state is told anew
    /// when devices meet again.
    pub(super) fn push(&mut self, to: To, body: Body) {
        if self.is_inside() {
            self.outbox.push(to, body);
        }
    }

    /// Queues an answer, as far as a device may have them: it decides how often it asks.
    pub(super) fn answer(&mut self, device: DeviceId, body: Body, now: Time) {
        if self.is_inside() {
            let peers = &mut self.peers;
            let allowed = || peers.may_have_answer(device, now);
            self.outbox.answer(device, body, allowed);
        }
    }

    /// Has done what its parcels want done with topics and messages, and gives queued messages to the
    /// session, as far as it sends them.
    #[inline(never)]
    pub(super) fn flush(&mut self, connection: &mut Connection, random: &mut Random, now: Time) {
        for change in self.parcels.cx.topics.drain(..) {
            self.subscriptions.change(change);
        }
        match self.membership {
            Membership::Outside if connection.is_up() => self.enter(connection, now),
            Membership::Inside => {
                self.subscriptions
                    .flush(&mut connection.session, &self.topics, now);
            }
            _ => {}
        }
        let me = self.voice.device();
        for (to, body) in std::mem::take(&mut self.parcels.cx.messages) {
            debug_assert!(to != To::Device(me), "a message to oneself");
            self.push(to, body);
        }
        for (device, body) in std::mem::take(&mut self.parcels.cx.answers) {
            self.answer(device, body, now);
        }
        self.flush_outbox(connection, random, now);
    }

    /// Messages are sealed when their turn comes: what is sealed long before it is sent would be taken
    /// for a repetition.
    fn flush_outbox(&mut self, connection: &mut Connection, random: &mut Random, now: Time) {
        if !self.is_inside() {
            self.outbox = Outbox::default();
            self.lists.forget_newcomers();
        }
        let session = &mut connection.session;
        loop {
            let waits = session.waiting() > 0;
            if !waits && self.outbox.is_empty() {
                self.tell_newcomers(now);
            }
            let Some((to, body, qos)) = self.outbox.pop(waits) else {
                return;
            };
            let topic = match to {
                To::Room => self.topics.room(),
                To::Device(device) => self.topics.device(device),
            };
            if let Some(payload) = self.seal(to, body, random) {
                // A message that cannot be sent here is as good as lost, and lost ones are repeated.
                let published = session.publish(&topic, &payload, qos, false, now);
                if let Ok(Some(ticket)) = published {
                    self.unacknowledged.insert(ticket, to);
                }
            }
        }
    }

    #[inline(never)]
    pub(super) fn seal(&mut self, to: To, body: Body, random: &mut Random) -> Option<Vec<u8>> {
        match to {
            To::Room => Some(self.voice.seal_to_room(body, random)),
            To::Device(device) => {
                let pair_key = self.peers.pair_key(device)?;
                Some(self.voice.seal_to_device(device, pair_key, body, random))
            }
        }
    }

    /// Says goodbye.
    pub(super) fn say_goodbye(
        &mut self,
        connection: &mut Connection,
        random: &mut Random,
        now: Time,
    ) {
        // It may be ended right after that.
        self.record_due.get_or_insert(now);
        self.record_people(now);
        self.push(To::Room, Body::Gone);
        self.flush_outbox(connection, random, now);
    }

    /// Tells whether this parcel is sent or received here.
    pub(super) fn has(&self, parcel: ParcelId) -> bool {
        self.parcels.has(parcel)
    }
}
