//! What is finished is not made again, and what is not as it was is.

use std::fs;
use std::path::Path;

use crate::common::{Course, Tiny};
use python_environment::{Event, Mirrors, Recipe, Times};

fn append(file: &Path, text: &str) {
    let content = fs::read_to_string(file).expect("the file");
    fs::write(file, content + text).expect("the disk has room");
}

#[tokio::test]
async fn a_finished_environment_is_ready_without_asking_anybody() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    // Neither wheels nor a cache: whatever it wanted to install would fail.
    fs::remove_dir_all(tiny.path("data/cache")).expect("it was there");
    let course = Course::of(tiny.slim(), Mirrors::default(), Times::default()).await;
    assert!(matches!(&course.events[..], [Event::Checking, Event::Ready { .. }]), "{:#?}", course.events);
    tiny.assert_works(course.python());
}

#[tokio::test]
async fn a_finished_environment_asks_uv_for_its_version_and_nothing_of_the_network() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    let (uv, asked) = tiny.recorded_uv();
    let course = Course::usual(Recipe { uv, ..tiny.slim() }).await;
    assert!(matches!(&course.events[..], [Event::Checking, Event::Ready { .. }]), "{:#?}", course.events);
    assert_eq!(fs::read_to_string(asked).expect("uv was asked"), "--version\n");
    // uv itself, which compares each package with the lock, finds nothing to do either.
    tiny.assert_in_sync(course.python());
}

#[tokio::test]
async fn another_lock_another_interpreter_or_a_lost_package_make_it_again() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    append(&tiny.path("project/uv.lock"), "\n");
    let course = Course::usual(tiny.full()).await;
    assert!(course.synced(), "the lock is another");
    let python = course.python();

    fs::remove_file(python).expect("it was there");
    std::os::unix::fs::symlink("/no/such/python", python).expect("a link");
    let course = Course::usual(tiny.full()).await;
    assert!(course.synced(), "its interpreter was uninstalled");
    let python = course.python();

    let package = python.ancestors().nth(2).expect("the environment").join("lib");
    let package = fs::read_dir(package).expect("lib").flatten().next().expect("python3.x").path();
    fs::remove_dir_all(package.join("site-packages/beta-2.0.dist-info")).expect("it was there");
    let course = Course::usual(tiny.full()).await;
    assert!(course.synced(), "a package is gone");
    tiny.assert_works(course.python());
}

#[tokio::test]
async fn a_bundle_that_moved_needs_no_new_environment() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    fs::rename(tiny.path("project"), tiny.path("moved")).expect("it moves");
    let mut recipe = tiny.full();
    recipe.project = tiny.path("moved");
    let course = Course::usual(recipe).await;
    assert!(!course.synced());
    tiny.assert_works(course.python());
}

#[tokio::test]
async fn somebody_elses_folder_is_left_as_it_is() {
    let tiny = Tiny::new();
    fs::create_dir_all(tiny.path("data/python")).expect("the disk has room");
    fs::write(tiny.path("data/python/thesis.py"), "print()").expect("the disk has room");
    let course = Course::usual(tiny.full()).await;
    assert_eq!(course.error().kind, "environment_failed");
    assert_eq!(fs::read(tiny.path("data/python/thesis.py")).expect("it is there"), b"print()");
}
