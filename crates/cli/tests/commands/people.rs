//! Persons: looked up, and sent to alone.

use crate::support::{Room, Run, Station, content, names};

/// Runs a command as a user of this name, with a home of that user's own.
fn as_user(room: &Room, name: &str, args: &[&str]) -> Run {
    let mut command = room.command(args);
    for variable in ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(variable, room.path(&format!("home of {name}")));
    }
    Run::start(command.args(["--name", name]))
}

/// Receives as that user until it is ended.
fn receiving(room: &Room, name: &str) -> Run {
    let inbox = room.inbox(&format!("inbox of {name}"));
    let inbox = inbox.to_str().unwrap();
    let run = as_user(
        room,
        name,
        &["receive", "--yes", "--json", "--stay", "--out", inbox],
    );
    run.until("online", |_| true);
    run
}

/// Tells whether a file was saved under this name.
fn is_at(event: &serde_json::Value, name: &str) -> bool {
    event["path"]
        .as_str()
        .is_some_and(|path| path.ends_with(name))
}

#[test]
fn what_is_for_one_person_reaches_nobody_else() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("secret.txt", "for Ben");
    room.file("all.txt", "for all");
    let (ben, cleo) = (receiving(&room, "Ben"), receiving(&room, "Cleo"));
    let sent = as_user(&room, "Ann", &["send", "--to", "ben", "secret.txt"]);
    sent.wait().expect(0);
    let saved = ben.until("saved", |event| is_at(event, "secret.txt"));
    assert_eq!(saved["bytes"], 7);
    // What is offered to all after that shows that everything before has come.
    as_user(&room, "Ann", &["send", "--receivers", "2", "all.txt"])
        .wait()
        .expect(0);
    cleo.until("saved", |event| is_at(event, "all.txt"));
    assert_eq!(names(&room.path("inbox of Cleo")), ["all.txt"]);
    assert_eq!(
        content(room.path("inbox of Ben").join("secret.txt")),
        b"for Ben"
    );
}

#[test]
fn somebody_who_is_not_known_yet_is_waited_for() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("later.txt", "later");
    let sender = as_user(&room, "Ann", &["send", "--to", "Ben", "later.txt"]);
    let cleo = receiving(&room, "Cleo");
    sender.until_said("waits for Ben");
    let ben = receiving(&room, "Ben");
    ben.until("saved", |event| is_at(event, "later.txt"));
    sender.wait().expect(0);
    drop(cleo);
    assert!(names(&room.path("inbox of Cleo")).is_empty());
}

#[test]
fn who_is_here_and_who_was_is_listed_and_looked_up() {
    let station = Station::start(&[]);
    let room = station.room();
    let (ben, cleo) = (receiving(&room, "Ben"), receiving(&room, "Cleo"));
    let listed = |args: &[&str]| {
        let ended = as_user(&room, "Ann", &[&["people", "--json"], args].concat());
        ended.wait().expect(0).events()
    };
    let state = |events: &[serde_json::Value], name: &str| {
        let mut persons = events.iter().filter(|event| event["event"] == "person");
        let person = persons.find(|event| event["name"] == name && event["person"].is_string());
        let person = person.unwrap_or_else(|| panic!("{name} is listed: {events:?}"));
        let words = person["words"].as_str().unwrap().split(' ').count();
        assert_eq!(words, 8, "{person}");
        person["state"].as_str().unwrap().to_owned()
    };
    let events = listed(&[]);
    assert_eq!(state(&events, "Ben"), "here");
    assert_eq!(state(&events, "Cleo"), "here");
    ben.signal("INT");
    ben.wait().expect(130);
    assert_eq!(state(&listed(&["ben"]), "Ben"), "away");
    // Somebody who comes later is told by those who are there.
    let ended = as_user(&room, "Dora", &["people", "Ben"]).wait().expect(0);
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(said.starts_with("Ben: away"), "{said}");
    let unknown = as_user(&room, "Ann", &["people", "Nobody"])
        .wait()
        .expect(3);
    assert!(unknown.stderr.contains("Nobody"), "{}", unknown.stderr);
    drop(cleo);
}
