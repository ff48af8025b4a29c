//! Whether background work is held, as the person wants it, by one sidecar after another.

use std::sync::{Arc, Weak};

use serde::Deserialize;
use sidecar_host::{Notification, Sidecar, State, Supervisor};
use tokio::sync::{broadcast, watch};

/// Has each sidecar do what the person `clicked`, and `show`s what it does. Ends with the supervisor.
pub(crate) async fn follow(supervisor: Arc<Supervisor>, mut clicked: watch::Receiver<bool>, show: impl Fn(bool)) {
    let (mut state, mut notifications) = (supervisor.state(), supervisor.subscribe());
    let mut served = Weak::<Sidecar>::new();
    let mut wanted = false;
    // Whether `served` does what is wanted: until then what one says of itself is not what anybody wants.
    let mut agreed = false;
    state.mark_changed();
    loop {
        tokio::select! {
            biased;
            changed = state.changed() => {
                let now = state.borrow_and_update().clone();
                match now {
                    State::Ready(sidecar) if served.as_ptr() != Arc::as_ptr(&sidecar) => {
                        served = Arc::downgrade(&sidecar);
                        // One that leaves before it has answered leaves the wish to the next one.
                        agreed = !wanted || hold(&supervisor, true).await;
                    }
                    State::Ready(_) => {}
                    State::Stopped => return,
                    _ if changed.is_err() => return,
                    _ => agreed = false,
                }
            }
            Ok(()) = clicked.changed() => {
                let paused = *clicked.borrow_and_update();
                if hold(&supervisor, paused).await {
                    (wanted, agreed) = (paused, true);
                } else {
                    show(wanted);
                }
            }
            notification = notifications.recv() => match notification {
                // From the window it can be changed, too.
                Ok(notification) => if let Some(paused) = paused_by(&notification).filter(|_| agreed) {
                    wanted = paused;
                    show(paused);
                },
                // The next status tells.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

/// Whether the sidecar that is ready, now or soon, does so.
async fn hold(supervisor: &Supervisor, paused: bool) -> bool {
    let method = if paused { "engine/pause" } else { "engine/resume" };
    let told = supervisor.ask(method).await;
    if let Err(error) = &told {
        tracing::warn!(kind = &*error.kind, method, "background work does not do what the person wants");
    }
    told.is_ok()
}

fn paused_by(notification: &Notification) -> Option<bool> {
    #[derive(Deserialize)]
    struct Status {
        paused: bool,
    }
    if notification.method != "engine/status" {
        return None;
    }
    serde_json::from_str::<Status>(notification.params.get()).ok().map(|status| status.paused)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use sidecar_host::{Budget, Checkout, Client, Options};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// A sidecar that notes what it is asked. The first one leaves once it has paused, the second one instead; each says
    /// first that nothing is paused, as they all begin so.
    const STAND_IN: &str = r#"
import json, os, sys

def say(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

def note(line):
    with open(sys.argv[1], "a") as diary:
        diary.write(line + "\n")
    return open(sys.argv[1]).read()

start = note("start").count("start")
for line in sys.stdin:
    request = json.loads(line)
    result = {}
    if request["method"] == "initialize":
        say(method="engine/status", params={"paused": False})
        result = {"protocolVersion": 1, "dataDir": "", "pid": os.getpid(), "methods": []}
    if request["method"] == "engine/pause":
        note("pause")
        if start == 2:
            sys.exit(3)
        say(method="engine/status", params={"paused": True})
    say(id=request["id"], result=result)
    if request["method"] == "engine/pause" and start == 1:
        sys.exit(3)
"#;

    async fn noted(diary: &Path, lines: &str) {
        let all = async {
            while !std::fs::read_to_string(diary).is_ok_and(|noted| noted.starts_with(lines)) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let in_time = timeout(Duration::from_secs(30), all).await.is_ok();
        assert!(in_time, "{:?}", std::fs::read_to_string(diary));
    }

    #[tokio::test]
    async fn what_the_person_clicked_outlives_a_sidecar_that_dies_before_it_has_done_so() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let diary = data.path().join("diary");
        let checkout = Checkout::above(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the tests run in a checkout");
        let mut launch = checkout.launch(data.path(), None);
        launch.arguments = vec!["-c".into(), STAND_IN.into(), diary.clone().into()];
        let client = Client { name: "tests".into(), version: "0".into(), locale: "en".into() };
        let supervisor = Arc::new(Supervisor::start(launch, client, Options::default(), Budget::default()));
        let (click, clicked) = watch::channel(false);
        let (shown, mut mark) = watch::channel(false);
        let show = move |paused| {
            shown.send_replace(paused);
        };
        let following = tokio::spawn(follow(Arc::clone(&supervisor), clicked, show));
        noted(&diary, "start\n").await;
        click.send_replace(true);
        noted(&diary, "start\npause\nstart\npause\nstart\npause\n").await;
        let marked = timeout(Duration::from_secs(30), mark.wait_for(|paused| *paused)).await;
        assert!(*marked.expect("it is shown").expect("it is followed"));
        supervisor.shut_down().await;
        timeout(Duration::from_secs(30), following).await.expect("it ends with the supervisor").expect("no panic");
    }
}
