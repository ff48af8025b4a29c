//! Connections, how many there may be, and the end of all.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sidecar_host::Supervisor;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::body::Room;
use crate::connection;
use crate::held_up::HeldUp;
use crate::listener::{Listen, ListenError, Listener, Stream};
use crate::origin::Origin;
use crate::patience::Patience;
use crate::routes::{Sharing, router};
use crate::token::CurrentToken;
use crate::turn::Turns;

/// Connections that are served at once.
pub const MOST_CONNECTIONS: usize = 64;
/// Further ones that are told so at once; all others wait in the system's queue.
const MOST_REFUSALS: usize = 64;
/// How long requests under way may go on when the proxy is stopped.
const GRACE: Duration = Duration::from_secs(2);
/// How long nothing is accepted after the system could not: it has no file left, as a rule.
const BREATHER: Duration = Duration::from_millis(100);

/// What a proxy is made of.
#[derive(Debug)]
pub struct Options {
    pub listen: Listen,
    pub token: CurrentToken,
    /// Of web pages that may ask; none by default.
    pub origins: Vec<Origin>,
    pub patience: Patience,
    pub held_up: HeldUp,
}

/// A proxy that listens. Dropping it ends all that it serves at once.
#[derive(Debug)]
pub struct Proxy {
    port: Option<u16>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Listens, and serves what `supervisor` answers.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub async fn start(options: Options, supervisor: Arc<Supervisor>) -> Result<Self, ListenError> {
        let listener = Listener::bind(&options.listen).await?;
        let port = listener.port();
        let Options { token, origins, patience, held_up, .. } = options;
        let sharing = Sharing { supervisor, token, turns: Turns::default(), room: Room::default(), patience, held_up };
        let (stop, stopped) = watch::channel(false);
        let router = router(Arc::new(sharing), origins);
        let serving = tokio::spawn(serve(listener, router, patience, stopped));
        Ok(Self { port, stop, serving })
    }

    /// The port of 127.0.0.1 that it listens at; none if that is a socket.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Listens no more, lets what is under way end for two seconds, and cancels the rest.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // It fails only if it panicked, and serves nobody then either.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: Listener, router: Router, patience: Patience, mut stop: watch::Receiver<bool>) {
    let doors = Doors::default();
    // Dropped with this task, it ends them all.
    let mut connections = JoinSet::new();
    let stopped = stop.clone();
    loop {
        let come = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            come = doors.next(&listener) => come,
            Some(_) = connections.join_next() => continue,
        };
        match come {
            Ok((stream, Door::Served(place))) => {
                let (router, stopped) = (router.clone(), stopped.clone());
                connections.spawn(async move {
                    connection::serve(stream, router, patience, stopped).await;
                    drop(place);
                });
            }
            Ok((stream, Door::Refused(place))) => {
                connections.spawn(async move {
                    connection::refuse(stream).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(BREATHER).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, ended).await.is_err() {
        tracing::info!("requests of other programs were cancelled: the proxy stops");
    }
}

/// The places for connections.
struct Doors {
    served: Arc<Semaphore>,
    refused: Arc<Semaphore>,
}

/// Which place a connection has.
enum Door {
    Served(OwnedSemaphorePermit),
    Refused(OwnedSemaphorePermit),
}

impl Default for Doors {
    fn default() -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self { served: places(MOST_CONNECTIONS), refused: places(MOST_REFUSALS) }
    }
}

impl Doors {
    /// The next connection, as soon as there is any place for it.
    async fn next(&self, listener: &Listener) -> std::io::Result<(Stream, Door)> {
        let (served, refused) = (Arc::clone(&self.served), Arc::clone(&self.refused));
        let mut door = tokio::select! {
            biased;
            Ok(place) = served.acquire_owned() => Door::Served(place),
            Ok(place) = refused.acquire_owned() => Door::Refused(place),
            else => std::future::pending().await, // nobody closes them
        };
        let stream = listener.accept().await?;
        // A place may have become free while nobody came.
        if matches!(door, Door::Refused(_))
            && let Ok(place) = Arc::clone(&self.served).try_acquire_owned()
        {
            door = Door::Served(place);
        }
        Ok((stream, door))
    }
}
