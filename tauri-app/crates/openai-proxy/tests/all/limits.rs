//! How much is served at once.

use std::time::Duration;

use openai_proxy::{MOST_CONNECTIONS, Patience};
use tokio::time::timeout;

use crate::common::{PATH, Served, soon};

#[tokio::test]
async fn of_those_that_a_person_waits_for_two_rows_are_at_the_sidecar_at_once() {
    let served = Served::start().await;
    let urgent = format!("{PATH}?priority=1");
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut connection = served.connect().await;
        connection.send(&served.chat(&urgent, "wait turn", false)).await;
        connections.push(connection);
    }
    served.ask("begun 2").await;
    // Those that can wait are not held up, and the third has still not come.
    assert_eq!(served.ask("begun 2").await.content(), "2");
    served.ask("release turn").await;
    for connection in &mut connections {
        assert_eq!(connection.answer().await.status, 200);
    }
    assert_eq!(served.ask("begun 3").await.content(), "3");
}

#[tokio::test]
async fn a_stream_that_waits_for_its_turn_says_that_it_lives_and_then_has_its_answer() {
    let served = Served::patient(Patience { pulse: Duration::from_millis(50), ..Patience::default() }).await;
    let urgent = format!("{PATH}?priority=1");
    let mut connections = Vec::new();
    for _ in 0..2 {
        let mut connection = served.connect().await;
        connection.send(&served.chat(&urgent, "wait turn", false)).await;
        connections.push(connection);
    }
    served.ask("begun 2").await;
    let mut waiting = served.connect().await;
    waiting.send(&served.chat(&urgent, "count 1", true)).await;
    assert_eq!(waiting.head().await.0, 200);
    for _ in 0..2 {
        assert_eq!(waiting.chunk().await.unwrap(), ": waiting\n\n");
    }
    served.ask("release turn").await;
    let mut rest = String::new();
    while let Some(chunk) = waiting.chunk().await {
        rest += &chunk;
    }
    assert!(rest.contains("\"content\":\"0\"") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
}

#[tokio::test]
async fn who_waits_for_a_turn_and_leaves_takes_none() {
    let served = Served::start().await;
    let urgent = format!("{PATH}?priority=1");
    let mut holding = Vec::new();
    for _ in 0..2 {
        let mut connection = served.connect().await;
        connection.send(&served.chat(&urgent, "wait turn", false)).await;
        holding.push(connection);
    }
    served.ask("begun 2").await;
    for _ in 0..2 {
        let mut leaving = served.connect().await;
        leaving.send(&served.chat(&urgent, "wait for-ever", false)).await;
        drop(leaving);
    }
    served.ask("release turn").await;
    for connection in &mut holding {
        connection.answer().await;
    }
    let next = served.send(&served.chat(&urgent, "echo", false)).await;
    assert_eq!(next.status, 200);
}

#[tokio::test]
async fn who_gets_no_room_for_a_body_is_told_to_ask_again_and_the_others_have_their_answers() {
    let served = Served::patient(Patience { body: Duration::from_secs(3), ..Patience::default() }).await;
    let urgent = format!("{PATH}?priority=1");
    let mut holding = Vec::new();
    for _ in 0..2 {
        let mut connection = served.connect().await;
        connection.send(&served.chat(&urgent, "wait turn", false)).await;
        holding.push(connection);
    }
    served.ask("begun 2").await;
    // Each keeps its room until its turn, and so there is none for a fifth one.
    let mut long = Vec::new();
    for _ in 0..4 {
        let mut connection = served.connect().await;
        connection.send(&in_chunks(&served, &urgent, LONG)).await;
        long.push(connection);
    }
    let refused = served.send(&format!("{}Content-Length: {LONG}\r\n\r\n", served.head("POST", &urgent))).await;
    assert_eq!((refused.status, &*refused.code()), (503, "too_many_bodies"));
    assert_eq!(refused.json()["error"]["type"], "server_error");
    assert!(refused.head.contains("x-should-retry: true") && refused.head.contains("retry-after: 1"), "{refused:?}");
    served.ask("release turn").await;
    for connection in &mut long {
        assert_eq!(connection.answer().await.status, 200);
    }
}

/// Bytes of a body; five such are too many.
const LONG: usize = 20 * 1024 * 1024;

/// A request whose length nobody knows before its end.
fn in_chunks(served: &Served, path: &str, length: usize) -> String {
    let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", served.head("POST", path));
    let body = r#"{"messages": [{"content": "count 0"}], "stream": true}"#;
    let spaces = " ".repeat(length.saturating_sub(body.len()));
    format!("{head}{:x}\r\n{body}{spaces}\r\n0\r\n\r\n", body.len() + spaces.len())
}

#[tokio::test]
async fn of_a_body_in_chunks_counts_what_came_while_it_waits_for_its_turn() {
    let patience = Patience { body: Duration::from_secs(3), pulse: Duration::from_millis(50), ..Patience::default() };
    let served = Served::patient(patience).await;
    let urgent = format!("{PATH}?priority=1");
    let mut connections = Vec::new();
    for _ in 0..2 {
        let mut connection = served.connect().await;
        connection.send(&served.chat(&urgent, "wait turn", false)).await;
        connections.push(connection);
    }
    served.ask("begun 2").await;
    // A long one, and more short ones than there is room for of the longest.
    for length in [LONG, 0, 0, 0, 0, 0] {
        let mut connection = served.connect().await;
        connection.send(&in_chunks(&served, &urgent, length)).await;
        let (status, head) = connection.head().await;
        assert_eq!(status, 200, "{head}");
        assert_eq!(connection.chunk().await.unwrap(), ": waiting\n\n");
        connections.push(connection);
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so_and_one_that_ends_makes_room() {
    let served = Served::start().await;
    let mut connections = Vec::new();
    for _ in 0..MOST_CONNECTIONS {
        let mut connection = served.connect().await;
        connection.send(&served.chat(PATH, "count 0", false)).await;
        assert_eq!(connection.answer().await.status, 200);
        connections.push(connection);
    }
    let mut one_more = served.connect().await;
    let answer = one_more.answer().await;
    assert_eq!((answer.status, &*answer.code()), (503, "too_many_connections"));
    assert!(answer.head.contains("x-should-retry: true") && answer.head.contains("retry-after: 1"), "{}", answer.head);
    drop(connections.pop());
    let until_served = async {
        while served.ask("count 0").await.status == 503 {
            tokio::task::yield_now().await;
        }
    };
    soon("room", until_served).await;
}

#[tokio::test]
async fn ten_thousand_connections_keep_neither_those_that_are_served_nor_the_window_from_their_answers() {
    let served = Served::start().await;
    let mut served_one = served.connect().await;
    served_one.send(&served.chat(PATH, "count 0", false)).await;
    assert_eq!(served_one.answer().await.status, 200);
    let mut others = Vec::new();
    for number in 0..10_000 {
        // The system's queue is full at some point: a connection is then not even made.
        match timeout(Duration::from_millis(20), served.connect()).await {
            Ok(connection) => others.push(connection),
            Err(_) => {
                assert!(number > MOST_CONNECTIONS);
                others.clear();
            }
        }
        if number % 1000 == 999 {
            served_one.send(&served.chat(PATH, "count 3", true)).await;
            assert_eq!(served_one.answer().await.status, 200);
            served.tell("echo").await;
        }
    }
}
