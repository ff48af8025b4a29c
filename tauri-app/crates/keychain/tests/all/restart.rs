//! A sidecar has its keys in memory only: each one gets them anew.

use serde_json::json;
use tokio::time::timeout;

use crate::app::{App, KEY, PROVIDER, is_put, provider, write_providers};
use crate::session::{Keyring, PATIENCE, entries, session};

#[test]
fn a_restarted_sidecar_gets_what_is_kept_and_what_is_lent() {
    session(Keyring::Open, async |data| {
        write_providers(
            data,
            &[provider(PROVIDER, "https://api.example.com/v1"), provider("lent", "http://localhost:1")],
        );
        let app = App::launch(data, &[]).await;
        app.set(KEY, true).await.expect("it is kept");
        app.keys.set("lent", "http://localhost:1", &"sk-lent".into(), false).await.expect("it is lent");
        let mut lent = app.keys.lent();
        for start in 1..3 {
            app.restart().await;
            timeout(PATIENCE, lent.wait_for(|&sidecars| sidecars == 1 + start))
                .await
                .expect("in time")
                .expect("it runs");
            let puts = app.puts(0).await;
            assert_eq!(puts.len(), 2 + 2 * start, "all of them, when it says so");
            let latest = &puts[2 * start..];
            assert!(latest.iter().any(|written| is_put(written, Some(KEY))), "{latest:?}");
            assert!(latest.iter().any(|written| written["secret"] == "sk-lent"), "{latest:?}");
            assert_ne!(latest[0]["pid"], puts[0]["pid"], "it is another process");
        }
        app.leave().await;
    });
}

#[test]
fn the_next_run_of_the_app_has_what_is_kept_and_not_what_was_lent() {
    session(Keyring::Open, async |data| {
        write_providers(
            data,
            &[provider(PROVIDER, "https://api.example.com/v1"), provider("lent", "http://localhost:1")],
        );
        let app = App::launch(data, &[]).await;
        app.set(KEY, true).await.expect("it is kept");
        app.keys.set("lent", "http://localhost:1", &"sk-lent".into(), false).await.expect("it is lent");
        app.leave().await;
        let app = App::launch(data, &[]).await;
        assert!(is_put(&app.puts(3).await[2], Some(KEY)));
        app.keys.set("lent", "http://localhost:1", &"sk-again".into(), false).await.expect("it is lent");
        assert_eq!(app.puts(4).await.len(), 4, "nothing came between");
        app.leave().await;
    });
}

#[test]
fn what_belongs_to_no_provider_when_a_sidecar_starts_is_removed() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        app.leave().await;
        write_providers(data, &[provider("other", "https://api.example.com")]);
        let app = App::launch(data, &[]).await;
        app.eventually("the sweep", |_| entries().is_empty().then_some(())).await;
        app.leave().await;
    });
}

#[test]
fn a_sidecar_that_knows_no_providers_starts_all_the_same() {
    session(Keyring::Open, async |data| {
        let app = App::launch(data, &["--old"]).await;
        app.ask("ping", json!({})).await;
        assert_eq!(app.set(KEY, true).await.expect_err("nobody has it").kind, "method_not_found");
        app.leave().await;
    });
}
