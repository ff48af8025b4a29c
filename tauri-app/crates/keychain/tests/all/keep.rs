//! A key is given, and where it then is.

use serde_json::json;

use crate::app::{App, KEY, ORIGIN, PROVIDER, is_put, provider, write_providers};
use crate::session::{Keyring, entries, session};

#[test]
fn a_kept_key_is_in_the_keychain_and_with_the_sidecar() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set(&format!(" {KEY}\n"), true).await.expect("it is kept");
        assert!(is_put(&app.puts(1).await[0], Some(KEY)));
        let [(name, label, key)] = &entries()[..] else { panic!("{:?}", entries()) };
        assert!(name.starts_with(&format!("{PROVIDER} {ORIGIN} ")), "{name}");
        assert_eq!((&**label, &**key), ("Knowledge Focus: https://api.example.com", KEY));
        app.leave().await;
    });
}

#[test]
fn a_key_for_this_run_is_with_the_sidecar_only_and_takes_the_place_of_a_kept_one() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        app.set("sk-kept", true).await.expect("it is kept");
        app.set(KEY, false).await.expect("it is lent");
        assert!(is_put(&app.puts(2).await[1], Some(KEY)));
        assert_eq!(entries(), []);
        app.leave().await;
    });
}

#[test]
fn two_data_folders_have_a_key_each() {
    session(Keyring::Open, async |data| {
        let other = data.join("demo");
        std::fs::create_dir(&other).expect("the disk has room");
        for (folder, key) in [(data, "sk-of-the-person"), (&other, "sk-of-the-demo")] {
            let app = App::start(folder).await;
            app.set(key, true).await.expect("it is kept");
            app.leave().await;
        }
        let mut keys: Vec<_> = entries().into_iter().map(|(_, _, key)| key).collect();
        keys.sort();
        assert_eq!(keys, ["sk-of-the-demo", "sk-of-the-person"]);
    });
}

#[test]
fn what_is_no_key_or_has_no_provider_is_refused_and_stored_nowhere() {
    session(Keyring::Open, async |data| {
        write_providers(data, &[provider(PROVIDER, ORIGIN), provider("odd", "gopher://example.com")]);
        let app = App::launch(data, &[]).await;
        assert_eq!(app.set("two words", true).await.expect_err("it cannot be sent").kind, "secret_invalid");
        for (id, kind) in
            [("nobody", "provider_not_found"), ("builtin", "provider_invalid"), ("odd", "provider_invalid")]
        {
            assert_eq!(app.keys.set(id, ORIGIN, &KEY.into(), true).await.expect_err(id).kind, kind);
        }
        assert_eq!(entries(), []);
        app.ask("ping", json!({})).await;
        assert_eq!(app.puts(0).await, [] as [serde_json::Value; 0]);
        app.leave().await;
    });
}

#[test]
fn a_key_for_another_origin_than_the_provider_has_now_goes_nowhere() {
    session(Keyring::Open, async |data| {
        let app = App::start(data).await;
        let set = app.keys.set(PROVIDER, "https://api.example.org", &KEY.into(), true).await;
        assert_eq!(set.expect_err("it has moved").kind, "consent_refused");
        assert_eq!(entries(), []);
        app.leave().await;
    });
}

#[test]
fn a_key_that_the_sidecar_refuses_is_not_kept_and_not_said_back() {
    session(Keyring::Open, async |data| {
        std::fs::write(data.join("refuses"), "").expect("the disk has room");
        let app = App::start(data).await;
        let error = app.set(KEY, true).await.expect_err("it is refused");
        assert!(!format!("{error:?}").contains(KEY), "{error:?}");
        assert_eq!(entries(), []);
        app.leave().await;
    });
}
