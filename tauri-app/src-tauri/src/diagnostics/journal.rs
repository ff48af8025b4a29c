//! What of a log's lines may leave this computer unread: what stands in the source, numbers, and words of the contract.
//!
//! An allow-list: a path, an address, a key, a title or a library's own sentence is in no member that is let through,
//! wherever in a line it stands.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

const OPENRPC: &str = include_str!("../../../../schemas/openrpc.json");
const ERRORS: &str = include_str!("../../../../schemas/errors.json");

/// Whose lines are ours: their texts are constants.
const OWN: &[&str] =
    &["sidecar", "knowledge_focus", "sidecar_host", "openai_proxy", "python_environment", "keychain", "cli"];
/// Words that are neither methods nor kinds of errors.
const OTHER_WORDS: &[&str] =
    &["result", "ready", "starting", "down", "stopped", "checking", "syncing", "slow", "failed", "MainThread"];
/// What comes before a file's name in a traceback and tells nothing of the person.
const KNOWN_FOLDERS: &[&str] = &["/site-packages/", "/sidecar/"];
/// Of a traceback's cause and its own.
const DEEPEST: usize = 5;

/// The strings that may stand in any member.
#[derive(Debug)]
pub(super) struct Words(HashSet<String>);

impl Words {
    pub(super) fn of_contract() -> serde_json::Result<Self> {
        let (contract, errors): (Value, Value) = (serde_json::from_str(OPENRPC)?, serde_json::from_str(ERRORS)?);
        let named = |list: &Value, member: &str| -> Vec<String> {
            let each = list.as_array().into_iter().flatten();
            each.filter_map(|object| object[member].as_str().map(str::to_owned)).collect()
        };
        let mut words: HashSet<_> = named(&contract["methods"], "name").into_iter().collect();
        words.extend(named(&errors["errors"], "kind"));
        words.extend(OTHER_WORDS.iter().map(|&word| word.to_owned()));
        Ok(Self(words))
    }

    /// Whether it is one of them.
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// What may be told of a line of a log of ours; `None` where it is a library's, or no such line.
    pub(super) fn told_of(&self, line: &str) -> Option<Value> {
        let Value::Object(line) = serde_json::from_str(line).ok()? else { return None };
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        // The sidecar's logger, the shell's target.
        let whose = text("logger").or_else(|| text("target")).filter(|whose| is_own(whose))?;
        let time = text("time").or_else(|| text("timestamp")).filter(|time| is_time(time))?;
        let level = text("level").filter(|level| is_name(level))?;
        let fields = line.get("fields").and_then(Value::as_object);
        let event = text("event").or_else(|| fields?.get("message")?.as_str())?;
        let mut told = Map::new();
        for (name, value) in line.iter().chain(fields.into_iter().flatten()) {
            match (name.as_str(), value) {
                ("exception", _) => {
                    told.insert(name.clone(), self.exception(value, DEEPEST));
                }
                ("values", Value::Array(values)) => {
                    let numbers = values.iter().map(|each| if each.is_string() { &Value::Null } else { each });
                    let numbers: Vec<_> = numbers.filter(|each| !each.is_object() && !each.is_array()).collect();
                    told.insert(name.clone(), json!(numbers));
                }
                (_, value) if self.is_harmless(name, value) => {
                    told.insert(name.clone(), value.clone());
                }
                _ => {}
            }
        }
        told.insert("time".into(), time.into());
        told.insert("level".into(), level.into());
        told.insert("of".into(), whose.into());
        told.insert("event".into(), event.into());
        Some(told.into())
    }

    fn is_harmless(&self, name: &str, value: &Value) -> bool {
        match value {
            Value::Bool(_) | Value::Number(_) => is_name(name),
            Value::String(text) => is_name(name) && (self.has(text) || is_uuid(text) || is_exit(name, text)),
            _ => false,
        }
    }

    fn exception(&self, exception: &Value, deepest: usize) -> Value {
        let mut told = Map::new();
        if let Some(kind) = exception["type"].as_str().filter(|kind| is_name(kind)) {
            told.insert("type".into(), kind.into());
        }
        if let Some(kind) = exception["kind"].as_str().filter(|kind| self.has(kind)) {
            told.insert("kind".into(), kind.into());
        }
        let frames = exception["at"].as_array().into_iter().flatten();
        told.insert("at".into(), frames.filter_map(Value::as_str).map(place).collect());
        if deepest > 0 && exception["cause"].is_object() {
            told.insert("cause".into(), self.exception(&exception["cause"], deepest - 1));
        }
        told.into()
    }
}

fn is_own(whose: &str) -> bool {
    let first = whose.split(['.', ':']).next().unwrap_or_default();
    OWN.contains(&first) && whose.chars().all(|c| c.is_ascii_alphanumeric() || "_.:".contains(c))
}

fn is_time(text: &str) -> bool {
    text.len() <= 40 && text.chars().all(|c| c.is_ascii_digit() || "TZ:.+-".contains(c))
}

/// Of a member, a type or a level, as source code has it.
fn is_name(text: &str) -> bool {
    text.len() <= 80 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()
}

