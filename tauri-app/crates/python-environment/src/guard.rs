//! A child that ends with this process, however this process ends.

use std::ffi::OsString;

use sidecar_host::Launch;

/// The sidecar notices by itself that its stdin ends; uv does not. So a shell watches stdin in its place and kills the
/// whole process group when it ends: when this process closes it, or dies of whatever cause. What is run gets no stdin,
/// and says all it says on stdout. The first lines of stdin are a configuration for uv, which it reads as the file
/// `/dev/fd/9`: there is no argument, variable or name of a file by which others could come to it.
const SCRIPT: &str = r#"
exec 2>&1 3<&0 </dev/null
IFS= read -r first <&3
IFS= read -r second <&3
IFS= read -r third <&3
(read -r _ <&3; kill -KILL 0) &
exec 3<&-
"$@" 9<<CONFIGURATION
$first
$second
$third
CONFIGURATION
"#;
/// Where the configuration is, as the command sees it.
pub(crate) const CONFIGURATION: &str = "/dev/fd/9";

/// `launch`, run under guard: its stdin wants the three lines of a configuration first, which may be empty.
pub(crate) fn guarded(launch: Launch) -> Launch {
    let shell: [OsString; 3] = ["-c".into(), SCRIPT.into(), "guard".into()];
    let command = [launch.program.into_os_string()];
    let arguments = shell.into_iter().chain(command).chain(launch.arguments).collect();
    Launch { program: "/bin/sh".into(), arguments, ..launch }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use sidecar_host::Process;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_configuration_is_read_by_the_command_and_seen_by_nobody_else() {
        let look = "cat /dev/fd/9; cat /proc/$$/environ /proc/$PPID/environ /proc/$PPID/cmdline | tr '\\0' '\\n'";
        let launch = Launch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), look.into()],
            directory: "/".into(),
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())],
            logs: std::env::temp_dir(),
        };
        let (mut process, mut pipes) = Process::spawn(&guarded(launch)).expect("/bin/sh starts");
        let configuration = "http-proxy = \"http://ann:$HOME\\\\`x`@h\"\n\nno-proxy = [\"x\"]\n";
        pipes.stdin.write_all(configuration.as_bytes()).await.expect("the guard reads it");
        assert_eq!(process.wait().await.code, Some(0));
        drop(pipes.stdin); // or whoever watches it keeps the other pipe open, too
        let mut said = String::new();
        pipes.stdout.read_to_string(&mut said).await.expect("text");
        let others = said.strip_prefix(configuration).unwrap_or_else(|| panic!("{said}"));
        assert!(others.contains("PATH=") && !others.contains("ann:"), "{others}");
    }
}
