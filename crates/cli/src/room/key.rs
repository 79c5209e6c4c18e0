//! The room's key: from a link, an option, a file, the environment, a prompt, or made.

use std::io::Read;
use std::path::Path;

use mqdrop_core::keys::{self, KeyError, MAX_KEY_LEN};
use mqdrop_words::Words;

use crate::failure::Failure;
use crate::words;

/// The place that a key comes from, in the order in which they count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// A link has it.
    Link(&'a str),
    /// The command line has it, where others on this computer see it.
    Option(&'a str),
    /// A file has it in its first line.
    File(&'a Path),
    /// The environment has it.
    Environment(&'a str),
    /// Somebody at the terminal knows it.
    Prompt,
    /// Nobody knows it yet: it is made.
    Made,
}

/// The places that may have a key.
#[derive(Debug, Default)]
pub(super) struct Places<'a> {
    pub(super) link: Option<&'a str>,
    pub(super) option: Option<&'a str>,
    pub(super) file: Option<&'a Path>,
    pub(super) environment: Option<&'a str>,
    /// A sender may begin a room of its own.
    pub(super) may_be_made: bool,
    /// Somebody can be asked.
    pub(super) is_terminal: bool,
}

impl<'a> Places<'a> {
    /// The place that counts. An empty variable is as good as none.
    ///
    /// # Errors
    /// If there is no key and nobody can be asked.
    pub(super) fn source(&self) -> Result<Source<'a>, Failure> {
        let environment = self.environment.filter(|key| !key.is_empty());
        let named = (self.link.map(Source::Link))
            .or(self.option.map(Source::Option))
            .or(self.file.map(Source::File))
            .or(environment.map(Source::Environment));
        match named {
            Some(source) => Ok(source),
            None if self.may_be_made => Ok(Source::Made),
            None if self.is_terminal => Ok(Source::Prompt),
            None => Err(Failure::usage(words().usage_no_key())),
        }
    }
}

impl Source<'_> {
    /// The key, as it is typed.
    ///
    /// # Errors
    /// If it cannot be read, or is no key.
    pub(super) fn key(self) -> Result<String, Failure> {
        let key = match self {
            Self::Link(key) | Self::Environment(key) | Self::Option(key) => key.to_owned(),
            Self::File(path) => first_line(path, Words::usage_key_unreadable, 4 * MAX_KEY_LEN)?,
            Self::Prompt => {
                rpassword::prompt_password(words().question_key()).map_err(|error| {
                    Failure::usage(words().usage_cannot_ask_key(&error.to_string()))
                })?
            }
            Self::Made => make()?,
        };
        keys::normalise(&key).map_err(no_key)?;
        Ok(key)
    }
}

/// The failure of a key that is none.
pub(super) fn no_key(error: KeyError) -> Failure {
    Failure::usage(match error {
        KeyError::Empty => words().usage_key_empty().into(),
        KeyError::TooLong => words().usage_key_too_long(&words().number(MAX_KEY_LEN as u64)),
    })
}

fn make() -> Result<String, Failure> {
    Ok(keys::generate(super::random()?))
}

/// The first line of a file with a secret, without its end. At most `most` bytes. `unreadable` makes
/// the sentence of the path and a reason.
///
/// # Errors
/// If the file cannot be read, or its line is longer.
pub(super) fn first_line(
    path: &Path,
    unreadable: fn(Words, &str, &str) -> String,
    most: usize,
) -> Result<String, Failure> {
    let refuse = |why: &str| Failure::usage(unreadable(words(), &path.to_string_lossy(), why));
    let file = std::fs::File::open(path).map_err(|error| refuse(&error.to_string()))?;
    let mut text = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|error| refuse(&error.to_string()))?;
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if line.len() > most {
        let most = words().number(most as u64);
        return Err(refuse(&words().usage_line_too_long(&most)));
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8(line.to_vec()).map_err(|_| refuse(words().usage_not_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Places<'static> {
        Places {
            link: Some("link"),
            option: Some("option"),
            file: Some(Path::new("file")),
            environment: Some("environment"),
            may_be_made: false,
            is_terminal: true,
        }
    }

    #[test]
    fn what_is_said_most_clearly_counts() {
        let mut places = all();
        assert_eq!(places.source(), Ok(Source::Link("link")));
        places.link = None;
        assert_eq!(places.source(), Ok(Source::Option("option")));
        places.option = None;
        assert_eq!(places.source(), Ok(Source::File(Path::new("file"))));
        places.file = None;
        assert_eq!(places.source(), Ok(Source::Environment("environment")));
        places.environment = Some("");
        assert_eq!(places.source(), Ok(Source::Prompt));
        places.may_be_made = true;
        assert_eq!(places.source(), Ok(Source::Made));
    }

    #[test]
    fn without_a_key_and_a_terminal_it_is_said_what_to_give() {
        let failure = Places::default().source().unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().contains("MQDROP_KEY"));
    }

    #[test]
    fn a_file_has_the_key_in_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (content, key) in [
            ("blue whale\nmore", "blue whale"),
            ("blue\r\n", "blue"),
            ("blue", "blue"),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(Source::File(&path).key().unwrap(), key);
        }
        for content in [&b""[..], b"\nblue", b"\xff", &[b'x'; 5000]] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(Source::File(&path).key().unwrap_err().code(), 2);
        }
        let missing = folder.path().join("missing");
        let failure = Source::File(&missing).key().unwrap_err();
        assert!(failure.to_string().contains("missing"), "{failure}");
    }

    #[test]
    fn made_keys_differ_and_are_keys() {
        let (one, other) = (Source::Made.key().unwrap(), Source::Made.key().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.split('-').count(), 6);
    }
}
