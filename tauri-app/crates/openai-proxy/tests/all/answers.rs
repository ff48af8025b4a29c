//! What a client gets that asks as it should.

use serde_json::{Value, json};

use crate::common::{PATH, Served};

#[tokio::test]
async fn an_answer_is_the_sidecars_and_the_request_is_the_clients_with_whose_it_is() {
    let served = Served::start().await;
    let answer = served.ask("echo").await;
    assert_eq!(answer.status, 200);
    let params: Value = serde_json::from_str(&answer.content()).unwrap();
    assert_eq!(params["messages"], json!([{"role": "user", "content": "echo"}]));
    assert_eq!((&params["priority"], &params["origin"]), (&json!(10), &json!("proxy")));
}

#[tokio::test]
async fn the_address_says_the_priority_and_a_body_may_be_laid_out_in_lines() {
    let served = Served::start().await;
    let body = "{\r\n  \"model\": \"qwen3-vl-4b\",\n  \"messages\": [\n    {\"content\": \"echo\"}\n  ]\n}\n";
    let head = served.head("POST", &format!("{PATH}?priority=1"));
    let answer = served.send(&format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
    let params: Value = serde_json::from_str(&answer.content()).unwrap();
    assert_eq!((&params["priority"], &params["model"]), (&json!(1), &json!("qwen3-vl-4b")));
}

#[tokio::test]
async fn a_streamed_answer_is_each_chunk_as_an_event_and_then_done() {
    let served = Served::start().await;
    let answer = served.send(&served.chat(PATH, "count 3", true)).await;
    assert!(answer.head.contains("content-type: text/event-stream"), "{answer:?}");
    let events: Vec<_> =
        answer.body.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect();
    let texts: Vec<_> = events[..3]
        .iter()
        .map(|event| serde_json::from_str::<Value>(event).unwrap()["choices"][0]["delta"]["content"].clone())
        .collect();
    assert_eq!(texts, ["0", "1", "2"]);
    assert_eq!(events[3..], ["[DONE]"]);
}

#[tokio::test]
async fn one_connection_takes_request_after_request() {
    let served = Served::start().await;
    let mut connection = served.connect().await;
    for stream in [false, true, false] {
        connection.send(&served.chat(PATH, "count 2", stream)).await;
        assert_eq!(connection.answer().await.status, 200);
    }
}

#[tokio::test]
async fn an_error_has_its_status_whether_it_is_streamed_or_not() {
    let served = Served::start().await;
    for stream in [false, true] {
        let answer = served.send(&served.chat(PATH, "fail context_length_exceeded", stream)).await;
        assert_eq!(answer.status, 400);
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["code"], &error["type"], &error["param"], &error["message"]),
            (&json!("context_length_exceeded"), &json!("invalid_request_error"), &json!("messages"), &json!("why"))
        );
        assert!(answer.head.contains("x-should-retry: false"), "{answer:?}");
    }
}

#[tokio::test]
async fn models_are_listed_and_found_by_their_names() {
    let served = Served::start().await;
    let get = |path: &str| format!("{}\r\n", served.head("GET", path));
    let list = served.send(&get("/v1/models")).await.json();
    assert_eq!((&list["object"], &list["data"][0]["id"]), (&json!("list"), &json!("qwen3-vl-4b")));
    assert_eq!(served.send(&get("/v1/models/qwen3-vl-4b")).await.json()["object"], "model");
    for missing in ["gpt", "gpt/4", "%FF", "%FF/%C3%28"] {
        let answer = served.send(&get(&format!("/v1/models/{missing}"))).await;
        assert!(answer.head.contains("content-type: application/json"), "{missing}: {answer:?}");
        assert_eq!((answer.status, &*answer.code()), (404, "model_not_found"), "{missing}");
        assert_eq!(answer.json()["error"]["type"], "not_found_error", "{missing}");
    }
}

#[tokio::test]
async fn a_thousand_chunks_keep_their_order() {
    let served = Served::start().await;
    let answer = served.send(&served.chat(PATH, "count 1000", true)).await;
    let numbers = answer.body.matches("\"content\":\"").count();
    assert_eq!(numbers, 1000);
    assert!(answer.body.find("\"998\"").unwrap() < answer.body.find("\"999\"").unwrap());
}
