//! Asks a program of the system's, for a moment, and with nothing in its environment that is meant for this app.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Ordinarily it answers in some 10 ms.
const PATIENCE: Duration = Duration::from_secs(1);

/// It did not answer in time. It is not asked again in this run, as each start of a program would wait for it.
static SILENT: AtomicBool = AtomicBool::new(false);

/// All that it gets: who and where the person is, and where their settings are. An allow-list: libraries, modules and
/// schemas that somebody has this app load (`LD_PRELOAD`, `GIO_EXTRA_MODULES`, `GSETTINGS_SCHEMA_DIR`) are not its own.
const KEPT: &[&str] = &[
    "HOME",
    "LOGNAME",
    "USER",
    "PATH",
    "DBUS_SESSION_BUS_ADDRESS",
    "DCONF_PROFILE",
    "GSETTINGS_BACKEND",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];

/// What `program` says; `None` where there is none, or it does not answer.
pub(super) fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    if SILENT.load(Ordering::Relaxed) {
        return None;
    }
    let kept = KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(kept);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    output_in_time(command.spawn().ok()?)
}

fn output_in_time(child: Child) -> Option<String> {
    let process = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(output) => output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            tracing::warn!("the system does not tell its proxy, which is not used in this run");
            SILENT.store(true, Ordering::Relaxed);
            // Fails when it has ended by itself in this moment.
            let _ = kill_process(process, Signal::KILL);
            None
        }
    }
}
