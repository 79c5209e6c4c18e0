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
fn what_was_learnt_of_a_broker_is_remembered_and_heeded() {
    let station = Station::start(&[]);
    let room = station.room();
    let protocol = || {
        room.file("a.txt", "a");
        let sender = room.run(&["send", "--json", "a.txt"]);
        let events = room
            .receive(&room.inbox("inbox"), &[])
            .wait()
            .expect(0)
            .events();
        sender.wait().expect(0);
        let online = events.iter().find(|event| event["event"] == "online");
        online.unwrap()["protocol"].clone()
    };
    let file = room.path("home for receive/mqdrop/brokers");
    assert_eq!(protocol(), "MQTT 5");
    // It is told to whoever comes next that this broker knows the older version alone.
    let mark = &blake3::hash(room.broker.as_bytes()).to_hex()[..16];
    let today = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, format!("{mark} v311=1&day={today}\n")).unwrap();
    assert_eq!(protocol(), "MQTT 3.1.1");
    let lessons = String::from_utf8(content(&file)).unwrap();
    assert!(lessons.contains("v311=1"), "{lessons}");
    let old = today - 8;
    std::fs::write(&file, format!("{mark} v311=1&day={old}\n")).unwrap();
    assert_eq!(protocol(), "MQTT 5");
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
