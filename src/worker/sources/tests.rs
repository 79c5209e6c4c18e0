//! Reading real files in a browser's worker.

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use js_sys::{Array, Date, Function, Reflect};
use mqdrop_core::Segment;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Blob;

use super::stream::Stream;
use super::*;

fn file(name: &str, text: &str) -> File {
    File::new_with_str_sequence(&Array::of1(&text.into()), name).unwrap()
}

fn files_of(files: Vec<File>) -> Files {
    Files::new(files, Budget::default())
}

fn segment(file: usize, offset: u64, len: usize) -> Segment {
    Segment { file, offset, len }
}

#[wasm_bindgen_test]
async fn segments_are_read_one_after_the_other() {
    let files = files_of(vec![
        file("a", "abcdef"),
        file("b", "ghi"),
        file("c", "jkl"),
    ]);
    for (segments, wanted) in [
        (vec![segment(0, 2, 3)], "cde"),
        (
            vec![segment(0, 4, 2), segment(1, 0, 3), segment(2, 0, 1)],
            "efghij",
        ),
    ] {
        let mut target = vec![0; wanted.len()];
        files.fill(&segments, &mut target).await.unwrap();
        assert_eq!(target, wanted.as_bytes());
    }
}

#[wasm_bindgen_test]
async fn files_that_were_joined_are_read_with_those_that_were_not() {
    let long = "m".repeat(200_000);
    let texts = ["abc", "", "de", &long, "f", "ghi"];
    let files = files_of(texts.iter().map(|text| file("x", text)).collect());
    while files.join_more() {}
    let len = long.len();
    for (segments, wanted) in [
        (
            vec![segment(0, 1, 2), segment(2, 0, 2), segment(3, 0, 1)],
            "bcdem",
        ),
        (
            vec![
                segment(3, len as u64 - 2, 2),
                segment(4, 0, 1),
                segment(5, 0, 3),
            ],
            "mmfghi",
        ),
        // Neither what is left out between two nor their order is changed.
        (vec![segment(0, 0, 1), segment(0, 2, 1)], "ac"),
        (vec![segment(2, 0, 2), segment(0, 0, 3)], "deabc"),
    ] {
        let mut target = vec![0; wanted.len()];
        files.fill(&segments, &mut target).await.unwrap();
        assert_eq!(target, wanted.as_bytes(), "{segments:?}");
    }
}

#[wasm_bindgen_test]
async fn what_was_read_ahead_is_what_there_was() {
    let numbers: Vec<String> = (0..1_500).map(|number| format!("{number:04}")).collect();
    let files = files_of(numbers.iter().map(|text| file("x", text)).collect());
    while files.join_more() {}
    // Some of it; and nothing any more from the second time on.
    assert!(files.read_ahead().await);
    for first in [400, 0, 1_200] {
        let segments: Vec<_> = (first..first + 300).map(|at| segment(at, 0, 4)).collect();
        let mut target = vec![0; 1_200];
        files.fill(&segments, &mut target).await.unwrap();
        assert_eq!(target, numbers[first..first + 300].concat().as_bytes());
        files.close();
    }
}

#[wasm_bindgen_test]
async fn what_was_read_ahead_too_late_is_not_kept() {
    let budget = Budget::default();
    let whole = budget.left();
    let files = Files::new(vec![file("a", "abc"), file("b", "de")], budget.clone());
    while files.join_more() {}
    let mut ahead = pin!(files.read_ahead());
    let begun = poll_fn(|cx| Poll::Ready(ahead.as_mut().poll(cx))).await;
    assert!(begun.is_pending());
    assert_eq!(budget.left(), whole - 5);
    let mut target = [0; 3];
    files.fill(&[segment(0, 0, 3)], &mut target).await.unwrap();
    assert!(!ahead.await);
    assert_eq!(budget.left(), whole);
}

#[wasm_bindgen_test]
async fn what_was_read_ahead_is_dropped_when_nobody_comes() {
    let budget = Budget::default();
    let whole = budget.left();
    let files = Files::new(vec![file("a", "abc"), file("b", "de")], budget.clone());
    let source = Source::new(files);
    prepare(Rc::downgrade(&source), 20).await;
    assert_eq!(budget.left(), whole - 5);
    for _ in 0..1_000 {
        if budget.left() == whole {
            return;
        }
        TimeoutFuture::new(10).await;
    }
    panic!("it is still there");
}

#[wasm_bindgen_test]
async fn nothing_is_read_ahead_of_somebody_who_reads() {
    let files = files_of((0..1_500).map(|_| file("x", "y")).collect());
    while files.join_more() {}
    assert!(files.read_ahead().await);
    files.fill(&[segment(9, 0, 1)], &mut [0]).await.unwrap();
    assert!(!files.read_ahead().await);
}

