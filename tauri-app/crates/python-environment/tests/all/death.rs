//! The app dies with uv under way.

use std::process::{Command, Stdio};

use crate::common::{Course, Silent, Tiny, slim, until_closed};
use python_environment::{Address, Mirrors, Times};

const INDEX: &str = "PYTHON_ENVIRONMENT_TEST_INDEX";
const BUNDLE: &str = "PYTHON_ENVIRONMENT_TEST_BUNDLE";

/// The app of the test below, in a process of its own that is killed.
#[tokio::test]
#[ignore = "is run by the test below"]
async fn an_app_that_waits_for_its_environment() {
    let variable = |name| std::env::var(name).expect("the test below sets it");
    let index = Address::parse(&variable(INDEX)).ok();
    Course::of(slim(variable(BUNDLE).as_ref()), Mirrors { index, python: None }, Times::default()).await;
}

#[tokio::test]
async fn a_killed_app_leaves_no_uv_behind() {
    let (tiny, silent) = (Tiny::new(), Silent::new().await);
    let test = ["--ignored", "--exact", "death::an_app_that_waits_for_its_environment"];
    let mut app = Command::new(std::env::current_exe().expect("this program"))
        .args(test)
        .env(INDEX, silent.url())
        .env(BUNDLE, tiny.path(""))
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let visitor = silent.visitor().await;
    app.kill().expect("it runs");
    app.wait().expect("it is ours");
    until_closed(visitor).await;
}
