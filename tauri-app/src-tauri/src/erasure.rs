//! Erasing everything: agreed to in the window, done by a process that has none.
//!
//! As long as there is a window, its web view writes files, and others do so while they end. So the app leaves a note in
//! the data folder that all of it goes, leaves as ever, and becomes a process that does nothing but that. Should it not
//! get to its end, the next start finds the note and finishes before it does anything else.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{WaitOptions, wait};
use serde_json::json;
use sidecar_host::RpcError;

use crate::data_folder::{DataFolder, ERASING};
use crate::disk::unwritable;

/// How long what the window started may take to end, and then what it was still writing to be gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much longer a sidecar of ours may take to start, which has the folder meanwhile: as long as its handshake.
const STARTING: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);
/// What goes last: they hold off other starts until there is nothing left that one could find.
const LAST: &[&str] = &["window.bell", "window.lock", ERASING];

/// Why nothing is erased.
const IN_USE: &str =
    "another program uses the data folder, and nothing was erased; stop `knowledge-focus serve` first, if it runs";

/// Who has the folder, as far as this app's own sidecar tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Holder {
    Ours,
    /// Ours is starting: it may have it already, or wait for it.
    Unknown,
    /// If anybody.
    Another,
}

/// Waits until nobody else has the folder: its lock is free, or this app's own sidecar has it.
///
/// # Errors
/// `data_folder_in_use`, with `details.during` `erasing`: another program kept it.
pub(crate) async fn wait_for_others(data: &DataFolder, holder: impl Fn() -> Holder) -> Result<(), RpcError> {
    wait_for_others_until(Instant::now() + PATIENCE, data, holder).await
}

async fn wait_for_others_until(
    deadline: Instant,
    data: &DataFolder,
    holder: impl Fn() -> Holder,
) -> Result<(), RpcError> {
    loop {
        let holder = holder();
        let lock = if holder == Holder::Ours { None } else { lock_of(data).map_err(unwritable)? };
        if !lock.is_some_and(|lock| is_taken(&lock)) {
            return Ok(());
        }
        let more = if holder == Holder::Unknown { STARTING } else { Duration::ZERO };
        if Instant::now() >= deadline + more {
            let error = RpcError::passing("data_folder_in_use", IN_USE);
            return Err(error.with_details(json!({"during": "erasing"})));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Notes in the data folder that all of it goes. From here on there is no way back.
pub(crate) fn begin(data: &DataFolder) -> io::Result<()> {
    let path = data.path().join(ERASING);
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?.sync_all()
}

pub(crate) fn is_begun(data: &DataFolder) -> bool {
    data.path().join(ERASING).symlink_metadata().is_ok()
}

/// This process becomes the one that finishes. Returns only if it cannot.
pub(crate) fn become_finisher(data: &DataFolder) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    Command::new(program).arg("--data-dir").arg(data.path()).arg("--finish-erasing").exec()
}

/// Deletes all that is the app's in the data folder, and `outside`, which is its own, too. Links are deleted, not
/// followed; what else lies in the folder stays, and with it the folder.
///
/// # Errors
/// Another program uses the folder: nothing is gone. Or the first thing that cannot be deleted: all else is gone, but for
/// the note. Either way a later start tries again.
pub(crate) fn finish(data: &DataFolder, outside: &[PathBuf]) -> io::Result<()> {
    finish_until(data, outside, Instant::now() + PATIENCE)
}

fn finish_until(data: &DataFolder, outside: &[PathBuf], deadline: Instant) -> io::Result<()> {
    let _last_sidecar = lock_out(data, deadline)?;
    loop {
        match delete_all(data, outside) {
            // Somebody outlived the wait, and wrote once more.
            Err(_) if Instant::now() < deadline => sleep(PAUSE),
            result => break result?,
        }
    }
    for name in LAST {
        delete(&data.path().join(name))?;
    }
    // Not empty: there are other things in it.
    let _ = fs::remove_dir(data.path());
    Ok(())
}

/// What could not be deleted stays, and the app is used again.
pub(crate) fn give_up(data: &DataFolder) -> io::Result<()> {
    delete(&data.path().join(ERASING))
}

/// After a crash the last sidecar takes a moment to notice, and has the folder's lock until it is gone. Who has it for longer
/// works in the folder, and would do so with what is left of it.
fn lock_out(data: &DataFolder, deadline: Instant) -> io::Result<Option<File>> {
    let Some(lock) = lock_of(data)? else { return Ok(None) };
    while is_taken(&lock) {
        if Instant::now() >= deadline {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, IN_USE));
        }
        sleep(PAUSE);
    }
    Ok(Some(lock))
}

