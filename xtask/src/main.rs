//! Set-up, build, serve, test and bench: `cargo xtask …`.

mod bench;
mod process;
#[cfg(test)]
mod sentences;
mod serve;
mod setup;
mod site;
mod specs;
mod tally;
mod test;
mod workspace;

use std::io::Write;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

  setup                 install what building needs: the wasm target, trunk, wasm-bindgen
  build [--dev]         the static site in dist/, optimised unless --dev
  serve [--dev] [-- STATION OPTIONS]
                        build, then serve it with a broker at http://localhost:8080
  test [PART [FILTER…]] everything, or one part: lint, unit, wasm, e2e, or smoke for a first
                        answer; filters choose tests by a part of their name
  bench [-- OPTIONS]    compare with raw MQTT, MQTT.js and magic-wormhole; --rounds N, --size MIB,
                        --terminal-rounds N, --condition-rounds N, --large MIB,
                        --write (into docs/PERFORMANCE.md)";

/// Why a command did not succeed.
#[derive(Debug)]
enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Anything else: what happened and what to do, in one line.
    Other(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("{message} See `cargo xtask help`.");
            ExitCode::from(2)
        }
        Err(Failure::Other(message)) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => return Err(Failure::Usage("Which command?".into())),
    };
    let mut own = arguments.iter().take_while(|argument| *argument != "--");
    let asks = own.any(|argument| matches!(argument.as_str(), "--help" | "-h"));
    // Nothing is built or installed for someone who only asks what could be.
    if asks || command == "help" {
        // A reader that has seen enough is no error.
        let _ = writeln!(std::io::stdout(), "{USAGE}");
        return Ok(());
    }
    match command {
        "setup" => {
            no_more(rest)?;
            Ok(setup::for_site()?)
        }
        "build" => {
            let (optimised, rest) = take_dev(rest);
            no_more(rest)?;
            Ok(site::build(optimised)?)
        }
        "serve" => {
            let (optimised, rest) = take_dev(rest);
            Ok(serve::run(optimised, after_dashes(rest)?)?)
        }
        "test" => test::run(rest),
        "bench" => bench::run_all(after_dashes(rest)?),
        other => Err(Failure::Usage(format!("There is no command {other:?}."))),
    }
}

/// Whether the build is to be optimised, and the arguments without `--dev` or `--release`.
fn take_dev(arguments: &[String]) -> (bool, &[String]) {
    match arguments.split_first() {
        Some((first, rest)) if first == "--dev" => (false, rest),
        Some((first, rest)) if first == "--release" => (true, rest),
        _ => (true, arguments),
    }
}

fn no_more(arguments: &[String]) -> Result<(), Failure> {
    match arguments.first() {
        Some(extra) => Err(Failure::Usage(format!("{extra:?} has no meaning here."))),
        None => Ok(()),
    }
}

/// The arguments for the program that is started; a leading `--` may be left out.
fn after_dashes(arguments: &[String]) -> Result<&[String], Failure> {
    match arguments.split_first() {
        Some((first, rest)) if first == "--" => Ok(rest),
        Some((first, _)) if !first.starts_with("--") => {
            Err(Failure::Usage(format!("{first:?} has no meaning here.")))
        }
        _ => Ok(arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unknown_commands_and_arguments_are_wrong_usage() {
        for wrong in [
            &[][..],
            &["fly"],
            &["build", "now"],
            &["serve", "now"],
            &["test", "all"],
        ] {
            assert!(
                matches!(run(&strings(wrong)), Err(Failure::Usage(_))),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn dev_is_taken_from_the_front_only() {
        assert_eq!(
            take_dev(&strings(&["--dev", "--", "--verbose"])),
            (false, &strings(&["--", "--verbose"])[..])
        );
        assert_eq!(
            take_dev(&strings(&["--", "--dev"])),
            (true, &strings(&["--", "--dev"])[..])
        );
    }

    #[test]
    fn station_options_follow_with_or_without_dashes() {
        let wanted = strings(&["--listen", "0.0.0.0:8080"]);
        assert_eq!(
            after_dashes(&strings(&["--", "--listen", "0.0.0.0:8080"])).unwrap(),
            wanted
        );
        assert_eq!(after_dashes(&wanted).unwrap(), wanted);
    }
}
