//! Names and links that are to lead out of the folder.

use super::*;

fn receive(folder: &Path, collisions: Collisions, names: &[&str]) -> Result<Saved, StoreError> {
    let list: Vec<(&str, u64)> = names.iter().map(|&name| (name, 3)).collect();
    let mut part = whole(folder, collisions, 3 * names.len() as u64);
    part.finish(&files(&list), &[])
}

#[test]
fn names_of_every_kind_stay_below_the_folder() {
    let outside = folder();
    let target = outside.path().join("target");
    fs::create_dir(&target).unwrap();
    let long = format!("{}/{}", "d".repeat(4000), "n".repeat(4000));
    let names = [
        "../escape",
        "../../../../../../tmp/mqdrop-escape",
        "/etc/mqdrop-escape",
        "a/../../b",
        "C:\\evil",
        "\\\\server\\share",
        "nul\0byte",
        "CON",
        "dots...",
        "..",
        "",
        &long,
        ".parcel.mqdrop-notes",
        "sub/.x.mqdrop-part",
    ];
    let made = receive(&target, Collisions::Rename, &names).unwrap();
    assert_eq!(made.paths.len(), names.len());
    assert_eq!(listing(&target).len(), names.len());
    assert_eq!(listing(outside.path()).len(), names.len());
    for path in made.paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!name.starts_with('.'), "{name}");
        assert_eq!(fs::read(target.join(&path)).unwrap().len(), 3);
    }
    assert!(!Path::new("/etc/mqdrop-escape").exists());
    assert!(!Path::new("/tmp/mqdrop-escape").exists());
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_in_the_folder_are_not_followed() {
        let outside = folder();
        let target = outside.path().join("target");
        fs::create_dir_all(target.join("real")).unwrap();
        fs::write(outside.path().join("precious"), "precious").unwrap();
        symlink("..", target.join("up")).unwrap();
        symlink(outside.path(), target.join("absolute")).unwrap();
        symlink("real", target.join("inside")).unwrap();
        symlink("../precious", target.join("file")).unwrap();
        symlink("nowhere", target.join("dangling")).unwrap();
        let names = ["up/precious", "absolute/x", "inside/y", "file", "dangling"];
        let made = receive(&target, Collisions::Overwrite, &names).unwrap();
        assert_eq!(
            made,
            saved(
                &[
                    "up (2)/precious",
                    "absolute (2)/x",
                    "inside (2)/y",
                    "file",
                    "dangling"
                ],
                &[]
            )
        );
        assert_eq!(
            fs::read(outside.path().join("precious")).unwrap(),
            b"precious"
        );
        assert!(!outside.path().join("x").exists());
        assert!(listing(&target.join("real")).is_empty());
        // The links themselves were overwritten.
        assert!(target.join("file").symlink_metadata().unwrap().is_file());
        let made = receive(&target, Collisions::Rename, &["up/precious"]).unwrap();
        assert_eq!(made, saved(&["up (2)/precious (2)"], &[]));
    }

    #[test]
    fn a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere() {
        let outside = folder();
        let target = outside.path().join("target");
        fs::create_dir(&target).unwrap();
        let dir = open(&target);
        let mut placer = place::Placer::new(&dir, Collisions::Rename);
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        fs::write(target.join("one"), "1").unwrap();
        fs::write(target.join("two"), "2").unwrap();
        fs::write(target.join("three"), "3").unwrap();
        placer.place("one", &names(&["d", "one"])).unwrap();
        fs::rename(target.join("d"), target.join("moved")).unwrap();
        symlink(outside.path(), target.join("d")).unwrap();
        // The folder that was opened before is the one that is meant …
        placer.place("two", &names(&["d", "two"])).unwrap();
        assert_eq!(listing(&target.join("moved")), ["one", "two"]);
        // … and a new look sees the link.
        let placed = placer.place("three", &names(&["d", "e", "three"])).unwrap();
        assert_eq!(placed, Some(names(&["d (2)", "e", "three"])));
        assert!(!outside.path().join("two").exists());
        assert!(!outside.path().join("e").exists());
    }

    #[test]
    fn the_folder_itself_may_be_a_link_and_stays_the_one_that_was_opened() {
        let outside = folder();
        fs::create_dir(outside.path().join("real")).unwrap();
        fs::create_dir(outside.path().join("other")).unwrap();
        let link = outside.path().join("link");
        symlink("real", &link).unwrap();
        let mut part = whole(&link, Collisions::Rename, 3);
        fs::remove_file(&link).unwrap();
        symlink("other", &link).unwrap();
        part.finish(&files(&[("a", 3)]), &[]).unwrap();
        assert_eq!(listing(&outside.path().join("real")), ["a"]);
        assert!(listing(&outside.path().join("other")).is_empty());
    }

    #[test]
    fn links_and_pipes_in_the_place_of_a_parcels_own_files_are_not_taken_up() {
        let outside = folder();
        let target = outside.path().join("target");
        fs::create_dir(&target).unwrap();
        fs::write(outside.path().join("precious"), "precious").unwrap();
        for (notes, part) in [("../precious", "x"), ("good", "../precious")] {
            fs::write(target.join("good"), "notes").unwrap();
            symlink(notes, target.join(".a.mqdrop-notes")).unwrap();
            symlink(part, target.join(".a.mqdrop-part")).unwrap();
            let left = Part::take_up(&open(&target), Collisions::Rename).unwrap();
            assert!(left.is_empty());
            fs::remove_file(target.join(".a.mqdrop-notes")).unwrap();
            fs::remove_file(target.join(".a.mqdrop-part")).unwrap();
        }
        #[cfg(target_os = "linux")]
        {
            let pipe = target.join(".p.mqdrop-notes");
            let kind = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, rustix::fs::Mode::RUSR, 0).unwrap();
        }
        assert!(
            Part::take_up(&open(&target), Collisions::Rename)
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            fs::read(outside.path().join("precious")).unwrap(),
            b"precious"
        );
    }
}

#[test]
fn files_in_the_way_are_met_as_was_asked() {
    let folder = folder();
    let write = |name: &str| fs::write(folder.path().join(name), "old").unwrap();
    write("a.txt");
    write("a (2).txt");
    write("b");
    fs::create_dir(folder.path().join("c")).unwrap();
    let names = ["a.txt", "b", "c", "d/e"];
    let made = receive(folder.path(), Collisions::Rename, &names).unwrap();
    assert_eq!(made, saved(&["a (3).txt", "b (2)", "c (2)", "d/e"], &[]));
    assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"old");
    let made = receive(folder.path(), Collisions::Skip, &["a.txt", "new", "d/e"]).unwrap();
    assert_eq!(made, saved(&["new"], &["a.txt", "d/e"]));
    assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"old");
    // A folder is not overwritten by a file, nor a file by a folder.
    let made = receive(folder.path(), Collisions::Overwrite, &["a.txt", "c", "b/f"]).unwrap();
    assert_eq!(made, saved(&["a.txt", "c (3)", "b (3)/f"], &[]));
    assert_ne!(fs::read(folder.path().join("a.txt")).unwrap(), b"old");
    let hidden = listing(folder.path());
    assert!(
        !hidden.iter().any(|name| name.contains("mqdrop")),
        "{hidden:?}"
    );
}
