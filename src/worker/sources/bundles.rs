//! Small files that follow each other, joined and read ahead of those who accept them.
//!
//! Chromium takes about 0.1 ms to put a file into a Blob, in a thread of its main process, and not
//! much less to read it there. While an offer is not accepted yet, that thread has time. What is
//! asked for before it was joined is read as it is.

use js_sys::Array;
use web_sys::{Blob, File};

use super::ahead::Copy;

/// Longer files are read faster alone. Bytes.
const LONGEST: f64 = 128.0 * 1024.0;

/// So many are joined at a time: browsers may keep whoever joins them waiting for as long as that
/// takes.
const MOST: usize = 512;

/// And no more than this, as it is read ahead in one go. Bytes.
const MOST_BYTES: f64 = 8.0 * 1024.0 * 1024.0;

/// Where each file of a parcel lies that was joined with others.
#[derive(Default)]
pub(super) struct Bundles {
    /// In the order of their files.
    bundles: Vec<Bundle>,
    /// All files before this one were joined or are not going to be.
    next: usize,
    /// All bundles before this one were read ahead or are not going to be.
    unread: usize,
}

/// Files that follow each other, as one Blob.
struct Bundle {
    blob: Blob,
    /// The part of it that was read ahead.
    copy: Option<Copy>,
    /// The first file's number.
    first: usize,
    /// Where each of them begins. Bytes.
    starts: Vec<u64>,
}

impl Bundles {
    /// Joins the next short files that have company; returns whether there may be more. What cannot
    /// be joined stays alone.
    pub(super) fn join_more(&mut self, files: &[File]) -> bool {
        let rest = files.get(self.next..).unwrap_or_default();
        let Some(skipped) = rest.iter().position(is_short) else {
            return false;
        };
        let mut bytes = 0.0;
        let short = rest.iter().skip(skipped).take(MOST);
        let run = short
            .take_while(|file| {
                bytes += file.size();
                is_short(file) && bytes <= MOST_BYTES
            })
            .count();
        let first = self.next + skipped;
        self.next = first + run;
        self.bundles
            .extend(Bundle::new(first, &rest[skipped..skipped + run]));
        true
    }

    /// The next bundle to read ahead: its number, and what to read.
    pub(super) fn next_to_copy(&mut self) -> Option<(usize, Blob)> {
        let number = self.unread;
        let bundle = self.bundles.get(number)?;
        self.unread += 1;
        Some((number, bundle.blob.clone()))
    }

    /// Takes what was read ahead of a bundle.
    pub(super) fn take_copy(&mut self, number: usize, copy: Copy) {
        if let Some(bundle) = self.bundles.get_mut(number) {
            bundle.copy = Some(copy);
        }
    }

    /// Drops what was read ahead.
    pub(super) fn drop_copies(&mut self) {
        self.bundles
            .iter_mut()
            .for_each(|bundle| bundle.copy = None);
    }

    /// Reading got to this file: joining those before it would come too late, or was not needed.
    pub(super) fn go_on_at(&mut self, file: usize) {
        self.next = self.next.max(file);
    }

    /// The Blob that has a file among others, and where the file begins in it.
    pub(super) fn find(&self, file: usize) -> Option<(&Blob, u64)> {
        let after = self.bundles.partition_point(|bundle| bundle.first <= file);
        let bundle = self.bundles.get(after.checked_sub(1)?)?;
        let start = bundle.starts.get(file - bundle.first)?;
        let blob = bundle.copy.as_ref().map_or(&bundle.blob, |copy| &copy.blob);
        Some((blob, *start))
    }
}

impl Bundle {
    fn new(first: usize, files: &[File]) -> Option<Self> {
        if files.len() < 2 {
            return None;
        }
        let parts = Array::new();
        let mut starts = Vec::with_capacity(files.len());
        let mut start = 0;
        for file in files {
            starts.push(start);
            start += file.size() as u64;
            parts.push(file);
        }
        let blob = Blob::new_with_blob_sequence(&parts).ok()?;
        // Else a file would be looked for where another one lies.
        (blob.size() == start as f64).then_some(Self {
            blob,
            copy: None,
            first,
            starts,
        })
    }
}

