//! The file to attach: versions, states, settings, and what of the logs may be told.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::journal::Words;
use super::system;
use super::tail::Tail;

const TAIL: Tail = Tail { lines: 5000, bytes: 2 * 1024 * 1024 };
/// Not what uv and libraries say: they say what they like.
const LOGS: &[&str] = &["shell.log", "sidecar.log"];

/// All that goes into it beside the logs.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) version: String,
    pub(crate) web_view: Option<String>,
    pub(crate) logs: PathBuf,
    /// Where the app's own Python environment is, if it has made one.
    pub(crate) python: PathBuf,
    /// Whether the data folder is where it usually is.
    pub(crate) usual_folder: bool,
    /// What the shell shows of the two; of it what is a word or a number.
    pub(crate) sidecar: Value,
    pub(crate) environment: Value,
    /// Choices of the person that name nothing of theirs.
    pub(crate) choices: Value,
    /// See [`super::asked`].
    pub(crate) asked: Value,
}

impl Archive {
    /// Writes it in the place of what `path` held: whole, for its owner alone, or not at all. Blocks on the disk.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        // It has mode 0600, and goes if it does not become the file.
        let mut file = NamedTempFile::with_prefix_in(".knowledge-focus-", folder)?;
        self.fill(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn fill(&self, file: &mut File) -> io::Result<()> {
        let words = Words::of_contract()?;
        let mut zip = ZipWriter::new(file);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file("about.json", options)?;
        zip.write_all(&serde_json::to_vec_pretty(&self.about(&words))?)?;
        for name in LOGS {
            zip.start_file(*name, options)?;
            // A log that is not there has nothing to tell.
            for line in TAIL.of(&self.logs.join(name)).unwrap_or_default() {
                if let Some(told) = words.told_of(&line) {
                    writeln!(zip, "{told}")?;
                }
            }
        }
        zip.finish()?;
        Ok(())
    }

    fn about(&self, words: &Words) -> Value {
        let state = |of: &Value| {
            let word = |value: &Value| value.as_str().filter(|text| words.has(text)).map(str::to_owned);
            let details = &of["error"]["details"];
            json!({
                "state": word(&of["state"]),
                "error": word(&of["error"]["kind"]),
                "exitCode": details["exitCode"].as_i64(),
                "signal": details["signal"].as_i64(),
                "own": of["own"].as_bool(),
                "bytes": of["bytes"].as_u64(),
            })
        };
        json!({
            "versions": {
                "app": self.version,
                "system": system::system(),
                "webView": self.web_view,
                "python": system::packages(&self.python),
            },
            "dataFolder": if self.usual_folder { "usual" } else { "chosen" },
            "sidecar": state(&self.sidecar),
            "environment": state(&self.environment),
            "choices": self.choices,
            "asked": self.asked,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn archive(logs: &Path) -> Archive {
        Archive {
            version: "1.2.3".into(),
            web_view: None,
            logs: logs.to_owned(),
            python: logs.join("python"),
            usual_folder: false,
            sidecar: json!({
                "state": "down",
                "error": {"kind": "start_refused", "message": "ann", "details": {"exitCode": 64, "stderr": "/home/ann"}},
            }),
            environment: json!({"state": "ready", "own": true, "lines": ["/home/ann"], "source": "https://ann@h/"}),
            choices: json!({"language": "en"}),
            asked: json!({}),
        }
    }

    fn content(path: &Path) -> Vec<(String, String)> {
        let mut zip = zip::ZipArchive::new(File::open(path).expect("the file")).expect("a ZIP");
        let mut read = |index| {
            let mut file = zip.by_index(index).expect("an entry");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("text");
            (file.name().expect("a name").into_owned(), text)
        };
        (0..3).map(&mut read).collect()
    }

    #[test]
    fn it_tells_states_and_our_own_lines_and_nothing_of_the_person() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ours = json!({"time": "2026-11-27T03:00:00.123Z", "level": "info", "logger": "sidecar", "event": "started", "message": "started by ann"});
        fs::write(folder.path().join("sidecar.log"), format!("{ours}\n/home/ann/thesis.pdf\n")).expect("room");
        fs::write(folder.path().join("environment.log"), "/home/ann").expect("room");
        fs::create_dir_all(folder.path().join("python/lib/python3.12/site-packages/mlx-0.32.4.dist-info"))
            .expect("room");
        let path = folder.path().join("report.zip");
        archive(folder.path()).write(&path).expect("room");
        let files = content(&path);
        assert_eq!(
            files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["about.json", "shell.log", "sidecar.log"]
        );
        let about: Value = serde_json::from_str(&files[0].1).expect("JSON");
        assert_eq!(about["versions"]["app"], "1.2.3");
        assert_eq!(about["versions"]["python"], json!(["mlx-0.32.4", "python3.12"]));
        assert_eq!((&about["sidecar"]["error"], &about["sidecar"]["exitCode"]), (&json!("start_refused"), &json!(64)));
        assert_eq!(about["environment"]["state"], "ready");
        assert!(files[2].1.contains(r#""event":"started""#), "{files:?}");
        for (name, text) in files {
            assert!(!text.contains("ann") && !text.contains("thesis"), "{name}: {text}");
        }
    }

    #[test]
    fn it_is_its_owners_alone_and_takes_the_place_of_a_link_and_not_of_what_that_leads_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (theirs, path) = (folder.path().join("theirs"), folder.path().join("report.zip"));
        fs::write(&theirs, "theirs").expect("room");
        symlink(&theirs, &path).expect("a link");
        archive(folder.path()).write(&path).expect("room");
        let metadata = fs::symlink_metadata(&path).expect("it is there");
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&theirs).expect("it is there"), b"theirs");
    }

    #[test]
    fn one_that_cannot_be_written_leaves_what_was_there_and_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("report.zip");
        fs::create_dir(&path).expect("room");
        archive(folder.path()).write(&path).expect_err("a folder is in the way");
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
        archive(folder.path()).write(&folder.path().join("missing/report.zip")).expect_err("no such folder");
    }
}
