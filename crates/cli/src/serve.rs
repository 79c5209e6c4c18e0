//! `mqdrop serve`: runs a station until Ctrl-C or SIGTERM.

mod announcement;
pub(crate) mod trouble;

use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::{ArgAction, Args};
use mqdrop_station::{Limits, Options, Origin, Station, TlsOptions};

use crate::failure::Failure;
use crate::logs::{self, LogFormat};
use crate::say;
use crate::words;

/// The options of `mqdrop serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Where to serve: ADDRESS:PORT, or a port on this computer only.
    /// 0.0.0.0:8080 lets other devices on the network in; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = Options::default().listen, value_parser = parse_address)]
    listen: SocketAddr,

    /// Also accept plain MQTT over TCP there, for scripts and devices:
    /// ADDRESS:PORT, or a port on this computer only
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address)]
    mqtt_listen: Option<SocketAddr>,

    /// Ask MQTT clients for a login from this file: lines that `mqdrop hash-password NAME` prints
    #[arg(long = "users", value_name = "FILE")]
    users_file: Option<PathBuf>,

    /// Ask MQTT clients for this login; may be given several times. Others on this computer can see it
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<String>,

    /// Let everyone in who can reach the station. Without this or a login it serves this computer only
    #[arg(long)]
    open: bool,

    /// Let pages of this origin connect, such as https://drop.example.org, although no login is asked
    /// for; may be given several times. A host alone stands for all its schemes and ports, * for all
    /// pages. The station's own pages always may
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = parse_origin)]
    origins: Vec<Origin>,

    /// Be a broker for other MQTT clients as well: allow wildcards, QoS 2 and retained messages of
    /// up to 64 KiB. With it, everyone who may connect sees all topics
    #[arg(long)]
    topics: bool,

    /// The largest MQTT packet to accept, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Options::default().max_packet,
          value_parser = number(Options::MAX_PACKET))]
    max_packet: u32,

    /// Keep MQTT sessions and retained messages in this folder;
    /// without it they are kept in memory only
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// Serve the app from this folder instead of the one built in
    #[arg(long, value_name = "FOLDER")]
    app: Option<PathBuf>,

    /// Say on stderr who comes and goes; twice, also requests and the broker's notes
    #[arg(long, short, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// How lines on stderr look while the station runs
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    #[command(flatten)]
    tls: TlsArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

/// The options about TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
struct TlsArgs {
    /// Speak https, wss and mqtts. Without --tls-cert the station makes a certificate, about which
    /// browsers ask once, and keeps it in the folder of --data or with this person's settings
    #[arg(long)]
    tls: bool,

    /// The certificate to show and those that vouch for it, as a PEM file; implies --tls
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, as a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// The bounds on what clients take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Connections open at the same time, from all addresses
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().max_connections,
          value_parser = number(Limits::MAX_CONNECTIONS))]
    max_connections: u32,

    /// Connections open at the same time from one address; for IPv6 from one /64 network.
    /// Behind a reverse proxy all come from one address
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().max_connections_per_address,
          value_parser = number(Limits::MAX_CONNECTIONS))]
    max_connections_per_address: u32,

    /// Seconds for the head of a request, for a TLS handshake, and for an MQTT login
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().handshake_time,
          value_parser = clap::value_parser!(u64).range(Limits::HANDSHAKE_TIME))]
    handshake_time: u64,

    /// MQTT packets from one client in a second, after a second's worth at once; a client that
    /// sends more is read more slowly
    #[arg(long, value_name = "PACKETS", default_value_t = Limits::default().max_rate,
          value_parser = number(Limits::MAX_RATE))]
    max_rate: u32,

    /// Bytes that may wait for one client; beyond them its QoS 0 messages are dropped, at twice as
    /// many it is disconnected
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_queue,
          value_parser = clap::value_parser!(u64).range(Limits::MAX_QUEUE))]
    max_queue: u64,

    /// Bytes that may wait for all clients together
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_queue_total,
          value_parser = clap::value_parser!(u64).range(Limits::MAX_QUEUE_TOTAL))]
    max_queue_total: u64,
}

impl From<ServeOptions> for Options {
    fn from(given: ServeOptions) -> Self {
        Self {
            listen: given.listen,
            mqtt_listen: given.mqtt_listen,
            users_file: given.users_file,
            users: given.users,
            open: given.open,
            origins: given.origins,
            topics: given.topics,
            max_packet: given.max_packet,
            data: given.data,
            app: given.app,
            tls: TlsOptions {
                tls: given.tls.tls,
                tls_cert: given.tls.tls_cert,
                tls_key: given.tls.tls_key,
            },
            limits: Limits {
                max_connections: given.limits.max_connections,
                max_connections_per_address: given.limits.max_connections_per_address,
                handshake_time: given.limits.handshake_time,
                max_rate: given.limits.max_rate,
                max_queue: given.limits.max_queue,
                max_queue_total: given.limits.max_queue_total,
            },
        }
    }
}

/// Runs a station until Ctrl-C or SIGTERM.
///
/// # Errors
/// When an option is wrong or a port or folder cannot be used.
pub(crate) fn run(options: ServeOptions) -> Result<(), Failure> {
    logs::start(options.verbose, options.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(words().system_cannot_start(&error.to_string())))?;
    let outcome = runtime.block_on(serve(options.into()));
    // A thread that still holds a file open must not delay the end.
    runtime.shutdown_background();
    outcome
}

async fn serve(options: Options) -> Result<(), Failure> {
    let station = Station::start(options).await?;
    let stopped = stop_signal()?;
    let announcement = announcement::lines(&station.announcement(), io::stdout().is_terminal());
    // A task of its own: a terminal that stands still must not keep the station from serving.
    let serving = tokio::spawn(station.run(stopped));
    // Nobody reading stdout is no reason to stop.
    if let Err(failure) = say::print(announcement.as_bytes()) {
        tracing::debug!("nobody reads the announcement: {failure}");
    }
    serving
        .await
        .map_err(|error| Failure::other(words().system_station_ended(&error.to_string())))
}

/// Reads numbers within a range.
fn number(range: RangeInclusive<u64>) -> RangedI64ValueParser<u32> {
    let end = |number: &u64| i64::try_from(*number).unwrap_or(i64::MAX);
    clap::value_parser!(u32).range(end(range.start())..=end(range.end()))
}

/// `PORT`, `ADDRESS:PORT` or `localhost:PORT`. A bare port means this computer
/// only, so that nobody opens a service to a network by leaving something out.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::new(LOOPBACK, port));
    }
    if let Some(port) = text.strip_prefix("localhost:") {
        return port
            .parse()
            .map(|port| SocketAddr::new(LOOPBACK, port))
            .map_err(|_| words().usage_port().into());
    }
    text.parse().map_err(|_| words().usage_listen().into())
}

fn parse_origin(text: &str) -> Result<Origin, &'static str> {
    text.parse().map_err(|_| words().serve_not_an_origin())
}

/// Resolves at the first Ctrl-C or SIGTERM.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| {
        signal(kind)
            .map_err(|error| Failure::other(words().system_no_interrupts(&error.to_string())))
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
