//! The oracle reads our packets with the same meaning, and the other way round, for random valid packets.

use core::time::Duration;

use mqtt_protocol_core::mqtt::packet::{Properties, Property, ReasonString};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::{Client, connack, options};
use super::generate::{
    ack_properties, announcement, filter, publish, qos, text, topic, unused_connack_properties,
    user_properties, version,
};
use super::oracle::{self, Publish, Sent};
use super::property::check;
use crate::{
    Disconnect, Event, Login, QoS, ReasonCode, Subscription, Version, VersionPolicy, Will,
};

const CASES: u32 = if cfg!(target_arch = "wasm32") {
    300
} else {
    2_000
};

#[test]
fn publish_reads_the_same() {
    let input = version().prop_flat_map(|version| (Just(version), publish(version)));
    check(CASES, input, |(version, publish)| {
        let mut client = Client::connected(version);
        client.receive(&publish.encode(version));
        let events = client.events();
        let [Event::Message(message)] = &events[..] else {
            return Err(TestCaseError::fail(format!("{events:?}")));
        };
        prop_assert_eq!(&message.topic, &publish.topic);
        prop_assert_eq!(&message.payload, &publish.payload);
        prop_assert_eq!(message.qos == QoS::AtLeastOnce, publish.id.is_some());
        prop_assert_eq!(message.retain, publish.retain);
        prop_assert_eq!(message.dup, publish.dup);
        let acknowledged: Vec<_> = publish.id.map(Sent::PubAck).into_iter().collect();
        prop_assert_eq!(client.sent(), acknowledged);
        Ok(())
    });
}

#[test]
fn publish_writes_the_same() {
    let input = (
        version(),
        topic(),
        vec(any::<u8>(), 0..40_000),
        qos(),
        any::<bool>(),
    );
    check(
        CASES / 4,
        input,
        |(version, topic, payload, qos, retain)| {
            let mut client = Client::connected(version);
            let now = client.now;
            let ticket = client.session.publish(&topic, &payload, qos, retain, now);
            prop_assert_eq!(ticket.map(|one| one.is_some()), Ok(qos == QoS::AtLeastOnce));
            let expected = Sent::Publish {
                topic,
                payload,
                id: (qos == QoS::AtLeastOnce).then_some(1),
                retain,
                dup: false,
            };
            prop_assert_eq!(client.sent(), [expected]);
            Ok(())
        },
    );
}

#[test]
fn acknowledgements_read_the_same() {
    let codes = prop::sample::select(vec![
        0, 1, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2,
    ]);
    let input = (version(), vec(codes, 1..6), ack_properties(), any::<bool>());
    check(CASES, input, |(version, codes, properties, is_error)| {
        let is_v5 = version == Version::V5;
        let codes: Vec<_> = codes
            .into_iter()
            .map(|code| if is_v5 || code < 2 { code } else { 0x80 })
            .collect();
        let wanted: Vec<_> = (0..codes.len())
            .map(|index| Subscription {
                filter: format!("f/{index}"),
                qos: QoS::AtLeastOnce,
                no_local: false,
            })
            .collect();
        let filters: Vec<_> = wanted.iter().map(|one| one.filter.as_str()).collect();
        let mut client = Client::connected(version);
        let now = client.now;
        let subscribe = client.session.subscribe(&wanted, now).unwrap();
        let unsubscribe = client.session.unsubscribe(&filters, now).unwrap();
        let publication = client.publish("a", b"", QoS::AtLeastOnce).unwrap();
        let refused = is_error && is_v5;
        let code = if refused { 0x97 } else { 0 };
        client.receive(&oracle::suback(version, 1, &codes, properties.clone()));
        client.receive(&oracle::unsuback(
            version,
            2,
            &vec![0; codes.len()],
            properties.clone(),
        ));
        client.receive(&oracle::puback(version, 3, code, properties));
        let results = codes
            .iter()
            .map(|code| match code {
                0 => Ok(QoS::AtMostOnce),
                1 => Ok(QoS::AtLeastOnce),
                error => Err(ReasonCode(*error)),
            })
            .collect();
        let result = if refused {
            Err(ReasonCode(code))
        } else {
            Ok(())
        };
        let expected = [
            Event::Subscribed {
                ticket: subscribe,
                results,
            },
            Event::Unsubscribed {
                ticket: unsubscribe,
            },
            Event::Published {
                ticket: publication,
                result,
            },
        ];
        prop_assert_eq!(client.events(), expected);
        Ok(())
    });
}

#[test]
fn subscribe_and_unsubscribe_write_the_same() {
    let input = (version(), vec((filter(), qos(), any::<bool>()), 1..9));
    check(CASES, input, |(version, wanted)| {
        let mut client = Client::connected(version);
        let subscriptions: Vec<_> = wanted
            .iter()
            .map(|(filter, qos, no_local)| Subscription {
                filter: filter.clone(),
                qos: *qos,
                no_local: *no_local,
            })
            .collect();
        let filters: Vec<_> = wanted.iter().map(|one| one.0.as_str()).collect();
        let now = client.now;
        prop_assert!(client.session.subscribe(&subscriptions, now).is_ok());
        prop_assert!(client.session.unsubscribe(&filters, now).is_ok());
        let entries = wanted
            .iter()
            .map(|(filter, qos, no_local)| {
                (
                    filter.clone(),
                    *qos as u8,
                    *no_local && version == Version::V5,
                )
            })
            .collect();
        let filters = filters.into_iter().map(str::to_owned).collect();
        let expected = [Sent::Subscribe(1, entries), Sent::Unsubscribe(2, filters)];
        prop_assert_eq!(client.sent(), expected);
        Ok(())
    });
}

