//! The app's files: built into the program, or read from a folder.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use rust_embed::Embed;

use crate::error::Error;

/// The workspace's `dist/`: part of the program in release builds, read at run
/// time in debug builds. Where it is missing, there is no app to serve.
#[derive(Embed)]
#[folder = "../../dist/"]
#[allow_missing = true]
struct BuiltIn;

/// The place that the app's files come from.
#[derive(Debug)]
pub(crate) enum Assets {
    /// From the program itself.
    BuiltIn,
    /// From a folder, read anew for each request.
    Folder(PathBuf),
}

/// One file of the app.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) content: Cow<'static, [u8]>,
    pub(crate) mime: String,
    /// The name contains a hash of the content, so the content never changes.
    pub(crate) immutable: bool,
}

impl Assets {
    /// The built-in files, or those in `folder`.
    ///
    /// # Errors
    /// When `folder` is no folder or has no `index.html` that can be read.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, Error> {
        let Some(folder) = folder else {
            return Ok(Self::BuiltIn);
        };
        let index = folder.join("index.html");
        if let Err(error) = std::fs::File::open(&index) {
            return Err(Error::App { index, error });
        }
        Ok(Self::Folder(folder.to_owned()))
    }

    /// The file a request's path names; `/` is `index.html`. Reads from disk, so
    /// it must not run on a thread that serves others.
    pub(crate) fn find(&self, request_path: &str) -> Option<Asset> {
        let name = match safe_name(request_path)? {
            name if name.is_empty() => "index.html".to_owned(),
            name => name,
        };
        let content = match self {
            Self::BuiltIn => BuiltIn::get(&name)?.data,
            Self::Folder(folder) => read(&folder.join(&name))?.into(),
        };
        Some(Asset {
            content,
            mime: mime_type(&name),
            immutable: has_content_hash(&name),
        })
    }

    /// Tells whether there is an app to serve at all.
    pub(crate) fn is_built(&self) -> bool {
        self.find("/").is_some()
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    match std::fs::read(path) {
        Ok(content) => Some(content),
        Err(error) => {
            tracing::debug!("cannot read {}: {error}", path.display());
            None
        }
    }
}

/// A request's path as a relative file name, or `None` when any part of it could
/// lead out of the folder or to a hidden file.
fn safe_name(request_path: &str) -> Option<String> {
    let decoded = percent_decode_str(request_path).decode_utf8().ok()?;
    let name = decoded.strip_prefix('/')?;
    if name.is_empty() {
        return Some(String::new());
    }
    // Back-slashes, drives and streams matter on Windows only, but no file of
    // the app has such a name anywhere.
    let is_safe = name.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.contains(['\\', ':'])
            && !part.chars().any(char::is_control)
    });
    is_safe.then(|| name.to_owned())
}

fn mime_type(name: &str) -> String {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "wasm" => "application/wasm".to_owned(),
        "js" | "mjs" => "text/javascript; charset=utf-8".to_owned(),
        "webmanifest" => "application/manifest+json".to_owned(),
        _ => {
            let mime = mime_guess::from_ext(extension).first_or_octet_stream();
            if mime.type_() == mime_guess::mime::TEXT {
                format!("{mime}; charset=utf-8")
            } else {
                mime.to_string()
            }
        }
    }
}

/// Tells whether trunk put a hash of the content into the name: `app-<16 hex>.js`,
/// `app-<16 hex>_bg.wasm`.
fn has_content_hash(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.match_indices('-').any(|(dash, _)| {
        let rest = &file.as_bytes()[dash + 1..];
        rest.len() > 16
            && rest[..16].iter().all(u8::is_ascii_hexdigit)
            && (rest[16] == b'.' || rest[16..].starts_with(b"_bg."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_nowhere_but_into_the_folder() {
        assert_eq!(safe_name("/").unwrap(), "");
        assert_eq!(safe_name("/a/b.js").unwrap(), "a/b.js");
        assert_eq!(safe_name("/na%C3%AFve.txt").unwrap(), "naïve.txt");
        for path in [
            "/../secret",
            "/a/../../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/a//b",
            "//etc/passwd",
            "/.git/config",
            "/a\\..\\b",
            "/%5c..",
            "/C:/x",
            "/a%00b",
            "/%ff",
            "no-slash",
            "",
        ] {
            assert_eq!(safe_name(path), None, "{path}");
        }
    }

    #[test]
    fn types_are_what_browsers_insist_on() {
        for (name, mime) in [
            ("app_bg.wasm", "application/wasm"),
            ("extras.js", "text/javascript; charset=utf-8"),
            ("index.html", "text/html; charset=utf-8"),
            ("style.css", "text/css; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
            ("app.webmanifest", "application/manifest+json"),
            ("LICENSE", "application/octet-stream"),
        ] {
            assert_eq!(mime_type(name), mime, "{name}");
        }
    }

    #[test]
    fn only_names_with_a_content_hash_never_change() {
        for name in [
            "app-0123456789abcdef.js",
            "app-0123456789abcdef_bg.wasm",
            "deep/main-fedcba9876543210.css",
        ] {
            assert!(has_content_hash(name), "{name}");
        }
        for name in [
            "index.html",
            "extras.js",
            "extras_bg.wasm",
            "app-0123456789abcde.js",
            "app-0123456789abcdef0.js",
            "app-0123456789abcdef",
            "app-0123456789abcdeg.js",
            "0123456789abcdef.js",
        ] {
            assert!(!has_content_hash(name), "{name}");
        }
    }
}
