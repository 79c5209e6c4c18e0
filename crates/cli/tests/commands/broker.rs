//! The ways to a broker: plain, over TLS and over WebSockets, in both versions of MQTT.

use crate::support::{Room, Station, content};

fn transfer(room: &Room, args: &[&str]) {
    room.file("a.txt", "a");
    let sender = room.run(&[&["send", "--json", "a.txt"], args].concat());
    let inbox = room.inbox("inbox");
    let received = room.receive(&inbox, args).wait().expect(0);
    sender.wait().expect(0);
    assert_eq!(content(inbox.join("a.txt")), b"a");
    let events = received.events();
    let online = events
        .iter()
        .find(|event| event["event"] == "online")
        .unwrap();
    let protocol = if args.contains(&"3.1.1") {
        "MQTT 3.1.1"
    } else {
        "MQTT 5"
    };
    assert_eq!(online["protocol"], protocol);
}

#[test]
fn websockets_carry_it() {
    let station = Station::start(&[]);
    let room = Room::new(format!("ws://127.0.0.1:{}/mqtt", station.web));
    transfer(&room, &[]);
}

#[test]
fn the_older_version_carries_it() {
    let station = Station::start(&[]);
    transfer(
        &station.room(),
        &["--mqtt-version", "3.1.1", "--prefix", "my/team"],
    );
}

#[test]
fn a_web_server_in_place_of_a_broker_is_named_with_the_address_to_use() {
    let station = Station::start(&[]);
    let room = Room::new(format!("mqtt://127.0.0.1:{}", station.web));
    let ended = room.receive(&room.inbox("inbox"), &[]).wait().expect(6);
    let address = format!("ws://127.0.0.1:{}/mqtt", station.web);
    assert!(ended.stderr.contains("web server"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}

#[test]
fn a_certificate_is_checked_unless_it_is_not_to_be() {
    let data = tempfile::tempdir().unwrap();
    let station = Station::start(&["--tls", "--data", data.path().to_str().unwrap()]);
    for broker in [
        format!("mqtts://localhost:{}", station.mqtt),
        format!("wss://localhost:{}/mqtt", station.web),
    ] {
        let room = Room::new(broker);
        transfer(&room, &["--insecure"]);
        let ended = room.receive(&room.inbox("other"), &[]).wait().expect(6);
        assert!(ended.stderr.contains("certificate"), "{}", ended.stderr);
    }
}
