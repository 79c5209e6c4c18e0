//! Runs every check, or one part of them, and sums up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::process::{self, cargo, program, run_watched};
use crate::tally::Tally;
use crate::{Failure, serve, setup, site, specs, workspace};

/// One part of the checks.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    what: &'static str,
    run: fn(&[String], &mut Tally) -> Result<(), String>,
}

/// In the order they run: the quick ones first.
const PARTS: [Part; 4] = [
    Part {
        name: "lint",
        what: "format, lints, types of tests' scripts, and what fuzzers run",
        run: lint,
    },
    Part {
        name: "unit",
        what: "native tests",
        run: unit,
    },
    Part {
        name: "wasm",
        what: "the same tests in wasm",
        run: wasm,
    },
    Part {
        name: "e2e",
        what: "browsers against brokers",
        run: e2e,
    },
];

/// A first answer, within minutes; everything in it is a part of the others.
const SMOKE: Part = Part {
    name: "smoke",
    what: "format, the core's own tests, and a browser through a whole transfer",
    run: smoke,
};

/// The spec that goes through a whole transfer.
const WHOLE_TRANSFER: &str = "contract";

/// Tests that start programs and wait for them most of the time; what computes runs beside them.
const WAITING: [&str; 2] = ["commands", "station"];

/// The app and its driver: compiled to wasm, and tested in a browser.
const APP: &str = "mqdrop";

/// The app's parts: compiled to wasm, and tested there without a browser.
const PURE: [&str; 6] = [
    "mqdrop-aead",
    "mqdrop-client",
    "mqdrop-core",
    "mqdrop-mqtt",
    "mqdrop-unicode",
    "mqdrop-words",
];

/// Runs all parts, going on after one that fails, or the part that is named first.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (chosen, filters) = match arguments.split_first() {
        None => (PARTS.to_vec(), arguments),
        Some((name, filters)) => {
            match PARTS.iter().chain([&SMOKE]).find(|part| part.name == name) {
                Some(part) => (vec![*part], filters),
                None => {
                    return Err(Failure::Usage(format!(
                        "{name:?} is none of lint, unit, wasm, e2e and smoke."
                    )));
                }
            }
        }
    };

    let mut total = Tally::default();
    let mut summary = Vec::new();
    let mut broken = Vec::new();
    for part in &chosen {
        println!("\n== {}: {}", part.name, part.what);
        let started = Instant::now();
        let mut tally = Tally::default();
        let result = (part.run)(filters, &mut tally);
        let result = match result {
            // Without a filter there are tests, or something is wrong with finding them.
            Ok(()) if filters.is_empty() && tally == Tally::default() => {
                Err("no test was run".to_owned())
            }
            other => other,
        };
        let verdict = match &result {
            Ok(()) => "ok".to_owned(),
            Err(reason) => {
                broken.push(part.name);
                // Counted once when something other than a test went wrong.
                tally.failed = tally.failed.max(1);
                format!("FAILED: {reason}")
            }
        };
        summary.push(format!(
            "{:<5} {:>4} passed {:>3} failed {:>5} s  {verdict}",
            part.name,
            tally.passed,
            tally.failed,
            started.elapsed().as_secs()
        ));
        total.add(tally);
    }

    println!("\n{}", summary.join("\n"));
    println!("{} passed, {} failed", total.passed, total.failed);
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::Other(format!(
            "Not all is well: {}.",
            broken.join(", ")
        )))
    }
}

fn lint(_: &[String], tally: &mut Tally) -> Result<(), String> {
    setup::for_lint()?;
    // Each of these is one check.
    let mut check = |command: &mut std::process::Command| {
        let result = process::run(command);
        if result.is_ok() {
            tally.passed += 1;
        } else {
            tally.failed += 1;
        }
        result
    };
    let formatted = check(cargo().args(["fmt", "--all", "--check"]));
    let native = check(cargo().args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]));
    let wasm = check(
        clippy_for_wasm()
            .args(["--lib", "--bins", "--"])
            .args(["--deny", "warnings"]),
    );
    // Code that may be in tests is not told from the rest in wasm, where tests are no `#[test]`s.
    let wasm_tests = check(clippy_for_wasm().args(["--tests", "--"]).args([
        "--deny",
        "warnings",
        "--allow",
        "clippy::unwrap_used",
        "--allow",
        "clippy::expect_used",
        "--allow",
        "clippy::panic",
    ]));
    let fuzz = check(
        cargo()
            .args(["check", "--quiet", "--locked", "--manifest-path"])
            .arg(workspace::root().join("fuzz").join("Cargo.toml"))
            .arg("--target-dir")
            .arg(workspace::target_dir().join("fuzz"))
            // As cargo-fuzz builds them.
            .env("RUSTFLAGS", "--cfg fuzzing"),
    );
    let scripts = check(
        program("node")
            .current_dir(workspace::root().join("e2e"))
            .args([
                "node_modules/typescript/bin/tsc",
                "--project",
                "jsconfig.json",
            ]),
    );
    (formatted.and(native).and(wasm))
        .and(wasm_tests)
        .and(fuzz)
        .and(scripts)
}

