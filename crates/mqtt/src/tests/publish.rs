//! Messages both ways, and their flow control.

use bytes::Bytes;
use mqtt_protocol_core::mqtt::packet::{MaximumPacketSize, Property, ReceiveMaximum};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::{Client, options};
use super::oracle::{self, Publish, Sent};
use crate::{Event, Message, QoS, ReasonCode, RequestError, Version, VersionPolicy};

const VERSIONS: [Version; 2] = [Version::V5, Version::V311];

fn id(sent: &Sent) -> u16 {
    match sent {
        Sent::Publish { id: Some(id), .. } => *id,
        other => panic!("expected a QoS 1 PUBLISH, got {other:?}"),
    }
}

fn with_receive_maximum(maximum: u16) -> Client {
    let property = Property::ReceiveMaximum(ReceiveMaximum::new(maximum).unwrap());
    let connack = oracle::connack_v5(false, 0, vec![property]);
    Client::connected_with(options(VersionPolicy::Auto), &connack)
}

#[test]
fn qos_1_is_acknowledged_with_its_ticket() {
    for version in VERSIONS {
        let mut client = Client::connected(version);
        let first = client.publish("a/b", b"1", QoS::AtLeastOnce).unwrap();
        let second = client.publish("a/b", b"2", QoS::AtLeastOnce).unwrap();
        assert_ne!(first, second);
        let sent = client.sent();
        assert_eq!(sent.len(), 2);
        assert_ne!(id(&sent[0]), id(&sent[1]));
        client.receive(&oracle::puback(version, id(&sent[1]), 0, Vec::new()));
        client.receive(&oracle::puback(version, id(&sent[0]), 0, Vec::new()));
        // Unasked for: nothing in flight has it.
        client.receive(&oracle::puback(version, id(&sent[0]), 0, Vec::new()));
        let done = |ticket| Event::Published {
            ticket,
            result: Ok(()),
        };
        assert_eq!(client.events(), [done(second), done(first)]);
        assert!(client.session.is_connected());
    }
}

#[test]
fn a_puback_with_an_error_is_reported_and_one_without_subscribers_is_fine() {
    let mut client = Client::connected(Version::V5);
    for (code, result) in [
        (0x10, Ok(())),
        (0x97, Err(ReasonCode(0x97))),
        (0x87, Err(ReasonCode::NOT_AUTHORIZED)),
    ] {
        let ticket = client.publish("a", b"", QoS::AtLeastOnce).unwrap();
        let id = id(&client.sent()[0]);
        client.receive(&oracle::puback(Version::V5, id, code, Vec::new()));
        assert_eq!(client.events(), [Event::Published { ticket, result }]);
    }
}

#[test]
fn receive_maximum_bounds_what_is_in_flight_and_the_rest_follows_in_order() {
    let mut client = with_receive_maximum(2);
    for payload in [b"0", b"1", b"2", b"3"] {
        client.publish("a", payload, QoS::AtLeastOnce);
    }
    assert!(client.session.queued_bytes() > 0);
    let sent = client.sent();
    assert_eq!(sent.len(), 2);
    let waiting = client.session.queued_bytes();
    assert!(waiting > 0, "the other two wait");
    // QoS 0 is not held up.
    client.publish("a", b"now", QoS::AtMostOnce);
    assert_eq!(client.sent().len(), 1);
    client.receive(&oracle::puback(Version::V5, id(&sent[0]), 0, Vec::new()));
    let next = client.sent();
    assert!(matches!(&next[..], [Sent::Publish { payload, dup: false, .. }] if payload == b"2"));
    assert_eq!(client.session.queued_bytes(), waiting / 2);
    client.receive(&oracle::puback(Version::V5, id(&sent[1]), 0, Vec::new()));
    client.receive(&oracle::puback(Version::V5, id(&next[0]), 0, Vec::new()));
    assert!(matches!(&client.sent()[..], [Sent::Publish { payload, .. }] if payload == b"3"));
    assert_eq!(client.session.queued_bytes(), 0);
    assert_eq!(client.events().len(), 3);
}

#[test]
fn the_queue_behind_receive_maximum_is_bounded() {
    let mut client = with_receive_maximum(1);
    for _ in 0..=1024 {
        client.publish("a", b"", QoS::AtLeastOnce);
    }
    let now = client.now;
    let refused = client
        .session
        .publish("a", b"", QoS::AtLeastOnce, false, now);
    assert_eq!(refused, Err(RequestError::QueueFull));
    let sent = client.sent();
    client.receive(&oracle::puback(Version::V5, id(&sent[0]), 0, Vec::new()));
    client.publish("a", b"", QoS::AtLeastOnce);
}

#[test]
fn packet_identifiers_are_not_reused_while_in_use_and_never_zero() {
    let mut client = Client::connected(Version::V5);
    client.publish("held", b"", QoS::AtLeastOnce);
    let held = id(&client.sent()[0]);
    for _ in 0..70_000 {
        client.publish("a", b"", QoS::AtLeastOnce);
        let next = id(&client.sent()[0]);
        assert_ne!(next, 0);
        assert_ne!(next, held);
        client.receive(&oracle::puback(Version::V5, next, 0, Vec::new()));
    }
    assert_eq!(client.events().len(), 70_000);
}

