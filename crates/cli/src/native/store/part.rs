//! A parcel that is being received: its content and notes, each a hidden file in the folder that it is
//! for.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};
use mqdrop_core::view::FileView;
use mqdrop_core::{ParcelId, StoreError};

use super::super::positioned::{read_exact_at, write_all_at};
use super::Saved;
use super::disk::{available, claim, end_within, is_removed, store_error};
use super::moved::Moved;
use super::moves::{Moves, Outcome, Plan, STEP, Workplace};
use super::names::stem;
use super::notes::Notes;
use super::place::{Collisions, sync};
use crate::words;

/// Endings of the names of a parcel's own files.
const PART: &str = ".mqdrop-part";
const NOTES: &str = ".mqdrop-notes";
const MOVES: &str = ".mqdrop-moves";
const PIECE: &str = ".mqdrop-piece-";

/// So many names are tried for a parcel's own files.
const MOST_NAMES: u32 = 1000;

/// More parcels than this are not taken up: an engine takes no more.
const MOST_PARTS: usize = 1000;

/// One parcel's content and notes.
pub(super) struct Part {
    dir: Arc<Dir>,
    stem: String,
    content: File,
    notes: Notes,
    size: u64,
    collisions: Collisions,
    /// Since it is whole.
    moves: Option<Moves>,
    is_finished: bool,
    /// Bytes that are cut off at once.
    pub(super) step: u64,
}

/// A parcel that was left in a folder.
pub(super) enum Left {
    /// A parcel that can go on, with its notes.
    Part(Box<Part>, Vec<u8>),
    /// A parcel that was whole and is in its place by now, with its notes. Its sender has yet to be
    /// told.
    Moved(Box<Moved>, Vec<u8>),
    /// A parcel that was whole and is in its place by now, without files that others were in the way
    /// of: nobody can read it back.
    Finished(Saved),
}

impl Part {
    /// Makes room for a parcel.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] if there is not enough.
    pub(super) fn create(
        dir: &Arc<Dir>,
        collisions: Collisions,
        parcel: ParcelId,
        title: Option<&str>,
        size: u64,
    ) -> Result<Self, StoreError> {
        let other =
            |error: io::Error| StoreError::Told(words().store_not_stored_here(&error.to_string()));
        let (stem, notes) = new_notes(dir, parcel, title).map_err(other)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let content = dir.open_with(format!("{stem}{PART}"), &options);
        let content = match content {
            Ok(content) => content.into_std(),
            Err(error) => {
                let _ = dir.remove_file(format!("{stem}{NOTES}"));
                return Err(other(error));
            }
        };
        let part = Self {
            dir: Arc::clone(dir),
            stem,
            content,
            notes,
            size,
            collisions,
            moves: None,
            is_finished: false,
            step: STEP,
        };
        let free = available(&part.content);
        if free.is_some_and(|free| free < size) {
            part.discard();
            return Err(StoreError::NoSpace { available: free });
        }
        if let Err(error) = claim(&part.content, size) {
            let error = store_error(&error, &part.content);
            part.discard();
            return Err(error);
        }
        Ok(part)
    }

