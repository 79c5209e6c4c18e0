use std::fs;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use tempfile::TempDir;

use super::spool::{spool_into, trouble};
use super::walk::Walked;
use super::*;

/// A folder with these files, whose content is their own path.
fn tree(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    folder
}

fn names(walked: &Walked) -> Vec<&str> {
    let names = walked.files.iter().map(|file| file.entry.path.as_str());
    names.collect()
}

fn skipped(walked: &Walked) -> Vec<(String, &str)> {
    let skipped = walked.skipped.iter();
    skipped
        .map(|one| {
            let name = one.path.file_name().unwrap().to_string_lossy();
            (name.into_owned(), one.reason.as_str())
        })
        .collect()
}

fn walk_all(paths: &[PathBuf]) -> Walked {
    walk(paths, &WalkOptions::default()).unwrap()
}

fn source(files: Vec<SourceFile>) -> Source {
    Source {
        files,
        open: Mutex::default(),
        lane: Arc::default(),
    }
}

fn read(source: &Source, file: usize, offset: u64, len: usize) -> Result<Vec<u8>, ReadError> {
    let mut target = vec![0; len];
    source.fill(&[Segment { file, offset, len }], &mut target)?;
    Ok(target)
}

#[test]
fn files_are_known_by_their_name_and_folders_by_the_way_from_there() {
    let folder = tree(&["a/x.txt", "a/b/.hidden", "a/b/y", "single.png"]);
    let paths = [folder.path().join("a"), folder.path().join("single.png")];
    let walked = walk_all(&[paths[0].clone(), paths[1].clone(), paths[0].clone()]);
    assert_eq!(
        names(&walked),
        ["a/b/.hidden", "a/b/y", "a/x.txt", "single.png"]
    );
    assert!(walked.skipped.is_empty());
    let entry = &walked.files[2].entry;
    let modified = fs::metadata(paths[0].join("x.txt"))
        .unwrap()
        .modified()
        .unwrap();
    let modified = modified.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    assert_eq!((entry.size, entry.modified), (7, Some(modified)));
    assert_eq!(
        (&*entry.mime, &*walked.files[3].entry.mime),
        ("text/plain", "image/png")
    );
    assert_eq!(walked.files[0].entry.mime, "");
    let up = walk_all(&[folder.path().join("a/b/..")]);
    assert_eq!(names(&up)[0], "a/b/.hidden");
}

