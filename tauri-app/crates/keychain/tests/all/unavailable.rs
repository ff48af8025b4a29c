//! A keychain that is not there, or stays closed.

use std::time::Duration;

use rustix::process::{Signal, kill_process};
use serde_json::json;

use crate::app::{App, KEY, ORIGIN, PROVIDER, is_put, provider, write_providers};
use crate::session::{Keyring, entries, keyring_process, lock, session};

#[test]
fn without_a_keychain_a_key_can_be_lent_for_this_run() {
    session(Keyring::Missing, async |data| {
        let app = App::start(data).await;
        let error = app.set(KEY, true).await.expect_err("there is none");
        assert_eq!((&*error.kind, error.retryable), ("keychain_unavailable", false));
        assert!(error.details["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{error:?}");
        assert!(!format!("{error:?}").contains(KEY));
        app.set(KEY, false).await.expect("it is lent");
        assert!(is_put(&app.puts(1).await[0], Some(KEY)), "the refused one was not put");
        app.restart().await;
        assert!(is_put(&app.puts(2).await[1], Some(KEY)));
        app.keys.delete(PROVIDER).await.expect("nothing of it was kept");
        app.leave().await;
    });
}

#[test]
fn a_locked_keychain_keeps_nothing_and_does_not_stop_the_sidecar() {
    session(Keyring::Locked, async |data| {
        let app = App::start(data).await;
        app.ask("ping", json!({})).await;
        let error = app.set(KEY, true).await.expect_err("it is locked");
        assert_eq!(error.kind, "keychain_unavailable");
        app.set(KEY, false).await.expect("it is lent");
        app.leave().await;
    });
}

#[test]
fn a_keychain_that_waits_for_the_person_holds_up_neither_the_sidecar_nor_a_key_for_this_run() {
    session(Keyring::Open, async |data| {
        write_providers(data, &[provider(PROVIDER, ORIGIN)]);
        let keyring = keyring_process();
        kill_process(keyring, Signal::STOP).expect("it runs");
        let app = App::launch_with(data, &[], Duration::from_secs(3)).await;
        app.ask("ping", json!({})).await;
        let error = app.set(KEY, true).await.expect_err("it does not answer");
        assert_eq!((&*error.kind, &error.details["reason"]), ("keychain_unavailable", &"no answer in 3 s".into()));
        app.set(KEY, false).await.expect("it is lent");
        assert!(is_put(&app.puts(1).await[0], Some(KEY)));
        kill_process(keyring, Signal::CONT).expect("it runs");
        app.eventually("what came too late to go", |_| entries().is_empty().then_some(())).await;
        app.leave().await;
    });
}

#[test]
fn a_key_that_came_too_late_gives_its_place_back_to_the_one_before() {
    session(Keyring::Open, async |data| {
        write_providers(data, &[provider(PROVIDER, ORIGIN)]);
        let app = App::launch_with(data, &[], Duration::from_secs(3)).await;
        app.set(KEY, true).await.expect("it is kept");
        let keyring = keyring_process();
        kill_process(keyring, Signal::STOP).expect("it runs");
        app.set("sk-late", true).await.expect_err("it does not answer");
        kill_process(keyring, Signal::CONT).expect("it runs");
        // The keychain is asked one thing after another: by then it has had the late one.
        app.restart().await;
        assert!(is_put(&app.puts(2).await[1], Some(KEY)));
        app.leave().await;
    });
}

#[test]
fn a_key_that_may_still_be_in_a_locked_keychain_is_not_called_deleted() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        lock();
        assert_eq!(app.keys.delete(PROVIDER).await.expect_err("it is locked").kind, "keychain_unavailable");
        assert!(is_put(&app.puts(2).await[1], None), "the sidecar has forgotten it");
        app.leave().await;
    });
}

#[test]
fn a_key_in_a_keychain_that_was_locked_before_a_sidecar_restarts_is_not_called_deleted_either() {
    session(Keyring::Open, async |data| {
        write_providers(data, &[provider(PROVIDER, &format!("{ORIGIN}/v1")), provider("lent", "http://localhost:1")]);
        let app = App::launch_with(data, &[], Duration::from_secs(2)).await;
        app.set(KEY, true).await.expect("it is kept");
        app.keys.set("lent", "http://localhost:1", &"sk-lent".into(), false).await.expect("it is lent");
        lock();
        app.restart().await;
        let puts = app.puts(3).await;
        assert_eq!(puts[2]["secret"], "sk-lent", "the keychain was asked before this, and does not show what it has");
        assert_eq!(app.keys.delete(PROVIDER).await.expect_err("it is locked").kind, "keychain_unavailable");
        app.leave().await;
    });
}

#[test]
fn a_keychain_is_not_touched_for_somebody_without_providers() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        app.leave().await;
        // As it would be found by somebody who is asked for nothing: with an entry that is nobody's.
        write_providers(data, &[]);
        let app = App::launch(data, &[]).await;
        app.restart().await;
        app.keys.delete(PROVIDER).await.expect_err("there is no such provider");
        assert_eq!(entries().len(), 1, "nobody looked");
        app.leave().await;
    });
}

#[test]
fn keys_in_a_locked_keychain_are_not_erased_and_that_is_said() {
    session(Keyring::Open, async |data| {
        write_providers(data, &[provider(PROVIDER, &format!("{ORIGIN}/v1"))]);
        let app = App::launch_with(data, &[], Duration::from_secs(2)).await;
        app.set(KEY, true).await.expect("it is kept");
        lock();
        let error = app.keys.erase().await.expect_err("it is locked");
        assert_eq!(error.kind, "keychain_unavailable");
        app.leave().await;
    });
}

#[test]
fn without_a_keychain_and_a_provider_there_is_no_key_to_erase() {
    session(Keyring::Missing, async |data| {
        write_providers(data, &[]);
        let app = App::launch(data, &[]).await;
        app.keys.erase().await.expect("there can be none");
        app.leave().await;
        write_providers(data, &[provider(PROVIDER, &format!("{ORIGIN}/v1"))]);
        let app = App::launch(data, &[]).await;
        app.set(KEY, false).await.expect("it is lent");
        assert_eq!(app.keys.erase().await.expect_err("nobody can say").kind, "keychain_unavailable");
        app.leave().await;
    });
}
