//! Reading and writing at places in files, as each system does it.

use std::fs::File;
use std::io;

/// Reads as many bytes as there is room for.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] if there are fewer.
#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, target: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, target, offset)
}

/// Writes all of it.
///
/// # Errors
/// Those of the system. Some of it may be written.
#[cfg(unix)]
pub(super) fn write_all_at(file: &File, data: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, data, offset)
}

/// Reads as many bytes as there is room for.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] if there are fewer.
#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut target: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !target.is_empty() {
        match file.seek_read(target, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => {
                target = &mut target[len..];
                offset += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of it.
///
/// # Errors
/// Those of the system. Some of it may be written.
#[cfg(windows)]
pub(super) fn write_all_at(file: &File, mut data: &[u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !data.is_empty() {
        match file.seek_write(data, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => {
                data = &data[len..];
                offset += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
