//! `mqdrop serve`: the station. One port serves the app and, under `/mqtt`, an
//! MQTT broker; a second port may serve plain MQTT.

mod addresses;
mod assets;
mod broker;
mod compress;
mod crowd;
mod frames;
mod http;
mod link;
mod listen;
mod login;
mod outbox;
mod pressure;
mod upgrade;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use self::assets::Assets;
use self::broker::Broker;
use self::http::Site;
use self::login::Logins;
use crate::args::ServeOptions;
use crate::failure::Failure;
use crate::logs;

/// Open sockets the station asks the system for; clients, pages and files.
const OPEN_FILES: u64 = 16_384;

/// Runs a station until Ctrl-C or SIGTERM.
///
/// # Errors
/// When an option is wrong or a port or folder cannot be used.
pub(crate) fn run(options: ServeOptions) -> Result<(), Failure> {
    logs::start(options.verbose);
    let logins = Logins::parse(&options.users)?;
    let assets = Assets::open(options.app.as_deref())?;
    if let Err(error) = rlimit::increase_nofile_limit(OPEN_FILES) {
        tracing::debug!("the number of open sockets stays limited: {error}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(station(options, logins, assets));
    // Whoever still holds a file open must not delay the end.
    runtime.shutdown_background();
    outcome
}

async fn station(options: ServeOptions, logins: Logins, assets: Assets) -> Result<(), Failure> {
    let web = listen::bind(options.listen, "--listen").await?;
    let plain = match options.mqtt_listen {
        Some(address) => Some(listen::bind(address, "--mqtt-listen").await?),
        None => None,
    };
    let broker = Broker::start(options.max_packet, logins, options.data.as_deref()).await?;

    let stopped = stop_signal()?;
    let stopping = CancellationToken::new();
    let announcement = addresses::announce(&web, plain.as_ref())?;
    let site = Arc::new(Site::new(assets, broker.clone()));
    let web = tokio::spawn(listen::serve_web(web, site, stopping.clone()));
    let plain = plain.map(|listener| {
        tokio::spawn(listen::serve_plain(
            listener,
            broker.clone(),
            stopping.clone(),
        ))
    });
    addresses::print(&announcement);

    stopped.await;
    tracing::debug!("stopping");
    stopping.cancel();
    for listener in [Some(web), plain].into_iter().flatten() {
        if let Err(error) = listener.await {
            tracing::warn!("a listener ended badly: {error}");
        }
    }
    broker.stop().await;
    Ok(())
}

/// Resolves at the first Ctrl-C or SIGTERM.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| {
        signal(kind).map_err(|error| Failure::other(format!("cannot listen for Ctrl-C: {error}")))
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at the first Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!("cannot listen for Ctrl-C: {error}");
            std::future::pending::<()>().await;
        }
    })
}
