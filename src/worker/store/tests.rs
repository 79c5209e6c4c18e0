use bytes::Bytes;
use js_sys::{Date, Uint8Array};
use mqdrop_client::Input;
use mqdrop_core::{ParcelId, StoreError, StoreReply, StoreRequest};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Blob;

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use super::blob::BlobStore;
use super::folders::Folder;
use super::memory::MemoryStore;
use super::{Backend, BlockStore, Outcome, Shelf};

/// How long what is under way may take, in milliseconds.
const PATIENCE: f64 = 10_000.0;

/// Larger than what a Blob store holds in memory, and no multiple of anything.
const SIZE: usize = 9 * 1024 * 1024 + 7;

async fn content(blob: &Blob) -> Vec<u8> {
    let buffer = JsFuture::from(blob.array_buffer()).await.unwrap();
    Uint8Array::new(&buffer).to_vec()
}

/// The same numbers everywhere (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Covers everything in a shuffled order, some of it twice with other bytes.
fn writes(seed: u64) -> Vec<(u64, Bytes)> {
    const STEP: usize = 300_000;
    let mut numbers = Numbers(seed);
    let mut places: Vec<usize> = (0..SIZE).step_by(STEP).collect();
    for last in (1..places.len()).rev() {
        places.swap(last, numbers.below(last + 1));
    }
    let mut writes: Vec<(u64, Bytes)> = Vec::new();
    for place in places {
        let len = STEP.min(SIZE - place);
        writes.push((place as u64, vec![numbers.below(256) as u8; len].into()));
        let again = numbers.below(SIZE - 50_000);
        if numbers.below(3) == 0
            && writes
                .iter()
                .any(|(offset, _)| again.abs_diff(*offset as usize) < STEP)
        {
            writes.push((
                again as u64,
                vec![numbers.below(256) as u8; 1 + numbers.below(50_000)].into(),
            ));
        }
    }
    writes
}

async fn same_as_memory(seed: u64, mut store: Box<dyn BlockStore>) {
    let mut model = MemoryStore::new(SIZE);
    let mut writes = writes(seed);
    // Content that is not covered by later writes must still be whole.
    let mut written = vec![false; SIZE];
    for (offset, data) in &writes {
        written[*offset as usize..*offset as usize + data.len()].fill(true);
    }
    assert!(
        written.iter().all(|&byte| byte),
        "the test writes everything"
    );
    for (offset, data) in writes.drain(..) {
        store.write(offset, data.clone()).unwrap();
        model.write(offset, data).unwrap();
    }
    let (stored, wanted) = (
        store.finish(Vec::new()).await.unwrap(),
        model.finish(Vec::new()).await.unwrap(),
    );
    assert!(
        content(&stored).await == content(&wanted).await,
        "seed {seed}"
    );
    store.discard();
}

#[wasm_bindgen_test]
async fn blobs_keep_what_memory_keeps() {
    for seed in 0..8 {
        same_as_memory(seed, Box::new(BlobStore::new(SIZE as u64))).await;
    }
}

#[wasm_bindgen_test]
async fn files_keep_what_memory_keeps() {
    let folder = Folder::open(None).await.unwrap();
    for seed in 0..4 {
        same_as_memory(seed, Box::new(folder.create(SIZE as u64).await.unwrap())).await;
    }
}

#[wasm_bindgen_test]
async fn empty_content_can_be_finished() {
    let folder = Folder::open(None).await.unwrap();
    let stores: [Box<dyn BlockStore>; 2] = [
        Box::new(BlobStore::new(0)),
        Box::new(folder.create(0).await.unwrap()),
    ];
    for mut store in stores {
        let blob = store.finish(Vec::new()).await.unwrap();
        assert_eq!(blob.size(), 0.0);
    }
}

#[wasm_bindgen_test]
async fn nothing_is_written_outside() {
    let folder = Folder::open(None).await.unwrap();
    let stores: [Box<dyn BlockStore>; 2] = [
        Box::new(BlobStore::new(10)),
        Box::new(folder.create(10).await.unwrap()),
    ];
    for mut store in stores {
        for (offset, len) in [(0, 11), (10, 1), (u64::MAX, 2)] {
            let refused = store.write(offset, vec![0; len].into());
            assert!(
                matches!(refused, Err(StoreError::Excess)),
                "{len} at {offset}: {refused:?}"
            );
        }
    }
}

#[wasm_bindgen_test]
async fn what_is_not_whole_is_not_finished() {
    let mut store = BlobStore::new(10);
    store.write(0, vec![1; 9].into()).unwrap();
    assert!(matches!(
        store.finish(Vec::new()).await,
        Err(StoreError::Gone)
    ));
}

