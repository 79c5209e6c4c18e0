//! Names that come from others, made safe to show and to save under.

use std::collections::{HashMap, HashSet};

use mqdrop_unicode::lower_case;

/// The longest part of a path, in bytes of UTF-8: what common file systems take.
const MAX_PART: usize = 255;
/// The deepest path.
const MAX_DEPTH: usize = 32;
/// Letters of a device's name.
const MAX_DEVICE_NAME: usize = 64;

/// A device's name on one line, or "Unnamed".
pub(crate) fn device_name(name: &str) -> String {
    let name = line(name, MAX_DEVICE_NAME);
    if name.is_empty() {
        "Unnamed".into()
    } else {
        name
    }
}

/// At most `max` letters of `text` on one line, without control and bidirectional formatting characters.
pub(crate) fn line(text: &str, max: usize) -> String {
    // Bounded before anything else: a peer chooses the length.
    let spaced = text
        .chars()
        .take(4 * max)
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    let shown: String = spaced.filter(|&c| !is_hidden(c)).take(max).collect();
    shown.trim().to_string()
}

/// A relative path with `/` between its parts that is safe on common systems: no way up or out,
/// no control or bidirectional formatting characters, no names that Windows reserves.
pub(crate) fn safe_path(path: &str) -> String {
    let parts: Vec<String> = path
        .split(['/', '\\'])
        .map(safe_part)
        .filter(|part| !part.is_empty())
        .collect();
    // What is too deep loses folders, never its own name.
    let too_deep = parts.len().saturating_sub(MAX_DEPTH);
    let parts = &parts[too_deep..];
    if parts.is_empty() {
        "file".into()
    } else {
        parts.join("/")
    }
}

/// Makes paths differ, as " (2)" before the extension; file systems of phones and Windows do not
/// tell upper from lower case.
pub(crate) fn make_unique(paths: &mut [String]) {
    let mut taken: HashSet<String> = HashSet::with_capacity(paths.len());
    // Where counting went on last, so that many equal names do not take quadratic time.
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for path in paths {
        if taken.insert(lower_case(path)) {
            continue;
        }
        let number = numbers.entry(lower_case(path)).or_insert(1);
        let original = path.clone();
        loop {
            *number += 1;
            *path = numbered(&original, *number);
            if taken.insert(lower_case(path)) {
                break;
            }
        }
    }
}

fn numbered(path: &str, number: u32) -> String {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let (folders, name) = path.split_at(name);
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let ending = format!(" ({number}){extension}");
    format!(
        "{folders}{}{ending}",
        cut(stem, MAX_PART.saturating_sub(ending.len()))
    )
}

/// At most `max` bytes of a text.
fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end()
}

fn safe_part(part: &str) -> String {
    let shown: String = part.chars().filter(|&c| !is_hidden(c)).collect();
    // Windows drops dots and spaces at the end, so that "a." and "a" would be one file, and a colon
    // there makes a drive of a letter.
    let mut safe = shown.trim().trim_end_matches(['.', ' ', ':']).to_string();
    if safe.len() > MAX_PART {
        safe = shorten(&safe);
    }
    let stem = safe
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let numbered = stem.len() == 4
        && (stem.starts_with("COM") || stem.starts_with("LPT"))
        && stem.ends_with(|c: char| c.is_ascii_digit() && c != '0');
    if numbered || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") {
        safe.insert(0, '_');
    }
    safe
}

/// Cuts in the middle, so that the extension stays.
fn shorten(name: &str) -> String {
    let extension = name.rfind('.').map_or("", |dot| &name[dot..]);
    let extension = if extension.len() <= 20 { extension } else { "" };
    let stem = cut(name, MAX_PART - 1 - extension.len());
    format!("{stem}{extension}")
}

/// Control characters, line separators, and formatting that reorders or hides text (Unicode
/// Technical Report 36, section 2).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "a.txt",
            "صورة.jpg",
            "照片.png",
            "👨‍👩‍👧 family.jpg",
            "it's \"quoted\".txt",
            ".profile",
            "a/b/c.tar.gz",
            "naïve – x",
        ] {
            assert_eq!(safe_path(name), name);
        }
    }

    #[test]
    fn dangerous_names_become_harmless() {
        for (name, safe) in [
            ("../../etc/passwd", "etc/passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/abs/./x", "abs/x"),
            ("", "file"),
            ("../..", "file"),
            ("a\u{202e}gpj.exe", "agpj.exe"),
            ("line\nbreak\0.txt", "linebreak.txt"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1.log", "_com1.log"),
            ("command.txt", "command.txt"),
            ("trailing. . ", "trailing"),
        ] {
            assert_eq!(safe_path(name), safe, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let safe = safe_path(&format!("{}.jpeg", "ü".repeat(10_000)));
        assert!(safe.len() <= MAX_PART && safe.ends_with("ü.jpeg"));
    }

    #[test]
    fn equal_names_are_told_apart() {
        let mut paths = ["a.txt", "A.txt", "a (2).txt", "x/.rc", "x/.rc", "n"].map(String::from);
        make_unique(&mut paths);
        assert_eq!(
            paths,
            [
                "a.txt",
                "A (2).txt",
                "a (2) (2).txt",
                "x/.rc",
                "x/.rc (2)",
                "n"
            ]
        );
    }

    #[test]
    fn device_names_are_one_short_line() {
        assert_eq!(device_name(" My\nphone\u{202e} "), "My phone");
        assert_eq!(device_name("\u{0}"), "Unnamed");
        assert_eq!(device_name(&"x".repeat(100_000)).len(), 64);
    }

    mqdrop_testing::properties! {
        fn no_path_leads_out(path in "\\PC{0,40}|[./\\\\ a-c\u{202e}\u{0}]{0,40}") {
            let safe = safe_path(&path);
            prop_assert!(!safe.is_empty() && !safe.starts_with('/'));
            for part in safe.split('/') {
                prop_assert!(!part.is_empty() && part != ".." && part != "." && part.len() <= MAX_PART + 1);
                prop_assert!(!part.contains('\\') && !part.chars().any(is_hidden));
            }
        }
    }
}
