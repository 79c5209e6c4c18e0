//! Compares mqdrop with what else sends bytes through MQTT in a browser.

use crate::process::{program, run};
use crate::{Failure, serve, setup, site, workspace};

/// Options that are followed by a whole number.
const NUMBERS: [&str; 4] = ["--rounds", "--size", "--condition-rounds", "--large"];
/// Options that are followed by a text, which the benchmark itself checks.
const TEXTS: [&str; 1] = ["--only"];
/// Options that stand alone.
const SWITCHES: [&str; 1] = ["--write"];

/// Builds everything optimised, then runs the benchmark with its options.
pub(crate) fn run_all(options: &[String]) -> Result<(), Failure> {
    check(options)?;
    setup::for_browsers()?;
    site::build(true)?;
    serve::build_station("release")?;
    let mut node = program("node");
    node.current_dir(workspace::root().join("e2e"))
        .arg("bench/run.mjs")
        .args(options)
        .env("MQDROP_STATION", workspace::station_binary("release"));
    Ok(run(&mut node)?)
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

    #[test]
    fn options_are_checked_before_anything_is_built() {
        let checked = |options: &[&str]| {
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            check(&options)
        };
        assert!(checked(&[]).is_ok());
        assert!(checked(&["--rounds", "3", "--write"]).is_ok());
        assert!(checked(&["--only", "small files", "--rounds", "0"]).is_ok());
        for wrong in [
            &["--fast"][..],
            &["--only"],
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
