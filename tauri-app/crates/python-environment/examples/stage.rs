//! Runs the stage and prints each event with the milliseconds since the start:
//! `cargo run --release -p python-environment --example stage -- UV PROJECT DATA_DIR [WHEELS]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use python_environment::{Event, Mirrors, Recipe, Stage, Times};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (uv, project, data, wheels) = match &arguments[..] {
        [uv, project, data] => (uv, project, data, None),
        [uv, project, data, wheels] => (uv, project, data, Some(wheels.clone())),
        _ => {
            eprintln!("stage UV PROJECT DATA_DIR [WHEELS]");
            return ExitCode::from(64);
        }
    };
    let start = Instant::now();
    let recipe = Recipe { wheels, ..Recipe::new(uv, project, data) };
    let mut stage = Stage::start(recipe, Mirrors::default(), Times::default());
    while let Some(event) = stage.next().await {
        println!("{:>7} ms  {event:?}", start.elapsed().as_millis());
        if matches!(event, Event::Failed(_)) {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