#[wasm_bindgen_test]
async fn what_was_joined_is_read_from_there() {
    let uncut = |text| {
        let file = file("x", text);
        let slice = Function::new_no_args("throw new DOMException('', 'NotReadableError')");
        Reflect::set(&file, &"slice".into(), &slice).unwrap();
        file
    };
    let files = files_of(["abc", "de", "fgh"].map(uncut).to_vec());
    let part = [segment(0, 1, 2), segment(1, 0, 2), segment(2, 0, 1)];
    let whole = [segment(0, 0, 3), segment(1, 0, 2), segment(2, 0, 3)];
    let mut target = [0; 5];
    let error = files.fill_at_once(&part, &mut target).await;
    assert!(error.is_err(), "they cannot be cut");
    let files = files_of(["abc", "de", "fgh"].map(uncut).to_vec());
    while files.join_more() {}
    files.fill_at_once(&part, &mut target).await.unwrap();
    assert_eq!(&target, b"bcdef");
    let mut target = [0; 8];
    files.fill_at_once(&whole, &mut target).await.unwrap();
    assert_eq!(&target, b"abcdefgh");
}

#[wasm_bindgen_test]
async fn the_file_that_is_too_short_is_named() {
    let files = files_of(vec![file("a", "abc"), file("b", "de"), file("c", "fgh")]);
    while files.join_more() {}
    for (segments, short) in [
        ([segment(0, 0, 3), segment(1, 0, 3)], 1),
        ([segment(1, 0, 3), segment(2, 0, 3)], 1),
        ([segment(1, 0, 2), segment(2, 0, 4)], 2),
    ] {
        let mut target = [0; 6];
        let error = files.fill(&segments, &mut target).await.unwrap_err();
        assert_eq!(error.file, short, "{segments:?}");
        assert_eq!(error.why, ReadFault::Shorter);
    }
}

#[wasm_bindgen_test]
async fn a_read_that_fails_is_tried_again() {
    let once = "delete this.slice; throw new DOMException('', 'NotReadableError')";
    let always = "throw new DOMException('', 'NotReadableError')";
    for (slice, succeeds) in [(once, true), (always, false)] {
        let file = file("a", "abcde");
        let slice = Function::new_no_args(slice);
        Reflect::set(&file, &"slice".into(), &slice).unwrap();
        let mut target = [0; 3];
        let read = files_of(vec![file])
            .fill(&[segment(0, 1, 3)], &mut target)
            .await;
        match read {
            Ok(()) => assert!(succeeds && &target == b"bcd"),
            Err(error) => assert!(!succeeds && error.why == ReadFault::Changed, "{error:?}"),
        }
    }
}

#[wasm_bindgen_test]
async fn the_failure_of_one_file_is_not_that_of_others() {
    let once = "delete this.slice; throw new DOMException('', 'NotReadableError')";
    let always = "throw new DOMException('', 'NotReadableError')";
    let slices = [always, once].into_iter().chain([always; 9]).chain([once]);
    let files = slices.map(|slice| {
        let file = file("a", "abcde");
        let slice = Function::new_no_args(slice);
        Reflect::set(&file, &"slice".into(), &slice).unwrap();
        file
    });
    let files = files_of(files.collect());
    let mut waited = Vec::new();
    for number in [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] {
        let began = Date::now();
        let mut target = [0; 3];
        let read = files.fill(&[segment(number, 1, 3)], &mut target).await;
        waited.push((number, read.is_ok(), Date::now() - began >= 400.0));
    }
    let expected = [
        (0, false, true),
        (0, false, false),
        (1, true, true),
        (2, false, true),
    ];
    assert_eq!(waited[..4], expected);
    // Their folder seems to be gone.
    assert_eq!(
        waited[10..],
        [(9, false, true), (10, false, false), (11, false, false)]
    );
}

#[wasm_bindgen_test]
async fn a_file_that_is_not_there_is_an_error() {
    let mut target = [0; 1];
    let error = files_of(vec![])
        .fill(&[segment(0, 0, 1)], &mut target)
        .await
        .unwrap_err();
    assert_eq!(error.file, 0);
}

/// 16 MB, no two places of which are alike.
fn long_file() -> (String, Files) {
    let text: String = (0..2_000_000)
        .map(|number| format!("{number:08}"))
        .collect();
    let files = files_of(vec![file("long", &text)]);
    (text, files)
}

#[wasm_bindgen_test]
async fn a_long_file_is_read_on_from_wherever_reading_got_to() {
    let (text, files) = long_file();
    let len = 700_000;
    let last = text.len() - len;
    // From the start on, what was lost, on, on from elsewhere, the end, and from the start again.
    for offset in [
        0,
        len,
        7,
        2 * len,
        9 * len,
        10 * len,
        11 * len,
        last - len,
        last,
        0,
        len,
    ] {
        let mut target = vec![0; len];
        let segments = [segment(0, offset as u64, len)];
        files.fill(&segments, &mut target).await.unwrap();
        assert!(target == text.as_bytes()[offset..offset + len], "{offset}");
    }
}

