//! What no client should send.

use std::time::Duration;

use openai_proxy::{Listen, MOST_BODY_BYTES, Patience};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::common::{PATH, Served, soon};

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_its_length_or_when_it_has_come_too_far() {
    let served = Served::start().await;
    let head = served.head("POST", PATH);
    let answer = served.send(&format!("{head}Content-Length: 1000000000\r\n\r\n")).await;
    assert_eq!((answer.status, &*answer.code()), (413, "body_too_long"));

    let mut connection = served.connect().await;
    connection.send(&format!("{head}Transfer-Encoding: chunked\r\n\r\n")).await;
    let mebibyte = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    for _ in 0..=MOST_BODY_BYTES >> 20 {
        connection.send(&mebibyte).await;
    }
    assert_eq!(connection.answer().await.status, 413);
}

#[tokio::test]
async fn a_client_that_goes_on_sending_a_refused_body_still_gets_the_answer() {
    let served = Served::start().await;
    let refused = [
        (served.head("POST", PATH), 413),
        (format!("POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n"), 401),
    ];
    for (head, status) in refused {
        let mut connection = served.connect().await;
        connection.send(&format!("{head}Content-Length: 50000000\r\n\r\n")).await;
        let mebibyte = vec![b' '; 1 << 20];
        for _ in 0..40 {
            soon("room to send", connection.0.get_mut().write_all(&mebibyte)).await.unwrap();
        }
        assert_eq!(connection.answer().await.status, status);
    }
}

#[tokio::test]
async fn a_body_of_the_most_is_served() {
    let served = Served::start().await;
    let mut body = r#"{"messages": [{"content": "count 0"}]}"#.to_owned();
    body.push_str(&" ".repeat(MOST_BODY_BYTES - body.len()));
    let answer =
        served.send(&format!("{}Content-Length: {}\r\n\r\n{body}", served.head("POST", PATH), body.len())).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_next_one_is_served() {
    let served = Served::start().await;
    let post = served.head("POST", PATH);
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\n\r\n".to_owned(), 403),
        (format!("{post}Content-Length: 5\r\n\r\nhello"), 400),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nZZZ\r\n"), 400),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX"), 400),
        (format!("{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"), 400),
        (format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(100_000)), 414),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1_000_000)), 431),
    ] {
        let mut connection = served.connect().await;
        connection.send(&request).await;
        let (answered, head) = connection.head().await;
        let shown: String = request.chars().take(60).collect();
        assert_eq!(answered, status, "{shown} {head}");
    }
    assert_eq!(served.ask("count 0").await.status, 200);
}

#[tokio::test]
async fn http_1_0_is_answered_and_its_stream_ends_with_the_connection() {
    let served = Served::start().await;
    let request = served.chat(PATH, "count 2", true).replace("HTTP/1.1", "HTTP/1.0");
    let mut connection = served.connect().await;
    connection.send(&request).await;
    let (status, head) = connection.head().await;
    assert!(status == 200 && !head.contains("chunked"), "{head}");
    assert!(connection.end().await.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_body_that_breaks_off_reaches_nobody() {
    let served = Served::start().await;
    let mut connection = served.connect().await;
    // Whole JSON, which would be answered.
    let whole = served.chat(PATH, "echo", false);
    let body = whole.split_once("\r\n\r\n").unwrap().1;
    let head = served.head("POST", PATH);
    connection.send(&format!("{head}Content-Length: {}\r\n\r\n{body}", body.len() + 1)).await;
    connection.0.get_mut().shutdown().await.unwrap();
    let said = connection.end().await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
}

const IMPATIENT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_head_or_a_body_that_comes_byte_by_byte_is_given_up() {
    let patience = Patience { head: IMPATIENT, body: IMPATIENT, ..Patience::default() };
    let served = Served::patient(patience).await;
    let head = "GET /health HTTP/1.1\r\nHost: local".to_owned();
    let body = format!("{}Content-Length: 100\r\n\r\n{{", served.head("POST", PATH));
    for (request, code) in [(head, "request_timeout"), (body, "body_timeout")] {
        let (reading, mut writing) = served.connect().await.0.into_inner().into_split();
        writing.write_all(request.as_bytes()).await.unwrap();
        let dripping = tokio::spawn(async move {
            let mut drops = tokio::time::interval(IMPATIENT / 10);
            while writing.write_all(b"x").await.is_ok() {
                drops.tick().await;
            }
        });
        let mut answer = String::new();
        // A reset is an end, too: the client still sends.
        let _ = soon("the end", BufReader::new(reading).read_to_string(&mut answer)).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains(code), "{answer}");
        assert!(answer.contains("x-should-retry: false"), "{answer}");
        soon("nobody to read", dripping).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_closed_without_a_word() {
    let served = Served::patient(Patience { head: IMPATIENT, ..Patience::default() }).await;
    assert_eq!(served.connect().await.end().await, "");
    let mut idle = served.connect().await;
    idle.send(&served.chat(PATH, "count 0", false)).await;
    idle.answer().await;
    assert_eq!(idle.end().await, "");
}

#[tokio::test]
async fn a_client_that_does_not_read_an_answer_of_less_than_its_queue_is_given_up_too() {
    let patience = Patience { reading: IMPATIENT, ..Patience::default() };
    let served = Served::new(|folder| Listen::Socket(folder.join("api.sock")), &[], patience).await;
    let mut deaf = UnixStream::connect(served.folder.path().join("api.sock")).await.unwrap();
    // More than the system's buffers hold, so that somebody has to read.
    deaf.write_all(served.chat(PATH, "flood 3000", true).as_bytes()).await.unwrap();
    served.tell("cancelled 1").await;
}

#[tokio::test]
async fn a_client_that_never_reads_loses_its_own_request_only() {
    let served = Served::patient(Patience { head: IMPATIENT, ..Patience::default() }).await;
    let mut deaf = served.connect().await;
    deaf.send(&served.chat(PATH, "endless", true)).await;
    // What it does not read fills its queue, and then its request is cancelled.
    assert_eq!(served.ask("cancelled 1").await.status, 200);
    assert!(deaf.end().await.contains("slow_consumer"));
}
