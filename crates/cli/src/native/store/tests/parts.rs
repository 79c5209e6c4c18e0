//! Parcels from their first byte to their files.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

#[test]
fn a_single_file_becomes_itself_with_its_time_and_nothing_else_stays() {
    let folder = folder();
    let mut part = whole(folder.path(), Collisions::Rename, 5000);
    part.note(b"note").unwrap();
    assert_eq!(
        listing(folder.path()),
        [".parcel.mqdrop-notes", ".parcel.mqdrop-part"]
    );
    let made = part.finish(&files(&[("a.bin", 5000)]), &[]).unwrap();
    assert_eq!(made, saved(&["a.bin"], &[]));
    part.discard();
    assert_eq!(listing(folder.path()), ["a.bin"]);
    let path = folder.path().join("a.bin");
    assert_eq!(fs::read(&path).unwrap(), content(5000));
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(time, UNIX_EPOCH + Duration::from_secs(1_600_000_000));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0);
    }
}

/// Files around the length of a step, which is 1,000 bytes here, and empty ones.
const MANY: [(&str, u64); 9] = [
    ("p/first", 300),
    ("p/empty", 0),
    ("p/sub/long", 4321),
    ("p/sub/step", 1000),
    ("p/small1", 1),
    ("p/small2", 400),
    ("q/small3", 599),
    ("q/last-long", 2001),
    ("q/end", 0),
];

fn check_many(folder: &Path) {
    let all = content(MANY.iter().map(|(_, size)| size).sum());
    let mut rest = &all[..];
    for (path, size) in MANY {
        let (file, after) = rest.split_at(size as usize);
        assert_eq!(fs::read(folder.join(path)).unwrap(), file, "{path}");
        rest = after;
    }
    assert_eq!(listing(folder).len(), MANY.len());
}

#[test]
fn many_files_are_cut_out_of_the_content() {
    let folder = folder();
    let files = files(&MANY);
    let size = MANY.iter().map(|(_, size)| size).sum();
    let mut part = whole(folder.path(), Collisions::Rename, size);
    let made = part.finish(&files, &[]).unwrap();
    assert_eq!(made, saved(&MANY.map(|(path, _)| path), &[]));
    check_many(folder.path());
}

#[test]
fn cutting_goes_on_after_an_interruption_at_any_place() {
    let size: u64 = MANY.iter().map(|(_, size)| size).sum();
    // A folder in the way of a piece stops the work there, like a power cut.
    for number in 1..MANY.len() {
        let folder = folder();
        let block = folder.path().join(format!(".parcel.mqdrop-piece-{number}"));
        fs::create_dir(&block).unwrap();
        let mut part = whole(folder.path(), Collisions::Rename, size);
        part.note(b"note").unwrap();
        part.finish(&files(&MANY), &[]).unwrap_err();
        drop(part);
        fs::remove_dir(block).unwrap();
        let left = Part::take_up(&open(folder.path()), Collisions::Rename).unwrap();
        let [Left::Moved(moved, notes)] = &left[..] else {
            panic!("{number}: it did not go on");
        };
        let made = saved(&MANY.map(|(path, _)| path), &[]);
        assert_eq!(
            (moved.saved(), &notes[..]),
            (&made, &b"note"[..]),
            "{number}"
        );
        for (offset, len) in [(0, size as usize), (size - 1, 1), (size / 2, 100)] {
            let at = offset as usize;
            let read = moved.read(offset, len).unwrap();
            assert_eq!(read, content(size)[at..at + len], "{number}");
        }
        moved.read(size, 1).unwrap_err();
        // Once more, before the sender was told.
        drop(left);
        let left = Part::take_up(&open(folder.path()), Collisions::Rename).unwrap();
        let [Left::Moved(moved, _)] = &left[..] else {
            panic!("{number}: it was forgotten");
        };
        assert_eq!(moved.finish(), made, "{number}");
        check_many(folder.path());
    }
}

#[test]
fn finishing_can_be_tried_again() {
    let folder = folder();
    let size = MANY.iter().map(|(_, size)| size).sum();
    let block = folder.path().join(".parcel.mqdrop-piece-2");
    fs::create_dir(&block).unwrap();
    let mut part = whole(folder.path(), Collisions::Rename, size);
    let error = part.finish(&files(&MANY), &[]).unwrap_err();
    assert!(matches!(error, StoreError::Told(_)), "{error:?}");
    fs::remove_dir(block).unwrap();
    part.finish(&files(&MANY), &[]).unwrap();
    check_many(folder.path());
}

