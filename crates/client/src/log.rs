//! The log of a client: what it and its engine did last, and how often. It names no key, no login,
//! no file, no person and no broker, so that it can go into a bug report.

use std::collections::VecDeque;

use mqdrop_core::view::{ConnectionState, StatusView, TransferView};
use mqdrop_core::{ParcelId, SocketClose, Time};

use crate::lesson::Learnt;

/// So many lines are kept.
const LINES: usize = 400;

/// So many transfers are known by their last line; of others one line too many is written.
const TRANSFERS: usize = 256;

/// Numbers that only grow, since the client began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were asked of the platform.
    pub connections: u64,
    /// Connections that opened.
    pub opened: u64,
    /// Connections that ended, or did not open, without this device's wish.
    pub closed: u64,
    /// Pieces in which bytes came from the broker.
    pub pieces_in: u64,
    /// Bytes that came from the broker.
    pub bytes_in: u64,
    /// MQTT packets for the broker.
    pub packets_out: u64,
    /// Bytes for the broker.
    pub bytes_out: u64,
    /// Requests to read files that are sent.
    pub reads: u64,
    /// Those that failed.
    pub reads_failed: u64,
    /// Requests to storage.
    pub storage: u64,
    /// Those that failed.
    pub storage_failed: u64,
}

impl Counters {
    /// All of them on one line, as `key=value`.
    #[must_use]
    pub fn line(&self) -> String {
        let Counters {
            connections,
            opened,
            closed,
            pieces_in,
            bytes_in,
            packets_out,
            bytes_out,
            reads,
            reads_failed,
            storage,
            storage_failed,
        } = *self;
        let mut text = String::new();
        for (name, number) in [
            ("connections", connections),
            ("opened", opened),
            ("closed", closed),
            ("pieces_in", pieces_in),
            ("bytes_in", bytes_in),
            ("packets_out", packets_out),
            ("bytes_out", bytes_out),
            ("reads", reads),
            ("reads_failed", reads_failed),
            ("storage", storage),
            ("storage_failed", storage_failed),
        ] {
            push(&mut text, name, &number.to_string());
        }
        text
    }
}

/// The last lines, and the counters.
#[derive(Debug, Default)]
pub struct Log {
    counters: Counters,
    lines: VecDeque<String>,
    /// The number of lines that were written.
    written: u64,
    /// The last line of a status, without its time.
    status: String,
    /// The last line of each transfer, without numbers that change all the time.
    transfers: VecDeque<(String, String)>,
}

impl Log {
    /// The counters.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The last lines from the one with this number on, of which the first ever is 0; and the number
    /// of the next one. A line is a time in seconds on the platform's clock, a word, and `key=value`.
    pub fn since(&self, number: u64) -> (impl Iterator<Item = &str>, u64) {
        let kept = self.lines.len() as u64;
        let missing = number.saturating_sub(self.written - kept);
        let skipped = usize::try_from(missing).unwrap_or(usize::MAX);
        (
            self.lines.iter().skip(skipped).map(String::as_str),
            self.written,
        )
    }

