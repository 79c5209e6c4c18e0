//! The command line: what can be asked for, and what is refused with which words.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::failure::Failure;
use crate::hash_password::HashPasswordOptions;
use crate::logs::LogFormat;
use crate::serve::limits::Limits;
use crate::serve::origins::{Origin, parse_origin};
use crate::serve::tls::TlsOptions;

/// The smallest Maximum Packet Size the station accepts, in bytes: room for a
/// CONNECT with a will and a login.
pub(crate) const SMALLEST_MAX_PACKET: u32 = 1024;

/// The largest Maximum Packet Size, in bytes: one less than the largest MQTT
/// Remaining Length (OASIS MQTT 5.0, section 1.5.5). Some clients refuse more.
pub(crate) const LARGEST_MAX_PACKET: u32 = 268_435_454;

const DEFAULT_MAX_PACKET: u32 = 16 * 1024 * 1024;

/// Sends files between browsers through any MQTT broker.
#[derive(Debug, Parser)]
#[command(name = "mqdrop", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What the program is asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the app and an MQTT broker of its own from one port
    Serve(Box<ServeOptions>),
    /// Print a line for the file of --users; asks for the password or reads it from stdin
    HashPassword(HashPasswordOptions),
}

/// The options of `mqdrop serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Where to serve: ADDRESS:PORT, or a port on this computer only.
    /// 0.0.0.0:8080 lets other devices on the network in; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,

    /// Also accept plain MQTT over TCP there, for scripts and devices:
    /// ADDRESS:PORT, or a port on this computer only
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address)]
    pub(crate) mqtt_listen: Option<SocketAddr>,

    /// Ask MQTT clients for a login from this file: lines that `mqdrop hash-password NAME` prints
    #[arg(long = "users", value_name = "FILE")]
    pub(crate) users_file: Option<PathBuf>,

    /// Ask MQTT clients for this login; may be given several times. Others on this computer can see it
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    pub(crate) users: Vec<String>,

    /// Let everyone in who can reach the station. Without this or a login it serves this computer only
    #[arg(long)]
    pub(crate) open: bool,

    /// Let pages of this origin connect, such as https://drop.example.org, although no login is asked
    /// for; may be given several times. A host alone stands for all its schemes and ports, * for all
    /// pages. The station's own pages always may
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = parse_origin)]
    pub(crate) origins: Vec<Origin>,

    /// Be a broker for other MQTT clients as well: allow wildcards, QoS 2 and retained messages of
    /// up to 64 KiB. With it, everyone who may connect sees all topics
    #[arg(long)]
    pub(crate) topics: bool,

    /// The largest MQTT packet to accept, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MAX_PACKET,
          value_parser = clap::value_parser!(u32).range(i64::from(SMALLEST_MAX_PACKET)..=i64::from(LARGEST_MAX_PACKET)))]
    pub(crate) max_packet: u32,

    /// Keep MQTT sessions and retained messages in this folder;
    /// without it they are kept in memory only
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,

    /// Serve the app from this folder instead of the one built in
    #[arg(long, value_name = "FOLDER")]
    pub(crate) app: Option<PathBuf>,

    /// Say on stderr who comes and goes; twice, also requests and the broker's notes
    #[arg(long, short, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// How lines on stderr look while the station runs
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    #[command(flatten)]
    pub(crate) tls: TlsOptions,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// Reads the command line. `None` when it only asked for help or the version,
/// which is then already printed.
///
/// # Errors
/// [`Failure::Usage`] names what is wrong and where to find help.
pub(crate) fn parse() -> Result<Option<Command>, Failure> {
    parse_from(std::env::args_os())
}

fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Option<Command>, Failure> {
    let error = match Cli::try_parse_from(args) {
        Ok(cli) => return Ok(Some(cli.command)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that went away (`mqdrop --help | head -1`) is no error.
            let _ = error.print();
            Ok(None)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => Err(
            Failure::usage("say what to do, for example `mqdrop serve`; `mqdrop --help` lists all"),
        ),
        _ => Err(Failure::usage(format!(
            "{}; see `mqdrop --help` and `mqdrop serve --help`",
            first_paragraph(&error.to_string())
        ))),
    }
}

/// Clap's message without its "error: " and without the usage that follows.
fn first_paragraph(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    let paragraph = paragraph.strip_prefix("error: ").unwrap_or(paragraph);
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
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
            .map_err(|_| "the port must be a number from 0 to 65535".to_owned());
    }
    text.parse().map_err(|_| {
        "give an IP address and a port, such as 0.0.0.0:8080 or [::1]:8080, or a port alone"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(args: &[&str]) -> Result<ServeOptions, Failure> {
        let all = ["mqdrop", "serve"].iter().chain(args).map(OsString::from);
        match parse_from(all)? {
            Some(Command::Serve(options)) => Ok(*options),
            Some(Command::HashPassword(_)) => panic!("`serve` was asked for"),
            None => panic!("only help was asked for"),
        }
    }

    #[test]
    fn without_options_only_this_computer_is_served() {
        let options = serve(&[]).unwrap();
        assert_eq!(options.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(options.mqtt_listen, None);
        assert_eq!(options.max_packet, 16_777_216);
        assert!(options.data.is_none() && options.app.is_none() && options.users.is_empty());
        assert!(options.users_file.is_none() && !options.open);
        assert_eq!((options.verbose, options.log_format), (0, LogFormat::Text));
        assert_eq!(options.limits.max_connections, 10_000);
    }

    #[test]
    fn a_bare_port_and_localhost_mean_loopback() {
        for text in ["1883", "localhost:1883", "127.0.0.1:1883"] {
            let options = serve(&["--mqtt-listen", text]).unwrap();
            assert_eq!(options.mqtt_listen, Some("127.0.0.1:1883".parse().unwrap()));
        }
        let options = serve(&["--listen", "[::]:0"]).unwrap();
        assert_eq!(options.listen, "[::]:0".parse().unwrap());
    }

    #[test]
    fn bad_values_are_usage_errors_of_one_line() {
        for args in [
            &["--listen", "nowhere:80"][..],
            &["--listen", "127.0.0.1"],
            &["--listen", "localhost:99999"],
            &["--max-packet", "1023"],
            &["--max-packet", "268435455"],
            &["--max-packet", "lots"],
            &["--tls-cert", "only.pem"],
            &["--tls-key", "only.pem"],
            &["--max-connections", "0"],
            &["--max-rate", "99"],
            &["--handshake-time", "11"],
            &["--max-queue", "1000"],
            &["--log-format", "xml"],
            &["--no-such-option"],
        ] {
            let failure = serve(args).unwrap_err();
            assert!(matches!(failure, Failure::Usage(_)), "{args:?}");
            let text = failure.to_string();
            assert!(!text.contains('\n'), "{text}");
            assert!(text.contains("--help"), "{text}");
        }
    }

    #[test]
    fn no_command_says_what_to_type() {
        let failure = parse_from(["mqdrop".into()]).unwrap_err();
        assert!(failure.to_string().contains("mqdrop serve"));
    }
}
