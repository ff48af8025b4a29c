//! A child that ends with this process, however this process ends.

use std::ffi::OsString;

use sidecar_host::Launch;

/// The sidecar notices by itself that its stdin ends; uv does not. So a shell watches stdin in its place and kills the
/// whole process group when it ends: when this process closes it, or dies of whatever cause. What is run gets no stdin,
/// and says all it says on stdout.
const SCRIPT: &str = r#"
exec 2>&1 3<&0 </dev/null
(read -r _ <&3; kill -KILL 0) &
exec 3<&-
"$@"
"#;

/// `launch`, run under guard.
pub(crate) fn guarded(launch: Launch) -> Launch {
    let shell: [OsString; 3] = ["-c".into(), SCRIPT.into(), "guard".into()];
    let command = [launch.program.into_os_string()];
    let arguments = shell.into_iter().chain(command).chain(launch.arguments).collect();
    Launch { program: "/bin/sh".into(), arguments, ..launch }
}
