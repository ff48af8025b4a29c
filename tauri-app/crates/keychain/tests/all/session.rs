//! A login session of the test's own: a bus, and on it a keychain that nobody else has.
//!
//! Which bus a program talks to is a variable of its environment, so each test runs again in a program of its own.

use std::any::type_name_of_val;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use tokio::time::timeout;
use zbus::blocking::Connection;
use zbus::blocking::fdo::DBusProxy;

/// Bound of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const SECRETS: &str = "org.freedesktop.secrets";
/// Says that this is the program inside the session; its value is the session's folder.
const INSIDE: &str = "KEYCHAIN_TEST_SESSION";

/// A bus on which nothing is started by being asked for: what a machine has installed makes no difference.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"#;

/// What the session has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Keyring {
    Open,
    /// It asks for a password, and there is nobody to show the question.
    Locked,
    /// A bus without a Secret Service.
    Missing,
}

/// Runs the test function that this is called in again, inside a session; there it runs `test` with an empty folder.
pub(crate) fn session<Test: AsyncFnOnce(&Path)>(keyring: Keyring, test: Test) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return inside(keyring, &PathBuf::from(folder), test);
    }
    // `all::file::the_test::{{closure}}`
    let name = type_name_of_val(&test);
    let name =
        name.split_once("::").and_then(|(_, path)| path.strip_suffix("::{{closure}}")).expect("a test's closure");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bus = folder.path().join("bus.conf");
    std::fs::write(&bus, BUS).expect("the disk has room");
    let mut program = Command::new("dbus-run-session")
        .arg(format!("--config-file={}", bus.display()))
        .arg("--")
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, folder.path())
        .env("HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dbus-run-session (Debian package dbus-daemon) is installed");
    let mut stderr = program.stderr.take().expect("it is piped");
    let reading = std::thread::spawn(move || {
        let mut said = String::new();
        let _ = stderr.read_to_string(&mut said);
        said
    });
    let ended = program.wait_with_output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &reading.join().expect("it is read");
    assert!(ended.status.success() && said.contains("1 passed"), "{name} inside its session:\n{said}");
}

fn inside<Test: AsyncFnOnce(&Path)>(keyring: Keyring, folder: &Path, test: Test) {
    let _daemon = (keyring != Keyring::Missing).then(Daemon::start);
    if keyring == Keyring::Locked {
        lock();
    }
    let data = folder.join("data");
    std::fs::create_dir(&data).expect("the disk has room");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let tested = runtime.block_on(async { timeout(PATIENCE, test(&data)).await });
    runtime.shutdown_background();
    tested.expect("the test ends in time");
}

/// The keychain's program; it ends with this.
struct Daemon(Child);

impl Daemon {
    /// Returns once it takes calls.
    fn start() -> Self {
        let bus = Connection::session().expect("the session has a bus");
        let bus = DBusProxy::new(&bus).expect("the bus itself");
        let owners = bus.receive_name_owner_changed().expect("it tells");
        let mut daemon = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon (Debian package gnome-keyring) is installed");
        // The password of the login keyring, which it makes with it. Its end is the pipe's.
        daemon.stdin.take().expect("it is piped").write_all(b"password").expect("it reads");
        let daemon = Self(daemon);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut owners = owners.filter(|change| change.args().is_ok_and(|change| change.name == SECRETS));
            let _ = tell.send(owners.next().is_some());
        });
        assert_eq!(told.recv_timeout(PATIENCE), Ok(true), "the keychain comes up");
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Locks the keychain, as the system does after a while.
pub(crate) fn lock() {
    let service = SecretService::connect(EncryptionType::Dh).expect("it is there");
    service.get_default_collection().expect("the login keyring").lock().expect("it can be locked");
}

/// The keychain's process, as the bus knows it.
pub(crate) fn keyring_process() -> Pid {
    let bus = Connection::session().expect("the session has a bus");
    let bus = DBusProxy::new(&bus).expect("the bus itself");
    let pid = bus.get_connection_unix_process_id(SECRETS.try_into().expect("a name")).expect("it runs");
    Pid::from_raw(pid as i32).expect("a pid")
}

/// All that is kept in the keychain, by entry: its attributes' `username`, its label and the key.
pub(crate) fn entries() -> Vec<(String, String, String)> {
    let service = SecretService::connect(EncryptionType::Dh).expect("it is there");
    let keyring = service.get_default_collection().expect("the login keyring");
    let found = keyring.get_all_items().expect("it is open");
    // One that goes while it is read is none.
    let entry = |item: &secret_service::blocking::Item<'_>| {
        let attributes = item.get_attributes().ok()?;
        assert_eq!(attributes["service"], "knowledge-focus.huozhong.in");
        let key = String::from_utf8(item.get_secret().ok()?).expect("a key is text");
        Some((attributes["username"].clone(), item.get_label().ok()?, key))
    };
    found.iter().filter_map(entry).collect()
}
