//! `mqdrop send`: sends files, folders, what comes from stdin, or a text.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::{Failure, warn};
use crate::room::{Environment, Room, RoomArgs, is_link};
use crate::say::{Output, SayArgs};
use crate::transfer::{self, Outgoing, SendWish, seconds};
use crate::words;

/// The options of `mqdrop send`.
#[derive(Debug, Args)]
pub(crate) struct SendOptions {
    /// Files and folders; - for stdin. A link of a room, as the page makes it, takes the place of key
    /// and broker
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Send this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,

    /// Send to this person alone, by name, id or eight words; may be given several times. Others in the
    /// room are told nothing
    #[arg(long, value_name = "NAME")]
    to: Vec<String>,

    /// Leave out what matches, in folders; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,

    /// Leave out what .gitignore files leave out
    #[arg(long)]
    gitignore: bool,

    /// The name of what comes from stdin
    #[arg(long, value_name = "NAME")]
    file_name: Option<String>,

    /// End once so many have it
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    receivers: u16,

    /// Go on for others then, until Ctrl-C
    #[arg(long)]
    stay: bool,

    /// Give up when nobody receives for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<core::time::Duration>,

    #[command(flatten)]
    room: RoomArgs,

    #[command(flatten)]
    say: SayArgs,
}

/// The meaning of the positional arguments.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given<'a> {
    link: Option<&'a str>,
    paths: Vec<&'a Path>,
    stdin: bool,
}

impl<'a> Given<'a> {
    /// # Errors
    /// If stdin or a link is named twice.
    fn sort(paths: &'a [PathBuf]) -> Result<Self, Failure> {
        let mut given = Self::default();
        for path in paths {
            match path.to_str() {
                Some("-") if given.stdin => {
                    return Err(Failure::usage(words().usage_stdin_twice()));
                }
                Some("-") => given.stdin = true,
                Some(link) if is_link(link) => {
                    if given.link.replace(link).is_some() {
                        return Err(Failure::usage(words().usage_links()));
                    }
                }
                _ => given.paths.push(path),
            }
        }
        Ok(given)
    }
}

/// Sends.
///
/// # Errors
/// As docs/COMMANDS.md lists the exit codes.
pub(crate) fn run(options: &SendOptions) -> Result<(), Failure> {
    let mut output = Output::new(options.say);
    let outcome = send(options, &mut output);
    output.end(&outcome);
    outcome
}

fn send(options: &SendOptions, output: &mut Output) -> Result<(), Failure> {
    let given = Given::sort(&options.paths)?;
    if given.paths.is_empty() && !given.stdin && options.text.is_none() {
        return Err(Failure::usage(words().usage_nothing_to_send()));
    }
    if options.file_name.is_some() && !given.stdin {
        return Err(Failure::usage(words().usage_file_name()));
    }
    if given.stdin && std::io::stdin().is_terminal() {
        warn(words().usage_reads_terminal());
    }
    let room = Room::new(&options.room, given.link, Environment::read(), true)?;
    output.invite(&room.key, room.link().as_deref(), room.is_made);
    let outgoing = Outgoing {
        paths: given.paths.iter().map(|path| path.to_path_buf()).collect(),
        stdin: (given.stdin).then(|| options.file_name.clone().unwrap_or("stdin".into())),
        text: options.text.clone(),
        exclude: options.exclude.clone(),
        gitignore: options.gitignore,
    };
    let wish = SendWish {
        to: options.to.clone(),
        receivers: options.receivers.into(),
        stays: options.stay,
        timeout: options.timeout,
    };
    transfer::send(&room, outgoing, wish, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_paths_stdin_or_a_link() {
        let paths = ["a.txt", "-", "https://station/#key=a", "folder/"].map(PathBuf::from);
        let given = Given::sort(&paths).unwrap();
        assert_eq!(given.link, Some("https://station/#key=a"));
        assert_eq!(given.paths, [Path::new("a.txt"), Path::new("folder/")]);
        assert!(given.stdin);
        for twice in [["-", "-"], ["http://a/#key=a", "http://b/#key=b"]] {
            let failure = Given::sort(&twice.map(PathBuf::from)).unwrap_err();
            assert_eq!(failure.code(), 2);
        }
    }
}
