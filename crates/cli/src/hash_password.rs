//! `mqdrop hash-password`: makes a line for the file of logins.

use std::io::{self, BufRead, IsTerminal};

use clap::Args;
use mqdrop_station::users::{self, LONGEST_PART};

use crate::failure::Failure;
use crate::serve::trouble;
use crate::words;

/// The arguments of `mqdrop hash-password`.
#[derive(Debug, Args)]
pub(crate) struct HashPasswordOptions {
    /// The name that clients log in with
    name: String,
}

/// Reads a password, from the terminal without showing it or from the first line of stdin, and
/// prints the line for `--users`.
///
/// # Errors
/// When the name cannot be used, or no password comes.
pub(crate) fn run(options: &HashPasswordOptions) -> Result<(), Failure> {
    if let Some(fault) = users::fault_of_name(&options.name) {
        let fault = trouble::name(fault);
        return Err(Failure::usage(words().login_name_other(fault)));
    }
    let password = if io::stdin().is_terminal() {
        ask(&options.name)?
    } else {
        first_line(io::stdin().lock())?
    };
    println!("{}", users::line(&options.name, &password)?);
    Ok(())
}

fn ask(name: &str) -> Result<String, Failure> {
    let prompt = |text: String| {
        rpassword::prompt_password(text)
            .map_err(|error| Failure::other(words().system_cannot_ask_password(&error.to_string())))
    };
    let first = prompt(words().question_password(name))?;
    let second = prompt(words().question_password_again().into())?;
    if first != second {
        return Err(Failure::other(words().system_passwords_differ()));
    }
    Ok(first)
}

fn first_line(input: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    // Room for a line end, and for one byte too many to be noticed.
    let most = u64::try_from(LONGEST_PART).unwrap_or(u64::MAX) + 3;
    input
        .take(most)
        .read_line(&mut line)
        .map_err(|error| Failure::other(words().system_cannot_read_password(&error.to_string())))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(password.strip_suffix('\r').unwrap_or(password).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_as_it_is() {
        for (input, password) in [
            ("se cret \nrest", "se cret "),
            ("secret\r\n", "secret"),
            ("secret", "secret"),
            ("", ""),
        ] {
            assert_eq!(first_line(input.as_bytes()).unwrap(), password);
        }
        let endless = "x".repeat(LONGEST_PART * 2);
        assert!(first_line(endless.as_bytes()).unwrap().len() < LONGEST_PART + 4);
    }
}
