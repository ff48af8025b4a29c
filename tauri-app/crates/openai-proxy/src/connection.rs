//! One connection: its time limits, and a farewell that the client can read.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::{Request, service};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::error::ApiError;
use crate::listener::Stream;
use crate::patience::Patience;

/// How long a client is listened to after the last word: as long as it still sends, closing would take the answer away.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes of a request's head at most, and of what is read at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// Bytes that are read at once of what nobody wants: twice 64 clients that were refused may be listened to.
const FAREWELL_BYTES: usize = 16 * 1024;

/// Serves one connection to its end, or to the end of its request once `stop` is true.
pub(crate) async fn serve(stream: Stream, router: Router, patience: Patience, mut stop: watch::Receiver<bool>) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience.reading));
    let service = service::service_fn(move |request| Box::pin(answer(router.clone(), request)));
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
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner();
    let too_slow = result.is_err_and(|error| error.is_timeout()) && !parts.read_buf.is_empty();
    if too_slow {
        let message = "the head of the request takes too long to come";
        let refusal = ApiError::of_client(StatusCode::REQUEST_TIMEOUT, "request_timeout", message);
        let _ = timeout(FAREWELL, write(&mut stream, refusal)).await;
    }
    if !stops {
        let _ = timeout(FAREWELL, part(&mut stream)).await;
    }
}

/// A client that is refused before its body was read is told that the connection ends with that: hyper closes it, and
/// the next request would find nobody.
async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    let whole = Arc::new(AtomicBool::new(request.body().is_end_stream()));
    let followed = |body| Body::new(Followed { body, whole: Arc::clone(&whole) });
    let mut response = router.oneshot(request.map(followed)).await?;
    if !whole.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A body, and whether it was read to its end.
struct Followed {
    body: Incoming,
    whole: Arc<AtomicBool>,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.whole.fetch_or(frame.is_none() || self.body.is_end_stream(), Ordering::Relaxed);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Tells a client that there are too many.
pub(crate) async fn refuse(mut stream: Stream) {
    let _ = timeout(FAREWELL, async {
        write(&mut stream, ApiError::too_many_connections()).await?;
        part(&mut stream).await
    })
    .await;
}

/// Says that nothing more comes, and reads what is still sent to its end.
async fn part(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut nowhere = vec![0; FAREWELL_BYTES];
    while stream.read(&mut nowhere).await? > 0 {}
    Ok(())
}

/// An answer to what was not read as a request: no service is asked for it, so it is put on the wire by hand.
async fn write(stream: &mut (impl AsyncWriteExt + Unpin), refusal: ApiError) -> std::io::Result<()> {
    let (mut head, body) = refusal.into_response().into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    stream.write_all(&bytes).await
}
