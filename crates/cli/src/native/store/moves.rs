//! Cuts a parcel's content into its files and puts these in their places.
//!
//! The files are cut off from the end, and the content is shortened each time: of the space that it
//! takes, no more than a step's is needed twice. A journal beside it says how far that got, so that it
//! goes on after it was interrupted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::time::{Duration, UNIX_EPOCH};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};
use mqdrop_core::view::FileView;
use serde::{Deserialize, Serialize};

use super::names::safe_path;
use super::place::{Collisions, Placer, sync};

/// A step copies about so many bytes, …
pub(super) const STEP: u64 = 64 * 1024 * 1024;

/// … or so many files.
const STEP_FILES: usize = 1000;

/// A journal is not read further than this: a line for each of the files of the largest parcel.
const MAX_JOURNAL: u64 = 512 * 1024 * 1024;

/// The files that a content is to become.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    overwrite: bool,
    skip: bool,
    /// One after the other without gaps, as they lie in the content.
    files: Vec<Planned>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Planned {
    path: String,
    size: u64,
    offset: u64,
    modified: Option<u64>,
    left_out: bool,
}

/// A line of the journal: this file is in its place, or was left out.
#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    file: usize,
    path: Option<String>,
}

/// A file's place.
#[derive(Debug)]
pub(super) struct Place {
    /// The place in the content where it begins, in bytes.
    pub(super) offset: u64,
    /// Its length in bytes.
    pub(super) size: u64,
    /// Its path below the folder; none if it was left out.
    pub(super) path: Option<String>,
}

/// The places that files came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) paths: Vec<String>,
    pub(super) skipped: Vec<String>,
}

impl Plan {
    /// `None` if the files are not all of a content of this size.
    pub(super) fn new(files: &[FileView], size: u64, collisions: Collisions) -> Option<Self> {
        let mut end = 0u64;
        for file in files {
            if file.offset != end {
                return None;
            }
            end = end.checked_add(file.size)?;
        }
        let planned = |file: &FileView| Planned {
            path: file.path.clone(),
            size: file.size,
            offset: file.offset,
            modified: file.modified,
            left_out: file.left_out,
        };
        (end == size).then(|| Self {
            overwrite: collisions == Collisions::Overwrite,
            skip: collisions == Collisions::Skip,
            files: files.iter().map(planned).collect(),
        })
    }

    fn collisions(&self) -> Collisions {
        match (self.overwrite, self.skip) {
            (true, _) => Collisions::Overwrite,
            (_, true) => Collisions::Skip,
            _ => Collisions::Rename,
        }
    }

    /// A single file is moved at once, and needs no journal.
    pub(super) fn is_single(&self) -> bool {
        self.files.len() == 1
    }
}

/// The folder with a parcel's own files, and their names.
pub(super) struct Workplace<'a> {
    pub(super) dir: &'a Dir,
    /// The name of the content.
    pub(super) part: String,
    /// Begins the names of files that are being cut off.
    pub(super) piece: String,
    pub(super) content: &'a File,
    /// Bytes of a step.
    pub(super) step: u64,
}

/// A plan on its way.
pub(super) struct Moves {
    plan: Plan,
    moved: BTreeMap<usize, Option<String>>,
    /// None for a single file.
    journal: Option<File>,
}

