//! Runs the stage and prints each event with the milliseconds since the start:
//! `cargo run --release -p python-environment --example stage -- UV PROJECT DATA_DIR [WHEELS [PYTHON]]`,
//! where `WHEELS` may be empty.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use python_environment::{Event, Mirrors, Recipe, Stage, Times};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [uv, project, data, rest @ ..] = &arguments[..] else {
        eprintln!("stage UV PROJECT DATA_DIR [WHEELS [PYTHON]]");
        return ExitCode::from(64);
    };
    let wheels = rest.first().filter(|wheels| !wheels.as_os_str().is_empty()).cloned();
    let python = rest.get(1).map(|python| python.to_string_lossy().into_owned());
    let start = Instant::now();
    let recipe = Recipe { wheels, python, ..Recipe::new(uv, project, data) };
    let mut stage = Stage::start(recipe, Mirrors::default(), Times::default());
    while let Some(event) = stage.next().await {
        println!("{:>7} ms  {event:?}", start.elapsed().as_millis());
        if matches!(event, Event::Failed(_)) {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
