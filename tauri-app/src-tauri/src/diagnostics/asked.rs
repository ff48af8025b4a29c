//! What a sidecar that runs tells of itself; one that does not is no reason to wait.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::relay::Relay;

/// How long each question may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Of the sidecar: its settings, engine and computer, how far the model is, and how many providers there are. Members
/// that were not told are missing.
pub(crate) async fn sidecar(relay: &Relay) -> Value {
    let ask = |method| relay.ask(method, PATIENCE);
    let (settings, engine, models, providers, usage) = tokio::join!(
        ask("settings/get"),
        ask("engine/status"),
        ask("models/list"),
        ask("providers/list"),
        ask("storage/usage"),
    );
    let mut told = Map::new();
    let mut tell = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.insert(name.to_owned(), value);
        }
    };
    tell("settings", settings.map(|answer| picked_of_each(&answer["settings"], &["key", "value", "default"])));
    tell("engine", engine.map(|answer| picked(&answer, ENGINE)));
    tell("models", models.map(|answer| picked_of_each(&answer["models"], &["state", "totalBytes"])));
    tell("providers", providers.map(|answer| json!(answer["providers"].as_array().map(Vec::len))));
    tell("storage", usage.map(|answer| picked_of_each(&answer["holdings"], &["kind", "bytes"])));
    Value::Object(told)
}

/// Numbers, and words of ours.
const ENGINE: &[&str] = &[
    "loaded",
    "loading",
    "device",
    "activeBytes",
    "peakBytes",
    "estimatedPeakBytes",
    "budgetBytes",
    "queued",
    "running",
    "paused",
    "tokensPerSecond",
    "loadSeconds",
    "lowStepP99Ms",
];

/// Those members of an object, and no others.
fn picked(object: &Value, members: &[&str]) -> Value {
    members.iter().filter_map(|&name| Some((name.to_owned(), object.get(name)?.clone()))).collect::<Map<_, _>>().into()
}

fn picked_of_each(list: &Value, members: &[&str]) -> Value {
    list.as_array().into_iter().flatten().map(|object| picked(object, members)).collect()
}
