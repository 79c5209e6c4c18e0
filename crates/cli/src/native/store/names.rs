//! Names for received files. The engine cleaned them already; a folder's safety does not hang on
//! that.

use mqdrop_core::ParcelId;

/// The longest name, in bytes: what common file systems take.
const MAX_NAME: usize = 255;

/// The deepest path.
const MAX_DEPTH: usize = 32;

/// The longest extension, with its dot, that a name keeps when it is cut.
const MAX_EXTENSION: usize = 20;

/// The longest name of what is not whole yet, without its ending. Bytes.
const MAX_STEM: usize = 100;

/// Every file of this program that is not for the user has this in its name.
const OWN: &str = ".mqdrop-";

/// The parts of a path below a folder, each of them safe; at least one.
pub(super) fn safe_path(path: &str) -> Vec<String> {
    let parts = path.split(['/', '\\']).filter_map(safe_name);
    let mut parts: Vec<String> = parts.collect();
    // A path that is too deep loses folders, never its own name.
    parts.drain(..parts.len().saturating_sub(MAX_DEPTH));
    if parts.is_empty() {
        parts.push("file".to_owned());
    }
    parts
}

/// A name for the files of a parcel that is not whole yet.
pub(super) fn stem(title: Option<&str>, parcel: ParcelId, number: u32) -> String {
    let name = title.and_then(|title| safe_name(&title.replace(['/', '\\'], "_")));
    let name = name.unwrap_or_else(|| parcel.to_string());
    let name = cut(name.trim_start_matches('.'), MAX_STEM);
    match number {
        1 => format!(".{name}"),
        number => format!(".{name} ({number})"),
    }
}

/// The name with a number before its extension; the first one is the name itself.
pub(super) fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let extension = extension(name);
    let stem = &name[..name.len() - extension.len()];
    let number = format!(" ({number})");
    let stem = cut(stem, MAX_NAME - number.len() - extension.len());
    format!("{stem}{number}{extension}")
}

/// One part of a path; `None` for one that means no file.
fn safe_name(part: &str) -> Option<String> {
    let shown = part.chars().filter(|c| !c.is_control());
    let replaced = shown.map(|c| if "<>:\"|?*".contains(c) { '_' } else { c });
    let mut name: String = replaced.collect();
    name.truncate(trimmed(&name).len());
    if name.len() > MAX_NAME {
        let extension = extension(&name).to_owned();
        name = format!("{}{extension}", cut(&name, MAX_NAME - 1 - extension.len()));
        name.truncate(trimmed(&name).len());
    }
    if name.is_empty() || name == "." || name == ".." {
        return None;
    }
    let is_own = name.starts_with('.') && name.to_ascii_lowercase().contains(OWN);
    if is_own || is_reserved(&name) {
        name.insert(0, '_');
        name.truncate(cut(&name, MAX_NAME).len());
    }
    Some(name)
}

/// Without what Windows drops at the end.
fn trimmed(name: &str) -> &str {
    name.trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// Names of devices, with any extension, on Windows.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let port = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    let is_port = port.is_some_and(|port| {
        let mut port = port.chars();
        matches!(port.next(), Some('0'..='9' | '¹' | '²' | '³')) && port.next().is_none()
    });
    is_port || ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&&*stem)
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
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_stay_as_they_are() {
        for path in ["a.txt", "photos/2024/été.jpg", ".profile", "a (2).tar.gz"] {
            assert_eq!(safe_path(path).join("/"), path);
        }
    }

    #[test]
    fn hostile_paths_lead_nowhere_else() {
        for (path, safe) in [
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            ("C:\\Windows\\x", "C_/Windows/x"),
            ("a/./../b", "a/b"),
            ("a\0b\n", "ab"),
            ("", "file"),
            ("..", "file"),
            ("nul.txt", "_nul.txt"),
            ("dots. . .", "dots"),
            ("a:stream", "a_stream"),
            (".x.mqdrop-notes", "_.x.mqdrop-notes"),
            (".x.MQDROP-part", "_.x.MQDROP-part"),
            ("x.mqdrop-notes", "x.mqdrop-notes"),
        ] {
            assert_eq!(safe_path(path).join("/"), safe, "{path:?}");
        }
        let deep = "d/".repeat(100) + "name";
        assert_eq!(safe_path(&deep).len(), MAX_DEPTH);
        let long = format!("{}.jpeg", "ü".repeat(1000));
        let name = safe_path(&long).remove(0);
        assert!(name.len() <= MAX_NAME && name.ends_with("ü.jpeg"));
    }

    #[test]
    fn numbers_go_before_the_extension_and_fit() {
        assert_eq!(numbered("a.txt", 1), "a.txt");
        assert_eq!(numbered("a.txt", 2), "a (2).txt");
        assert_eq!(numbered(".rc", 3), ".rc (3)");
        let long = numbered(&format!("{}.txt", "x".repeat(251)), 12);
        assert!(long.len() == MAX_NAME && long.ends_with("x (12).txt"));
    }

    #[test]
    fn what_is_not_whole_yet_is_hidden_and_named_by_its_title() {
        let parcel: ParcelId = "aaaaaaaaaaaaaaaa".parse().unwrap();
        assert_eq!(stem(Some("a/../b.txt"), parcel, 1), ".a_.._b.txt");
        assert_eq!(stem(Some("a"), parcel, 2), ".a (2)");
        assert_eq!(stem(Some(".."), parcel, 1), ".aaaaaaaaaaaaaaaa");
        assert!(stem(Some(&"ü".repeat(500)), parcel, 1).len() <= MAX_STEM + 1);
    }
}
