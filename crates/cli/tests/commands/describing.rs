//! What the program says of itself.

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