#[test]
fn connect_writes_the_same() {
    let login = option::of((text(1..20), text(0..20)));
    let will = option::of((topic(), vec(any::<u8>(), 0..50), qos(), 0_u64..100));
    let numbers = (1_u16.., any::<u32>(), 1_u32..=268_435_455, 1_u16..);
    let input = (version(), text(0..30), login, will, numbers);
    check(
        CASES,
        input,
        |(version, client_id, login, will, numbers)| {
            let (keep_alive, expiry, max_packet, receive_maximum) = numbers;
            let mut options = options(VersionPolicy::Only(version));
            options.client_id.clone_from(&client_id);
            options.keep_alive = Duration::from_secs(keep_alive.into());
            options.session_expiry = Duration::from_secs(expiry.into());
            options.max_incoming_packet = max_packet;
            options.receive_maximum = receive_maximum;
            options.login = login
                .clone()
                .map(|(username, password)| Login { username, password });
            options.will = will.clone().map(|(topic, payload, qos, delay)| Will {
                topic,
                payload: payload.into(),
                qos,
                delay: Duration::from_secs(delay),
            });
            let Sent::Connect(sent) = Client::new(options).open() else {
                return Err(TestCaseError::fail("not a CONNECT"));
            };
            prop_assert_eq!(sent.version, version);
            prop_assert_eq!(sent.client_id, client_id);
            prop_assert_eq!(sent.keep_alive, keep_alive);
            prop_assert_eq!(sent.user_name, login.clone().map(|login| login.0));
            let password = login.map(|login| login.1).filter(|text| !text.is_empty());
            prop_assert_eq!(sent.password, password.map(String::into_bytes));
            let delay = will.as_ref().map_or(0, |will| will.3) as u32;
            let will = will.map(|(topic, payload, qos, _)| (topic, payload, qos as u8, false));
            prop_assert_eq!(sent.will, will);
            if version == Version::V5 {
                let mut expected = vec![receive_maximum.into(), max_packet];
                expected.extend((expiry > 0).then_some(expiry));
                prop_assert_eq!(announced(&sent.properties), expected);
                let delays = announced(&sent.will_properties);
                prop_assert_eq!(delays, if delay > 0 { vec![delay] } else { Vec::new() });
            }
            Ok(())
        },
    );
}

/// Receive Maximum, Maximum Packet Size, Session Expiry Interval and Will Delay Interval, where present.
fn announced(properties: &Properties) -> Vec<u32> {
    let find = |pick: fn(&Property) -> Option<u32>| properties.iter().find_map(pick);
    let values = [
        find(|one| match one {
            Property::ReceiveMaximum(value) => Some(value.val().into()),
            _ => None,
        }),
        find(|one| match one {
            Property::MaximumPacketSize(value) => Some(value.val()),
            _ => None,
        }),
        find(|one| match one {
            Property::SessionExpiryInterval(value) => Some(value.val()),
            _ => None,
        }),
        find(|one| match one {
            Property::WillDelayInterval(value) => Some(value.val()),
            _ => None,
        }),
    ];
    values.into_iter().flatten().collect()
}

#[test]
fn connack_reads_the_same() {
    let input = (announcement(), unused_connack_properties());
    check(CASES, input, |(announced, unused)| {
        let mut client = Client::new(options(VersionPolicy::Auto));
        client.open();
        let mut properties = announced.properties();
        properties.extend(unused);
        client.receive(&oracle::connack_v5(false, 0, properties));
        let (session_present, version, limits) = client.connected_event();
        prop_assert!(!session_present);
        prop_assert_eq!(version, Version::V5);
        prop_assert_eq!(
            limits.receive_maximum,
            announced.receive_maximum.unwrap_or(u16::MAX)
        );
        prop_assert_eq!(limits.max_packet_size, announced.max_packet_size);
        prop_assert_eq!(limits.max_qos as u8, announced.max_qos.unwrap_or(1));
        prop_assert_eq!(
            limits.retain_available,
            announced.retain_available != Some(0)
        );
        let keep_alive = announced.server_keep_alive.filter(|&seconds| seconds > 0);
        let seconds = keep_alive.map_or(30, |seconds| seconds.min(30));
        prop_assert_eq!(limits.keep_alive, Duration::from_secs(seconds.into()));
        client.close();
        let Sent::Connect(sent) = client.open() else {
            return Err(TestCaseError::fail("not a CONNECT"));
        };
        let client_id = announced.client_id.unwrap_or_else(|| "tester".to_owned());
        prop_assert_eq!(sent.client_id, client_id);
        Ok(())
    });
}

#[test]
fn disconnect_reads_the_same() {
    let codes = prop::sample::select(vec![
        0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95,
        0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
    ]);
    let input = (codes, option::of(text(0..30)), user_properties());
    check(CASES, input, |(code, words, users)| {
        let mut client = Client::connected(Version::V5);
        let mut properties = users;
        properties.extend(
            words
                .as_deref()
                .map(|text| Property::ReasonString(ReasonString::new(text).unwrap())),
        );
        let properties = (!properties.is_empty()).then_some(properties);
        client.receive(&oracle::disconnect(Some(code), properties));
        let reason = ReasonCode(code);
        let text = words;
        prop_assert_eq!(client.ended(), Disconnect::ByServer { reason, text });
        Ok(())
    });
}

#[test]
fn a_3_1_1_session_reads_no_properties_into_the_payload() {
    let mut client = Client::connected(Version::V311);
    assert_eq!(connack(Version::V311).len(), 4);
    client.receive(&Publish::new("t", &[0, 1, 2], None).encode(Version::V311));
    let events = client.events();
    assert!(matches!(&events[..], [Event::Message(message)] if message.payload[..] == [0, 1, 2]));
}