#[wasm_bindgen_test]
async fn the_other_files_are_whole_where_they_lie_although_one_was_left_out() {
    const SIZE: u64 = 10_000_000;
    let folder = Folder::open(None).await.unwrap();
    let stores: [Box<dyn BlockStore>; 2] = [
        Box::new(BlobStore::new(SIZE)),
        Box::new(folder.create(SIZE).await.unwrap()),
    ];
    for mut store in stores {
        // Of the file that is left out a part had come.
        for (offset, len) in [(0, 10), (3_000_000, 10), (SIZE - 10, 10)] {
            store.write(offset, vec![7; len].into()).unwrap();
        }
        let left_out = vec![10..9_000_000, 9_000_000..SIZE - 10];
        let whole = content(&store.finish(left_out).await.unwrap()).await;
        assert_eq!(whole.len() as u64, SIZE);
        for place in [0..10, 3_000_000..3_000_010, SIZE - 10..SIZE] {
            let place = place.start as usize..place.end as usize;
            assert_eq!(whole[place], [7; 10]);
        }
    }
    let mut store = BlobStore::new(SIZE);
    store.write(0, vec![7; 10].into()).unwrap();
    let finished = store.finish(core::iter::once(11..SIZE).collect()).await;
    assert!(matches!(finished, Err(StoreError::Gone)));
}

#[wasm_bindgen_test]
async fn what_was_written_can_be_read_back_while_more_comes() {
    let folder = Folder::open(None).await.unwrap();
    let mut stores: [Box<dyn BlockStore>; 3] = [
        Box::new(BlobStore::new(SIZE as u64)),
        Box::new(folder.create(SIZE as u64).await.unwrap()),
        Box::new(MemoryStore::new(SIZE)),
    ];
    let mut contents = Vec::new();
    for store in &mut stores {
        let mut read = Vec::new();
        for (offset, data) in writes(5) {
            let len = data.len();
            store.write(offset, data.clone()).unwrap();
            // The bytes on both sides of a border, as far as they were written.
            assert_eq!(store.read(offset, len).await.unwrap(), data);
            read.push(store.read(offset + len as u64 / 2, len / 2).await.unwrap());
        }
        read.push(store.read(100, SIZE - 200).await.unwrap());
        let outside = store.read(SIZE as u64 - 1, 2).await;
        assert!(matches!(outside, Err(StoreError::Excess)));
        contents.push((
            read,
            content(&store.finish(Vec::new()).await.unwrap()).await,
        ));
    }
    assert!(contents[0] == contents[2] && contents[1] == contents[2]);
    let mut gap = BlobStore::new(10);
    gap.write(0, vec![1; 4].into()).unwrap();
    gap.write(5, vec![1; 5].into()).unwrap();
    assert!(gap.read(0, 10).await.is_err());
    assert_eq!(gap.read(6, 3).await.unwrap(), [1; 3][..]);
}

#[wasm_bindgen_test]
async fn more_than_the_disk_has_is_refused_at_the_beginning() {
    let backend = Backend::Opfs(Folder::open(None).await.unwrap());
    match backend.create(1 << 50).await {
        Err(StoreError::NoSpace { available }) => assert!(available.is_some_and(|bytes| bytes > 0)),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("there was room"),
    }
}

/// A shelf and the outcomes that it reported.
fn shelf() -> (Shelf, Rc<RefCell<Vec<Outcome>>>) {
    let outcomes = Rc::new(RefCell::new(Vec::new()));
    let report = Rc::clone(&outcomes);
    (
        Shelf::new(Rc::new(move |outcome| report.borrow_mut().push(outcome))),
        outcomes,
    )
}

/// Lets what is under way come to its end: reading a file goes through the same queues.
async fn outcome(outcomes: &Rc<RefCell<Vec<Outcome>>>) -> Outcome {
    let end = Date::now() + PATIENCE;
    while Date::now() < end {
        if let Some(outcome) = outcomes.borrow_mut().pop() {
            return outcome;
        }
        JsFuture::from(Blob::new().unwrap().array_buffer())
            .await
            .unwrap();
    }
    panic!("no outcome came");
}

