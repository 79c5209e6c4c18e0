//! Notes of parcels that are sent, in the user's folder for state, so that sending goes on after a
//! restart.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mqdrop_core::{Entry, ParcelId};

use super::notes::Notes;
use crate::state;

/// The name in this program's folder for state.
const FOLDER: &str = "sent";

/// Endings of the names of a parcel's two files.
const NOTES: &str = "notes";
const FILES: &str = "files";

/// Notes that nobody added to for so long are removed: nobody waits for these files any more.
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The notes of so many parcels are kept; of more than that, those that were added to last.
const MOST: usize = 100;

/// Tells the files of one parcel from those of others: their paths, lengths and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(blake3::Hash);

impl Fingerprint {
    /// Of what is to be sent, in any order.
    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut entries: Vec<&Entry> = entries.into_iter().collect();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        let mut hasher = blake3::Hasher::new();
        for entry in entries {
            hasher.update(&(entry.path.len() as u64).to_be_bytes());
            hasher.update(entry.path.as_bytes());
            hasher.update(&entry.size.to_be_bytes());
            hasher.update(&entry.modified.map_or(u64::MAX, |time| time).to_be_bytes());
        }
        Self(hasher.finalize())
    }
}

/// The store that a process that is gone left, its notes, and the files that it was about.
type Found = (Sent, Vec<u8>, Option<Fingerprint>);

/// The folder with the notes.
#[derive(Clone, Debug)]
pub(super) struct SentFolder(PathBuf);

impl SentFolder {
    /// `None` where a user has no such folder.
    pub(super) fn of_user() -> Option<Self> {
        Some(Self(state::folder()?.join(FOLDER)))
    }

    pub(super) fn below(state: &Path) -> Self {
        Self(state::below(state).join(FOLDER))
    }

    /// Begins the notes of a parcel.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn create(&self, parcel: ParcelId) -> io::Result<Sent> {
        state::make(&self.0)?;
        self.sweep();
        let path = self.0.join(format!("{parcel}.{NOTES}"));
        let file = private(&path)?;
        // A parcel has a random name: it is another process that has it, or nobody.
        let notes = Notes::lock(file)?.ok_or(io::ErrorKind::AlreadyExists)?;
        let mut sent = Sent { path, notes };
        sent.notes.cut(0)?;
        Ok(sent)
    }

    /// Takes up what a process that is gone left.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(super) fn take_up(&self) -> io::Result<Vec<Found>> {
        let listed = match self.list() {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        self.sweep();
        let mut found = Vec::new();
        for (path, _) in listed.into_iter().take(MOST) {
            // A store that cannot be opened now is left to a process that starts later.
            if let Ok(Some(sent)) = Sent::open(path)
                && let Ok(notes) = sent.notes.read()
            {
                if notes.is_empty() {
                    sent.discard();
                    continue;
                }
                let fingerprint = sent.fingerprint();
                found.push((sent, notes, fingerprint));
            }
        }
        Ok(found)
    }

    /// The files of notes, and when they were added to; those first that were last.
    fn list(&self) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|it| it == NOTES)
                && let Ok(metadata) = entry.metadata()
                && metadata.is_file()
                && let Ok(modified) = metadata.modified()
            {
                listed.push((path, modified));
            }
        }
        listed.sort_by_key(|(_, modified)| core::cmp::Reverse(*modified));
        Ok(listed)
    }

    /// Removes what is old or too much, and nobody uses.
    fn sweep(&self) {
        let now = SystemTime::now();
        for (number, (path, modified)) in self.list().unwrap_or_default().into_iter().enumerate() {
            let is_old = now.duration_since(modified).is_ok_and(|age| age > OLDEST);
            if (is_old || number >= MOST)
                && let Ok(Some(sent)) = Sent::open(path)
            {
                sent.discard();
            }
        }
    }
}

/// The notes of one parcel.
pub(super) struct Sent {
    path: PathBuf,
    notes: Notes,
}

impl Sent {
    /// `None` if another process has it.
    fn open(path: PathBuf) -> io::Result<Option<Self>> {
        let file = File::options().read(true).write(true).open(&path)?;
        Ok(Notes::lock(file)?.map(|notes| Self { path, notes }))
    }

    pub(super) fn note(&mut self, note: &[u8]) -> io::Result<()> {
        self.notes.append(note)
    }

    pub(super) fn cut(&mut self, len: u64) -> io::Result<()> {
        self.notes.cut(len)
    }

    /// Notes which files the parcel has.
    pub(super) fn set_fingerprint(&self, fingerprint: &Fingerprint) -> io::Result<()> {
        fs::write(
            self.path.with_extension(FILES),
            fingerprint.0.to_hex().as_str(),
        )
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        let text = fs::read(self.path.with_extension(FILES)).ok()?;
        blake3::Hash::from_hex(text).ok().map(Fingerprint)
    }

    pub(super) fn discard(self) {
        let _ = fs::remove_file(self.path.with_extension(FILES));
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens or makes a file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
