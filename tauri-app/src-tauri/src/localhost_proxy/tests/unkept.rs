//! Changes that cannot be kept.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;

use tempfile::TempDir;

use super::*;
use crate::preferences::replace;

const NOTES: &str = "https://notes.example";
const MAIL: &str = "https://mail.example";

/// A proxy that listens, and whose settings cannot be written: a folder lies in the place of their file.
struct Unkept {
    proxy: LocalhostProxy,
    before: Choice,
    folder: TempDir,
}

impl Unkept {
    async fn listening(before: Choice) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("shell.json")).expect("the disk has room");
        let keychain = Keychain::of_folder(folder.path(), PATIENCE);
        let proxy = LocalhostProxy::new(supervisor(), keychain, folder.path().join("api.sock"), HeldUp::default());
        // So that nobody's keychain is asked for it.
        proxy.token.replace(Token::generate());
        proxy.apply(proxy.alone().await, &before).await;
        assert_eq!(proxy.shown(before.clone()).await.state(), if before.on { "listening" } else { "off" });
        Self { proxy, before, folder }
    }

    /// Tries to change to that. Returns what is told to hold instead.
    async fn change(&self, choice: &Choice) -> Choice {
        let mut holds = None;
        let keep = |otherwise: &Choice| {
            holds = Some(otherwise.clone());
            replace(&self.folder.path().join("shell.json"), b"{}")
        };
        self.proxy.change(self.proxy.alone().await, &self.before, choice, keep).await.expect_err("there is a folder");
        holds.expect("it was tried")
    }

    async fn port(&self) -> Option<u16> {
        self.proxy.held.lock().await.listening.as_ref().and_then(|(proxy, _)| proxy.port())
    }

    fn at_socket(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(self.folder.path().join("api.sock"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

fn at_port(origins: &[&str]) -> Choice {
    Choice { on: true, port: 0, ..choice(origins) }
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Whether a page of that origin may ask.
fn lets_in(origin: &str, mut stream: impl Read + Write) -> bool {
    let head =
        "OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccess-Control-Request-Method: GET";
    write!(stream, "{head}\r\nOrigin: {origin}\r\n\r\n").expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    answer.contains(&format!("access-control-allow-origin: {origin}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_is_closed_though_that_cannot_be_kept() {
    let unkept = Unkept::listening(at_socket(&[NOTES])).await;
    let off = Choice { on: false, ..unkept.before.clone() };
    assert_eq!(unkept.change(&off).await, off);
    assert!(unkept.at_socket().is_err(), "nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_may_ask_no_more_is_refused_though_that_cannot_be_kept() {
    let unkept = Unkept::listening(at_socket(&[NOTES, MAIL])).await;
    assert!(lets_in(NOTES, unkept.at_socket().expect("it listens")));
    let without = at_socket(&[MAIL]);
    assert_eq!(unkept.change(&without).await, without);
    assert!(!lets_in(NOTES, unkept.at_socket().expect("it listens")));
    assert!(lets_in(MAIL, unkept.at_socket().expect("it listens")), "others may ask as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_closed_for_a_socket_though_that_cannot_be_kept() {
    let unkept = Unkept::listening(at_port(&[])).await;
    let port = unkept.port().await.expect("it has one");
    drop(connect(port).expect("it listens"));
    let socket = Choice { socket: true, ..at_port(&[]) };
    assert_eq!(unkept.change(&socket).await, socket);
    assert_eq!(unkept.port().await, None);
    assert!(connect(port).is_err(), "nobody listens there");
    assert!(!lets_in(NOTES, unkept.at_socket().expect("it listens")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_by_what_cannot_be_kept() {
    let unkept = Unkept::listening(at_socket(&[NOTES])).await;
    // A port, and another page in place of the one before.
    assert_eq!(unkept.change(&at_port(&[MAIL])).await, at_socket(&[]));
    assert_eq!(unkept.port().await, None);
    for origin in [NOTES, MAIL] {
        assert!(!lets_in(origin, unkept.at_socket().expect("it listens")), "{origin}");
    }
    let unkept = Unkept::listening(Choice { on: false, ..at_socket(&[]) }).await;
    assert_eq!(unkept.change(&at_socket(&[])).await, unkept.before);
    assert!(unkept.at_socket().is_err(), "it stays off");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_while_nothing_is_changed_after_all_goes_on() {
    let unkept = Unkept::listening(at_socket(&[NOTES])).await;
    let mut asking = unkept.at_socket().expect("it listens");
    write!(asking, "OPTIONS /v1/models HTTP/1.1\r\n").expect("it is read");
    assert_eq!(unkept.change(&at_socket(&[NOTES, MAIL])).await, unkept.before);
    write!(asking, "Host: localhost\r\nConnection: close\r\n\r\n").expect("it is read");
    let mut answer = String::new();
    asking.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_kept_again_holds_as_it_was_chosen() {
    let unkept = Unkept::listening(at_socket(&[NOTES])).await;
    let left = unkept.change(&at_socket(&[MAIL])).await;
    unkept.proxy.change(unkept.proxy.alone().await, &left, &at_socket(&[MAIL]), |_| Ok(())).await.expect("it is kept");
    assert!(lets_in(MAIL, unkept.at_socket().expect("it listens")));
}