/// Clippy on everything that is compiled to wasm.
fn clippy_for_wasm() -> std::process::Command {
    let packages = PURE.iter().chain([&APP]);
    let mut clippy = cargo();
    clippy
        .args(["clippy", "--quiet", "--target", "wasm32-unknown-unknown"])
        .args(packages.flat_map(|package| ["--package", package]))
        // Functions that compile to wasm but break there are banned there.
        .env(
            "CLIPPY_CONF_DIR",
            workspace::root().join("xtask").join("clippy-wasm"),
        );
    clippy
}

fn unit(filters: &[String], tally: &mut Tally) -> Result<(), String> {
    setup::for_archives()?;
    // Always of the whole workspace, so that nothing is built twice with other features.
    let test = |targets: &[&str]| {
        let mut test = cargo();
        test.args(["test", "--workspace", "--no-fail-fast"])
            .args(targets);
        test
    };
    process::run(&mut test(&["--no-run"]))?;
    let (waiting, computing): (Vec<_>, Vec<_>) = integration_tests()?
        .into_iter()
        .partition(|name| WAITING.contains(&name.as_str()));
    let named = |names: Vec<String>, others: &[&str]| {
        let mut test = test(others);
        test.args(names.iter().flat_map(|name| ["--test", name]));
        with_filters(&mut test, filters);
        test
    };
    let mut waiting = named(waiting, &[]);
    let (computed, documented, (said, waited)) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| process::run_quietly(&mut waiting));
        let mut computing = named(computing, &["--lib", "--bins", "--examples"]);
        let computed = run_watched(&mut computing, |line| tally.read(line));
        let documented = run_watched(&mut named(Vec::new(), &["--doc"]), |line| tally.read(line));
        let waited = waiting
            .join()
            .unwrap_or_else(|_| (String::new(), Err("A thread of xtask panicked.".into())));
        (computed, documented, waited)
    });
    println!("{said}");
    said.lines().for_each(|line| tally.read(line));
    computed.and(documented).and(waited)
}

/// The names of all crates' integration tests.
fn integration_tests() -> Result<Vec<String>, String> {
    let list = |folder: &Path| {
        fs::read_dir(folder)
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())))
            .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))
    };
    let mut names = Vec::new();
    let packages = list(&workspace::root().join("crates"))?.chain([workspace::root()]);
    for package in packages {
        let folder = package.join("tests");
        if !folder.is_dir() {
            continue;
        }
        // As cargo finds them.
        let is_test = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "rs")
                || path.join("main.rs").is_file()
        };
        let tests = list(&folder)?.filter(is_test);
        names.extend(tests.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into())));
    }
    names.sort();
    Ok(names)
}

fn wasm(filters: &[String], tally: &mut Tally) -> Result<(), String> {
    setup::for_wasm_tests()?;
    let mut test = cargo();
    test.args(["test", "--target", "wasm32-unknown-unknown"])
        .args(["--no-fail-fast", "--lib", "--test", "*"])
        // Together, so that what they are made of is built once.
        .args(PURE.iter().flat_map(|package| ["--package", package]))
        .args(["--package", APP])
        // The app's own need a browser; webdriver.json says how it is started.
        .env("CHROMEDRIVER", setup::chromedriver()?)
        // Otherwise all of them together have 20 seconds, of which they take half on a fast machine,
        // and what drives the browser has 5 to start.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
    run_watched(with_filters(&mut test, filters), |line| tally.read(line))
}

fn smoke(_: &[String], tally: &mut Tally) -> Result<(), String> {
    process::run(cargo().args(["fmt", "--all", "--check"]))?;
    let mut test = cargo();
    test.args(["test", "--lib"])
        .args(PURE.iter().flat_map(|package| ["--package", package]));
    run_watched(&mut test, |line| tally.read(line))?;
    setup::for_browsers()?;
    site::build(false)?;
    serve::build_station("dev")?;
    specs::run(spec_files(&[WHOLE_TRANSFER.to_owned()])?, tally)
}

fn e2e(filters: &[String], tally: &mut Tally) -> Result<(), String> {
    let files = spec_files(filters)?;
    setup::for_browsers()?;
    setup::for_engines()?;
    setup::for_archives()?;
    setup::for_brokers()?;
    site::build(true)?;
    serve::build_station("dev")?;
    specs::run(files, tally)
}

/// The spec files whose name contains one of the filters; all without filters.
fn spec_files(filters: &[String]) -> Result<Vec<PathBuf>, String> {
    let folder = workspace::root().join("e2e").join("specs");
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    let mut specs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let wanted =
                filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
            name.ends_with(".spec.mjs") && wanted
        })
        .collect();
    specs.sort();
    if specs.is_empty() {
        return Err(format!(
            "No file in {} has {:?} in its name.",
            folder.display(),
            filters.join(" or ")
        ));
    }
    Ok(specs)
}

fn with_filters<'a>(
    command: &'a mut std::process::Command,
    filters: &[String],
) -> &'a mut std::process::Command {
    if !filters.is_empty() {
        command.arg("--").args(filters);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integration_test_is_found() {
        let names = integration_tests().unwrap();
        for name in WAITING.iter().chain(&["simulated", "memory", "turns"]) {
            assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
        }
        assert!(!names.iter().any(|name| name == "peak"), "a module of one");
    }

    #[test]
    fn filters_choose_specs_by_name() {
        let all = spec_files(&[]).unwrap();
        let some = spec_files(&["insecure".into()]).unwrap();
        assert!(some.len() < all.len() && !some.is_empty());
        assert!(spec_files(&["no such behaviour".into()]).is_err());
    }
}
