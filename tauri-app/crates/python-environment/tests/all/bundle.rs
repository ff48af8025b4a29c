//! A full package: the app came with all wheels.

use std::fs;

use crate::common::{Course, Tiny};
use python_environment::Event;

#[tokio::test]
async fn a_package_with_its_wheels_needs_no_network_and_its_sidecar_runs_isolated() {
    let tiny = Tiny::new();
    let course = Course::usual(tiny.full()).await;
    tiny.assert_works(course.python());
    let wheels = fs::read_dir(tiny.path("wheels")).expect("the wheels").flatten();
    let total: u64 = wheels.map(|wheel| wheel.metadata().expect("its metadata").len()).sum();
    match &course.events[..] {
        [Event::Checking, Event::Syncing { source: None, bytes: Some(bytes) }, .., Event::Ready { .. }] => {
            assert_eq!(*bytes, total);
        }
        other => panic!("{other:#?}"),
    }
    let said = |words: &str| course.events.iter().any(|event| matches!(event, Event::Line(line) if line == words));
    assert!(said(" + alpha==1.0") && said(" + beta==2.0"), "{:#?}", course.events);
    let log = fs::read_to_string(tiny.path("data/logs/environment.log")).expect("the log");
    assert!(log.contains(" + alpha==1.0"), "{log}");
}

#[tokio::test]
async fn the_bundle_is_only_read() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    let mut names: Vec<_> =
        fs::read_dir(tiny.path("project")).expect("the bundle").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["pyproject.toml", "sidecar", "uv.lock"]);
}

#[tokio::test]
async fn a_wheel_that_is_missing_is_no_matter_of_the_network() {
    let tiny = Tiny::new();
    fs::remove_file(tiny.path("wheels/beta-2.0-py3-none-any.whl")).expect("it was there");
    let course = Course::usual(tiny.full()).await;
    let error = course.error();
    assert_eq!((&*error.kind, error.retryable), ("environment_failed", false));
    assert!(error.details["lines"].to_string().contains("beta was not found"), "{error:?}");
}

#[tokio::test]
async fn a_missing_uv_and_a_missing_project_are_told() {
    let tiny = Tiny::new();
    let mut recipe = tiny.full();
    recipe.uv = tiny.path("no-uv");
    let course = Course::usual(recipe).await;
    assert_eq!(course.error().message, "uv cannot be started");
    let mut recipe = tiny.full();
    recipe.project = tiny.path("no-project");
    assert_eq!(Course::usual(recipe).await.error().kind, "environment_failed");
}
