//! A process group: spawn, wait, and the ladder that ends it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::launch::Launch;

/// How long each rung of the shutdown ladder waits.
pub const GRACE: Duration = Duration::from_secs(2);

/// How a process ended: by its own code or by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

/// The leader of a process group of its own. Dropping it kills the group.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// `None` once the leader was reaped: its number may belong to somebody else then.
    group: Option<Pid>,
}

/// The three pipes to a new process.
#[derive(Debug)]
pub struct Pipes {
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

impl Process {
    /// Starts it. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The program or the folder is missing, or the system has no room for a process.
    pub fn spawn(launch: &Launch) -> io::Result<(Self, Pipes)> {
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.directory)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl+C in the terminal is for the shell, which then ends its children in order.
            .process_group(0)
            .spawn()?;
        let missing = || io::Error::other("a pipe of the new process is missing");
        let pipes = Pipes {
            stdin: child.stdin.take().ok_or_else(missing)?,
            stdout: child.stdout.take().ok_or_else(missing)?,
            stderr: child.stderr.take().ok_or_else(missing)?,
        };
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok((Self { child, group }, pipes))
    }

    /// `None` once the leader was reaped.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the leader has ended, then kills what is left of its group. Cancel safe.
    pub async fn wait(&mut self) -> Exit {
        let status = self.child.wait().await;
        // Members that outlive the leader keep the group's number from being used again, so this
        // reaches them or nobody.
        self.signal(Signal::KILL);
        self.group = None;
        status.map_or(Exit { code: None, signal: None }, Exit::from)
    }

    /// The ladder, after stdin was closed: wait, SIGTERM, wait, SIGKILL. Each wait is `grace` long.
    pub async fn end(&mut self, grace: Duration) -> Exit {
        if let Ok(exit) = timeout(grace, self.wait()).await {
            return exit;
        }
        self.signal(Signal::TERM);
        if let Ok(exit) = timeout(grace, self.wait()).await {
            return exit;
        }
        tracing::warn!("a process ignored the end of its stdin and SIGTERM: killing it");
        self.kill().await
    }

    /// Ends one that does not answer, at once.
    pub async fn kill(&mut self) -> Exit {
        self.signal(Signal::KILL);
        self.wait().await
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Fails when the whole group is gone, which is what a signal is for.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> (Process, Pipes) {
        let launch = Launch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            directory: "/".into(),
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())],
            logs: std::env::temp_dir(),
        };
        Process::spawn(&launch).expect("/bin/sh starts")
    }

    const SHORT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_process_that_reads_its_stdin_leaves_when_it_closes() {
        let (mut process, pipes) = shell("cat; exit 7");
        drop(pipes.stdin);
        assert_eq!(process.end(GRACE).await, Exit { code: Some(7), signal: None });
    }

    #[tokio::test]
    async fn a_process_that_ignores_its_stdin_gets_sigterm_with_its_children() {
        let (mut process, pipes) = shell("sleep 1000 & wait");
        drop(pipes.stdin);
        assert_eq!(process.end(SHORT).await.signal, Some(15));
        assert_ends(pipes.stdout).await;
    }

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed_with_its_children() {
        let (mut process, pipes) = shell("trap '' TERM; (trap '' TERM; sleep 1000) & while :; do sleep 1000; done");
        drop(pipes.stdin);
        let start = Instant::now();
        assert_eq!(process.end(SHORT).await.signal, Some(9));
        assert!(start.elapsed() >= 2 * SHORT, "it was given both waits");
        assert_ends(pipes.stdout).await;
    }

    #[tokio::test]
    async fn children_do_not_outlive_a_leader_that_leaves_by_itself() {
        let (mut process, pipes) = shell("sleep 1000 & exit 0");
        assert_eq!(process.wait().await.code, Some(0));
        assert_ends(pipes.stdout).await;
    }

    /// Every member of the group holds the stdout it inherited: it ends when the last one is gone.
    async fn assert_ends(mut stdout: ChildStdout) {
        let mut rest = Vec::new();
        let end = timeout(GRACE, tokio::io::AsyncReadExt::read_to_end(&mut stdout, &mut rest)).await;
        assert!(end.is_ok(), "a child outlived its group's leader");
    }
}
