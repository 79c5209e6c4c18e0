//! The output of a command: for people on stderr, for scripts as JSON on stdout.

pub(crate) mod clean;
mod event;
mod people;
pub(crate) mod qr;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use clap::Args;

pub(crate) use event::Event;
#[cfg(test)]
pub(crate) use event::tests::view;
use people::People;
pub(crate) use people::content;

use crate::failure::Failure;

/// The options that say how much is said, and how.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "What is said")]
pub(crate) struct SayArgs {
    /// Print events as JSON on stdout, one object a line and nothing else
    #[arg(long)]
    pub(crate) json: bool,

    /// Say on stderr only what goes wrong
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Say on stderr also who comes and goes, name every file, and log what is done
    #[arg(long, short)]
    verbose: bool,
}

/// The output of one command.
pub(crate) struct Output {
    is_json: bool,
    /// The last that was told of the progress of each parcel.
    progress: BTreeMap<String, Event>,
    people: People,
}

impl Output {
    pub(crate) fn new(args: SayArgs) -> Self {
        Self {
            is_json: args.json,
            progress: BTreeMap::new(),
            people: People::new(args.quiet, args.verbose),
        }
    }

    /// Forgets a parcel that is off the list.
    pub(crate) fn forget(&mut self, parcel: &str) {
        self.progress.remove(parcel);
        self.people.forget(parcel);
    }

    /// Tells an event. Progress that changed nothing is none.
    pub(crate) fn tell(&mut self, event: &Event) {
        if let Event::Progress { parcel, .. } = event {
            let before = self.progress.insert(parcel.clone(), event.clone());
            if before.as_ref() == Some(event) {
                return;
            }
        }
        if self.is_json {
            show(&format!("{}\n", event.to_json()));
        } else if let Some(line) = people::listed(event, crate::profile::now()) {
            self.people
                .aside(|| show(&format!("{}\n", clean::line(&line))));
        }
        self.people.tell(event);
    }

    /// Shows lines of the log, if they are asked for.
    pub(crate) fn log<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        lines.for_each(|line| self.people.log(line));
    }

    /// Tells where the files of a parcel are.
    pub(crate) fn saved(&mut self, files: &[Event]) {
        if self.is_json {
            let lines = files.iter().map(|event| event.to_json() + "\n");
            show(&lines.collect::<String>());
        }
        self.people.saved(files);
    }

    /// Gives the user a text: as it is where stdout leads to a program or a file, cleaned on a
    /// terminal.
    pub(crate) fn deliver(&mut self, parcel: String, text: String) {
        if self.is_json {
            self.tell(&Event::Message { parcel, text });
        } else if std::io::stdout().is_terminal() {
            self.people
                .aside(|| show(&format!("{}\n", clean::lines(&text))));
        } else {
            show(&text);
        }
    }

    /// Says how to get into the room.
    pub(crate) fn invite(&mut self, key: &str, link: Option<&str>, is_made: bool) {
        if self.is_json && is_made {
            let (key, link) = (key.to_owned(), link.map(str::to_owned));
            show(&format!("{}\n", Event::Room { key, link }.to_json()));
        }
        self.people.invite(key, link, is_made);
    }

    /// Asks somebody at the terminal. The answer comes another way.
    pub(crate) fn ask(&mut self, question: &str) {
        self.people.ask(question);
    }

    /// Says how the command ended, as far as stderr does not.
    pub(crate) fn end(&mut self, outcome: &Result<(), Failure>) {
        if self.is_json {
            show(&format!("{}\n", Event::end(outcome).to_json()));
        }
        self.people.end();
    }
}

/// Writes to stdout. A reader that went away (`mqdrop man | head`) is no error.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::other(
            crate::words().system_stdout(&error.to_string()),
        )),
        _ => Ok(()),
    }
}

/// Writes an event or a text to stdout. What it tells has happened, whether or not it can be written.
fn show(text: &str) {
    let _ = print(text.as_bytes());
}
