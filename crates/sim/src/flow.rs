//! Flow control of the broker: who may have how much under way at QoS 1 (MQTT 5, section 4.9).

use crate::broker::{Action, Broker};
use crate::packets::packet;
use crate::random::Random;

impl Broker {
    /// False if more are under way than it was told to send.
    pub(super) fn give_puback(
        &mut self,
        connection: u32,
        puback: Vec<u8>,
        random: &mut Random,
    ) -> bool {
        let Some(c) = self.connections.get_mut(&connection) else {
            return false;
        };
        c.withheld.push(puback);
        let most = self.faults.receive_maximum.filter(|_| c.v5);
        let few_enough = c.withheld.len() <= most.unwrap_or(u16::MAX).into();
        let full = c.withheld.len() >= most.unwrap_or(u16::MAX).into();
        let is_late = !full && random.one_in(self.faults.late_pubacks);
        if !(self.withholds || is_late) {
            let given = std::mem::take(&mut c.withheld);
            given
                .into_iter()
                .for_each(|puback| self.send(connection, puback));
        }
        few_enough
    }

    /// Gives all PUBACKs that it withheld, and withholds none any more.
    pub(crate) fn acknowledge(&mut self) -> Vec<Action> {
        self.withholds = false;
        for c in self.connections.values_mut() {
            let given = std::mem::take(&mut c.withheld).into_iter();
            c.output.extend(given.map(|puback| (String::new(), puback)));
        }
        self.flush()
    }

    /// A client took a message in.
    pub(super) fn acknowledged(&mut self, connection: u32, id: u16, random: &mut Random) -> bool {
        let Some(c) = self.connections.get_mut(&connection) else {
            return false;
        };
        assert!(c.in_flight.remove(&id), "PUBACK for what it was not sent");
        let next = c.held.pop_front();
        if let Some((topic, payload)) = next {
            self.put_out(connection, &topic, &payload, 1, random);
        }
        true
    }

    pub(super) fn deliver(
        &mut self,
        connection: u32,
        topic: &str,
        payload: &[u8],
        qos: u8,
        random: &mut Random,
    ) {
        if qos == 0 && random.one_in(self.faults.drop_qos0) {
            return;
        }
        let times = if qos == 1 && random.one_in(self.faults.repeat) {
            2
        } else {
            1
        };
        for _ in 0..times {
            let Some(c) = self.connections.get_mut(&connection) else {
                return;
            };
            // A waiting message is not overtaken by one of its kind.
            let is_full = c.in_flight.len() >= c.receive_maximum.into();
            if qos == 1 && (is_full || !c.held.is_empty()) {
                c.held.push_back((topic.to_string(), payload.to_vec()));
            } else {
                self.put_out(connection, topic, payload, qos, random);
            }
        }
    }

    fn put_out(
        &mut self,
        connection: u32,
        topic: &str,
        payload: &[u8],
        qos: u8,
        random: &mut Random,
    ) {
        let Some(c) = self.connections.get_mut(&connection) else {
            return;
        };
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        if qos == 1 {
            c.next_id = c.next_id.checked_add(1).unwrap_or(1);
            c.in_flight.insert(c.next_id);
            body.extend_from_slice(&c.next_id.to_be_bytes());
        }
        if c.v5 {
            body.push(0);
        }
        body.extend_from_slice(payload);
        let mut at = c.output.len();
        if random.one_in(self.faults.reorder) {
            // Past messages of other topics only: within a topic the order is promised.
            while at > 0 && c.output[at - 1].0 != topic && !c.output[at - 1].0.is_empty() {
                at -= 1;
            }
        }
        let packet = packet(0x30 | qos << 1, &body);
        c.output.insert(at, (topic.to_string(), packet));
    }
}
