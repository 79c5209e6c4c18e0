//! A broker in memory that speaks enough MQTT 3.1.1 and 5, and misbehaves as told.
//!
//! It is written from the OASIS texts and shares no code with the client's codec.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::faults::Faults;
use crate::packets::{Reader, packet, variable};
use crate::random::Random;

/// A broker and all that it keeps.
pub struct Broker {
    /// Its limits and misbehaviour; tests change them as they go.
    pub faults: Faults,
    pub(super) connections: BTreeMap<u32, Connection>,
    /// Sessions that outlive their connection, by client id (MQTT 5).
    sessions: BTreeMap<String, Session>,
    /// Every payload that passed, with its topic: what the broker's owner could read.
    pub seen: Vec<(String, Vec<u8>)>,
    /// Whether it keeps what passes, in `seen`.
    pub record: bool,
    /// Bytes of the longest packet that any device sent.
    pub longest: usize,
    /// How many PINGREQ came.
    pub pings: usize,
    /// How often someone began to connect.
    pub connects: usize,
    /// How many data frames were signed, as they are where somebody forges them.
    pub signed: usize,
    /// It gives no PUBACK.
    pub withholds: bool,
}

#[derive(Default, Clone)]
struct Session {
    filters: Vec<(String, u8, bool)>,
    expiry: u32,
    queued: Vec<(String, Vec<u8>)>,
}

pub(super) struct Connection {
    pub(super) v5: bool,
    client_id: String,
    session: Session,
    will: Option<(String, Vec<u8>)>,
    accepted: bool,
    input: Vec<u8>,
    pub(super) output: VecDeque<(String, Vec<u8>)>,
    pub(super) next_id: u16,
    pub(super) receive_maximum: u16,
    /// Messages at QoS 1 that it has not acknowledged.
    pub(super) in_flight: BTreeSet<u16>,
    /// Those that wait for that.
    pub(super) held: VecDeque<(String, Vec<u8>)>,
    /// PUBACKs that it was not given.
    pub(super) withheld: Vec<Vec<u8>>,
}

/// The faults of the network.
pub enum Action {
    /// Deliver these bytes to a connection.
    Send(u32, Vec<u8>),
    /// Cut a connection.
    Close(u32),
}

impl Broker {
    /// A broker that nobody is connected to.
    pub fn new(faults: Faults) -> Self {
        Self {
            faults,
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            seen: Vec::new(),
            record: false,
            longest: 0,
            pings: 0,
            connects: 0,
            signed: 0,
            withholds: false,
        }
    }

    /// Someone connects; `connection` is a number that no other connection has.
    pub fn open(&mut self, connection: u32) {
        let fresh = Connection {
            v5: false,
            client_id: String::new(),
            session: Session::default(),
            will: None,
            accepted: false,
            input: Vec::new(),
            output: VecDeque::new(),
            next_id: 0,
            receive_maximum: u16::MAX,
            in_flight: BTreeSet::new(),
            held: VecDeque::new(),
            withheld: Vec::new(),
        };
        self.connections.insert(connection, fresh);
    }

    /// The connection ended without DISCONNECT: the will is due.
    pub(crate) fn lost(&mut self, connection: u32, random: &mut Random) -> Vec<Action> {
        let Some(mut gone) = self.connections.remove(&connection) else {
            return Vec::new();
        };
        gone.session.queued.extend(gone.held);
        if gone.v5 && gone.session.expiry > 0 && !gone.client_id.is_empty() {
            self.sessions.insert(gone.client_id, gone.session);
        }
        if let Some((topic, payload)) = gone.will {
            self.route(None, &topic, &payload, 1, random);
        }
        self.flush()
    }

    /// Someone who recorded everything publishes it again.
    pub(crate) fn repeat_everything(&mut self, random: &mut Random) -> Vec<Action> {
        for (topic, payload) in std::mem::take(&mut self.seen) {
            self.route(None, &topic, &payload, 1, random);
        }
        self.flush()
    }

    /// Everything is forgotten; whoever was connected is not any more.
    pub(crate) fn restart(&mut self) -> Vec<Action> {
        self.sessions.clear();
        let gone = std::mem::take(&mut self.connections);
        gone.into_keys().map(Action::Close).collect()
    }

    /// Takes what came over a connection, split or joined in any way.
    pub fn receive(&mut self, connection: u32, bytes: &[u8], random: &mut Random) -> Vec<Action> {
        if let Some(c) = self.connections.get_mut(&connection) {
            c.input.extend_from_slice(bytes);
        }
        let mut actions = Vec::new();
        while let Some(packet) = self.next_packet(connection) {
            self.longest = self.longest.max(packet.len());
            let too_long = self.faults.max_packet.is_some_and(|max| packet.len() > max);
            if too_long || !self.handle(connection, &packet, random) {
                actions.extend(self.lost(connection, random));
                actions.push(Action::Close(connection));
                break;
            }
        }
        actions.extend(self.flush());
        actions
    }