    /// Takes up what a process that is gone left in a folder.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(super) fn take_up(dir: &Arc<Dir>, collisions: Collisions) -> io::Result<Vec<Left>> {
        let mut stems = BTreeSet::new();
        for entry in dir.entries()? {
            let name = entry?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(NOTES));
            if let Some(stem) = stem.filter(|stem| stem.starts_with('.')) {
                stems.insert(stem.to_owned());
            }
            if stems.len() >= MOST_PARTS {
                break;
            }
        }
        let left = stems.into_iter();
        // A part that cannot be opened now is left to a process that starts later.
        Ok(left
            .filter_map(|stem| Self::take_up_one(dir, stem, collisions).ok().flatten())
            .collect())
    }

    fn take_up_one(
        dir: &Arc<Dir>,
        stem: String,
        collisions: Collisions,
    ) -> io::Result<Option<Left>> {
        let notes = open_own(dir, &format!("{stem}{NOTES}"))?;
        let Some(notes) = Notes::lock(notes)? else {
            return Ok(None);
        };
        let content = match open_own(dir, &format!("{stem}{PART}")) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let journal = match open_own(dir, &format!("{stem}{MOVES}")) {
            Ok(journal) => Moves::go_on(journal)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(content) = content else {
            if let Some(moves) = journal.filter(Moves::is_over) {
                return Self::moved(dir, &stem, notes, &moves).map(Some);
            }
            // It was moved to its place, or somebody removed it.
            for ending in [MOVES, NOTES] {
                let _ = dir.remove_file(format!("{stem}{ending}"));
            }
            return Ok(None);
        };
        let mut part = Self {
            dir: Arc::clone(dir),
            stem,
            size: content.metadata()?.len(),
            content,
            notes,
            collisions,
            moves: journal,
            is_finished: false,
            step: STEP,
        };
        if part.moves.is_some() {
            // Without its end the content is nothing that an engine could go on with.
            return match part.run_moves() {
                Ok(_) => part.into_moved().map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    part.discard();
                    Ok(None)
                }
                Err(error) => Err(error),
            };
        }
        if part.notes.is_empty() {
            // Nothing was accepted yet.
            part.discard();
            return Ok(None);
        }
        let notes = part.notes.read()?;
        Ok(Some(Left::Part(Box::new(part), notes)))
    }

    /// Keeps the notes for the engine, and nothing else.
    fn into_moved(self) -> io::Result<Left> {
        let _ = self.dir.remove_file(format!("{}{PART}", self.stem));
        match &self.moves {
            Some(moves) => Self::moved(&self.dir, &self.stem, self.notes, moves),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn moved(dir: &Arc<Dir>, stem: &str, notes: Notes, moves: &Moves) -> io::Result<Left> {
        let text = notes.read()?;
        let saved = Saved::from(moves.outcome());
        // The notes go last, as without them nobody would know of the rest.
        let own = [format!("{stem}{MOVES}"), format!("{stem}{NOTES}")];
        let is_readable = saved.skipped.is_empty();
        let moved = Moved::new(dir, moves.places(), saved, own, notes);
        if is_readable {
            Ok(Left::Moved(Box::new(moved), text))
        } else {
            Ok(Left::Finished(moved.finish()))
        }
    }

    /// Cuts the notes and makes room for the whole content.
    ///
    /// # Errors
    /// If there is no space left.
    pub(super) fn go_on(&mut self, notes_len: u64, size: u64) -> Result<(), StoreError> {
        self.size = size;
        self.notes
            .cut(notes_len)
            .and_then(|()| claim(&self.content, size))
            .map_err(|error| store_error(&error, &self.content))
    }

    pub(super) fn write(&self, offset: u64, data: &[u8]) -> Result<(), StoreError> {
        end_within(offset, data.len(), self.size)?;
        if is_removed(&self.content) {
            return Err(StoreError::Gone);
        }
        write_all_at(&self.content, data, offset)
            .map_err(|error| store_error(&error, &self.content))
    }

    pub(super) fn note(&mut self, note: &[u8]) -> io::Result<()> {
        let is_first = self.notes.is_empty();
        self.notes.append(note)?;
        if is_first { sync(&self.dir) } else { Ok(()) }
    }

    pub(super) fn read(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        end_within(offset, len, self.size)?;
        if is_removed(&self.content) {
            return Err(StoreError::Gone);
        }
        let mut data = vec![0; len];
        match read_exact_at(&self.content, &mut data, offset) {
            Ok(()) => Ok(data.into()),
            Err(error) => Err(StoreError::Told(words().store_not_read(&error.to_string()))),
        }
    }

    /// Puts the files in their places. May be called again after an error.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if something of the content is lost; any other can be tried again.
    pub(super) fn finish(
        &mut self,
        files: &[FileView],
        left_out: &[Range<u64>],
    ) -> Result<Saved, StoreError> {
        if self.moves.is_none() {
            let len = self.content.metadata().map(|metadata| metadata.len());
            let len = len.map_err(|error| store_error(&error, &self.content))?;
            if len != self.size || is_removed(&self.content) {
                return Err(StoreError::Gone);
            }
            let files = with_left_out(files, left_out);
            let plan = Plan::new(&files, self.size, self.collisions)
                .ok_or_else(|| StoreError::Told(words().store_unfit_list().into()))?;
            let moves = self.begin_moves(plan);
            self.moves = Some(moves.map_err(|error| store_error(&error, &self.content))?);
        }
        self.move_all()
            .map_err(|error| store_error(&error, &self.content))
    }

    fn begin_moves(&self, plan: Plan) -> io::Result<Moves> {
        if plan.is_single() {
            return Moves::begin(plan, None);
        }
        self.content.sync_all()?;
        self.notes.sync()?;
        let name = format!("{}{MOVES}", self.stem);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        options.follow(FollowSymlinks::No);
        let journal = self.dir.open_with(&name, &options)?.into_std();
        let moves = Moves::begin(plan, Some(journal))?;
        sync(&self.dir)?;
        Ok(moves)
    }

    fn move_all(&mut self) -> io::Result<Saved> {
        let outcome = self.run_moves()?;
        self.is_finished = true;
        self.remove();
        Ok(outcome.into())
    }

    fn run_moves(&mut self) -> io::Result<Outcome> {
        let work = Workplace {
            dir: &self.dir,
            part: format!("{}{PART}", self.stem),
            piece: format!("{}{PIECE}", self.stem),
            content: &self.content,
            step: self.step,
        };
        let Some(moves) = &mut self.moves else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        moves.run(&work)
    }

    /// Frees its space, unless it was finished: then its files are the user's.
    pub(super) fn discard(self) {
        if !self.is_finished {
            self.remove();
        }
    }

    /// Removes files that were being cut off.
    fn remove_pieces(&self) {
        let pieces = format!("{}{PIECE}", self.stem);
        for entry in self.dir.entries().into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(&pieces)) {
                let _ = self.dir.remove_file(&name);
            }
        }
    }

    /// Removes what is not for the user. The notes go last: without them nobody would know of the
    /// rest.
    fn remove(&self) {
        if self.moves.is_some() && !self.is_finished {
            self.remove_pieces();
        }
        for ending in [PART, MOVES, NOTES] {
            let _ = self.dir.remove_file(format!("{}{ending}", self.stem));
        }
    }
}

