//! Letters of a key that look like those of another alphabet: on another device they may be typed as
//! what they look like, and open another room.

use mqdrop_core::keys;
use wasm_bindgen::prelude::wasm_bindgen;

/// Small letters that look like Latin ones: Cyrillic, Greek, Armenian.
const LIKE_LATIN: &str = "асеорхуіјѕһԁԛԝοανικρυχτωηγσօոսհց";

/// The letters of a key that may be taken for others, each on a line with the name of its alphabet
/// before it.
#[wasm_bindgen]
#[must_use]
pub fn doubtful_letters(key: &str) -> String {
    let normal = keys::normalise(key).unwrap_or_default();
    let alphabets: Vec<&str> = normal.chars().filter_map(alphabet).collect();
    let is_mixed = alphabets.iter().any(|one| Some(one) != alphabets.first());
    let is_disguised = || {
        let mut letters = normal.chars().filter(|letter| letter.is_alphabetic());
        alphabets.first().is_some_and(|one| *one != LATIN)
            && letters.all(|letter| LIKE_LATIN.contains(letter))
    };
    if !is_mixed && !is_disguised() {
        return String::new();
    }
    let mut named: Vec<String> = Vec::new();
    for letter in normal.chars() {
        if let Some(name) = alphabet(letter).filter(|name| *name != LATIN) {
            let line = format!("{name} {letter}");
            if !named.contains(&line) {
                named.push(line);
            }
        }
    }
    named.join("\n")
}

const LATIN: &str = "latin";

/// The alphabet of a letter, if it is one of those that share shapes.
fn alphabet(letter: char) -> Option<&'static str> {
    Some(match letter {
        'a'..='z' | '\u{df}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => LATIN,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => "greek",
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{a640}'..='\u{a69f}' => "cyrillic",
        '\u{531}'..='\u{58f}' => "armenian",
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => "cherokee",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_may_be_taken_for_others_are_named() {
        for plain in [
            "blue whale",
            "größe 12",
            "синий кит",
            "γαλάζιο",
            "青い鯨 whale",
            "",
        ] {
            assert_eq!(doubtful_letters(plain), "", "{plain}");
        }
        assert_eq!(doubtful_letters("blue whаle"), "cyrillic а");
        assert_eq!(
            doubtful_letters("сор"),
            "cyrillic с\ncyrillic о\ncyrillic р"
        );
        assert_eq!(doubtful_letters("x ααβ"), "greek α\ngreek β");
    }
}
