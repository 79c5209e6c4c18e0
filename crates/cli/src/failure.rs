//! Reasons to end early: one line for a person, and an exit code.

use std::process::ExitCode;

use mqdrop_station::{Error, Problem};

use crate::say::clean;
use crate::serve::trouble;

/// An error that ends the program. Its text says what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Anything that is none of the others; exit code 1.
    #[error("{0}")]
    Other(String),
    /// The command line is wrong; exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Nobody came in time; exit code 3.
    #[error("{0}")]
    Nobody(String),
    /// Somebody declined or cancelled it; exit code 4.
    #[error("{0}")]
    Refused(String),
    /// This device's storage takes no more, or fails; exit code 5.
    #[error("{0}")]
    Storage(String),
    /// The broker cannot be reached or does not let this device in; exit code 6.
    #[error("{0}")]
    Broker(String),
    /// The content that arrived is not the one that was sent; exit code 7.
    #[error("{0}")]
    Integrity(String),
    /// Ctrl-C; exit code 130.
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    /// A failure of the command line.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// A failure of the surroundings: ports, folders, the network.
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::Nobody(_) => 3,
            Self::Refused(_) => 4,
            Self::Storage(_) => 5,
            Self::Broker(_) => 6,
            Self::Integrity(_) => 7,
            // 128 and the number of SIGINT, as shells have it.
            Self::Interrupted(_) => 130,
        }
    }

    /// Prints the line to stderr and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        warn(&self.to_string());
        ExitCode::from(self.code())
    }
}

/// Prints a line to stderr, in the program's name.
pub(crate) fn warn(text: &str) {
    // One line, whatever an underlying error or a peer's name contained.
    eprintln!("mqdrop: {}", clean::line(text));
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.problem() {
            Problem::Options => Self::usage(trouble::sentence(&error)),
            _ => Self::other(trouble::sentence(&error)),
        }
    }
}
