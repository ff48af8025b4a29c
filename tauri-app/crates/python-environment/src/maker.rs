//! The steps of one attempt: check, make, put on the disk, mark.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use sidecar_host::{GRACE, Launch, LogFile, Process, RpcError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};

use crate::address::Address;
use crate::failure::{self, Origin, cancelled, on_disk};
use crate::flush::flush;
use crate::guard::guarded;
use crate::network::has_route;
use crate::output::{Lines, Tail};
use crate::patience::{self, Patience};
use crate::proxy::{self, Configuration};
use crate::recipe::Recipe;
use crate::site;
use crate::stage::{Event, Trust};
use crate::stamp::{Found, Stamp, interpreter};
use crate::uv::Uv;

/// Where the addresses in `uv.lock` come from.
const PYPI: &str = "https://pypi.org/simple";
/// What a shell answers when the program it should run cannot be run.
const CANNOT_RUN: [Option<i32>; 2] = [Some(126), Some(127)];

/// Makes one environment, and says how it goes.
pub(crate) struct Maker {
    uv: Arc<Uv>,
    events: mpsc::Sender<Event>,
    /// True, or gone with its [`crate::Stage`].
    cancelled: watch::Receiver<bool>,
    log: Option<LogFile>,
    tail: Tail,
}

impl Maker {
    pub(crate) fn new(uv: Uv, events: mpsc::Sender<Event>, cancelled: watch::Receiver<bool>) -> Self {
        let log = LogFile::open(&uv.recipe.logs, "environment.log")
            .inspect_err(|error| tracing::warn!(%error, "what uv says is not kept in a file"))
            .ok();
        Self { uv: Arc::new(uv), events, cancelled, log, tail: Tail::default() }
    }

    pub(crate) async fn run(mut self) {
        let last = match self.make().await {
            Ok(python) => Event::Ready { python },
            Err(error) => {
                tracing::warn!(%error, "the Python environment is not there");
                Event::Failed(error)
            }
        };
        self.tell(last).await;
    }

    async fn make(&mut self) -> Result<PathBuf, RpcError> {
        self.tell(Event::Checking).await;
        let version = self.version().await?;
        let python = interpreter(&self.uv.recipe.target);
        let found = self.on_disk("the environment cannot be read", find(&version)).await?;
        match found {
            Found::Finished => return Ok(python),
            Found::Foreign => {
                return Err(failure::foreign(&self.uv.recipe.target));
            }
            Found::Nothing | Found::Unfinished => {}
        }
        self.on_disk("the environment's folder cannot be made", begin).await?;
        let event = self.on_disk("the bundle cannot be read", |uv| Ok(announcement(uv))).await?;
        self.tell(event).await;
        self.watch(self.uv.venv(), true).await?;
        for launch in self.uv.installation() {
            self.watch(launch, true).await?;
        }
        let recipe = self.uv.recipe.clone();
        let flushed = tokio::task::spawn_blocking(move || {
            flush(&recipe.target)?;
            // None were fetched, if there is no such folder.
            if recipe.interpreters.exists() { flush(&recipe.interpreters) } else { Ok(()) }
        });
        self.wait_for_disk("the environment cannot be put on the disk", flushed).await?;
        self.on_disk("the environment cannot be marked as finished", finish(version)).await?;
        Ok(python)
    }

    async fn version(&mut self) -> Result<String, RpcError> {
        self.watch(self.uv.version(), false).await?;
        Ok(self.tail.lines().last().unwrap_or_default().to_owned())
    }

    /// Runs one command to its end, or to that of the stage; `aloud` tells what it says.
    async fn watch(&mut self, launch: Launch, aloud: bool) -> Result<(), RpcError> {
        let (mut process, pipes) =
            Process::spawn(&guarded(launch)).map_err(|error| on_disk("uv cannot be started", &error))?;
        // Closing it ends the command, see `guard`.
        let (mut lifeline, mut stdout) = (pipes.stdin, pipes.stdout);
        let configuration = self.uv.proxies();
        let lines = configuration.as_ref().map_or(proxy::NOTHING, Configuration::lines);
        // If nobody reads them, the command has ended, and its exit says why.
        let _ = lifeline.write_all(lines.as_bytes()).await;
        let (mut lines, mut chunk) = (Lines::default(), vec![0; 16 * 1024]);
        let mut patience = Patience::new(Arc::clone(&self.uv));
        let mut exit = None;
        loop {
            let said = tokio::select! {
                said = stdout.read(&mut chunk) => said.unwrap_or(0),
                left = process.wait(), if exit.is_none() => {
                    exit = Some(left);
                    continue;
                }
                event = patience.event() => {
                    self.tell(event).await;
                    continue;
                }
                () = is_set(&mut self.cancelled) => {
                    drop(lifeline);
                    process.end(GRACE).await;
                    return Err(cancelled());
                }
            };
            patience.begins_anew();
            let whole = lines.push(&chunk[..said]);
            let rest = if said == 0 { lines.finish() } else { None };
            for line in whole.into_iter().chain(rest) {
                self.note(&line);
                if aloud {
                    self.tell(Event::Line(line)).await;
                }
            }
            if said == 0 {
                break;
            }
        }
        let exit = match exit {
            Some(exit) => exit,
            None => process.wait().await,
        };
        match exit.code {
            Some(0) => Ok(()),
            code => Err(self.failure(CANNOT_RUN.contains(&code))),
        }
    }

