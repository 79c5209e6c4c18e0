//! Small files that follow each other, joined beforehand.
//!
//! Chromium takes about 0.1 ms to put a file into a Blob, in a thread of its main process, and reads
//! a part of what is joined a third as long. While nobody has accepted yet, that thread has time.

use js_sys::Array;
use web_sys::{Blob, File};

/// Longer files are read faster alone. Bytes.
const LONGEST: f64 = 128.0 * 1024.0;

/// A Blob of more files takes longer to be cut.
const MOST: usize = 512;

/// Where each file of a parcel lies that was joined with others.
pub(super) struct Bundles {
    bundles: Vec<Bundle>,
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
    /// Joins what is short and has company. What cannot be joined stays alone.
    pub(super) fn new(files: &[File]) -> Self {
        let mut first = 0;
        let mut bundles = Vec::new();
        for run in files.chunk_by(|one, next| is_short(one) && is_short(next)) {
            for part in run.chunks(MOST) {
                bundles.extend(Bundle::new(first, part));
                first += part.len();
            }
        }
        Self { bundles }
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
        Some(Self {
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

    /// The size of the bundle that each file is in, and where it begins there.
    fn places(lengths: &[usize]) -> Vec<Option<(usize, u64)>> {
        let files: Vec<File> = lengths.iter().map(|&len| file(len)).collect();
        let bundles = Bundles::new(&files);
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
    fn bundles_have_no_more_files_than_can_be_cut_quickly() {
        let found = places(&vec![1; 2 * MOST + 1]);
        assert_eq!(found[MOST - 1], Some((MOST, MOST as u64 - 1)));
        assert_eq!(found[MOST], Some((MOST, 0)));
        assert_eq!(found[2 * MOST], None);
    }

    #[wasm_bindgen_test]
    fn what_is_not_there_is_in_no_bundle() {
        assert!(Bundles::new(&[file(1), file(1)]).find(2).is_none());
        assert!(Bundles::new(&[]).find(0).is_none());
    }
}