impl From<Outcome> for Saved {
    fn from(outcome: Outcome) -> Self {
        let owned = |names: Vec<String>| names.into_iter().map(PathBuf::from).collect();
        Self {
            paths: owned(outcome.paths),
            skipped: owned(outcome.skipped),
        }
    }
}

/// The files, with those left out that have none but left out bytes.
fn with_left_out(files: &[FileView], left_out: &[Range<u64>]) -> Vec<FileView> {
    let mut files = files.to_vec();
    for file in &mut files {
        let end = file.offset.saturating_add(file.size);
        file.left_out |= left_out
            .iter()
            .any(|run| file.size > 0 && run.start <= file.offset && end <= run.end);
    }
    files
}

/// Makes a file of notes under a name that is free, and locks it.
fn new_notes(dir: &Dir, parcel: ParcelId, title: Option<&str>) -> io::Result<(String, Notes)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt;
        // The keys of the parcel are in there.
        options.mode(0o600);
    }
    for number in 1..=MOST_NAMES {
        let stem = stem(title, parcel, number);
        if dir.symlink_metadata(format!("{stem}{PART}")).is_ok() {
            continue;
        }
        match dir.open_with(format!("{stem}{NOTES}"), &options) {
            Ok(file) => {
                if let Some(notes) = Notes::lock(file.into_std())? {
                    return Ok((stem, notes));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Opens a file that this program left: no link, and nobody else's.
pub(super) fn open_own(dir: &Dir, name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).follow(FollowSymlinks::No);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        options.custom_flags(flags.cast_signed());
    }
    let file = dir.open_with(name, &options)?.into_std();
    let metadata = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    if metadata.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}
