//! Persons: looked up, and sent to alone.

use std::process::Command;

use crate::support::{Room, Run, Station, content, names};

/// Runs a command as a user of this name, with a home of that user's own.
fn as_user(room: &Room, name: &str, args: &[&str]) -> Run {
    Run::start(at_home(room, &mut room.command(args), name).args(["--name", name]))
}

/// Gives a command the home of a user.
fn at_home<'a>(room: &Room, command: &'a mut Command, user: &str) -> &'a mut Command {
    for variable in ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(variable, room.path(&format!("home of {user}")));
    }
    command
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

/// The event of a person in what was listed.
fn person<'a>(events: &'a [serde_json::Value], name: &str) -> &'a serde_json::Value {
    let mut persons = events.iter().filter(|event| event["event"] == "person");
    let person = persons.rfind(|event| event["name"] == name && event["person"].is_string());
    person.unwrap_or_else(|| panic!("{name} is listed: {events:?}"))
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
        let person = person(events, name);
        let words = person["words"].as_str().unwrap().split(' ').count();
        assert_eq!(words, 8, "{person}");
        person["state"].as_str().unwrap().to_owned()
    };
    let events = listed(&[]);
    // The user comes first, as others have to compare words with somebody.
    let first = events.iter().find(|event| event["person"].is_string());
    assert_eq!(first.map(|me| &me["name"]), Some(&"Ann".into()));
    assert_eq!(state(&events, "Ann"), "you");
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

#[test]
fn what_is_decided_about_a_person_is_kept() {
    let station = Station::start(&[]);
    let room = station.room();
    let ben = receiving(&room, "Ben");
    let people = |args: &[&str], code: i32| {
        let args = [&["people", "--json", "--wait", "1"], args].concat();
        as_user(&room, "Ann", &args).wait().expect(code).events()
    };
    let marks = |events: &[serde_json::Value]| {
        let ben = person(events, "Ben");
        [&ben["verified"], &ben["muted"]].map(|it| it.as_bool().unwrap())
    };
    let verified = people(&["ben", "--verify", "--yes"], 0);
    // Both rows of words are there.
    let own = person(&verified, "Ann");
    assert_eq!(own["state"], "you");
    assert_eq!(marks(&verified), [true, false]);
    assert_eq!(marks(&people(&[], 0)), [true, false]);
    let words = person(&verified, "Ben")["words"].as_str().unwrap();
    assert_eq!(marks(&people(&[words, "--mute"], 0)), [true, true]);
    let id = person(&verified, "Ben")["person"].as_str().unwrap();
    assert_eq!(marks(&people(&[id, "--not-verified"], 0)), [false, true]);
    assert_eq!(marks(&people(&["Ben"], 0)), [false, true]);
    // Nothing goes to a person who is muted.
    room.file("a.txt", "a");
    let sent = as_user(&room, "Ann", &["send", "--to", "Ben", "a.txt"]);
    let ended = sent.wait().expect(2);
    assert!(ended.stderr.contains("--unmute"), "{}", ended.stderr);
    assert_eq!(marks(&people(&["Ben", "--unmute"], 0)), [false, false]);
    assert_eq!(marks(&people(&["Ben"], 0)), [false, false]);
    people(&["Dora", "--mute"], 3);
    drop(ben);
}

#[test]
fn a_decision_that_cannot_be_kept_is_a_failure() {
    let station = Station::start(&[]);
    let room = station.room();
    let ben = receiving(&room, "Ben");
    // A file stands in the place of the user's folders.
    let home = room.file("home of Ann", "");
    let args = ["people", "Ben", "--mute", "--wait", "1"];
    let ended = as_user(&room, "Ann", &args).wait().expect(5);
    assert!(
        ended.stderr.contains("could not be kept"),
        "{}",
        ended.stderr
    );
    assert_eq!(content(home), b"");
    drop(ben);
}

