//! Lessons about brokers, in the user's folder for state: the next command begins with what an
//! earlier one found out. Without that folder each command finds it out anew.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mqdrop_client::lesson::{Learnt, Lesson};

use crate::state;

/// The file's name in this program's folder for state.
const FILE: &str = "brokers";

/// Brokers that are remembered at most: those of which something was learnt last.
const MOST: usize = 100;

/// Bytes of the file that are read at most; a line has about 80.
const MAX_LEN: u64 = 64 * 1024;

/// One broker, and the file with the lessons.
pub(crate) struct Lessons {
    file: Option<PathBuf>,
    /// Stands for the broker, whose address may have secrets in it.
    mark: String,
    known: Learnt,
}

impl Lessons {
    /// Recalls what is known of a broker.
    pub(crate) fn of(broker: &str) -> Self {
        Self::at(
            state::folder().map(|folder| folder.join(FILE)),
            broker,
            today(),
        )
    }

    fn at(file: Option<PathBuf>, broker: &str, today: u32) -> Self {
        let mark = blake3::hash(broker.as_bytes()).to_hex()[..16].to_owned();
        let lines = file.as_deref().map(|file| read(file, today));
        let known = lines
            .into_iter()
            .flatten()
            .find(|(of, _)| *of == mark)
            .map(|(_, lesson)| lesson.learnt);
        Self {
            file,
            mark,
            known: known.unwrap_or_default(),
        }
    }

    /// The facts that are known.
    pub(crate) fn known(&self) -> Learnt {
        self.known
    }

    /// Remembers facts, if they are new: the day counts on which they were learnt.
    pub(crate) fn note(&mut self, learnt: Learnt) {
        self.note_on(learnt, today());
    }

    fn note_on(&mut self, learnt: Learnt, today: u32) {
        if std::mem::replace(&mut self.known, learnt) == learnt {
            return;
        }
        if let Some(file) = &self.file {
            let others = read(file, today)
                .into_iter()
                .filter(|(of, _)| *of != self.mark);
            let lesson = Lesson { learnt, day: today };
            let lines: String = std::iter::once((self.mark.clone(), lesson))
                .chain(others)
                .take(MOST)
                .map(|(mark, lesson)| format!("{mark} {}\n", lesson.to_text()))
                .collect();
            // The next command finds it out as this one did.
            let _ = write(file, &lines);
        }
    }
}

/// The lessons that still count, the newest first. A file that is damaged teaches less.
fn read(file: &Path, today: u32) -> Vec<(String, Lesson)> {
    let mut text = Vec::new();
    let opened = File::open(file).and_then(|file| file.take(MAX_LEN).read_to_end(&mut text));
    if opened.is_err() {
        return Vec::new();
    }
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(mark, lesson)| (mark.to_owned(), Lesson::from_text(lesson)))
        .filter(|(_, lesson)| lesson.counts(today))
        .take(MOST)
        .collect()
}

/// Replaces the file in one step: other commands may read it now.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    state::make(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.persist(file)?;
    Ok(())
}

/// The days since 1970, by this computer's clock.
fn today() -> u32 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let days = since.unwrap_or_default().as_secs() / (24 * 3600);
    u32::try_from(days).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const DAY: u32 = 20_000;

    fn learnt(frame_length: u32) -> Learnt {
        Learnt {
            frame_length: Some(frame_length),
            ..Learnt::default()
        }
    }

    fn lessons(file: &Path, broker: &str, today: u32) -> Lessons {
        Lessons::at(Some(file.to_owned()), broker, today)
    }

    #[test]
    fn each_broker_is_known_by_what_was_learnt_of_it_for_a_week() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state").join("brokers");
        let mut one = lessons(&file, "mqtt://one", DAY);
        assert_eq!(one.known(), Learnt::default());
        one.note_on(learnt(4096), DAY);
        lessons(&file, "mqtt://two", DAY).note_on(learnt(8192), DAY);
        assert_eq!(lessons(&file, "mqtt://one", DAY).known(), learnt(4096));
        assert_eq!(lessons(&file, "mqtt://two", DAY + 7).known(), learnt(8192));
        assert_eq!(
            lessons(&file, "mqtt://two", DAY + 8).known(),
            Learnt::default()
        );
        assert_eq!(lessons(&file, "mqtt://six", DAY).known(), Learnt::default());
        // The same again is no news, and does not count for longer.
        one.note_on(learnt(4096), DAY + 5);
        assert_eq!(
            lessons(&file, "mqtt://one", DAY + 8).known(),
            Learnt::default()
        );
        one.note_on(learnt(16_384), DAY + 5);
        assert_eq!(
            lessons(&file, "mqtt://one", DAY + 8).known(),
            learnt(16_384)
        );
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("mqtt"), "no address is told: {text}");
    }

    #[test]
    fn no_more_than_a_hundred_are_remembered_the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("brokers");
        for number in 0..=100 {
            lessons(&file, &number.to_string(), DAY).note_on(learnt(number + 1), DAY);
        }
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 100);
        assert_eq!(lessons(&file, "0", DAY).known(), Learnt::default());
        assert_eq!(lessons(&file, "1", DAY).known(), learnt(2));
        assert_eq!(lessons(&file, "100", DAY).known(), learnt(101));
    }

    #[test]
    fn a_file_that_is_damaged_or_endless_is_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("brokers");
        let mark = lessons(&file, "mqtt://one", DAY).mark;
        fs::write(
            &file,
            format!("\nno\n\u{1}\n{mark} length=512&day={DAY}\n{mark}"),
        )
        .unwrap();
        assert_eq!(lessons(&file, "mqtt://one", DAY).known(), learnt(512));
        fs::write(&file, [b'x', b' '].repeat(1_000_000)).unwrap();
        let mut one = lessons(&file, "mqtt://one", DAY);
        assert_eq!(one.known(), Learnt::default());
        one.note_on(learnt(512), DAY);
        assert_eq!(lessons(&file, "mqtt://one", DAY).known(), learnt(512));
        // Without a folder it is known to this command alone.
        let mut nowhere = Lessons::at(None, "mqtt://one", DAY);
        nowhere.note_on(learnt(512), DAY);
        assert_eq!(nowhere.known(), learnt(512));
    }
}
