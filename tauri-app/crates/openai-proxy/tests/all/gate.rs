//! Who is let in.

use crate::common::{PATH, Served};

#[tokio::test]
async fn without_the_token_nothing_is_told_but_that_it_lives() {
    let served = Served::start().await;
    served.ask("echo").await; // it has its sidecar now
    let wrong = format!("Authorization: Bearer {}x\r\n", served.token.expose());
    for header in ["", &wrong, "Authorization: Basic eDp5\r\n"] {
        for (request, status) in [
            (format!("POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{header}Content-Length: 0\r\n\r\n"), 401),
            (format!("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"), 401),
            (format!("GET /anything HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"), 401),
            (format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"), 200),
        ] {
            let answer = served.send(&request).await;
            assert_eq!(answer.status, status, "{request}");
            if status == 401 {
                assert_eq!(answer.code(), "invalid_api_key");
                assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn who_is_refused_before_the_body_was_read_is_told_that_the_connection_ends() {
    let served = Served::start().await;
    let closes = "connection: close";
    let unread = "Host: localhost\r\nContent-Length: 100\r\n\r\n";
    for line in ["POST /v1/chat/completions", "POST /anything", "GET /v1/models"] {
        let answer = served.send(&format!("{line} HTTP/1.1\r\n{unread}")).await;
        assert!(answer.status == 401 && answer.head.contains(closes), "{answer:?}");
    }
    let refused_later = served.ask("fail invalid_request").await;
    assert!(refused_later.status == 400 && !refused_later.head.contains(closes), "{refused_later:?}");
}

#[tokio::test]
async fn a_page_that_had_its_name_lead_here_is_refused_even_with_the_token() {
    let served = Served::start().await;
    let head = served.head("GET", "/v1/models");
    let answer = served.send(&format!("{}\r\n", head.replace("Host: localhost", "Host: evil.example"))).await;
    assert_eq!((answer.status, &*answer.code()), (403, "host_refused"));
    let answer = served.send("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_openais_shape() {
    let served = Served::start().await;
    let unknown = served.send(&format!("{}\r\n", served.head("GET", "/v1/embeddings"))).await;
    assert_eq!((unknown.status, &*unknown.code()), (404, "not_found"));
    let other_method = served.send(&format!("{}\r\n", served.head("GET", PATH))).await;
    assert_eq!((other_method.status, &*other_method.code()), (405, "method_not_allowed"));
}

#[tokio::test]
async fn pages_may_ask_only_where_their_origin_was_listed() {
    let preflight = |origin: &str| {
        format!(
            "OPTIONS {PATH} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,x-stainless-os\r\nAccess-Control-Request-Private-Network: true\r\n\r\n"
        )
    };
    let allows = "access-control-allow-origin: https://notes.example";
    let listed = Served::listening(|_| openai_proxy::Listen::Port(0), &["https://notes.example"]).await;
    let answer = listed.send(&preflight("https://notes.example")).await;
    assert!(answer.head.contains(allows), "{answer:?}");
    // What OpenAI's library for browsers sends, and what Chrome asks of a page of the web.
    assert!(answer.head.contains("access-control-allow-headers: authorization,x-stainless-os"), "{answer:?}");
    assert!(answer.head.contains("access-control-allow-private-network: true"), "{answer:?}");
    let asked = format!("{}Origin: https://notes.example\r\n\r\n", listed.head("GET", "/v1/models"));
    let asked = listed.send(&asked).await;
    assert!(asked.status == 200 && asked.head.contains(allows), "{asked:?}");
    let without_token = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://notes.example\r\n\r\n";
    assert_eq!(listed.send(without_token).await.status, 401);
    for other in ["https://evil.example", "https://notes.example.evil.example", "http://notes.example", "null"] {
        assert!(!listed.send(&preflight(other)).await.head.contains("access-control-allow-origin"), "{other}");
    }
    let closed = Served::start().await;
    let answer = closed.send(&preflight("https://notes.example")).await;
    assert!(answer.status == 401 && !answer.head.contains("access-control"), "{answer:?}");
}
