//! `mqdrop completions` and `mqdrop man`: what shells and the manual want to know of the command
//! line.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::failure::Failure;
use crate::say::print;
use crate::words;

/// The arguments of `mqdrop completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsOptions {
    /// The shell
    shell: Shell,
}

/// The arguments of `mqdrop man`.
#[derive(Debug, Args)]
pub(crate) struct ManOptions {
    /// Write one file for each command into this folder, instead of all pages to stdout
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints the script by which a shell completes the command line.
///
/// # Errors
/// If stdout takes nothing.
pub(crate) fn completions(
    options: &CompletionsOptions,
    mut command: clap::Command,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "mqdrop", &mut script);
    print(&script)
}

/// Prints the manual: the program's page and one for each command; or writes them into files.
///
/// # Errors
/// If stdout or the folder takes nothing.
pub(crate) fn man(options: &ManOptions, command: clap::Command) -> Result<(), Failure> {
    let pages = pages(command)
        .map_err(|error| Failure::other(words().system_manual(&error.to_string())))?;
    let Some(folder) = &options.out else {
        return print(
            &pages
                .into_iter()
                .flat_map(|(_, page)| page)
                .collect::<Vec<u8>>(),
        );
    };
    for (name, page) in pages {
        let path = folder.join(name);
        std::fs::write(&path, page).map_err(|error| {
            let path = path.to_string_lossy();
            Failure::Storage(words().system_manual_file(&path, &error.to_string()))
        })?;
    }
    Ok(())
}

/// The pages' names and texts.
fn pages(mut command: clap::Command) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    // Gives commands their whole names.
    command.build();
    let mut pages = vec![page(command.clone())?];
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        pages.push(page(sub.clone())?);
    }
    Ok(pages)
}

fn page(command: clap::Command) -> std::io::Result<(String, Vec<u8>)> {
    let man = Man::new(command);
    let name = man.get_filename();
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok((name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let pages = pages(crate::args::command()).unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "",
            "-send",
            "-receive",
            "-people",
            "-doctor",
            "-serve",
            "-hash-password",
            "-completions",
            "-man",
        ];
        assert_eq!(names, expected.map(|name| format!("mqdrop{name}.1")));
        for (name, page) in &pages {
            let text = String::from_utf8(page.clone()).unwrap();
            assert!(text.contains(".TH") && text.contains(".SH"), "{name}");
        }
        let send = String::from_utf8(pages[1].1.clone()).unwrap();
        assert!(send.contains("receivers"), "{send}");
    }

    #[test]
    fn every_shell_completes_the_commands() {
        use clap::ValueEnum;
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut crate::args::command(), "mqdrop", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(
                script.contains("receive") && script.contains("receivers"),
                "{shell}"
            );
        }
    }
}