/// The file that every sidecar locks; `None` where there was none yet.
fn lock_of(data: &DataFolder) -> io::Result<Option<File>> {
    match File::open(data.path().join("lock")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        lock => lock.map(Some),
    }
}

/// Whether somebody else has it. If not, we have it now, or nobody can: there are disks without locks.
fn is_taken(lock: &File) -> bool {
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

/// Waits for those that this process started when it was the app: the web view's, above all.
pub(crate) fn wait_for_children() {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => sleep(PAUSE),
            // There is none.
            Err(_) => return,
        }
    }
}

fn delete_all(data: &DataFolder, outside: &[PathBuf]) -> io::Result<()> {
    let ours = data.own_entries()?.into_iter().filter(|path| !LAST.iter().any(|last| path.ends_with(last)));
    // All of them, whatever fails on the way.
    ours.chain(outside.iter().cloned()).map(|path| delete(&path)).fold(Ok(()), io::Result::and)
}

fn delete(path: &Path) -> io::Result<()> {
    let there = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.is_dir() {
        return fs::remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        result => result,
    }
}

/// Out of a folder that is closed to its owner nothing can be deleted; some packages have such.
fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::data_folder::PLATFORM_NAME;

    /// A data folder of this name, as a day's use leaves it.
    fn used(name: &str) -> (tempfile::TempDir, DataFolder) {
        let above = tempfile::tempdir().expect("a temporary folder");
        let folder = above.path().join(name);
        for path in ["builtin_models/models--a--b/blobs", "attachments", "python/lib", "cache/uv", "web/localstorage"] {
            fs::create_dir_all(folder.join(path)).expect("the disk has room");
        }
        for path in ["knowledge-focus.db", "knowledge-focus.db-wal", "shell.json", ".shell-x1", "lock", "window.lock"] {
            fs::write(folder.join(path), "x").expect("the disk has room");
        }
        fs::write(folder.join("builtin_models/models--a--b/blobs/0"), "x").expect("the disk has room");
        let data = DataFolder::open(Some(&folder)).expect("it is ours");
        (above, data)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is there");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_left_of_a_folder_that_was_the_apps_alone() {
        let (above, data) = used("data");
        let outside = above.path().join("outside");
        fs::create_dir(&outside).expect("the disk has room");
        begin(&data).expect("it is noted");
        assert!(is_begun(&data));
        finish(&data, &[outside]).expect("it is erased");
        assert_eq!(names(above.path()), [""; 0]);
    }

    #[test]
    fn what_a_person_put_into_the_folder_stays() {
        let (_above, data) = used("data");
        fs::write(data.path().join("thesis.odt"), "mine").expect("the disk has room");
        fs::create_dir_all(data.path().join("Photos/attachments")).expect("the disk has room");
        begin(&data).expect("it is noted");
        finish(&data, &[]).expect("it is erased");
        assert_eq!(names(data.path()), ["Photos", "thesis.odt"]);
        assert_eq!(names(&data.path().join("Photos")), ["attachments"]);
    }

    #[test]
    fn the_platforms_folder_goes_with_what_older_web_views_left_in_it() {
        let (above, data) = used(PLATFORM_NAME);
        fs::create_dir(data.path().join("hsts-storage")).expect("the disk has room");
        begin(&data).expect("it is noted");
        finish(&data, &[]).expect("it is erased");
        assert_eq!(names(above.path()), [""; 0]);
    }

    #[test]
    fn links_go_and_what_they_lead_to_stays() {
        let (above, data) = used("data");
        let elsewhere = above.path().join("elsewhere");
        fs::create_dir(&elsewhere).expect("the disk has room");
        fs::write(elsewhere.join("precious"), "x").expect("the disk has room");
        fs::remove_dir(data.path().join("attachments")).expect("it is empty");
        symlink(&elsewhere, data.path().join("attachments")).expect("a link");
        symlink(&elsewhere, data.path().join("cache/uv/link")).expect("a link");
        symlink(elsewhere.join("precious"), data.path().join("copies")).expect("a link");
        begin(&data).expect("it is noted");
        finish(&data, &[]).expect("it is erased");
        assert_eq!(names(above.path()), ["elsewhere"]);
        assert_eq!(names(&elsewhere), ["precious"]);
    }

    #[test]
    fn what_was_cut_off_is_found_and_finished_by_the_next_start() {
        let (above, data) = used("data");
        fs::write(data.path().join("thesis.odt"), "mine").expect("the disk has room");
        begin(&data).expect("it is noted");
        for sign in ["builtin_models", "knowledge-focus.db"] {
            delete(&data.path().join(sign)).expect("it is ours");
        }
        let again = DataFolder::open(Some(&above.path().join("data"))).expect("it is still known as ours");
        assert!(is_begun(&again));
        finish(&again, &[]).expect("it is erased");
        assert_eq!(names(data.path()), ["thesis.odt"]);
    }

    #[test]
    fn a_folder_that_is_closed_is_opened_and_deleted() {
        let (above, data) = used("data");
        let closed = data.path().join("python/lib");
        fs::write(closed.join("a"), "x").expect("the disk has room");
        fs::set_permissions(&closed, Permissions::from_mode(0o500)).expect("it is ours to change");
        begin(&data).expect("it is noted");
        finish(&data, &[]).expect("it is erased");
        assert_eq!(names(above.path()), [""; 0]);
    }

    /// As another program's sidecar holds it.
    fn held(data: &DataFolder) -> File {
        let lock = lock_of(data).expect("it can be read").expect("it is there");
        // What another test starts has our files for a moment, until it becomes its program.
        let patience = Instant::now() + PATIENCE;
        while is_taken(&lock) {
            assert!(Instant::now() < patience, "it is free");
            sleep(PAUSE);
        }
        lock
    }

    #[test]
    fn a_folder_that_another_program_keeps_stays_whole_until_that_has_left() {
        let (above, data) = used("data");
        let outside = above.path().join("outside");
        fs::create_dir(&outside).expect("the disk has room");
        begin(&data).expect("it is noted");
        let (before, other) = (names(data.path()), held(&data));
        let error = finish_until(&data, std::slice::from_ref(&outside), Instant::now()).expect_err("it is in use");
        assert!(error.to_string().contains("stop `knowledge-focus serve`"), "{error}");
        assert_eq!((names(data.path()), outside.exists()), (before, true));
        drop(other);
        finish_until(&data, &[outside], Instant::now() + PATIENCE).expect("it is erased");
        assert_eq!(names(above.path()), [""; 0]);
    }

    #[tokio::test]
    async fn a_folder_is_not_begun_with_while_another_program_has_it_but_when_it_is_free_or_ours() {
        let (_above, data) = used("data");
        let wait = |holder, patience| wait_for_others_until(Instant::now() + patience, &data, move || holder);
        wait(Holder::Another, PATIENCE).await.expect("it is free");
        let other = held(&data);
        let error = wait(Holder::Another, Duration::ZERO).await.expect_err("it is in use");
        assert_eq!((&*error.kind, &error.details["during"]), ("data_folder_in_use", &"erasing".into()));
        wait(Holder::Ours, Duration::ZERO).await.expect("it is ours");
        {
            let mut starting = std::pin::pin!(wait(Holder::Unknown, Duration::ZERO));
            let early = tokio::time::timeout(2 * PAUSE, &mut starting).await;
            assert!(early.is_err(), "ours may have it");
        }
        drop(other);
        wait(Holder::Another, PATIENCE).await.expect("it is free again");
    }

    #[test]
    fn without_a_note_nothing_is_begun() {
        let (_above, data) = used("data");
        assert!(!is_begun(&data));
        begin(&data).expect("it is noted");
        give_up(&data).expect("it is taken back");
        assert!(!is_begun(&data));
    }
}
