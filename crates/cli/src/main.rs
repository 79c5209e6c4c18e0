//! `mqdrop`: sends files between browsers and terminals through an MQTT broker, and serves the app
//! together with a broker of its own.

mod args;
mod completions;
mod doctor;
mod failure;
mod hash_password;
mod lessons;
mod logs;
mod native;
mod people;
mod profile;
mod receive;
mod room;
mod say;
mod send;
mod serve;
mod state;
mod transfer;

use std::process::ExitCode;

use args::Command;
use failure::Failure;
use mqdrop_words::Words;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The sentences that a terminal shows.
fn words() -> Words {
    Words::terminal()
}

fn run() -> Result<(), Failure> {
    let Some(command) = args::parse()? else {
        return Ok(());
    };
    match command {
        Command::Send(options) => send::run(&options),
        Command::Receive(options) => receive::run(&options),
        Command::People(options) => people::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Serve(options) => serve::run(*options),
        Command::HashPassword(options) => hash_password::run(&options),
        Command::Completions(options) => completions::completions(&options, args::command()),
        Command::Man(options) => completions::man(&options, args::command()),
    }
}
