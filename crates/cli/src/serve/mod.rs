//! `mqdrop serve`: the station. One port serves the app and, under `/mqtt`, an
//! MQTT broker; a second port may serve MQTT without WebSocket.

mod access;
mod addresses;
mod assets;
mod audience;
mod broker;
mod certificate;
mod compress;
mod counted;
mod crowd;
mod door;
mod exposure;
mod frames;
mod gauge;
mod guesses;
mod health;
mod http;
mod inspector;
pub(crate) mod limits;
mod link;
mod listen;
mod listener;
mod login;
mod nameless;
pub(crate) mod origins;
mod outbox;
mod pace;
mod private;
mod reception;
mod retained;
mod rules;
mod seat;
mod sessions;
mod socket;
mod stream;
mod suback;
pub(crate) mod tls;
mod upgrade;
pub(crate) mod users;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use self::assets::Assets;
use self::broker::Broker;
use self::door::Door;
use self::health::Health;
use self::http::Site;
use self::listen::Entrance;
use self::login::Logins;
use self::origins::Origins;
use self::rules::Rules;
use self::tls::Tls;
use crate::args::ServeOptions;
use crate::failure::Failure;
use crate::logs;

/// Open sockets the station asks the system for; clients, pages and files.
const OPEN_FILES: u64 = 16_384;

/// Runs a station until Ctrl-C or SIGTERM.
///
/// # Errors
/// When an option is wrong or a port or folder cannot be used.
pub(crate) fn run(mut options: ServeOptions) -> Result<(), Failure> {
    logs::start(options.verbose, options.log_format);
    let logins = Logins::load(&options.users, options.users_file.as_deref())?;
    let listening: Vec<(SocketAddr, &str)> = [
        Some((options.listen, "--listen")),
        options
            .mqtt_listen
            .map(|address| (address, "--mqtt-listen")),
    ]
    .into_iter()
    .flatten()
    .collect();
    exposure::check(&listening, options.open, logins.are_asked_for())?;
    let assets = Assets::open(options.app.as_deref())?;
    if let Some(folder) = &options.data {
        private::make_private(folder)?;
    }
    let reachable: Vec<_> = listening
        .iter()
        .flat_map(|(address, _)| addresses::reachable_at(*address))
        .collect();
    let tls = Tls::load(&options.tls, options.data.as_deref(), &reachable)?;
    match rlimit::increase_nofile_limit(OPEN_FILES) {
        Ok(allowed) => options.limits.fit(allowed),
        Err(error) => tracing::debug!("the number of open sockets stays limited: {error}"),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(station(options, logins, assets, tls));
    // Whoever still holds a file open must not delay the end.
    runtime.shutdown_background();
    outcome
}

async fn station(
    options: ServeOptions,
    logins: Logins,
    assets: Assets,
    tls: Option<Tls>,
) -> Result<(), Failure> {
    let web = listen::bind(options.listen, "--listen").await?;
    let plain = match options.mqtt_listen {
        Some(address) => Some(listen::bind(address, "--mqtt-listen").await?),
        None => None,
    };
    let limits = options.limits;
    let entrance = Entrance {
        door: Door::new(&limits),
        tls: tls.as_ref().map(|tls| Arc::clone(&tls.config)),
        handshake_time: limits.handshake_time(),
        stopping: CancellationToken::new(),
    };
    let data = options.data.as_deref();
    let rules = Rules {
        is_open: options.topics,
    };
    let origins = Origins::new(options.origins, options.listen, logins.are_asked_for());
    let broker = Broker::start(options.max_packet, rules, limits, logins, data).await?;

    let stopped = stop_signal()?;
    let announcement = addresses::announce(&web, plain.as_ref(), tls.as_ref())?;
    let health = Health::new(entrance.door.clone());
    let site = Arc::new(Site::new(
        assets,
        broker.clone(),
        health,
        origins,
        tls.is_some(),
    ));
    let stopping = entrance.stopping.clone();
    let web = tokio::spawn(entrance.clone().serve_web(web, site));
    let plain = plain.map(|listener| tokio::spawn(entrance.serve_mqtt(listener, broker.clone())));
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