#[test]
fn what_is_discarded_while_it_is_cut_leaves_no_pieces() {
    let folder = folder();
    // Some of the last file is cut off, and the next step fails.
    let mut part = whole(folder.path(), Collisions::Rename, 3000);
    let list = files(&[("a", 10), ("b", 490), ("c", 2500)]);
    fs::create_dir(folder.path().join(".parcel.mqdrop-piece-1")).unwrap();
    part.finish(&list, &[]).unwrap_err();
    let piece = ".parcel.mqdrop-piece-2".to_owned();
    assert!(listing(folder.path()).contains(&piece));
    part.discard();
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn the_space_is_not_needed_twice() {
    let folder = folder();
    let mut part = whole(folder.path(), Collisions::Rename, 100_000);
    let block = folder.path().join(".parcel.mqdrop-piece-1");
    fs::create_dir(&block).unwrap();
    let list = [("a", 10), ("b", 9_990), ("c", 90_000)];
    part.finish(&files(&list), &[]).unwrap_err();
    // All of the last file is out of the content by now.
    let part_file = folder.path().join(".parcel.mqdrop-part");
    assert_eq!(fs::metadata(part_file).unwrap().len(), 10_000);
}

#[test]
fn files_that_were_left_out_are_not_made() {
    let folder = folder();
    let mut part = whole(folder.path(), Collisions::Rename, 6000);
    let mut list = files(&[("a", 1000), ("b", 2000), ("c", 3000)]);
    list[0].left_out = true;
    let left_out = core::iter::once(1000..3000).collect::<Vec<_>>();
    let made = part.finish(&list, &left_out).unwrap();
    assert_eq!(made, saved(&["c"], &[]));
    assert_eq!(listing(folder.path()), ["c"]);
    assert_eq!(
        fs::read(folder.path().join("c")).unwrap(),
        content(6000)[3000..]
    );
}

#[test]
fn a_list_that_does_not_fit_the_content_is_refused() {
    let folder = folder();
    let mut part = whole(folder.path(), Collisions::Rename, 100);
    let mut gap = files(&[("a", 50), ("b", 50)]);
    gap[1].offset = 40;
    let mut huge = files(&[("a", u64::MAX), ("b", 101)]);
    huge[1].offset = u64::MAX;
    for list in [files(&[("a", 99)]), files(&[]), gap, huge] {
        let error = part.finish(&list, &[]).unwrap_err();
        assert!(matches!(error, StoreError::Told(_)), "{error:?}");
    }
    part.finish(&files(&[("a", 100)]), &[]).unwrap();
}

#[test]
fn a_part_goes_on_after_its_process_is_gone_and_not_before() {
    let folder = folder();
    let dir = open(folder.path());
    let mut part = whole(folder.path(), Collisions::Rename, 500);
    part.note(b"first").unwrap();
    part.note(b"second, and a torn end").unwrap();
    // This process still has it.
    assert!(Part::take_up(&dir, Collisions::Rename).unwrap().is_empty());
    drop(part);
    let mut left = Part::take_up(&dir, Collisions::Rename).unwrap();
    let Some(Left::Part(mut part, notes)) = left.pop() else {
        panic!("it was not found");
    };
    assert_eq!(notes, b"firstsecond, and a torn end");
    part.go_on(11, 600).unwrap();
    assert_eq!(part.read(0, 500).unwrap(), content(500));
    part.write(500, &[9; 100]).unwrap();
    part.note(b"third").unwrap();
    drop(part);
    let notes = fs::read(folder.path().join(".parcel.mqdrop-notes")).unwrap();
    assert_eq!(notes, b"firstsecondthird");
}

#[test]
fn what_nobody_can_go_on_with_is_removed() {
    let folder = folder();
    let dir = open(folder.path());
    // Nothing was noted yet.
    drop(whole(folder.path(), Collisions::Rename, 10));
    // Its content is in its place already, or somebody removed it.
    fs::write(folder.path().join(".moved.mqdrop-notes"), "x").unwrap();
    fs::write(folder.path().join("user.txt"), "x").unwrap();
    assert!(Part::take_up(&dir, Collisions::Rename).unwrap().is_empty());
    assert_eq!(listing(folder.path()), ["user.txt"]);
}

#[test]
fn two_parcels_of_one_title_keep_apart() {
    let folder = folder();
    let dir = open(folder.path());
    let parts: Vec<Part> = (0..3)
        .map(|number| Part::create(&dir, Collisions::Rename, id(number), Some("x"), 1).unwrap())
        .collect();
    let names = listing(folder.path());
    assert_eq!(names.len(), 6);
    assert!(
        names.contains(&".x (3).mqdrop-part".to_owned()),
        "{names:?}"
    );
    parts.into_iter().for_each(Part::discard);
    assert!(listing(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn a_part_that_somebody_removed_or_cut_is_gone() {
    let folder = folder();
    let mut part = whole(folder.path(), Collisions::Rename, 500);
    let path = folder.path().join(".parcel.mqdrop-part");
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(100)
        .unwrap();
    assert_eq!(
        part.finish(&files(&[("a", 500)]), &[]),
        Err(StoreError::Gone)
    );
    assert!(matches!(part.read(0, 500), Err(StoreError::Told(_))));
    fs::remove_file(path).unwrap();
    assert_eq!(part.write(0, b"x"), Err(StoreError::Gone));
    assert_eq!(part.read(0, 1), Err(StoreError::Gone));
}

#[test]
fn more_than_there_is_room_for_is_refused_before_it_begins() {
    let folder = folder();
    let dir = open(folder.path());
    let created = Part::create(&dir, Collisions::Rename, id(0), None, 1 << 60);
    let Err(StoreError::NoSpace { available }) = created else {
        panic!("there is an exbibyte of space");
    };
    assert!(available.is_none_or(|free| free > 0 && free < 1 << 60));
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn nothing_is_written_or_read_beyond_the_content() {
    let folder = folder();
    let part = whole(folder.path(), Collisions::Rename, 100);
    for offset in [91, u64::MAX - 3] {
        assert_eq!(part.write(offset, &[0; 10]), Err(StoreError::Excess));
        assert_eq!(part.read(offset, 10), Err(StoreError::Excess));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_such() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let error = super::super::super::positioned::write_all_at(&full, b"x", 0).unwrap_err();
    let error = disk::store_error(&error, &full);
    assert!(matches!(error, StoreError::NoSpace { .. }), "{error:?}");
}