#[wasm_bindgen_test]
async fn a_long_file_is_read_in_any_order() {
    let (text, files) = long_file();
    let len = 300_000;
    let last = text.len() - len;
    // From the start on, back, ahead, and several at a time.
    for offsets in [
        vec![0, len],
        vec![7],
        vec![last],
        vec![0, len, 2 * len, last],
    ] {
        let reads = offsets.iter().map(|&offset| {
            let files = &files;
            async move {
                let mut target = vec![0; len];
                let segments = [segment(0, offset as u64, len)];
                files.fill(&segments, &mut target).await.unwrap();
                target
            }
        });
        let all = futures_of(reads).await;
        for (offset, read) in offsets.into_iter().zip(all) {
            assert!(read == text.as_bytes()[offset..offset + len], "{offset}");
        }
    }
}

/// Polls all of them, so that their reads are under way at the same time.
async fn futures_of<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, done) in pinned.iter_mut().zip(&mut done) {
            if done.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[wasm_bindgen_test]
async fn a_stream_reads_on_beyond_its_first_stretch() {
    // The same Blob again and again: a long file that takes little memory.
    let mebibyte = Blob::new_with_str_sequence(&Array::of1(&"m".repeat(1 << 20).into()));
    let parts: Array = (0..65)
        .map(|_| JsValue::from(mebibyte.clone().unwrap()))
        .collect();
    parts.push(&"the end".into());
    let whole = Blob::new_with_blob_sequence(&parts).unwrap();
    let mut stream = Stream::open(&whole, 0).unwrap();
    let mut target = vec![0; 1_000_000];
    let mut rest = (65 << 20) + 7;
    while rest > 0 {
        let part = &mut target[..rest.min(1_000_000)];
        stream.fill(part).await.unwrap();
        rest -= part.len();
    }
    assert!(stream.is_at_end());
    assert!(target.starts_with(b"mmm"));
    let end = ((65 << 20) + 7) % 1_000_000;
    assert_eq!(&target[end - 8..end], b"mthe end");
}

#[wasm_bindgen_test]
fn a_file_becomes_an_entry() {
    let picked = PickedFile {
        file: file("ü.txt", "abc").into(),
        path: "folder/ü.txt".to_owned(),
    };
    let (files, entries) = open(vec![picked]);
    assert_eq!(files.len(), 1);
    assert_eq!(
        (entries[0].path.as_str(), entries[0].size),
        ("folder/ü.txt", 3)
    );
    assert!(entries[0].modified.is_some());
}

#[wasm_bindgen_test]
async fn what_is_not_a_file_is_not_sent() {
    let picked = || {
        let object = js_sys::Object::new();
        Reflect::set(&object, &"size".into(), &3.into()).unwrap();
        vec![PickedFile {
            file: object.into(),
            path: "x".to_owned(),
        }]
    };
    let (files, others) = readable(picked()).await;
    assert_eq!((files.len(), others), (0, vec!["x".to_owned()]));
    assert_eq!(open(picked()).1, []);
}

/// A file that is listed and cannot be read.
fn unreadable(text: &str) -> File {
    let file = file("ä.txt", text);
    for method in ["arrayBuffer", "slice"] {
        let fail = Function::new_no_args("throw new DOMException('', 'NotFoundError')");
        Reflect::set(&file, &method.into(), &fail).unwrap();
    }
    file
}

fn picked(files: Vec<File>) -> Vec<PickedFile> {
    let picked = files.into_iter().enumerate();
    picked
        .map(|(place, file)| PickedFile {
            file: file.into(),
            path: place.to_string(),
        })
        .collect()
}

#[wasm_bindgen_test]
async fn what_cannot_be_read_is_told_from_what_is_empty() {
    let files = vec![
        file("a", ""),
        unreadable(""),
        file("b", "b"),
        unreadable("c"),
    ];
    let (readable, others) = readable(picked(files)).await;
    let paths: Vec<&str> = readable.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        (paths, others),
        (vec!["0", "2"], vec!["1".to_owned(), "3".to_owned()])
    );
}

#[wasm_bindgen_test]
async fn of_very_many_files_the_empty_ones_are_looked_into() {
    let mut files: Vec<File> = (0..PROBED).map(|_| file("a", "a")).collect();
    files.extend([unreadable(""), unreadable("b")]);
    let (readable, others) = readable(picked(files)).await;
    assert_eq!(readable.len(), PROBED + 1);
    assert_eq!(others, [PROBED.to_string()]);
}

#[wasm_bindgen_test]
async fn what_may_not_be_read_is_not_said_to_have_changed() {
    for (name, kind) in [
        ("NotFoundError", ReadFailure::Changed),
        ("NotAllowedError", ReadFailure::Unreadable),
        ("SecurityError", ReadFailure::Unreadable),
        ("AbortError", ReadFailure::Unreadable),
    ] {
        let file = file("a", "abcde");
        let fail = format!("throw new DOMException('', '{name}')");
        Reflect::set(&file, &"slice".into(), &Function::new_no_args(&fail)).unwrap();
        let files = files_of(vec![file]);
        let error = files
            .fill(&[segment(0, 1, 3)], &mut [0; 3])
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind, "{name}");
    }
}
