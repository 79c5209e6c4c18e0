//! Packets that a server must not send (MQTT 5, section 4.13) end the connection, and the server is told why.

use core::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::{Client, options};
use super::oracle::{Publish, Sent};
use crate::{Disconnect, Event, Limits, QoS, ReasonCode, Version, VersionPolicy};

const MALFORMED: u8 = 0x81;
const PROTOCOL: u8 = 0x82;

/// Packets that are wrong in both versions or in MQTT 5, and the reason code they are answered with.
const WRONG_V5: &[(&str, u8, &[u8])] = &[
    ("packet type 0", MALFORMED, &[0x00, 0x00]),
    ("CONNECT", PROTOCOL, &[0x10, 0x00]),
    ("CONNACK again", PROTOCOL, &[0x20, 0x03, 0x00, 0x00, 0x00]),
    ("SUBSCRIBE", PROTOCOL, &[0x82, 0x00]),
    ("UNSUBSCRIBE", PROTOCOL, &[0xA2, 0x00]),
    ("PINGREQ", PROTOCOL, &[0xC0, 0x00]),
    ("PUBREC", PROTOCOL, &[0x50, 0x02, 0x00, 0x01]),
    ("PUBREL", PROTOCOL, &[0x62, 0x02, 0x00, 0x01]),
    ("PUBCOMP", PROTOCOL, &[0x70, 0x02, 0x00, 0x01]),
    ("AUTH", PROTOCOL, &[0xF0, 0x00]),
    ("PUBACK with flags", MALFORMED, &[0x41, 0x02, 0x00, 0x01]),
    ("PINGRESP with flags", MALFORMED, &[0xD1, 0x00]),
    ("DISCONNECT with flags", MALFORMED, &[0xE2, 0x00]),
    ("PINGRESP with content", MALFORMED, &[0xD0, 0x01, 0x00]),
    ("PUBACK for 0", PROTOCOL, &[0x40, 0x02, 0x00, 0x00]),
    ("PUBACK too short", MALFORMED, &[0x40, 0x01, 0x00]),
    (
        "PUBACK with 0x01",
        MALFORMED,
        &[0x40, 0x03, 0x00, 0x01, 0x01],
    ),
    (
        "PUBACK with a rest",
        MALFORMED,
        &[0x40, 0x05, 0, 1, 0, 0, 9],
    ),
    (
        "SUBACK for 0",
        PROTOCOL,
        &[0x90, 0x04, 0x00, 0x00, 0x00, 0x00],
    ),
    (
        "SUBACK without codes",
        MALFORMED,
        &[0x90, 0x03, 0x00, 0x01, 0x00],
    ),
    (
        "SUBACK with 0x03",
        MALFORMED,
        &[0x90, 0x04, 0x00, 0x01, 0x00, 0x03],
    ),
    (
        "UNSUBACK without codes",
        MALFORMED,
        &[0xB0, 0x03, 0x00, 0x01, 0x00],
    ),
    (
        "length of five bytes",
        MALFORMED,
        &[0xD0, 0x80, 0x80, 0x80, 0x80, 0x00],
    ),
    ("length longer than needed", MALFORMED, &[0xD0, 0x80, 0x00]),
    (
        "PUBLISH at QoS 2",
        PROTOCOL,
        &[0x34, 0x06, 0, 1, b'a', 0, 1, 0],
    ),
    (
        "PUBLISH at QoS 3",
        MALFORMED,
        &[0x36, 0x06, 0, 1, b'a', 0, 1, 0],
    ),
    ("QoS 0 with DUP", MALFORMED, &[0x38, 0x04, 0, 1, b'a', 0]),
    (
        "PUBLISH with identifier 0",
        PROTOCOL,
        &[0x32, 0x06, 0, 1, b'a', 0, 0, 0],
    ),
    ("PUBLISH without topic", PROTOCOL, &[0x30, 0x03, 0, 0, 0]),
    (
        "PUBLISH to a wildcard",
        PROTOCOL,
        &[0x30, 0x04, 0, 1, b'#', 0],
    ),
    ("topic with NUL", MALFORMED, &[0x30, 0x04, 0, 1, 0, 0]),
    ("topic not UTF-8", MALFORMED, &[0x30, 0x04, 0, 1, 0xFF, 0]),
    (
        "topic with a surrogate",
        MALFORMED,
        &[0x30, 0x06, 0, 3, 0xED, 0xA0, 0x80, 0],
    ),
    (
        "topic beyond the packet",
        MALFORMED,
        &[0x30, 0x04, 0, 9, b'a', 0],
    ),
    ("no properties at all", MALFORMED, &[0x30, 0x03, 0, 1, b'a']),
    (
        "properties beyond the packet",
        MALFORMED,
        &[0x30, 0x05, 0, 1, b'a', 9, 1],
    ),
    (
        "property cut by its length",
        MALFORMED,
        &[0x30, 0x09, 0, 1, b'a', 2, 2, 0, 0, 0, 1],
    ),
    (
        "property length longer than needed",
        MALFORMED,
        &[0x30, 0x05, 0, 1, b'a', 0x80, 0],
    ),
    (
        "unknown property",
        MALFORMED,
        &[0x30, 0x06, 0, 1, b'a', 2, 99, 0],
    ),
    (
        "CONNACK's property",
        MALFORMED,
        &[0x30, 0x07, 0, 1, b'a', 3, 33, 0, 1],
    ),
    (
        "property twice",
        PROTOCOL,
        &[0x30, 0x08, 0, 1, b'a', 4, 1, 0, 1, 0],
    ),
    (
        "payload format 2",
        PROTOCOL,
        &[0x30, 0x06, 0, 1, b'a', 2, 1, 2],
    ),
    ("topic alias", 0x94, &[0x30, 0x07, 0, 1, b'a', 3, 35, 0, 1]),
    (
        "topic alias alone",
        PROTOCOL,
        &[0x30, 0x06, 0, 0, 3, 35, 0, 1],
    ),
    (
        "subscription identifier",
        PROTOCOL,
        &[0x30, 0x06, 0, 1, b'a', 2, 11, 1],
    ),
    (
        "wildcard response topic",
        PROTOCOL,
        &[0x30, 0x08, 0, 1, b'a', 4, 8, 0, 1, b'+'],
    ),
    (
        "reason string not UTF-8",
        MALFORMED,
        &[0xE0, 0x06, 0x80, 4, 31, 0, 1, 0xC0],
    ),
];

