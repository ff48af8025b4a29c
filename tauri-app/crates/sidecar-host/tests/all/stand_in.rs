//! A program in the sidecar's place that shakes hands and then does what the real one does only by accident.

use std::path::{Path, PathBuf};

use crate::common::launch;
use sidecar_host::Launch;

/// Shakes hands, then runs the code it is given for each request; `note` writes a line to its diary.
const PROGRAM: &str = r#"
import json, os, sys

def say(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

def note(line):
    with open(sys.argv[2], "a") as diary:
        diary.write(line + "\n")

first = json.loads(sys.stdin.readline())
say(id=first["id"], result={"protocolVersion": 1, "dataDir": "", "pid": os.getpid(), "methods": []})
for line in sys.stdin:
    request = json.loads(line)
    exec(sys.argv[1])
"#;

/// What it noted is in the file `diary` of the data folder.
pub(crate) fn stand_in(data: &Path, code: &str) -> Launch {
    let mut launch = launch(data);
    launch.arguments = ["-c", PROGRAM, code].map(Into::into).into();
    launch.arguments.push(diary(data).into());
    launch
}

/// The lines that it noted.
pub(crate) fn noted(data: &Path) -> Vec<String> {
    std::fs::read_to_string(diary(data)).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn diary(data: &Path) -> PathBuf {
    data.join("diary")
}
