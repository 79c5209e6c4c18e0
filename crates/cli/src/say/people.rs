//! Words for people on stderr: lines, and bars of progress on a terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

use super::{Event, clean, qr};

/// More files than these are not listed one by one, unless that is asked for.
const LISTED: usize = 10;

/// Tells people.
pub(super) struct People {
    is_quiet: bool,
    is_verbose: bool,
    is_terminal: bool,
    bars: MultiProgress,
    /// By parcel.
    running: BTreeMap<String, ProgressBar>,
    was_online: bool,
}

impl People {
    pub(super) fn new(is_quiet: bool, is_verbose: bool) -> Self {
        Self {
            is_quiet,
            is_verbose,
            is_terminal: std::io::stderr().is_terminal(),
            bars: MultiProgress::new(),
            running: BTreeMap::new(),
            was_online: false,
        }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        if let Event::Progress { .. } = event {
            return self.show(event);
        }
        let level = level(event, self.was_online);
        if let Event::Online { .. } = event {
            self.was_online = true;
        }
        if let Some(words) = words(event)
            && self.says(level)
        {
            self.line(&words);
        }
    }

    /// Shows a line of the log.
    pub(super) fn log(&self, line: &str) {
        if self.says(Level::Detail) {
            self.line(line);
        }
    }

    /// Tells where files are, one by one if they are few.
    pub(super) fn saved(&self, files: &[Event]) {
        if !self.says(Level::Usual) {
            return;
        }
        let listed = if self.is_verbose { files.len() } else { LISTED };
        files
            .iter()
            .take(listed)
            .filter_map(words)
            .for_each(|words| self.line(&words));
        if let more @ 1.. = files.len().saturating_sub(listed) {
            self.line(&format!("and {more} more; -v lists all"));
        }
    }

    /// Shows the key; on a terminal also a link and its QR code. A key that others have to be told is
    /// shown even if nothing else is; one that was given is not written into logs.
    pub(super) fn invite(&self, key: &str, link: Option<&str>, is_made: bool) {
        let shows = self.is_terminal && self.says(Level::Usual);
        if shows && let Some(link) = link {
            if let Some(code) = qr::code(link) {
                self.raw(&code);
            }
            self.line(&format!("Link: {link}"));
        }
        if is_made || shows {
            self.line(&format!("Key: {key}"));
        }
    }

    /// Leaves the question on the line of its answer.
    pub(super) fn ask(&self, question: &str) {
        self.raw(&clean::line(question));
    }

    /// Does something while no bar is in the way.
    pub(super) fn aside(&self, act: impl FnOnce()) {
        self.bars.suspend(act);
    }

    /// Takes away what moves.
    pub(super) fn end(&mut self) {
        for bar in std::mem::take(&mut self.running).into_values() {
            bar.finish_and_clear();
        }
    }

    /// Takes the bar of a parcel away, if there is one.
    pub(super) fn forget(&mut self, parcel: &str) {
        if let Some(bar) = self.running.remove(parcel) {
            bar.finish_and_clear();
        }
    }

    fn says(&self, level: Level) -> bool {
        match level {
            Level::Always => true,
            Level::Usual => !self.is_quiet,
            Level::Detail => !self.is_quiet && self.is_verbose,
        }
    }

    fn show(&mut self, event: &Event) {
        let Event::Progress {
            parcel,
            state,
            bytes,
            total,
            rate,
            eta,
        } = event
        else {
            return;
        };
        if !self.is_terminal || self.is_quiet {
            return;
        }
        if matches!(*state, "done" | "failed" | "cancelled" | "declined") {
            return self.forget(parcel);
        }
        let bars = &self.bars;
        let bar = self.running.entry(parcel.clone()).or_insert_with(|| {
            let bar = bars.add(ProgressBar::new(*total));
            // Keeps its usual look if the template is wrong.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
                bar.set_style(style.progress_chars("█▌░"));
            }
            bar
        });
        bar.set_length(*total);
        bar.set_position(*bytes);
        bar.set_message(progress(state, *bytes, *total, *rate, *eta));
    }

    fn line(&self, words: &str) {
        self.raw(&format!("{}\n", clean::line(words)));
    }

    fn raw(&self, text: &str) {
        self.bars.suspend(|| {
            let mut stderr = std::io::stderr().lock();
            // Nobody is left to be told that telling failed.
            let _ = stderr
                .write_all(text.as_bytes())
                .and_then(|()| stderr.flush());
        });
    }
}

/// How much somebody has to want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Even with `-q`.
    Always,
    /// Unless `-q`.
    Usual,
    /// With `-v`.
    Detail,
}

