//! The parcels of `mqdrop receive`: their place, and what is told of them when they are in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mqdrop_core::ParcelId;
use mqdrop_core::view::FileView;

use crate::native::{Collisions, Saved, Target};
use crate::say::Event;
use crate::words;

/// The place for what is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Stdout.
    Stdout,
    /// This folder.
    Folder(PathBuf, Collisions),
}

impl Place {
    pub(super) fn target(&self) -> Target {
        match self {
            Self::Stdout => Target::Stdout,
            Self::Folder(path, collisions) => Target::Folder {
                path: path.clone(),
                collisions: *collisions,
            },
        }
    }

    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::Folder(path, _) => Some(path),
        }
    }
}

/// Events for the files of a parcel that are in their places below a folder. `files` are all of the
/// parcel's, in its order, as `saved` has them.
pub(super) fn saved(
    parcel: ParcelId,
    folder: &Path,
    saved: &Saved,
    files: &[FileView],
) -> Vec<Event> {
    let skipped: BTreeSet<&Path> = saved.skipped.iter().map(PathBuf::as_path).collect();
    let placed = files
        .iter()
        .filter(|file| !file.left_out && !skipped.contains(Path::new(&file.path)));
    let told = placed.zip(&saved.paths).map(|(file, path)| Event::Saved {
        parcel: parcel.to_string(),
        path: folder.join(path).display().to_string(),
        bytes: file.size,
        blake3: file.blake3.clone(),
    });
    let kept = saved.skipped.iter().map(|path| Event::Warning {
        text: words().receiving_was_there(&folder.join(path).to_string_lossy()),
    });
    told.chain(kept).collect()
}

/// Events for what an earlier command had received whole, and this one put in its place.
pub(super) fn finished(folder: &Path, saved: &Saved) -> Vec<Event> {
    let paths = saved.paths.iter().map(|path| folder.join(path));
    paths
        .map(|path| Event::Warning {
            text: words().receiving_in_place_now(&path.to_string_lossy()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, left_out: bool) -> FileView {
        FileView {
            path: path.into(),
            size: path.len() as u64,
            offset: 0,
            modified: None,
            mime: String::new(),
            blake3: Some(path.to_uppercase()),
            crc32: None,
            left_out,
        }
    }

    #[test]
    fn every_file_is_told_with_its_own_place_and_hash() {
        let files = [
            file("a", false),
            file("bb", true),
            file("ccc", false),
            file("dddd", false),
        ];
        let done = Saved {
            paths: vec!["a (2)".into(), "dddd".into()],
            skipped: vec!["ccc".into()],
        };
        let parcel: ParcelId = "aaaaaaaaaaaaaaaa".parse().unwrap();
        let told = saved(parcel, Path::new("in"), &done, &files);
        let event = |path: &str, bytes, hash: &str| Event::Saved {
            parcel: parcel.to_string(),
            path: path.into(),
            bytes,
            blake3: Some(hash.into()),
        };
        assert_eq!(
            told[..2],
            [event("in/a (2)", 1, "A"), event("in/dddd", 4, "DDDD")]
        );
        assert!(matches!(&told[2..], [Event::Warning { text }] if text.contains("in/ccc")));
    }
}
