//! A bundle of two tiny packages, the real uv, and servers of every bad kind.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use python_environment::{Event, Mirrors, Recipe, Stage, Times};
use sidecar_host::{Launch, RpcError};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Bound of every wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// Short enough for a test, where no server is meant to answer.
pub(crate) const IMPATIENT: Times = Times { slow: PATIENCE, request: Duration::from_secs(1), retries: 0 };

pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).expect("the crate lies in a checkout")
}

/// The one that `./just` runs on.
fn uv() -> PathBuf {
    let own = checkout().join(".tools/uv/bin/uv");
    let named = std::env::var_os("UV").map(PathBuf::from);
    named.or_else(|| own.is_file().then_some(own)).unwrap_or_else(|| "uv".into())
}

/// A bundle and a data folder.
pub(crate) struct Tiny {
    folder: TempDir,
}

impl Tiny {
    pub(crate) fn new() -> Self {
        // As people's folders are.
        let folder = tempfile::Builder::new().prefix("知识 焦点 ").tempdir().expect("a temporary folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/tiny_bundle.py");
        let made = Command::new(python()).arg(script).arg(folder.path()).output().expect("python starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// From the network.
    pub(crate) fn slim(&self) -> Recipe {
        slim(self.folder.path())
    }

    /// With all wheels.
    pub(crate) fn full(&self) -> Recipe {
        Recipe { wheels: Some(self.path("wheels")), ..self.slim() }
    }

    /// The real uv, and the file that has what it was asked, a line for each time.
    pub(crate) fn recorded_uv(&self) -> (PathBuf, PathBuf) {
        let (program, asked) = (self.path("recorded-uv"), self.path("asked"));
        let script = format!("#!/bin/sh\necho \"$*\" >>'{}'\nexec '{}' \"$@\"\n", asked.display(), uv().display());
        fs::write(&program, script).expect("the disk has room");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
        (program, asked)
    }

    /// uv finds the environment of `python` to be what the lock says.
    pub(crate) fn assert_in_sync(&self, python: &Path) {
        let output = Command::new(uv())
            .args(["sync", "--check", "--frozen", "--no-dev", "--offline", "--no-config"])
            .current_dir(self.path("project"))
            .env("UV_PROJECT_ENVIRONMENT", python.ancestors().nth(2).expect("the environment"))
            .output()
            .expect("uv starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The finished environment's sidecar says what it runs on.
    fn run_sidecar(&self, python: &Path) -> Output {
        let Launch { program, arguments, directory, environment, .. } =
            Launch::in_environment(python, &self.data(), None);
        Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(environment)
            .output()
            .expect("the interpreter starts")
    }

    pub(crate) fn assert_works(&self, python: &Path) {
        let output = self.run_sidecar(python);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, "sidecar on 1.0 2.0 isolated 1 utf8 1\n", "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// From the network, with the interpreter of this checkout; of the bundle in `folder`.
pub(crate) fn slim(folder: &Path) -> Recipe {
    let python = python().into_os_string().into_string().expect("a checkout with a plain path");
    Recipe { python: Some(python), ..Recipe::new(uv(), folder.join("project"), &folder.join("data")) }
}

/// The checkout's interpreter.
fn python() -> PathBuf {
    checkout().join(".venv/bin/python")
}

/// How a stage went.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) events: Vec<Event>,
}

impl Course {
    pub(crate) async fn of(recipe: Recipe, mirrors: Mirrors, times: Times) -> Self {
        let stage = Stage::start(recipe, mirrors, times);
        Self::rest(stage).await
    }

    pub(crate) async fn usual(recipe: Recipe) -> Self {
        Self::of(recipe, Mirrors::default(), Times::default()).await
    }

    pub(crate) async fn rest(mut stage: Stage) -> Self {
        let mut events = Vec::new();
        while let Some(event) = soon("the stage", stage.next()).await {
            events.push(event);
        }
        Self { events }
    }

    #[track_caller]
    pub(crate) fn python(&self) -> &Path {
        match self.events.last() {
            Some(Event::Ready { python }) => python,
            _ => panic!("{:#?}", self.events),
        }
    }

    #[track_caller]
    pub(crate) fn error(&self) -> &RpcError {
        match self.events.last() {
            Some(Event::Failed(error)) => error,
            _ => panic!("{:#?}", self.events),
        }
    }

    pub(crate) fn synced(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Syncing { .. }))
    }
}

/// A server that takes connections and never says a word.
pub(crate) struct Silent {
    listener: TcpListener,
}

impl Silent {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    pub(crate) fn url(&self) -> String {
        url(&self.listener)
    }

    /// The first who came.
    pub(crate) async fn visitor(&self) -> TcpStream {
        soon("somebody to come", self.listener.accept()).await.expect("a connection").0
    }
}

/// Waits until whoever holds the other end of `connection` has closed it, or is dead.
pub(crate) async fn until_closed(mut connection: TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end like any other.
    let _ = soon("the other end to close", connection.read_to_end(&mut rest)).await;
}

/// A package index (PEP 503) over the wheels in `folder`. Serves as long as the runtime runs.
pub(crate) async fn index(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = url(&listener);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, folder.clone()));
        }
    });
    address
}

/// An address where nobody listens.
pub(crate) async fn closed() -> String {
    url(&TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
}

fn url(listener: &TcpListener) -> String {
    format!("http://{}/simple", listener.local_addr().expect("it is bound"))
}

async fn answer(mut connection: TcpStream, wheels: PathBuf) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            // A TLS handshake begins with 22; a server without TLS answers that it does not understand.
            Ok(22) => request.extend(b"GET /bad HTTP/1.1\r\n\r\n"),
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, content) = match content(path, &wheels) {
        Some(content) => ("200 OK", content),
        None => ("404 Not Found", b"<html>no such page</html>".to_vec()),
    };
    let kind = if path.ends_with(".whl") { "application/octet-stream" } else { "text/html" };
    let length = content.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = connection.write_all(&[head.as_bytes(), &content].concat()).await;
}

fn content(path: &str, wheels: &Path) -> Option<Vec<u8>> {
    let rest = path.strip_prefix("/simple/")?;
    let (name, file) = rest.split_once('/')?;
    if !file.is_empty() {
        return fs::read(wheels.join(file)).ok();
    }
    let names = fs::read_dir(wheels).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let links: String = names
        .filter(|wheel| wheel.split('-').next() == Some(name))
        .map(|wheel| format!("<a href=\"{wheel}\">{wheel}</a>\n"))
        .collect();
    (!links.is_empty()).then(|| links.into_bytes())
}

/// Runs an ignored test of this program in namespaces of its own, where `first` (a shell script) was run. Does nothing
/// where the system allows no namespaces.
pub(crate) fn in_namespace(kind: &str, first: &str, test: &str) {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", kind, "sh", "-euc", script, "sh"]);
        command
    };
    if !unshare(first).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system allows no namespaces");
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let arguments = [program.as_os_str(), OsStr::new("--ignored"), OsStr::new("--exact"), OsStr::new(test)];
    let output = unshare(&format!("{first}\nexec \"$@\"")).args(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
