//! One message of a language.

use toml::{Table, Value};

use crate::{CATEGORIES, Fault};

/// The placeholder whose number decides the form of a plural.
const COUNT: &str = "count";

/// A message as it is written down.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name: the tables it is in and its key, joined by `_`.
    pub name: String,
    /// Its text, or texts.
    pub shape: Shape,
    /// The names in braces, each once, in the order in which they come.
    pub placeholders: Vec<String>,
}

/// The texts of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    /// One text.
    Text(String),
    /// A text for each plural category of the language.
    Plural(Vec<(String, String)>),
}

/// Reads the messages of a table and of those in it.
pub(crate) fn read(within: &str, table: &Table, messages: &mut Vec<Message>) -> Result<(), Fault> {
    for (key, value) in table {
        let name = if within.is_empty() {
            key.clone()
        } else {
            format!("{within}_{key}")
        };
        match value {
            Value::String(text) => messages.push(Message::new(name, Shape::Text(text.clone()))?),
            Value::Table(inner) if is_plural(inner) => {
                let form = |(category, text): (&String, &Value)| {
                    let text = text.as_str().map(str::to_owned);
                    text.map(|text| (category.clone(), text))
                };
                let forms: Option<Vec<_>> = inner.iter().map(form).collect();
                let forms = forms.ok_or_else(|| Fault::NoMessage(name.clone()))?;
                messages.push(Message::new(name, Shape::Plural(forms))?);
            }
            Value::Table(inner) => read(&name, inner, messages)?,
            _ => return Err(Fault::NoMessage(name)),
        }
    }
    Ok(())
}

fn is_plural(table: &Table) -> bool {
    !table.is_empty() && table.keys().all(|key| CATEGORIES.contains(&key.as_str()))
}

impl Message {
    fn new(name: String, shape: Shape) -> Result<Self, Fault> {
        let mut placeholders = Vec::new();
        for text in shape.texts() {
            for part in parts(text).ok_or_else(|| Fault::Brace(name.clone()))? {
                if let Part::Placeholder(placeholder) = part
                    && !placeholders.iter().any(|known| known == placeholder)
                {
                    placeholders.push(placeholder.to_owned());
                }
            }
        }
        if let Shape::Plural(forms) = &shape {
            let Some(at) = placeholders.iter().position(|one| one == COUNT) else {
                return Err(Fault::Plural(name));
            };
            if !forms.iter().any(|(category, _)| category == "other") {
                return Err(Fault::Plural(name));
            }
            placeholders[..=at].rotate_right(1);
        }
        Ok(Self {
            name,
            shape,
            placeholders,
        })
    }

    /// Tells whether a number decides its form. Its first placeholder is that number.
    #[must_use]
    pub fn is_plural(&self) -> bool {
        matches!(self.shape, Shape::Plural(_))
    }

    /// The message on one line, its placeholders replaced by their numbers in `english`.
    pub(crate) fn packed(&self, english: &Self) -> Result<String, Fault> {
        let own = || {
            let own = self.placeholders.iter().map(|one| format!("{{{one}}}"));
            Fault::Placeholders(self.name.clone(), own.collect::<Vec<_>>().join(" "))
        };
        let same = |one: &String| english.placeholders.contains(one);
        if self.placeholders.len() != english.placeholders.len()
            || !self.placeholders.iter().all(same)
            || self.is_plural() != english.is_plural()
        {
            return Err(own());
        }
        match &self.shape {
            Shape::Text(text) => self.numbered(text, english),
            Shape::Plural(forms) => {
                let mut line = String::new();
                for (category, text) in forms {
                    // A form for one certain number may do without the number.
                    let lacks_others = english
                        .placeholders
                        .iter()
                        .any(|one| one != COUNT && !text.contains(&format!("{{{one}}}")));
                    if lacks_others || (category == "other" && !text.contains("{count}")) {
                        let found =
                            parts(text)
                                .into_iter()
                                .flatten()
                                .filter_map(|part| match part {
                                    Part::Placeholder(name) => Some(format!("{{{name}}}")),
                                    Part::Text(_) => None,
                                });
                        let found = found.collect::<Vec<_>>().join(" ");
                        return Err(Fault::Placeholders(self.name.clone(), found));
                    }
                    line += &format!("\u{1e}{category}\u{1f}{}", self.numbered(text, english)?);
                }
                Ok(line)
            }
        }
    }

    fn numbered(&self, text: &str, english: &Self) -> Result<String, Fault> {
        let mut line = String::new();
        for part in parts(text).ok_or_else(|| Fault::Brace(self.name.clone()))? {
            match part {
                Part::Text(text) => line += &text.replace('\n', " "),
                Part::Placeholder(name) => {
                    let number = english.placeholders.iter().position(|one| one == name);
                    let number = number.ok_or_else(|| Fault::Brace(self.name.clone()))?;
                    line += &format!("{{{number}}}");
                }
            }
        }
        Ok(line)
    }
}

impl Shape {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Self::Text(text) => (Some(text.as_str()), &[][..]),
            Self::Plural(forms) => (None, forms.as_slice()),
        };
        one.into_iter()
            .chain(many.iter().map(|(_, text)| text.as_str()))
    }
}

enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Splits a text at its placeholders; `None` if a brace is none of a placeholder's.
fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        if before.contains('}') || name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        parts.extend([Part::Text(before), Part::Placeholder(name)]);
        rest = after;
    }
    (!rest.contains('}')).then_some(())?;
    parts.push(Part::Text(rest));
    Some(parts)
}
