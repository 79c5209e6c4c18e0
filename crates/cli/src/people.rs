//! `mqdrop people`: lists who is in a room and who was, and keeps what the user decides about them.

use std::io::IsTerminal;

use clap::Args;

use crate::failure::Failure;
use crate::room::{Environment, Room, RoomArgs, is_link};
use crate::say::{Output, SayArgs};
use crate::transfer::{self, Decision, seconds};
use crate::words;

/// The options of `mqdrop people`.
#[derive(Debug, Args)]
pub(crate) struct PeopleOptions {
    /// A name, an id or eight words in quotes, for this person alone; or a link of a room, as the page
    /// makes it, in place of key and broker
    #[arg(value_name = "NAME", num_args = 0..=2)]
    given: Vec<String>,

    /// Wait so many seconds for others to answer
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    wait: core::time::Duration,

    /// Mark the person as verified: the words are the same as the person sees. Asks at a terminal
    #[arg(long, group = "decision")]
    verify: bool,

    /// Take that mark away
    #[arg(long, group = "decision")]
    not_verified: bool,

    /// Take nothing from the person any more, and give them nothing
    #[arg(long, group = "decision")]
    mute: bool,

    /// Hear the person again
    #[arg(long, group = "decision")]
    unmute: bool,

    /// With --verify: the words were compared, do not ask
    #[arg(long, short, requires = "verify", conflicts_with_all = ["not_verified", "mute", "unmute"])]
    yes: bool,

    #[command(flatten)]
    room: RoomArgs,

    #[command(flatten)]
    say: SayArgs,
}

/// The meaning of the positional arguments.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given<'a> {
    link: Option<&'a str>,
    who: Option<&'a str>,
}

impl<'a> Given<'a> {
    /// # Errors
    /// If there are two links or two persons.
    fn sort(given: &'a [String]) -> Result<Self, Failure> {
        let mut sorted = Self::default();
        for text in given {
            let (place, refusal) = match is_link(text) {
                true => (&mut sorted.link, words().usage_one_link()),
                false => (&mut sorted.who, words().usage_one_person()),
            };
            if place.replace(text).is_some() {
                return Err(Failure::usage(refusal));
            }
        }
        Ok(sorted)
    }
}

/// Lists, or decides.
///
/// # Errors
/// As docs/COMMANDS.md lists the exit codes.
pub(crate) fn run(options: &PeopleOptions) -> Result<(), Failure> {
    let mut output = Output::new(options.say);
    let outcome = look(options, &mut output);
    output.end(&outcome);
    outcome
}

fn look(options: &PeopleOptions, output: &mut Output) -> Result<(), Failure> {
    let given = Given::sort(&options.given)?;
    let decision = options.decision();
    let asks = decision == Some(Decision::Verify) && !options.yes;
    if decision.is_some() && given.who.is_none() {
        return Err(Failure::usage(words().usage_one_person()));
    }
    // The words are shown on stdout.
    let can_ask = std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal();
    if asks && !can_ask {
        return Err(Failure::usage(words().usage_verify_needs_yes()));
    }
    let room = Room::new(&options.room, given.link, Environment::read(), false)?;
    match (decision, given.who) {
        (Some(decision), Some(who)) => {
            transfer::decide(&room, who, decision, asks, options.wait, output)
        }
        (_, who) => transfer::people(&room, who, options.wait, output),
    }
}

impl PeopleOptions {
    /// The decision that was made, if one was.
    fn decision(&self) -> Option<Decision> {
        let decisions = [
            (self.verify, Decision::Verify),
            (self.not_verified, Decision::Doubt),
            (self.mute, Decision::Mute),
            (self.unmute, Decision::Unmute),
        ];
        let mut made = decisions.into_iter().filter(|(is_made, _)| *is_made);
        made.next().map(|(_, decision)| decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_a_person_or_a_link() {
        let given = ["https://station/#key=a", "Ann"].map(String::from);
        let sorted = Given::sort(&given).unwrap();
        assert_eq!(
            (sorted.link, sorted.who),
            (Some("https://station/#key=a"), Some("Ann"))
        );
        for twice in [["Ann", "Ben"], ["http://a/#key=a", "http://b/#key=b"]] {
            let failure = Given::sort(&twice.map(String::from)).unwrap_err();
            assert_eq!(failure.code(), 2);
        }
    }
}
