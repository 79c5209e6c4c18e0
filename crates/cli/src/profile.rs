//! The user's profile, and the persons of rooms as far as it knows them, in the user's folder for state.
//! Without that folder each command is another person, who knows nobody.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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
const MAX_PEOPLE: u64 = 1024 * 1024;

/// After so long without a visit a room's persons are forgotten.
const KEPT_FOR: Duration = Duration::from_hours(180 * 24);

/// The profile, which is made now if there is none; `secret` is then its own. A name that it did not have
/// before is chosen now.
pub(crate) fn load(name: &str, secret: [u8; 32]) -> Profile {
    load_at(state::folder().as_deref(), name, secret, now())
}

fn load_at(folder: Option<&Path>, name: &str, secret: [u8; 32], now: u64) -> Profile {
    let made = Profile {
        secret,
        name: mqdrop_core::device_name(name),
        named: now,
    };
    let Some(folder) = folder else { return made };
    let _lock = lock(folder);
    let file = folder.join(FILE);
    let kept = match read(&file, MAX_PROFILE) {
        Ok(text) => from_text(&String::from_utf8_lossy(&text)),
        // One that cannot be read now is not overwritten: who it is would be lost for ever.
        Err(_) => return made,
    };
    let profile = match kept {
        Some(kept) if kept.name == made.name => return kept,
        Some(kept) => made.in_place_of(&kept),
        None => made,
    };
    // Without it the next command is another person.
    let _ = write(&file, to_text(&profile).as_bytes());
    profile
}

/// The record of a room's persons; empty if there is none.
pub(crate) fn people(room: &str) -> Vec<u8> {
    let file = people_file(state::folder().as_deref(), room);
    file.and_then(|file| read(&file, MAX_PEOPLE).ok())
        .unwrap_or_default()
}

/// Keeps the record of a room's persons, together with what other commands found out meanwhile.
///
/// # Errors
/// Those of the system, and if there is no folder for state. Who was only met is met again; what the
/// user decided is lost.
pub(crate) fn keep_people(room: &str, record: &[u8]) -> io::Result<()> {
    keep_people_at(state::folder().as_deref(), room, record)
}

fn keep_people_at(folder: Option<&Path>, room: &str, record: &[u8]) -> io::Result<()> {
    let file = people_file(folder, room);
    let (folder, file) = folder.zip(file).ok_or(io::ErrorKind::NotFound)?;
    let _lock = lock(folder);
    let before = read(&file, MAX_PEOPLE)?;
    write(&file, &merge_people(&before, record))?;
    sweep(&folder.join(PEOPLE));
    Ok(())
}

/// Forgets the persons of rooms that were not visited for long.
fn sweep(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let kept = entry.metadata().and_then(|it| it.modified());
        let is_old = kept.is_ok_and(|kept| kept.elapsed().is_ok_and(|kept| kept > KEPT_FOR));
        if is_old {
            let _ = std::fs::remove_file(entry.path());
        }
    }
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

/// The beginning of a file; nothing if it is not there.
fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(file) {
        Ok(file) => file.take(most).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
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
    fn a_profile_that_cannot_be_read_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        // Reading a folder fails, whoever does it.
        std::fs::create_dir(folder.path().join(FILE)).unwrap();
        assert_eq!(
            load_at(Some(folder.path()), "Ann", [7; 32], 5).secret,
            [7; 32]
        );
        assert!(folder.path().join(FILE).is_dir());
    }

    #[test]
    fn a_name_that_is_too_long_is_shortened_before_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let long = "é".repeat(5000);
        let first = load_at(Some(folder.path()), &long, [7; 32], 5);
        let again = load_at(Some(folder.path()), &long, [8; 32], 6);
        assert_eq!((again.secret, again.named), ([7; 32], 5));
        assert_eq!(again.name, first.name);
        // A clock that was wrong once does not keep the name for ever.
        let renamed = load_at(Some(folder.path()), "Ann", [9; 32], 1);
        assert_eq!((renamed.secret, renamed.named), ([7; 32], 6));
    }

    #[test]
    fn rooms_that_were_not_visited_for_long_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let at = Some(folder.path());
        keep_people_at(at, "old", b"").unwrap();
        let old = people_file(at, "old").unwrap();
        let then = SystemTime::now() - KEPT_FOR - Duration::from_secs(60);
        File::options()
            .append(true)
            .open(&old)
            .unwrap()
            .set_modified(then)
            .unwrap();
        keep_people_at(at, "new", b"").unwrap();
        assert!(!old.exists() && people_file(at, "new").unwrap().exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        load_at(Some(folder.path()), "Ann", [7; 32], 5);
        keep_people_at(Some(folder.path()), "room", b"").unwrap();
        for file in [PathBuf::from(FILE), Path::new(PEOPLE).join("room")] {
            let mode = folder.path().join(file).metadata().unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
    }
}
