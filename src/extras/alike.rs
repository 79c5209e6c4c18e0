//! Letters of a key that look like those of another alphabet: on another device they may be typed as
//! what they look like, and open another room.

use mqdrop_core::keys;
use wasm_bindgen::prelude::wasm_bindgen;

/// So many letters are named.
const MOST: usize = 5;

/// Small letters that look like Latin ones: Cyrillic, Greek, Armenian.
const LIKE_LATIN: &str = "асеорхуіјѕһԁԛԝοανικρυχτωηγσօոսհց";

/// What the form says of a key whose letters may be taken for others; `None` if there are none.
#[wasm_bindgen]
#[must_use]
pub fn key_warning(key: &str) -> Option<String> {
    let normal = keys::normalise(key).ok()?;
    let alphabets: Vec<&str> = normal.chars().filter_map(alphabet).collect();
    let is_mixed = alphabets.iter().any(|one| Some(one) != alphabets.first());
    let is_disguised = || {
        let mut letters = normal.chars().filter(|letter| letter.is_alphabetic());
        alphabets.first().is_some_and(|one| *one != LATIN)
            && letters.all(|letter| LIKE_LATIN.contains(letter))
    };
    if !is_mixed && !is_disguised() {
        return None;
    }
    let mut named: Vec<String> = Vec::new();
    for letter in normal.chars() {
        if let Some(name) = alphabet(letter).filter(|name| *name != LATIN) {
            let words = format!("“{letter}” is {name}");
            if !named.contains(&words) {
                named.push(words);
            }
        }
    }
    let more = if named.len() > MOST { ", and more" } else { "" };
    named.truncate(MOST);
    Some(format!(
        "Look closely: {}{more}. It must be typed the same way on every device.",
        named.join(", ")
    ))
}

const LATIN: &str = "Latin";

/// The alphabet of a letter, if it is one of those that share shapes.
fn alphabet(letter: char) -> Option<&'static str> {
    Some(match letter {
        'a'..='z' | '\u{df}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => LATIN,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => "Greek",
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{a640}'..='\u{a69f}' => "Cyrillic",
        '\u{531}'..='\u{58f}' => "Armenian",
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => "Cherokee",
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
            assert_eq!(key_warning(plain), None, "{plain}");
        }
        let mixed = key_warning("blue whаle").unwrap();
        assert!(mixed.contains("“а” is Cyrillic."), "{mixed}");
        let disguised = key_warning("сор").unwrap();
        assert!(
            disguised.contains("“с” is Cyrillic, “о” is Cyrillic"),
            "{disguised}"
        );
        let many = key_warning("x абвгдежз").unwrap();
        assert!(many.contains("and more"), "{many}");
    }
}
