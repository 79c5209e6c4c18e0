//! Unicode's mappings of text. In wasm they are the JavaScript engine's, whose tables are there
//! already: ours would be a fifth of all that a page loads.

#[cfg_attr(target_arch = "wasm32", path = "javascript.rs")]
#[cfg_attr(not(target_arch = "wasm32"), path = "tables.rs")]
mod platform;

/// Lower case, by the full mappings (The Unicode Standard, section 3.13, R2).
#[must_use]
pub fn lower_case(text: &str) -> String {
    map(text, str::to_ascii_lowercase, platform::lower_case)
}

/// Upper case, by the full mappings (The Unicode Standard, section 3.13, R1).
#[must_use]
pub fn upper_case(text: &str) -> String {
    map(text, str::to_ascii_uppercase, platform::upper_case)
}

/// Normalization Form KC (Unicode Standard Annex #15): what looks the same is the same.
#[must_use]
pub fn nfkc(text: &str) -> String {
    map(text, str::to_owned, platform::nfkc)
}

/// Normalization Form C (Unicode Standard Annex #15): letters with marks in one piece.
#[must_use]
pub fn nfc(text: &str) -> String {
    map(text, str::to_owned, platform::nfc)
}

/// Most text needs no tables, nor a copy for the JavaScript engine.
fn map(text: &str, ascii: fn(&str) -> String, other: fn(&str) -> String) -> String {
    if text.is_ascii() {
        ascii(text)
    } else {
        other(text)
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// Blocks whose mappings have been the same for many versions of Unicode.
    fn letters() -> impl Iterator<Item = char> {
        [
            // Latin, combining marks, Greek, Cyrillic, Armenian, Hebrew, Arabic.
            0x20..0x700,
            // Georgian, Hangul's parts, Cherokee, Latin and Greek with marks.
            0x10a0..0x1200,
            0x13a0..0x1400,
            0x1e00..0x2000,
            // Signs, numbers, circled letters.
            0x2000..0x2460,
            0x2460..0x2500,
            // Kana, compatibility, ideographs, Hangul.
            0x3040..0x3400,
            0xac00..0xad00,
            0xf900..0xfb50,
            // Ligatures, Arabic's forms, full and half width, mathematical letters.
            0xfb50..0xfe00,
            0xff00..0xfff0,
            0x1_0400..0x1_0450,
            0x1_d400..0x1_d800,
        ]
        .into_iter()
        .flatten()
        .filter_map(char::from_u32)
        .filter(|&letter| is_known(letter))
    }

    /// Whether the JavaScript engine's Unicode is new enough for a letter.
    #[cfg(target_arch = "wasm32")]
    fn is_known(letter: char) -> bool {
        js_sys::RegExp::new(r"\p{Assigned}", "u").test(&letter.to_string())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn is_known(_: char) -> bool {
        true
    }

    #[test]
    fn every_letter_is_mapped_as_the_standard_says() {
        for letter in letters() {
            let text = format!("{letter} a{letter}e\u{301}");
            let name = u32::from(letter);
            assert_eq!(lower_case(&text), text.to_lowercase(), "U+{name:04X}");
            assert_eq!(upper_case(&text), text.to_uppercase(), "U+{name:04X}");
            assert_eq!(nfkc(&text), text.nfkc().collect::<String>(), "U+{name:04X}");
            assert_eq!(nfc(&text), text.nfc().collect::<String>(), "U+{name:04X}");
        }
    }

    #[test]
    fn what_is_around_a_letter_counts() {
        for (text, lower) in [
            ("ΟΔΟΣ ΣΟΦΟΣ", "οδος σοφος"),
            ("ΑΣ\u{301}Β", "ας\u{301}β".replace('ς', "σ").as_str()),
            ("İI", "i\u{307}i"),
            ("STRAẞE", "straße"),
        ] {
            assert_eq!(lower_case(text), lower);
        }
        assert_eq!(upper_case("straße ﬁ"), "STRASSE FI");
        assert_eq!(
            nfkc("\u{1100}\u{1161}ｱﾞⅧ²"),
            "가アﾞVIII2"
                .replace("アﾞ", "ア\u{3099}")
                .nfc()
                .collect::<String>()
        );
    }
}
