//! Words for people on stderr: lines, and bars of progress on a terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Event, clean, qr};
use crate::words;

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
        if let Some(sentence) = sentence(event)
            && self.says(level)
        {
            self.line(&sentence);
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
            .filter_map(sentence)
            .for_each(|sentence| self.line(&sentence));
        if let more @ 1.. = files.len().saturating_sub(listed) {
            self.line(&words().terminal_saved_more(more as u64));
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
            self.line(&words().terminal_link(link));
        }
        if is_made || shows {
            self.line(&words().terminal_key(key));
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

    fn line(&self, text: &str) {
        self.raw(&format!("{}\n", clean::line(text)));
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

/// The sentence for an event; `None` if people are told in another way.
fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        Event::Online { protocol, limit } => {
            let protocol = protocol.as_deref().unwrap_or("MQTT");
            match limit {
                Some(limit) => words().terminal_in_room_limited(protocol, limit),
                None => words().terminal_in_room(protocol),
            }
        }
        Event::Person {
            name,
            state: "here",
            ..
        } => words().terminal_here(name),
        Event::Person { name, .. } => words().terminal_left(name),
        Event::Offer {
            direction: "out",
            title,
            files,
            bytes,
            other,
            ..
        } => words().terminal_sending(&words().title(title), &content(*files, *bytes), other),
        Event::Offer {
            kind: "files",
            title,
            files,
            bytes,
            other,
            ..
        } => words().terminal_sends(other, &words().title(title), &content(*files, *bytes)),
        Event::To {
            name,
            words: compared,
            namesake,
            told,
            ..
        } => {
            let name = words().person_name(name, *namesake);
            match told {
                true => words().sending_to_told(&name, compared),
                false => words().sending_to(&name, compared),
            }
        }
        Event::Receipt { name, .. } => words().terminal_has_it(name),
        Event::Saved { path, bytes, .. } => words().terminal_saved(path, &words().size(*bytes)),
        Event::Warning { text } => format!("mqdrop: {text}"),
        Event::Known { .. }
        | Event::Offer { .. }
        | Event::Room { .. }
        | Event::Progress { .. }
        | Event::Message { .. }
        | Event::Done {}
        | Event::Error { .. } => return None,
    })
}

/// The line for a person on stdout; `None` for other events. `now` is in ms since 1970.
pub(super) fn listed(event: &Event, now: u64) -> Option<String> {
    let Event::Known {
        name,
        state,
        seen,
        namesake,
        verified,
        muted,
        told,
        words: compared,
        ..
    } = event
    else {
        return None;
    };
    let mut facts = vec![match *state {
        "you" => words().people_you().to_owned(),
        "here" => words().listing_here().to_owned(),
        _ => words().listing_away(&words().ago(now.saturating_sub(*seen))),
    }];
    let marks = [
        (*verified, words().listing_verified()),
        (*muted, words().listing_muted()),
        (*told, words().listing_told()),
    ];
    facts.extend(
        marks
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, mark)| (*mark).to_owned()),
    );
    let name = words().person_name(name, *namesake);
    let facts = facts.join(words().phrase_separator());
    Some(words().listing_line(&name, &facts, compared))
}

/// The size of a parcel, and the number of its files if there are several.
pub(crate) fn content(files: u32, bytes: u64) -> String {
    let size = words().size(bytes);
    match files {
        0 | 1 => size,
        files => words().terminal_files(files.into(), &size),
    }
}

/// The words beside a bar.
fn progress(state: &str, bytes: u64, total: u64, rate: f64, eta: Option<f64>) -> String {
    let (bytes, total) = (words().size(bytes), words().size(total));
    let standing = words().progress_standing(&bytes, &total);
    match state {
        "active" => {
            let parts = [standing, words().rate(rate), words().time_left(eta)];
            let known = parts.into_iter().filter(|part| !part.is_empty());
            known.collect::<Vec<_>>().join(words().phrase_separator())
        }
        "offered" => words().progress_offered(&standing),
        "waiting" => words().progress_waiting(&standing),
        "paused" => words().progress_paused(&standing),
        "verifying" => words().progress_verifying(&standing),
        _ => standing,
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
            assert_eq!(sentence(&event).as_deref(), Some(expected));
        }
        assert_eq!(sentence(&Event::Done {}), None);
        let mut to_ann = view(Direction::Out, TransferState::Offered);
        to_ann.to.push(to_ann.from.clone());
        let said = sentence(&Event::offer(&to_ann)).map(|said| clean::line(&said));
        assert_eq!(said.as_deref(), Some("Sending \"a.txt\" (10 bytes) to Ann"));
    }

    #[test]
    fn a_person_is_told_with_words_and_with_what_is_known() {
        let to = |namesake, told| Event::To {
            person: "p".into(),
            name: "Ann".into(),
            words: "a b".into(),
            namesake,
            verified: false,
            told,
        };
        assert_eq!(sentence(&to(false, false)).as_deref(), Some("To Ann (a b)"));
        let told = sentence(&to(true, true)).unwrap();
        assert!(told.starts_with("To Another Ann (a b). Nobody here has met"));
        let known = |state, told| Event::Known {
            person: "p".into(),
            name: "Ann".into(),
            state,
            seen: 0,
            namesake: false,
            verified: true,
            muted: false,
            told,
            words: "a b".into(),
        };
        for (event, line) in [
            (known("you", false), "Ann: you, verified (a b)"),
            (
                known("here", true),
                "Ann: here, verified, known only from others in the room (a b)",
            ),
        ] {
            assert_eq!(listed(&event, 0).as_deref(), Some(line));
        }
    }

    #[test]
    fn progress_has_rate_and_time_left_while_it_moves() {
        let moving = progress("active", 1_000_000, 3_000_000, 500_000.0, Some(4.0));
        assert_eq!(moving, "1.0 MB of 3.0 MB, 500 kB/s, 4 s left");
        assert_eq!(progress("active", 0, 10, 0.0, None), "0 bytes of 10 bytes");
        assert_eq!(
            progress("waiting", 0, 10, 0.0, None),
            "0 bytes of 10 bytes, waiting"
        );
        let standing = progress("active", 0, 10, 0.1, Some(f64::INFINITY));
        assert_eq!(standing, "0 bytes of 10 bytes");
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
