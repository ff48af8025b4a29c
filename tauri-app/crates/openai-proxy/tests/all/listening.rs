//! Where it listens.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use openai_proxy::{HeldUp, Listen, ListenError, Options, Patience, Proxy, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use crate::common::{Served, soon};

async fn refused(served: &Served, listen: Listen) -> ListenError {
    let options = Options {
        listen,
        token: Token::generate().into(),
        origins: Vec::new(),
        patience: Patience::default(),
        held_up: HeldUp::default(),
    };
    Proxy::start(options, Arc::clone(&served.supervisor)).await.expect_err("it is taken")
}

#[tokio::test]
async fn a_taken_port_is_named_and_only_this_computer_reaches_it() {
    let served = Served::start().await;
    let port = served.proxy.port().unwrap();
    let error = refused(&served, Listen::Port(port)).await;
    assert_eq!(
        error.to_string(),
        format!("port {port} of 127.0.0.1 is taken by another program; choose another port, or end that program")
    );
    assert!(TcpStream::connect(("127.0.0.2", port)).await.is_err(), "it listens beyond 127.0.0.1");
}

#[tokio::test]
async fn a_socket_is_its_owners_and_is_gone_with_the_proxy() {
    let served = Served::listening(|folder| Listen::Socket(folder.join("api.sock")), &[]).await;
    let path = served.folder.path().join("api.sock");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = format!("{}Connection: close\r\n\r\n", served.head("GET", "/v1/models"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("qwen3-vl-4b"), "{answer}");
    let error = refused(&served, Listen::Socket(path.clone())).await;
    assert!(matches!(error, ListenError::SocketTaken(taken) if taken == path));
    soon("the stop", served.proxy.stop()).await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_a_killed_process_left_is_replaced_and_anything_else_stays() {
    let served = Served::start().await;
    let left = served.folder.path().join("left.sock");
    drop(UnixListener::bind(&left).unwrap());
    let options = Options {
        listen: Listen::Socket(left.clone()),
        token: Token::generate().into(),
        origins: Vec::new(),
        patience: Patience::default(),
        held_up: HeldUp::default(),
    };
    let proxy = Proxy::start(options, Arc::clone(&served.supervisor)).await.unwrap();
    UnixStream::connect(&left).await.unwrap();
    soon("the stop", proxy.stop()).await;
    let file = served.folder.path().join("notes");
    std::fs::write(&file, "a person's").unwrap();
    assert!(matches!(refused(&served, Listen::Socket(file.clone())).await, ListenError::NoSocket(_)));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "a person's");
}

#[tokio::test]
async fn what_the_system_refuses_is_named_with_its_reason_and_with_what_helps() {
    let served = Served::start().await;
    // Longer than a socket's address may be.
    let path = served.folder.path().join("folder".repeat(20)).join("api.sock");
    let error = refused(&served, Listen::Socket(path.clone())).await;
    let ListenError::SocketRefused { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(
        error.to_string(),
        format!("the system refuses a socket at {}: {source}; put that right, or listen at a port", path.display())
    );
    let port = ListenError::PortRefused { port: 80, source: io::ErrorKind::PermissionDenied.into() };
    assert_eq!(
        port.to_string(),
        "the system refuses port 80 of 127.0.0.1: permission denied; choose another port, from 1024 up"
    );
}
