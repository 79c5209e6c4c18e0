//! Requests of the engine, and the answers.

use tokio::sync::mpsc;

use super::*;

type Heard = mpsc::UnboundedReceiver<Input<Saved>>;

fn stores(target: &Target, state: &Path) -> (Stores, Heard) {
    let (inputs, heard) = mpsc::unbounded_channel();
    let stores = Stores::new(target, Some(state), Arc::default(), inputs).unwrap();
    (stores, heard)
}

fn into(folder: &Path) -> Target {
    Target::Folder {
        path: folder.to_owned(),
        collisions: Collisions::Rename,
    }
}

async fn reply(heard: &mut Heard) -> StoreReply {
    match heard.recv().await {
        Some(Input::Stored(reply)) => reply,
        Some(Input::Finished { content, .. }) => panic!("finished: {content:?}"),
        _ => panic!("no reply"),
    }
}

fn write(parcel: ParcelId, offset: u64, data: &'static [u8]) -> StoreRequest {
    StoreRequest::Write {
        parcel,
        offset,
        data: Bytes::from_static(data),
    }
}

fn read(parcel: ParcelId, offset: u64, len: usize) -> StoreRequest {
    StoreRequest::Read {
        parcel,
        offset,
        len,
    }
}

#[tokio::test]
async fn a_parcel_is_created_written_read_back_and_finished() {
    let (folder, state) = (folder(), folder());
    let target = folder.path().join("made");
    let (mut stores, mut heard) = stores(&into(&target), state.path());
    let parcel = id(1);
    stores.set_title(parcel, "two files".to_owned());
    assert_eq!(
        stores.request(StoreRequest::Create { parcel, size: 6 }, false),
        None
    );
    assert_eq!(reply(&mut heard).await, StoreReply::Created { parcel });
    let note = Bytes::from_static(b"note");
    stores.request(StoreRequest::Note { parcel, note }, false);
    stores.request(write(parcel, 3, b"def"), false);
    stores.request(write(parcel, 0, b"abc"), false);
    for _ in 0..2 {
        assert_eq!(
            reply(&mut heard).await,
            StoreReply::Written { parcel, len: 3 }
        );
    }
    assert_eq!(stores.backlog.bytes(), 0);
    assert_eq!(
        listing(&target),
        [".two files.mqdrop-notes", ".two files.mqdrop-part"]
    );
    let (offset, len) = (2, 3);
    stores.request(read(parcel, offset, len), false);
    let data = Bytes::from_static(b"cde");
    assert_eq!(
        reply(&mut heard).await,
        StoreReply::Read {
            parcel,
            offset,
            data
        }
    );
    let left_out = Vec::new();
    stores.request(StoreRequest::Finish { parcel, left_out }, false);
    // Its files are not known yet.
    stores.request(read(parcel, offset, len), false);
    assert!(matches!(reply(&mut heard).await, StoreReply::Read { .. }));
    stores.set_files(parcel, files(&[("a", 2), ("d/b", 4)]));
    let Some(Input::Finished { content, .. }) = heard.recv().await else {
        panic!("it was not finished");
    };
    assert_eq!(content, saved(&["a", "d/b"], &[]));
    // The files are the user's.
    stores.request(StoreRequest::Discard { parcel }, false);
    drop(stores);
    assert!(heard.recv().await.is_none());
    assert_eq!(listing(&target), ["a", "d/b"]);
    assert_eq!(fs::read(target.join("d/b")).unwrap(), b"cdef");
}

#[tokio::test]
async fn what_is_discarded_leaves_nothing_and_is_not_heard_of() {
    let (folder, state) = (folder(), folder());
    let (mut stores, mut heard) = stores(&into(folder.path()), state.path());
    let parcel = id(1);
    stores.request(StoreRequest::Create { parcel, size: 3 }, false);
    stores.request(write(parcel, 0, b"abc"), false);
    stores.request(StoreRequest::Discard { parcel }, false);
    let failed = stores.request(write(parcel, 0, b"abc"), false);
    let error = StoreError::Gone;
    assert_eq!(failed, Some(StoreReply::Failed { parcel, error }));
    // Made anew under the same id.
    stores.request(StoreRequest::Create { parcel, size: 3 }, false);
    while reply(&mut heard).await != (StoreReply::Created { parcel }) {}
    stores.request(StoreRequest::Discard { parcel }, false);
    drop(stores);
    while heard.recv().await.is_some() {}
    assert!(listing(folder.path()).is_empty());
}

