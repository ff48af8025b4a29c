use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use semver::Version;
use sidecar_host::RpcError;
use updates::{Release, download, newest};

use crate::common::{Answer, Server, keys, ok_as};

const PACKAGE: &[u8] = b"a package that was signed";

async fn announced() -> (Server, Release) {
    let (server, keys) = (Server::start().await, keys());
    server.announce(server.release("0.2.0", PACKAGE).to_string().as_bytes(), &keys);
    let release = newest(&server.place(&keys), &Version::new(0, 1, 0)).await.unwrap().expect("a newer one");
    (server, release)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_package_gets_its_name_and_takes_nobodys() {
    let (server, release) = announced().await;
    server.serve("/app.deb", PACKAGE);
    let folder = tempfile::tempdir().unwrap();
    let (cache, downloads) = (folder.path().join("cache"), folder.path().join("Downloads"));
    let mut heard = Vec::new();
    for name in ["app.deb", "app (1).deb"] {
        let path =
            download(release.file("deb-x86_64").unwrap(), &cache, &downloads, |bytes| heard.push(bytes)).await.unwrap();
        assert_eq!(path, downloads.join(name));
        assert_eq!(fs::read(path).unwrap(), PACKAGE);
    }
    assert_eq!(heard.last(), Some(&(PACKAGE.len() as u64)));
    assert_eq!(names(&downloads), ["app (1).deb", "app.deb"]);
    assert_eq!(names(&cache), [""; 0]);
}

#[tokio::test]
async fn what_a_kill_left_once_goes_with_the_next_download() {
    let (server, release) = announced().await;
    server.serve("/app.deb", PACKAGE);
    let folder = tempfile::tempdir().unwrap();
    let (cache, downloads) = (folder.path().join("cache"), folder.path().join("Downloads"));
    for (folder, name) in [(&cache, "update.part"), (&downloads, ".knowledge-focus-update-a1B2c3.part")] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join(name), "a longer package than this one, of which a part came").unwrap();
    }
    download(release.file("deb-x86_64").unwrap(), &cache, &downloads, |_| {}).await.unwrap();
    assert_eq!(names(&cache), [""; 0]);
    assert_eq!(names(&downloads), ["app.deb"]);
}

/// As when one is cancelled and another one begun, where the first is beyond being stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_download_that_begins_changes_nothing_of_one_that_ends() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let (server, release) = announced().await;
    let folder = tempfile::tempdir().unwrap();
    let (cache, downloads) = (folder.path().join("cache"), folder.path().join("Downloads"));
    let begin = || {
        let (here, go) = (mpsc::channel(), mpsc::channel::<()>());
        let (file, cache, downloads) = (release.file("deb-x86_64").unwrap().clone(), cache.clone(), downloads.clone());
        let task = tokio::spawn(async move {
            // Goes on once the other end of `go` is dropped.
            let on_bytes = move |bytes| {
                let _ = here.0.send(bytes).map(|()| go.1.recv());
            };
            download(&file, &cache, &downloads, on_bytes).await
        });
        (task, here.1, go.0)
    };
    server.serve("/app.deb", PACKAGE);
    let (first, here, go) = begin();
    assert_eq!(here.recv_timeout(PATIENCE).unwrap(), PACKAGE.len() as u64);
    let cut: Answer = ("HTTP/1.1 200 OK\r\nContent-Length: 25\r\nConnection: close\r\n\r\n".into(), b"a pack".to_vec());
    server.answer("/app.deb", cut);
    let (second, second_here, second_go) = begin();
    assert_eq!(second_here.recv_timeout(PATIENCE).unwrap(), 6);
    drop(go);
    let path = first.await.unwrap().unwrap();
    assert_eq!(fs::read(path).unwrap(), PACKAGE);
    drop(second_go);
    assert_eq!(second.await.unwrap().expect_err("it breaks off").kind, "update_unreachable");
    assert_eq!(names(&downloads), ["app.deb"]);
}

#[tokio::test]
async fn what_is_not_what_was_signed_leaves_nothing() {
    let (server, release) = announced().await;
    let cut: Answer = ("HTTP/1.1 200 OK\r\nContent-Length: 25\r\nConnection: close\r\n\r\n".into(), b"a pack".to_vec());
    for (answer, kind) in [
        (ok_as("200 OK", b"a package that was forged"), "update_untrusted"),
        (ok_as("200 OK", b"a package"), "update_untrusted"),
        (ok_as("200 OK", &[b'x'; 100_000]), "update_untrusted"),
        (ok_as("503 Busy", PACKAGE), "update_unreachable"),
        (cut, "update_unreachable"),
    ] {
        server.answer("/app.deb", answer);
        let folder = tempfile::tempdir().unwrap();
        let refused: RpcError = download(release.file("deb-x86_64").unwrap(), folder.path(), folder.path(), |_| {})
            .await
            .expect_err("it is not");
        assert_eq!(refused.kind, kind);
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
