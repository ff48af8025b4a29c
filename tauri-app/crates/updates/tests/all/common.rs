//! A place of releases on this computer: what it serves is up to the test.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use minisign::KeyPair;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use updates::Place;

/// What is answered to a path: a head, and the body.
pub(crate) type Answer = (String, Vec<u8>);

pub(crate) struct Server {
    pub(crate) url: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (known, heard) = (Arc::clone(&answers), Arc::clone(&heads));
        let accepting = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (known, heard) = (Arc::clone(&known), Arc::clone(&heard));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if socket.read(&mut byte).await.unwrap_or(0) == 0 {
                            return;
                        }
                        head.extend(byte);
                    }
                    let head = String::from_utf8(head).unwrap();
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    heard.lock().unwrap().push(head);
                    let (head, body) =
                        known.lock().unwrap().get(&path).cloned().unwrap_or_else(|| ok_as("404 None", b"none"));
                    // The client may have seen enough of it.
                    let _ = socket.write_all(head.as_bytes()).await;
                    let _ = socket.write_all(&body).await;
                });
            }
        });
        Self { url, answers, heads, accepting }
    }

    pub(crate) fn serve(&self, path: &str, body: &[u8]) {
        self.answer(path, ok_as("200 OK", body));
    }

    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Announces `release`, signed with `keys`.
    pub(crate) fn announce(&self, release: &[u8], keys: &KeyPair) {
        self.serve("/latest.json", release);
        self.serve("/latest.json.minisig", signature(release, keys).as_bytes());
    }

    pub(crate) fn place(&self, keys: &KeyPair) -> Place {
        Place::new(&format!("{}/latest.json", self.url), &keys.pk.to_base64()).unwrap()
    }

    /// `latest.json` of `version`, with one package of these bytes.
    pub(crate) fn release(&self, version: &str, package: &[u8]) -> Value {
        let sha256: String = Sha256::digest(package).iter().map(|byte| format!("{byte:02x}")).collect();
        let file = json!({
            "url": format!("{}/app.deb", self.url), "name": "app.deb", "size": package.len(), "sha256": sha256,
        });
        json!({"version": version, "page": "https://example.com/releases", "files": {"deb-x86_64": file}})
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub(crate) fn ok_as(status: &str, body: &[u8]) -> Answer {
    (format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()), body.to_vec())
}

pub(crate) fn keys() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}

pub(crate) fn signature(text: &[u8], keys: &KeyPair) -> String {
    minisign::sign(Some(&keys.pk), &keys.sk, Cursor::new(text), None, None).unwrap().into_string()
}
