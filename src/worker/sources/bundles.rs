//! Small files that follow each other, joined before they are read.
//!
//! Chromium takes about 0.1 ms to put a file into a Blob, in a thread of its main process; what is
//! joined it reads much faster. While an offer is not accepted yet, that thread has time. What is
//! read before it was joined is read as it is.

use js_sys::Array;
use web_sys::{Blob, File};

/// Longer files are read faster alone. Bytes.
const LONGEST: f64 = 128.0 * 1024.0;

/// So many are joined at a time: browsers may keep whoever joins them waiting for as long as that
/// takes.
const MOST: usize = 512;

/// Where each file of a parcel lies that was joined with others.
#[derive(Default)]
pub(super) struct Bundles {
    /// In the order of their files.
    bundles: Vec<Bundle>,
    /// All files before this one were joined or are not going to be.
    next: usize,
}

/// Files that follow each other, as one Blob.
struct Bundle {
    blob: Blob,
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
        let short = rest.iter().skip(skipped).take(MOST);
        let run = short.take_while(|file| is_short(file)).count();
        let first = self.next + skipped;
        self.next = first + run;
        self.bundles
            .extend(Bundle::new(first, &rest[skipped..skipped + run]));
        true
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
        Some((&bundle.blob, *start))
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
    fn what_is_not_there_is_in_no_bundle() {
        let files = [file(1), file(1)];
        assert!(joined(&files, Bundles::default()).find(2).is_none());
        assert!(Bundles::default().find(0).is_none());
    }
}
