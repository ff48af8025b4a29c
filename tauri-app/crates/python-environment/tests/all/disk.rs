//! A full disk.

use std::path::Path;

use crate::common::{Course, Tiny, in_namespace};
use python_environment::Recipe;

const SMALL: &str = "/mnt";

#[tokio::test]
#[ignore = "asks for a small disk"]
async fn a_full_disk_is_told_and_there_is_another_attempt() {
    let tiny = Tiny::new();
    let mut recipe = Recipe::new(tiny.full().uv, tiny.path("project"), Path::new(SMALL));
    recipe.wheels = tiny.full().wheels;
    recipe.python = tiny.full().python;
    for _ in 0..2 {
        let course = Course::usual(recipe.clone()).await;
        assert_eq!((&*course.error().kind, course.error().retryable), ("environment_disk_full", false));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_as_one() {
    let mount = format!("mount -t tmpfs -o size=100k tmpfs {SMALL}");
    in_namespace("--mount", &mount, "disk::a_full_disk_is_told_and_there_is_another_attempt");
}
