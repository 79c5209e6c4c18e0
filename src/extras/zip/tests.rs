//! Other programs and another library read what is written here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use rawzip::{RECOMMENDED_BUFFER_SIZE, ZipArchive};

use super::*;

/// 2024-02-29 23:59:58 UTC, and an hour later where the archive is made.
const LEAP_DAY: Modified = Modified {
    seconds: 1_709_251_198,
    local: [2024, 3, 1, 0, 59, 58],
};

fn entry<'a>(path: &'a str, content: &[u8]) -> Entry<'a> {
    Entry {
        path,
        size: content.len() as u64,
        crc32: crc32fast::hash(content),
        modified: Some(LEAP_DAY),
    }
}

fn written(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = Zip::default();
    let mut bytes = Vec::new();
    for (path, content) in files {
        bytes.extend(zip.add(entry(path, content)));
        bytes.extend(*content);
    }
    bytes.extend(zip.finish());
    bytes
}

/// A file that is gone after the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("mqdrop-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

/// Lists paths, lengths and times by Python's zipfile, which compares every CRC.
fn by_python(path: &Path) -> String {
    const SCRIPT: &str = "
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
for each in archive.infolist():
    print(each.filename, each.file_size, each.extract_version, each.flag_bits, *each.date_time)
";
    output(
        Command::new("python3")
            .env("PYTHONIOENCODING", "utf-8")
            .args(["-c", SCRIPT])
            .arg(path),
    )
}

const FILES: [(&str, &[u8]); 5] = [
    ("album/a.txt", b"hello"),
    ("album/.hidden", b""),
    ("album/sub/\u{e4} \u{1f389} \u{5e74}.bin", &[7; 40_000]),
    ("album/sub/deep/x", b"\0"),
    ("other", b"other"),
];

#[test]
fn unzip_and_python_read_it_with_structure_names_and_times() {
    let file = Temporary::new("small.zip");
    fs::write(&file.0, written(&FILES)).unwrap();
    let said = output(Command::new("unzip").arg("-t").arg(&file.0));
    assert!(said.contains("No errors detected"), "{said}");
    // The extended timestamp counts there.
    let list = output(
        Command::new("unzip")
            .args(["-Z", "-T", "-l"])
            .arg(&file.0)
            .env("TZ", "UTC"),
    );
    assert_eq!(list.matches("20240229.235958").count(), 5, "{list}");
    let expected: String = FILES
        .iter()
        .map(|(path, content)| format!("{path} {} 10 2048 2024 3 1 0 59 58\n", content.len()))
        .collect();
    assert_eq!(by_python(&file.0), expected);
}

#[test]
fn an_archive_of_very_many_files_has_them_all() {
    for (count, many) in [(10_000, false), (65_534, false), (65_535, true)] {
        let names: Vec<String> = (0..count).map(|number| format!("n/{number}")).collect();
        let files: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| (name.as_str(), name.as_bytes()))
            .collect();
        let bytes = written(&files);
        let record = bytes.windows(4).any(|bytes| bytes == b"PK\x06\x06");
        assert_eq!(record, many, "zip64 only where it is needed");
        assert_eq!(by_rawzip(&bytes), expected(&files));
        if count == 10_000 || many {
            let file = Temporary::new(&format!("{count}.zip"));
            fs::write(&file.0, &bytes).unwrap();
            assert_eq!(by_python(&file.0).lines().count(), count);
            let said = output(Command::new("unzip").arg("-tqq").arg(&file.0));
            assert_eq!(said, "");
        }
    }
}

fn expected(files: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    let owned = files.iter().map(|(path, content)| (*path, *content));
    owned
        .map(|(path, content)| (path.to_owned(), content.to_vec()))
        .collect()
}

fn by_rawzip(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let archive = ZipArchive::from_slice(bytes).unwrap();
    let mut files = BTreeMap::new();
    for entry in archive.entries() {
        let entry = entry.unwrap();
        let path = entry.file_path().try_normalize().unwrap();
        let found = archive.get_entry(entry.wayfinder()).unwrap();
        let mut content = Vec::new();
        io::copy(&mut found.verifying_reader(found.data()), &mut content).unwrap();
        files.insert(path.as_ref().to_owned(), content);
    }
    files
}

#[test]
fn what_is_longer_than_4_gib_or_behind_that_has_zip64_and_the_rest_does_not() {
    let sizes = [
        ("small", 3),
        ("just short", u64::from(u32::MAX) - 1),
        ("behind", 3),
        ("long", u64::from(u32::MAX)),
        ("last", 0),
    ];
    // On a disk that keeps no zeros.
    let file = Temporary::new("sparse.zip");
    let mut disk = File::create(&file.0).unwrap();
    let mut zip = Zip::default();
    for (path, size) in sizes {
        let header = zip.add(Entry {
            path,
            size,
            crc32: 0,
            modified: None,
        });
        let version = u16::from_le_bytes([header[4], header[5]]);
        assert_eq!(version == ZIP64, path == "long", "{path}");
        disk.write_all(&header).unwrap();
        disk.seek(SeekFrom::Current(size as i64)).unwrap();
    }
    disk.write_all(&zip.finish()).unwrap();
    drop(disk);

    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let disk = File::open(&file.0).unwrap();
    let archive = ZipArchive::from_file(disk, &mut buffer).unwrap();
    let mut entries = archive.entries(&mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().unwrap() {
        let path = entry.file_path().try_normalize().unwrap();
        let place = archive.get_entry(entry.wayfinder()).unwrap();
        let (start, end) = place.compressed_data_range();
        found.push((path.as_ref().to_owned(), end - start));
    }
    assert_eq!(found, sizes.map(|(path, size)| (path.to_owned(), size)));

    const SCRIPT: &str = "
import sys, zipfile
for each in zipfile.ZipFile(sys.argv[1]).infolist():
    print(each.filename, each.file_size, each.extract_version)
";
    let list = output(Command::new("python3").args(["-c", SCRIPT]).arg(&file.0));
    let versions = [10, 10, 45, 45, 45];
    let expected: String = sizes
        .iter()
        .zip(versions)
        .map(|((path, size), version)| format!("{path} {size} {version}\n"))
        .collect();
    assert_eq!(list, expected);
}

#[test]
fn times_that_ms_dos_does_not_know_are_the_nearest_that_it_knows() {
    let at = |local, seconds| Some(Modified { seconds, local });
    let first = dos_time(None);
    assert_eq!(first, [0, 1 << 5 | 1]);
    assert_eq!(dos_time(at([1970, 1, 1, 1, 0, 0], 0)), first);
    let [time, date] = dos_time(at([2500, 6, 7, 8, 9, 10], 16_738_000_000));
    assert_eq!(
        (date >> 9, date >> 5 & 15, date & 31, time >> 11),
        (127, 12, 31, 23)
    );
    let late = Modified {
        seconds: 16_738_000_000,
        local: [2500, 6, 7, 8, 9, 10],
    };
    assert_eq!(time_field(late), None, "it does not fit");
}
