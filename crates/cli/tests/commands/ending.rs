//! The ends of commands, and their exit codes.

use std::time::{Duration, Instant};

use crate::support::{Room, Run, Station, noise};

#[test]
fn a_wrong_key_meets_nobody() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "a");
    let sender = room.run(&["send", "--timeout", "2", "a.txt"]);
    let inbox = room.inbox("inbox");
    let mut command = room.command(&["receive", "--yes", "--json", "--timeout", "2"]);
    let receiver = Run::start(command.current_dir(inbox).env("MQDROP_KEY", "another one"));
    let ended = receiver.wait().expect(3);
    let events = ended.events();
    let error = events.last().unwrap();
    assert_eq!(
        (&error["event"], &error["code"]),
        (&"error".into(), &3.into())
    );
    assert!(ended.stderr.contains("same key"), "{}", ended.stderr);
    assert!(sender.wait().expect(3).stderr.contains("same key"));
}

#[test]
fn too_few_receivers_are_counted() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "a");
    let sender = room.run(&["send", "--receivers", "2", "--timeout", "4", "a.txt"]);
    room.receive(&room.inbox("inbox"), &[]).wait().expect(0);
    let ended = sender.wait().expect(3);
    assert!(ended.stderr.contains("only 1 of 2"), "{}", ended.stderr);
}

#[test]
fn a_folder_that_cannot_be_used_is_a_failure_of_storage() {
    let room = Room::new("mqtt://127.0.0.1:1".into());
    let file = room.file("file", "");
    let ended = room.receive(&file, &[]).wait().expect(5);
    assert_eq!(ended.events().last().unwrap()["code"], 5);
    let ended = room.receive(&file.join("folder"), &[]).wait().expect(5);
    assert!(
        ended.stderr.contains("cannot be put there"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    // A broker that takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let room = Room::new(format!("mqtt://{}", silent.local_addr().unwrap()));
    let run = room.run(&["receive", "--yes"]);
    let (_connection, _) = silent.accept().unwrap();
    let began = Instant::now();
    run.signal("INT");
    run.signal("INT");
    run.wait().expect(130);
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_broker_that_is_not_there_is_an_error_within_seconds() {
    // Nothing listens at port 1 of this computer.
    let room = Room::new("mqtt://127.0.0.1:1".into());
    let began = Instant::now();
    let ended = room.run(&["receive", "--yes", "--json"]).wait().expect(6);
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(9) && took < Duration::from_secs(20),
        "{took:?}"
    );
    assert!(ended.stderr.contains("127.0.0.1:1"), "{}", ended.stderr);
    assert_eq!(ended.events().last().unwrap()["code"], 6);
}

#[test]
fn a_wrong_login_is_an_error_at_once() {
    let station = Station::start(&["--user", "ann:secret"]);
    let room = station.room();
    for (args, password) in [(&[][..], ""), (&["--user", "ann"], "wrong")] {
        let mut command = room.command(&[&["receive", "--yes"], args].concat());
        let began = Instant::now();
        let ended = Run::start(command.env("MQDROP_PASSWORD", password))
            .wait()
            .expect(6);
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "it does not try in vain"
        );
        assert!(ended.stderr.contains("password"), "{}", ended.stderr);
    }
    room.file("a.txt", "a");
    let mut command = room.command(&["send", "--user", "ann", "a.txt"]);
    let sender = Run::start(command.env("MQDROP_PASSWORD", "secret"));
    let secret = room.file("password", "secret\n");
    let secret = secret.to_str().unwrap();
    let inbox = room.inbox("inbox");
    let receiver = room.receive(&inbox, &["--user", "ann", "--password-file", secret]);
    receiver.wait().expect(0);
    sender.wait().expect(0);
}

#[test]
fn ctrl_c_says_goodbye_and_how_to_go_on() {
    let station = Station::start(&["--max-packet", "20000", "--max-rate", "100"]);
    let room = station.room();
    room.file("a.bin", noise(30_000_000));
    let sender = room.run(&["send", "--json", "a.bin"]);
    let receiver = room.receive(&room.inbox("inbox"), &["--name", "Ben"]);
    receiver.until_moved(100_000);
    receiver.signal("INT");
    let began = Instant::now();
    let ended = receiver.wait().expect(130);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(
        ended.stderr.contains("the same command goes on"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.events().last().unwrap()["code"], 130);
    // Brokers tell of somebody who goes without a word after ten seconds.
    sender.until("person", |event| {
        event["name"] == "Ben" && event["state"] == "away"
    });
    assert!(began.elapsed() < Duration::from_secs(8), "it said goodbye");
    sender.signal("TERM");
    let ended = sender.wait().expect(130);
    assert!(
        ended.stderr.contains("the same command goes on"),
        "{}",
        ended.stderr
    );
}

#[test]
fn files_that_cannot_be_sent_are_named() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("good.txt", "good");
    let ended = room.run(&["send", "missing.txt"]).wait().expect(1);
    assert!(ended.stderr.contains("missing.txt"), "{}", ended.stderr);
    #[cfg(unix)]
    {
        std::fs::create_dir(room.path("folder")).unwrap();
        room.file("folder/a.txt", "a");
        std::os::unix::fs::symlink(room.path("good.txt"), room.path("folder/out")).unwrap();
        let sender = room.run(&["send", "folder"]);
        let inbox = room.inbox("inbox");
        room.receive(&inbox, &[]).wait().expect(0);
        let ended = sender.wait().expect(0);
        assert!(ended.stderr.contains("folder/out"), "{}", ended.stderr);
        assert_eq!(crate::support::names(&inbox.join("folder")), ["a.txt"]);
    }
}
