//! A log's last lines.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How much of a log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) lines: usize,
    /// At the log's end that are looked at.
    pub(super) bytes: u64,
}

impl Tail {
    /// Whole lines, the latest last. Blocks on the disk.
    pub(super) fn of(self, log: &Path) -> io::Result<Vec<String>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        let start = length.saturating_sub(self.bytes);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(self.bytes).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<_> = text.lines().collect();
        if start > 0 && !lines.is_empty() {
            // Cut in the midst.
            lines.remove(0);
        }
        let lines = &lines[lines.len().saturating_sub(self.lines)..];
        Ok(lines.iter().map(|&line| line.to_owned()).collect())
    }
}