#[test]
fn what_is_excluded_stays_and_what_is_missing_is_told() {
    let folder = tree(&[
        "p/a.log",
        "p/b.txt",
        "p/sub/c.log",
        "p/target/d",
        "p/.git/config",
        "p/.gitignore",
    ]);
    fs::write(folder.path().join("p/.gitignore"), "/target\n").unwrap();
    let root = [folder.path().join("p")];
    let options = WalkOptions {
        exclude: vec!["*.log".into()],
        gitignore: false,
    };
    let walked = walk(&root, &options).unwrap();
    assert_eq!(
        names(&walked),
        ["p/.git/config", "p/.gitignore", "p/b.txt", "p/target/d"]
    );
    let options = WalkOptions {
        exclude: vec!["sub".into()],
        gitignore: true,
    };
    let walked = walk(&root, &options).unwrap();
    assert_eq!(names(&walked), ["p/.gitignore", "p/a.log", "p/b.txt"]);
    let bad = WalkOptions {
        exclude: vec!["a[".into()],
        gitignore: false,
    };
    assert!(walk(&root, &bad).unwrap_err().contains("a["));
    let missing = folder.path().join("missing");
    let error = walk(&[missing], &WalkOptions::default()).unwrap_err();
    assert!(error.contains("missing cannot be sent"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_only_within_what_was_named() {
    use std::os::unix::fs::symlink;
    let folder = tree(&["in/real/a", "out/secret"]);
    let inside = folder.path().join("in");
    symlink("real/a", inside.join("good")).unwrap();
    symlink("real", inside.join("gooddir")).unwrap();
    symlink("../out/secret", inside.join("leak")).unwrap();
    symlink("../out", inside.join("leakdir")).unwrap();
    symlink("nowhere", inside.join("broken")).unwrap();
    symlink("..", inside.join("real/loop")).unwrap();
    let walked = walk_all(std::slice::from_ref(&inside));
    assert_eq!(names(&walked), ["in/good", "in/gooddir/a", "in/real/a"]);
    let mut told = skipped(&walked);
    told.sort();
    told.dedup();
    let told: Vec<(&str, &str)> = told.iter().map(|(name, why)| (&**name, *why)).collect();
    let back = "it is a link that leads back to a folder it lies in";
    let out = "it is a link that leads out of what was named";
    assert_eq!(
        told,
        [
            ("broken", "it leads nowhere, or was removed meanwhile"),
            ("leak", out),
            ("leakdir", out),
            ("loop", back),
        ]
    );
    // A link that was named itself is followed.
    let walked = walk_all(&[inside.join("leak"), inside.join("leakdir")]);
    assert_eq!(names(&walked), ["leak", "leakdir/secret"]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_or_has_no_readable_name_is_named_and_left() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tree(&["f/ok"]);
    let root = folder.path().join("f");
    let pipe = root.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    let walked = walk_all(&[root, PathBuf::from("/dev/null")]);
    assert_eq!(names(&walked), ["f/ok"]);
    let told = skipped(&walked);
    let told: Vec<(&str, &str)> = told.iter().map(|(name, why)| (&**name, *why)).collect();
    assert_eq!(
        told,
        [
            (
                "bad\u{fffd}",
                "its name is not Unicode, and no other device could show it"
            ),
            ("pipe", "it is a pipe, not a file"),
            ("socket", "it is a socket, not a file"),
            ("null", "it is a device, not a file"),
        ]
    );
}

#[test]
fn pieces_are_read_and_few_files_stay_open() {
    let files: Vec<String> = (0..100).map(|number| format!("d/{number:03}")).collect();
    let folder = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let source = source(walk_all(&[folder.path().join("d")]).files);
    let segments: Vec<Segment> = (0..100)
        .map(|file| Segment {
            file,
            offset: 2,
            len: 3,
        })
        .collect();
    let mut target = vec![0; 300];
    source.fill(&segments, &mut target).unwrap();
    let expected: String = (0..100).map(|number| format!("{number:03}")).collect();
    assert_eq!(target, expected.as_bytes());
    assert_eq!(source.open.lock().unwrap().len(), MOST_OPEN);
    assert_eq!(read(&source, 99, 0, 2).unwrap(), b"d/");
    assert_eq!(source.open.lock().unwrap().len(), MOST_OPEN);
}

#[test]
fn a_file_that_is_not_what_it_was_is_not_sent() {
    let folder = tree(&["d/changed", "d/gone", "d/longer", "d/touched"]);
    let root = folder.path().join("d");
    let source = source(walk_all(std::slice::from_ref(&root)).files);
    // Open when it changes.
    assert!(read(&source, 0, 0, 1).is_ok());
    fs::write(root.join("changed"), "d/CHANGED!").unwrap();
    fs::remove_file(root.join("gone")).unwrap();
    let mut longer = File::options()
        .append(true)
        .open(root.join("longer"))
        .unwrap();
    longer.write_all(b"more").unwrap();
    let touched = File::options()
        .write(true)
        .open(root.join("touched"))
        .unwrap();
    touched
        .set_modified(SystemTime::now() + Duration::from_secs(10))
        .unwrap();
    for file in 0..4 {
        let error = read(&source, file, 0, 1).unwrap_err();
        assert_eq!(
            (error.file, error.kind),
            (file, ReadFailure::Changed),
            "{error:?}"
        );
    }
    let error = read(&source, 4, 0, 1).unwrap_err();
    assert_eq!((error.file, error.kind), (4, ReadFailure::Changed));
}

#[test]
fn input_of_unknown_length_is_spooled() {
    let mut input = io::repeat(b'x').take(1_000_003);
    let file = spool(&mut input, "input.txt").unwrap();
    assert_eq!(file.entry.size, 1_000_003);
    assert_eq!(
        (&*file.entry.path, &*file.entry.mime),
        ("input.txt", "text/plain")
    );
    let source = source(vec![file]);
    assert_eq!(read(&source, 0, 1_000_000, 3).unwrap(), b"xxx");
    assert_eq!(
        read(&source, 0, 1_000_000, 4).unwrap_err().kind,
        ReadFailure::Changed
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_while_spooling() {
    let full = File::options()
        .read(true)
        .write(true)
        .open("/dev/full")
        .unwrap();
    let error = spool_into(&mut &b"x"[..], "x", full).unwrap_err();
    let text = trouble(Path::new("/spool"), &error);
    assert!(text.contains("no space left in /spool"), "{text}");
}