    fn next_packet(&mut self, connection: u32) -> Option<Vec<u8>> {
        let input = &mut self.connections.get_mut(&connection)?.input;
        let (len, used) = variable(input.get(1..)?)?;
        let whole = 1 + used + len;
        (input.len() >= whole).then(|| input.drain(..whole).collect())
    }

    /// False to end the connection.
    fn handle(&mut self, connection: u32, packet: &[u8], random: &mut Random) -> bool {
        let Some((_, used)) = variable(&packet[1..]) else {
            return false;
        };
        let mut body = Reader::new(&packet[1 + used..]);
        let flags = packet[0] & 0x0f;
        match packet[0] >> 4 {
            1 => self.connect(connection, &mut body, random),
            3 => self.publish(connection, flags, &mut body, random),
            4 => self.acknowledged(connection, body.word(), random),
            8 => self.subscribe(connection, &mut body),
            10 => self.unsubscribe(connection, &mut body),
            12 => {
                self.pings += 1;
                self.send(connection, vec![0xd0, 0]);
                true
            }
            14 => {
                // With reason 0x04 the will is wanted all the same (MQTT 5, section 3.14.2.1).
                if body.rest().first() != Some(&4)
                    && let Some(c) = self.connections.get_mut(&connection)
                {
                    c.will = None;
                    c.session.expiry = 0;
                }
                false
            }
            _ => true,
        }
    }

    fn connect(&mut self, connection: u32, body: &mut Reader, random: &mut Random) -> bool {
        assert_eq!(body.string(), b"MQTT");
        self.connects += 1;
        let v5 = body.byte() == 5;
        if v5 && self.faults.only_v311 {
            return false;
        }
        let flags = body.byte();
        body.word();
        let mut session = Session::default();
        let mut receive_maximum = u16::MAX;
        if v5 {
            let mut properties = body.properties();
            while !properties.is_empty() {
                match properties.byte() {
                    0x11 => session.expiry = properties.long(),
                    0x21 => receive_maximum = properties.word(),
                    0x27 => drop(properties.long()),
                    0x22 => drop(properties.word()),
                    0x17 | 0x19 => drop(properties.byte()),
                    other => panic!("CONNECT property {other:#x}"),
                }
            }
        }
        let client_id = String::from_utf8(body.string().to_vec()).unwrap();
        let will = (flags & 4 != 0).then(|| {
            if v5 {
                body.properties();
            }
            let topic = String::from_utf8(body.string().to_vec()).unwrap();
            (topic, body.string().to_vec())
        });
        let refusal = match (self.faults.refuses, flags >> 3 & 3) {
            (0, will_qos) if will_qos > 0 && self.faults.max_qos_0 => 0x9b,
            (code, _) => code,
        };
        if refusal != 0 {
            let connack = if v5 {
                vec![0, refusal, 0]
            } else {
                // The code of 3.1.1 that means the most of them.
                vec![0, if refusal == 0x88 { 3 } else { 5 }]
            };
            self.send(connection, packet(0x20, &connack));
            return true;
        }
        // A client id taken over ends the earlier connection (MQTT 5, section 3.1.4).
        let earlier = self
            .connections
            .iter()
            .find(|(id, c)| **id != connection && c.client_id == client_id);
        if let Some(earlier) = earlier.map(|(id, _)| *id) {
            self.lost(earlier, random);
        }
        let kept = self.sessions.remove(&client_id).filter(|_| flags & 2 == 0);
        let present = kept.is_some();
        let queued = kept.map_or_else(Vec::new, |kept| {
            session.filters = kept.filters;
            kept.queued
        });
        let mut properties = Vec::new();
        if let (true, true, Some(max)) = (v5, self.faults.announce, self.faults.max_packet) {
            properties.push(0x27);
            properties.extend_from_slice(&(max as u32).to_be_bytes());
        }
        properties.extend_from_slice(&self.faults.properties);
        if let (true, Some(max)) = (v5, self.faults.receive_maximum) {
            properties.push(0x21);
            properties.extend_from_slice(&max.to_be_bytes());
        }
        let mut connack = vec![u8::from(present), 0];
        if v5 {
            connack.push(properties.len() as u8);
            connack.extend(properties);
        }
        let Some(c) = self.connections.get_mut(&connection) else {
            return false;
        };
        c.v5 = v5;
        c.client_id = client_id;
        c.will = will;
        c.session = session;
        c.accepted = true;
        c.receive_maximum = receive_maximum;
        self.send(connection, packet(0x20, &connack));
        for (topic, payload) in queued {
            self.deliver(connection, &topic, &payload, 1, random);
        }
        true
    }

