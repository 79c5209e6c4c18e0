//! The user's profile, and the persons of rooms as far as it knows them, in the user's folder for state.
//! Without that folder each command is another person, who knows nobody.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mqdrop_core::{Profile, merge_people};

use crate::state;

/// The profile's file: its secret in hexadecimal, when the name was chosen (ms since 1970), and the name.
const FILE: &str = "profile";
/// The folder with a file for each room, named as the room is in topics.
const PEOPLE: &str = "people";
/// Held while a file is read and written again: other commands do the same.
const LOCK: &str = "profile.lock";

/// Bytes of the profile's file that are read at most.
const MAX_PROFILE: u64 = 4096;
/// Bytes of a room's file that are read at most.
const MAX_PEOPLE: u64 = 512 * 1024;

/// The profile, which is made now if there is none; `secret` is then its own. A name that it did not have
/// before is chosen now.
pub(crate) fn load(name: &str, secret: [u8; 32]) -> Profile {
    load_at(state::folder().as_deref(), name, secret, now())
}

fn load_at(folder: Option<&Path>, name: &str, secret: [u8; 32], now: u64) -> Profile {
    let made = Profile {
        secret,
        name: name.to_owned(),
        named: now,
    };
    let Some(folder) = folder else { return made };
    let _lock = lock(folder);
    let file = folder.join(FILE);
    let kept = read(&file, MAX_PROFILE).and_then(|text| from_text(&String::from_utf8(text).ok()?));
    let profile = match kept {
        Some(kept) if kept.name == name => return kept,
        Some(kept) => Profile {
            secret: kept.secret,
            ..made
        },
        None => made,
    };
    // Without it the next command is another person.
    let _ = write(&file, to_text(&profile).as_bytes());
    profile
}

/// The record of a room's persons; empty if there is none.
pub(crate) fn people(room: &str) -> Vec<u8> {
    let file = people_file(state::folder().as_deref(), room);
    file.and_then(|file| read(&file, MAX_PEOPLE))
        .unwrap_or_default()
}

/// Keeps the record of a room's persons, together with what other commands found out meanwhile.
pub(crate) fn keep_people(room: &str, record: &[u8]) {
    keep_people_at(state::folder().as_deref(), room, record);
}

fn keep_people_at(folder: Option<&Path>, room: &str, record: &[u8]) {
    let Some((folder, file)) = folder.zip(people_file(folder, room)) else {
        return;
    };
    let _lock = lock(folder);
    let merged = match read(&file, MAX_PEOPLE) {
        Some(before) => merge_people(&before, record),
        None => record.to_vec(),
    };
    // They are met again.
    let _ = write(&file, &merged);
}

fn people_file(folder: Option<&Path>, room: &str) -> Option<PathBuf> {
    Some(folder?.join(PEOPLE).join(room))
}

/// Held until it is dropped; without one the last writer wins.
fn lock(folder: &Path) -> Option<File> {
    state::make(folder).ok()?;
    let file = File::create(folder.join(LOCK)).ok()?;
    file.lock().ok()?;
    Some(file)
}

fn read(file: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)
        .ok()?
        .take(most)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// Writes a file that only its user can read, whole or not at all.
fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    state::make(folder)?;
    // Of mode 0600 from the beginning.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.persist(file)?;
    Ok(())
}

fn to_text(profile: &Profile) -> String {
    let secret: String = profile
        .secret
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{secret} {} {}\n", profile.named, profile.name)
}

fn from_text(text: &str) -> Option<Profile> {
    let mut parts = text.trim_end_matches('\n').splitn(3, ' ');
    let (hex, named, name) = (parts.next()?, parts.next()?, parts.next()?);
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut secret = [0; 32];
    for (byte, at) in secret.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(Profile {
        secret,
        name: name.to_owned(),
        named: named.parse().ok()?,
    })
}

/// Milliseconds since 1970, by the system's clock.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since
        .ok()
        .and_then(|since| since.as_millis().try_into().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_the_same_person_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name, secret, now| load_at(Some(folder.path()), name, [secret; 32], now);
        let first = at("Ann at home", 1, 100);
        assert_eq!((first.secret, first.named), ([1; 32], 100));
        let again = at("Ann at home", 2, 200);
        assert_eq!((again.secret, again.named), ([1; 32], 100));
        let renamed = at("Anna", 3, 300);
        assert_eq!((renamed.secret, renamed.named), ([1; 32], 300));
    }

    #[test]
    fn a_profile_that_is_damaged_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        for damaged in ["", "abc", "é".repeat(32).as_str(), &"0".repeat(64)] {
            std::fs::write(folder.path().join(FILE), damaged).unwrap();
            let made = load_at(Some(folder.path()), "Ann", [7; 32], 5);
            assert_eq!((made.secret, made.named), ([7; 32], 5), "{damaged:?}");
        }
        assert_eq!(load_at(None, "Ann", [8; 32], 5).secret, [8; 32]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        load_at(Some(folder.path()), "Ann", [7; 32], 5);
        keep_people_at(Some(folder.path()), "room", b"");
        for file in [PathBuf::from(FILE), Path::new(PEOPLE).join("room")] {
            let mode = folder.path().join(file).metadata().unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
    }
}