/// How a process ended, as the shell logs it: `Exit { code: Some(1), signal: None }`.
fn is_exit(name: &str, text: &str) -> bool {
    let rest = text.strip_prefix("Exit { code: ").and_then(|rest| rest.strip_suffix(" }"));
    let parts = rest.and_then(|rest| rest.split_once(", signal: "));
    let is_number = |part: &str| {
        part == "None"
            || part.strip_prefix("Some(").and_then(|n| n.strip_suffix(')')).is_some_and(|n| n.parse::<i32>().is_ok())
    };
    name == "exit" && parts.is_some_and(|(code, signal)| is_number(code) && is_number(signal))
}

/// `sidecar/rpc/server.py:12 name` of `/home/ann/…/sidecar/rpc/server.py:12 name`.
fn place(frame: &str) -> Value {
    let ours = KNOWN_FOLDERS.iter().filter_map(|folder| frame.rfind(folder)).max();
    let start = ours.or_else(|| frame.rfind('/')).map_or(0, |at| at + 1);
    frame[start..].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &Value) -> Option<Value> {
        Words::of_contract().expect("the contract is JSON").told_of(&line.to_string())
    }

    #[test]
    fn a_line_is_told_by_its_source_its_numbers_and_words_of_the_contract() {
        let line = json!({
            "time": "2026-11-27T03:00:00.123Z", "level": "info", "logger": "sidecar.rpc.server",
            "message": "request done by ann", "event": "request done by %s", "values": [null, 2, 0.5],
            "method": "sessions/send", "outcome": "engine_failed", "id": "6c1d4b0e-52ac-4d67-9d4b-6f0d6a2f3c11", "seconds": 0.25,
            "path": "/home/ann/thesis.pdf", "title": "my thesis",
        });
        assert_eq!(
            told(&line),
            Some(json!({
                "time": "2026-11-27T03:00:00.123Z", "level": "info", "of": "sidecar.rpc.server",
                "event": "request done by %s", "values": [null, 2, 0.5], "method": "sessions/send",
                "outcome": "engine_failed", "id": "6c1d4b0e-52ac-4d67-9d4b-6f0d6a2f3c11", "seconds": 0.25,
            }))
        );
    }

    #[test]
    fn the_shells_lines_are_told_without_their_errors() {
        let line = json!({
            "timestamp": "2026-11-27T03:00:00.123456Z", "level": "WARN", "target": "sidecar_host::supervisor",
            "fields": {
                "message": "the sidecar ended", "exit": "Exit { code: Some(1), signal: None }", "pid": 7,
                "error": "No such file: /home/ann/thesis.pdf", "address": "http://me:secret@h/",
            },
        });
        let told = told(&line).expect("it is ours");
        assert_eq!((&told["event"], &told["pid"]), (&json!("the sidecar ended"), &json!(7)));
        assert_eq!(told["exit"], "Exit { code: Some(1), signal: None }");
        assert!(told.get("error").is_none() && told.get("address").is_none(), "{told}");
    }

    #[test]
    fn a_traceback_keeps_its_places_in_our_code_and_in_libraries_only() {
        let line = json!({
            "time": "2026-11-27T03:00:00.123Z", "level": "error", "logger": "sidecar.models", "event": "broke off",
            "exception": {
                "type": "StoreFailed", "kind": "store_failed", "message": "/home/ann/thesis.pdf is locked",
                "at": ["/home/ann/a sidecar/x/sidecar/store/database.py:12 write", "/home/ann/lib/python3.11/site-packages/apsw/a.py:1 b", "/home/ann/c.py:3 d"],
                "cause": {"type": "Ann's error", "at": ["/home/ann/e.py:4 f"], "message": "/home/ann"},
            },
        });
        assert_eq!(
            told(&line).expect("it is ours")["exception"],
            json!({
                "type": "StoreFailed", "kind": "store_failed",
                "at": ["sidecar/store/database.py:12 write", "site-packages/apsw/a.py:1 b", "c.py:3 d"],
                "cause": {"at": ["e.py:4 f"]},
            })
        );
    }

    #[test]
    fn what_is_no_line_of_ours_is_not_told() {
        let time = "2026-11-27T03:00:00.123Z";
        for line in [
            json!({"time": time, "level": "warning", "logger": "httpx", "message": "GET http://h/thesis", "event": "x"}),
            json!({"time": time, "level": "info", "logger": "sidecar of ann", "event": "x"}),
            json!({"time": "ann", "level": "info", "logger": "sidecar", "event": "x"}),
            json!({"time": time, "level": "by ann", "logger": "sidecar", "event": "x"}),
            json!({"time": time, "level": "info", "logger": "sidecar", "message": "of a version before"}),
            json!("ann"),
        ] {
            assert_eq!(told(&line), None, "{line}");
        }
        let words = Words::of_contract().expect("the contract is JSON");
        assert_eq!(words.told_of("Downloading /home/ann/thesis.pdf"), None);
    }

    #[test]
    fn nothing_gets_through_by_the_name_of_a_member_or_inside_of_another() {
        let line = json!({
            "time": "2026-11-27T03:00:00.123Z", "level": "info", "logger": "sidecar", "event": "x",
            "/home/ann/thesis.pdf": 1, "a": ["ann"], "b": {"ann": 1}, "values": ["ann", {"ann": 1}, ["ann"], 3],
            "exit": "Exit { code: ann, signal: None }", "method": "ann/list",
        });
        let told = told(&line).expect("it is ours").to_string();
        assert!(!told.contains("ann"), "{told}");
        assert!(told.contains("[null,3]"), "{told}");
    }
}
