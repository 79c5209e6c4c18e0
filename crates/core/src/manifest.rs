//! The manifest: what a parcel holds. It travels as the parcel's first blocks.

use minicbor::{Decode, Encode};

use crate::api::Entry;
use crate::cause::TooMuch;
use crate::layout::Layout;
use crate::names;
use crate::title::Title;
use crate::view::FileView;

/// The longest manifest, in bytes.
pub(crate) const MAX_MANIFEST: u64 = 32 * 1024 * 1024;
/// The most files in a parcel.
pub(crate) const MAX_FILES: u32 = 250_000;
/// The most bytes in a parcel: 16 TiB.
pub(crate) const MAX_TOTAL: u64 = 1 << 44;
/// The longest MIME type, in letters.
const MAX_MIME: usize = 128;

#[derive(Encode)]
#[cbor(map)]
struct Wire {
    #[n(0)]
    entries: Vec<WireEntry>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct WireEntry {
    #[n(0)]
    path: String,
    #[n(1)]
    size: u64,
    #[n(2)]
    modified: Option<u64>,
    #[n(3)]
    mime: Option<String>,
}

/// A manifest's entries and where they lie.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) entries: Vec<Entry>,
    pub(crate) layout: Layout,
}

impl Manifest {
    /// The files with their places and, where `digest` and `sum` know them, their hashes and CRC-32.
    pub(crate) fn views(
        &self,
        is_left_out: impl Fn(usize) -> bool,
        digest: impl Fn(usize) -> Option<String>,
        sum: impl Fn(usize) -> Option<u32>,
    ) -> Vec<FileView> {
        let places = self.entries.iter().zip(self.layout.files()).enumerate();
        places
            .map(|(index, (entry, span))| FileView {
                path: entry.path.clone(),
                size: entry.size,
                offset: span.offset,
                modified: entry.modified,
                mime: entry.mime.clone(),
                blake3: digest(index).filter(|_| !is_left_out(index)),
                crc32: sum(index).filter(|_| !is_left_out(index)),
                left_out: is_left_out(index),
            })
            .collect()
    }

    /// Makes the manifest of a parcel, and its bytes. `Err` says what there is too much of.
    pub(crate) fn build(entries: Vec<Entry>) -> Result<(Self, Vec<u8>), TooMuch> {
        if entries.len() > MAX_FILES as usize {
            return Err(TooMuch::Files);
        }
        let wire = Wire {
            entries: entries
                .iter()
                .map(|entry| WireEntry {
                    path: entry.path.clone(),
                    size: entry.size,
                    modified: entry.modified,
                    mime: (!entry.mime.is_empty()).then(|| entry.mime.clone()),
                })
                .collect(),
        };
        // Writing into a Vec cannot fail.
        let bytes = minicbor::to_vec(&wire).unwrap_or_default();
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(TooMuch::Names);
        }
        let layout = Self::lay_out(bytes.len() as u64, &entries).ok_or(TooMuch::Bytes)?;
        Ok((
            Self {
                entries: safe(entries),
                layout,
            },
            bytes,
        ))
    }

    /// Reads a manifest of `files` files that a peer sent. `None` if it is damaged, or holds more
    /// than a parcel may or another number of files.
    pub(crate) fn decode(bytes: &[u8], files: u32) -> Option<Self> {
        let wire = decode_entries(bytes, files)?;
        let entries: Vec<Entry> = wire
            .into_iter()
            .map(|entry| Entry {
                path: entry.path,
                size: entry.size,
                modified: entry.modified,
                mime: mime(&entry.mime.unwrap_or_default()),
            })
            .collect();
        let layout = Self::lay_out(bytes.len() as u64, &entries)?;
        Some(Self {
            entries: safe(entries),
            layout,
        })
    }

    /// The title of a parcel of these files, as its offer carries it.
    pub(crate) fn title(&self) -> String {
        let first = self.entries.first().map_or("", |entry| &entry.path);
        let more = self.entries.len().saturating_sub(1) as u32;
        names::line(&Title::named(first, more).to_string(), 200)
    }

    fn lay_out(manifest_len: u64, entries: &[Entry]) -> Option<Layout> {
        let layout = Layout::new(manifest_len, entries.iter().map(|entry| entry.size))?;
        (layout.content_len() <= MAX_TOTAL).then_some(layout)
    }
}

/// The entries of a manifest, if there are `files`. Stops early at more: an entry in memory is many
/// times as long as the shortest one on the wire.
fn decode_entries(bytes: &[u8], files: u32) -> Option<Vec<WireEntry>> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let mut entries = None;
    for _ in 0..decoder.map().ok()?? {
        if decoder.u32().ok()? == 0 {
            let listed = decoder.array_iter::<WireEntry>().ok()?;
            let some: Result<Vec<_>, _> = listed.take(files as usize + 1).collect();
            entries = some.ok().filter(|some| some.len() == files as usize);
            entries.as_ref()?;
        } else {
            decoder.skip().ok()?;
        }
    }
    let whole = decoder.position() == bytes.len();
    entries.filter(|entries| whole && !entries.is_empty())
}

fn safe(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut paths: Vec<String> = entries
        .iter()
        .map(|entry| names::safe_path(&entry.path))
        .collect();
    names::make_unique(&mut paths);
    for (entry, path) in entries.iter_mut().zip(paths) {
        entry.path = path;
    }
    entries
}

/// A MIME type as RFC 6838, section 4.2, has them, or nothing.
fn mime(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+/ ;=\"'".contains(c);
    if text.len() <= MAX_MIME && text.chars().all(legal) {
        text.to_string()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn entry(path: &str, size: u64) -> Entry {
        Entry {
            path: path.into(),
            size,
            modified: Some(1_700_000_000_000),
            mime: "text/plain".into(),
        }
    }

    #[test]
    fn a_manifest_survives_being_sent() {
        let entries = vec![entry("a.txt", 5), entry("dir/b", 0), entry("a.txt", 20_000)];
        let (built, bytes) = Manifest::build(entries).unwrap();
        let read = Manifest::decode(&bytes, 3).unwrap();
        assert_eq!(
            (&read.entries, &read.layout),
            (&built.entries, &built.layout)
        );
        assert_eq!(read.entries[2].path, "a (2).txt");
    }

    #[test]
    fn a_peer_cannot_choose_dangerous_entries() {
        let mut bad = entry("../x\u{202e}", 1);
        bad.mime = "text/html\r\nX: y".into();
        let wire = Manifest::build(vec![bad]).unwrap().1;
        let read = Manifest::decode(&wire, 1).unwrap();
        assert_eq!(
            (read.entries[0].path.as_str(), read.entries[0].mime.as_str()),
            ("x", "")
        );
    }

    #[test]
    fn impossible_sizes_and_empty_parcels_are_refused() {
        assert!(Manifest::build(vec![entry("a", u64::MAX)]).is_err());
        assert!(Manifest::build(vec![entry("a", MAX_TOTAL), entry("b", 1)]).is_err());
        let empty = Manifest::build(Vec::new()).unwrap().1;
        assert!(Manifest::decode(&empty, 0).is_none());
    }

    #[test]
    fn very_many_equal_names_take_no_longer_than_others() {
        let entries = vec![entry("same.txt", 1); 20_000];
        let (built, _) = Manifest::build(entries).unwrap();
        assert_eq!(built.entries[19_999].path, "same (20000).txt");
    }

    mqdrop_testing::properties! {
        fn noise_is_no_manifest(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(manifest) = Manifest::decode(&bytes, 2) {
                prop_assert_eq!(manifest.entries.len(), 2);
            }
        }
    }
}