fn is_short(file: &File) -> bool {
    file.size() <= LONGEST
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::super::ahead::Budget;
    use super::*;

    fn file(len: usize) -> File {
        File::new_with_str_sequence(&Array::of1(&"x".repeat(len).into()), "x").unwrap()
    }

    fn joined(files: &[File], mut bundles: Bundles) -> Bundles {
        while bundles.join_more(files) {}
        bundles
    }

    /// The size of the bundle that each file is in, and where it begins there.
    fn places(lengths: &[usize]) -> Vec<Option<(usize, u64)>> {
        let files: Vec<File> = lengths.iter().map(|&len| file(len)).collect();
        let bundles = joined(&files, Bundles::default());
        (0..files.len())
            .map(|file| {
                let (blob, start) = bundles.find(file)?;
                Some((blob.size() as usize, start))
            })
            .collect()
    }

    #[wasm_bindgen_test]
    fn short_files_that_follow_each_other_are_joined() {
        let long = LONGEST as usize + 1;
        assert_eq!(
            places(&[3, 0, 4, long, 5, long, long, 1, 2]),
            [
                Some((7, 0)),
                Some((7, 3)),
                Some((7, 3)),
                None,
                None,
                None,
                None,
                Some((3, 0)),
                Some((3, 1)),
            ]
        );
        assert_eq!(places(&[]), []);
        assert_eq!(places(&[5]), [None]);
    }

    #[wasm_bindgen_test]
    fn no_more_files_are_joined_at_a_time_than_take_a_moment() {
        let found = places(&vec![1; 2 * MOST + 1]);
        assert_eq!(found[MOST - 1], Some((MOST, MOST as u64 - 1)));
        assert_eq!(found[MOST], Some((MOST, 0)));
        assert_eq!(found[2 * MOST], None);
    }

    #[wasm_bindgen_test]
    fn what_is_read_already_is_not_joined() {
        let files: Vec<File> = (0..5).map(|_| file(2)).collect();
        let mut bundles = Bundles::default();
        bundles.go_on_at(3);
        bundles.go_on_at(1);
        let bundles = joined(&files, bundles);
        assert!(bundles.find(2).is_none());
        assert_eq!(bundles.find(4).map(|(_, start)| start), Some(2));
        let mut beyond = Bundles::default();
        beyond.go_on_at(9);
        assert!(!beyond.join_more(&files));
    }

    #[wasm_bindgen_test]
    fn no_more_bytes_are_joined_than_are_read_in_one_go() {
        let each = LONGEST as usize;
        let fit = MOST_BYTES as usize / each;
        let found = places(&vec![each; fit + 2]);
        assert_eq!(found[0].map(|(size, _)| size), Some(fit * each));
        assert_eq!(found[fit + 1], Some((2 * each, each as u64)));
    }

    #[wasm_bindgen_test]
    async fn what_was_read_ahead_is_found_until_it_is_dropped() {
        let files: Vec<File> = (0..2 * MOST).map(|_| file(1)).collect();
        let mut bundles = joined(&files, Bundles::default());
        let (first, _) = bundles.next_to_copy().unwrap();
        let (second, blob) = bundles.next_to_copy().unwrap();
        assert!(bundles.next_to_copy().is_none());
        assert_eq!((first, second), (0, 1));
        let copy = Budget::default().copy(&blob).await.unwrap();
        let copied = copy.blob.clone();
        bundles.take_copy(second, copy);
        assert_eq!(bundles.find(MOST + 1), Some((&copied, 1)));
        assert_ne!(bundles.find(0), Some((&copied, 0)));
        bundles.drop_copies();
        assert_eq!(bundles.find(MOST + 1), Some((&blob, 1)));
    }

    #[wasm_bindgen_test]
    fn what_is_not_there_is_in_no_bundle() {
        let files = [file(1), file(1)];
        assert!(joined(&files, Bundles::default()).find(2).is_none());
        assert!(Bundles::default().find(0).is_none());
    }
}