fn stored(input: Option<Input<Blob>>) -> StoreReply {
    match input {
        Some(Input::Stored(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

fn finished(input: Option<Input<Blob>>) -> Blob {
    match input {
        Some(Input::Finished { content, .. }) => content,
        other => panic!("{other:?}"),
    }
}

fn finish(parcel: ParcelId) -> StoreRequest {
    let left_out = Vec::new();
    StoreRequest::Finish { parcel, left_out }
}

fn parcel() -> ParcelId {
    "aaaaaaaaaaaaaaaa".parse().unwrap()
}

#[wasm_bindgen_test]
async fn a_parcel_goes_through_the_shelf() {
    let (mut shelf, outcomes) = shelf();
    let parcel = parcel();
    // Asked for before it is known where to store.
    assert_eq!(
        shelf.request(StoreRequest::Create { parcel, size: 4 }),
        None
    );
    shelf.set_backend(Rc::new(Backend::choose(None).await));
    let created = shelf.handle(outcome(&outcomes).await);
    assert_eq!(stored(created), StoreReply::Created { parcel });
    let write = StoreRequest::Write {
        parcel,
        offset: 0,
        data: Bytes::from_static(b"abcd"),
    };
    assert_eq!(
        shelf.request(write),
        Some(StoreReply::Written { parcel, len: 4 })
    );
    assert_eq!(shelf.request(finish(parcel)), None);
    let blob = finished(shelf.handle(outcome(&outcomes).await));
    assert_eq!(content(&blob).await, b"abcd");
    shelf.request(StoreRequest::Discard { parcel });
    let late = StoreRequest::Write {
        parcel,
        offset: 0,
        data: Bytes::from_static(b"abcd"),
    };
    assert!(matches!(
        shelf.request(late),
        Some(StoreReply::Failed { .. })
    ));
}

#[wasm_bindgen_test]
fn what_there_is_no_space_for_is_given_back() {
    let (mut shelf, _) = shelf();
    let parcel = parcel();
    let full = Rc::new(Cell::new(true));
    shelf.take_up(parcel, Box::new(MemoryStore::with_space(4, &full)));
    let data = Bytes::from_static(b"abcd");
    let write = StoreRequest::Write {
        parcel,
        offset: 0,
        data: data.clone(),
    };
    let given_back = StoreReply::Unwritten {
        parcel,
        offset: 0,
        data,
        error: StoreError::NoSpace { available: Some(0) },
    };
    assert_eq!(shelf.request(write.clone()), Some(given_back));
    let note = StoreRequest::Note {
        parcel,
        note: Bytes::from_static(b"note"),
    };
    assert_eq!(shelf.request(note), None);
    full.set(false);
    let written = StoreReply::Written { parcel, len: 4 };
    assert_eq!(shelf.request(write), Some(written));
}

#[wasm_bindgen_test]
async fn what_could_not_be_finished_is_kept_and_can_be_tried_again() {
    let (mut shelf, outcomes) = shelf();
    let parcel = parcel();
    let failing = Rc::new(Cell::new(false));
    let mut store = MemoryStore::with_space(4, &failing);
    store.write(0, Bytes::from_static(b"abcd")).unwrap();
    shelf.take_up(parcel, Box::new(store));
    failing.set(true);
    assert_eq!(shelf.request(finish(parcel)), None);
    let failed = stored(shelf.handle(outcome(&outcomes).await));
    assert!(matches!(failed, StoreReply::Failed { .. }));
    failing.set(false);
    assert_eq!(shelf.request(finish(parcel)), None);
    let blob = finished(shelf.handle(outcome(&outcomes).await));
    assert_eq!(content(&blob).await, b"abcd");
}

#[wasm_bindgen_test]
async fn a_file_that_the_browser_shortened_is_gone() {
    let folder = Folder::open(None).await.unwrap();
    let mut store = folder.create(10).await.unwrap();
    store.shorten(9);
    assert!(matches!(
        store.finish(Vec::new()).await,
        Err(StoreError::Gone)
    ));
    // The same question has the same answer.
    assert!(matches!(
        store.finish(Vec::new()).await,
        Err(StoreError::Gone)
    ));
    Box::new(store).discard();
}

#[wasm_bindgen_test]
async fn a_store_that_was_discarded_while_it_was_made_is_not_reported() {
    let (mut shelf, outcomes) = shelf();
    let parcel = parcel();
    shelf.set_backend(Rc::new(Backend::choose(None).await));
    shelf.request(StoreRequest::Create { parcel, size: 4 });
    shelf.request(StoreRequest::Discard { parcel });
    shelf.request(StoreRequest::Create { parcel, size: 5 });
    let first = outcome(&outcomes).await;
    let second = outcome(&outcomes).await;
    let replies: Vec<_> = [first, second]
        .into_iter()
        .map(|outcome| shelf.handle(outcome))
        .filter(Option::is_some)
        .map(stored)
        .collect();
    assert_eq!(replies, [StoreReply::Created { parcel }]);
}
