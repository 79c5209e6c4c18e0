//! Puts whole files where they belong below a folder, and nowhere else.

use std::io;

use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, OpenOptions};

use super::names::numbered;

/// So many names are tried for a file whose own is taken.
const MOST_NUMBERS: u32 = 10_000;

/// The way to deal with a file that has the name already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Collisions {
    /// The new one is called "name (2).ext".
    #[default]
    Rename,
    /// The new one takes its place.
    Overwrite,
    /// The new one is left out.
    Skip,
}

/// Moves files out of a folder to places below it.
pub(super) struct Placer<'a> {
    root: &'a Dir,
    collisions: Collisions,
    /// The folder that the last file went to, and the names that lead to it: files come in the order
    /// of their folders.
    last: Option<(Vec<String>, Dir, Vec<String>)>,
}

impl<'a> Placer<'a> {
    pub(super) fn new(root: &'a Dir, collisions: Collisions) -> Self {
        Self {
            root,
            collisions,
            last: None,
        }
    }

    /// Moves the file `from`, which lies in the folder itself, to a path below it. Returns the names
    /// that lead to it; `None` if it was left out.
    ///
    /// # Errors
    /// Those of the system. The file is where it was.
    pub(super) fn place(&mut self, from: &str, path: &[String]) -> io::Result<Option<Vec<String>>> {
        let Some((name, parents)) = path.split_last() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let root = self.root;
        let collisions = self.collisions;
        let (folder, way) = self.folder(parents)?;
        let placed = match collisions {
            Collisions::Overwrite => overwrite(root, from, folder, name)?,
            Collisions::Rename => Some(rename(root, from, folder, name, MOST_NUMBERS)?),
            Collisions::Skip => match rename(root, from, folder, name, 1) {
                Ok(name) => Some(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    root.remove_file(from)?;
                    None
                }
                Err(error) => return Err(error),
            },
        };
        Ok(placed.map(|name| {
            let mut way = way.clone();
            way.push(name);
            way
        }))
    }

    /// Has what was placed in the last folder outlast a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        match &self.last {
            Some((_, folder, _)) => sync(folder),
            None => Ok(()),
        }
    }

    /// Opens a folder below the root, and makes what is missing of it.
    fn folder(&mut self, parents: &[String]) -> io::Result<(&Dir, &Vec<String>)> {
        let is_same = matches!(&self.last, Some((last, _, _)) if last == parents);
        if !is_same {
            self.sync()?;
            self.last = None;
        }
        let last = match self.last.take() {
            Some(last) => last,
            None => {
                let mut folder = self.root.try_clone()?;
                let mut way = Vec::with_capacity(parents.len() + 1);
                for parent in parents {
                    let (inner, name) = enter(&folder, parent)?;
                    folder = inner;
                    way.push(name);
                }
                (parents.to_vec(), folder, way)
            }
        };
        let (_, folder, way) = self.last.insert(last);
        Ok((folder, way))
    }
}

/// Opens a folder in a folder, or makes it. Where something else has its name, a link for example, it
/// gets another.
fn enter(folder: &Dir, name: &str) -> io::Result<(Dir, String)> {
    for number in 1..=MOST_NUMBERS {
        let name = numbered(name, number);
        let is_new = match folder.create_dir(&name) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        match folder.open_dir_nofollow(&name) {
            Ok(inner) => {
                if is_new {
                    sync(folder)?;
                }
                return Ok((inner, name));
            }
            Err(error) => match folder.symlink_metadata(&name) {
                Ok(metadata) if !metadata.is_dir() => {}
                _ => return Err(error),
            },
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn rename(root: &Dir, from: &str, to: &Dir, name: &str, tries: u32) -> io::Result<String> {
    for number in 1..=tries {
        let name = numbered(name, number);
        // An empty file of our own holds the name until the real one takes its place: unlike a look
        // before, nobody can come in between.
        match to.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        if let Err(error) = root.rename(from, to, &name) {
            let _ = to.remove_file(&name);
            return Err(error);
        }
        return Ok(name);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn overwrite(root: &Dir, from: &str, to: &Dir, name: &str) -> io::Result<Option<String>> {
    // A folder is no file to overwrite. A link is replaced itself, not what it leads to.
    match to.symlink_metadata(name) {
        Ok(metadata) if metadata.is_dir() => {
            return rename(root, from, to, name, MOST_NUMBERS).map(Some);
        }
        _ => root.rename(from, to, name)?,
    }
    Ok(Some(name.to_owned()))
}

/// Has a folder's entries outlast a power cut.
pub(super) fn sync(folder: &Dir) -> io::Result<()> {
    // Other systems have no such thing for folders, or do it themselves.
    if cfg!(unix) {
        // The folder's own handle may be one that only leads to what is in it.
        folder.open(".")?.sync_all()?;
    }
    Ok(())
}