    /// Counters and lines as one text.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.counters.line();
        for line in &self.lines {
            text.push('\n');
            text.push_str(line);
        }
        text
    }

    pub(crate) fn open(&mut self, now: Time) {
        self.counters.connections += 1;
        self.line(now, "connect", &[]);
    }

    pub(crate) fn opened(&mut self, compresses: bool, now: Time) {
        self.counters.opened += 1;
        let compresses = if compresses { "yes" } else { "no" };
        self.line(now, "open", &[("compresses", compresses)]);
    }

    pub(crate) fn closed(&mut self, close: &SocketClose, now: Time) {
        self.counters.closed += 1;
        let (why, code) = match close {
            SocketClose::Unreachable => ("unreachable", None),
            SocketClose::Refused(_) => ("refused", None),
            SocketClose::Closed { code } => ("ended", *code),
            SocketClose::Invalid(_) => ("invalid", None),
        };
        let code = code.map(|code| code.to_string()).unwrap_or_default();
        self.line(now, "closed", &[("why", why), ("code", &code)]);
    }

    pub(crate) fn close(&mut self, now: Time) {
        self.line(now, "close", &[]);
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.counters.pieces_in += 1;
        self.counters.bytes_in += bytes as u64;
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.counters.packets_out += 1;
        self.counters.bytes_out += bytes as u64;
    }

    pub(crate) fn read(&mut self) {
        self.counters.reads += 1;
    }

    pub(crate) fn read_failed(&mut self, parcel: ParcelId, now: Time) {
        self.counters.reads_failed += 1;
        self.line(now, "read-failed", &[("parcel", &parcel.to_string())]);
    }

    pub(crate) fn stored(&mut self) {
        self.counters.storage += 1;
    }

    pub(crate) fn store_failed(&mut self, parcel: ParcelId, now: Time) {
        self.counters.storage_failed += 1;
        self.line(now, "storage-failed", &[("parcel", &parcel.to_string())]);
    }

    /// Writes a line if this device stands otherwise than the line before says: a status is told also
    /// when something changed that no line has.
    pub(crate) fn status(&mut self, status: &StatusView, now: Time) {
        let state = match status.state {
            ConnectionState::Offline => "offline",
            ConnectionState::Connecting => "connecting",
            ConnectionState::Online => "online",
            ConnectionState::Error => "error",
        };
        let trouble = status.trouble.as_ref().map_or("", |trouble| trouble.name());
        let protocol = status.protocol.as_deref().unwrap_or_default();
        let limit = status.limit.as_ref().map_or("", |limit| limit.name());
        let mut standing = String::new();
        for (name, value) in [
            ("state", state),
            ("trouble", trouble),
            ("protocol", protocol),
            ("limit", limit),
        ] {
            push(&mut standing, name, value);
        }
        if standing != self.status {
            self.text(now, "status", &standing);
            self.status = standing;
        }
    }

    pub(crate) fn peers(&mut self, number: usize, now: Time) {
        self.line(now, "peers", &[("number", &number.to_string())]);
    }

    pub(crate) fn learnt(&mut self, learnt: Learnt, now: Time) {
        if learnt.frame_limit.or(learnt.frame_length).is_none() {
            return;
        }
        let bytes = |bytes: Option<u32>| bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
        let fields = [
            ("limit", &bytes(learnt.frame_limit)[..]),
            ("length", &bytes(learnt.frame_length)),
        ];
        self.line(now, "learnt", &fields);
    }

    /// Writes a line if a transfer stands otherwise than it did.
    pub(crate) fn transfer(&mut self, view: &TransferView, now: Time) {
        let cause = view.cause.as_ref().map_or("", |cause| cause.name());
        let standing = format!("{} {cause} {}", view.state.name(), view.receivers.len());
        let known = self
            .transfers
            .iter_mut()
            .find(|(parcel, _)| *parcel == view.parcel);
        match known {
            Some((_, before)) if *before == standing => return,
            Some((_, before)) => *before = standing,
            None => {
                if self.transfers.len() == TRANSFERS {
                    self.transfers.pop_front();
                }
                self.transfers.push_back((view.parcel.clone(), standing));
            }
        }
        let fields = [
            ("parcel", &view.parcel[..]),
            ("state", view.state.name()),
            ("cause", cause),
            ("bytes", &view.bytes.to_string()),
            ("of", &view.total.to_string()),
            ("files", &view.files.to_string()),
            ("receivers", &view.receivers.len().to_string()),
        ];
        self.line(now, "transfer", &fields);
    }

    /// Writes a line; a field without a value is left out.
    fn line(&mut self, now: Time, word: &str, fields: &[(&str, &str)]) {
        let mut text = String::new();
        for (name, value) in fields {
            push(&mut text, name, value);
        }
        self.text(now, word, &text);
    }

    fn text(&mut self, now: Time, word: &str, fields: &str) {
        let millis = now.as_micros() / 1000;
        let mut line = format!("{}.{:03} {word}", millis / 1000, millis % 1000);
        if !fields.is_empty() {
            line.push(' ');
            line.push_str(fields);
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.written += 1;
    }
}

fn push(line: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(name);
    line.push('=');
    // A value is one word.
    line.extend(
        value
            .chars()
            .map(|letter| if letter == ' ' { '_' } else { letter }),
    );
}

#[cfg(test)]
mod tests {
    use mqdrop_core::view::RoomTrouble;

    use super::*;

    #[test]
    fn lines_have_numbers_and_the_oldest_are_forgotten() {
        let mut log = Log::default();
        let (lines, next) = log.since(0);
        assert_eq!((lines.count(), next), (0, 0));
        for peers in 0..LINES + 3 {
            log.peers(peers, Time::from_millis(peers as u64));
        }
        let lines =
            |log: &Log, from| -> Vec<String> { log.since(from).0.map(str::to_owned).collect() };
        assert_eq!(lines(&log, 0).len(), LINES);
        assert_eq!(lines(&log, 0)[0], "0.003 peers number=3");
        let (_, next) = log.since(0);
        assert_eq!(next, LINES as u64 + 3);
        assert_eq!(lines(&log, next - 1), ["0.402 peers number=402"]);
        assert_eq!(lines(&log, next), [""; 0]);
        // Of another log, perhaps.
        assert_eq!(lines(&log, next + 7), [""; 0]);
    }

    #[test]
    fn a_status_that_is_told_again_is_one_line() {
        let mut log = Log::default();
        let connecting = StatusView {
            state: ConnectionState::Connecting,
            ..StatusView::default()
        };
        let error = StatusView {
            state: ConnectionState::Error,
            trouble: Some(RoomTrouble::Silent),
            ..StatusView::default()
        };
        // No line has the address.
        let elsewhere = StatusView {
            broker: "ws://broker.example".into(),
            ..error.clone()
        };
        let told = [&connecting, &error, &elsewhere, &error, &connecting];
        for (second, status) in (1..).zip(told) {
            log.status(status, Time::from_millis(1000 * second));
        }
        let (lines, next) = log.since(0);
        let lines: Vec<&str> = lines.collect();
        let expected = [
            "1.000 status state=connecting",
            "2.000 status state=error trouble=silent",
            "5.000 status state=connecting",
        ];
        assert_eq!(lines, expected);
        assert_eq!(next, 3);
    }

    #[test]
    fn a_report_has_counters_and_lines() {
        let mut log = Log::default();
        log.open(Time::from_millis(1500));
        log.closed(
            &SocketClose::Closed { code: Some(1009) },
            Time::from_millis(62_007),
        );
        log.received(10);
        let report = log.report();
        let lines: Vec<&str> = report.lines().collect();
        assert!(lines[0].starts_with("connections=1 opened=0 closed=1 pieces_in=1 bytes_in=10 "));
        assert_eq!(
            lines[1..],
            ["1.500 connect", "62.007 closed why=ended code=1009"]
        );
    }
}
