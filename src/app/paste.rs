//! Pasting. Only files that came alone are sent by it: office programs put a picture of the
//! copied cells or words beside them.

use mqdrop_client::link::pairs;

/// The use of what was pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pasted {
    /// The files are sent.
    Files,
    /// The files wait until the user sends them.
    Waiting,
    /// The text goes into the text field.
    Text,
    /// Nothing that can be sent.
    Nothing,
}

/// Decides by the names of the files, the plain text, and whether there was formatted text.
#[must_use]
pub fn pasted(names: &[String], text: &str, is_formatted: bool) -> Pasted {
    match (names.is_empty(), text.trim().is_empty()) {
        (true, true) => Pasted::Nothing,
        (true, false) => Pasted::Text,
        // A picture that was copied in a web page, or a selection of which there is no text.
        (false, true) if is_formatted => Pasted::Waiting,
        (false, true) => Pasted::Files,
        (false, false) if is_list_of(names, text) => Pasted::Files,
        (false, false) => Pasted::Text,
    }
}

/// Whether a text is no more than the files' names or paths, which some systems put beside them.
fn is_list_of(names: &[String], text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.all(|line| {
        let name = line.rsplit(['/', '\\']).next().unwrap_or(line);
        let is_address = line.starts_with("file:");
        names
            .iter()
            .any(|file| file == name || (is_address && is_escaped(name, file)))
    })
}

/// Whether a part of an address is this name.
fn is_escaped(part: &str, name: &str) -> bool {
    let pair = format!("name={part}");
    pairs::decode(&pair)
        .first()
        .is_some_and(|(_, value)| value == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn files_alone_are_sent() {
        assert_eq!(pasted(&names(&["image.png"]), "", false), Pasted::Files);
        let two = names(&["a b.txt", "c.txt"]);
        for text in [
            "a b.txt\nc.txt",
            "/home/ann/a b.txt\r\n/home/ann/c.txt\r\n",
            "C:\\Users\\Ann\\c.txt",
            "file:///home/ann/a%20b.txt",
        ] {
            assert_eq!(pasted(&two, text, false), Pasted::Files, "{text}");
        }
    }

    #[test]
    fn what_comes_with_text_is_not_sent() {
        let picture = names(&["image.png"]);
        assert_eq!(pasted(&picture, "1\t2\n3\t4", true), Pasted::Text);
        assert_eq!(pasted(&picture, "some words", false), Pasted::Text);
        assert_eq!(pasted(&picture, "image.png and more", false), Pasted::Text);
        assert_eq!(pasted(&picture, " \n", true), Pasted::Waiting);
        assert_eq!(pasted(&[], "some words", true), Pasted::Text);
        assert_eq!(pasted(&[], "", true), Pasted::Nothing);
    }
}
