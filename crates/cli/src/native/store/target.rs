//! The place for what is received.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::place::Collisions;

/// The place for what is received.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A folder, which is made if it is missing.
    Folder {
        /// It.
        path: PathBuf,
        /// The way to deal with a file that has the name already.
        collisions: Collisions,
    },
    /// Standard output, for parcels of one file.
    Stdout,
    /// Nothing is received.
    Nowhere,
}

/// It, opened: from then on nothing but what lies in the folder is touched, also if another one takes
/// its name.
#[derive(Clone)]
pub(super) enum Opened {
    Folder(Arc<Dir>, Collisions),
    Stdout,
    Nowhere,
}

impl Target {
    pub(super) fn open(&self) -> io::Result<Opened> {
        Ok(match self {
            Self::Folder { path, collisions } => {
                std::fs::create_dir_all(path)?;
                let dir = Dir::open_ambient_dir(path, ambient_authority())?;
                Opened::Folder(Arc::new(dir), *collisions)
            }
            Self::Stdout => Opened::Stdout,
            Self::Nowhere => Opened::Nowhere,
        })
    }
}
