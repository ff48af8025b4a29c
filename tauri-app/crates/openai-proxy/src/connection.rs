//! One connection: its time limits, and a farewell that the client can read.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, service};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::listener::Stream;
use crate::patience::Patience;

/// How long a client is listened to after the last word: as long as it still sends, closing would take the answer away.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes of a request's head at most, and of what is read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves one connection to its end, or to the end of its request once `stop` is true.
pub(crate) async fn serve(stream: Stream, router: Router, patience: Patience, mut stop: watch::Receiver<bool>) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience.reading));
    let service =
        service::service_fn(move |request: Request<Incoming>| Box::pin(router.clone().oneshot(request.map(Body::new))));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut stopping = pin!(stop.wait_for(|stop| *stop));
    let mut stops = false;
    let result = loop {
        tokio::select! {
            result = poll_fn(|context| connection.poll_without_shutdown(context)) => break result,
            _ = &mut stopping, if !stops => {
                stops = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner();
    let too_slow = result.is_err_and(|error| error.is_timeout()) && !parts.read_buf.is_empty();
    if too_slow {
        let _ = timeout(FAREWELL, stream.write_all(&refusal("408 Request Timeout", "request_timeout"))).await;
    }
    if !stops {
        let _ = timeout(FAREWELL, part(&mut stream)).await;
    }
}

/// Tells a client that there are too many.
pub(crate) async fn refuse(mut stream: Stream) {
    let _ = timeout(FAREWELL, async {
        stream.write_all(&refusal("503 Service Unavailable", "too_many_connections")).await?;
        part(&mut stream).await
    })
    .await;
}

/// Says that nothing more comes, and reads what is still sent to its end.
async fn part(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut nowhere = vec![0; BUFFER_BYTES];
    while stream.read(&mut nowhere).await? > 0 {}
    Ok(())
}

/// An answer to what was not read as a request.
fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body = format!(r#"{{"error":{{"message":"{code}","type":"server_error","param":null,"code":"{code}"}}}}"#);
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
