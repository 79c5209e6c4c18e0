//! Stations and commands that run beside the test, each bounded in time and ended with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program, without what the tests' own environment says.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mqdrop"));
    for name in ["MQDROP_KEY", "MQDROP_BROKER", "MQDROP_PASSWORD"] {
        command.env_remove(name);
    }
    command
}

/// A station that runs until dropped.
pub(crate) struct Station {
    child: Child,
    /// The port of pages and WebSockets.
    pub(crate) web: u16,
    /// The port of plain MQTT.
    pub(crate) mqtt: u16,
}

impl Station {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_on("0", "0", args)
    }

    /// Starts on these ports, as it may have had them before.
    pub(crate) fn start_on(web: &str, mqtt: &str, args: &[&str]) -> Self {
        let mut child = program()
            .args(["serve", "--listen", web, "--mqtt-listen", mqtt])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the station starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (mut web, mut mqtt) = (None, None);
        for line in stdout.lines() {
            let line = line.expect("stdout is text");
            let port = || line.trim_end_matches('/').rsplit_once(':')?.1.parse().ok();
            if line.contains("://localhost:") && web.is_none() {
                web = line.split_whitespace().find_map(|word| {
                    word.trim_end_matches('/')
                        .rsplit_once("localhost:")?
                        .1
                        .parse()
                        .ok()
                });
            }
            if line.starts_with("MQTT for scripts at ") {
                mqtt = port();
                break;
            }
        }
        Self {
            child,
            web: web.expect("the station says its port"),
            mqtt: mqtt.expect("the station says its port for MQTT"),
        }
    }

    /// A room at this station's broker, over plain MQTT.
    pub(crate) fn room(&self) -> Room {
        Room::new(format!("mqtt://127.0.0.1:{}", self.mqtt))
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A room, a home and a folder of its members.
pub(crate) struct Room {
    pub(crate) broker: String,
    pub(crate) key: String,
    pub(crate) folder: TempDir,
}

impl Room {
    pub(crate) fn new(broker: String) -> Self {
        Self {
            broker,
            key: "blue whale of the tests".into(),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file to send.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    /// Makes a folder to receive into.
    pub(crate) fn inbox(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).expect("a folder");
        path
    }

    /// A command of a member of this room.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command
            .args(args)
            .env("MQDROP_KEY", &self.key)
            .env("MQDROP_BROKER", &self.broker)
            .current_dir(self.folder.path());
        // Nothing of whoever runs the tests is read or written. Senders and receivers are two persons.
        let home = self.path(&format!("home for {}", args.first().unwrap_or(&"nothing")));
        for name in ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, &home);
        }
        command
    }

    /// Runs a command in this room.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::start(&mut self.command(args))
    }

    /// Receives into a folder, without asking, and tells events.
    pub(crate) fn receive(&self, inbox: &Path, args: &[&str]) -> Run {
        let inbox = inbox.to_str().expect("the path is text");
        self.run(&[&["receive", "--yes", "--json", "--out", inbox], args].concat())
    }
}

/// Bytes that look random and are the same each time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(len).collect()
}

/// The content of a file that has to be there.
pub(crate) fn content(path: impl AsRef<Path>) -> Vec<u8> {
    let path = path.as_ref();
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of what lies in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// A command that runs until it ends or is dropped.
pub(crate) struct Run {
    child: Child,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
}

/// The output of a command until now.
#[derive(Default)]
struct Output {
    state: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

/// The end of a command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let start = stdout.floor_char_boundary(3000);
        assert_eq!(
            self.code,
            Some(code),
            "{}\n{}",
            self.stderr,
            &stdout[..start]
        );
        self
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        events(&self.stdout)
    }
}

/// The events in what was printed; every line has to be one.
fn events(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).expect("stdout is text");
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| {
            let event: Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("no event: {line}"));
            assert_eq!(event["v"], 1, "{line}");
            event
        })
        .collect()
}

impl Run {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::spawn(command, Stdio::null())
    }

    /// Starts with something on stdin.
    pub(crate) fn start_with(command: &mut Command, input: &[u8]) -> Self {
        let mut run = Self::spawn(command, Stdio::piped());
        let mut stdin = run.child.stdin.take().expect("stdin is piped");
        // A program that does not read it may have ended already.
        let _ = stdin.write_all(input);
        run
    }

    fn spawn(command: &mut Command, stdin: Stdio) -> Self {
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mqdrop starts");
        let stdout = Output::read(child.stdout.take().expect("stdout is piped"));
        let stderr = Output::read(child.stderr.take().expect("stderr is piped"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Waits for words on stderr.
    #[track_caller]
    pub(crate) fn until_said(&self, words: &str) {
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(words);
        assert!(
            self.stderr.until(said),
            "not said: {words}\n{}",
            self.stderr.text()
        );
    }

    /// Waits for an event that is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let find = |bytes: &[u8]| {
            events(bytes)
                .into_iter()
                .find(|event| event["event"] == what && wanted(event))
        };
        let found = self.stdout.until(|bytes| find(bytes).is_some());
        assert!(
            found,
            "no {what}\n{}\n{}",
            self.stdout.text(),
            self.stderr.text()
        );
        find(&self.stdout.bytes()).expect("it was there")
    }

    /// Waits until more than so many bytes are there and it is under way.
    #[track_caller]
    pub(crate) fn until_moved(&self, bytes: u64) -> u64 {
        let event = self.until("progress", |event| {
            event["state"] == "active" && event["bytes"].as_u64() > Some(bytes)
        });
        event["bytes"].as_u64().expect("a number")
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be waited for");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(self) -> Ended {
        self.wait_for(PATIENCE)
    }

    #[track_caller]
    pub(crate) fn wait_for(mut self, limit: Duration) -> Ended {
        let deadline = Instant::now() + limit;
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status.code();
            }
            assert!(
                Instant::now() < deadline,
                "it does not end\n{}\n{}",
                self.stdout.text(),
                self.stderr.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        self.stdout.until_closed();
        self.stderr.until_closed();
        Ended {
            code,
            stdout: self.stdout.bytes(),
            stderr: self.stderr.text(),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn read(mut stream: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Self::default());
        let filled = Arc::clone(&output);
        std::thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            loop {
                let len = stream.read(&mut buffer).unwrap_or(0);
                let mut state = filled.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.0.extend_from_slice(&buffer[..len]);
                state.1 = len == 0;
                filled.changed.notify_all();
                if len == 0 {
                    return;
                }
            }
        });
        output
    }

    /// Waits until what was printed is as wanted; false if it ended or took too long without.
    fn until(&self, wanted: impl Fn(&[u8]) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if wanted(&state.0) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.1 || left.is_zero() {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn until_closed(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.1 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "its output stays open");
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}
