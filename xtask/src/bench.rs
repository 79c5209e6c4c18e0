//! Compares mqdrop with what else sends bytes through MQTT in a browser.

use crate::process::{program, run};
use crate::{Failure, serve, setup, site, workspace};

/// Options that are followed by a whole number.
const NUMBERS: [&str; 6] = [
    "--rounds",
    "--size",
    "--brokers",
    "--terminal-rounds",
    "--condition-rounds",
    "--large",
];
/// Options that are followed by a text, which the benchmark itself checks.
const TEXTS: [&str; 2] = ["--only", "--only-broker"];
/// Options that stand alone.
const SWITCHES: [&str; 1] = ["--write"];

/// Builds everything optimised, then runs the benchmark with its options.
pub(crate) fn run_all(options: &[String]) -> Result<(), Failure> {
    check(options)?;
    setup::for_browsers()?;
    let rumqttd = if takes_part("--brokers", options) {
        Some(setup::for_measured_brokers()?)
    } else {
        None
    };
    let only_broker = options.iter().any(|option| option == "--only-broker");
    let wormhole = if !only_broker && takes_part("--terminal-rounds", options) {
        Some(setup::magic_wormhole()?)
    } else {
        None
    };
    site::build(true)?;
    serve::build_station("release")?;
    let mut node = program("node");
    node.current_dir(workspace::root().join("e2e"))
        .arg("bench/run.mjs")
        .args(options)
        .env("MQDROP_STATION", workspace::station_binary("release"));
    if let Some(rumqttd) = rumqttd {
        node.env("MQDROP_RUMQTTD", rumqttd);
    }
    if let Some(wormhole) = wormhole {
        node.env("MQDROP_WORMHOLE", wormhole);
    }
    Ok(run(&mut node)?)
}

/// Tells whether what has so many rounds takes part, with programs that have to be installed then.
fn takes_part(rounds: &str, options: &[String]) -> bool {
    let none = options.windows(2).any(|pair| pair == [rounds, "0"]);
    !none && !options.iter().any(|option| option == "--only")
}

/// Says what is wrong before anything is built.
fn check(options: &[String]) -> Result<(), Failure> {
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        if SWITCHES.contains(&option.as_str()) {
            continue;
        }
        let value = rest.next();
        if NUMBERS.contains(&option.as_str()) {
            if value.is_none_or(|value| value.parse::<u32>().is_err()) {
                return Err(Failure::Usage(format!("{option} takes a whole number.")));
            }
        } else if !TEXTS.contains(&option.as_str()) {
            return Err(Failure::Usage(format!(
                "The benchmark has no option {option:?}."
            )));
        } else if value.is_none() {
            return Err(Failure::Usage(format!("{option} takes a value.")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(options: &[&str]) -> Vec<String> {
        options.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn others_are_installed_only_where_they_take_part() {
        let brokers = |options: &[&str]| takes_part("--brokers", &strings(options));
        assert!(brokers(&[]));
        assert!(brokers(&["--only-broker", "nats"]));
        assert!(brokers(&["--rounds", "0"]));
        assert!(!brokers(&["--brokers", "0"]));
        assert!(!brokers(&["--only", "small files"]));
        let terminals = strings(&["--brokers", "0", "--terminal-rounds", "2"]);
        assert!(takes_part("--terminal-rounds", &terminals));
    }

    #[test]
    fn options_are_checked_before_anything_is_built() {
        let checked = |options: &[&str]| check(&strings(options));
        assert!(checked(&[]).is_ok());
        assert!(checked(&["--rounds", "3", "--write"]).is_ok());
        assert!(checked(&["--only", "small files", "--rounds", "0"]).is_ok());
        for wrong in [
            &["--fast"][..],
            &["--only"],
            &["--only-broker"],
            &["--brokers", "all"],
            &["--rounds"],
            &["--size", "big"],
            &["7"],
        ] {
            assert!(
                matches!(checked(wrong), Err(Failure::Usage(_))),
                "{wrong:?}"
            );
        }
    }
}
