//! Texts of others, made harmless for a terminal: names, titles, file names, messages, reasons.
//!
//! A terminal obeys control characters: they move the cursor, change what was printed before, put
//! text into the clipboard. Formatting characters turn a line around or hide parts of it. Neither
//! comes from a peer to a terminal.

/// The text on one line.
pub(crate) fn line(text: &str) -> String {
    cleaned(text, |letter| letter.is_whitespace().then_some(' '))
}

/// The text with its line ends and tabs.
pub(crate) fn lines(text: &str) -> String {
    cleaned(&text.replace("\r\n", "\n"), |letter| {
        matches!(letter, '\n' | '\t').then_some(letter)
    })
}

/// JSON with every letter escaped that a terminal could obey. Outside of strings it has none.
pub(crate) fn json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_control() || is_formatting(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    out
}

/// Replaces controls, but for those that `kept` gives another letter or their own, and leaves
/// formatting out.
fn cleaned(text: &str, kept: impl Fn(char) -> Option<char>) -> String {
    let letters = text.chars().filter(|&letter| !is_formatting(letter));
    letters
        .map(|letter| match kept(letter) {
            Some(kept) => kept,
            None if letter.is_control() => char::REPLACEMENT_CHARACTER,
            None => letter,
        })
        .collect()
}

/// Letters that set the direction of a text, end its line or show nothing at all (Unicode Technical
/// Report 36, section 2). Joiners and selectors of variants stay: scripts and emoji need them.
fn is_formatting(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 10] = [
        "\u{1b}[2J\u{1b}[31mred",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]52;c;cm0gLXJm\u{1b}\\",
        "\u{9b}31m\u{9d}0;title\u{9c}",
        "a\rb\u{8}\u{8}c",
        "first\nmqdrop: second",
        "a\u{202e}gpj.exe\u{202c}",
        "\u{2066}x\u{2069}\u{200f}\u{61c}",
        "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f",
        "\0\u{7f}\u{feff}\u{e0041}",
    ];

    #[test]
    fn hostile_names_are_one_line_that_no_terminal_obeys() {
        for name in HOSTILE {
            let line = line(name);
            let is_harmless = |letter: char| !letter.is_control() && !is_formatting(letter);
            assert!(line.chars().all(is_harmless), "{name:?} became {line:?}");
        }
        assert_eq!(line("a\u{1b}[31mb"), "a\u{fffd}[31mb");
        assert_eq!(line("first\nsecond"), "first second");
        assert_eq!(line("a\u{202e}gpj.exe"), "agpj.exe");
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["a.txt", "صورة.jpg", "照片.png", "👨‍👩‍👧 family", "naïve – x"]
        {
            assert_eq!(line(name), name);
            assert_eq!(lines(name), name);
            assert_eq!(json(name), name);
        }
    }

    #[test]
    fn a_message_keeps_its_lines_and_nothing_else() {
        assert_eq!(lines("a\r\n\tb\nc"), "a\n\tb\nc");
        for text in HOSTILE {
            let lines = lines(text);
            let is_harmless = |letter: char| {
                matches!(letter, '\n' | '\t') || !letter.is_control() && !is_formatting(letter)
            };
            assert!(lines.chars().all(is_harmless), "{text:?} became {lines:?}");
        }
    }

    #[test]
    fn json_says_the_same_in_harmless_letters() {
        for text in HOSTILE {
            let written = json(&serde_json::to_string(text).unwrap());
            let is_harmless = |letter: char| !letter.is_control() && !is_formatting(letter);
            assert!(written.chars().all(is_harmless), "{written:?}");
            let read: String = serde_json::from_str(&written).unwrap();
            assert_eq!(read, text);
        }
    }
}