const WRONG_V311: &[(&str, &[u8])] = &[
    ("DISCONNECT", &[0xE0, 0x00]),
    ("AUTH", &[0xF0, 0x00]),
    ("PUBACK with a reason code", &[0x40, 0x03, 0x00, 0x01, 0x00]),
    ("UNSUBACK with codes", &[0xB0, 0x03, 0x00, 0x01, 0x00]),
    ("SUBACK without codes", &[0x90, 0x02, 0x00, 0x01]),
    ("SUBACK with 0x03", &[0x90, 0x03, 0x00, 0x01, 0x03]),
    ("PUBLISH at QoS 2", &[0x34, 0x05, 0, 1, b'a', 0, 1]),
    ("PUBLISH with identifier 0", &[0x32, 0x05, 0, 1, b'a', 0, 0]),
    ("PUBLISH without topic", &[0x30, 0x02, 0, 0]),
];

#[test]
fn mqtt_5_servers_are_told_why() {
    for (what, code, packet) in WRONG_V5 {
        let mut client = Client::connected(Version::V5);
        let before = Publish::new("t", b"before", None).encode(Version::V5);
        let stream = [&before[..], packet, &before[..]].concat();
        client.receive(&stream);
        let events = client.events();
        assert!(
            matches!(
                events[..],
                [
                    Event::Message(_),
                    Event::Disconnected(Disconnect::Protocol(_))
                ]
            ),
            "{what}: {events:?}"
        );
        let session_expiry = None;
        let sent = [Sent::Disconnect {
            reason: *code,
            session_expiry,
        }];
        assert_eq!(client.sent(), sent, "{what}");
        assert_eq!(client.session.poll_timeout(), None, "{what}");
        client.receive(&before);
        assert_eq!(client.events(), [], "{what}");
    }
}

