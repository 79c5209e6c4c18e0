//! The command line: what can be asked for, and what is refused with which words.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::completions::{CompletionsOptions, ManOptions};
use crate::doctor::DoctorOptions;
use crate::failure::Failure;
use crate::hash_password::HashPasswordOptions;
use crate::people::PeopleOptions;
use crate::receive::ReceiveOptions;
use crate::send::SendOptions;
use crate::serve::ServeOptions;
use crate::words;

/// Sends files between browsers and terminals through any MQTT broker.
#[derive(Debug, Parser)]
#[command(name = "mqdrop", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The command for the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send files, folders or a text to everyone in a room
    Send(Box<SendOptions>),
    /// Receive what is sent in a room
    Receive(Box<ReceiveOptions>),
    /// List who is in a room, and who was
    People(Box<PeopleOptions>),
    /// Find out what a broker can do
    Doctor(Box<DoctorOptions>),
    /// Serve the app and an MQTT broker of its own from one port
    Serve(Box<ServeOptions>),
    /// Print a line for the file of --users; asks for the password or reads it from stdin
    HashPassword(HashPasswordOptions),
    /// Print the script by which a shell completes this command line
    Completions(CompletionsOptions),
    /// Print the manual
    Man(ManOptions),
}

/// The command line, for what describes it.
pub(crate) fn command() -> clap::Command {
    Cli::command()
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
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Err(Failure::usage(words().usage_no_command()))
        }
        _ => Err(Failure::usage(
            words().usage_help(&first_paragraph(&error.to_string())),
        )),
    }
}

/// Clap's message without its "error: " and without the usage that follows.
fn first_paragraph(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    let paragraph = paragraph.strip_prefix("error: ").unwrap_or(paragraph);
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use mqdrop_station::Options;

    use super::*;
    use crate::logs::LogFormat;

    fn serve(args: &[&str]) -> Result<ServeOptions, Failure> {
        let all = ["mqdrop", "serve"].iter().chain(args).map(OsString::from);
        match parse_from(all)? {
            Some(Command::Serve(options)) => Ok(*options),
            Some(_) => panic!("`serve` was asked for"),
            None => panic!("only help was asked for"),
        }
    }

    fn station(args: &[&str]) -> Options {
        serve(args).unwrap().into()
    }

    #[test]
    fn without_options_only_this_computer_is_served() {
        let options = serve(&[]).unwrap();
        assert_eq!((options.verbose, options.log_format), (0, LogFormat::Text));
        let options = Options::from(options);
        assert_eq!(options.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(options.mqtt_listen, None);
        assert_eq!(options.max_packet, 16_777_216);
        assert!(options.data.is_none() && options.app.is_none() && options.users.is_empty());
        assert!(options.users_file.is_none() && !options.open);
        assert_eq!(options.limits.max_connections, 10_000);
    }

    #[test]
    fn a_bare_port_and_localhost_mean_loopback() {
        for text in ["1883", "localhost:1883", "127.0.0.1:1883"] {
            let options = station(&["--mqtt-listen", text]);
            assert_eq!(options.mqtt_listen, Some("127.0.0.1:1883".parse().unwrap()));
        }
        let options = station(&["--listen", "[::]:0"]);
        assert_eq!(options.listen, "[::]:0".parse().unwrap());
    }

    #[test]
    fn every_option_reaches_the_station() {
        let default = format!("{:?}", station(&[]));
        for args in [
            &["--listen", "1"][..],
            &["--mqtt-listen", "1"],
            &["--users", "logins"],
            &["--user", "ann:secret"],
            &["--open"],
            &["--origin", "*"],
            &["--topics"],
            &["--max-packet", "1024"],
            &["--data", "data"],
            &["--app", "app"],
            &["--tls"],
            &["--tls-cert", "cert.pem", "--tls-key", "key.pem"],
            &["--max-connections", "7"],
            &["--max-connections-per-address", "7"],
            &["--handshake-time", "7"],
            &["--max-rate", "777"],
            &["--max-queue", "77777"],
            &["--max-queue-total", "7777777"],
        ] {
            let options = format!("{:?}", station(args));
            assert_ne!(options, default, "{args:?}");
            let value = args.last().unwrap().trim_start_matches("--");
            assert!(options.contains(value) || value == "*", "{options}");
        }
        assert_eq!(format!("{:?}", Options::default()), default);
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
