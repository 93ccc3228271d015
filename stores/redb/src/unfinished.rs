//! Files whose creation was interrupted.
//!
//! redb writes its magic number last when it creates a file, and refuses a file without it. So a
//! process that is killed while it creates the store's file would leave one that nobody can open.
//! Such a file has nothing but redb's header, so it can be created again.

use std::io;

use redb::StorageBackend;

/// The bytes of redb's magic number, and of the header that begins with it: its `design.md`, "File
/// format".
const MAGIC: usize = 9;
const HEADER: usize = 320;

/// The file has as many bytes as its pages.
const PAGE: u64 = 4_096;

/// redb creates files of about 1.5 MiB.
const LARGEST: u64 = 64 << 20;

const CHUNK: usize = 64 << 10;

/// Whether the file is as redb leaves it in the middle of its creation: at most a header without its
/// magic number, and zeros.
pub(super) fn is_unfinished(file: &impl StorageBackend) -> io::Result<bool> {
    let len = file.len()?;
    if len == 0 || len % PAGE != 0 || len > LARGEST {
        return Ok(false);
    }
    let mut chunk = vec![0; CHUNK];
    let mut offset = 0;
    while offset < len {
        let rest = usize::try_from(len - offset).map_or(CHUNK, |rest| rest.min(CHUNK));
        let bytes = &mut chunk[..rest];
        file.read(offset, bytes)?;
        if offset == 0 {
            bytes[MAGIC..HEADER].fill(0);
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += rest as u64;
    }
    Ok(true)
}