impl Moves {
    /// Begins, with an empty journal.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn begin(plan: Plan, journal: Option<File>) -> io::Result<Self> {
        if let Some(mut journal) = journal.as_ref() {
            let mut line = serde_json::to_vec(&plan)?;
            line.push(b'\n');
            journal.write_all(&line)?;
            journal.sync_all()?;
        }
        Ok(Self {
            plan,
            moved: BTreeMap::new(),
            journal,
        })
    }

    /// Goes on from a journal; `None` if it had not even begun.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn go_on(journal: File) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new((&journal).take(MAX_JOURNAL));
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Ok(plan) = serde_json::from_str::<Plan>(&line) else {
            return Ok(None);
        };
        let mut moved = BTreeMap::new();
        // A line that was not written whole ends it.
        let mut whole = line.len() as u64;
        loop {
            line.clear();
            let len = reader.read_line(&mut line)?;
            let Ok(Moved { file, path }) = serde_json::from_str(&line) else {
                break;
            };
            whole += len as u64;
            moved.insert(file, path);
        }
        drop(reader);
        journal.set_len(whole)?;
        (&journal).seek(SeekFrom::End(0))?;
        Ok(Some(Self {
            plan,
            moved,
            journal: Some(journal),
        }))
    }

    /// Moves all that is left. May be called again after an error.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if something of the content is lost; else those of the system.
    pub(super) fn run(&mut self, work: &Workplace<'_>) -> io::Result<Outcome> {
        let mut placer = Placer::new(work.dir, self.plan.collisions());
        let mut at = self.plan.files.len();
        while at > 0 {
            let len = work.content.metadata()?.len();
            let low = self.step(at, len, work.step);
            let first = &self.plan.files[low];
            let left = first.left(len);
            if low == 0 && left == first.size && !first.left_out && !self.moved.contains_key(&0) {
                self.move_whole(&mut placer, work)?;
            } else if left > work.step {
                self.cut_piece(low, len, work)?;
                continue;
            } else {
                self.move_files(low..at, len, &mut placer, work)?;
            }
            at = low;
        }
        placer.sync()?;
        sync(work.dir)?;
        Ok(self.outcome())
    }

    /// Tells whether all that has a place is in it.
    pub(super) fn is_over(&self) -> bool {
        let files = self.plan.files.iter().enumerate();
        files
            .filter(|(_, file)| !file.left_out)
            .all(|(number, _)| self.moved.contains_key(&number))
    }

    /// The places of the files, one after the other as they lie in the content.
    pub(super) fn places(&self) -> Vec<Place> {
        let files = self.plan.files.iter().enumerate();
        files
            .map(|(number, file)| Place {
                offset: file.offset,
                size: file.size,
                path: self.moved.get(&number).cloned().flatten(),
            })
            .collect()
    }

    /// The state of the files so far.
    pub(super) fn outcome(&self) -> Outcome {
        let mut result = Outcome::default();
        for (number, file) in self.plan.files.iter().enumerate() {
            match self.moved.get(&number) {
                Some(Some(path)) => result.paths.push(path.clone()),
                Some(None) => result.skipped.push(file.path.clone()),
                None => {}
            }
        }
        result
    }

    /// The first file of the next step, whose last one is before `at`.
    fn step(&self, at: usize, len: u64, most: u64) -> usize {
        let files = &self.plan.files;
        let (mut low, mut bytes) = (at - 1, files[at - 1].left(len));
        // The first file of all is a step of its own: the content becomes it.
        while low > 1 && at - low < STEP_FILES {
            bytes += files[low - 1].left(len);
            if bytes > most {
                break;
            }
            low -= 1;
        }
        low
    }

    /// The content is the first file by now.
    fn move_whole(&mut self, placer: &mut Placer<'_>, work: &Workplace<'_>) -> io::Result<()> {
        let file = &self.plan.files[0];
        date(work.content, file)?;
        work.content.sync_all()?;
        let placed = placer.place(&work.part, &safe_path(&file.path))?;
        self.note(0, placed)
    }

    /// Cuts a step's bytes off a long file that the content ends with.
    fn cut_piece(&self, number: usize, len: u64, work: &Workplace<'_>) -> io::Result<()> {
        let file = &self.plan.files[number];
        let start = len - work.step;
        if !file.left_out {
            let piece = work.open_piece(number, file.left(len) == file.size)?;
            piece.set_len(file.size)?;
            copy(work.content, start..len, &piece, start - file.offset)?;
            piece.sync_all()?;
            sync(work.dir)?;
        }
        work.content.set_len(start)
    }

    fn move_files(
        &mut self,
        numbers: core::ops::Range<usize>,
        len: u64,
        placer: &mut Placer<'_>,
        work: &Workplace<'_>,
    ) -> io::Result<()> {
        let files = &self.plan.files;
        let mut pieces = Vec::new();
        for number in numbers.clone() {
            let file = &files[number];
            if file.left_out || self.moved.contains_key(&number) {
                continue;
            }
            let left = file.left(len);
            if left == 0 && file.size > 0 && !work.has_piece(number)? {
                // It was moved just before this was interrupted.
                continue;
            }
            let piece = work.open_piece(number, left == file.size)?;
            piece.set_len(file.size)?;
            copy(work.content, file.offset..file.offset + left, &piece, 0)?;
            date(&piece, file)?;
            pieces.push((number, piece));
        }
        secure(pieces.iter().map(|(_, piece)| piece))?;
        for (number, piece) in pieces {
            // Some systems do not move what is open.
            drop(piece);
            let path = safe_path(&self.plan.files[number].path);
            let placed = placer.place(&work.piece_name(number), &path)?;
            self.note(number, placed)?;
        }
        let low = self.plan.files[numbers.start].offset;
        if low < len {
            work.content.set_len(low)?;
        }
        Ok(())
    }

    fn note(&mut self, file: usize, placed: Option<Vec<String>>) -> io::Result<()> {
        let path = placed.map(|names| names.join("/"));
        if let Some(mut journal) = self.journal.as_ref() {
            let path = path.clone();
            let mut line = serde_json::to_vec(&Moved { file, path })?;
            line.push(b'\n');
            journal.write_all(&line)?;
        }
        self.moved.insert(file, path);
        Ok(())
    }
}

