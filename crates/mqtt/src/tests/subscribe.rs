//! SUBSCRIBE and UNSUBSCRIBE.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::Client;
use super::oracle::{self, Sent};
use crate::{Disconnect, Event, QoS, ReasonCode, RequestError, Subscription, Version};

fn subscription(filter: &str, qos: QoS, no_local: bool) -> Subscription {
    Subscription {
        filter: filter.to_owned(),
        qos,
        no_local,
    }
}

#[test]
fn results_come_in_the_order_of_the_filters() {
    for version in [Version::V5, Version::V311] {
        let mut client = Client::connected(version);
        let wanted = [
            subscription("a/+/#", QoS::AtLeastOnce, true),
            subscription("b", QoS::AtMostOnce, false),
            subscription("$share/group/c", QoS::AtLeastOnce, true),
        ];
        let ticket = client.session.subscribe(&wanted, client.now).unwrap();
        let sent = client.sent();
        let [Sent::Subscribe(id, entries)] = &sent[..] else {
            panic!("{sent:?}");
        };
        let no_local = version == Version::V5;
        let expected = [
            ("a/+/#".to_owned(), 1, no_local),
            ("b".to_owned(), 0, false),
            ("$share/group/c".to_owned(), 1, false),
        ];
        assert_eq!(entries[..], expected);
        client.receive(&oracle::suback(version, *id, &[1, 0, 0x80], Vec::new()));
        let results = vec![
            Ok(QoS::AtLeastOnce),
            Ok(QoS::AtMostOnce),
            Err(ReasonCode::UNSPECIFIED_ERROR),
        ];
        assert_eq!(client.events(), [Event::Subscribed { ticket, results }]);

        let ticket = client
            .session
            .unsubscribe(&["b", "c/#"], client.now)
            .unwrap();
        let sent = client.sent();
        let [Sent::Unsubscribe(id, filters)] = &sent[..] else {
            panic!("{sent:?}");
        };
        assert_eq!(filters, &["b", "c/#"]);
        client.receive(&oracle::unsuback(version, *id, &[0, 0x11], Vec::new()));
        assert_eq!(client.events(), [Event::Unsubscribed { ticket }]);
    }
}

#[test]
fn a_wrong_number_of_results_is_a_protocol_error() {
    for is_subscribe in [true, false] {
        let mut client = Client::connected(Version::V5);
        if is_subscribe {
            client.subscribe("a");
        } else {
            let now = client.now;
            client.session.unsubscribe(&["a"], now).unwrap();
        }
        client.sent();
        client.receive(&match is_subscribe {
            true => oracle::suback(Version::V5, 1, &[0, 0], Vec::new()),
            false => oracle::unsuback(Version::V5, 1, &[0, 0], Vec::new()),
        });
        assert!(matches!(client.ended(), Disconnect::Protocol(_)));
        let session_expiry = None;
        let sent = [Sent::Disconnect {
            reason: 0x82,
            session_expiry,
        }];
        assert_eq!(client.sent(), sent);
    }
}

#[test]
fn answers_to_what_was_not_asked_are_ignored() {
    let mut client = Client::connected(Version::V5);
    client.publish("a", b"", QoS::AtLeastOnce);
    client.subscribe("a");
    client.sent();
    // 1 is the publication's packet identifier, 2 the SUBSCRIBE's, 3 nobody's.
    for id in [1, 3] {
        client.receive(&oracle::suback(Version::V5, id, &[0], Vec::new()));
    }
    for id in [1, 2, 3] {
        client.receive(&oracle::unsuback(Version::V5, id, &[0], Vec::new()));
    }
    for id in [2, 3] {
        client.receive(&oracle::puback(Version::V5, id, 0, Vec::new()));
    }
    assert_eq!(client.events(), []);
    assert!(client.session.is_connected());
}

#[test]
fn filters_that_are_not_valid_are_refused() {
    let mut client = Client::connected(Version::V5);
    let long = "x".repeat(65_536);
    for filter in ["", "a/#/b", "a#", "a/b+", "+a/b", "##", "nul\0", &long] {
        let wanted = [
            subscription("fine", QoS::AtMostOnce, false),
            subscription(filter, QoS::AtMostOnce, false),
        ];
        let refused = client.session.subscribe(&wanted, client.now);
        assert_eq!(refused, Err(RequestError::InvalidTopic), "{filter}");
        let refused = client.session.unsubscribe(&[filter], client.now);
        assert_eq!(refused, Err(RequestError::InvalidTopic), "{filter}");
    }
    let refused = client.session.subscribe(&[], client.now);
    assert_eq!(refused, Err(RequestError::InvalidTopic));
    for filter in ["#", "+", "/", "+/+", "a//#", "$SYS/#", "ü/+/\u{10FFFF}"] {
        client.subscribe(filter);
    }
    assert_eq!(client.sent().len(), 7);
}

#[test]
fn requests_without_an_answer_are_bounded() {
    let mut client = Client::connected(Version::V5);
    for _ in 0..64 {
        client.subscribe("a");
    }
    let refused = client.session.unsubscribe(&["a"], client.now);
    assert_eq!(refused, Err(RequestError::QueueFull));
}
