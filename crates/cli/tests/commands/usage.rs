//! Command lines that are wrong: one line on stderr that says what to do, and exit code 2.

use crate::support::{Room, Run, program};

#[test]
fn what_is_missing_is_named() {
    let room = Room::new("mqtt://127.0.0.1:1".into());
    for (args, words) in [
        (&["send"][..], "say what to send"),
        (&["send", "--file-name", "x", "a.txt"], "give - as well"),
        (&["send", "-", "-"], "once only"),
        (&["receive"], "--yes"),
        (
            &["receive", "--yes", "--json", "--out", "-"],
            "--out FOLDER",
        ),
        (&["receive", "--yes", "--stay", "--out", "-"], "--stay"),
        (&["receive", "--yes", "http://station/"], "no key"),
        (
            &["receive", "--yes", "--broker", "nowhere"],
            "mqtt://nowhere",
        ),
        (&["receive", "--yes", "--rename", "--skip"], "--skip"),
        (&["receive", "--yes", "--timeout", "soon"], "seconds"),
        (&["receive", "--yes", "--keep-alive", "4"], "5..=65535"),
        (&["receive", "--yes", "--cert", "x"], "--cert-key"),
        (&["receive", "--yes", "--prefix", "A/#"], "prefix"),
        (&["send", "--receivers", "0", "a.txt"], "receivers"),
        (&["people", "--mute"], "one person"),
        (&["people", "Ann", "Ben"], "one person"),
        (&["people", "Ann", "--verify"], "--yes"),
        (&["people", "Ann", "--mute", "--unmute"], "--unmute"),
        (&["people", "Ann", "--mute", "--yes"], "--yes"),
        (&["people", "Ann", "--yes"], "--verify"),
    ] {
        let ended = room.run(args).wait().expect(2);
        assert!(ended.stderr.contains(words), "{args:?}: {}", ended.stderr);
        assert_eq!(
            ended.stderr.lines().count(),
            1,
            "{args:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn without_key_and_broker_it_is_said_which_variables_to_set() {
    let ended = Run::start(program().args(["receive", "--yes"]))
        .wait()
        .expect(2);
    assert!(ended.stderr.contains("MQDROP_BROKER"), "{}", ended.stderr);
    let mut command = program();
    let command = command.args(["receive", "--yes", "--broker", "mqtt://127.0.0.1:1"]);
    let ended = Run::start(command).wait().expect(2);
    assert!(ended.stderr.contains("MQDROP_KEY"), "{}", ended.stderr);
}

#[test]
fn events_tell_of_a_usage_error_as_well() {
    let room = Room::new("nowhere".into());
    let ended = room.run(&["receive", "--yes", "--json"]).wait().expect(2);
    let events = ended.events();
    assert_eq!(
        (&events[0]["event"], &events[0]["code"]),
        (&"error".into(), &2.into())
    );
    assert_eq!(events.len(), 1);
}

#[test]
fn what_is_not_safe_is_warned_of() {
    let room = Room::new("mqtt://127.0.0.1:1".into());
    let run = room.run(&["receive", "--yes", "--key", "blue", "--insecure"]);
    run.until_said("others on this computer can see --key");
    run.until_said("certificate");
}
