use semver::Version;
use updates::newest;

use crate::common::{Server, keys, ok_as, signature};

const CURRENT: Version = Version::new(0, 1, 0);

#[tokio::test]
async fn a_newer_release_is_told_with_its_page_and_the_package_of_a_kind() {
    let (server, keys) = (Server::start().await, keys());
    server.announce(server.release("0.2.0", b"package").to_string().as_bytes(), &keys);
    let release = newest(&server.place(&keys), &CURRENT).await.unwrap().expect("a newer one");
    assert_eq!(release.version, Version::new(0, 2, 0));
    assert_eq!(release.page.as_str(), "https://example.com/releases");
    assert_eq!(release.file("deb-x86_64").map(|file| (file.name.as_str(), file.size)), Some(("app.deb", 7)));
    assert_eq!(release.file("dmg-aarch64"), None);
}

#[tokio::test]
async fn a_request_says_nothing_of_who_asks() {
    let (server, keys) = (Server::start().await, keys());
    server.announce(server.release("0.2.0", b"").to_string().as_bytes(), &keys);
    newest(&server.place(&keys), &CURRENT).await.unwrap();
    let heads = server.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 2);
    for head in heads {
        let mut names: Vec<_> = head.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        assert_eq!(names, ["accept", "host"], "{head}");
        assert!(!head.contains("0.1.0"));
    }
}

#[tokio::test]
async fn what_runs_already_or_is_older_is_no_update() {
    let (server, keys) = (Server::start().await, keys());
    for version in ["0.1.0", "0.0.9", "0.1.0-rc.1"] {
        server.announce(server.release(version, b"").to_string().as_bytes(), &keys);
        assert_eq!(newest(&server.place(&keys), &CURRENT).await.unwrap(), None, "{version}");
    }
}

#[tokio::test]
async fn what_another_signed_or_nobody_is_not_believed() {
    let (server, ours, another) = (Server::start().await, keys(), keys());
    let release = server.release("0.2.0", b"").to_string();
    let refused = async || newest(&server.place(&ours), &CURRENT).await.expect_err("it is not ours").kind;
    server.announce(release.as_bytes(), &another);
    assert_eq!(refused().await, "update_untrusted");
    server.serve("/latest.json", server.release("0.3.0", b"").to_string().as_bytes());
    server.serve("/latest.json.minisig", signature(release.as_bytes(), &ours).as_bytes());
    assert_eq!(refused().await, "update_untrusted", "the signature is that of another text");
    for garbage in [&b""[..], b"<!doctype html><title>Sign in</title>", b"\xff\xfe", &[b'x'; 70_000]] {
        server.serve("/latest.json.minisig", garbage);
        assert_eq!(refused().await, "update_untrusted");
    }
    server.answer("/latest.json.minisig", ok_as("404 None", b""));
    assert_eq!(refused().await, "update_unreachable");
}

#[tokio::test]
async fn what_is_signed_and_makes_no_sense_is_not_followed() {
    let (server, keys) = (Server::start().await, keys());
    let mut elsewhere = server.release("0.2.0", b"");
    elsewhere["files"]["deb-x86_64"]["url"] = "http://example.com/app.deb".into();
    let mut outside = server.release("0.2.0", b"");
    outside["files"]["deb-x86_64"]["name"] = "../../.bashrc".into();
    let mut page = server.release("0.2.0", b"");
    page["page"] = "javascript:alert(1)".into();
    let wrong =
        ["{}".into(), "[]".into(), "nothing".into(), elsewhere.to_string(), outside.to_string(), page.to_string()];
    for text in wrong {
        server.announce(text.as_bytes(), &keys);
        let error = newest(&server.place(&keys), &CURRENT).await.expect_err("it makes no sense");
        assert_eq!(error.kind, "update_untrusted", "{text}");
    }
}

#[tokio::test]
async fn a_place_that_does_not_answer_or_sends_elsewhere_is_told() {
    let (server, keys) = (Server::start().await, keys());
    let place = server.place(&keys);
    let refused = async || newest(&place, &CURRENT).await.expect_err("there is none").kind;
    assert_eq!(refused().await, "update_unreachable", "it has none");
    let to =
        |address: &str| (format!("HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n"), vec![]);
    server.answer("/latest.json", to("http://example.com/latest.json"));
    assert_eq!(refused().await, "update_unreachable", "without TLS nothing is asked");
    server.answer("/latest.json", to("/latest.json"));
    assert_eq!(refused().await, "update_unreachable", "round and round");
    server.answer(
        "/latest.json",
        ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n".into(), vec![b'{']),
    );
    assert_eq!(refused().await, "update_unreachable", "it breaks off");
    drop(server);
    assert_eq!(refused().await, "update_unreachable");
}
