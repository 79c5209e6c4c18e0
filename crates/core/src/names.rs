//! Names that come from others, made safe to show and to save under.

use std::collections::HashMap;

use mqdrop_unicode::{lower_case, nfc, upper_case};

use crate::order::ordered;

/// The longest part of a path, in bytes of UTF-8: what common file systems take.
const MAX_PART: usize = 255;
/// The deepest path.
const MAX_DEPTH: usize = 32;
/// The longest extension, with its dot, that a name keeps when it is cut.
const MAX_EXTENSION: usize = 20;
/// Letters of a device's name.
const MAX_DEVICE_NAME: usize = 64;

/// A name as part of a sentence: isolated (Unicode UAX #9), so that its direction does not turn the
/// sentence around.
#[must_use]
pub fn isolated(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

/// A device's or person's name as others see it: on one line of at most 64 letters, or "Unnamed".
#[must_use]
pub fn device_name(name: &str) -> String {
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
    // A path that is too deep loses folders, never its own name.
    let too_deep = parts.len().saturating_sub(MAX_DEPTH);
    let parts = &parts[too_deep..];
    if parts.is_empty() {
        "file".into()
    } else {
        parts.join("/")
    }
}

/// Makes paths differ, as " (2)" before the extension, also where a file system takes them for one:
/// phones' and Windows' do not tell upper from lower case, Apple's no composed letters from others,
/// and none has a file and a folder of one name. All of it together takes linear time but for sorting,
/// whatever the names are: a peer chooses them.
pub(crate) fn make_unique(paths: &mut [String]) {
    tell_apart(paths);
}

/// The same; returns how many numbers were tried.
fn tell_apart(paths: &mut [String]) -> usize {
    let listed: Vec<String> = paths.iter().map(|path| folded(path)).collect();
    let listed = ordered(listed, |a, b| a.split('/').cmp(b.split('/')));
    // The files of a folder follow the folder's name.
    let is_folder = |name: &str| {
        let next = listed.partition_point(|other| other.split('/').le(name.split('/')));
        let next = listed.get(next).and_then(|next| next.strip_prefix(name));
        next.is_some_and(|rest| rest.starts_with('/'))
    };
    // All maps here and in the page are of one type, as each further one takes code.
    let mut taken: HashMap<String, u32> = HashMap::with_capacity(paths.len());
    // The last number of each name. No two of these keys make the same name, so that one that is
    // taken is met by one of them, and once.
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut tries = 0;
    for path in paths {
        let name = folded(path);
        if !is_folder(&name) && taken.insert(name, 1).is_none() {
            continue;
        }
        let (stem, extension) = room_for_number(path);
        let number = numbers
            // An extension has no slash.
            .entry([folded(stem), folded(extension)].join("/"))
            .or_insert(1);
        *path = loop {
            *number += 1;
            tries += 1;
            let numbered = format!("{stem} ({number}){extension}");
            let name = folded(&numbered);
            if !is_folder(&name) && taken.insert(name, 1).is_none() {
                break numbered;
            }
        };
    }
    tries
}

/// The form that two names share if some file system takes them for one.
fn folded(path: &str) -> String {
    // By way of upper case, which some letters share that differ in lower case.
    lower_case(&upper_case(&nfc(path)))
}

/// A path up to where a number may be put into its name, cut so that there is room for any, and the
/// extension behind it.
fn room_for_number(path: &str) -> (&str, &str) {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let extension = extension(&path[name..]);
    let stem = path.len() - extension.len();
    let most = MAX_PART - " (4294967295)".len() - extension.len();
    (cut(&path[..stem], name + most), extension)
}

/// The extension with its dot, if the name has one that can be kept.
fn extension(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_EXTENSION => &name[dot..],
        _ => "",
    }
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
    let mut safe: String = trimmed(&shown).chars().map(visible_on_all).collect();
    if is_reserved(&safe) {
        safe.insert(0, '_');
    }
    if safe.len() > MAX_PART {
        let extension = extension(&safe);
        let stem = cut(&safe, MAX_PART - extension.len());
        safe = trimmed(&format!("{stem}{extension}")).to_string();
        // The part that made it another name may have been cut off. It is short then.
        if is_reserved(&safe) {
            safe.insert(0, '_');
        }
    }
    safe
}

/// Without what Windows drops: dots and spaces at the end, so that "a." and "a" would be one file;
/// and without a colon there, which makes a drive of a letter.
fn trimmed(name: &str) -> &str {
    name.trim().trim_end_matches(['.', ' ', ':'])
}

/// Replaces letters that no file's name has on Windows: a colon would name a part of one, the others are refused. Browsers
/// replace them so as well when they save, on any system.
fn visible_on_all(c: char) -> char {
    if "<>:\"|?*".contains(c) { '_' } else { c }
}