    /// The number of subscriptions to topics that begin like this.
    pub fn subscriptions(&self, beginning: &str) -> usize {
        let connections = self.connections.values();
        let filters = connections.flat_map(|connection| &connection.session.filters);
        filters
            .filter(|(filter, ..)| filter.starts_with(beginning))
            .count()
    }

    fn subscribe(&mut self, connection: u32, body: &mut Reader) -> bool {
        let Some(c) = self.connections.get_mut(&connection) else {
            return false;
        };
        let mut suback = body.word().to_be_bytes().to_vec();
        if c.v5 {
            body.properties();
            suback.push(0);
        }
        while !body.is_empty() {
            let filter = String::from_utf8(body.string().to_vec()).unwrap();
            let options = body.byte();
            assert!(
                !filter.contains(['#', '+']),
                "no wildcards are needed: {filter}"
            );
            c.session.filters.retain(|(other, ..)| *other != filter);
            let denied = self.faults.unsubscribable;
            if denied.is_some_and(|part| filter.contains(part)) {
                suback.push(if c.v5 { 0x87 } else { 0x80 });
                continue;
            }
            let most = self.faults.max_subscriptions;
            if most.is_some_and(|most| c.session.filters.len() >= most) {
                suback.push(if c.v5 { 0x97 } else { 0x80 });
                continue;
            }
            c.session
                .filters
                .push((filter, options & 3, options & 4 != 0 && c.v5));
            suback.push(options & 3);
        }
        self.send(connection, packet(0x90, &suback));
        true
    }

    fn unsubscribe(&mut self, connection: u32, body: &mut Reader) -> bool {
        let Some(c) = self.connections.get_mut(&connection) else {
            return false;
        };
        let mut unsuback = body.word().to_be_bytes().to_vec();
        if c.v5 {
            body.properties();
            unsuback.push(0);
        }
        while !body.is_empty() {
            let filter = body.string();
            c.session
                .filters
                .retain(|(other, ..)| other.as_bytes() != filter);
            if c.v5 {
                unsuback.push(0);
            }
        }
        self.send(connection, packet(0xb0, &unsuback));
        true
    }

    fn publish(
        &mut self,
        connection: u32,
        flags: u8,
        body: &mut Reader,
        random: &mut Random,
    ) -> bool {
        let Some(c) = self.connections.get(&connection) else {
            return false;
        };
        let v5 = c.v5;
        let qos = flags >> 1 & 3;
        let topic = String::from_utf8(body.string().to_vec()).unwrap();
        let is_dropped = self.faults.deaf_to.is_some_and(|part| topic.contains(part));
        if qos == 1 {
            let mut puback = body.word().to_be_bytes().to_vec();
            if v5 && is_dropped && self.faults.says_so {
                puback.push(0x87);
            } else if v5 && random.one_in(2) {
                puback.push(0);
            }
            if !self.give_puback(connection, packet(0x40, &puback), random) {
                return false;
            }
        }
        if is_dropped {
            return true;
        }
        if v5 {
            body.properties();
        }
        let payload = body.rest().to_vec();
        self.route(Some(connection), &topic, &payload, qos, random);
        true
    }

    fn route(
        &mut self,
        from: Option<u32>,
        topic: &str,
        payload: &[u8],
        qos: u8,
        random: &mut Random,
    ) {
        // By docs/PROTOCOL.md: the second byte of a data frame.
        if topic.contains("/d/") && payload.get(1) == Some(&1) {
            self.signed += 1;
        }
        if self.faults.mute_on.is_some_and(|part| topic.contains(part)) {
            return;
        }
        if self.record {
            self.seen.push((topic.to_string(), payload.to_vec()));
        }
        let wanted = |session: &Session, own: bool| {
            let filter = session
                .filters
                .iter()
                .find(|(filter, ..)| filter == topic)?;
            (!(own && filter.2)).then_some(filter.1.min(qos))
        };
        let mut receivers = Vec::new();
        for (id, c) in &self.connections {
            if let Some(qos) = wanted(&c.session, Some(*id) == from) {
                receivers.push((*id, qos));
            }
        }
        for session in self.sessions.values_mut() {
            if wanted(session, false) == Some(1) {
                session.queued.push((topic.to_string(), payload.to_vec()));
            }
        }
        for (id, qos) in receivers {
            self.deliver(id, topic, payload, qos, random);
        }
    }

    pub(super) fn send(&mut self, connection: u32, packet: Vec<u8>) {
        if let Some(c) = self.connections.get_mut(&connection) {
            c.output.push_back((String::new(), packet));
        }
    }

    pub(super) fn flush(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (id, c) in &mut self.connections {
            let bytes: Vec<u8> = c.output.drain(..).flat_map(|(_, packet)| packet).collect();
            if !bytes.is_empty() {
                actions.push(Action::Send(*id, bytes));
            }
        }
        actions
    }
}
