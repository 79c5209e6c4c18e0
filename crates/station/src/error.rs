//! Why a station cannot run.

/// The reason that a station does not start. Its text is one for the person who started it, names
/// the option of `mqdrop serve` that matters, and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    problem: Problem,
    text: String,
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
    pub(crate) fn new(problem: Problem, text: impl Into<String>) -> Self {
        Self {
            problem,
            text: text.into(),
        }
    }

    /// The part that is at fault.
    #[must_use]
    pub fn problem(&self) -> Problem {
        self.problem
    }
}
