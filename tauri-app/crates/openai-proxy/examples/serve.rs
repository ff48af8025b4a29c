//! The proxy before whatever program speaks the sidecar's protocol: `serve DATA-FOLDER PROGRAM [ARGUMENT]…`, which runs
//! in the folder it was called from. Says port and token on stdout, and leaves with its stdin. For benchmarks.

use std::error::Error;
use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use openai_proxy::{Listen, Options, Patience, Proxy, Token};
use sidecar_host::{Budget, Client, Launch, Supervisor, inherited_environment};

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
    let supervisor = Arc::new(Supervisor::start(launch, client, sidecar_host::Options::default(), Budget::default()));
    let token = Token::generate();
    let options =
        Options { listen: Listen::Port(0), token: token.clone(), origins: Vec::new(), patience: Patience::default() };
    let proxy = Proxy::start(options, Arc::clone(&supervisor)).await?;
    println!("{} {}", proxy.port().ok_or("no port")?, token.expose());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    proxy.stop().await;
    supervisor.shut_down().await;
    Ok(())
}
