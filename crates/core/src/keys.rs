//! Keys: how they are written, made and judged, and what they open.

use argon2::{Algorithm, Argon2, Params, Version};
use hkdf::Hkdf;
use mqdrop_unicode::{lower_case, nfkc};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

mod strength;

pub use strength::{Level, Strength, strength};

use crate::ids::base32;

/// The longest key that is accepted, in bytes after normalisation.
pub const MAX_KEY_LEN: usize = 1024;

/// 2,048 English words that are told apart by their first four letters
/// (<https://github.com/bitcoin/bips/blob/master/bip-0039/english.txt>). One text: as a table of words
/// it took another 3 KB of the first load.
const WORDS: &str = include_str!("words.txt");

/// How many of [`WORDS`] there are.
const WORD_COUNT: usize = 2048;

/// How many words a generated key has: 6 different ones of 2,048 are 66 bits.
const GENERATED_WORDS: usize = 6;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum KeyError {
    /// Nothing is left after normalisation.
    #[error("the key is empty")]
    Empty,
    /// Longer than [`MAX_KEY_LEN`].
    #[error("the key is longer than {MAX_KEY_LEN} bytes")]
    TooLong,
}

/// Brings a typed key into the one form that all devices derive from: without what shows nothing,
/// with straight quotation marks, in NFKC and lower case, every run of white space and dashes a single
/// `-`, none at the ends. Phones capitalise, insert spaces and curl quotation marks.
///
/// # Errors
/// If nothing is left, or more than [`MAX_KEY_LEN`] bytes.
pub fn normalise(key: &str) -> Result<String, KeyError> {
    if key.len() > 4 * MAX_KEY_LEN {
        return Err(KeyError::TooLong);
    }
    let mut normal = String::with_capacity(key.len());
    let shown: String = key.chars().filter_map(shown).collect();
    let lower = lower_case(&nfkc(&shown));
    // Lower-casing may leave NFKC (as with U+0130), so it is applied once more; and NFKC makes
    // quotation marks of their wide forms.
    for letter in nfkc(&lower).chars().filter_map(self::shown) {
        if letter.is_whitespace() || is_dash(letter) {
            if !normal.ends_with('-') && !normal.is_empty() {
                normal.push('-');
            }
        } else {
            normal.push(letter);
        }
    }
    if normal.ends_with('-') {
        normal.pop();
    }
    match normal.len() {
        0 => Err(KeyError::Empty),
        1..=MAX_KEY_LEN => Ok(normal),
        _ => Err(KeyError::TooLong),
    }
}

/// What stands for a letter that looks like another one, or shows nothing.
fn shown(letter: char) -> Option<char> {
    match letter {
        _ if is_invisible(letter) => None,
        // Acute and grave accents that stand alone, primes and the letters that look like them.
        '`'
        | '\u{b4}'
        | '\u{2b9}'
        | '\u{2bb}'..='\u{2bd}'
        | '\u{2c8}'
        | '\u{2018}'..='\u{201b}'
        | '\u{2032}'
        | '\u{2035}' => Some('\''),
        '\u{2ba}' | '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' => Some('"'),
        // A braille pattern without a dot.
        '\u{2800}' => Some(' '),
        _ => Some(letter),
    }
}

