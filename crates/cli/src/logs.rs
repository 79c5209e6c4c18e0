//! What the program says on stderr while it runs: warnings, or more when asked.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to stderr: this program's warnings only, or, when `verbose`,
/// its debug messages together with the broker's informational ones.
///
/// The broker's own messages stay off otherwise: it warns about every client
/// that leaves without a goodbye.
pub(crate) fn start(verbose: bool) {
    let (own, broker) = if verbose {
        (LevelFilter::DEBUG, LevelFilter::INFO)
    } else {
        (LevelFilter::WARN, LevelFilter::ERROR)
    };
    tracing_subscriber::registry()
        .with(
            Targets::new()
                .with_default(LevelFilter::WARN)
                .with_target("mqdrop", own)
                .with_target("mqtt5", broker),
        )
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .init();
}
