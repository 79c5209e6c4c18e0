//! The logs: things that the station says about its clients, and others that it keeps to itself.

use serde_json::Value;

use crate::support::client::{Client, Via};
use crate::support::http::get;
use crate::support::packets::{Connect, Version};
use crate::support::{Station, eventually};

/// Somebody comes, fails to log in, comes again, sends something secret and goes.
fn visit(station: &Station) {
    let mut connect = Connect::new(Version::V5, "visitor");
    connect.login = Some(("secret-as-a-name", "secret-password"));
    let mut client = Client::open(station, Via::WebSocket, Version::V5);
    client.send(&connect.encode());
    assert_eq!(client.receive().unwrap().connack_code(), 0x86);

    connect.login = Some(("ann", "secret-word"));
    connect.will = Some(("mqdrop/1/secret-room/c", b"secret-will"));
    let (mut client, _) = Client::connect_as(station, Via::WebSocket, &connect);
    client.subscribe("mqdrop/1/secret-room/c");
    client.publish("mqdrop/1/secret-room/c", b"secret-payload");
    assert_eq!(client.message().1, b"secret-payload");
    client.send(&[0xE0, 0]);
    assert_eq!(client.receive(), None);
    assert_eq!(get(station.web, "/secret-path").status, 404);
}

/// A log's lines that are JSON.
fn lines(log: &str) -> Vec<Value> {
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[test]
fn json_lines_tell_who_comes_and_goes_and_nothing_secret() {
    let args = ["--log-format", "json", "-v", "--user", "ann:secret-word"];
    let station = Station::start(&args);
    visit(&station);
    let closed = |reason: &str| {
        lines(&station.log())
            .iter()
            .any(|line| line["message"] == "connection closed" && line["reason"] == reason)
    };
    eventually(|| closed("its login was refused") && closed("the client left"));
    // It may grow meanwhile.
    let log = station.log();
    let lines = lines(&log);
    assert_eq!(
        lines.len(),
        log.lines().count(),
        "every line is JSON: {log}"
    );
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string());
    }
    let of = |message: &str| lines.iter().find(|line| line["message"] == message);
    let opened = of("connection opened").unwrap();
    assert_eq!(
        (&opened["level"], &opened["tls"]),
        (&"INFO".into(), &false.into())
    );
    assert!(opened["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(of("connection closed").unwrap()["seconds"].is_u64());
    assert_eq!(of("login refused").unwrap()["level"], "WARN");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn without_being_asked_only_what_is_refused_is_told() {
    let station = Station::start(&["--user", "ann:secret-word"]);
    visit(&station);
    let log = station.log();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(
        log.contains("login refused") && !log.contains("secret"),
        "{log}"
    );
}

#[test]
fn details_name_neither_payloads_nor_passwords() {
    let station = Station::start(&["-vv", "--user", "ann:secret-word"]);
    visit(&station);
    eventually(|| station.log().contains("/secret-path"));
    let log = station.log();
    for secret in [
        "secret-word",
        "secret-password",
        "secret-payload",
        "secret-will",
        "secret-as",
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