/// Whether a letter leaves no trace on a screen: Unicode's `Default_Ignorable_Code_Point`, controls that
/// are no white space, and the anchors of annotations.
fn is_invisible(letter: char) -> bool {
    (letter.is_control() && !letter.is_whitespace())
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Hyphens, dashes and minus signs (Unicode's `Dash` but for those that NFKC maps), which keyboards and
/// auto-correction put in for one another, and the underscore.
fn is_dash(letter: char) -> bool {
    matches!(letter,
        '-' | '_' | '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'..='\u{2015}' | '\u{2053}'
        | '\u{2212}' | '\u{2e17}' | '\u{2e1a}' | '\u{2e3a}'..='\u{2e3b}' | '\u{2e40}' | '\u{2e5d}' | '\u{301c}'
        | '\u{3030}' | '\u{30a0}' | '\u{10d6e}' | '\u{10ead}')
}

/// Makes a key of six different English words (66 bits) out of a random seed.
#[must_use]
pub fn generate(seed: [u8; 32]) -> String {
    let mut rng = ChaCha20Rng::from_seed(seed);
    let mut chosen: Vec<&str> = Vec::with_capacity(GENERATED_WORDS);
    while chosen.len() < GENERATED_WORDS {
        let drawn = WORDS.lines().nth(rng.next_u32() as usize % WORD_COUNT);
        // A word twice reads like a mistake and adds next to nothing, as `strength` counts.
        chosen.extend(drawn.filter(|word| !chosen.contains(word)));
    }
    chosen.join("-")
}

/// What a key opens: the room's name in topics and the key its messages are sealed under.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RoomSecret {
    pub(crate) room: [u8; 16],
    pub(crate) key: [u8; 32],
}

impl RoomSecret {
    /// Derives room id and room key: Argon2id (RFC 9106; 19 MiB, 2 passes, 1 lane), then
    /// HKDF-SHA-256 (RFC 5869). Takes tens of milliseconds, on purpose.
    ///
    /// # Errors
    /// If the key is empty or too long, see [`normalise`].
    pub fn derive(key: &str) -> Result<Self, KeyError> {
        let mut root = stretch::<32>(normalise(key)?, b"mqdrop/1", 19 * 1024)?;
        let secret = Self {
            room: expand(&root, b"room id"),
            key: expand(&root, b"room key"),
        };
        root.zeroize();
        Ok(secret)
    }

    /// The room's segment in topics: 26 characters of lower-case base32.
    #[must_use]
    pub fn room(&self) -> String {
        base32(&self.room)
    }
}

/// A mark by which a page knows a key and the place of its room again without keeping the key. It is
/// too short to be sure of a guess, and each guess costs some milliseconds.
///
/// # Errors
/// If the key is empty or too long, see [`normalise`].
pub fn mark(key: &str, place: &str) -> Result<String, KeyError> {
    let known = format!("{}\n{place}", normalise(key)?);
    stretch::<5>(known, b"mqdrop/1 mark", 1024).map(|mark| base32(&mark))
}

/// Argon2id (RFC 9106) with 2 passes and 1 lane over so many KiB.
fn stretch<const N: usize>(
    mut text: String,
    salt: &[u8],
    memory: u32,
) -> Result<[u8; N], KeyError> {
    let mut out = [0; N];
    let stretched = Params::new(memory, 2, 1, Some(N))
        .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        .and_then(|argon| argon.hash_password_into(text.as_bytes(), salt, &mut out));
    text.zeroize();
    // Fails only for lengths that `normalise` rules out.
    stretched.map_err(|_| KeyError::TooLong).map(|()| out)
}

/// HKDF-Expand with a label of this protocol.
pub(crate) fn expand<const N: usize>(root: &[u8], label: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let expanded = Hkdf::<Sha256>::new(Some(b"mqdrop/1"), root).expand(label, &mut out);
    debug_assert!(expanded.is_ok(), "HKDF-SHA-256 gives up to 8,160 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn keys_that_look_the_same_are_the_same() {
        for typed in [
            "Blue  Whale",
            " blue-whale ",
            "BLUE – WHALE",
            "blue\u{a0}whale",
            "ｂｌｕｅ whale",
            "--blue---whale--",
        ] {
            assert_eq!(normalise(typed).as_deref(), Ok("blue-whale"), "{typed:?}");
        }
        assert_eq!(normalise("Grüße"), normalise("Gru\u{308}ße"));
        for quoted in [
            "it's \"so\"",
            "it’s “so”",
            "it‘s „so‟",
            "it′s ″so″",
            "it＇s ＂so＂",
            "it´s ''so''",
        ] {
            let straight = normalise(quoted).map(|key| key.replace("''", "\""));
            assert_eq!(straight.as_deref(), Ok("it's-\"so\""), "{quoted:?}");
        }
    }

    #[test]
    fn what_shows_nothing_counts_for_nothing() {
        let plain = normalise("blue é whale");
        let invisible = [
            '\u{200b}',
            '\u{feff}',
            '\u{ad}',
            '\u{200e}',
            '\u{fe0f}',
            '\u{200d}',
            '\u{2060}',
            '\u{3164}',
            '\u{34f}',
            '\u{180e}',
            '\u{e0001}',
            '\u{7f}',
            '\0',
            '\u{fff9}',
        ];
        for letter in invisible {
            let name = u32::from(letter);
            for typed in [
                format!("{letter}blue é whale"),
                format!("blue é whale{letter}"),
                format!("blu{letter}e e{letter}\u{301} {letter} whale"),
            ] {
                assert_eq!(normalise(&typed), plain, "U+{name:04X}");
            }
            assert_eq!(normalise(&letter.to_string()), Err(KeyError::Empty));
        }
        assert_eq!(normalise("blue\u{2800}whale"), normalise("blue whale"));
    }

    #[test]
    fn every_letter_is_normal_after_once() {
        // Beyond these are ideographs, which nothing maps, and private ones.
        for letter in ('\u{1}'..'\u{20000}').chain('\u{e0000}'..'\u{e1000}') {
            let typed = format!("a{letter}b\u{301}");
            let once = normalise(&typed).unwrap();
            assert_eq!(normalise(&once), Ok(once.clone()), "{typed:?}");
            assert!(!once.chars().any(is_invisible), "{typed:?}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for typed in ["İstanbul Ⅷ", "ǅ x", "a\u{345}b", "ﬁn -- de"] {
            let once = normalise(typed).unwrap();
            assert_eq!(normalise(&once), Ok(once.clone()), "{typed:?}");
        }
    }

    #[test]
    fn empty_and_huge_keys_are_refused() {
        assert_eq!(normalise(" -– "), Err(KeyError::Empty));
        assert_eq!(normalise(&"x".repeat(1025)), Err(KeyError::TooLong));
        assert_eq!(normalise(&"x".repeat(100_000)), Err(KeyError::TooLong));
    }

    #[test]
    fn keys_are_made_of_words_that_begin_differently() {
        let begins: std::collections::BTreeSet<&str> = WORDS
            .lines()
            .map(|word| word.get(..4).unwrap_or(word))
            .collect();
        assert_eq!(begins.len(), WORD_COUNT);
        assert!(
            WORDS
                .bytes()
                .all(|byte| byte == b'\n' || byte.is_ascii_lowercase())
        );
    }

    #[test]
    fn generated_keys_differ_and_are_normal() {
        let (a, b) = (generate([1; 32]), generate([2; 32]));
        assert_ne!(a, b);
        assert_eq!(normalise(&a).as_deref(), Ok(a.as_str()));
        assert_eq!(a.split('-').count(), 6);
    }

    #[test]
    fn a_mark_is_of_one_key_at_one_place() {
        let known = mark("Blue Whale", "wss://broker/mqtt").unwrap();
        assert_eq!(mark("blue-whale", "wss://broker/mqtt"), Ok(known.clone()));
        assert_eq!(known.len(), 8);
        assert_ne!(mark("blue-whales", "wss://broker/mqtt"), Ok(known.clone()));
        assert_ne!(mark("blue-whale", "wss://elsewhere/mqtt"), Ok(known));
        assert_eq!(mark(" ", "wss://broker/mqtt"), Err(KeyError::Empty));
    }

    #[test]
    fn one_key_opens_one_room() {
        let a = RoomSecret::derive("Blue Whale").unwrap();
        let b = RoomSecret::derive("blue-whale").unwrap();
        let c = RoomSecret::derive("blue-whales").unwrap();
        assert_eq!((a.room(), a.key), (b.room(), b.key));
        assert_ne!(a.room(), c.room());
        assert_eq!(a.room().len(), 26);
    }
}
