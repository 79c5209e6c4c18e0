//! Keys as people type them, and the words that made ones consist of.

use mqdrop_unicode::{lower_case, nfkc};
use serde::{Deserialize, Serialize};

/// The longest key that is accepted, in bytes after normalisation.
pub const MAX_KEY_LEN: usize = 1024;

/// 2,048 English words that are told apart by their first four letters
/// (<https://github.com/bitcoin/bips/blob/master/bip-0039/english.txt>). One text: as a table of words
/// it took another 3 KB of the first load.
pub(super) const WORDS: &str = include_str!("../words.txt");

/// The number of [`WORDS`].
pub(super) const WORD_COUNT: usize = 2048;

/// The number of words in a generated key: 6 different ones of 2,048 are 66 bits.
pub(super) const GENERATED_WORDS: usize = 6;

/// The reason why a key cannot be used.
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

/// The stand-in for a letter that looks like another one, or shows nothing.
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

/// Tells whether a letter leaves no trace on a screen: Unicode's `Default_Ignorable_Code_Point`, controls that
/// are no white space, and the anchors of annotations.
pub(super) fn is_invisible(letter: char) -> bool {
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
