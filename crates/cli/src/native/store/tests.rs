//! Stores in real folders.

mod hostile;
mod parts;
mod requests;
mod sending;

use std::fs;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &Path) -> Arc<Dir> {
    Arc::new(Dir::open_ambient_dir(folder, ambient_authority()).unwrap())
}

fn id(number: u8) -> ParcelId {
    let letter = char::from(b'a' + number);
    letter.to_string().repeat(16).parse().unwrap()
}

/// Files of a parcel, one after the other.
fn files(named: &[(&str, u64)]) -> Vec<FileView> {
    let mut offset = 0u64;
    let view = |&(path, size): &(&str, u64)| {
        let begin = offset;
        offset = offset.wrapping_add(size);
        FileView {
            path: path.to_owned(),
            size,
            offset: begin,
            modified: Some(1_600_000_000_000),
            mime: String::new(),
            blake3: None,
            crc32: None,
            left_out: false,
        }
    };
    named.iter().map(view).collect()
}

/// Few, so that short files are long ones. Bytes.
const STEP: u64 = 1000;

/// Bytes that differ everywhere.
fn content(len: u64) -> Vec<u8> {
    (0..len).map(|at| (at * 31 % 251) as u8).collect()
}

/// Everything below a folder, with `/` between names.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                todo.push(entry.path());
            } else {
                let path = entry.path();
                let path = path.strip_prefix(folder).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// A parcel that is whole in a folder.
fn whole(folder: &Path, collisions: Collisions, size: u64) -> Part {
    let dir = open(folder);
    let mut part = Part::create(&dir, collisions, id(0), Some("parcel"), size).unwrap();
    part.step = STEP;
    part.write(0, &content(size)).unwrap();
    part
}

fn saved(paths: &[&str], skipped: &[&str]) -> Saved {
    let owned = |list: &[&str]| list.iter().map(PathBuf::from).collect();
    Saved {
        paths: owned(paths),
        skipped: owned(skipped),
    }
}
