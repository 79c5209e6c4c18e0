//! The command line: exit codes, and words that help.

use std::net::TcpListener;

use crate::support::{Station, run};

#[test]
fn version_and_help_are_answers_not_errors() {
    let (code, stdout, stderr) = run(&["--version"]);
    assert_eq!(code, 0);
    assert_eq!(stdout, format!("mqdrop {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(stderr, "");

    let (code, stdout, _) = run(&["serve", "--help"]);
    assert_eq!(code, 0);
    for option in [
        "--listen",
        "--mqtt-listen",
        "--user",
        "--users",
        "--open",
        "--tls",
        "--tls-cert",
        "--max-connections",
        "--max-rate",
        "--max-queue",
        "--log-format",
        "--max-packet",
        "--origin",
        "--topics",
        "--data",
        "--app",
    ] {
        assert!(stdout.contains(option), "{option}");
    }
}

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    for args in [
        &[][..],
        &["sevre"],
        &["serve", "--port", "80"],
        &["serve", "--listen", "example.org:80"],
        &["serve", "--mqtt-listen", "localhost"],
        &["serve", "--max-packet", "268435455"],
        &["serve", "--max-packet", "1000"],
        &["serve", "--max-connections", "0"],
        &["serve", "--origin", "https://drop.example/path"],
        &["serve", "--tls-cert", "certificate.pem"],
        &["serve", "--log-format", "xml"],
        &["serve", "--open", "--user", "ann:secret"],
        &["hash-password"],
        &["hash-password", "an:n"],
        &["serve", "--user", "secret"],
        &["serve", "--user", "ann:secret", "--user", "ann:secret"],
    ] {
        let (code, stdout, stderr) = run(args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert_eq!(stdout, "");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.starts_with("mqdrop: "), "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

#[test]
fn a_taken_port_is_named_together_with_the_option_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();

    let (code, _, stderr) = run(&["serve", "--listen", &port]);
    assert_eq!((code, stderr.lines().count()), (1, 1), "{stderr}");
    assert!(
        stderr.contains(&port) && stderr.contains("--listen"),
        "{stderr}"
    );

    let (code, _, stderr) = run(&["serve", "--listen", "0", "--mqtt-listen", &port]);
    assert_eq!((code, stderr.lines().count()), (1, 1), "{stderr}");
    assert!(stderr.contains("--mqtt-listen"), "{stderr}");
}

#[test]
fn unusable_folders_and_addresses_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "not a folder").unwrap();
    let file = file.to_str().unwrap();
    let nowhere = folder.path().join("nowhere");
    for (args, expected) in [
        (["--data", file], "--data"),
        (["--app", nowhere.to_str().unwrap()], "--app"),
        (["--app", folder.path().to_str().unwrap()], "index.html"),
        (["--mqtt-listen", "192.0.2.1:1883"], "192.0.2.1"),
    ] {
        let (code, stdout, stderr) =
            run(&[&["serve", "--open", "--listen", "0"], &args[..]].concat());
        assert_eq!((code, stderr.lines().count()), (1, 1), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        assert_eq!(stdout, "", "nothing is announced that does not run");
    }
}

#[test]
fn the_announcement_names_real_ports() {
    let station = Station::start(&[]);
    assert_eq!(
        station.lines,
        [
            format!(
                "mqdrop is ready at http://localhost:{}/",
                station.web.port()
            ),
            format!("MQTT for scripts at mqtt://{}", station.mqtt.unwrap()),
        ]
    );
    assert_ne!(station.web.port(), 0);
}

#[test]
fn listening_on_all_addresses_names_those_of_the_network() {
    let station = Station::start_on("0.0.0.0:0", &["--open"]);
    assert!(station.lines[0].starts_with("mqdrop is ready at http://localhost:"));
    let port = format!(":{}/", station.web.port());
    let network = &station.lines[1..station.lines.len() - 1];
    assert!(!network.is_empty());
    for line in network {
        assert!(
            (line.starts_with("on your network at http://") && line.ends_with(&port))
                || line == "this computer has no address on a network right now",
            "{line}"
        );
    }
}

#[test]
fn others_are_let_in_with_a_login_or_an_explicit_word_only() {
    for listen in [["--listen", "0.0.0.0:0"], ["--mqtt-listen", "[::]:0"]] {
        let (code, stdout, stderr) = run(&[&["serve"], &listen[..]].concat());
        assert_eq!(code, 2, "{stderr}");
        assert_eq!(
            (stdout.as_str(), stderr.lines().count()),
            ("", 1),
            "{stderr}"
        );
        assert!(
            stderr.contains(listen[0]) && stderr.contains("--open") && stderr.contains("--users"),
            "{stderr}"
        );
    }
    let station = Station::start_on("0.0.0.0:0", &["--user", "ann:secret"]);
    assert!(station.lines[0].starts_with("mqdrop is ready at"));
}
