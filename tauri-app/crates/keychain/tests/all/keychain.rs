//! The system's keychain by itself.

use std::time::Duration;

use keychain::{Account, Keychain, KeychainError, PATIENCE};
use rustix::process::{Signal, kill_process};
use secrecy::ExposeSecret;

use crate::session::{Keyring, entries, keyring_process, session};

fn account(origin: &str) -> Account {
    Account { provider_id: "a-provider".into(), origin: origin.into() }
}

#[test]
fn a_key_is_written_over_read_and_removed() {
    session(Keyring::Open, async |data| {
        let keychain = Keychain::of_folder(data, PATIENCE);
        let [here, there] = ["https://example.com", "https://example.org"].map(account);
        for key in ["sk-first", "sk-second"] {
            keychain.write(&here, &key.into()).await.expect("it is open");
            let read = keychain.read(&here).await.expect("it is open");
            assert_eq!(read.expect("it is there").expose_secret(), key);
        }
        assert!(keychain.read(&there).await.expect("it is open").is_none());
        assert_eq!(keychain.accounts().await, Ok([here.clone()].into()));
        for _ in 0..2 {
            keychain.remove(&here).await.expect("it is gone, or goes");
        }
        assert_eq!(keychain.accounts().await, Ok([].into()));
    });
}

#[test]
fn a_call_that_takes_too_long_is_given_up_and_what_it_wrote_afterwards_is_removed() {
    session(Keyring::Open, async |data| {
        let keychain = Keychain::of_folder(data, Duration::from_secs(5));
        let keyring = keyring_process();
        // As one that waits for the person: it answers nobody.
        kill_process(keyring, Signal::STOP).expect("it runs");
        let error = keychain.write(&account("https://example.com"), &"sk-late".into()).await.expect_err("it waits");
        assert_eq!(error, KeychainError::Closed("no answer in 5 s".into()));
        kill_process(keyring, Signal::CONT).expect("it runs");
        // Calls are made in their order: this one comes after the one that was late.
        assert_eq!(keychain.accounts().await, Ok([].into()));
        assert_eq!(entries(), []);
    });
}
