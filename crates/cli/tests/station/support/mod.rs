//! Running the station, and small clients written from the specifications
//! alone, so that they share no mistake with the station.

pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod packets;
pub(crate) mod secure;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A station that runs until dropped.
pub(crate) struct Station {
    child: Child,
    pub(crate) lines: Vec<String>,
    pub(crate) web: SocketAddr,
    pub(crate) mqtt: Option<SocketAddr>,
    log: NamedTempFile,
}

impl Station {
    /// Starts `mqdrop serve` on free ports with `args` added.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", args)
    }

    pub(crate) fn start_on(listen: &str, args: &[&str]) -> Self {
        let log = NamedTempFile::new().expect("a file for the log");
        let stderr = File::create(log.path()).expect("the log can be written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_mqdrop"))
            .args(["serve", "--listen", listen, "--mqtt-listen", "0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the station starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut lines = Vec::new();
        for line in stdout.lines() {
            let line = line.expect("stdout is text");
            let is_last = line.starts_with("MQTT for scripts at ");
            lines.push(line);
            if is_last {
                break;
            }
        }
        let port = after(&lines, "://localhost:")
            .and_then(|rest| rest.trim_end_matches('/').parse().ok())
            .unwrap_or_else(|| panic!("no address, but {}", read(&log)));
        let mqtt = after(&lines, "MQTT for scripts at ")
            .and_then(|rest| rest.split_once("://")?.1.parse().ok());
        Self {
            log,
            child,
            lines,
            web: SocketAddr::from(([127, 0, 0, 1], port)),
            mqtt,
        }
    }

    /// The station's stderr until now.
    pub(crate) fn log(&self) -> String {
        read(&self.log)
    }

    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Waits for the end, at most `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .expect("the station can be waited for")
            {
                return status;
            }
            assert!(Instant::now() < deadline, "the station is still running");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Bytes of memory in use now, where the system tells.
    pub(crate) fn memory(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` holds, asking anew.
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it does not come true");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs `mqdrop` to its end: exit code, stdout and stderr.
pub(crate) fn run(args: &[&str]) -> (i32, String, String) {
    run_with_input(args, "")
}

/// The same with something on stdin.
pub(crate) fn run_with_input(args: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mqdrop"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mqdrop starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A program that does not read it may have ended already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("mqdrop can be waited for") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("mqdrop can be ended");
            panic!("mqdrop {args:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |stream: Option<&mut dyn Read>| {
        let mut text = String::new();
        stream
            .expect("the stream is piped")
            .read_to_string(&mut text)
            .expect("the stream is text");
        text
    };
    let stdout = read(child.stdout.as_mut().map(|stream| stream as &mut dyn Read));
    let stderr = read(child.stderr.as_mut().map(|stream| stream as &mut dyn Read));
    (status.code().expect("no signal ended it"), stdout, stderr)
}

fn read(log: &NamedTempFile) -> String {
    std::fs::read_to_string(log.path()).expect("the log is text")
}

fn after<'a>(lines: &'a [String], mark: &str) -> Option<&'a str> {
    lines
        .iter()
        .find_map(|line| line.split_once(mark).map(|(_, rest)| rest))
}
