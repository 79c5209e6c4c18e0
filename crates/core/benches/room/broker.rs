//! A broker that does nothing but pass on: MQTT 5 as far as engines speak it when nothing goes wrong.
//! Everything is delivered at QoS 0. What a receiver says to the room only it and the sender hear, because
//! it would take a while until a thousand receivers knew one another.

use std::collections::HashMap;

use bytes::Bytes;
use mqdrop_sim::packets::{Reader, packet, variable};

use super::SENDER;

#[derive(Default)]
pub(crate) struct Broker {
    /// The subscriptions of each client.
    topics: HashMap<Bytes, Vec<usize>>,
}

impl Broker {
    /// Takes what a device sends; `deliver` is given whom a packet is for, and the packet.
    pub(crate) fn receive(
        &mut self,
        from: usize,
        mut bytes: Bytes,
        deliver: &mut impl FnMut(usize, Bytes),
    ) {
        while !bytes.is_empty() {
            let (len, used) = variable(&bytes[1..]).unwrap();
            let head = 1 + used;
            let whole = bytes.split_to(head + len);
            let mut body = Reader::new(&whole[head..]);
            match whole[0] >> 4 {
                1 => deliver(from, packet(0x20, &[0, 0, 0]).into()),
                3 if whole[0] & 2 == 0 => {
                    let topic = body.string();
                    self.publish(from, topic, &whole, deliver);
                }
                3 => {
                    let topic = body.string();
                    let id = body.take(2);
                    deliver(from, packet(0x40, id).into());
                    let lowered = lowered(topic, body.rest());
                    self.publish(from, topic, &lowered, deliver);
                }
                8 => {
                    let id = body.take(2);
                    let filters = filters(&mut body, 1);
                    deliver(from, confirmation(0x90, id, filters.len()));
                    for filter in filters {
                        let listeners = self.topics.entry(filter).or_default();
                        if !listeners.contains(&from) {
                            listeners.push(from);
                        }
                    }
                }
                10 => {
                    let id = body.take(2);
                    let filters = filters(&mut body, 0);
                    deliver(from, confirmation(0xb0, id, filters.len()));
                    for filter in filters {
                        if let Some(listeners) = self.topics.get_mut(&filter) {
                            listeners.retain(|listener| *listener != from);
                        }
                    }
                }
                12 => deliver(from, packet(0xd0, &[]).into()),
                other => panic!("packet of type {other}"),
            }
        }
    }

    fn publish(
        &self,
        from: usize,
        topic: &[u8],
        packet: &Bytes,
        deliver: &mut impl FnMut(usize, Bytes),
    ) {
        let Some(listeners) = self.topics.get(topic) else {
            return;
        };
        let to_room = topic.ends_with(b"/c");
        // Devices wait for what they say themselves.
        let hears =
            |listener: usize| !to_room || [from, listener].contains(&SENDER) || listener == from;
        for &listener in listeners.iter().filter(|listener| hears(**listener)) {
            let passed_on = match listeners.len() {
                // No copy, as if it came from the sender's memory into the receiver's.
                1 => packet.clone(),
                _ => Bytes::copy_from_slice(packet),
            };
            deliver(listener, passed_on);
        }
    }
}

/// A PUBLISH of QoS 1 as one of QoS 0.
fn lowered(topic: &[u8], rest: &[u8]) -> Bytes {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend_from_slice(topic);
    body.extend_from_slice(rest);
    packet(0x30, &body).into()
}

/// The filters of SUBSCRIBE, each with so many bytes of options behind it, or of UNSUBSCRIBE.
fn filters(body: &mut Reader<'_>, options: usize) -> Vec<Bytes> {
    body.properties();
    let mut filters = Vec::new();
    while !body.is_empty() {
        filters.push(Bytes::copy_from_slice(body.string()));
        body.take(options);
    }
    filters
}

/// SUBACK or UNSUBACK.
fn confirmation(kind: u8, id: &[u8], results: usize) -> Bytes {
    let mut body = id.to_vec();
    // No properties, and that all went well.
    body.resize(body.len() + 1 + results, 0);
    packet(kind, &body).into()
}
