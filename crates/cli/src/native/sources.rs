//! The files that are sent, read piece by piece beside the main thread.

mod spool;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use mqdrop_client::Input;
use mqdrop_core::{Entry, ParcelId, ReadError, ReadFailure, ReadFault, ReadRequest, Segment};

use super::Inputs;
use super::lane::Lane;
use super::positioned::read_exact_at;
use crate::words;

pub(super) use spool::folder as spool_folder;
pub(crate) use spool::spool;
pub(crate) use walk::{WalkOptions, walk};

/// Files that a parcel has open at most: those that were read last.
const MOST_OPEN: usize = 32;

/// A file to be sent.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// As the engine is to know it.
    pub(crate) entry: Entry,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// A file, and how it was when it was chosen.
    File(PathBuf, Stamp),
    /// A file without a name that nobody else changes.
    Spool(Arc<File>),
}

/// The marks by which a changed file is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

impl SourceFile {
    /// Looks into a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no file.
    fn look(path: PathBuf, name: String) -> io::Result<Self> {
        let file = open_regular(&path)?;
        let stamp = Stamp::of(&file)?;
        Ok(Self {
            entry: entry(name, stamp.size, stamp.modified),
            content: Content::File(path, stamp),
        })
    }

    fn open(&self) -> Result<Arc<File>, Failure> {
        match &self.content {
            Content::Spool(file) => Ok(Arc::clone(file)),
            Content::File(path, stamp) => {
                let file = open_regular(path)?;
                if Stamp::of(&file)? != *stamp {
                    return Err(Failure::Changed);
                }
                Ok(Arc::new(file))
            }
        }
    }

    fn is_same(&self, file: &File) -> io::Result<bool> {
        match &self.content {
            Content::Spool(_) => Ok(true),
            Content::File(_, stamp) => Ok(Stamp::of(file)? == *stamp),
        }
    }
}

/// The file as the engine is to know it.
fn entry(path: String, size: u64, modified: Option<SystemTime>) -> Entry {
    // The extension alone: only names are looked at.
    let mime = mime_guess::from_path(&path).first_raw().unwrap_or_default();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Entry {
        mime: mime.to_owned(),
        path,
        size,
        modified: since.and_then(|since| u64::try_from(since.as_millis()).ok()),
    }
}

/// Opens a file for reading; never waits for the other end of a pipe.
fn open_regular(path: &Path) -> io::Result<File> {
    // Before it is opened: devices may act on that, and sockets say something else.
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() {
        return Err(io::Error::other(no_file(kind)));
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        options.custom_flags(flags.cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other(no_file(file.metadata()?.file_type())))
    }
}

/// Words for something that is not a file.
fn no_file(kind: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return words().sending_pipe();
        }
        if kind.is_socket() {
            return words().sending_socket();
        }
        if kind.is_block_device() || kind.is_char_device() {
            return words().sending_device();
        }
    }
    if kind.is_dir() {
        words().sending_folder()
    } else {
        words().sending_no_file()
    }
}

/// The files of all parcels that are sent.
pub(super) struct Sources<C> {
    parcels: BTreeMap<ParcelId, Arc<Source>>,
    inputs: Inputs<C>,
}

struct Source {
    files: Vec<SourceFile>,
    /// The last one was used last.
    open: Mutex<VecDeque<(usize, Arc<File>)>>,
    lane: Arc<Lane>,
}

impl<C: Send + 'static> Sources<C> {
    pub(super) fn new(inputs: Inputs<C>) -> Self {
        Self {
            parcels: BTreeMap::new(),
            inputs,
        }
    }

    /// These are the files of a parcel.
    pub(super) fn keep(&mut self, parcel: ParcelId, files: Vec<SourceFile>) {
        let source = Source {
            files,
            open: Mutex::default(),
            lane: Arc::default(),
        };
        self.parcels.insert(parcel, Arc::new(source));
    }

    /// Tells whether the parcel is one that is sent.
    pub(super) fn has(&self, parcel: ParcelId) -> bool {
        self.parcels.contains_key(&parcel)
    }

    pub(super) fn forget(&mut self, parcel: ParcelId) {
        self.parcels.remove(&parcel);
    }

    /// Reads, after everything that was asked for before of the same parcel.
    pub(super) fn read(&self, mut request: ReadRequest) {
        let inputs = self.inputs.clone();
        let Some(source) = self.parcels.get(&request.parcel).cloned() else {
            let file = request.segments.first().map_or(0, |segment| segment.file);
            let _ = inputs.send(Input::Read(request, Err(Failure::NotThere.of(file))));
            return;
        };
        let lane = Arc::clone(&source.lane);
        lane.push(move || {
            let segments = request.segments.clone();
            let result = source.fill(&segments, request.target());
            // Nobody listens when the program ends.
            let _ = inputs.send(Input::Read(request, result));
        });
    }
}

impl Source {
    fn fill(&self, segments: &[Segment], target: &mut [u8]) -> Result<(), ReadError> {
        let mut rest = target;
        for segment in segments {
            let cut = std::mem::take(&mut rest).split_at_mut_checked(segment.len);
            let (piece, after) = cut.ok_or_else(|| Failure::NotThere.of(segment.file))?;
            self.fill_one(segment, piece)
                .map_err(|failure| failure.of(segment.file))?;
            rest = after;
        }
        Ok(())
    }

    fn fill_one(&self, segment: &Segment, target: &mut [u8]) -> Result<(), Failure> {
        let source = self.files.get(segment.file).ok_or(Failure::NotThere)?;
        let file = match self.take_open(segment.file) {
            Some(file) => file,
            None => source.open()?,
        };
        read_exact_at(&file, target, segment.offset)?;
        // Looked at after reading: what was read is what was chosen.
        if !source.is_same(&file)? {
            return Err(Failure::Changed);
        }
        self.keep_open(segment.file, file);
        Ok(())
    }

    fn take_open(&self, number: usize) -> Option<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let at = open.iter().position(|(file, _)| *file == number)?;
        open.remove(at).map(|(_, file)| file)
    }

    fn keep_open(&self, number: usize, file: Arc<File>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back((number, file));
        if open.len() > MOST_OPEN {
            open.pop_front();
        }
    }
}

/// The reason that a piece was not read.
enum Failure {
    /// It is another file than the one that was chosen.
    Changed,
    /// The parcel has no such file.
    NotThere,
    System(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl Failure {
    fn of(&self, file: usize) -> ReadError {
        use ReadFailure::{Changed, Unreadable};
        let told = |why: &str| ReadFault::Told(why.into());
        let (kind, why) = match self {
            Self::Changed => (Changed, told(words().sending_changed())),
            Self::NotThere => (Changed, ReadFault::NotThere),
            Self::System(error) => match error.kind() {
                io::ErrorKind::NotFound => (Changed, told(words().sending_removed())),
                io::ErrorKind::UnexpectedEof => (Changed, ReadFault::Shorter),
                io::ErrorKind::PermissionDenied => {
                    (Unreadable, told(words().sending_may_not_be_read()))
                }
                _ => (Unreadable, ReadFault::Told(error.to_string())),
            },
        };
        ReadError { file, kind, why }
    }
}
