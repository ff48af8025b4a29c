//! A log file that rotates by size.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes a log file may reach before it is set aside.
const FILE_BYTES: u64 = 5 * 1024 * 1024;
/// How many files of one log there are, the current one included.
const FILES: u32 = 5;

/// `name` in a folder, then `name.1` (newer) to `name.4` (older). Only its owner can read it.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl LogFile {
    /// Opens the log to append to it, and makes its folder.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn open(folder: &Path, name: &str) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(name);
        let file = append(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { path, file, length })
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..FILES - 1).rev() {
            move_if_there(&self.numbered(number), &self.numbered(number + 1))?;
        }
        move_if_there(&self.path, &self.numbered(1))?;
        self.file = append(&self.path)?;
        self.length = 0;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.length > 0 && self.length + bytes.len() as u64 > FILE_BYTES {
            self.rotate()?;
        }
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_log_never_takes_more_than_five_files_of_five_megabytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let logs = folder.path().join("logs");
        let mut log = LogFile::open(&logs, "shell.log").expect("a new log opens");
        let megabyte = vec![b'x'; 1024 * 1024];
        for _ in 0..40 {
            log.write_all(&megabyte).expect("the disk has room");
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&logs).expect("the folder is there") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("its metadata");
            assert!(metadata.len() <= FILE_BYTES);
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
            names.push(entry.file_name().into_string().expect("an ASCII name"));
        }
        names.sort();
        assert_eq!(names, ["shell.log", "shell.log.1", "shell.log.2", "shell.log.3", "shell.log.4"]);
    }
}
