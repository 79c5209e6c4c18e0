//! Notes of what is sent.

use std::time::{Duration, SystemTime};

use mqdrop_core::Entry;

use super::*;

fn entry(path: &str, size: u64) -> Entry {
    Entry {
        path: path.to_owned(),
        size,
        modified: Some(size),
        mime: String::new(),
    }
}

fn notes(state: &Path) -> PathBuf {
    state.join("mqdrop/sent")
}

#[test]
fn notes_are_found_again_with_what_they_are_about() {
    let state = folder();
    let sent = SentFolder::below(state.path());
    assert!(sent.take_up().unwrap().is_empty());
    let mut one = sent.create(id(1)).unwrap();
    one.note(b"first").unwrap();
    one.note(b"second").unwrap();
    let fingerprint = Fingerprint::of(&[entry("a", 1), entry("b", 2)]);
    one.set_fingerprint(&fingerprint).unwrap();
    // Without notes it is nothing.
    drop(sent.create(id(2)).unwrap());
    // In use.
    assert!(sent.take_up().unwrap().is_empty());
    drop(one);
    let mut found = sent.take_up().unwrap();
    let (mut one, noted, print) = found.pop().unwrap();
    assert!(found.is_empty());
    assert_eq!(
        (&noted[..], print),
        (&b"firstsecond"[..], Some(fingerprint))
    );
    one.cut(5).unwrap();
    one.note(b"!").unwrap();
    drop(one);
    assert_eq!(sent.take_up().unwrap()[0].1, b"first!");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&notes(state.path())), 0o700);
        let file = notes(state.path()).join(format!("{}.notes", id(1)));
        assert_eq!(mode(&file), 0o600);
    }
    sent.take_up().unwrap().pop().unwrap().0.discard();
    assert!(listing(state.path()).is_empty());
}

#[test]
fn old_notes_and_too_many_are_removed_but_none_in_use() {
    let state = folder();
    let sent = SentFolder::below(state.path());
    let old = SystemTime::now() - Duration::from_secs(31 * 24 * 3600);
    let age = |name: &str, time: SystemTime| {
        let path = notes(state.path()).join(name);
        let file = fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        file.set_len(1).unwrap();
        file.set_modified(time).unwrap();
    };
    let used = sent.create(id(1)).unwrap();
    age(&format!("{}.notes", id(1)), old);
    age("old.notes", old);
    for number in 0..150 {
        let time = SystemTime::now() - Duration::from_secs(number);
        age(&format!("n{number:03}.notes"), time);
    }
    drop(sent.create(id(2)).unwrap());
    let left = listing(&notes(state.path()));
    assert!(left.contains(&format!("{}.notes", id(1))), "{left:?}");
    assert!(left.contains(&"n098.notes".to_owned()), "{left:?}");
    assert!(!left.contains(&"old.notes".to_owned()) && !left.contains(&"n101.notes".to_owned()));
    drop(used);
}

#[test]
fn files_are_told_apart_by_path_length_and_time() {
    let of = |entries: &[Entry]| Fingerprint::of(entries);
    let (a, b) = (entry("a", 1), entry("b", 2));
    let one = of(&[a.clone(), b.clone()]);
    assert_eq!(one, of(&[b.clone(), a.clone()]));
    let later = Entry {
        modified: Some(9),
        ..a.clone()
    };
    for other in [
        of(std::slice::from_ref(&a)),
        of(&[entry("a", 3), b.clone()]),
        of(&[later, b]),
    ] {
        assert_ne!(one, other);
    }
}
