//! A session that the server resumes, and one that it does not.

use core::time::Duration;

use mqtt_protocol_core::mqtt::packet::{MaximumPacketSize, MaximumQos, Property, ReceiveMaximum};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::{Client, connack, options};
use super::oracle::{self, Sent};
use crate::{Disconnect, Event, QoS, ReasonCode, Version, VersionPolicy};

fn is_clean(sent: &Sent) -> bool {
    match sent {
        Sent::Connect(connect) => connect.clean,
        other => panic!("expected CONNECT, got {other:?}"),
    }
}

/// Payload, packet identifier and DUP of a PUBLISH.
fn publication(sent: &Sent) -> (Vec<u8>, Option<u16>, bool) {
    match sent {
        Sent::Publish {
            payload, id, dup, ..
        } => (payload.clone(), *id, *dup),
        other => panic!("expected PUBLISH, got {other:?}"),
    }
}

/// Three publications, of which the server took only one at a time, and the connection is lost.
fn interrupted() -> (Client, Vec<Sent>) {
    let property = Property::ReceiveMaximum(ReceiveMaximum::new(2).unwrap());
    let connack = oracle::connack_v5(false, 0, vec![property]);
    let mut client = Client::connected_with(options(VersionPolicy::Auto), &connack);
    for payload in [b"0", b"1", b"2"] {
        client.publish("a", payload, QoS::AtLeastOnce);
    }
    let sent = client.sent();
    assert_eq!(sent.len(), 2);
    client.close();
    assert_eq!(client.ended(), Disconnect::TransportClosed);
    (client, sent)
}

#[test]
fn a_resumed_session_repeats_what_was_in_flight_in_order() {
    let (mut client, before) = interrupted();
    assert!(!is_clean(&client.open()));
    client.receive(&oracle::connack_v5(true, 0, Vec::new()));
    assert!(client.connected_event().0);
    let after: Vec<_> = client.sent().iter().map(publication).collect();
    let id = |index: usize| publication(&before[index]).1;
    assert_eq!(after[0], (b"0".to_vec(), id(0), true));
    assert_eq!(after[1], (b"1".to_vec(), id(1), true));
    let third = after[2].1.unwrap();
    assert_eq!(after[2], (b"2".to_vec(), Some(third), false));
    for id in [id(0).unwrap(), id(1).unwrap(), third] {
        client.receive(&oracle::puback(Version::V5, id, 0, Vec::new()));
    }
    let events = client.events();
    assert_eq!(events.len(), 3, "{events:?}");
}

#[test]
fn repeating_obeys_the_new_receive_maximum() {
    let (mut client, _) = interrupted();
    client.open();
    let property = Property::ReceiveMaximum(ReceiveMaximum::new(1).unwrap());
    client.receive(&oracle::connack_v5(true, 0, vec![property]));
    client.connected_event();
    let mut order = Vec::new();
    loop {
        let sent = client.sent();
        let [one] = &sent[..] else {
            assert_eq!(sent, []);
            break;
        };
        let (payload, id, dup) = publication(one);
        order.push((payload[0], dup));
        client.receive(&oracle::puback(Version::V5, id.unwrap(), 0, Vec::new()));
    }
    assert_eq!(order, [(b'0', true), (b'1', true), (b'2', false)]);
}

#[test]
fn what_the_server_no_longer_takes_is_reported() {
    for (property, reason) in [
        (
            Property::MaximumPacketSize(MaximumPacketSize::new(6).unwrap()),
            ReasonCode::PACKET_TOO_LARGE,
        ),
        (
            Property::MaximumQos(MaximumQos::new(0).unwrap()),
            ReasonCode::QOS_NOT_SUPPORTED,
        ),
    ] {
        let (mut client, _) = interrupted();
        client.open();
        client.receive(&oracle::connack_v5(true, 0, vec![property]));
        client.connected_event();
        let refused = |event: &Event| match event {
            Event::Published { result, .. } => *result == Err(reason),
            _ => false,
        };
        let events = client.events();
        assert_eq!(events.len(), 3);
        assert!(events.iter().all(refused), "{events:?}");
        assert_eq!(client.sent(), []);
    }
}

#[test]
fn a_session_that_is_not_resumed_forgets_everything() {
    let (mut client, _) = interrupted();
    client.subscribe_refused();
    client.open();
    client.receive(&connack(Version::V5));
    assert!(!client.connected_event().0);
    assert_eq!(client.sent(), []);
    assert_eq!(client.events(), []);
    assert_eq!(client.session.queued_bytes(), 0);
}

#[test]
fn subscribe_without_an_answer_is_repeated_only_if_the_session_is_resumed() {
    for resumed in [true, false] {
        let mut client = Client::connected(Version::V5);
        let ticket = client.subscribe("a/#");
        let now = client.now;
        let other = client.session.unsubscribe(&["b"], now).unwrap();
        let asked = client.sent();
        assert_eq!(asked.len(), 2);
        client.close();
        client.ended();
        client.open();
        client.receive(&oracle::connack_v5(resumed, 0, Vec::new()));
        client.connected_event();
        let again = client.sent();
        if !resumed {
            assert_eq!(again, []);
            continue;
        }
        assert_eq!(again, asked);
        let [Sent::Subscribe(first, _), Sent::Unsubscribe(second, _)] = &again[..] else {
            panic!("{again:?}");
        };
        client.receive(&oracle::suback(Version::V5, *first, &[1], Vec::new()));
        client.receive(&oracle::unsuback(Version::V5, *second, &[0], Vec::new()));
        let results = vec![Ok(QoS::AtLeastOnce)];
        let expected = [
            Event::Subscribed { ticket, results },
            Event::Unsubscribed { ticket: other },
        ];
        assert_eq!(client.events(), expected);
    }
}

#[test]
fn without_expiry_or_on_3_1_1_every_session_is_new() {
    let mut no_expiry = options(VersionPolicy::Auto);
    no_expiry.session_expiry = Duration::ZERO;
    let v311 = options(VersionPolicy::Only(Version::V311));
    for (options, version) in [(no_expiry, Version::V5), (v311, Version::V311)] {
        let mut client = Client::connected_with(options, &connack(version));
        client.close();
        client.ended();
        assert!(is_clean(&client.open()));
    }
}

#[test]
fn a_session_that_cannot_be_there_is_taken_for_a_new_one() {
    for version in [Version::V5, Version::V311] {
        let mut client = Client::new(options(VersionPolicy::Only(version)));
        client.open();
        client.receive(&match version {
            Version::V5 => oracle::connack_v5(true, 0, Vec::new()),
            Version::V311 => oracle::connack_v311(true, 0),
        });
        assert!(!client.connected_event().0);
    }
}

impl Client {
    /// Without a connection a SUBSCRIBE is refused and leaves nothing behind.
    fn subscribe_refused(&mut self) {
        let subscription = crate::Subscription {
            filter: "a".to_owned(),
            qos: QoS::AtMostOnce,
            no_local: false,
        };
        let refused = self.session.subscribe(&[subscription], self.now);
        assert_eq!(refused, Err(crate::RequestError::NotConnected));
    }
}
