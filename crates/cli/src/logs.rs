//! Output on stderr while the program runs: trouble alone, or more when asked, as lines
//! for people or as JSON for programs. Never payloads, keys or passwords; topics, which contain
//! room ids, only among the details.

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
