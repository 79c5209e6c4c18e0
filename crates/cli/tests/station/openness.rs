//! Access for everyone, for some and for nobody: topics, pages of other sites, names of others, files.

use crate::support::client::{BOTH, Client, Via};
use crate::support::http::request;
use crate::support::packets::{
    Connect, VERSIONS, Version, publish_with, publish_with_properties, subscribe,
};
use crate::support::{Station, eventually};

fn suback(client: &mut Client, filter: &str) -> u8 {
    client.send(&subscribe(client.version, filter, 2));
    let suback = client.receive().expect("a SUBACK");
    assert_eq!(suback.first, 0x90);
    *suback.body.last().unwrap()
}

#[test]
fn only_exact_topics_without_the_option() {
    let station = Station::start(&[]);
    let open = Station::start(&["--topics"]);
    let long = "x".repeat(300);
    for version in VERSIONS {
        let mut closed = Client::connect(&station, Via::WebSocket, version, "one");
        let mut free = Client::connect(&open, Via::WebSocket, version, "one");
        for filter in ["#", "+/c", "a/#", "$share/group/a", "$share/group/#", &long] {
            assert!(suback(&mut closed, filter) >= 0x80, "{filter}");
        }
        assert_eq!(
            suback(&mut closed, "mqdrop/1/room/c"),
            1,
            "QoS 1 is the most"
        );
        for filter in ["#", "+/c", "a/#"] {
            assert_eq!(suback(&mut free, filter), 2, "{filter}");
        }
        assert!(suback(&mut free, "$share/group/a") >= 0x80);
    }
}

#[test]
fn one_filter_too_many_is_told_from_one_that_is_not_allowed() {
    let station = Station::start(&[]);
    let mut client = Client::connect(&station, Via::Tcp, Version::V5, "many");
    for number in 0..256 {
        assert_eq!(suback(&mut client, &number.to_string()), 1);
    }
    assert_eq!(suback(&mut client, "more"), 0x97);
    assert_eq!(suback(&mut client, "#"), 0x87);
    assert_eq!(suback(&mut client, "7"), 1, "it has that one");
}

#[test]
fn a_message_of_qos_2_is_refused_without_the_option_and_delivered_with_it() {
    let connect = Connect::new(Version::V5, "exact");
    let station = Station::start(&[]);
    let (mut client, _) = Client::connect_as(&station, Via::Tcp, &connect);
    client.send(&publish_with(Version::V5, 0x04, "data", b"once"));
    let answer = client.receive();
    assert!(answer.is_none_or(|packet| packet.first == 0xE0 || packet.body.get(2) == Some(&0x9B)));

    let open = Station::start(&["--topics"]);
    let (mut client, _) = Client::connect_as(&open, Via::Tcp, &connect);
    assert_eq!(suback(&mut client, "data"), 2);
    client.send(&publish_with(Version::V5, 0x04, "data", b"once"));
    assert_eq!(client.receive().expect("a PUBREC").first, 0x50);
    client.send(&[0x62, 2, 0, 7]);
    let (first, second) = (client.receive().unwrap(), client.receive().unwrap());
    let message = if first.first & 0xF0 == 0x30 {
        first
    } else {
        second
    };
    assert_eq!(message.published(Version::V5).1, b"once");
}

#[test]
fn small_retained_messages_are_kept_and_larger_ones_are_not() {
    for (options, most) in [(&[][..], 16_000), (&["--topics"][..], 65_536)] {
        let station = Station::start(options);
        let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
        sender.send(&publish_with(Version::V5, 0x03, "small", &vec![7; most]));
        assert_eq!(
            sender
                .receive()
                .expect("a PUBACK")
                .body
                .get(2)
                .unwrap_or(&0),
            &0
        );
        sender.send(&publish_with(
            Version::V5,
            0x03,
            "large",
            &vec![7; most + 1],
        ));
        assert_eq!(sender.receive().expect("a PUBACK").body[2], 0x97);
        let mut receiver = Client::connect(&station, Via::Tcp, Version::V5, "receiver");
        receiver.send(&subscribe(Version::V5, "large", 0));
        assert_eq!(receiver.receive().expect("a SUBACK").first, 0x90);
        receiver.subscribe("small");
        assert_eq!(receiver.message().1.len(), most);
    }
}

#[test]
fn nobody_hears_who_sent_a_message_and_properties_arrive() {
    let station = Station::start(&["--user", "ann:secret", "--topics"]);
    let mut connect = Connect::new(Version::V5, "listener-with-a-name");
    connect.login = Some(("ann", "secret"));
    let (mut listener, _) = Client::connect_as(&station, Via::Tcp, &connect);
    listener.subscribe("news");
    for via in BOTH {
        connect.id = "sender-with-a-name";
        connect.will = Some(("news", b"last words"));
        let (mut sender, _) = Client::connect_as(&station, via, &connect);
        sender.send(&publish_with_properties(0, 1, "news", 2, b"hello"));
        let message = listener.receive().expect("a message");
        assert_eq!(
            message.body,
            [
                &[0, 4][..],
                b"news",
                &[10],
                &[0x26, 0, 0, 0, 0].repeat(2),
                b"hello"
            ]
            .concat()
        );
        sender.cut();
        let will = listener.receive().expect("a will");
        assert_eq!(will.published(Version::V5).1, b"last words");
        let text = String::from_utf8_lossy(&will.body).into_owned();
        assert!(
            !text.contains("sender-with-a-name") && !text.contains("x-mqtt"),
            "{text}"
        );
    }
}

