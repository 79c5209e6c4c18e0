//! Builds the site and serves it with a broker.

use std::process::Command;

use crate::process::{self, cargo, program};
use crate::{setup, site, workspace};

/// Builds, then runs the station until it is stopped.
pub(crate) fn run(optimised: bool, options: &[String]) -> Result<(), String> {
    let wants_help = names(options, "--help") || names(options, "-h");
    if wants_help {
        build_station_alone()?;
    } else {
        setup::for_site()?;
        // Most of the site's time goes to one rustc that uses one core.
        std::thread::scope(|scope| {
            let station = scope.spawn(build_station_alone);
            let built = site::build(optimised);
            let station = station.join();
            built.and(station.unwrap_or_else(|_| Err("The station was not built.".into())))
        })?;
    }
    let mut station = program(workspace::station_binary("debug"));
    station.arg("serve");
    if wants_help {
        return become_program(station.arg("--help"));
    }
    if !names(options, "--app") {
        station.arg("--app").arg(workspace::root().join("dist"));
    }
    if !names(options, "--listen") {
        // Phones on the network are what it is for; the station prints how they reach it.
        station.args(["--listen", "0.0.0.0:8080"]);
        if LETS_IN.iter().all(|option| !names(options, option)) {
            println!(
                "Everyone on your network may use it (--open). `cargo xtask serve -- --listen 8080` \
                 keeps it to this computer, `-- --users FILE` asks for a login."
            );
            station.arg("--open");
        }
    }
    become_program(station.args(options))
}

/// Options that say who may use a station that others can reach.
const LETS_IN: [&str; 3] = ["--open", "--user", "--users"];

/// Whether an option is among them, as `--app x` or `--app=x`.
fn names(options: &[String], option: &str) -> bool {
    options.iter().any(|given| {
        given
            .strip_prefix(option)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })
}

/// Builds the station for use, and nothing of what its tests need.
fn build_station_alone() -> Result<(), String> {
    process::run(cargo().args([
        "build",
        "--quiet",
        "--package",
        "mqdrop-cli",
        "--bin",
        "mqdrop",
    ]))
}

/// Builds the station with one of cargo's profiles, to be tested.
pub(crate) fn build_station(profile: &str) -> Result<(), String> {
    // Of the whole workspace, so that crates are built with the same features as for its tests.
    process::run(cargo().args([
        "build",
        "--workspace",
        "--bin",
        "mqdrop",
        "--profile",
        profile,
    ]))
}

/// Runs the program in this one's place, so that signals reach it.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(format!(
        "{} does not start: {error}.",
        command.get_program().to_string_lossy()
    ))
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<(), String> {
    process::run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_by_their_whole_name() {
        let options: Vec<String> = ["--users=file", "--listen", "8080"]
            .map(str::to_owned)
            .into();
        assert!(names(&options, "--users") && names(&options, "--listen"));
        assert!(!names(&options, "--user") && !names(&options, "--open"));
    }
}
