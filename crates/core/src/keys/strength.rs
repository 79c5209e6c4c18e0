//! How hard a key is to guess.

use super::typed::{GENERATED_WORDS, WORDS, normalise};

/// The words that people take first, in the order of the alphabet.
const COMMON: &str = include_str!("common.txt");

/// The most that a word of some language is worth, in bits. From nine letters on it may be several
/// words, and is worth more.
const WORD_BITS: f64 = 14.0;

/// Letters and digits that follow each other in the alphabet or on keyboards.
const RUNS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyz",
    "qwertzuiop",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6z7u8i9o0p",
];

/// How hard a key is to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Found quickly by anyone who can listen at the broker. Below 35 bits.
    Weak,
    /// Costs an attacker days to years. Below 60 bits.
    Fair,
    /// Out of reach.
    Strong,
}

/// An estimate of a key's strength.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// Estimated entropy in bits; each guess costs an attacker one Argon2id run besides.
    pub bits: f64,
    /// The estimate as one of three levels.
    pub level: Level,
}

/// Estimates how hard a key is to guess, by what those try first who guess keys: common words, also
/// with digits in place of letters, words of languages, years and dates, and what stands next to each
/// other in the alphabet or on keyboards. What is repeated counts almost nothing.
#[must_use]
pub fn strength(key: &str) -> Strength {
    let bits = normalise(key).map_or(0.0, |normal| bits(&normal));
    let level = match bits {
        b if b < 35.0 => Level::Weak,
        b if b < 60.0 => Level::Fair,
        _ => Level::Strong,
    };
    Strength { bits, level }
}

fn bits(normal: &str) -> f64 {
    let parts: Vec<&str> = normal.split('-').filter(|part| !part.is_empty()).collect();
    // Drawn words are as likely as each other, common or not; chosen ones are not.
    let is_drawn = parts.len() >= GENERATED_WORDS && parts.iter().all(|part| is_listed(part));
    let mut seen: Vec<&str> = Vec::new();
    let mut bits = 0.0;
    for (place, part) in parts.iter().copied().enumerate() {
        if part.chars().count() > 2 && parts[..place].contains(&part) {
            bits += 1.0;
            continue;
        }
        if let Some(date) = date_bits(part) {
            bits += date;
            continue;
        }
        let tokens = match is_drawn || is_common(part) || is_run(part) {
            true => vec![part],
            false => tokens(part),
        };
        for token in tokens {
            let is_again = token.chars().count() > 2 && seen.contains(&token);
            bits += match () {
                // A repeated part adds that it was repeated, no more.
                () if is_again => 1.0,
                () if is_drawn => 11.0,
                () => token_bits(token),
            };
            seen.push(token);
        }
    }
    bits
}

/// A part, cut where letters, digits and other signs meet, and where a common word ends that has
/// some of them in it.
fn tokens(part: &str) -> Vec<&str> {
    let kind = |letter: char| (letter.is_alphabetic(), letter.is_numeric());
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut before = None;
    let word = part.trim_end_matches(|letter: char| !letter.is_alphabetic());
    if is_common(word) {
        tokens.push(word);
        start = word.len();
    }
    let rest = start;
    for (at, letter) in part.char_indices().skip_while(|(at, _)| *at < rest) {
        let now = kind(letter);
        if before.is_some_and(|before| before != now) {
            tokens.push(&part[start..at]);
            start = at;
        }
        before = Some(now);
    }
    if start < part.len() {
        tokens.push(&part[start..]);
    }
    tokens
}

fn token_bits(token: &str) -> f64 {
    let len = token.chars().count();
    if token.chars().all(char::is_numeric) {
        number_bits(token)
    } else if is_common(token) {
        7.0
    } else if is_run(token) {
        5.0
    } else if is_listed(token) {
        11.0
    } else {
        // Up to two letters between digits and signs were hardly chosen as a word.
        let is_word = len > 2 && token.chars().all(char::is_alphabetic);
        let bits: f64 = letters(token, if is_word { 2.2 } else { 4.5 });
        if is_word {
            // Several words may stand together.
            bits.min(WORD_BITS + 1.5 * (len as f64 - 8.0).max(0.0))
        } else {
            bits
        }
    }
}

/// The bits of letters that are worth so much each, but for those that follow from the one before.
fn letters(token: &str, each: f64) -> f64 {
    let mut bits = 0.0;
    let mut before: Option<char> = None;
    for letter in token.chars() {
        let step = before.map(|b| i64::from(u32::from(letter)) - i64::from(u32::from(b)));
        bits += if matches!(step, Some(-1..=1)) {
            0.5
        } else {
            each
        };
        before = Some(letter);
    }
    bits
}