#[test]
fn packets_longer_than_the_server_takes_are_never_sent() {
    for limit in [
        20,
        127 + 2,
        128 + 2,
        129 + 2,
        20_000,
        16_383 + 3,
        16_384 + 3,
    ] {
        let property = Property::MaximumPacketSize(MaximumPacketSize::new(limit).unwrap());
        let connack = oracle::connack_v5(false, 0, vec![property]);
        let mut client = Client::connected_with(options(VersionPolicy::Auto), &connack);
        let now = client.now;
        let most = client.session.max_payload("a/b", usize::MAX);
        client.publish("a/b", &vec![7; most], QoS::AtMostOnce);
        let bytes = client.session.poll_transmit().unwrap();
        assert!(bytes.len() <= limit as usize, "{} > {limit}", bytes.len());
        assert!(bytes.len() + 2 > limit as usize, "more would have fitted");
        let refused = client
            .session
            .publish("a/b", vec![7; most + 1], QoS::AtMostOnce, false, now);
        let expected = RequestError::TooLarge {
            size: bytes.len() + 1 + usize::from(bytes.len() == 129 || bytes.len() == 16_386),
            limit: limit as usize,
        };
        assert_eq!(refused, Err(expected));
        assert_eq!(client.session.poll_transmit(), None);
    }
}

#[test]
fn max_payload_without_a_limit_is_the_protocols() {
    let client = Client::connected(Version::V311);
    assert_eq!(
        client.session.max_payload("abc", usize::MAX),
        268_435_455 - 5
    );
    let client = Client::connected(Version::V5);
    assert_eq!(
        client.session.max_payload("abc", usize::MAX),
        268_435_455 - 6
    );
}

#[test]
fn topics_that_cannot_be_published_to_are_refused() {
    let mut client = Client::connected(Version::V5);
    let long = "x".repeat(65_536);
    for topic in ["", "a/+", "#", "nul\0", &long] {
        let refused = client
            .session
            .publish(topic, b"", QoS::AtMostOnce, false, client.now);
        assert_eq!(refused, Err(RequestError::InvalidTopic));
    }
    client.publish(&"x".repeat(65_535), b"", QoS::AtMostOnce);
    client.publish("\u{10FFFF}/ü/ /$", b"", QoS::AtMostOnce);
    assert_eq!(client.sent().len(), 2);
}

#[test]
fn messages_are_delivered_and_acknowledged_in_order_of_arrival() {
    for version in VERSIONS {
        let mut client = Client::connected(version);
        let mut stream = Vec::new();
        for (payload, id) in [
            (b"a", Some(9)),
            (b"b", None),
            (b"c", Some(3)),
            (b"d", Some(7)),
        ] {
            stream.extend(Publish::new("t", payload, id).encode(version));
        }
        let mut repeated = Publish::new("t", b"a", Some(9));
        repeated.dup = true;
        repeated.retain = true;
        stream.extend(repeated.encode(version));
        client.receive(&stream);
        let message = |payload: &'static [u8], qos| Message {
            topic: "t".to_owned(),
            payload: Bytes::from_static(payload),
            qos,
            retain: false,
            dup: false,
        };
        let mut again = message(b"a", QoS::AtLeastOnce);
        again.dup = true;
        again.retain = true;
        let expected = [
            message(b"a", QoS::AtLeastOnce),
            message(b"b", QoS::AtMostOnce),
            message(b"c", QoS::AtLeastOnce),
            message(b"d", QoS::AtLeastOnce),
            again,
        ];
        assert_eq!(client.events(), expected.map(Event::Message));
        let acknowledged = [9, 3, 7, 9].map(Sent::PubAck);
        assert_eq!(client.sent(), acknowledged);
    }
}

#[test]
fn small_packets_leave_together_and_large_ones_alone() {
    let mut client = Client::connected(Version::V311);
    let mut stream = Vec::new();
    for id in 1..=10 {
        stream.extend(Publish::new("t", b"", Some(id)).encode(Version::V311));
    }
    client.receive(&stream);
    client.publish("a", &vec![1; 100_000], QoS::AtMostOnce);
    client.publish("a", b"small", QoS::AtMostOnce);
    let lengths: Vec<_> = core::iter::from_fn(|| client.session.poll_transmit())
        .map(|bytes| bytes.len())
        .collect();
    assert_eq!(lengths, [40, 100_007, 10]);
    assert_eq!(client.session.queued_bytes(), 0);
}

#[test]
fn a_payload_whole_in_the_transports_bytes_is_a_slice_of_them() {
    for version in VERSIONS {
        let mut client = Client::connected(version);
        let packet = Publish::new("t", &[5; 50_000], None).encode(version);
        let mut stream = packet.clone();
        stream.extend(packet);
        let bytes = Bytes::from(stream);
        let within = bytes.as_ptr_range();
        client.session.handle_bytes(bytes.clone(), client.now);
        let events = client.events();
        assert_eq!(events.len(), 2);
        for event in events {
            let Event::Message(message) = event else {
                panic!("{event:?}");
            };
            assert!(within.contains(&message.payload.as_ptr()));
            assert_eq!(message.payload, [5; 50_000][..]);
        }
    }
}

#[test]
fn more_messages_than_receive_maximum_end_the_connection_on_mqtt_5() {
    let mut stream = Vec::new();
    for id in 1..=17 {
        stream.extend(Publish::new("t", b"", Some(id)).encode(Version::V5));
    }
    let mut client = Client::connected(Version::V5);
    client.receive(&stream);
    assert_eq!(client.events().len(), 16 + 1);
    let session_expiry = None;
    let mut expected: Vec<_> = (1..=16).map(Sent::PubAck).collect();
    expected.push(Sent::Disconnect {
        reason: 0x93,
        session_expiry,
    });
    assert_eq!(client.sent(), expected);

    // Bytes that the transport took are no longer counted.
    let mut client = Client::connected(Version::V5);
    for packet in stream.chunks(stream.len() / 17) {
        client.receive(packet);
        assert_eq!(client.sent().len(), 1);
    }
    assert_eq!(client.events().len(), 17);
}
