//! The broker, over WebSocket and TCP, with MQTT 3.1.1 and 5.

use tungstenite::Message;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::support::Station;
use crate::support::client::{BOTH, Client, Via, Wire, websocket};
use crate::support::packets::{
    Connect, Packet, VERSIONS, Version, publish, publish_with, subscribe,
};

/// Bytes that show any mix-up.
fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 253) as u8).collect()
}

#[test]
fn messages_travel_between_all_kinds_of_clients() {
    let station = Station::start(&["--topics"]);
    for (from, from_version) in BOTH.into_iter().zip(VERSIONS) {
        for to in BOTH {
            for to_version in VERSIONS {
                let mut sender = Client::connect(&station, from, from_version, "sender");
                let mut receiver = Client::connect(&station, to, to_version, "receiver");
                receiver.subscribe("room/+/data");
                for length in [0, 1, 300 * 1024] {
                    sender.publish("room/1/data", &payload(length));
                    let (topic, received) = receiver.message();
                    assert_eq!(topic, "room/1/data");
                    assert!(
                        received == payload(length),
                        "{length} {from:?} {to:?} {to_version:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn packets_may_be_split_over_and_merged_in_websocket_messages() {
    let station = Station::start(&[]);
    for version in VERSIONS {
        let mut client = Client::open(&station, Via::WebSocket, version);
        let connect = Connect::new(version, "split").encode();
        for byte in &connect {
            client.send(&[*byte]);
        }
        assert_eq!(client.receive().unwrap().connack_code(), 0);

        let all = [
            subscribe(version, "split", 1),
            publish(version, "split", b"first"),
            publish(version, "split", &payload(5000)),
            vec![0xC0, 0],
        ]
        .concat();
        client.send(&all);
        assert_eq!(client.receive().unwrap().first, 0x90);
        // The ping's answer may overtake messages, but they keep their order.
        let (answers, messages): (Vec<Packet>, Vec<Packet>) = (0..3)
            .map(|_| client.receive().unwrap())
            .partition(|packet| packet.first == 0xD0);
        assert_eq!(answers.len(), 1);
        assert_eq!(messages[0].published(version).1, b"first");
        assert_eq!(messages[1].published(version).1, payload(5000));

        let packet = publish(version, "split", &payload(20_000));
        for part in packet.chunks(7) {
            client.send(part);
        }
        assert!(client.message().1 == payload(20_000));
    }
}

#[test]
fn acknowledged_and_plain_messages_keep_their_order() {
    let station = Station::start(&["--topics"]);
    let mut sender = Client::connect(&station, Via::WebSocket, Version::V5, "sender");
    let mut receiver = Client::connect(&station, Via::WebSocket, Version::V5, "receiver");
    receiver.subscribe("order/#");
    for number in 0..500_u32 {
        sender.publish("order/plain", &number.to_be_bytes());
    }
    for number in 0..500_u32 {
        assert_eq!(receiver.message().1, number.to_be_bytes());
    }
    sender.send(&publish_with(
        Version::V5,
        0x02,
        "order/acknowledged",
        b"sure",
    ));
    let puback = sender.receive().unwrap();
    assert_eq!((puback.first, &puback.body[..2]), (0x40, &[0, 7][..]));
    let packet = receiver.receive().unwrap();
    assert_eq!(packet.first & 0x06, 0x02, "delivered with QoS 1");
    assert_eq!(packet.published(Version::V5).1, b"sure");
}

#[test]
fn retained_messages_wait_for_subscribers() {
    let station = Station::start(&[]);
    for version in VERSIONS {
        let mut sender = Client::connect(&station, Via::WebSocket, version, "sender");
        sender.send(&publish_with(version, 0x03, "kept", b"for later"));
        assert_eq!(sender.receive().unwrap().first, 0x40);
        let mut receiver = Client::connect(&station, Via::Tcp, version, "receiver");
        receiver.subscribe("kept");
        let packet = receiver.receive().unwrap();
        assert_eq!(packet.first & 0x01, 1, "marked as retained");
        assert_eq!(packet.published(version).1, b"for later");
    }
}

#[test]
fn no_local_keeps_ones_own_messages_away() {
    let station = Station::start(&[]);
    let mut client = Client::connect(&station, Via::WebSocket, Version::V5, "one");
    client.send(&subscribe(Version::V5, "room", 0x04));
    assert_eq!(client.receive().unwrap().first, 0x90);
    let mut other = Client::connect(&station, Via::WebSocket, Version::V5, "two");
    client.publish("room", b"from myself");
    client.send(&[0xC0, 0]);
    assert_eq!(
        client.receive().unwrap().first,
        0xD0,
        "the ping's answer comes first"
    );
    other.publish("room", b"from another");
    assert_eq!(client.message().1, b"from another");
}

#[test]
fn a_will_is_published_when_the_connection_is_cut_and_not_after_a_goodbye() {
    let station = Station::start(&["--topics"]);
    let mut watcher = Client::connect(&station, Via::WebSocket, Version::V5, "watcher");
    watcher.subscribe("gone/#");
    for via in BOTH {
        for version in VERSIONS {
            let mut connect = Connect::new(version, "leaver");
            connect.will = Some(("gone/polite", b"not to be seen"));
            let (mut polite, _) = Client::connect_as(&station, via, &connect);
            polite.send(&[0xE0, 0]);
            assert_eq!(polite.receive(), None, "closed after the goodbye");

            connect.will = Some(("gone/cut", b"last words"));
            let (cut, _) = Client::connect_as(&station, via, &connect);
            cut.cut();
            assert_eq!(
                watcher.message(),
                ("gone/cut".to_owned(), b"last words".to_vec())
            );
        }
    }
}

#[test]
fn a_session_outlives_its_connection_when_asked_to() {
    let station = Station::start(&[]);
    let mut connect = Connect::new(Version::V5, "sleeper");
    connect.clean = false;
    connect.expiry = Some(600);
    let (mut sleeper, connack) = Client::connect_as(&station, Via::WebSocket, &connect);
    assert_eq!(connack.body[0], 0, "a new session");
    sleeper.subscribe("news");
    sleeper.send(&[0xE0, 0]);
    assert_eq!(sleeper.receive(), None);

    let mut sender = Client::connect(&station, Via::WebSocket, Version::V5, "sender");
    sender.send(&publish_with(Version::V5, 0x02, "news", b"while asleep"));
    assert_eq!(sender.receive().unwrap().first, 0x40);

    let (mut sleeper, connack) = Client::connect_as(&station, Via::WebSocket, &connect);
    assert_eq!(connack.body[0], 1, "the session is still there");
    assert_eq!(sleeper.message().1, b"while asleep");
}

#[test]
fn a_login_is_asked_for_on_both_listeners() {
    let station = Station::start(&["--user", "ann:one:two", "--user", "bob:three"]);
    for via in BOTH {
        for version in VERSIONS {
            for login in [None, Some(("ann", "three")), Some(("eve", "three"))] {
                let mut connect = Connect::new(version, "visitor");
                connect.login = login;
                let mut client = Client::open(&station, via, version);
                client.send(&connect.encode());
                let refused = match version {
                    Version::V311 => 4,
                    Version::V5 => 0x86,
                };
                let connack = client.receive();
                assert!(
                    connack.is_some(),
                    "{via:?} {version:?} {login:?}: no answer"
                );
                assert_eq!(connack.unwrap().connack_code(), refused, "{login:?}");
                assert_eq!(client.receive(), None, "and the connection ends");
            }
            for login in [("ann", "one:two"), ("bob", "three")] {
                let mut connect = Connect::new(version, "member");
                connect.login = Some(login);
                let (mut client, _) = Client::connect_as(&station, via, &connect);
                client.subscribe("allowed");
            }
        }
    }
}

#[test]
fn the_largest_packet_is_announced_and_enforced() {
    let station = Station::start(&["--max-packet", "20000"]);
    for via in BOTH {
        let connect = Connect::new(Version::V5, "measured");
        let (mut client, connack) = Client::connect_as(&station, via, &connect);
        assert_eq!(connack.connack_property(0x27), Some(20_000));
        client.subscribe("size");
        let overhead = publish(Version::V5, "size", &payload(19_000)).len() - 19_000;
        client.publish("size", &payload(20_000 - overhead));
        assert_eq!(client.message().1.len(), 20_000 - overhead);

        client.publish("size", &payload(20_001 - overhead));
        // A DISCONNECT with a reason may come first; the connection ends anyway.
        let end = client.receive();
        assert!(end.is_none() || end.is_some_and(|packet| packet.first == 0xE0));
        assert_eq!(client.receive(), None);
    }
    for via in BOTH {
        let mut client = Client::connect(&station, via, Version::V311, "old");
        client.publish("size", &payload(20_000));
        assert_eq!(client.receive(), None);
    }
}

#[test]
fn the_default_limit_is_one_that_every_client_accepts() {
    let station = Station::start(&[]);
    let connect = Connect::new(Version::V5, "asker");
    let (_, connack) = Client::connect_as(&station, Via::WebSocket, &connect);
    assert_eq!(connack.connack_property(0x27), Some(16_777_216));
}

#[test]
fn clients_that_offer_several_subprotocols_are_welcome() {
    let station = Station::start(&[]);
    for (offered, chosen) in [
        ("mqttv3.1, mqtt", "mqtt"),
        ("mqtt, chat", "mqtt"),
        ("mqttv3.1", "mqttv3.1"),
    ] {
        let (mut socket, answer) = websocket(station.web, offered);
        assert_eq!(answer.as_deref(), Some(chosen));
        let connect = Connect::new(Version::V311, "several").encode();
        socket.send(Message::binary(connect)).unwrap();
        let mut bytes = socket.read().unwrap().into_data().to_vec();
        assert_eq!(Packet::take(&mut bytes).unwrap().connack_code(), 0);
    }
}

#[test]
fn websocket_pings_are_answered_and_text_is_refused() {
    let station = Station::start(&[]);
    let mut client = Client::connect(&station, Via::WebSocket, Version::V5, "pinger");
    let Wire::WebSocket(socket) = &mut client.wire else {
        unreachable!("connected by WebSocket")
    };
    socket.send(Message::Ping(b"there?"[..].into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong(b"there?"[..].into()));
    socket.send(Message::text("hello")).unwrap();
    match socket.read().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Unsupported),
        other => panic!("{other:?} instead of a close frame"),
    }
}

#[test]
fn what_is_not_mqtt_ends_the_connection() {
    let station = Station::start(&[]);
    for via in BOTH {
        for rubbish in [&[0_u8; 64][..], &[0xFF; 64], &[0x82, 0], &[0xC0, 0]] {
            let mut client = Client::open(&station, via, Version::V5);
            client.send(rubbish);
            while client.receive().is_some() {}
        }
        Client::connect(&station, via, Version::V5, "after").subscribe("fine");
    }
}

#[test]
fn retained_messages_survive_a_restart_with_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let args = ["--data", data.to_str().unwrap()];
    let mut station = Station::start(&args);
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    sender.send(&publish_with(Version::V5, 0x03, "kept", b"on disk"));
    assert_eq!(sender.receive().unwrap().first, 0x40);
    station.signal("TERM");
    assert!(station.wait(std::time::Duration::from_secs(3)).success());

    let station = Station::start(&args);
    let mut receiver = Client::connect(&station, Via::Tcp, Version::V5, "receiver");
    receiver.subscribe("kept");
    assert_eq!(receiver.message().1, b"on disk");
}
