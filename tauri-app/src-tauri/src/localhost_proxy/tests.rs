use std::time::Duration;

use sidecar_host::{Budget, Client, Footing, Launch};
use tokio::time::timeout;

use super::*;

// Elsewhere the keychain is the person's own.
#[cfg(target_os = "linux")]
mod waiting;

mod asked;
mod unkept;

/// Bound of every wait.
const PATIENCE: Duration = Duration::from_secs(30);

async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

/// Without a sidecar: who may ask is found out before one is needed.
fn supervisor() -> Arc<Supervisor> {
    struct Nothing;
    impl Footing for Nothing {
        async fn launch(&mut self) -> Launch {
            std::future::pending().await
        }
    }
    let client = Client { name: "localhost-proxy-tests".into(), version: "0".into(), locale: "en".into() };
    Arc::new(Supervisor::start(Nothing, client, sidecar_host::Options::default(), Budget::default()))
}

fn at_socket(origins: &[&str]) -> Choice {
    Choice { on: true, socket: true, ..choice(origins) }
}

fn choice(origins: &[&str]) -> Choice {
    Choice { origins: origins.iter().map(|&origin| origin.to_owned()).collect(), ..Choice::default() }
}

#[test]
fn origins_are_kept_once_and_as_browsers_say_them() {
    let typed = choice(&["HTTPS://Notes.Example/", "https://notes.example", "http://localhost:5173"]);
    assert_eq!(typed.checked().expect("they are origins").origins, ["https://notes.example", "http://localhost:5173"]);
}

#[test]
fn what_somebody_wrote_into_the_file_is_what_the_window_may_send_back() {
    let written = choice(&["HTTPS://Notes.Example/", "no origin", "https://notes.example"]).read();
    assert_eq!(written.origins, ["https://notes.example"]);
    assert_eq!(written.clone().checked().expect("they are origins"), written);
}

#[test]
fn what_is_no_origin_is_refused_by_name_and_so_are_too_many() {
    for text in ["*", "https://*.example", "null", "notes.example", "https://notes.example/page"] {
        let error = choice(&["https://fine.example", text]).checked().expect_err(text);
        assert_eq!((&*error.kind, &error.details["origin"]), ("origin_invalid", &json!(text)));
    }
    let many: Vec<_> = (0..=MOST_ORIGINS).map(|number| format!("https://{number}.example")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(choice(&many).checked().expect_err("too many").kind, "invalid_params");
}

#[test]
fn where_it_cannot_listen_and_what_the_system_says_of_that_reaches_the_window() {
    let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let path = PathBuf::from("/data/api.sock");
    for (error, kind, details) in [
        (ListenError::PortTaken(1), "port_taken", json!({"port": 1})),
        (ListenError::SocketTaken(path.clone()), "port_taken", json!({"path": path})),
        (ListenError::NoSocket(path.clone()), "listen_refused", json!({"path": path})),
        (
            ListenError::PortRefused { port: 1, source: denied() },
            "listen_refused",
            json!({"port": 1, "said": "permission denied"}),
        ),
        (
            ListenError::SocketRefused { path: path.clone(), source: denied() },
            "listen_refused",
            json!({"path": path, "said": "permission denied"}),
        ),
    ] {
        let told = told(&error);
        assert_eq!((&*told.kind, &told.details), (kind, &details));
    }
}

#[test]
fn a_choice_of_a_version_without_origins_is_read() {
    let kept: Choice = serde_json::from_value(json!({"on": true, "port": 1, "socket": false})).expect("a choice");
    assert!(kept.on && kept.origins.is_empty());
}
