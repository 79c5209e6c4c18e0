//! Why the program ends early: one line for a person, and an exit code.

use std::process::ExitCode;

use mqdrop_station::{Error, Problem};

/// An error that ends the program. Its text says what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line is wrong; exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Anything else; exit code 1.
    #[error("{0}")]
    Other(String),
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

    /// Prints the line to stderr and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // One line, whatever an underlying error contained.
        let line = self.to_string().replace(['\n', '\r'], " ");
        eprintln!("mqdrop: {line}");
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.problem() {
            Problem::Options => Self::usage(error.to_string()),
            _ => Self::other(error.to_string()),
        }
    }
}
