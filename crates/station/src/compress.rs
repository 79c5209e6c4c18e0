//! Compressed transfer: which encoding a client takes, and each file compressed
//! once.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Files below this length, in bytes, gain nothing.
const SHORTEST: usize = 512;
/// Files above this length, in bytes, are sent as they are: the app has none,
/// and compressing them would hold a thread for long.
const LONGEST: usize = 16 * 1024 * 1024;
/// Compressed bytes to remember; beyond it everything is forgotten.
const MOST_REMEMBERED: usize = 64 * 1024 * 1024;
/// Nearly the smallest result in a fraction of the time of level 11.
const BROTLI_LEVEL: u32 = 9;
const BROTLI_WINDOW: u32 = 22;
const BROTLI_BUFFER: usize = 4096;

/// A content coding (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// The name in headers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The smallest encoding that `accept`, an Accept-Encoding header, allows.
    pub(crate) fn choose(accept: &str) -> Option<Self> {
        [Self::Brotli, Self::Gzip]
            .into_iter()
            .find(|encoding| accepts(accept, encoding.name()))
    }
}

/// Tells whether a file of this type and length is worth compressing.
pub(crate) fn is_worthwhile(mime: &str, length: usize) -> bool {
    let essence = mime.split(';').next().unwrap_or(mime);
    let compressible = essence.starts_with("text/")
        || matches!(
            essence,
            "application/wasm" | "application/json" | "application/manifest+json" | "image/svg+xml"
        );
    compressible && (SHORTEST..=LONGEST).contains(&length)
}

/// The compressed forms of files seen so far.
#[derive(Debug, Default)]
pub(crate) struct Compressor {
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    files: HashMap<(blake3::Hash, Encoding), Bytes>,
    bytes: usize,
}

impl Compressor {
    /// `content`, whose hash is `hash`, in `encoding`. Takes a while the first
    /// time, so it must not run on a thread that serves others.
    ///
    /// # Errors
    /// When the encoder fails; the content can then be sent as it is.
    pub(crate) fn compress(
        &self,
        content: &[u8],
        hash: blake3::Hash,
        encoding: Encoding,
    ) -> std::io::Result<Bytes> {
        if let Some(known) = self.lock().files.get(&(hash, encoding)) {
            return Ok(known.clone());
        }
        let compressed = Bytes::from(match encoding {
            Encoding::Brotli => brotli(content)?,
            Encoding::Gzip => gzip(content)?,
        });
        let mut remembered = self.lock();
        if remembered.bytes + compressed.len() > MOST_REMEMBERED {
            *remembered = Remembered::default();
        }
        remembered.bytes += compressed.len();
        if let Some(twice) = remembered
            .files
            .insert((hash, encoding), compressed.clone())
        {
            remembered.bytes -= twice.len();
        }
        Ok(compressed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn brotli(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer =
        brotli::CompressorWriter::new(Vec::new(), BROTLI_BUFFER, BROTLI_LEVEL, BROTLI_WINDOW);
    writer.write_all(content)?;
    Ok(writer.into_inner())
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(content)?;
    writer.finish()
}

/// Tells whether the header allows `name` (RFC 9110, section 12.5.3): listed, or
/// covered by `*`, and not with a quality of zero.
fn accepts(header: &str, name: &str) -> bool {
    let quality = |wanted: &str| {
        header.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            parts.next()?.eq_ignore_ascii_case(wanted).then(|| {
                parts
                    .find_map(|part| part.strip_prefix("q="))
                    .map_or(Some(1.0), |text| text.parse::<f32>().ok())
                    .unwrap_or(0.0)
            })
        })
    };
    quality(name).or_else(|| quality("*")).unwrap_or(0.0) > 0.0
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_client_decides_on_the_encoding() {
        for (header, encoding) in [
            ("gzip, deflate, br, zstd", Some(Encoding::Brotli)),
            ("gzip", Some(Encoding::Gzip)),
            ("br;q=0, gzip;q=0.5", Some(Encoding::Gzip)),
            ("BR", Some(Encoding::Brotli)),
            ("*", Some(Encoding::Brotli)),
            ("br;q=0, *;q=0", None),
            ("identity", None),
            ("brotli", None),
            ("br;q=nonsense", None),
            ("", None),
        ] {
            assert_eq!(Encoding::choose(header), encoding, "{header:?}");
        }
    }

    #[test]
    fn files_come_back_as_they_were_and_are_compressed_once() {
        let compressor = Compressor::default();
        let content = b"the same words again and again, ".repeat(500);
        let hash = blake3::hash(&content);

        let brotli = compressor
            .compress(&content, hash, Encoding::Brotli)
            .unwrap();
        let mut plain = Vec::new();
        brotli::Decompressor::new(&brotli[..], 4096)
            .read_to_end(&mut plain)
            .unwrap();
        assert!(plain == content && brotli.len() < content.len() / 10);

        let gzip = compressor.compress(&content, hash, Encoding::Gzip).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&gzip[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert!(plain == content && gzip.len() < content.len() / 10);

        let again = compressor
            .compress(&content, hash, Encoding::Brotli)
            .unwrap();
        assert_eq!(again.as_ptr(), brotli.as_ptr());
        assert_eq!(compressor.lock().bytes, brotli.len() + gzip.len());
    }

    #[test]
    fn pictures_and_tiny_files_stay_as_they_are() {
        assert!(is_worthwhile("text/javascript; charset=utf-8", 10_000));
        assert!(is_worthwhile("application/wasm", 10_000));
        assert!(!is_worthwhile("image/png", 10_000));
        assert!(!is_worthwhile("text/html", 100));
        assert!(!is_worthwhile("text/html", LONGEST + 1));
    }
}