    fn failure(&self, cannot_run: bool) -> RpcError {
        if cannot_run {
            return failure::no_uv(&self.tail);
        }
        let origin = if self.uv.wheels().is_some() { Origin::Bundle } else { Origin::Network };
        failure::classify(&self.tail, origin, has_route)
    }

    fn note(&mut self, line: &str) {
        // A full disk must not stop the stage; without the file the window still shows the lines.
        if self.log.as_mut().is_some_and(|log| writeln!(log, "{line}").is_err()) {
            self.log = None;
        }
        self.tail.push(line.to_owned());
    }

    async fn tell(&self, event: Event) {
        // Fails when the stage was dropped, which cancels this.
        let _ = self.events.send(event).await;
    }

    /// Waits for `work`, which changes nothing, so that it can be left alone with a disk that hangs when the stage is cancelled.
    async fn wait_for_disk(
        &mut self,
        what: &'static str,
        mut work: JoinHandle<io::Result<()>>,
    ) -> Result<(), RpcError> {
        let mut patience = Patience::new(Arc::clone(&self.uv));
        loop {
            tokio::select! {
                done = &mut work => return said(what, done),
                event = patience.event() => self.tell(event).await,
                () = is_set(&mut self.cancelled) => return Err(cancelled()),
            }
        }
    }

    /// Runs what waits for the disk where it holds up nobody; fails if the stage was cancelled meanwhile.
    async fn on_disk<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Uv) -> io::Result<T> + Send + 'static,
    ) -> Result<T, RpcError> {
        let uv = Arc::clone(&self.uv);
        let done = tokio::task::spawn_blocking(move || work(&uv)).await;
        if *self.cancelled.borrow() || self.cancelled.has_changed().is_err() {
            return Err(cancelled());
        }
        said(what, done)
    }
}

/// What came of work on the disk.
fn said<T>(what: &str, done: Result<io::Result<T>, JoinError>) -> Result<T, RpcError> {
    done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| on_disk(what, &error))
}

/// Looks at what is there; a finished environment is ready to be used afterwards.
fn find(version: &str) -> impl FnOnce(&Uv) -> io::Result<Found> + Send + 'static {
    let version = version.to_owned();
    move |uv| {
        let recipe = &uv.recipe;
        let expected = Stamp::of(&recipe.project, &version, recipe.python.as_deref(), &recipe.target);
        let found = Stamp::find(&recipe.target, &expected);
        if found != Found::Finished {
            return Ok(found);
        }
        let packages = site::packages(&recipe.target)?;
        let trusted = match uv.trust {
            Trust::Stamp => true,
            Trust::Records => site::is_whole(&packages)?,
            Trust::Nothing => false,
        };
        if !trusted {
            return Ok(Found::Unfinished);
        }
        site::open_to(&packages, &recipe.project)?;
        Ok(found)
    }
}

fn begin(uv: &Uv) -> io::Result<()> {
    let Recipe { target, cache, interpreters, .. } = &uv.recipe;
    Stamp::begin(target)?;
    if uv.trust == Trust::Nothing {
        for fetched in [cache, interpreters] {
            if fetched.exists() {
                fs::remove_dir_all(fetched)?;
            }
        }
    }
    // uv's temporary files go there, too.
    fs::create_dir_all(cache)
}

fn finish(version: String) -> impl FnOnce(&Uv) -> io::Result<()> + Send + 'static {
    move |uv| {
        let recipe = &uv.recipe;
        site::open_to(&site::packages(&recipe.target)?, &recipe.project)?;
        let stamp = Stamp::of(&recipe.project, &version, recipe.python.as_deref(), &recipe.target)?;
        stamp.write(&recipe.target)
    }
}

/// What will be installed, and from where.
fn announcement(uv: &Uv) -> Event {
    let Some(wheels) = uv.wheels() else {
        let source = uv.mirrors.index.as_ref().map_or(PYPI.to_owned(), Address::to_string);
        return Event::Syncing { source: Some(source), bytes: uv.recipe.download_bytes };
    };
    Event::Syncing { source: None, bytes: Some(patience::size(std::slice::from_ref(wheels)).0) }
}

/// Waits for true, or for the end of whoever could say it. Cancel safe.
async fn is_set(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|set| *set).await;
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as threads;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::recipe::Mirrors;
    use crate::stage::Times;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_disk_that_hangs_is_called_slow_and_left_alone_by_a_cancel() {
        let (events, mut told) = mpsc::channel(1);
        let (cancel, cancelled) = watch::channel(false);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recipe = Recipe::new("uv", folder.path(), folder.path());
        let times = Times { slow: Duration::from_millis(10), ..Times::default() };
        let uv = Uv { recipe, mirrors: Mirrors::default(), times, trust: Trust::Stamp };
        let mut maker = Maker::new(uv, events, cancelled);
        let (disk, answers) = threads::channel::<()>();
        let hanging = tokio::task::spawn_blocking(move || answers.recv().map_err(io::Error::other));
        let waiting = tokio::spawn(async move { maker.wait_for_disk("the disk hangs", hanging).await });
        let first = timeout(PATIENCE, told.recv()).await.expect("in time");
        assert!(matches!(first, Some(Event::Slow)), "{first:?}");
        cancel.send_replace(true);
        let error =
            timeout(PATIENCE, waiting).await.expect("in time").expect("no panic").expect_err("it was cancelled");
        assert_eq!(error.kind, "request_cancelled");
        drop(disk);
    }
}