#[tokio::test]
async fn a_parcel_of_empty_files_has_files() {
    let (folder, state) = (folder(), folder());
    let (mut stores, mut heard) = stores(&into(folder.path()), state.path());
    let parcel = id(1);
    let created = stores.request(StoreRequest::Create { parcel, size: 0 }, false);
    assert_eq!(created, Some(StoreReply::Created { parcel }));
    let note = Bytes::from_static(b"note");
    stores.request(StoreRequest::Note { parcel, note }, false);
    stores.set_files(parcel, files(&[("e/one", 0), ("e/two", 0)]));
    let left_out = Vec::new();
    stores.request(StoreRequest::Finish { parcel, left_out }, false);
    let Some(Input::Finished { content, .. }) = heard.recv().await else {
        panic!("it was not finished");
    };
    assert_eq!(content, saved(&["e/one", "e/two"], &[]));
    assert_eq!(listing(folder.path()), ["e/one", "e/two"]);
}

#[tokio::test]
async fn a_parcel_goes_on_in_another_process() {
    let (folder, state) = (folder(), folder());
    let parcel = id(1);
    let (mut first, mut heard) = stores(&into(folder.path()), state.path());
    first.request(StoreRequest::Create { parcel, size: 6 }, false);
    let note = Bytes::from_static(b"note");
    first.request(StoreRequest::Note { parcel, note }, false);
    first.request(write(parcel, 0, b"abc"), false);
    while !matches!(reply(&mut heard).await, StoreReply::Written { .. }) {}
    let (mut second, mut heard_second) = stores(&into(folder.path()), state.path());
    assert!(second.take_up().unwrap().received.is_empty());
    // All of its work is done: its store goes with it.
    drop(first);
    while heard.recv().await.is_some() {}
    let mut taken = second.take_up().unwrap();
    let kept = taken.received.pop().unwrap();
    assert_eq!(kept.notes, b"note");
    second.go_on(kept, parcel, 4, 6);
    let (offset, len) = (0, 6);
    second.request(write(parcel, 3, b"def"), false);
    second.request(read(parcel, offset, len), false);
    assert_eq!(
        reply(&mut heard_second).await,
        StoreReply::Written { parcel, len: 3 }
    );
    let data = Bytes::from_static(b"abcdef");
    assert_eq!(
        reply(&mut heard_second).await,
        StoreReply::Read {
            parcel,
            offset,
            data
        }
    );
}

#[tokio::test]
async fn where_nothing_is_received_or_there_is_no_room_creating_fails() {
    let (folder, state) = (folder(), folder());
    let parcel = id(1);
    for (target, size) in [
        (Target::Nowhere, 1),
        (into(folder.path()), 1 << 60),
        (Target::Stdout, 1 << 60),
    ] {
        let (mut stores, mut heard) = stores(&target, state.path());
        stores.request(StoreRequest::Create { parcel, size }, false);
        assert!(matches!(reply(&mut heard).await, StoreReply::Failed { .. }));
    }
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn a_target_that_is_no_folder_is_refused() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "x").unwrap();
    assert!(into(&path).open().is_err());
}

#[test]
fn standard_output_gets_one_file_in_its_order_and_goes_on_after_an_error() {
    let content = super::content(1_000_000);
    let size = content.len() as u64;
    let mut spooled = Spooled::create(tempfile::tempfile(), size).unwrap();
    spooled.write(500_000, &content[500_000..]).unwrap();
    spooled.write(0, &content[..500_000]).unwrap();
    assert_eq!(spooled.read(499_999, 2).unwrap(), content[499_999..500_001]);
    let two = files(&[("a", 1), ("b", size - 1)]);
    assert!(spooled.finish(&two, &mut Vec::new()).is_err());
    let one = files(&[("a", size)]);
    let mut short = [0; 700_000];
    assert!(spooled.finish(&one, &mut &mut short[..]).is_err());
    let mut rest = Vec::new();
    spooled.finish(&one, &mut rest).unwrap();
    assert!(content.ends_with(&rest) && rest.len() < content.len());
}
