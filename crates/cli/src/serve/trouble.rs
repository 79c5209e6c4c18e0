//! Sentences about a station that does not start, and about its logins.

use std::io;
use std::path::Path;

use mqdrop_station::{Error, LineFault, NameFault, UserFault};

use crate::words;

/// The words for an error, and what to do about it.
pub(crate) fn sentence(error: &Error) -> String {
    let words = words();
    let shown = |path: &Path| path.display().to_string();
    match error {
        Error::OpenWithLogins => words.serve_open_with_logins().into(),
        Error::Exposed { option, address } => words.serve_exposed(option, &address.to_string()),
        Error::OutOfRange {
            option,
            value,
            range,
        } => {
            // As they are typed, so without separators.
            let [first, last, value] = [range.start(), range.end(), value].map(u64::to_string);
            words.serve_out_of_range(option, &first, &last, &value)
        }
        Error::User(fault) => user(fault),
        Error::HalfCertificate => words.serve_half_certificate().into(),
        Error::LoginsUnread { file, error } => words.login_unread(&shown(file), &error.to_string()),
        Error::LoginsTooLong(file) => words.login_too_long(&shown(file)),
        Error::LoginLine {
            file,
            line: number,
            fault,
        } => words.login_line(&shown(file), &number.to_string(), &line(fault)),
        Error::NoLogin(file) => words.login_none(&shown(file)),
        Error::Name(fault) => words.login_name_other(name(*fault)),
        Error::EmptyPassword => words.login_password_empty().into(),
        Error::LongPassword => words.login_password_too_long().into(),
        Error::Hash(error) => words.login_not_hashed(error),
        Error::NoCertificateFolder => words.serve_no_certificate_folder().into(),
        Error::CertificateNotKept { folder, error } => {
            words.serve_certificate_not_kept(&shown(folder), &error.to_string())
        }
        Error::CertificateNotMade(error) => words.serve_certificate_not_made(error),
        Error::KeyDamaged { file, error } => words.serve_key_damaged(&shown(file), error),
        Error::KeyNotMade(error) => words.serve_key_not_made(error),
        Error::NotCertificate { file, error } => words.serve_not_certificate(&shown(file), error),
        Error::NoCertificate(file) => words.serve_no_certificate(&shown(file)),
        Error::NotKey { file, error } => words.serve_not_key(&shown(file), error),
        Error::OtherKey {
            certificate,
            key,
            error,
        } => words.serve_other_key(&shown(key), error, &shown(certificate)),
        Error::NoTls(error) => words.serve_no_tls(error),
        Error::NotListening {
            address,
            option,
            error,
        } => {
            let (ip, place) = (address.ip().to_string(), address.to_string());
            match error.kind() {
                io::ErrorKind::AddrInUse => {
                    words.serve_port_taken(&address.port().to_string(), &ip, option)
                }
                io::ErrorKind::PermissionDenied => words.serve_port_not_allowed(&place, option),
                io::ErrorKind::AddrNotAvailable => words.serve_not_own_address(&ip, option),
                _ => words.serve_not_listening(&place, &error.to_string(), option),
            }
        }
        Error::NoOwnAddress(error) => words.serve_no_own_address(&error.to_string()),
        Error::Data { folder, error } => words.serve_data(&shown(folder), error),
        Error::App { index, error } => words.serve_app(&shown(index), &error.to_string()),
        Error::Broker(error) => words.serve_broker(error),
        // Only errors of later versions.
        other => other.to_string(),
    }
}

/// The fault of a user name, as a part of a sentence.
pub(crate) fn name(fault: NameFault) -> &'static str {
    match fault {
        NameFault::Empty => words().login_name_empty(),
        NameFault::TooLong => words().login_name_too_long(),
        NameFault::Letters => words().login_name_letters(),
        NameFault::Ends => words().login_name_ends(),
    }
}

fn user(fault: &UserFault) -> String {
    match fault {
        UserFault::NoColon => words().login_user_no_colon().into(),
        UserFault::Incomplete => words().login_user_incomplete().into(),
        UserFault::LongPassword => words().login_user_long_password().into(),
        UserFault::Name(fault) => words().login_user_name(name(*fault)),
        UserFault::Twice(name) => words().login_user_twice(name),
    }
}

fn line(fault: &LineFault) -> String {
    match fault {
        LineFault::NoColon => words().login_line_no_colon(),
        LineFault::Name(fault) => name(*fault),
        LineFault::NoHash => words().login_line_no_hash(),
        LineFault::OtherKind => words().login_line_other_kind(),
        LineFault::Incomplete => words().login_line_incomplete(),
        LineFault::Parameters => words().login_line_parameters(),
        LineFault::Heavy => words().login_line_heavy(),
        LineFault::Twice(name) => return words().login_line_twice(name),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn an_address_that_cannot_be_listened_on_is_told_with_the_option_that_changes_it() {
        let told = |kind: io::ErrorKind| {
            sentence(&Error::NotListening {
                address: ([192, 0, 2, 7], 80).into(),
                option: "--listen",
                error: kind.into(),
            })
        };
        for (kind, beginning) in [
            (io::ErrorKind::AddrInUse, "port 80 of 192.0.2.7 is taken"),
            (
                io::ErrorKind::PermissionDenied,
                "not allowed to listen on 192.0.2.7:80",
            ),
            (
                io::ErrorKind::AddrNotAvailable,
                "192.0.2.7 is not an address of this computer",
            ),
            (
                io::ErrorKind::OutOfMemory,
                "cannot listen on 192.0.2.7:80: out of memory",
            ),
        ] {
            let told = told(kind);
            assert!(told.starts_with(beginning), "{told}");
            assert!(told.ends_with("with --listen"), "{told}");
        }
    }

    #[test]
    fn numbers_are_told_as_they_are_typed() {
        let error = Error::OutOfRange {
            option: "--max-packet",
            value: 1023,
            range: 1024..=268_435_454,
        };
        assert_eq!(
            sentence(&error),
            "--max-packet takes a number from 1024 to 268435454, not 1023"
        );
    }

    #[test]
    fn a_line_of_logins_is_named_with_its_fault() {
        let error = Error::LoginLine {
            file: PathBuf::from("logins"),
            line: 3,
            fault: LineFault::Name(NameFault::Empty),
        };
        assert_eq!(
            sentence(&error),
            "logins, line 3: the name is empty; `mqdrop hash-password NAME` prints lines as they should be"
        );
    }
}
