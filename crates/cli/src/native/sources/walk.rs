//! Finds the files of what was named on the command line.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder};

use super::SourceFile;
use crate::words;

/// A walk ends after so many files, which is more than a parcel can hold.
const MOST_FILES: usize = 250_001;

/// So many of what is not sent are named at most.
const MOST_SKIPPED: usize = 10_000;

/// The files that are left out of folders.
#[derive(Clone, Debug, Default)]
pub(crate) struct WalkOptions {
    /// Patterns as in a `.gitignore` file.
    pub(crate) exclude: Vec<String>,
    /// Leave out what `.gitignore` files say, and `.git` itself.
    pub(crate) gitignore: bool,
}

/// Files that were found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// In the order of the arguments, then of names.
    pub(crate) files: Vec<SourceFile>,
    /// Files that are not sent though nobody asked for that.
    pub(crate) skipped: Vec<Skipped>,
}

/// Something that is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// As it was found. May have letters that a terminal takes for commands.
    pub(crate) path: PathBuf,
    /// The reason, in words that follow a name and a colon.
    pub(crate) reason: String,
}

/// Finds the files in these paths. Takes a while: to be called beside the main thread.
///
/// A file is known by its name, and what is in a folder by the folder's name and the way from there.
///
/// # Errors
/// In words, if a path leads nowhere or a pattern is none.
pub(crate) fn walk(paths: &[PathBuf], options: &WalkOptions) -> Result<Walked, String> {
    let mut walked = Walked::default();
    for (number, path) in paths.iter().enumerate() {
        if paths[..number].contains(path) {
            continue;
        }
        let metadata = std::fs::metadata(path).map_err(|error| cannot_be_sent(path, &error))?;
        let name = own_name(path)?;
        if metadata.is_dir() {
            walk_folder(path, &name, options, &mut walked)?;
        } else {
            walked.add(path.clone(), name.to_str().map(ToOwned::to_owned));
        }
    }
    Ok(walked)
}

/// The name of a file or folder, also of one that was named by `.` or `..`.
fn own_name(path: &Path) -> Result<std::ffi::OsString, String> {
    if let Some(Component::Normal(name)) = path.components().next_back() {
        return Ok(name.to_owned());
    }
    let whole = path
        .canonicalize()
        .map_err(|error| cannot_be_sent(path, &error))?;
    // The root has no name.
    Ok(whole.file_name().unwrap_or(OsStr::new("root")).to_owned())
}

impl Walked {
    fn add(&mut self, path: PathBuf, name: Option<String>) {
        let Some(name) = name else {
            return self.skip(path, words().sending_not_unicode());
        };
        match SourceFile::look(path.clone(), name) {
            Ok(file) => self.files.push(file),
            Err(error) => self.skip(path, unreadable(&error)),
        }
    }

    fn skip(&mut self, path: PathBuf, reason: impl Into<String>) {
        if self.skipped.len() < MOST_SKIPPED {
            let reason = reason.into();
            self.skipped.push(Skipped { path, reason });
        }
    }
}

fn walk_folder(
    root: &Path,
    name: &OsStr,
    options: &WalkOptions,
    walked: &mut Walked,
) -> Result<(), String> {
    let Some(name) = name.to_str() else {
        walked.skip(root.to_owned(), words().sending_not_unicode());
        return Ok(());
    };
    let whole = root
        .canonicalize()
        .map_err(|error| cannot_be_sent(root, &error))?;
    let outside = Arc::new(Mutex::new(Vec::new()));
    let mut builder = WalkBuilder::new(root);
    builder
        .standard_filters(false)
        .follow_links(true)
        .sort_by_file_name(OsStr::cmp)
        .overrides(excluded(root, &options.exclude)?);
    if options.gitignore {
        builder.git_ignore(true).git_exclude(true).parents(true);
        builder.require_git(false);
    }
    let (found, gitignore) = (Arc::clone(&outside), options.gitignore);
    builder.filter_entry(move |entry| {
        if gitignore && entry.depth() > 0 && entry.file_name() == ".git" {
            return false;
        }
        let stays = stays_inside(entry, &whole);
        if !stays {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            if found.len() < MOST_SKIPPED {
                found.push(entry.path().to_owned());
            }
        }
        stays
    });
    for entry in builder.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let (path, reason) = trouble(&error);
                walked.skip(path.unwrap_or_else(|| root.to_owned()), reason);
                continue;
            }
        };
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            continue;
        }
        if walked.files.len() >= MOST_FILES {
            break;
        }
        let way = entry.path().strip_prefix(root).unwrap_or(entry.path());
        walked.add(entry.path().to_owned(), joined(name, way));
    }
    let outside = std::mem::take(&mut *outside.lock().unwrap_or_else(PoisonError::into_inner));
    for path in outside {
        walked.skip(path, words().sending_leads_out());
    }
    Ok(())
}

/// A folder's name and the way from there, with `/` in between; `None` if it is no text.
fn joined(name: &str, way: &Path) -> Option<String> {
    let mut joined = name.to_owned();
    for part in way.components() {
        joined.push('/');
        joined.push_str(part.as_os_str().to_str()?);
    }
    Some(joined)
}

/// Links are followed only within what was named.
fn stays_inside(entry: &DirEntry, root: &Path) -> bool {
    if entry.depth() == 0 || !entry.path_is_symlink() {
        return true;
    }
    // Links that lead nowhere are told by what walks.
    let target = entry.path().canonicalize();
    target.map_or(true, |target| target.starts_with(root))
}

fn excluded(root: &Path, patterns: &[String]) -> Result<Override, String> {
    let mut builder = OverrideBuilder::new(root);
    for pattern in patterns {
        builder
            .add(&format!("!{pattern}"))
            .map_err(|error| words().sending_no_pattern(pattern, &error.to_string()))?;
    }
    builder.build().map_err(|error| error.to_string())
}

/// The place of a failure, if it is known, and what it was.
fn trouble(error: &ignore::Error) -> (Option<PathBuf>, String) {
    match error {
        ignore::Error::WithPath { path, err } => {
            let (inner, reason) = trouble(err);
            (inner.or_else(|| Some(path.clone())), reason)
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            trouble(err)
        }
        ignore::Error::Loop { child, .. } => {
            (Some(child.clone()), words().sending_leads_back().into())
        }
        error => match error.io_error() {
            Some(error) => (None, unreadable(error)),
            None => (None, error.to_string()),
        },
    }
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => words().sending_may_not_be_read().into(),
        io::ErrorKind::NotFound => words().sending_leads_nowhere().into(),
        _ => error.to_string(),
    }
}

fn cannot_be_sent(path: &Path, error: &io::Error) -> String {
    words().sending_cannot_be_sent(&path.to_string_lossy(), &error.to_string())
}
