//! The system's keychain by itself.

use std::time::Duration;

use keychain::{Account, Keychain, KeychainError, PATIENCE};
use secrecy::ExposeSecret;

use crate::session::{Keyring, entries, session};

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
fn nothing_is_kept_after_the_time_limit() {
    session(Keyring::Open, async |data| {
        let hasty = Keychain::of_folder(data, Duration::ZERO);
        let error = hasty.write(&account("https://example.com"), &"sk-late".into()).await.expect_err("it is late");
        assert_eq!(error, KeychainError::Closed("no answer in 0 s".into()));
        // The thread's queue is in order: this is done after it.
        let _ = hasty.accounts().await;
        drop(hasty);
        let keychain = Keychain::of_folder(data, PATIENCE);
        keychain.write(&account("https://example.org"), &"sk-in-time".into()).await.expect("it is open");
        let kept: Vec<_> = entries().into_iter().map(|(_, _, key)| key).collect();
        assert!(!kept.contains(&"sk-late".to_owned()), "{kept:?}");
    });
}
