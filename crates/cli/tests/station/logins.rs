//! Logins from a file, and the command that makes its lines.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::client::{BOTH, Client, Via, from};
use crate::support::packets::{Connect, VERSIONS, Version};
use crate::support::{Station, run, run_with_input};

/// A line as `mqdrop hash-password` prints it.
fn line(name: &str, password: &str) -> String {
    let (code, stdout, stderr) = run_with_input(&["hash-password", name], password);
    assert_eq!((code, stderr.as_str()), (0, ""));
    stdout
}

fn with_file(folder: &Path, content: &str) -> String {
    let file = folder.join("users");
    std::fs::write(&file, content).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The code of the CONNACK that answers a login, and how long it took.
fn log_in(station: &Station, via: Via, version: Version, login: (&str, &str)) -> (u8, Duration) {
    let mut connect = Connect::new(version, "visitor");
    connect.login = Some(login);
    let mut client = Client::open(station, via, version);
    let started = Instant::now();
    client.send(&connect.encode());
    let code = client.receive().expect("a CONNACK").connack_code();
    (code, started.elapsed())
}

#[test]
fn lines_made_by_the_command_let_their_users_in_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!(
        "# the family\n\n{}{}",
        line("ann", "one two:three\n"),
        line("bob", "four")
    );
    assert!(!lines.contains("one two") && !lines.contains("four"));
    let file = with_file(folder.path(), &lines);
    let station = Station::start(&["--users", &file, "--user", "cleo:five"]);
    for via in BOTH {
        for version in VERSIONS {
            for login in [("ann", "one two:three"), ("bob", "four"), ("cleo", "five")] {
                assert_eq!(log_in(&station, via, version, login).0, 0, "{login:?}");
            }
        }
    }
    let refused = [("ann", "four"), ("bob", ""), ("nobody", "four")];
    for login in refused {
        let (code, took) = log_in(&station, Via::WebSocket, Version::V5, login);
        assert_eq!(code, 0x86, "{login:?}");
        assert!(took >= Duration::from_millis(500), "{took:?}");
    }
    let log = station.log();
    assert!(
        log.contains("login refused") && log.contains("127.0.0.1"),
        "{log}"
    );
    for (_, secret) in refused {
        assert!(secret.is_empty() || !log.contains(secret), "{log}");
    }
}

#[test]
fn many_logins_at_once_leave_room_for_others() {
    const GUESSES: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let file = with_file(folder.path(), &line("ann", "secret"));
    let station = Station::start(&["--users", &file]);
    let mut guessing: Vec<Client> = (0..GUESSES)
        .map(|number| {
            let id = format!("guess{number}");
            let mut connect = Connect::new(Version::V5, &id);
            connect.login = Some(("ann", "wrong"));
            let mut client = Client::open(&station, Via::Tcp, Version::V5);
            client.send(&connect.encode());
            client
        })
        .collect();
    // Pages do not wait for passwords being checked, and the checks take little memory.
    let started = Instant::now();
    assert_eq!(
        crate::support::http::get(station.web, "/health").status,
        200
    );
    assert!(started.elapsed() < Duration::from_secs(5));
    if let Some(bytes) = station.memory() {
        assert!(bytes < 120 * 1024 * 1024, "{bytes} bytes in use");
    }
    // A right login gets in meanwhile, from an address that does not guess.
    let mut right = Connect::new(Version::V5, "right");
    right.login = Some(("ann", "secret"));
    from(&station, 2, &right);
    for client in &mut guessing {
        assert_eq!(client.receive().expect("a CONNACK").connack_code(), 0x86);
    }
}

#[test]
fn a_faulty_file_is_named_with_its_line_and_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let good = line("ann", "secret");
    for (content, words) in [
        (format!("{good}bob:secret\n"), "line 2"),
        (format!("# none\n{good}{good}"), "line 3"),
        ("ann secret\n".to_owned(), "line 1"),
        ("# nobody yet\n".to_owned(), "hash-password"),
    ] {
        let file = with_file(folder.path(), &content);
        let (code, stdout, stderr) = run(&["serve", "--listen", "0", "--users", &file]);
        assert_eq!((code, stderr.lines().count()), (1, 1), "{stderr}");
        assert!(stderr.contains(words) && stderr.contains(&file), "{stderr}");
        assert!(!stderr.contains("secret") && stdout.is_empty(), "{stderr}");
    }
    let nowhere = folder.path().join("nowhere");
    let (code, _, stderr) = run(&["serve", "--users", nowhere.to_str().unwrap()]);
    assert_eq!((code, stderr.lines().count()), (1, 1), "{stderr}");
    assert!(stderr.contains("--users"), "{stderr}");
}

#[test]
fn without_a_password_there_is_no_line() {
    for input in ["", "\n"] {
        let (code, stdout, stderr) = run_with_input(&["hash-password", "ann"], input);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.contains("empty"), "{stderr}");
    }
}
