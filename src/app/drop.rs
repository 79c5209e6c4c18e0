//! Dropping files and folders anywhere on the page.

use js_sys::{Array, Promise};
use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, DragEvent, Element, File, FileSystemDirectoryEntry, FileSystemEntry,
    FileSystemFileEntry,
};

use super::erased::{text, whether};
use super::{
    handles,
    page::listen,
    picked::{self, Picked},
    send,
    session::Session,
    words::words,
};
use crate::bridge::{MAX_DEPTH, MAX_FILES, PickedFile, To};

/// Covers the page while files are dragged over it, and takes what is dropped.
#[component]
pub(super) fn DropZone(session: Session) -> impl IntoView {
    let over = RwSignal::new(false);
    // The person whose name the files are held over.
    let onto = RwSignal::new(None::<String>);
    let drag = move |event: DragEvent| {
        if carries_files(&event) {
            // Without this the browser would open the file in place of the page.
            event.prevent_default();
            over.set(true);
            let person = person_below(&event);
            if *onto.read_untracked() != person {
                onto.set(person);
            }
        }
    };
    listen(ev::dragenter, drag);
    listen(ev::dragover, drag);
    listen(ev::dragleave, move |event| {
        // Leaving the page, not going from one element to the next.
        if event.related_target().is_none() {
            over.set(false);
        }
    });
    listen(ev::drop, move |event| {
        over.set(false);
        if !carries_files(&event) {
            return;
        }
        event.prevent_default();
        if let Some(data) = event.data_transfer() {
            let to = match person_below(&event) {
                Some(person) => To::Persons(vec![person]),
                None => session.audience.files(),
            };
            take(session, &data, to);
        }
    });
    listen(ev::paste, move |event| {
        // In a room the card that sends takes it.
        if session.inside_now().is_none() {
            drop(send::take_paste(session, &event));
        }
    });
    view! {
        <Show when=whether(move || over.get())>
            <div class="drop-over" aria-hidden="true">
                <p>
                    {text(move || {
                        let onto = onto.get().map(|person| vec![person]);
                        let chosen = onto.unwrap_or_else(|| session.audience.persons());
                        match session.inside().is_some() {
                            true if !chosen.is_empty() => {
                                let names = names_of(session, &chosen);
                                words().composer_drop_onto(&names)
                            }
                            true => words().composer_drop().to_owned(),
                            false => words().composer_drop_early().to_owned(),
                        }
                    })}
                </p>
            </div>
        </Show>
    }
}

fn carries_files(event: &DragEvent) -> bool {
    event
        .data_transfer()
        .is_some_and(|data| data.types().includes(&JsValue::from_str("Files"), 0))
}

/// The person whose name is below the pointer, unless it is this user's own.
fn person_below(event: &DragEvent) -> Option<String> {
    let below: Element = event.target()?.dyn_into().ok()?;
    below
        .closest("[data-drop]")
        .ok()??
        .get_attribute("data-person")
}

fn names_of(session: Session, persons: &[String]) -> String {
    let people = session.state.people.read();
    let chosen = people.iter().filter(|it| persons.contains(&it.person));
    let names = chosen.map(|it| words().person_name(&it.name, it.is_namesake));
    names
        .collect::<Vec<String>>()
        .join(words().phrase_separator())
}

fn take(session: Session, data: &DataTransfer, to: To) {
    // All of these can be asked for only while the event is being handled.
    let asked = handles::of_drop(data);
    let files = picked::from_list(data.files());
    let items = data.items();
    let entries: Vec<FileSystemEntry> = (0..items.length())
        .filter_map(|index| items.get(index)?.webkit_get_as_entry().ok().flatten())
        .collect();
    let room = session.inside_now();
    spawn_local(async move {
        let files = if entries.iter().any(FileSystemEntry::is_directory) {
            walk(entries).await
        } else {
            Ok(files)
        };
        let handles = handles::all_of(asked).await;
        match files {
            Ok(files) => {
                let picked = Picked { files, handles };
                match room {
                    Some(_) => picked::send_into(session, room, to, picked),
                    None => session.ready.add(picked),
                }
            }
            Err(_) => session.state.fail(words().composer_folder_unreadable()),
        }
    });
}

/// All files below the entries, with their paths from there. Stops soon after
/// [`MAX_FILES`], which is then reported as too many.
async fn walk(roots: Vec<FileSystemEntry>) -> Result<Vec<PickedFile>, JsValue> {
    let mut files = Vec::new();
    let mut todo: Vec<(FileSystemEntry, usize)> =
        roots.into_iter().rev().map(|entry| (entry, 0)).collect();
    while let Some((entry, depth)) = todo.pop() {
        if files.len() > MAX_FILES {
            break;
        }
        if entry.is_file() {
            let path = entry.full_path().trim_start_matches('/').to_owned();
            files.push(picked::picked(
                file(entry.unchecked_into()).await?,
                Some(path),
            ));
        } else if depth < MAX_DEPTH {
            let children = children(&entry.unchecked_into()).await?;
            todo.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
        }
    }
    Ok(files)
}

async fn file(entry: FileSystemFileEntry) -> Result<File, JsValue> {
    let file = answer(|resolve, reject| {
        entry.file_with_callback_and_callback(resolve, reject);
    });
    Ok(file.await?.unchecked_into())
}

async fn children(folder: &FileSystemDirectoryEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.create_reader();
    let mut children = Vec::new();
    // Comes in batches, the last of which is empty.
    loop {
        let batch = answer(|resolve, reject| {
            // Throws only through `reject`.
            let _ = reader.read_entries_with_callback_and_callback(resolve, reject);
        });
        let batch: Array = batch.await?.unchecked_into();
        if batch.length() == 0 || children.len() > MAX_FILES {
            return Ok(children);
        }
        children.extend(batch.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}

/// The answer of an interface that takes two callbacks.
fn answer(mut ask: impl FnMut(&js_sys::Function, &js_sys::Function)) -> JsFuture {
    JsFuture::from(Promise::new(&mut |resolve, reject| ask(&resolve, &reject)))
}
