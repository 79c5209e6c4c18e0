//! Starting programs and reading what they say.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workspace;

/// A program, started in the workspace's root, that finds what set-up installed.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(workspace::root())
        .env("PATH", search_path());
    command
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs to the end, showing what the program prints.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}.", describe(command)))
    }
}

/// Runs to the end, showing what the program prints, line by line, and handing each line of its
/// standard output to `on_line`.
pub(crate) fn run_watched(
    command: &mut Command,
    mut on_line: impl FnMut(&str),
) -> Result<(), String> {
    command.stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            on_line(&line);
        }
    }
    let status = child
        .wait()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}.", describe(command)))
    }
}

/// Runs to the end; all that the program prints, and whether it succeeded.
pub(crate) fn run_quietly(command: &mut Command) -> (String, Result<(), String>) {
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return (String::new(), Err(cannot_start(command, &error))),
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let result = if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "{} ended with {}.",
            describe(command),
            output.status
        ))
    };
    (said, result)
}

/// The program's output, or `None` if it is not there or does not succeed.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where a program is, if it is on the search path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&search_path())
        .map(|folder| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
        .find(|candidate| candidate.is_file())
}

/// The command as a person would type it, for messages.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![
        program
            .file_stem()
            .unwrap_or(program.as_os_str())
            .to_string_lossy(),
    ];
    words.extend(command.get_args().take(4).map(OsStr::to_string_lossy));
    format!("`{}`", words.join(" "))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("{} does not start: {error}.", describe(command))
}

/// Where cargo keeps what it installs and loads.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Cargo's own programs first, and the system folders that ordinary users' paths leave out.
fn search_path() -> std::ffi::OsString {
    let mut folders: Vec<PathBuf> = Vec::new();
    folders.extend(cargo_home().map(|home| home.join("bin")));
    let given = env::var_os("PATH").unwrap_or_default();
    folders.extend(env::split_paths(&given));
    if cfg!(unix) {
        folders.push("/usr/sbin".into());
    }
    env::join_paths(folders).unwrap_or(given)
}
