//! The languages that mqdrop speaks, as they are written down: one TOML file for each.
//!
//! English is the measure. Every other language has the same messages with the same placeholders, or
//! the build fails and says which one does not. A message is a text, or one text for each plural
//! category of the language (Unicode CLDR, "Language Plural Rules"):
//!
//! ```
//! use mqdrop_languages::Language;
//!
//! let english = Language::parse(
//!     r#"
//! [room]
//! left = "{name} left"
//! files.one = "{count} file"
//! files.other = "{count} files"
//! "#,
//! )?;
//! assert_eq!(english.messages[0].name, "room_left");
//! assert_eq!(english.messages[0].placeholders, ["name"]);
//! assert!(english.messages[1].is_plural());
//! # Ok::<(), mqdrop_languages::Fault>(())
//! ```

mod code;
mod message;

pub use code::functions;
pub use message::{Message, Shape};

/// The plural categories of Unicode CLDR.
pub const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// A fault in a language's source file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not TOML.
    #[error("{0}")]
    Toml(String),
    /// A message is neither a text nor a table of plural forms.
    #[error("`{0}` is neither a text nor a table with a text for each plural category")]
    NoMessage(String),
    /// A text has a brace that belongs to no placeholder.
    #[error("`{0}` has a `{{` or `}}` that is no placeholder such as {{name}}")]
    Brace(String),
    /// A plural has no placeholder for its number, or no form for `other`.
    #[error("`{0}` has plural forms, and so needs {{count}} and a form `other`")]
    Plural(String),
    /// English has this message, and the language has not.
    #[error("`{0}` is missing")]
    Missing(String),
    /// The language has this message, and English has not.
    #[error("`{0}` is no message of English")]
    Unknown(String),
    /// The placeholders are others than in English.
    #[error("`{0}` has other placeholders than in English: {1}")]
    Placeholders(String, String),
}

/// One language's messages, in the order of its file.
#[derive(Debug)]
pub struct Language {
    /// All of them.
    pub messages: Vec<Message>,
}

impl Language {
    /// Reads a source file.
    ///
    /// # Errors
    /// If it is not TOML, or a message is none.
    pub fn parse(source: &str) -> Result<Self, Fault> {
        let table: toml::Table = source
            .parse()
            .map_err(|error: toml::de::Error| Fault::Toml(error.to_string()))?;
        let mut messages = Vec::new();
        message::read("", &table, &mut messages)?;
        Ok(Self { messages })
    }

    /// This language as it is delivered, in the order of English: one line for each message.
    ///
    /// # Errors
    /// The first message that is missing here, that English has not, or whose placeholders differ.
    pub fn packed(&self, english: &Self) -> Result<Vec<String>, Fault> {
        let strange = self
            .messages
            .iter()
            .find(|message| english.find(&message.name).is_none());
        if let Some(strange) = strange {
            return Err(Fault::Unknown(strange.name.clone()));
        }
        let pack = |original: &Message| {
            self.find(&original.name)
                .ok_or_else(|| Fault::Missing(original.name.clone()))?
                .packed(original)
        };
        english.messages.iter().map(pack).collect()
    }

    /// The file of this language as a page loads it: the version of English, then a line for each
    /// message.
    ///
    /// # Errors
    /// As [`packed`](Self::packed).
    pub fn delivered(&self, english: &Self) -> Result<String, Fault> {
        let lines = self.packed(english)?.join("\n");
        Ok(format!("{}\n{lines}\n", english.version()?))
    }

    /// Sixteen digits that change with every message of English, so that a page does not take the
    /// file of another version: FNV-1a of the lines.
    pub(crate) fn version(&self) -> Result<String, Fault> {
        let lines = self.packed(self)?.join("\n");
        let hash = lines
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Ok(format!("{hash:016x}"))
    }

    /// The text of a message without plural forms.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match &self.find(name)?.shape {
            Shape::Text(text) => Some(text),
            Shape::Plural(_) => None,
        }
    }

    fn find(&self, name: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = r#"
plain = "Nobody is here"
[room]
left = "{name} left {room}"
[room.files]
one = "{count} file of {name}"
other = "{count} files of {name}"
"#;

    fn packed(source: &str) -> Result<Vec<String>, Fault> {
        Language::parse(source)?.packed(&Language::parse(ENGLISH)?)
    }

    #[test]
    fn a_language_is_packed_in_the_order_of_english() {
        let german = r#"
[room]
left = "Aus {room} ging {name}"
[room.files]
other = "{count} Dateien von {name}"
one = "eine Datei von {name}"
[""]
"#;
        assert_eq!(
            packed(&german.replace("[\"\"]", "")),
            Err(Fault::Missing("plain".into()))
        );
        let german = format!(
            "plain = \"Niemand ist da\"\n{}",
            german.replace("[\"\"]", "")
        );
        assert_eq!(
            packed(&german).unwrap(),
            [
                "Niemand ist da",
                "Aus {1} ging {0}",
                "\u{1e}other\u{1f}{0} Dateien von {1}\u{1e}one\u{1f}eine Datei von {1}",
            ]
        );
    }

    #[test]
    fn a_language_that_differs_is_refused_by_name() {
        let with = |from, to| packed(&ENGLISH.replace(from, to));
        assert!(with("x", "x").is_ok());
        assert_eq!(
            with("plain =", "plane ="),
            Err(Fault::Unknown("plane".into()))
        );
        assert_eq!(
            with("left {room}", "left"),
            Err(Fault::Placeholders("room_left".into(), "{name}".into()))
        );
        assert_eq!(
            with("{name} left", "{who} left"),
            Err(Fault::Placeholders(
                "room_left".into(),
                "{who} {room}".into()
            ))
        );
        assert_eq!(
            with("left {room}", "left {room"),
            Err(Fault::Brace("room_left".into()))
        );
        assert_eq!(
            with("other = ", "otter = "),
            Err(Fault::Unknown("room_files_one".into()))
        );
        assert_eq!(
            with("{count} files of", "files of"),
            Err(Fault::Placeholders("room_files".into(), "{name}".into()))
        );
        assert_eq!(
            with("plain = \"Nobody is here\"", "plain = 3"),
            Err(Fault::NoMessage("plain".into()))
        );
        assert!(matches!(packed("plain ="), Err(Fault::Toml(_))));
    }

    #[test]
    fn every_message_gets_a_function() {
        let english = Language::parse(ENGLISH).unwrap();
        let code = functions(&english).unwrap();
        assert!(code.contains("pub fn plain(self) -> &'static str"));
        assert!(code.contains("pub fn room_left(self, name: &str, room: &str) -> String"));
        assert!(code.contains("pub fn room_files(self, count: u64, name: &str) -> String"));
        assert!(code.contains(r#""Nobody is here\n{0} left {1}\n"#));
    }
}
