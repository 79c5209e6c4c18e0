//! The file of logins: a line `name:hash` for each, as [`line()`] makes them.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, LineFault, NameFault};

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
    let file = path.to_owned();
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(LONGEST_FILE + 1).read_to_string(&mut text));
    if let Err(error) = read {
        return Err(Error::LoginsUnread { file, error });
    }
    if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST_FILE) {
        return Err(Error::LoginsTooLong(file));
    }
    match parse(&text) {
        Ok(logins) if logins.is_empty() => Err(Error::NoLogin(file)),
        Ok(logins) => Ok(logins),
        Err((line, fault)) => Err(Error::LoginLine { file, line, fault }),
    }
}

/// The line of a login: its name and a hash of its password.
///
/// # Errors
/// When the name or the password cannot be used, or the system gives no random numbers or no memory.
pub fn line(name: &str, password: &str) -> Result<String, Error> {
    if let Some(fault) = fault_of_name(name) {
        return Err(Error::Name(fault));
    }
    if password.is_empty() {
        return Err(Error::EmptyPassword);
    }
    if password.len() > LONGEST_PART {
        return Err(Error::LongPassword);
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
        .map_err(|error| Error::Hash(error.to_string()))
}

/// The fault of a user name, if it has one.
#[must_use]
pub fn fault_of_name(name: &str) -> Option<NameFault> {
    if name.is_empty() {
        Some(NameFault::Empty)
    } else if name.len() > LONGEST_PART {
        Some(NameFault::TooLong)
    } else if name.contains(':') || name.chars().any(char::is_control) {
        Some(NameFault::Letters)
    } else if name.starts_with('#') || name.trim() != name {
        Some(NameFault::Ends)
    } else {
        None
    }
}

fn parse(text: &str) -> Result<HashMap<String, PasswordHash>, (usize, LineFault)> {
    let mut logins: HashMap<String, PasswordHash> = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |fault| (index + 1, fault);
        let (name, hash) = line
            .split_once(':')
            .ok_or_else(|| fault(LineFault::NoColon))?;
        if let Some(of_name) = fault_of_name(name) {
            return Err(fault(LineFault::Name(of_name)));
        }
        let hash = parse_hash(hash).map_err(fault)?;
        if logins.insert(name.to_owned(), hash).is_some() {
            return Err(fault(LineFault::Twice(name.to_owned())));
        }
    }
    Ok(logins)
}

fn parse_hash(text: &str) -> Result<PasswordHash, LineFault> {
    let hash = PasswordHash::new(text).map_err(|_| LineFault::NoHash)?;
    if hash.algorithm != argon2::ARGON2ID_IDENT {
        return Err(LineFault::OtherKind);
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(LineFault::Incomplete);
    }
    let params = Params::try_from(&hash).map_err(|_| LineFault::Parameters)?;
    if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES {
        return Err(LineFault::Heavy);
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
    fn faults_have_the_number_of_their_line() {
        let heavy = GOOD.replace("m=64", "m=1048576");
        let other = GOOD.replace("argon2id", "argon2i");
        let incomplete = GOOD.rsplit_once('$').unwrap().0;
        for (line, fault) in [
            ("ann".to_owned(), LineFault::NoColon),
            ("ann:secret".to_owned(), LineFault::NoHash),
            (format!(":{GOOD}"), LineFault::Name(NameFault::Empty)),
            (format!(" ann:{GOOD}"), LineFault::Name(NameFault::Ends)),
            (format!("ann:{heavy}"), LineFault::Heavy),
            (format!("ann:{other}"), LineFault::OtherKind),
            (format!("ann:{incomplete}"), LineFault::Incomplete),
            (
                format!("first:{GOOD}"),
                LineFault::Twice("first".to_owned()),
            ),
        ] {
            let text = format!("first:{GOOD}\n\n{line}\n");
            assert_eq!(parse(&text).unwrap_err(), (3, fault), "{line}");
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
            assert_eq!(error.problem(), crate::Problem::Logins, "{name}");
        }
    }
}
