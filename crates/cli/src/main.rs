//! `mqdrop`: sends files between browsers through an MQTT broker. This binary
//! serves the app together with a broker of its own.

mod args;
mod failure;
mod hash_password;
mod logs;
mod serve;

use std::process::ExitCode;

use args::Command;
use failure::Failure;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    let Some(command) = args::parse()? else {
        return Ok(());
    };
    match command {
        Command::Serve(options) => serve::run(*options),
        Command::HashPassword(options) => hash_password::run(&options),
    }
}