impl Planned {
    /// How much of it a content of `len` bytes still has.
    fn left(&self, len: u64) -> u64 {
        len.saturating_sub(self.offset).min(self.size)
    }
}

impl Workplace<'_> {
    fn piece_name(&self, number: usize) -> String {
        format!("{}{number}", self.piece)
    }

    fn has_piece(&self, number: usize) -> io::Result<bool> {
        self.dir.try_exists(self.piece_name(number))
    }

    /// Opens a file that is being cut off; a new one if nothing of it was cut off yet.
    fn open_piece(&self, number: usize, is_new: bool) -> io::Result<File> {
        let name = self.piece_name(number);
        let mut options = OpenOptions::new();
        options.write(true).follow(FollowSymlinks::No);
        if is_new {
            match self.dir.remove_file(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => options.create_new(true),
            };
        }
        Ok(self.dir.open_with(&name, &options)?.into_std())
    }
}

/// Copies a run of bytes, within the system where that can.
fn copy(mut from: &File, run: core::ops::Range<u64>, mut to: &File, offset: u64) -> io::Result<()> {
    let len = run.end - run.start;
    from.seek(SeekFrom::Start(run.start))?;
    to.seek(SeekFrom::Start(offset))?;
    if io::copy(&mut from.take(len), &mut to)? == len {
        Ok(())
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Gives a file the time that it was last changed at its sender.
fn date(file: &File, planned: &Planned) -> io::Result<()> {
    let time = planned
        .modified
        .and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
    if let Some(time) = time {
        // A time that this file system cannot have is none.
        let _ = file.set_modified(time);
    }
    Ok(())
}

/// Has files outlast a power cut.
fn secure<'a>(files: impl ExactSizeIterator<Item = &'a File>) -> io::Result<()> {
    let mut files = files.peekable();
    // All that waits at once takes about as long as a few files one by one.
    #[cfg(target_os = "linux")]
    if files.len() > 16
        && let Some(file) = files.peek()
    {
        return rustix::fs::syncfs(file).map_err(io::Error::from);
    }
    files.try_for_each(File::sync_all)
}