#[test]
fn persons_of_one_name_are_told_apart_by_id_or_words() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "for one");
    let named_ben = |home: &str| {
        let inbox = room.inbox(&format!("inbox of {home}"));
        let args = ["receive", "--yes", "--json", "--stay", "--name", "Ben"];
        let mut command = room.command(&args);
        let run = Run::start(at_home(&room, &mut command, home).arg("--out").arg(inbox));
        run.until("online", |_| true);
        run
    };
    let (one, other) = (named_ben("one"), named_ben("other"));
    let people = |args: &[&str], code: i32| {
        let args = [&["people", "--json", "--wait", "1"], args].concat();
        as_user(&room, "Ann", &args).wait().expect(code)
    };
    let events = people(&["Ben"], 0).events();
    let ids = events.iter().filter_map(|event| event["person"].as_str());
    let ids: Vec<&str> = ids.collect();
    assert_eq!(ids.len(), 2, "{events:?}");
    let refused = people(&["Ben", "--verify", "--yes"], 2).stderr;
    assert!(ids.iter().all(|id| refused.contains(id)), "{refused}");
    // Two whom the user knows for sure have the same claim to the name.
    for id in &ids {
        people(&[id, "--verify", "--yes"], 0);
    }
    let sent = as_user(&room, "Ann", &["send", "--to", "Ben", "a.txt"]);
    let refused = sent.wait().expect(2).stderr;
    assert!(refused.contains("Several are called Ben"), "{refused}");
    assert!(ids.iter().all(|id| refused.contains(id)), "{refused}");
    let args = ["send", "--json", "--to", ids[1], "a.txt"];
    let events = as_user(&room, "Ann", &args).wait().expect(0).events();
    let to = events.iter().find(|event| event["event"] == "to").unwrap();
    assert_eq!(
        (&to["person"], &to["told"]),
        (&ids[1].into(), &false.into())
    );
    assert_eq!(to["words"].as_str().unwrap().split(' ').count(), 8);
    let offer = events.iter().find(|event| event["event"] == "offer");
    assert_eq!(offer.unwrap()["to"], serde_json::json!([ids[1]]));
    let got = ["one", "other"].map(|home| names(&room.path(&format!("inbox of {home}"))).len());
    assert_eq!(got.iter().sum::<usize>(), 1);
    drop((one, other));
}

#[test]
fn a_person_who_is_known_from_others_alone_is_sent_to_with_a_word_about_that() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "for Ben");
    let ben = receiving(&room, "Ben");
    let cleo = receiving(&room, "Cleo");
    cleo.until("person", |event| event["name"] == "Ben");
    ben.signal("INT");
    ben.wait().expect(130);
    let sent = as_user(&room, "Ann", &["send", "--to", "Ben", "a.txt"]);
    sent.until_said("others in the room speak of this person");
    sent.until_said("Sending \"a.txt\" (7 bytes) to Ben");
    let ben = receiving(&room, "Ben");
    ben.until("saved", |event| is_at(event, "a.txt"));
    sent.wait().expect(0);
    assert!(names(&room.path("inbox of Cleo")).is_empty());
}

#[test]
fn whoever_opens_a_link_knows_that_it_is_its_makers() {
    let station = Station::start(&[]);
    let room = Room::new(format!("ws://localhost:{}/mqtt", station.web));
    room.file("a.txt", "a");
    let mut command = room.command(&["send", "--json", "--stay", "--name", "Ann", "a.txt"]);
    let command = at_home(&room, &mut command, "Ann").env_remove("MQDROP_KEY");
    let sender = Run::start(command);
    let made = sender.until("room", |_| true);
    let link = made["link"].as_str().unwrap();
    sender.until("offer", |_| true);
    let mut command = room.command(&["people", "--json", "--name", "Ben", link]);
    let command = at_home(&room, &mut command, "Ben").env_remove("MQDROP_KEY");
    let events = Run::start(command).wait().expect(0).events();
    assert_eq!(person(&events, "Ann")["verified"], true);
    // The user decides otherwise, and the link changes nothing any more.
    for (args, verified) in [(&["Ann", "--not-verified"][..], false), (&[], false)] {
        let args = [&["people", "--json", "--name", "Ben", link], args].concat();
        let mut command = room.command(&args);
        let command = at_home(&room, &mut command, "Ben").env_remove("MQDROP_KEY");
        let events = Run::start(command).wait().expect(0).events();
        assert_eq!(person(&events, "Ann")["verified"], verified);
    }
}
