//! `mqdrop people`: lists who is in a room, and who was.

use clap::Args;

use crate::failure::Failure;
use crate::room::{Environment, Room, RoomArgs, is_link};
use crate::say::{Output, SayArgs};
use crate::transfer::{self, seconds};

/// The options of `mqdrop people`.
#[derive(Debug, Args)]
pub(crate) struct PeopleOptions {
    /// A name, for those of this name alone; or a link of a room, as the page makes it, in place of key and
    /// broker
    #[arg(value_name = "NAME", num_args = 0..=2)]
    given: Vec<String>,

    /// Wait so many seconds for others to answer
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    wait: core::time::Duration,

    #[command(flatten)]
    room: RoomArgs,

    #[command(flatten)]
    say: SayArgs,
}

/// Lists.
///
/// # Errors
/// As docs/COMMANDS.md lists the exit codes.
pub(crate) fn run(options: &PeopleOptions) -> Result<(), Failure> {
    let mut output = Output::new(options.say);
    let outcome = list(options, &mut output);
    output.end(&outcome);
    outcome
}

fn list(options: &PeopleOptions, output: &mut Output) -> Result<(), Failure> {
    let given = options.given.iter();
    let (links, names): (Vec<&String>, Vec<&String>) = given.partition(|text| is_link(text));
    let link = links.first().map(|link| link.as_str());
    let room = Room::new(&options.room, link, Environment::read(), false)?;
    let name = names.first().map(|name| (*name).clone());
    transfer::people(&room, name, options.wait, output)
}
