//! Compares mqdrop with what else sends bytes through MQTT in a browser.

use crate::process::{program, run};
use crate::{serve, setup, site, workspace};

/// Builds everything optimised, then runs the benchmark with its options.
pub(crate) fn run_all(options: &[String]) -> Result<(), String> {
    setup::for_browsers()?;
    site::build(true)?;
    serve::build_station("release")?;
    let mut node = program("node");
    node.current_dir(workspace::root().join("e2e"))
        .arg("bench/run.mjs")
        .args(options)
        .env("MQDROP_STATION", workspace::station_binary("release"));
    run(&mut node)
}
