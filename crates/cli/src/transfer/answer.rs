//! Answers of the person at the terminal.

use std::io::BufRead;

use crate::words;

/// Reads an answer: anything but a yes is a no; `None` at the end of the input.
pub(super) fn answer(mut input: impl BufRead) -> Option<bool> {
    let mut line = String::new();
    match input.read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            let line = line.trim().to_lowercase();
            Some(words().question_yes().split(' ').any(|yes| yes == line))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (line, expected) in [
            ("y\n", Some(true)),
            (" Yes \r\n", Some(true)),
            ("n\n", Some(false)),
            ("\n", Some(false)),
            ("yellow\n", Some(false)),
            ("", None),
        ] {
            assert_eq!(answer(line.as_bytes()), expected, "{line:?}");
        }
    }
}
