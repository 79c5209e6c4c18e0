//! Names: what this device may be called, and what saved files are called.

use std::collections::HashMap;

use mqdrop_unicode::lower_case;

use super::words::words;

/// The longest device name, in characters.
pub const MAX_NAME: usize = 64;

/// Guesses a name for this device from the browser's user agent, such as `Firefox on Linux`.
#[must_use]
pub fn guess_device(user_agent: &str) -> String {
    let has = |needle: &str| user_agent.contains(needle);
    let system = if has("iPhone") {
        "iPhone"
    } else if has("iPad") {
        "iPad"
    } else if has("Android") && has("Mobile") {
        words().device_android_phone()
    } else if has("Android") {
        words().device_android_tablet()
    } else if has("CrOS") {
        "Chromebook"
    } else if has("Windows") {
        "Windows"
    } else if has("Macintosh") {
        "Mac"
    } else if has("Linux") {
        "Linux"
    } else {
        ""
    };
    // Every browser but Firefox claims to be Safari, and most claim to be Chrome.
    let browser = if has("Edg/") || has("EdgA/") || has("EdgiOS/") {
        "Edge"
    } else if has("Firefox/") || has("FxiOS/") {
        "Firefox"
    } else if has("OPR/") {
        "Opera"
    } else if has("Chrome/") || has("CriOS/") {
        "Chrome"
    } else if has("Safari/") {
        "Safari"
    } else {
        ""
    };
    match (browser, system) {
        ("", "") => words().device_unknown().into(),
        (browser, "") => browser.into(),
        ("", system) => system.into(),
        (browser, system) => words().device_browser_on_system(browser, system),
    }
}

/// A device name as it is sent: trimmed, one line, at most [`MAX_NAME`] characters.
#[must_use]
pub fn clean_device(typed: &str) -> String {
    let line: String = typed
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    line.trim()
        .chars()
        .take(MAX_NAME)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// The names that a parcel's files are saved under: the last part of each path; one that another
/// file of the parcel has taken gets a number, `photo (2).jpg`. Browsers on file systems that
/// ignore case would overwrite, so case does not tell names apart.
#[must_use]
pub fn save_names<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    // Of the same type as the next one, as each further one takes code.
    let mut taken: HashMap<String, u32> = HashMap::new();
    // The next number to try for a name: a peer chooses how many files share one.
    let mut next: HashMap<String, u32> = HashMap::new();
    paths
        .into_iter()
        .map(|path| {
            let name = path
                .rsplit('/')
                .find(|part| !part.is_empty())
                .unwrap_or("file");
            let mut candidate = name.to_owned();
            while taken.insert(lower_case(&candidate), 1).is_some() {
                let number = next.entry(lower_case(name)).or_insert(1);
                *number += 1;
                let (stem, extension) = split_extension(name);
                candidate = format!("{stem} ({number}){extension}");
            }
            candidate
        })
        .collect()
}

/// The name of an archive of these files: that of the folder that all of them are in, else by their
/// title.
#[must_use]
pub fn archive_name<'a>(paths: impl IntoIterator<Item = &'a str>, title: &str) -> String {
    let mut folders = paths.into_iter().map(|path| Some(path.split_once('/')?.0));
    let first = folders.next().flatten();
    let folder = first.filter(|_| folders.all(|folder| folder == first));
    // A title has its first file's folders in it.
    let name = folder.or(title.rsplit('/').next()).unwrap_or_default();
    [name, ".zip"].concat()
}

/// Splits before the last dot; a name that begins with its only dot has no extension.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_guessed() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
                "Chrome on Android phone",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
                "Edge on Windows",
            ),
            ("", "This device"),
        ] {
            assert_eq!(guess_device(agent), name);
        }
    }

    #[test]
    fn device_names_are_one_short_line() {
        assert_eq!(clean_device("  Ann’s\tphone\n"), "Ann’s phone");
        assert_eq!(clean_device(&"é".repeat(100)).chars().count(), MAX_NAME);
        assert_eq!(clean_device(" \n "), "");
    }

    #[test]
    fn files_of_one_name_are_told_apart() {
        let names = save_names([
            "a/photo.jpg",
            "b/photo.jpg",
            "c/Photo.JPG",
            "photo (2).jpg",
            ".env",
            "x/.env",
            "d/",
        ]);
        assert_eq!(
            names,
            [
                "photo.jpg",
                "photo (2).jpg",
                "Photo (3).JPG",
                "photo (2) (2).jpg",
                ".env",
                ".env (2)",
                "d"
            ]
        );
    }

    #[test]
    fn an_archive_is_called_as_its_folder_or_by_its_title() {
        for (paths, name) in [
            (["album/a.jpg", "album/sub/b.jpg"], "album.zip"),
            (["album/a.jpg", "other/b.jpg"], "a.jpg and 1 more.zip"),
            (["album/a.jpg", "album"], "a.jpg and 1 more.zip"),
            (["a.jpg", "b.jpg"], "a.jpg and 1 more.zip"),
        ] {
            let title = format!("{} and 1 more", paths[0]);
            assert_eq!(archive_name(paths, &title), name);
        }
    }

    #[test]
    fn many_files_of_one_name_do_not_take_for_ever() {
        let names = save_names(std::iter::repeat_n("same", 50_000));
        assert_eq!(
            names.iter().collect::<std::collections::HashSet<_>>().len(),
            50_000
        );
    }
}