/// Digits: a year, a date, or any number.
fn number_bits(digits: &str) -> f64 {
    let bits = letters(digits, 3.3);
    let number = |range: core::ops::Range<usize>| -> u32 {
        digits
            .get(range)
            .and_then(|part| part.parse().ok())
            .unwrap_or(u32::MAX)
    };
    let is_year = |year: u32| (1900..2100).contains(&year);
    let is_day = |a: u32, b: u32| (1..=31).contains(&a) && (1..=31).contains(&b) && a.min(b) <= 12;
    let date = match digits.len() {
        4 if is_year(number(0..4)) => 7.0,
        6 if is_day(number(0..2), number(2..4)) || is_day(number(2..4), number(4..6)) => 15.0,
        8 if is_year(number(0..4)) && is_day(number(4..6), number(6..8)) => 16.0,
        8 if is_year(number(4..8)) && is_day(number(0..2), number(2..4)) => 16.0,
        _ => bits,
    };
    bits.min(date)
}

/// A date with dots or strokes in it is worth what its digits are, and a little.
fn date_bits(part: &str) -> Option<f64> {
    let digits: String = part
        .chars()
        .filter(|letter| !matches!(letter, '.' | '/'))
        .collect();
    let is_date = digits.len() < part.len()
        && matches!(digits.len(), 6 | 8)
        && digits.chars().all(|digit| digit.is_ascii_digit());
    is_date.then(|| number_bits(&digits) + 1.0)
}

/// Returns whether a word is one of [`COMMON`], as it is or with digits and signs that look like its
/// letters.
fn is_common(word: &str) -> bool {
    let plain: String = word
        .chars()
        .map(|letter| match letter {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect();
    let is_plain = |plain: &str| COMMON.lines().any(|common| common == plain);
    // Digits alone look like words too: they count as digits.
    plain.contains(char::is_alphabetic)
        && word.contains(char::is_alphabetic)
        && (is_plain(&plain) || is_plain(&plain.replace('i', "l")))
}

/// Returns whether these follow each other in the alphabet or on a keyboard, either way.
fn is_run(token: &str) -> bool {
    let back: String = token.chars().rev().collect();
    token.chars().count() > 2
        && token.contains(char::is_alphabetic)
        && RUNS
            .iter()
            .any(|run| run.contains(token) || run.contains(&back))
}

fn is_listed(word: &str) -> bool {
    WORDS.lines().any(|listed| listed == word)
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_generated_key_has_six_different_words_and_is_strong() {
        for number in 0_u16..2_000 {
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&number.to_le_bytes());
            let key = generate(seed);
            let words: std::collections::BTreeSet<&str> = key.split('-').collect();
            assert_eq!(words.len(), GENERATED_WORDS, "{key}");
            let strength = strength(&key);
            assert_eq!(strength.level, Level::Strong, "{key}");
            assert!(strength.bits >= 64.0, "{key}");
        }
    }

    #[test]
    fn weak_keys_are_called_weak() {
        for key in [
            "",
            "test",
            "123456789",
            "aaaaaaaaaaaaaaaaaaaa",
            "test test test test",
            "password",
            "blue-whale",
            "password1",
            "P@ssw0rd!",
            "P@ssw0rd2024!",
            "P@ssw0rd! P@ssw0rd!",
            "01.02.1990 12.12.2012",
            "sunshine1",
            "letmein2024",
            "Summer2024",
            "Sommer 2024!",
            "password1 letmein1",
            "charlie1 monkey12",
            "charlie1charlie1charlie1",
            "qwertyuiop asdfghjkl",
            "1q2w3e4r5t",
            "12.05.1990",
            "1990-05-12",
            "anna 12051990",
            "family2026 home2026",
            "Donaudampfschifffahrt",
            "iloveyou2 iloveyou3",
        ] {
            let found = strength(key);
            assert_eq!(found.level, Level::Weak, "{key}: {}", found.bits);
        }
    }

    #[test]
    fn pairs_of_common_words_and_numbers_are_never_out_of_reach() {
        for key in [
            "password1 letmein1 sunshine2024",
            "monkey1 dragon2 summer3 charlie4",
            "seven blue whales sing",
            "01711234567 anna",
        ] {
            let found = strength(key);
            assert!(found.level < Level::Strong, "{key}: {}", found.bits);
        }
    }

    #[test]
    fn what_nobody_guesses_is_strong() {
        for key in [
            "x7#kQ2!vR9$mB4&z",
            "lantern harbour quiet north velvet comet",
            "k3v9x2m7q4w8z1p5",
            "giraffe tangerine xylophone cathedral glacier",
        ] {
            let found = strength(key);
            assert_eq!(found.level, Level::Strong, "{key}: {}", found.bits);
        }
        assert_eq!(strength("seven blue whales sing").level, Level::Fair);
    }
}
