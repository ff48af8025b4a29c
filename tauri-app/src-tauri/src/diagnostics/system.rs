//! Versions of what the app runs on.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Name, version and kind of machine.
pub(super) fn system() -> String {
    let kernel = rustix::system::uname();
    let name = if cfg!(target_os = "macos") { macos_version() } else { linux_name() };
    let (system, release, machine) = (kernel.sysname(), kernel.release(), kernel.machine());
    let kernel = format!("{} {} {}", system.to_string_lossy(), release.to_string_lossy(), machine.to_string_lossy());
    name.map_or(kernel.clone(), |name| format!("{name} ({kernel})"))
}

fn linux_name() -> Option<String> {
    let about = fs::read_to_string("/etc/os-release").ok()?;
    let name = about.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

fn macos_version() -> Option<String> {
    let said = Command::new("/usr/bin/sw_vers").arg("-productVersion").output().ok()?;
    Some(format!("macOS {}", String::from_utf8_lossy(&said.stdout).trim()))
}

/// Of the Python environment at `environment`, as far as it is there: packages by the folders in which their names and
/// versions lie (`mlx-0.32.4.dist-info`).
pub(super) fn packages(environment: &Path) -> Vec<String> {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    let libraries = environment.join("lib");
    let pythons = names(&libraries);
    let found = pythons.iter().flat_map(|python| names(&libraries.join(python).join("site-packages")));
    let mut found: Vec<_> = found.filter_map(|name| name.strip_suffix(".dist-info").map(str::to_owned)).collect();
    found.extend(pythons);
    found.sort();
    found
}
