//! A request ends with its client, and with the proxy.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::common::{PATH, Served, soon, tell};

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request_streamed_or_not() {
    for stream in [false, true] {
        let served = Served::start().await;
        let mut connection = served.connect().await;
        connection.send(&served.chat(PATH, "wait for-ever", stream)).await;
        served.ask("begun 1").await;
        drop(connection);
        assert_eq!(served.ask("cancelled 1").await.status, 200, "stream: {stream}");
    }
}

#[tokio::test]
async fn a_client_that_closed_its_half_has_left() {
    let served = Served::start().await;
    let mut connection = served.connect().await;
    connection.send(&served.chat(PATH, "wait for-ever", false)).await;
    served.ask("begun 1").await;
    connection.0.get_mut().shutdown().await.unwrap();
    assert_eq!(served.ask("cancelled 1").await.status, 200);
    connection.end().await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_midst_of_its_stream_cancels_the_rest() {
    let served = Served::start().await;
    let mut connection = served.connect().await;
    connection.send(&served.chat(PATH, "endless", true)).await;
    connection.head().await;
    connection.chunk().await.unwrap();
    drop(connection);
    assert_eq!(served.ask("cancelled 1").await.status, 200);
}

#[tokio::test]
async fn stopping_lets_what_is_nearly_done_end_and_accepts_nobody() {
    let served = Served::start().await;
    let mut connection = served.connect().await;
    connection.send(&served.chat(PATH, "wait done", false)).await;
    served.ask("begun 1").await;
    let Served { proxy, supervisor, folder: _folder, .. } = served;
    let port = proxy.port().unwrap();
    let stopping = tokio::spawn(proxy.stop());
    let refused = async { while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {} };
    soon("nobody to be accepted", refused).await;
    tell(&supervisor, "release done").await;
    assert_eq!(connection.answer().await.status, 200);
    soon("the stop", stopping).await.unwrap();
}

#[tokio::test]
async fn stopping_cancels_what_does_not_end() {
    let served = Served::start().await;
    let mut connection = served.connect().await;
    connection.send(&served.chat(PATH, "wait for-ever", true)).await;
    served.ask("begun 1").await;
    let Served { proxy, supervisor, folder: _folder, .. } = served;
    soon("the stop", proxy.stop()).await;
    connection.end().await;
    tell(&supervisor, "cancelled 1").await;
}