#[test]
fn on_3_1_1_the_connection_just_ends() {
    for (what, packet) in WRONG_V311 {
        let mut client = Client::connected(Version::V311);
        client.receive(packet);
        let reason = client.ended();
        assert!(
            matches!(reason, Disconnect::Protocol(_)),
            "{what}: {reason:?}"
        );
        assert_eq!(client.sent(), [], "{what}");
    }
}

#[test]
fn nothing_may_come_before_connack() {
    for packet in [
        &[0xD0, 0x00][..],
        &[0x30, 0x04, 0, 1, b'a', 0],
        &[0xE0, 0x00],
        &[0xF0, 0x00],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ] {
        let mut client = Client::new(options(VersionPolicy::Auto));
        client.open();
        client.receive(packet);
        assert!(
            matches!(client.ended(), Disconnect::Protocol(_)),
            "{packet:?}"
        );
        assert!(client.session.is_changing_version(), "{packet:?}");
    }
    // The meaning of this DISCONNECT is clear, though CONNACK would have been its place.
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    client.receive(&[0xE0, 0x01, 0x87]);
    let reason = ReasonCode::NOT_AUTHORIZED;
    assert_eq!(client.ended(), Disconnect::Refused { reason, text: None });
}

/// CONNACKs that cannot be read, or do not accept what was asked for.
const WRONG_CONNACKS: &[&[u8]] = &[
    &[0x21, 0x03, 0x00, 0x00, 0x00],
    &[0x20, 0x01, 0x00],
    &[0x20, 0x02, 0x00, 0x06],
    &[0x20, 0x03, 0x00, 0x07, 0x00],
    &[0x20, 0x06, 0x00, 0x00, 0x02, 36, 1, 0],
    &[0x20, 0x05, 0x00, 0x00, 0x02, 33, 1],
    &[0x20, 0x05, 0x00, 0x00, 0x02, 99, 1],
    &[0x20, 0x04, 0x00, 0x00, 0x05, 36],
];

#[test]
fn connack_that_cannot_be_read_leads_to_3_1_1() {
    for packet in WRONG_CONNACKS {
        let mut client = Client::new(options(VersionPolicy::Auto));
        client.open();
        client.receive(packet);
        assert!(
            matches!(client.ended(), Disconnect::Protocol(_)),
            "{packet:?}"
        );
        assert!(client.session.is_changing_version(), "{packet:?}");
        client.open();
        assert_eq!(client.session.version(), Some(Version::V311));
        assert!(!client.session.is_changing_version());
    }
}

