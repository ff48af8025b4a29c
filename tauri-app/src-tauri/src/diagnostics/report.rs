//! The text to paste: versions, states and the last lines of the logs.
//!
//! Of the logs only those that hold no content by construction: the shell's, the sidecar's own, and what uv says; and what
//! the window tells of a launch. The sidecar's stderr is in none of it, as libraries say there what they like.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::system::system;
use super::tail::Tail;
use crate::discretion::Discretion;

/// Of each log; lines are rarely longer than 500 bytes.
const TAIL: Tail = Tail { lines: 100, bytes: 128 * 1024 };
const LOGS: &[&str] = &["shell.log", "sidecar.log", "environment.log"];

/// What is told beside the logs.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) version: String,
    pub(crate) data_dir: &'a Path,
    pub(crate) logs: &'a Path,
    pub(crate) sidecar: Value,
    pub(crate) environment: Value,
    /// What the window tells of the launch, which is in no log.
    pub(crate) lines: Option<String>,
}

impl Circumstances<'_> {
    /// The whole text. Blocks on the disk.
    pub(crate) fn report(&self, discretion: &Discretion) -> String {
        let mut environment = self.environment.clone();
        // They are in their log.
        if let Some(members) = environment.as_object_mut() {
            members.remove("lines");
        }
        let mut sidecar = self.sidecar.clone();
        if let Some(details) = sidecar.pointer_mut("/error/details").and_then(Value::as_object_mut) {
            details.remove("stderr");
        }
        let mut report = format!(
            "Knowledge Focus {}\nSystem: {}\nData folder: {}\nSidecar: {sidecar}\nEnvironment: {environment}\n",
            self.version,
            system(),
            self.data_dir.display(),
        );
        for name in LOGS {
            let lines = TAIL.of(&self.logs.join(name)).unwrap_or_else(|error| vec![format!("({error})")]);
            let lines: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
            // Writing into a string does not fail.
            let _ = write!(report, "\n--- {name}\n{lines}");
        }
        if let Some(lines) = &self.lines {
            let _ = write!(report, "\n--- launch\n{lines}\n");
        }
        discretion.text(&report)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn report_of(folder: &Path, home: &Path) -> String {
        let circumstances = Circumstances {
            version: "1.2.3".into(),
            data_dir: &folder.join("data"),
            logs: folder,
            sidecar: json!({"state": "down", "error": {"details": {"exitCode": 1, "stderr": "what a library says"}}}),
            environment: json!({"state": "failed", "lines": ["a line"], "source": "https://me:secret@example.com/simple"}),
            lines: Some(format!(
                "import-asked {}/from a friend\ndownload-asked https://me:secret@hub/",
                home.display()
            )),
        };
        circumstances.report(&Discretion::about(Some(home.to_owned())))
    }

    #[test]
    fn a_report_tells_versions_states_and_the_last_lines_and_neither_home_nor_secrets() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = folder.path().to_str().expect("a plain path");
        let lines: String = (0..20_000).map(|number| format!("{name}/x {number} http://u:hush@h/\n")).collect();
        fs::write(folder.path().join("sidecar.log"), lines).expect("the disk has room");
        fs::write(folder.path().join("sidecar-stderr.log"), "what somebody wrote").expect("the disk has room");
        let report = report_of(folder.path(), folder.path());
        for told in [
            "1.2.3",
            "Data folder: ~/data\n",
            r#"Sidecar: {"error":{"details":{"exitCode":1}},"state":"down"}"#,
            r#""state":"failed""#,
            "https://example.com/simple",
            "--- launch\nimport-asked ~/from a friend\ndownload-asked https://hub/\n",
        ] {
            assert!(report.contains(told), "{told} is not in {report}");
        }
        assert!(report.contains("~/x 19900 http://h/\n") && report.contains("~/x 19999 "), "{report}");
        for left_out in [name, "~/x 19899 ", "secret", "hush", "somebody wrote", "a line", "a library says"] {
            assert!(!report.contains(left_out), "{left_out} is in {report}");
        }
    }

    #[test]
    fn a_report_can_be_made_where_there_are_no_logs() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let report = report_of(folder.path(), folder.path());
        assert!(report.contains("--- shell.log\n(No such file"), "{report}");
        assert!(report.contains(std::env::consts::ARCH), "{report}");
    }
}
