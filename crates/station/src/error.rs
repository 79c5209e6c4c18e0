//! Reasons why a station cannot run, as data.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// The reason that a station does not start. Its caller makes a sentence of it.
///
/// Options have the names that `mqdrop serve` gives them, and no password is ever repeated.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Everyone is let in, and a login is asked for.
    OpenWithLogins,
    /// Others can reach an address, and nobody has said who may.
    Exposed {
        /// The option of the address.
        option: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// A number is out of its range.
    OutOfRange {
        /// The number's option.
        option: &'static str,
        /// The number.
        value: u64,
        /// The numbers that it takes.
        range: RangeInclusive<u64>,
    },
    /// A login that was given as an option.
    User(UserFault),
    /// A certificate without its key, or a key without its certificate.
    HalfCertificate,
    /// The file of logins cannot be read.
    LoginsUnread {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The file of logins is longer than 16 MiB.
    LoginsTooLong(PathBuf),
    /// A line in the file of logins.
    LoginLine {
        /// The file.
        file: PathBuf,
        /// The line's number; the first is 1.
        line: usize,
        /// Its fault.
        fault: LineFault,
    },
    /// The file of logins has none.
    NoLogin(PathBuf),
    /// A name that is to be written into a file of logins.
    Name(NameFault),
    /// A password that is to be hashed is empty.
    EmptyPassword,
    /// A password that is to be hashed is longer than MQTT carries, 65,535 bytes.
    LongPassword,
    /// The system does not hash a password: what it says.
    Hash(String),
    /// There is no folder to keep a certificate in.
    NoCertificateFolder,
    /// A certificate cannot be kept in a folder.
    CertificateNotKept {
        /// The folder.
        folder: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// No certificate can be made: what is said of that.
    CertificateNotMade(String),
    /// The key of a certificate that the station made is damaged.
    KeyDamaged {
        /// Its file.
        file: PathBuf,
        /// The words of the library or the system for that.
        error: String,
    },
    /// No key can be made: what is said of that.
    KeyNotMade(String),
    /// A file is no certificate in PEM.
    NotCertificate {
        /// The file.
        file: PathBuf,
        /// The words of the library or the system for that.
        error: String,
    },
    /// A file of certificates has none.
    NoCertificate(PathBuf),
    /// A file is no private key in PEM.
    NotKey {
        /// The file.
        file: PathBuf,
        /// The words of the library or the system for that.
        error: String,
    },
    /// A key does not belong to its certificate.
    OtherKey {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The words of the library or the system for that.
        error: String,
    },
    /// TLS cannot be spoken: what is said of that.
    NoTls(String),
    /// An address cannot be listened on.
    NotListening {
        /// The address.
        address: SocketAddr,
        /// The address's option.
        option: &'static str,
        /// The reason.
        error: io::Error,
    },
    /// The system does not tell which port it gave.
    NoOwnAddress(io::Error),
    /// The folder for sessions and retained messages cannot be used.
    Data {
        /// The folder.
        folder: PathBuf,
        /// The words of the library or the system for that.
        error: String,
    },
    /// The app's folder has no `index.html` that can be read.
    App {
        /// The file that is missing.
        index: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The broker does not start: what it says.
    Broker(String),
}

/// A fault of a login that was given as an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserFault {
    /// There is no colon between name and password.
    NoColon,
    /// The name or the password is empty.
    Incomplete,
    /// The password is longer than MQTT carries, 65,535 bytes.
    LongPassword,
    /// The name cannot be used.
    Name(NameFault),
    /// The name was given before.
    Twice(String),
}

/// A fault of a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// It is empty.
    Empty,
    /// It is longer than MQTT carries, 65,535 bytes.
    TooLong,
    /// It has a colon or a control character.
    Letters,
    /// It begins with `#` or white space, or ends with white space.
    Ends,
}

/// A fault of a line in the file of logins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// There is no colon between name and hash.
    NoColon,
    /// The name cannot be used.
    Name(NameFault),
    /// The hash is no PHC string.
    NoHash,
    /// The hash is of another kind than argon2id.
    OtherKind,
    /// The hash lacks its salt or its value.
    Incomplete,
    /// The hash has parameters that make no sense.
    Parameters,
    /// Checking the hash takes more than 256 MiB or 32 passes.
    Heavy,
    /// The name stands in a line before.
    Twice(String),
}

/// The part of the surroundings that is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The options contradict each other, or one of them is out of range.
    Options,
    /// The file of logins cannot be read, or a password cannot be hashed.
    Logins,
    /// The certificate or its key cannot be used, made or kept.
    Certificate,
    /// An address or port cannot be listened on.
    Address,
    /// The folder for sessions and retained messages cannot be used.
    Data,
    /// The folder of the app cannot be read.
    App,
    /// The system refuses something else.
    System,
}

impl Error {
    /// The part that is at fault.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::OpenWithLogins
            | Self::Exposed { .. }
            | Self::OutOfRange { .. }
            | Self::User(_)
            | Self::HalfCertificate => Problem::Options,
            Self::LoginsUnread { .. }
            | Self::LoginsTooLong(_)
            | Self::LoginLine { .. }
            | Self::NoLogin(_)
            | Self::Name(_)
            | Self::EmptyPassword
            | Self::LongPassword
            | Self::Hash(_) => Problem::Logins,
            Self::NoCertificateFolder
            | Self::CertificateNotKept { .. }
            | Self::CertificateNotMade(_)
            | Self::KeyDamaged { .. }
            | Self::KeyNotMade(_)
            | Self::NotCertificate { .. }
            | Self::NoCertificate(_)
            | Self::NotKey { .. }
            | Self::OtherKey { .. }
            | Self::NoTls(_) => Problem::Certificate,
            Self::NotListening { .. } | Self::NoOwnAddress(_) => Problem::Address,
            Self::Data { .. } => Problem::Data,
            Self::App { .. } => Problem::App,
            Self::Broker(_) => Problem::System,
        }
    }
}

/// For logs. What people read is made of the parts.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Error {}
