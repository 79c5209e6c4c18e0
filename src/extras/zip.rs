//! Zip archives of files that are stored as they are (PKWARE's APPNOTE.TXT, 6.3.10): everything but
//! the files' contents, which lie between what is made here.
//!
//! A file's length and CRC-32 are known beforehand, so that they stand before its content, and readers
//! that cannot seek know where it ends. What zip64 adds is there only where a number needs it: some
//! programs refuse files that ask for it.

/// Stands where a number does not fit, which zip64 has then.
const LONG: u32 = u32::MAX;
/// The same for the number of files.
const MANY: u16 = u16::MAX;

/// The version of the format that stored files need, and the one that zip64 needs.
const STORED: u16 = 10;
const ZIP64: u16 = 45;
/// Made on Unix (3): the attributes are those of Unix, and names are no OEM code page's.
const MADE_BY: u16 = 3 << 8;
/// The name is in UTF-8.
const UTF8: u16 = 1 << 11;
/// A regular file that everyone may read and its owner may write.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// The extra fields of zip64 and of the extended timestamp.
const ZIP64_FIELD: u16 = 1;
const TIME_FIELD: u16 = 0x5455;

/// A file of an archive.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// A safe relative path with `/` between folders, at most 65,535 bytes long.
    pub path: &'a str,
    /// Length in bytes.
    pub size: u64,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// When it was modified, if that is known.
    pub modified: Option<Modified>,
}

/// When a file was modified.
#[derive(Clone, Copy, Debug)]
pub struct Modified {
    /// Seconds since 1970, in UTC.
    pub seconds: i64,
    /// Year, month, day, hour, minute and second where the archive is made: the format's older field
    /// knows no time zone.
    pub local: [u32; 6],
}

/// An archive under way.
#[derive(Debug, Default)]
pub struct Zip {
    /// Where the next file begins, in bytes.
    offset: u64,
    files: u64,
    directory: Vec<u8>,
}

impl Zip {
    /// Adds a file: what stands before its content, which has to follow.
    pub fn add(&mut self, entry: Entry) -> Vec<u8> {
        let [time, date] = dos_time(entry.modified);
        let stamp = entry.modified.and_then(time_field).unwrap_or_default();
        let common = |version: u16, bytes: &mut Vec<u8>| {
            for number in [version, UTF8, 0, time, date] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(entry.crc32.to_le_bytes());
        };
        let long_size = long(entry.size).then_some(entry.size);
        let short_size = short(entry.size).to_le_bytes();

        // Before the content both lengths are there or none.
        let sizes: Vec<u64> = long_size.into_iter().chain(long_size).collect();
        let extra = [zip64_field(&sizes), stamp.clone()].concat();
        let mut header = b"PK\x03\x04".to_vec();
        common(if sizes.is_empty() { STORED } else { ZIP64 }, &mut header);
        header.extend([short_size, short_size].concat());
        header.extend((entry.path.len() as u16).to_le_bytes());
        header.extend((extra.len() as u16).to_le_bytes());
        header.extend(entry.path.as_bytes());
        header.extend(extra);

        let place = long(self.offset).then_some(self.offset);
        let numbers: Vec<u64> = sizes.into_iter().chain(place).collect();
        let version = if numbers.is_empty() { STORED } else { ZIP64 };
        let extra = [zip64_field(&numbers), stamp].concat();
        let directory = &mut self.directory;
        directory.extend(b"PK\x01\x02");
        directory.extend((MADE_BY | version).to_le_bytes());
        common(version, directory);
        directory.extend([short_size, short_size].concat());
        directory.extend((entry.path.len() as u16).to_le_bytes());
        directory.extend((extra.len() as u16).to_le_bytes());
        // No comment, the first disk, no text.
        directory.extend([0; 6]);
        directory.extend(ATTRIBUTES.to_le_bytes());
        directory.extend(short(self.offset).to_le_bytes());
        directory.extend(entry.path.as_bytes());
        directory.extend(extra);

        self.offset += header.len() as u64 + entry.size;
        self.files += 1;
        header
    }

    /// What stands behind the last file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let Self {
            offset,
            files,
            mut directory,
        } = self;
        let len = directory.len() as u64;
        let many = u16::try_from(files).unwrap_or(MANY);
        if long(offset) || long(len) || many == MANY {
            directory.extend(b"PK\x06\x06");
            // Its own length without what came so far.
            directory.extend(44u64.to_le_bytes());
            directory.extend((MADE_BY | ZIP64).to_le_bytes());
            directory.extend(ZIP64.to_le_bytes());
            directory.extend([0; 8]);
            for number in [files, files, len, offset] {
                directory.extend(number.to_le_bytes());
            }
            // Where that is, on the first disk of one.
            directory.extend(b"PK\x06\x07\0\0\0\0");
            directory.extend((offset + len).to_le_bytes());
            directory.extend(1u32.to_le_bytes());
        }
        directory.extend(b"PK\x05\x06\0\0\0\0");
        directory.extend([many.to_le_bytes(), many.to_le_bytes()].concat());
        directory.extend(short(len).to_le_bytes());
        directory.extend(short(offset).to_le_bytes());
        directory.extend([0; 2]);
        directory
    }
}

fn long(number: u64) -> bool {
    number >= u64::from(LONG)
}

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(LONG)
}

/// An extra field with these numbers; nothing without any.
fn zip64_field(numbers: &[u64]) -> Vec<u8> {
    let mut field = Vec::new();
    if !numbers.is_empty() {
        field.extend(ZIP64_FIELD.to_le_bytes());
        field.extend((numbers.len() as u16 * 8).to_le_bytes());
    }
    field.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    field
}

/// The extra field with the time in UTC, if that fits.
fn time_field(modified: Modified) -> Option<Vec<u8>> {
    let seconds = i32::try_from(modified.seconds).ok()?;
    let mut field = TIME_FIELD.to_le_bytes().to_vec();
    field.extend(5u16.to_le_bytes());
    // The time of modification alone.
    field.push(1);
    field.extend(seconds.to_le_bytes());
    Some(field)
}

/// Time and date as MS-DOS has them: from 1980 to 2107, every other second.
fn dos_time(modified: Option<Modified>) -> [u16; 2] {
    let [year, month, day, hour, minute, second] = match modified.map(|modified| modified.local) {
        Some(local) if local[0] > 2107 => [2107, 12, 31, 23, 59, 58],
        Some(local) if local[0] >= 1980 => local,
        _ => [1980, 1, 1, 0, 0, 0],
    };
    let time = (hour << 11) | (minute << 5) | (second / 2);
    let date = ((year - 1980) << 9) | (month << 5) | day;
    [time as u16, date as u16]
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
