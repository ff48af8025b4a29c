//! A proxy with a stand-in behind it, and a client that says what it likes, byte by byte.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openai_proxy::{HeldUp, Listen, Options, Patience, Proxy, Token};
use serde_json::{Value, json};
use sidecar_host::{Budget, Client, Footing, Launch, Supervisor, inherited_environment};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bound of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

pub(crate) struct Served {
    pub(crate) proxy: Proxy,
    pub(crate) token: Token,
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) folder: TempDir,
}

/// `tests/double.py` in place of the sidecar.
pub(crate) fn double(folder: &Path) -> Launch {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = crate_folder.join("tests/double.py");
    let arguments: [OsString; 2] = [script.into(), folder.into()];
    Launch {
        program: crate_folder.join("../../../.venv/bin/python"),
        arguments: arguments.into(),
        directory: folder.to_owned(),
        environment: inherited_environment(),
        logs: folder.join("logs"),
    }
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::listening(|_| Listen::Port(0), &[]).await
    }

    pub(crate) async fn patient(patience: Patience) -> Self {
        Self::new(|_| Listen::Port(0), &[], patience).await
    }

    pub(crate) async fn listening(listen: impl FnOnce(&Path) -> Listen, origins: &[&'static str]) -> Self {
        Self::new(listen, origins, Patience::default()).await
    }

    pub(crate) async fn new(
        listen: impl FnOnce(&Path) -> Listen,
        origins: &[&'static str],
        patience: Patience,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let launch = double(folder.path());
        Self::on(folder, launch, listen, origins, patience, HeldUp::default()).await
    }

    /// One whose sidecar stands on `footing`.
    pub(crate) async fn on(
        folder: TempDir,
        footing: impl Footing,
        listen: impl FnOnce(&Path) -> Listen,
        origins: &[&'static str],
        patience: Patience,
        held_up: HeldUp,
    ) -> Self {
        let client = Client { name: "openai-proxy-tests".into(), version: "0".into(), locale: "en".into() };
        let supervisor =
            Arc::new(Supervisor::start(footing, client, sidecar_host::Options::default(), Budget::default()));
        let token = Token::generate();
        let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
        let options =
            Options { listen: listen(folder.path()), token: token.clone().into(), origins, patience, held_up };
        let proxy = Proxy::start(options, Arc::clone(&supervisor)).await.unwrap();
        Self { proxy, token, supervisor, folder }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let port = self.proxy.port().unwrap();
        Connection(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()))
    }

    /// The head of a request that may be made, up to its last header.
    pub(crate) fn head(&self, method: &str, path: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n", self.token.expose())
    }

    /// A whole request for what `content` says.
    pub(crate) fn chat(&self, path: &str, content: &str, stream: bool) -> String {
        let body = json!({"messages": [{"role": "user", "content": content}], "stream": stream}).to_string();
        format!("{}Content-Length: {}\r\n\r\n{body}", self.head("POST", path), body.len())
    }

    /// The answer to what `content` says, over a connection of its own.
    pub(crate) async fn ask(&self, content: &str) -> Answer {
        self.send(&self.chat(PATH, content, false)).await
    }

    /// What `content` says, past the proxy.
    pub(crate) async fn tell(&self, content: &str) {
        tell(&self.supervisor, content).await;
    }

    pub(crate) async fn send(&self, request: &str) -> Answer {
        let mut connection = self.connect().await;
        connection.send(request).await;
        connection.answer().await
    }
}

pub(crate) async fn tell(supervisor: &Supervisor, content: &str) {
    let params = json!({"messages": [{"content": content}]});
    let call = supervisor.call(content.into(), "chat/completions", &params).await.unwrap();
    soon(content, call.answer()).await.unwrap();
}

pub(crate) const PATH: &str = "/v1/chat/completions";

/// One connection of a client.
pub(crate) struct Connection(pub(crate) BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The stable name of the error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).into()
    }

    /// What the stand-in said.
    pub(crate) fn content(&self) -> String {
        self.json()["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{self:?}")).into()
    }
}

impl Connection {
    pub(crate) async fn send(&mut self, text: &str) {
        soon("room to send", self.0.get_mut().write_all(text.as_bytes())).await.unwrap();
    }

    /// Status and headers.
    pub(crate) async fn head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = soon("a header", self.0.read_line(&mut head)).await.unwrap();
            assert!(read > 0, "the connection ended within {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase())
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let (status, head) = self.head().await;
        let body =
            if head.contains("transfer-encoding: chunked") { self.chunked().await } else { self.sized(&head).await };
        Answer { status, head, body }
    }

    async fn sized(&mut self, head: &str) -> String {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        soon("the body", self.0.read_exact(&mut body)).await.unwrap();
        String::from_utf8(body).unwrap()
    }

    async fn chunked(&mut self) -> String {
        let mut body = String::new();
        while let Some(chunk) = self.chunk().await {
            body += &chunk;
        }
        body
    }

    /// The next piece of a chunked body; none at its end.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        let mut length = String::new();
        soon("a chunk", self.0.read_line(&mut length)).await.unwrap();
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        soon("the rest of a chunk", self.0.read_exact(&mut chunk)).await.unwrap();
        chunk.truncate(length);
        (length > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// Waits until the other end has closed it; what was still sent.
    pub(crate) async fn end(&mut self) -> String {
        let mut rest = String::new();
        // A reset is an end, too.
        let _ = soon("the end of the connection", self.0.read_to_string(&mut rest)).await;
        rest
    }
}