#[test]
fn what_is_odd_in_connack_and_does_no_harm_is_read() {
    let unlimited = Limits {
        receive_maximum: u16::MAX,
        max_packet_size: None,
        max_qos: QoS::AtLeastOnce,
        keep_alive: Duration::from_secs(30),
        retain_available: true,
    };
    let odd: &[(&str, &[u8], Limits)] = &[
        ("Maximum QoS 2", &[36, 2], unlimited.clone()),
        (
            "Maximum Packet Size 0",
            &[39, 0, 0, 0, 0],
            unlimited.clone(),
        ),
        ("Receive Maximum 0", &[33, 0, 0], unlimited.clone()),
        ("Retain Available 7", &[37, 7], unlimited.clone()),
        ("a property of PUBLISH", &[35, 0, 9], unlimited.clone()),
        (
            "words that are no text",
            &[31, 0, 1, 0xC0],
            unlimited.clone(),
        ),
        ("a name that is no text", &[18, 0, 1, 0], unlimited.clone()),
        (
            "limits twice",
            &[33, 0, 9, 33, 0, 5, 39, 0, 0, 9, 9, 39, 0, 1, 0, 0],
            Limits {
                receive_maximum: 5,
                max_packet_size: Some(0x909),
                ..unlimited.clone()
            },
        ),
        (
            "Maximum QoS twice",
            &[36, 0, 36, 1],
            Limits {
                max_qos: QoS::AtMostOnce,
                ..unlimited.clone()
            },
        ),
    ];
    for (what, properties, limits) in odd {
        let mut client = Client::new(options(VersionPolicy::Auto));
        client.open();
        let len = properties.len() as u8;
        // Flags that do not exist are read past as well.
        let head = [0x20, len + 3, 0x02, 0x00, len];
        client.receive(&[&head[..], properties].concat());
        let (present, version, seen) = client.connected_event();
        assert_eq!(
            (present, version, &seen),
            (false, Version::V5, limits),
            "{what}"
        );
    }
}

#[test]
fn mqtt_5_that_goes_wrong_in_the_first_answers_leads_to_3_1_1() {
    let connack = super::client::connack(Version::V5);
    // The second one answers SUBSCRIBE as 3.1.1 does.
    for answer in [&[0xE0, 0x01, 0x81][..], &[0x90, 0x04, 0, 1, 1, 1]] {
        let mut client = Client::new(options(VersionPolicy::Auto));
        let is_fault = answer[0] == 0x90;
        for _ in 0..if is_fault { 1 } else { 2 } {
            client.open();
            assert_eq!(client.session.version(), Some(Version::V5));
            client.receive(&connack);
            client.connected_event();
            client.subscribe("a");
            client.receive(answer);
            client.ended();
        }
        client.open();
        assert_eq!(client.session.version(), Some(Version::V311), "{answer:?}");
    }
    // Once a request was answered it is MQTT 5 that is spoken, whatever comes then.
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    client.receive(&connack);
    client.connected_event();
    client.subscribe("a");
    client.receive(&[0x90, 0x04, 0, 1, 0, 1]);
    assert_eq!(client.events().len(), 1);
    client.receive(&[0x00, 0x00]);
    client.ended();
    assert!(!client.session.is_changing_version());
}

#[test]
fn packets_too_large_end_the_connection_at_their_fixed_header() {
    for (limit, header) in [
        // A PUBLISH of 1,001 bytes in all; then a control packet of far more than any needs.
        (1_000, &[0x30, 0xE6, 0x07][..]),
        (1_000_000, &[0x90, 0x80, 0x80, 0x20]),
    ] {
        let mut options = options(VersionPolicy::Auto);
        options.max_incoming_packet = limit;
        let connack = super::client::connack(Version::V5);
        let mut client = Client::connected_with(options, &connack);
        client.receive(header);
        assert!(matches!(client.ended(), Disconnect::Protocol(_)));
        let session_expiry = None;
        let sent = [Sent::Disconnect {
            reason: 0x95,
            session_expiry,
        }];
        assert_eq!(client.sent(), sent);
    }
    // One byte less is fine, and the silence in its middle is only watched by the keep-alive.
    let mut options = options(VersionPolicy::Auto);
    options.max_incoming_packet = 1_000;
    let connack = super::client::connack(Version::V5);
    let mut client = Client::connected_with(options, &connack);
    let packet = Publish::new("t", &vec![1; 1_000 - 7], None).encode(Version::V5);
    assert_eq!(packet.len(), 1_000);
    client.receive(&packet[..3]);
    client.advance(Duration::from_secs(1));
    client.receive(&packet[3..]);
    assert_eq!(client.events().len(), 1);
    assert!(client.session.is_connected());
}
