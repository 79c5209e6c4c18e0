//! What the program says on stderr while it runs: what went wrong, or more when asked, as lines
//! for people or as JSON for programs. Never payloads, keys or passwords; topics, which contain
//! room ids, only among the details.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object in each line
    Json,
}

/// Starts logging to stderr. `verbosity` 0 says what was refused and which limits were hit, 1 also
/// who comes and goes, 2 also details of requests and the broker's own notes.
///
/// The broker's own messages name topics and warn about every client that leaves without a
/// goodbye, so they count as details.
pub(crate) fn start(verbosity: u8, format: LogFormat) {
    let (own, broker) = match verbosity {
        0 => (LevelFilter::WARN, LevelFilter::ERROR),
        1 => (LevelFilter::INFO, LevelFilter::ERROR),
        _ => (LevelFilter::DEBUG, LevelFilter::INFO),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(
            Targets::new()
                .with_default(LevelFilter::WARN)
                .with_target("mqdrop", own)
                .with_target("mqtt5", broker),
        )
        .with(lines)
        .init();
}

/// Keeps what happens often from filling the log: one line a second, which tells how many others
/// there were.
#[derive(Debug)]
pub(crate) struct Seldom {
    /// The second, counted from the program's start and from one, of the last line.
    last: AtomicU64,
    missed: AtomicU64,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Seldom {
    /// Nothing said yet.
    pub(crate) const fn new() -> Self {
        Self {
            last: AtomicU64::new(0),
            missed: AtomicU64::new(0),
        }
    }

    /// How many others were not said since the last line, or `None` when it is too early for
    /// another line.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due_in(START.elapsed().as_secs() + 1)
    }

    fn due_in(&self, second: u64) -> Option<u64> {
        if self.last.swap(second, Ordering::Relaxed) == second {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.missed.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_tells_of_the_others() {
        let seldom = Seldom::new();
        assert_eq!(seldom.due_in(1), Some(0));
        assert_eq!((seldom.due_in(1), seldom.due_in(1)), (None, None));
        assert_eq!(seldom.due_in(2), Some(2));
        assert_eq!(seldom.due_in(9), Some(0));
    }
}
