//! Nothing tells the key to anybody who was not meant to have it.

use std::fs;
use std::path::Path;

use crate::app::{App, KEY, PROVIDER};
use crate::session::{Keyring, session};

#[test]
fn a_key_is_in_no_argument_no_variable_and_no_log() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        app.set(KEY, false).await.expect("it is lent");
        app.restart().await;
        app.puts(3).await;
        let sidecar = app.ready().await.pid().expect("it runs");
        for process in [sidecar, std::process::id()] {
            for file in ["cmdline", "environ"] {
                let told = fs::read(format!("/proc/{process}/{file}")).expect("it is ours");
                assert!(!contains(&told, KEY), "{file} of {process}");
            }
        }
        assert!(!format!("{:?}", app.keys).contains(KEY));
        app.keys.delete(PROVIDER).await.expect("it is deleted");
        app.leave().await;
        for log in fs::read_dir(data.join("logs")).expect("there are logs") {
            let log = log.expect("it can be read").path();
            assert!(!contains(&fs::read(&log).expect("it can be read"), KEY), "{}", log.display());
        }
        assert!(
            contains(&fs::read(Path::new(data).join("puts.jsonl")).expect("the record"), KEY),
            "the sidecar had it"
        );
    });
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