#[test]
fn nobody_takes_the_place_of_another_login() {
    let station = Station::start(&["--user", "ann:secret", "--user", "bob:other"]);
    let mut connect = Connect::new(Version::V5, "device");
    connect.login = Some(("ann", "secret"));
    connect.expiry = Some(600);
    let (mut device, _) = Client::connect_as(&station, Via::Tcp, &connect);
    connect.login = Some(("bob", "other"));
    for is_clean in [true, false] {
        connect.clean = is_clean;
        let mut thief = Client::open(&station, Via::Tcp, Version::V5);
        thief.send(&connect.encode());
        assert_eq!(thief.receive().expect("a CONNACK").connack_code(), 0x85);
    }
    device.send(&[0xC0, 0]);
    assert_eq!(device.receive().expect("it is still there").first, 0xD0);
    connect.login = Some(("ann", "secret"));
    Client::connect_as(&station, Via::Tcp, &connect);
}

fn handshake(station: &Station, host: &str, origin: Option<&str>) -> u16 {
    let mut headers = vec![
        ("connection", "close, upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    headers.extend(origin.map(|origin| ("origin", origin)));
    request(station.web, &format!("GET {host}"), "/mqtt", &headers).status
}

#[test]
fn pages_of_other_sites_need_to_be_named_where_no_login_is_asked_for() {
    let station = Station::start(&[]);
    let named = Station::start(&["--origin", "https://drop.example", "--origin", "null"]);
    let every = Station::start(&["--origin", "*"]);
    let login = Station::start(&["--user", "ann:secret"]);
    for (host, origin, expected) in [
        ("127.0.0.1:80", None, [101, 101, 101, 101]),
        ("127.0.0.1:80", Some("http://127.0.0.1:80"), [101; 4]),
        ("localhost:80", Some("http://localhost:1234"), [101; 4]),
        ("localhost:80", Some("http://127.0.0.1:1234"), [101; 4]),
        (
            "localhost:80",
            Some("https://evil.example"),
            [403, 403, 101, 101],
        ),
        (
            "localhost:80",
            Some("https://drop.example"),
            [403, 101, 101, 101],
        ),
        (
            "localhost:80",
            Some("https://drop.example:444"),
            [403, 403, 101, 101],
        ),
        ("localhost:80", Some("null"), [403, 101, 101, 101]),
        // A name that somebody points to this computer.
        (
            "evil.example:80",
            Some("http://evil.example:80"),
            [403, 403, 101, 101],
        ),
    ] {
        for (station, expected) in [&station, &named, &every, &login].into_iter().zip(expected) {
            assert_eq!(
                handshake(station, host, origin),
                expected,
                "{host} {origin:?}"
            );
        }
    }
    eventually(|| station.log().contains("--origin"));
}

#[test]
fn pages_that_open_the_app_keep_no_hold_of_it() {
    let station = Station::start(&[]);
    let policy = |host: &str, headers: &[(&str, &str)]| {
        let answer = request(station.web, &format!("GET {host}"), "/", headers);
        answer
            .header("cross-origin-opener-policy")
            .map(str::to_owned)
    };
    for (host, headers) in [
        ("localhost:80", &[][..]),
        ("127.0.0.1:80", &[]),
        ("drop.example", &[("x-forwarded-proto", "https")]),
    ] {
        assert_eq!(
            policy(host, headers).as_deref(),
            Some("same-origin"),
            "{host}"
        );
    }
    // Browsers complain of it on pages that they do not trust.
    assert_eq!(policy("box.local:8080", &[]), None);
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    fn look(path: &std::path::Path, found: &mut Vec<(String, u32)>) {
        let metadata = std::fs::metadata(path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        found.push((path.display().to_string(), mode));
        if metadata.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                look(&entry.unwrap().path(), found);
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // A folder that others could read before, with a program of somebody's in it.
    let program = data.join("programs/run");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(&program, "#!/bin/sh").unwrap();
    for (path, mode) in [(&data, 0o755), (&program, 0o755)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut station = Station::start(&["--data", data.to_str().unwrap()]);
    let mut connect = Connect::new(Version::V5, "sleeper");
    connect.expiry = Some(600);
    let (mut sender, _) = Client::connect_as(&station, Via::Tcp, &connect);
    sender.send(&publish_with(Version::V5, 0x03, "kept", b"on disk"));
    assert_eq!(sender.receive().unwrap().first, 0x40);
    station.signal("TERM");
    assert!(station.wait(std::time::Duration::from_secs(3)).success());
    let mut found = Vec::new();
    look(&program, &mut found);
    assert_eq!(found[0].1, 0o755, "others' files stay as they are");
    std::fs::remove_dir_all(program.parent().unwrap()).unwrap();
    found.clear();
    look(&data, &mut found);
    assert!(found.len() > 2, "{found:?}");
    for (path, mode) in found {
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
}
