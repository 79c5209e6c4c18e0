//! The browser tests: spec files, each run by a Node of its own.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::process::{self, program};
use crate::tally::Tally;
use crate::workspace;

/// So many files run at a time: most of what they do is waiting.
const AT_A_TIME: usize = 3;

/// Files that compare times, or that need a machine which does nothing else.
const ALONE: [&str; 4] = ["background", "many-files", "network", "packet-limit"];

/// Files that take longest, which begin first: what begins last would run by itself in the end.
const LONG: [&str; 8] = [
    "restart",
    "firefox",
    "terminal",
    "hostile-broker",
    "members-limits",
    "sent-again",
    "network-faults",
    "asleep",
];

/// A file that was run.
struct Run {
    path: PathBuf,
    seconds: u64,
    tally: Tally,
    result: Result<(), String>,
}

/// Runs spec files. One that fails beside another is run once more, by itself: three browsers with
/// their brokers can keep a small machine so busy that a person's patience, which tests have, ends.
pub(crate) fn run(files: Vec<PathBuf>, tally: &mut Tally) -> Result<(), String> {
    let (alone, mut others): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|path| is_one_of(&ALONE, path));
    others.sort_by_key(|path| !is_one_of(&LONG, path));
    let mut again = Vec::new();
    for run in run_beside(others, AT_A_TIME) {
        match run.result {
            Ok(()) => tally.add(run.tally),
            Err(_) => again.push(run.path),
        }
    }
    for path in &again {
        println!("\nOnce more, by itself: {}", name(path));
    }
    let mut broken = Vec::new();
    for run in run_beside(again.into_iter().chain(alone).collect(), 1) {
        tally.add(run.tally);
        broken.extend(run.result.err());
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join(" "))
    }
}

/// Runs so many files at a time, and shows what each says when it has ended.
fn run_beside(files: Vec<PathBuf>, at_a_time: usize) -> Vec<Run> {
    let (queue, runs) = (Mutex::new(VecDeque::from(files)), Mutex::new(Vec::new()));
    let next = || {
        queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some(path) = next() {
                    let (said, run) = run_file(path);
                    let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
                    println!("\n{} ({} s)\n{said}", name(&run.path), run.seconds);
                    runs.push(run);
                }
            });
        }
    });
    runs.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one file; what it said, and what came of it.
fn run_file(path: PathBuf) -> (String, Run) {
    let mut node = program("node");
    node.current_dir(workspace::root().join("e2e"))
        .args(["--test", "--test-reporter=spec"])
        // Handles that a failed test leaves open would keep its process for ever.
        .arg("--test-force-exit")
        .arg(&path)
        .env("MQDROP_STATION", workspace::station_binary("debug"))
        // The counts are read from plain lines.
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR");
    let started = Instant::now();
    let (said, result) = process::run_quietly(&mut node);
    let mut tally = Tally::default();
    said.lines().for_each(|line| tally.read(line));
    let result = result.map_err(|_| format!("{} failed.", name(&path)));
    (
        said,
        Run {
            path,
            seconds: started.elapsed().as_secs(),
            tally,
            result,
        },
    )
}

fn is_one_of(names: &[&str], path: &Path) -> bool {
    names
        .iter()
        .any(|each| name(path) == format!("{each}.spec.mjs"))
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_treated_apart_are_there() {
        let specs = workspace::root().join("e2e").join("specs");
        for each in ALONE.iter().chain(&LONG) {
            let path = specs.join(format!("{each}.spec.mjs"));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}
