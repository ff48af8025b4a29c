//! The app as far as keys go: a supervisor, the keys, and a sidecar that writes down what it is put.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keychain::{Keychain, Keys};
use secrecy::SecretString;
use serde_json::{Value, json};
use sidecar_host::{Budget, Client, Launch, Options, RpcError, Sidecar, State, Supervisor, inherited_environment};
use tokio::time::timeout;

use crate::session::PATIENCE;

/// A provider's id, and where its key belongs.
pub(crate) const PROVIDER: &str = "a-provider";
pub(crate) const ORIGIN: &str = "https://api.example.com";
pub(crate) const KEY: &str = "sk-the-key-that-nobody-may-see";

pub(crate) struct App {
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) keys: Arc<Keys>,
    data: PathBuf,
}

impl App {
    /// Over a data folder that has the built-in provider and, at first, `PROVIDER`.
    pub(crate) async fn start(data: &Path) -> Self {
        if !data.join("providers.json").exists() {
            write_providers(data, &[provider(PROVIDER, &format!("{ORIGIN}/v1"))]);
        }
        Self::launch(data, &[]).await
    }

    pub(crate) async fn launch(data: &Path, more: &[&str]) -> Self {
        Self::launch_with(data, more, Duration::from_secs(20)).await
    }

    /// With a time limit for each call to the keychain.
    pub(crate) async fn launch_with(data: &Path, more: &[&str], patience: Duration) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = here.join("tests/all/recording_sidecar.py");
        let mut arguments = vec![script.into(), "--data-dir".into(), data.into()];
        arguments.extend(more.iter().map(Into::into));
        let launch = Launch {
            program: here.join("../../../.venv/bin/python"),
            arguments,
            directory: data.to_owned(),
            environment: inherited_environment(),
            logs: data.join("logs"),
        };
        let client = Client { name: "keychain-tests".into(), version: "0".into(), locale: "en".into() };
        let budget = Budget { failures: 50, ..Budget::default() };
        let supervisor = Arc::new(Supervisor::start(launch, client, Options::default(), budget));
        let keychain = Keychain::of_folder(data, patience);
        let keys = Keys::start(Arc::clone(&supervisor), keychain);
        let app = Self { supervisor, keys, data: data.to_owned() };
        app.ready().await;
        app
    }

    pub(crate) async fn ready(&self) -> Arc<Sidecar> {
        let mut state = self.supervisor.state();
        let is_ready = |state: &State| matches!(state, State::Ready(sidecar) if sidecar.pid().is_some());
        let ready = timeout(PATIENCE, state.wait_for(is_ready)).await.expect("in time");
        match &*ready.expect("the supervisor runs") {
            State::Ready(sidecar) => Arc::clone(sidecar),
            other => panic!("{other:?}"),
        }
    }

    /// Ends the sidecar as a crash does, and returns when the next one is there.
    pub(crate) async fn restart(&self) {
        let before = self.ready().await;
        before.shut_down().await;
        let mut state = self.supervisor.state();
        let is_next = |state: &State| matches!(state, State::Ready(next) if !Arc::ptr_eq(next, &before));
        drop(timeout(PATIENCE, state.wait_for(is_next)).await.expect("in time").expect("the supervisor runs"));
    }

    pub(crate) async fn set(&self, key: &str, keep: bool) -> Result<(), RpcError> {
        let origin = self.keys.origin(PROVIDER).await?;
        self.keys.set(PROVIDER, &origin, &SecretString::from(key), keep).await
    }

    /// Asks the sidecar, as the window does.
    pub(crate) async fn ask(&self, method: &str, params: Value) {
        let call = self.supervisor.call(method.into(), method, &params).await.expect("it runs");
        call.answer().await.expect(method);
    }

    /// What was put, in order; once there are `count` of them.
    pub(crate) async fn puts(&self, count: usize) -> Vec<Value> {
        self.eventually(&format!("{count} puts"), |app| {
            let record = std::fs::read_to_string(app.data.join("puts.jsonl")).unwrap_or_default();
            let puts: Vec<Value> = record.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            (puts.len() >= count).then_some(puts)
        })
        .await
    }

    /// What `look` finds, as soon as it finds something. What it looks at tells nobody that it changes, so a look follows
    /// each answer of the sidecar.
    pub(crate) async fn eventually<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                self.ask("ping", json!({})).await;
            }
        };
        timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
    }

    pub(crate) async fn leave(self) {
        timeout(PATIENCE, self.supervisor.shut_down()).await.expect("it leaves");
    }
}

pub(crate) fn provider(id: &str, base_url: &str) -> Value {
    json!({"id": id, "baseUrl": base_url, "builtin": false})
}

/// What the sidecar has, beside the built-in provider.
pub(crate) fn write_providers(data: &Path, providers: &[Value]) {
    let builtin = json!({"id": "builtin", "baseUrl": "builtin:", "builtin": true});
    let all: Vec<_> = std::iter::once(&builtin).chain(providers).collect();
    std::fs::write(data.join("providers.json"), json!(all).to_string()).expect("the disk has room");
}

/// Without the process that wrote it down.
pub(crate) fn put(key: Option<&str>) -> Value {
    json!({"providerId": PROVIDER, "origin": ORIGIN, "secret": key})
}

pub(crate) fn is_put(written: &Value, key: Option<&str>) -> bool {
    let mut written = written.clone();
    written.as_object_mut().expect("an object").remove("pid");
    written == put(key)
}