/// Names of devices, with any extension:
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let port = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    let mut port = port.unwrap_or_default().chars();
    let is_port = matches!(
        port.next(),
        Some('1'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}')
    );
    (is_port && port.next().is_none())
        || matches!(
            stem.as_str(),
            "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
        )
}

/// Control characters, line separators, formatting that reorders or hides text (Unicode Technical
/// Report 36, section 2), and letters that show nothing. Joiners and selectors of variants stay:
/// scripts and emoji need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e001f}')
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
            "it's (quoted) #1.txt",
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
            ("setup.exe:hidden.txt", "setup.exe_hidden.txt"),
            ("C:\\x", "C/x"),
            ("a<b>\"c\"|d?e*", "a_b__c__d_e_"),
            ("COM\u{b9}", "_COM\u{b9}"),
            ("lpt\u{b3} .txt", "_lpt\u{b3} .txt"),
            ("COM\u{2074}", "COM\u{2074}"),
            ("conin$.log", "_conin$.log"),
            ("sh\u{ad}y\u{3164}.txt", "shy.txt"),
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
    fn what_is_left_of_a_long_name_is_safe_as_well() {
        for (name, safe) in [
            // Nothing of it but dots, or a device.
            (
                format!("{}{}", ".".repeat(300), "b".repeat(30)),
                "file".to_string(),
            ),
            (format!("con{}x.txt", " ".repeat(300)), "_con.txt".into()),
            (
                format!("a{}", ".".repeat(254) + &"b".repeat(30)),
                "a".into(),
            ),
        ] {
            assert_eq!(safe_path(&name), safe, "{name:?}");
        }
        let reserved = safe_path(&format!("nul.{}", "x".repeat(251)));
        assert_eq!(reserved.len(), MAX_PART);
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
    fn what_some_file_system_takes_for_one_name_is_told_apart() {
        for (paths, unique) in [
            (
                ["caf\u{e9}", "cafe\u{301}"],
                ["caf\u{e9}", "cafe\u{301} (2)"],
            ),
            (["ΟΔΟΣ", "οδοσ"], ["ΟΔΟΣ", "οδοσ (2)"]),
            (["a", "A/b"], ["a (2)", "A/b"]),
            (["x/y/z", "X/y.d"], ["x/y/z", "X/y.d"]),
        ] {
            let mut paths = paths.map(String::from);
            make_unique(&mut paths);
            assert_eq!(paths, unique);
        }
        let mut paths = ["a", "a!", "a/b", "a (2)/c", "a", "a (3)"].map(String::from);
        make_unique(&mut paths);
        // The last one is taken before its turn comes, and makes way itself.
        let unique = ["a (3)", "a!", "a/b", "a (2)/c", "a (4)", "a (3) (2)"];
        assert_eq!(paths, unique);
    }

    #[test]
    fn very_many_names_that_differ_only_where_they_are_cut_take_no_longer_than_others() {
        let long = "x".repeat(250);
        let mut paths: Vec<String> = (0..10_000)
            .map(|number| safe_path(&format!("{long}{number:07}.a")))
            .collect();
        let tries = tell_apart(&mut paths);
        assert!(tries <= paths.len(), "{tries}");
        let unique: std::collections::HashSet<&String> = paths.iter().collect();
        assert_eq!(unique.len(), paths.len());
        assert!(paths.iter().all(|path| path.len() <= MAX_PART));
    }

    #[test]
    fn numbers_fit_behind_any_extension() {
        let long = safe_path(&format!("a.{}", "e".repeat(252)));
        let mut paths = [long.clone(), long];
        make_unique(&mut paths);
        assert!(paths[1].len() <= MAX_PART && !paths[1].starts_with(' '));
        assert!(paths[1].ends_with(" (2)"), "{:?}", paths[1]);
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
                prop_assert!(!part.is_empty() && part != ".." && part != "." && part.len() <= MAX_PART);
                prop_assert!(!part.contains('\\') && !part.chars().any(is_hidden));
                prop_assert!(!part.ends_with(['.', ' ']) && !is_reserved(part));
            }
        }

        fn no_two_paths_share_a_place(names in proptest::collection::vec("[aA\u{e9}](/[bB])?( \\([23]\\))?(/a)?", 0..12)) {
            let mut paths: Vec<String> = names.iter().map(|name| safe_path(name)).collect();
            make_unique(&mut paths);
            let places: Vec<String> = paths.iter().map(|path| folded(path)).collect();
            for (at, place) in places.iter().enumerate() {
                for other in &places[at + 1..] {
                    prop_assert!(place != other);
                    prop_assert!(!other.starts_with(&format!("{place}/")) && !place.starts_with(&format!("{other}/")), "{:?}", paths);
                }
            }
        }
    }
}
