//! `mqdrop receive`: takes what others send.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::Failure;
use crate::native::Collisions;
use crate::room::{Environment, Room, RoomArgs};
use crate::say::{Output, SayArgs};
use crate::transfer::{self, Place, ReceiveWish, seconds};
use crate::words;

/// The options of `mqdrop receive`.
#[derive(Debug, Args)]
pub(crate) struct ReceiveOptions {
    /// A link of a room, as the page makes it, in place of key and broker; in quotes
    #[arg(value_name = "LINK")]
    link: Option<String>,

    /// The folder for what is received; - for stdout
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,

    /// Go on after the first parcel, until Ctrl-C
    #[arg(long)]
    stay: bool,

    /// Take everything without asking
    #[arg(long, short)]
    yes: bool,

    /// Save under another name where there is a file already (the default)
    #[arg(long, group = "same")]
    rename: bool,

    /// Replace files that are there already
    #[arg(long, group = "same")]
    overwrite: bool,

    /// Keep files that are there already, and not the received ones
    #[arg(long, group = "same")]
    skip: bool,

    /// Give up when nobody sends for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<core::time::Duration>,

    #[command(flatten)]
    room: RoomArgs,

    #[command(flatten)]
    say: SayArgs,
}

/// Receives.
///
/// # Errors
/// As docs/COMMANDS.md lists the exit codes.
pub(crate) fn run(options: &ReceiveOptions) -> Result<(), Failure> {
    let mut output = Output::new(options.say);
    let outcome = receive(options, &mut output);
    output.end(&outcome);
    outcome
}

fn receive(options: &ReceiveOptions, output: &mut Output) -> Result<(), Failure> {
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !options.yes && !can_ask {
        return Err(Failure::usage(words().usage_no_terminal()));
    }
    let room = Room::new(
        &options.room,
        options.link.as_deref(),
        Environment::read(),
        false,
    )?;
    let wish = ReceiveWish {
        takes_all: options.yes,
        stays: options.stay,
        timeout: options.timeout,
    };
    transfer::receive(&room, &options.place()?, wish, output)
}

impl ReceiveOptions {
    /// The place for what is received.
    fn place(&self) -> Result<Place, Failure> {
        if self.out == Path::new("-") {
            return if self.say.json {
                Err(Failure::usage(words().usage_json_to_stdout()))
            } else if self.stay {
                Err(Failure::usage(words().usage_several_to_stdout()))
            } else {
                Ok(Place::Stdout)
            };
        }
        let collisions = match () {
            () if self.overwrite => Collisions::Overwrite,
            () if self.skip => Collisions::Skip,
            () => Collisions::Rename,
        };
        Ok(Place::Folder(self.out.clone(), collisions))
    }
}
