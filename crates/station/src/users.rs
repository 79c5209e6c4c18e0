//! The file of logins: a line `name:hash` for each, as [`line()`] makes them.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, Problem};

/// MQTT's limit for a user name and for a password, in bytes (both are preceded by a two-byte
/// length; OASIS MQTT 5.0, section 1.5.4).
pub const LONGEST_PART: usize = 65_535;
/// The longest file, in bytes.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;
/// The most memory that one hash may ask for, in KiB: two are computed at the same time.
const MOST_MEMORY: u32 = 256 * 1024;
/// The most work that one hash may ask for, in passes over its memory.
const MOST_PASSES: u32 = 32;

/// Reads the logins in a file. Empty lines and lines that begin with `#` do not count.
///
/// # Errors
/// Names the line that is wrong, without repeating it.
pub(crate) fn read(path: &Path) -> Result<HashMap<String, PasswordHash>, Error> {
    let name = path.display();
    let cannot = |error: &dyn std::fmt::Display| {
        Error::new(
            Problem::Logins,
            format!("cannot read {name}: {error}; give a text file with logins with --users"),
        )
    };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST_FILE + 1).read_to_string(&mut text))
        .map_err(|error| cannot(&error))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST_FILE) {
        return Err(cannot(&"it is longer than 16 MiB"));
    }
    let logins = parse(&text).map_err(|(line, what)| {
        Error::new(Problem::Logins, format!(
            "{name}, line {line}: {what}; `mqdrop hash-password NAME` prints lines as they should be"
        ))
    })?;
    if logins.is_empty() {
        return Err(Error::new(
            Problem::Logins,
            format!("{name} has no login; add lines that `mqdrop hash-password NAME` prints"),
        ));
    }
    Ok(logins)
}

/// The line of a login: its name and a hash of its password.
///
/// # Errors
/// When the name or the password cannot be used, or the system gives no random numbers or no memory.
pub fn line(name: &str, password: &str) -> Result<String, Error> {
    if let Some(what) = fault_of_name(name) {
        return Err(Error::new(
            Problem::Logins,
            format!("{what}; choose another name"),
        ));
    }
    if password.is_empty() {
        return Err(Error::new(
            Problem::Logins,
            "the password is empty; type one",
        ));
    }
    if password.len() > LONGEST_PART {
        return Err(Error::new(
            Problem::Logins,
            "MQTT carries passwords of up to 65,535 bytes; use a shorter one",
        ));
    }
    Ok(format!("{name}:{}", hash(password.as_bytes())?))
}

/// Hashes a password with Argon2id, a random salt, 19 MiB and two passes, as OWASP recommends.
///
/// # Errors
/// When the system gives no random numbers or no memory.
pub(crate) fn hash(password: &[u8]) -> Result<PasswordHash, Error> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
        .hash_password(password)
        .map_err(|error| {
            Error::new(
                Problem::Logins,
                format!("cannot hash the password: {error}; try again"),
            )
        })
}

/// The fault of a user name, if it has one.
#[must_use]
pub fn fault_of_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("the name is empty")
    } else if name.len() > LONGEST_PART {
        Some("the name is longer than MQTT allows, 65,535 bytes")
    } else if name.contains(':') || name.chars().any(char::is_control) {
        Some("a name cannot contain colons or control characters")
    } else if name.starts_with('#') || name.trim() != name {
        Some("a name cannot begin with # or white space, nor end with it")
    } else {
        None
    }
}

type Fault = (usize, String);

fn parse(text: &str) -> Result<HashMap<String, PasswordHash>, Fault> {
    let mut logins: HashMap<String, PasswordHash> = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |what: &str| (number, what.to_owned());
        let (name, hash) = line
            .split_once(':')
            .ok_or_else(|| fault("there is no colon between a name and a hash"))?;
        if let Some(what) = fault_of_name(name) {
            return Err(fault(what));
        }
        let hash = parse_hash(hash).map_err(fault)?;
        if logins.insert(name.to_owned(), hash).is_some() {
            return Err((number, format!("the name {name:?} is there twice")));
        }
    }
    Ok(logins)
}

fn parse_hash(text: &str) -> Result<PasswordHash, &'static str> {
    let hash = PasswordHash::new(text)
        .map_err(|_| "what follows the name is no hash as a PHC string, $argon2id$…")?;
    if hash.algorithm != argon2::ARGON2ID_IDENT {
        return Err("the hash is not of the kind argon2id");
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("the hash is incomplete");
    }
    let params = Params::try_from(&hash).map_err(|_| "the hash's parameters make no sense")?;
    if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES {
        return Err("checking the hash takes more than 256 MiB or 32 passes");
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY$yM1cYxwxXZ8zUwXnDdGmqlPRVzLgVmRYZ8gX1jCL5Zk";

    #[test]
    fn comments_empty_lines_and_windows_line_ends_are_fine() {
        let text = format!("# who may in\r\n\r\nann:{GOOD}\r\nthe other one:{GOOD}\n");
        let logins = parse(&text).unwrap();
        assert_eq!(logins.len(), 2);
        assert!(logins.contains_key("ann") && logins.contains_key("the other one"));
    }

    #[test]
    fn faults_name_their_line_and_nothing_secret() {
        let heavy = GOOD.replace("m=64", "m=1048576");
        let other = GOOD.replace("argon2id", "argon2i");
        let incomplete = GOOD.rsplit_once('$').unwrap().0;
        for (line, words) in [
            ("ann".to_owned(), "colon"),
            ("ann:secret".to_owned(), "PHC"),
            (format!(":{GOOD}"), "name is empty"),
            (format!(" ann:{GOOD}"), "white space"),
            (format!("ann:{heavy}"), "256 MiB"),
            (format!("ann:{other}"), "argon2id"),
            (format!("ann:{incomplete}"), "incomplete"),
            (format!("first:{GOOD}"), "twice"),
        ] {
            let text = format!("first:{GOOD}\n\n{line}\n");
            let (number, what) = parse(&text).unwrap_err();
            assert_eq!(number, 3, "{line}");
            assert!(what.contains(words) && !what.contains("secret"), "{what}");
        }
    }

    #[test]
    fn every_hash_has_its_own_salt() {
        let (first, second) = (hash(b"secret").unwrap(), hash(b"secret").unwrap());
        assert!(
            first
                .to_string()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        assert_ne!(first.salt, second.salt);
    }

    #[test]
    fn a_line_is_read_back_and_has_no_part_that_cannot_be_used() {
        let text = line("ann", "se cret").unwrap();
        assert!(parse(&text).unwrap().contains_key("ann") && !text.contains("cret"));
        let long = "x".repeat(LONGEST_PART + 1);
        for (name, password) in [
            ("", "secret"),
            ("a:b", "secret"),
            ("ann", ""),
            ("ann", &long),
        ] {
            let error = line(name, password).unwrap_err();
            assert_eq!(error.problem(), Problem::Logins, "{name}");
        }
    }
}
