//! A key goes: because the person says so, or because what it was for is gone.

use std::pin::pin;
use std::time::Duration;

use keychain::{Keychain, ProxyToken};
use rustix::process::{Signal, kill_process};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::time::timeout;

use crate::app::{App, KEY, PROVIDER, is_put};
use crate::session::{Keyring, entries, keyring_process, session};

#[test]
fn a_deleted_key_is_nowhere_and_does_not_come_back() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        for keep in [true, false] {
            app.set(KEY, keep).await.expect("it is given");
            app.keys.delete(PROVIDER).await.expect("it is deleted");
            assert_eq!(entries(), []);
        }
        assert!(is_put(&app.puts(4).await[3], None));
        app.restart().await;
        app.set("sk-next", true).await.expect("it is kept");
        assert!(is_put(&app.puts(5).await[4], Some("sk-next")), "nothing was put to the new one before");
        app.leave().await;
    });
}

#[test]
fn deleting_a_key_that_there_is_not_is_no_error() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.keys.delete(PROVIDER).await.expect("it is gone");
        assert_eq!(app.keys.delete("nobody").await.expect_err("there is none").kind, "provider_not_found");
        app.leave().await;
    });
}

#[test]
fn the_key_of_a_provider_that_is_deleted_goes_with_it() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        app.ask("providers/delete", json!({"providerId": PROVIDER})).await;
        app.eventually("the key to go", |_| entries().is_empty().then_some(())).await;
        app.leave().await;
    });
}

#[test]
fn the_key_of_an_address_does_not_follow_its_provider_to_another() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        let path = json!({"providerId": PROVIDER, "change": {"baseUrl": "https://api.example.com/v2"}});
        app.ask("providers/update", path).await;
        app.restart().await;
        assert!(is_put(&app.puts(2).await[1], Some(KEY)), "another path is the same origin");
        let host = json!({"providerId": PROVIDER, "change": {"baseUrl": "https://api.example.org/v2"}});
        app.ask("providers/update", host).await;
        app.eventually("the key to go", |_| entries().is_empty().then_some(())).await;
        app.restart().await;
        app.set("sk-next", false).await.expect("it is lent");
        let puts = app.puts(3).await;
        assert_eq!((&puts[2]["origin"], &puts[2]["secret"]), (&"https://api.example.org".into(), &"sk-next".into()));
        app.leave().await;
    });
}

#[test]
fn the_proxys_token_is_swept_with_no_providers_key_and_erased_with_all() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        let keychain = Keychain::of_folder(data, keychain::PATIENCE);
        keychain.write(&ProxyToken, &"kf-token".into()).await.expect("it is kept");
        app.ask("providers/delete", json!({"providerId": PROVIDER})).await;
        app.eventually("the key to go", |_| (entries().len() == 1).then_some(())).await;
        app.restart().await;
        let kept = keychain.read(&ProxyToken).await.expect("it can be asked");
        assert_eq!(kept.expect("it stays").expose_secret(), "kf-token");
        app.keys.erase().await.expect("they can be removed");
        assert_eq!(entries(), []);
        app.leave().await;
    });
}

#[test]
fn all_keys_of_a_data_folder_are_erased_and_those_of_another_stay() {
    session(Keyring::Open, async |data| {
        let other = data.join("other");
        std::fs::create_dir(&other).expect("the disk has room");
        let others = App::start(&other).await;
        others.set("sk-of-another", true).await.expect("it is kept");
        let app = App::start(data).await;
        app.set(KEY, true).await.expect("it is kept");
        assert_eq!(entries().len(), 2);
        app.keys.erase().await.expect("they can be removed");
        let left = entries();
        assert_eq!(left.iter().map(|(_, _, key)| key.as_str()).collect::<Vec<_>>(), ["sk-of-another"]);
        app.keys.erase().await.expect("there is none left");
        app.leave().await;
        others.leave().await;
    });
}

#[test]
fn what_waits_to_be_written_does_not_come_back_after_what_is_erased() {
    session(Keyring::Open, async |data| {
        let keychain = Keychain::of_folder(data, keychain::PATIENCE);
        let token = "kf-a-token".into();
        keychain.write(&ProxyToken, &token).await.expect("it is open");
        let keyring = keyring_process();
        kill_process(keyring, Signal::STOP).expect("it runs");
        // The thread has the first one, which waits for the keyring: the second one stands behind it.
        let mut read = pin!(keychain.read(&ProxyToken));
        assert!(timeout(Duration::ZERO, &mut read).await.is_err(), "it waits");
        let mut write = pin!(keychain.write(&ProxyToken, &token));
        assert!(timeout(Duration::ZERO, &mut write).await.is_err(), "it waits");
        let refusals = [keychain.refuse_writes(), keychain.refuse_writes()];
        kill_process(keyring, Signal::CONT).expect("it runs");
        keychain.remove(&ProxyToken).await.expect("it goes");
        assert!(read.await.expect("it was there").is_some());
        write.await.expect_err("it comes too late");
        assert_eq!(entries(), []);
        for refusal in refusals {
            keychain.write(&ProxyToken, &token).await.expect_err("it is refused as long as anybody wants it so");
            drop(refusal);
        }
        keychain.write(&ProxyToken, &token).await.expect("it may be kept again");
        keychain.refuse_writes().for_good();
        keychain.write(&ProxyToken, &token).await.expect_err("there is no way back");
    });
}
