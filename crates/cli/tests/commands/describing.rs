//! Tests of what the program says of itself.

use crate::support::{Run, program};

#[test]
fn shells_and_the_manual_are_told_all_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = Run::start(program().args(["completions", shell]))
            .wait()
            .expect(0);
        let script = String::from_utf8(ended.stdout).unwrap();
        for word in ["send", "receive", "serve", "receivers"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let ended = Run::start(program().arg("man")).wait().expect(0);
    let manual = String::from_utf8(ended.stdout).unwrap();
    for command in ["send", "receive", "serve", "completions", "man"] {
        assert!(
            manual.contains(&format!(".TH mqdrop-{command} ")),
            "{command}"
        );
    }
}

#[test]
fn the_manual_is_written_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    Run::start(program().args(["man", "--out", out]))
        .wait()
        .expect(0);
    let names = crate::support::names(folder.path());
    for name in ["mqdrop.1", "mqdrop-send.1", "mqdrop-receive.1"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    let missing = folder.path().join("missing");
    let ended = Run::start(program().arg("man").arg("--out").arg(&missing))
        .wait()
        .expect(5);
    assert!(ended.stderr.contains("missing"), "{}", ended.stderr);
}

#[test]
fn help_names_every_command() {
    let ended = Run::start(program().arg("--help")).wait().expect(0);
    let help = String::from_utf8(ended.stdout).unwrap();
    for command in [
        "send",
        "receive",
        "serve",
        "hash-password",
        "completions",
        "man",
    ] {
        assert!(help.contains(command), "{command}");
    }
}

#[test]
fn what_is_done_is_logged_if_that_is_asked_for_and_names_nobody() {
    let station = crate::support::Station::start(&[]);
    let room = station.room();
    let path = room.file("holiday.jpg", "jpg");
    let path = path.to_str().unwrap();
    let sender = room.run(&["send", "-v", "--stay", "--name", "Ann", path]);
    let inbox = room.inbox("inbox");
    let quiet = room.receive(&inbox, &["--name", "Ben", "--stay"]);
    // Those who come and go are told a few times a second at most.
    sender.until_said("peers number=1");
    sender.until_said("state=done");
    for run in [&sender, &quiet] {
        run.signal("INT");
    }
    let said = sender.wait().expect(130).stderr;
    let quiet = quiet.wait().expect(130);
    assert!(said.contains("connections=1 opened=1 "), "{said}");
    let is_logged = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_digit());
    let log: Vec<&str> = said.lines().filter(is_logged).collect();
    for part in [
        "connect",
        "open compresses=no",
        "status state=online protocol=MQTT_5",
        "peers number=1",
        "state=done bytes=3 of=3 files=1 receivers=1",
        "close",
    ] {
        assert!(log.iter().any(|line| line.contains(part)), "{part}: {said}");
    }
    for secret in [&room.key[..], "holiday", "Ann", "Ben", "127.0.0.1"] {
        assert!(!log.iter().any(|line| line.contains(secret)), "{said}");
    }
    assert_eq!(quiet.stderr.lines().filter(is_logged).count(), 0);
}