fn level(event: &Event, was_online: bool) -> Level {
    match event {
        Event::Warning { .. } => Level::Always,
        Event::Person { .. } => Level::Detail,
        Event::Online { .. } if !was_online => Level::Detail,
        _ => Level::Usual,
    }
}

/// The words for an event; `None` if people are told in another way.
fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Online { protocol, limit } => {
            let protocol = protocol.as_deref().unwrap_or("MQTT");
            match limit {
                Some(limit) => format!("In the room, over {protocol}. {limit}"),
                None => format!("In the room, over {protocol}"),
            }
        }
        Event::Person {
            name,
            state: "here",
            ..
        } => format!("{name} is here"),
        Event::Person { name, .. } => format!("{name} left"),
        Event::Offer {
            direction: "out",
            title,
            files,
            bytes,
            ..
        } => {
            format!(
                "Sending \"{title}\" ({}) to everyone in the room",
                amount(*files, *bytes)
            )
        }
        Event::Offer {
            kind: "files",
            title,
            files,
            bytes,
            sender,
            ..
        } => {
            let sender = sender.as_deref().unwrap_or("Somebody");
            format!("{sender} sends \"{title}\" ({})", amount(*files, *bytes))
        }
        Event::Receipt { name, .. } => format!("{name} has it"),
        Event::Saved { path, bytes, .. } => {
            format!("Saved {path} ({})", super::words().size(*bytes))
        }
        Event::Warning { text } => format!("mqdrop: {text}"),
        Event::Offer { .. }
        | Event::Room { .. }
        | Event::Progress { .. }
        | Event::Message { .. }
        | Event::Done {}
        | Event::Error { .. } => return None,
    })
}

fn amount(files: u32, bytes: u64) -> String {
    match files {
        0 | 1 => super::words().size(bytes),
        files => format!("{files} files, {}", super::words().size(bytes)),
    }
}

/// The words beside a bar.
fn progress(state: &str, bytes: u64, total: u64, rate: f64, eta: Option<f64>) -> String {
    let done = format!(
        "{} of {}",
        super::words().size(bytes),
        super::words().size(total)
    );
    match (state, eta) {
        ("active", Some(eta)) => {
            // Hours are enough for what takes for ever.
            let left = std::time::Duration::from_secs_f64(eta.clamp(0.0, 3e8));
            // Whole bytes are exact enough.
            format!(
                "{done}, {}/s, {:#} left",
                super::words().size(rate as u64),
                HumanDuration(left)
            )
        }
        ("active", None) => done,
        (state, _) => format!("{done}, {state}"),
    }
}

#[cfg(test)]
mod tests {
    use mqdrop_core::view::{Direction, TransferState};

    use super::super::view;
    use super::*;

    #[test]
    fn events_have_words() {
        let person = |state| Event::Person {
            device: "d".into(),
            name: "Ann".into(),
            state,
        };
        let out = Event::offer(&view(Direction::Out, TransferState::Offered));
        let incoming = Event::offer(&view(Direction::In, TransferState::Offered));
        for (event, expected) in [
            (person("here"), "Ann is here"),
            (person("away"), "Ann left"),
            (out, "Sending \"a.txt\" (10 bytes) to everyone in the room"),
            (incoming, "Ann sends \"a.txt\" (10 bytes)"),
        ] {
            assert_eq!(words(&event).as_deref(), Some(expected));
        }
        assert_eq!(words(&Event::Done {}), None);
    }

    #[test]
    fn progress_has_rate_and_time_left_while_it_moves() {
        let moving = progress("active", 1_000_000, 3_000_000, 500_000.0, Some(4.0));
        assert_eq!(moving, "1.0 MB of 3.0 MB, 500 kB/s, 4s left");
        assert_eq!(progress("active", 0, 10, 0.0, None), "0 bytes of 10 bytes");
        assert_eq!(
            progress("waiting", 0, 10, 0.0, None),
            "0 bytes of 10 bytes, waiting"
        );
        assert!(progress("active", 0, 10, 0.1, Some(f64::INFINITY)).contains("left"));
    }

    #[test]
    fn what_goes_wrong_is_said_even_to_the_quiet() {
        let warning = Event::Warning { text: "x".into() };
        let online = Event::Online {
            protocol: None,
            limit: None,
        };
        let quiet = People::new(true, false);
        assert!(quiet.says(level(&warning, false)));
        assert!(!quiet.says(level(&online, true)));
        let usual = People::new(false, false);
        assert!(!usual.says(level(&online, false)) && usual.says(level(&online, true)));
    }
}
