//! CRC-32 of files whose blocks come in any order, for archives of what was received.
//!
//! A CRC is linear: the one of a whole is the exclusive or of what each part adds to it, which is the
//! part's own CRC times a power of x that follows from how many bytes come behind the part. So a file
//! takes four bytes of memory, however its blocks come.

use std::sync::LazyLock;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Built when it is first needed: in the program it would be 16 KiB that do not compress.
static CRC: LazyLock<Crc<u32, Table<16>>> = LazyLock::new(|| Crc::<u32, _>::new(&CRC_32_ISO_HDLC));

/// The polynomial; as in all of these numbers, the highest bit is the factor of x to the power of 0.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// x to the power of 8: a byte behind a part multiplies its CRC by it.
const BYTE: u32 = 1 << (31 - 8);

/// The CRC-32 of each file of a parcel, as far as its blocks were seen.
#[derive(Debug)]
pub(crate) struct FileSums(Vec<u32>);

impl FileSums {
    /// So many files of which nothing was seen yet.
    pub(crate) fn new(files: usize) -> Self {
        Self(vec![0; files])
    }

    /// Takes in a part of a file, which `behind` bytes follow; each part once.
    pub(crate) fn add(&mut self, file: usize, part: &[u8], behind: u64) {
        self.0[file] ^= moved(CRC.checksum(part), behind);
    }

    /// Forgets what was seen of a file.
    pub(crate) fn reset(&mut self, file: usize) {
        self.0[file] = 0;
    }

    /// The CRC-32 of a file, if all of it was seen.
    pub(crate) fn get(&self, file: usize) -> u32 {
        self.0[file]
    }
}

/// The addition of a part with this CRC to that of a whole, where `bytes` come behind it.
fn moved(mut crc: u32, mut bytes: u64) -> u32 {
    let mut power = BYTE;
    while bytes > 0 {
        if bytes & 1 == 1 {
            crc = product(crc, power);
        }
        power = product(power, power);
        bytes >>= 1;
    }
    crc
}

/// The product of two polynomials, modulo the one of CRC-32.
fn product(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for bit in (0..32).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = if b & 1 == 1 {
            b >> 1 ^ POLYNOMIAL
        } else {
            b >> 1
        };
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn parts_in_any_order_give_the_sum_of_the_whole() {
        // The check value of CRC-32/ISO-HDLC, <https://reveng.sourceforge.io/crc-catalogue/>.
        let whole = b"123456789";
        for cut in 0..=whole.len() {
            let (head, tail) = whole.split_at(cut);
            let mut sums = FileSums::new(2);
            sums.add(1, tail, 0);
            sums.add(1, head, tail.len() as u64);
            assert_eq!((sums.get(0), sums.get(1)), (0, 0xcbf4_3926), "{cut}");
        }
    }

    #[test]
    fn zeros_of_any_number_behind_a_part_are_as_if_they_were_read() {
        for bytes in [0, 1, 2, 255, 16_384, 1_000_003] {
            let mut long = b"mqdrop".to_vec();
            long.resize(6 + bytes, 0);
            let zeros = CRC.checksum(&long[6..]);
            let sum = moved(CRC.checksum(b"mqdrop"), bytes as u64) ^ zeros;
            assert_eq!(sum, CRC.checksum(&long), "{bytes}");
        }
        // In two steps, and beyond what can be read.
        let far = moved(moved(1, u64::from(u32::MAX)), 1 << 40);
        assert_eq!(far, moved(1, (1 << 40) + u64::from(u32::MAX)));
    }
}
