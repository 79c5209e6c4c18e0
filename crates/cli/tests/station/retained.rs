//! Retained messages: how many there may be, and which of them make room.

use crate::support::Station;
use crate::support::client::{Client, Via, from};
use crate::support::packets::{Connect, Version, publish_with, publish_with_content, subscribe};

/// Message Expiry Interval: a second.
const ONE_SECOND: [u8; 5] = [2, 0, 0, 0, 1];

/// The message retained under `topic`, or `None`.
fn retained(station: &Station, topic: &str) -> Option<Vec<u8>> {
    let mut client = Client::connect(station, Via::Tcp, Version::V5, "reader");
    client.send(&subscribe(Version::V5, topic, 0));
    // Messages of one topic keep their order.
    client.publish(topic, b"the end");
    let mut found = None;
    loop {
        let packet = client.receive().expect("the last message");
        if packet.first == 0x90 {
            continue;
        }
        let (_, payload) = packet.published(Version::V5);
        if payload == b"the end" {
            return found;
        }
        found = Some(payload.to_vec());
    }
}

/// The reason code of the PUBACK that answers a message.
fn answer(client: &mut Client, message: &[u8]) -> u8 {
    client.send(message);
    let puback = client.receive().expect("a PUBACK");
    assert_eq!(puback.first, 0x40);
    puback.body.get(2).copied().unwrap_or(0)
}

#[test]
fn a_full_table_costs_those_who_filled_it() {
    let station = Station::start(&[]);
    let (mut modest, _) = from(&station, 2, &Connect::new(Version::V5, "modest"));
    let kept = publish_with(Version::V5, 0x03, "modest", b"kept");
    assert_eq!(answer(&mut modest, &kept), 0);
    let mut greedy = Client::connect(&station, Via::Tcp, Version::V5, "greedy");
    for properties in [&[][..], &ONE_SECOND] {
        for number in 0..1100 {
            let topic = format!("greedy/{}/{number}", properties.len());
            let message = publish_with_content(0x03, 7, &topic, properties, b"x");
            assert_eq!(answer(&mut greedy, &message), 0, "{topic}");
        }
    }
    let last = publish_with(Version::V5, 0x03, "one/more", b"last");
    assert_eq!(answer(&mut modest, &last), 0);
    assert_eq!(retained(&station, "modest").as_deref(), Some(&b"kept"[..]));
    assert_eq!(
        retained(&station, "one/more").as_deref(),
        Some(&b"last"[..])
    );
    assert_eq!(retained(&station, "greedy/0/1099"), None);
    assert!(station.log().contains("too much is retained"));
}

#[test]
fn a_retained_will_makes_room_as_well_and_can_be_cleared() {
    let station = Station::start(&[]);
    let mut connect = Connect::new(Version::V5, "leaver");
    connect.will = Some(("will", b"last words"));
    connect.will_flags = 0x28;
    let mut watcher = Client::connect(&station, Via::Tcp, Version::V5, "watcher");
    watcher.subscribe("will");
    for expected in [Some(&b"last words"[..]), None] {
        let (client, _) = Client::connect_as(&station, Via::Tcp, &connect);
        client.cut();
        assert_eq!(watcher.message().1, connect.will.unwrap().1);
        assert_eq!(retained(&station, "will").as_deref(), expected);
        assert_eq!(watcher.message().1, b"the end");
        connect.will = Some(("will", b""));
    }
}

#[test]
fn what_is_too_long_to_be_retained_is_not_delivered_either() {
    let station = Station::start(&[]);
    let mut listener = Client::connect(&station, Via::Tcp, Version::V5, "listener");
    listener.subscribe("data");
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    let long = |flags| publish_with(Version::V5, flags, "data", &vec![7; 16_001]);
    assert_eq!(answer(&mut sender, &long(0x03)), 0x97);
    sender.send(&long(0x01));
    let short = publish_with(Version::V5, 0x03, "data", b"short");
    assert_eq!(answer(&mut sender, &short), 0);
    assert_eq!(listener.message().1, b"short");
}
