//! The shell without its window, before whatever program speaks the sidecar's protocol: `serve DATA-FOLDER PROGRAM
//! [ARGUMENT]…`, which runs in the folder it was called from. For benchmarks.
//!
//! It speaks the protocol itself. First it notifies where the proxy listens (`proxy/listening`); each request on stdin
//! then goes the way of the window's own, past the proxy. It leaves with its stdin.

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openai_proxy::{HeldUp, Listen, Options, Patience, Proxy, Token};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use sidecar_host::{Budget, Call, Client, Event, Launch, RpcError, Supervisor, inherited_environment};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let data: PathBuf = arguments.next().ok_or("which data folder?")?.into();
    let launch = Launch {
        program: arguments.next().ok_or("which program?")?.into(),
        arguments: arguments.collect::<Vec<OsString>>(),
        directory: std::env::current_dir()?,
        environment: inherited_environment(),
        logs: data.join("logs"),
    };
    let client = Client { name: "serve".into(), version: "0".into(), locale: "en".into() };
    // Of a sidecar that is killed young on purpose nothing is learnt.
    let budget = Budget { early: Duration::ZERO, ..Budget::default() };
    let supervisor = Arc::new(Supervisor::start(launch, client, sidecar_host::Options::default(), budget));
    let token = Token::generate();
    let options = Options {
        listen: Listen::Port(0),
        token: token.clone().into(),
        origins: Vec::new(),
        patience: Patience::default(),
        held_up: HeldUp::default(),
    };
    let proxy = Proxy::start(options, Arc::clone(&supervisor)).await?;
    let at = json!({"port": proxy.port(), "token": token.expose()});
    println!(r#"{{"jsonrpc":"2.0","method":"proxy/listening","params":{at}}}"#);
    let (window, runtime) = (Arc::clone(&supervisor), Handle::current());
    spawn_blocking(move || {
        for line in io::stdin().lines() {
            runtime.spawn(relay(Arc::clone(&window), serde_json::from_str(&line?)?));
        }
        Ok::<(), io::Error>(())
    })
    .await??;
    proxy.stop().await;
    supervisor.shut_down().await;
    Ok(())
}

#[derive(Deserialize)]
struct Request {
    id: String,
    method: String,
    params: Box<RawValue>,
}

async fn relay(supervisor: Arc<Supervisor>, request: Request) {
    let answer = match supervisor.call(request.id.clone(), &request.method, &request.params).await {
        Ok(call) => answer(call).await,
        Err(error) => Err(error),
    };
    let id = json!(request.id);
    match answer {
        Ok(result) => println!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Err(error) => {
            let error = json!({"code": -32000, "message": error.message, "data": error});
            println!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
        }
    }
}

async fn answer(mut call: Call) -> Result<Box<RawValue>, RpcError> {
    loop {
        match call.next().await {
            Event::Notification(told) => {
                println!(r#"{{"jsonrpc":"2.0","method":"{}","params":{}}}"#, told.method, told.params);
            }
            Event::Answer(answer) => return answer,
        }
    }
}
