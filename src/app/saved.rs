//! The saved part of a received parcel, as far as a page can know: that the browser was given it.

use super::words::words;

/// How fast a disk may be that the browser copies to, in bytes a millisecond.
const SLOW_DISK: f64 = 20_000.0;

/// The part of a parcel that the browser was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// All of it.
    all: bool,
    /// Files that were given one by one.
    some: Vec<usize>,
    /// When the browser may still be copying, in milliseconds since 1970.
    busy_until: f64,
}

impl Saved {
    /// All of it was saved before the page was loaded.
    #[must_use]
    pub fn before(all: bool) -> Self {
        Self {
            all,
            ..Self::default()
        }
    }

    /// The browser was given the file at this place, of so many bytes.
    pub fn add(&mut self, place: usize, bytes: u64, now: f64) {
        if !self.all && !self.some.contains(&place) {
            self.some.push(place);
        }
        self.copies(bytes, now);
    }

    /// The browser was given the first `given` of all files, of so many bytes together.
    pub fn add_first(&mut self, given: usize, files: usize, bytes: u64, now: f64) {
        self.some.retain(|place| *place >= given);
        self.some.extend(0..given);
        self.all |= self.some.len() >= files;
        self.copies(bytes, now);
    }

    fn copies(&mut self, bytes: u64, now: f64) {
        self.busy_until = self.busy_until.max(now) + bytes as f64 / SLOW_DISK;
    }

    /// Whether nothing of `files` is lacking.
    #[must_use]
    pub fn is_whole(&self, files: usize) -> bool {
        self.all || (files > 0 && self.some.len() >= files)
    }

    /// When the browser may still be copying, in milliseconds since 1970.
    #[must_use]
    pub fn busy_until(&self) -> f64 {
        self.busy_until
    }

    /// In one word for scripts.
    #[must_use]
    pub fn name(&self, files: usize) -> &'static str {
        match (self.is_whole(files), self.some.is_empty()) {
            (true, _) => "all",
            (false, true) => "none",
            (false, false) => "some",
        }
    }

    /// In words for people.
    #[must_use]
    pub fn words(&self, files: usize) -> String {
        match self.name(files) {
            "all" => words().file_saved().into(),
            "none" => words().file_saved_none().into(),
            _ => {
                let [some, all] =
                    [self.some.len(), files].map(|number| words().number(number as u64));
                words().file_saved_some(&some, &all)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_is_saved_once_all_its_files_are() {
        let mut saved = Saved::default();
        assert_eq!(
            (saved.name(3), saved.words(3)),
            ("none", "Not saved yet".into())
        );
        saved.add(1, 1_000, 0.0);
        saved.add(1, 1_000, 0.0);
        assert_eq!(
            (saved.name(3), saved.words(3)),
            ("some", "1 of 3 saved".into())
        );
        saved.add_first(2, 3, 2_000, 0.0);
        assert_eq!(saved.words(3), "2 of 3 saved");
        saved.add(2, 1_000, 0.0);
        assert_eq!((saved.name(3), saved.words(3)), ("all", "Saved".into()));
        let mut at_once = Saved::default();
        at_once.add_first(3, 3, 3_000, 0.0);
        assert!(at_once.is_whole(3));
        assert!(Saved::before(true).is_whole(3));
        assert!(!Saved::before(false).is_whole(0));
    }

    #[test]
    fn what_was_given_takes_a_while_to_be_copied() {
        let mut saved = Saved::default();
        saved.add(0, 20_000_000, 5_000.0);
        assert!((saved.busy_until() - 6_000.0).abs() < 1.0);
        saved.add_first(1, 1, 40_000_000, 5_500.0);
        assert!((saved.busy_until() - 8_000.0).abs() < 1.0);
    }
}
