//! One app for each data folder; a second start brings the first one's window forward.
//!
//! A lock and a named pipe in the data folder, so it is right for each folder by itself, on every platform and without
//! a session bus. (Tauri's single-instance plugin goes by the app's identifier on macOS, and lets a second instance
//! start where there is no bus.)

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};

/// The claim on a data folder; it ends with the process.
#[derive(Debug)]
pub(crate) struct Instance {
    lock: File,
    bell: PathBuf,
}

#[derive(Debug)]
pub(crate) enum Claim {
    First(Instance),
    /// Another app holds the folder and was told to come forward.
    Told,
}

impl Instance {
    /// Claims `folder`, or tells the app that holds it.
    pub(crate) fn claim(folder: &Path) -> io::Result<Claim> {
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join("window.lock"))?;
        let bell = folder.join("window.bell");
        match lock.try_lock() {
            Ok(()) => {
                make_pipe(&bell)?;
                Ok(Claim::First(Self { lock, bell }))
            }
            Err(TryLockError::WouldBlock) => {
                if let Err(error) = ring(&bell) {
                    // It is just starting or just leaving: still one app for the folder.
                    eprintln!("knowledge-focus: the open window could not be told: {error}");
                }
                Ok(Claim::Told)
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Calls `come_forward` whenever another start finds this folder claimed, as long as the process lives.
    pub(crate) fn on_second_start(self, come_forward: impl Fn() + Send + 'static) -> io::Result<()> {
        // Open for writing too: a pipe whose last writer left would be at its end for ever.
        let mut pipe = OpenOptions::new().read(true).write(true).open(&self.bell)?;
        let listen = move || {
            let _claim = self.lock;
            let mut rings = [0; 16];
            while pipe.read(&mut rings).is_ok_and(|length| length > 0) {
                come_forward();
            }
        };
        std::thread::Builder::new().name("second-start".into()).spawn(listen)?;
        Ok(())
    }
}

fn make_pipe(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.file_type().is_fifo() => Ok(()),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is not ours", path.display()))),
        Err(_) => create_pipe(path),
    }
}

#[cfg(target_os = "macos")]
fn create_pipe(path: &Path) -> io::Result<()> {
    // rustix has no mkfifo for macOS.
    let status = std::process::Command::new("/usr/bin/mkfifo").args(["-m", "600"]).arg(path).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("mkfifo failed")) }
}

#[cfg(not(target_os = "macos"))]
fn create_pipe(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

/// Never waits: opening fails when nobody listens.
fn ring(bell: &Path) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    File::from(rustix::fs::openat(CWD, bell, flags, Mode::empty())?).write_all(b"!")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_start_on_the_same_folder_brings_the_first_forward() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let Ok(Claim::First(first)) = Instance::claim(folder.path()) else { panic!("the folder is free") };
        let (rang, rings) = mpsc::channel();
        first.on_second_start(move || rang.send(()).expect("the test listens")).expect("the pipe opens");
        assert!(matches!(Instance::claim(folder.path()), Ok(Claim::Told)));
        rings.recv_timeout(Duration::from_secs(10)).expect("the first app was told");
        assert!(matches!(Instance::claim(folder.path()), Ok(Claim::Told)), "still only one");
        rings.recv_timeout(Duration::from_secs(10)).expect("the first app was told again");
    }

    #[test]
    fn another_folder_is_another_app() {
        let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let first = Instance::claim(one.path()).expect("free");
        assert!(matches!(Instance::claim(other.path()), Ok(Claim::First(_))));
        drop(first);
    }

    #[test]
    fn a_folder_whose_app_has_gone_is_free_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        drop(Instance::claim(folder.path()).expect("free"));
        assert!(matches!(Instance::claim(folder.path()), Ok(Claim::First(_))));
    }
}
