//! A stage that was cut off at any moment.

use std::path::{Path, PathBuf};

use crate::common::{Course, Tiny, soon};
use python_environment::{Event, Mirrors, Stage, Times, Trust};

#[tokio::test]
async fn whatever_a_stage_was_cut_off_at_the_next_one_repairs_it() {
    let tiny = Tiny::new();
    let all = Course::usual(tiny.full()).await.events.len();
    for cut in 0..all {
        let another = Tiny::new();
        let mut stage = Stage::start(another.full(), Mirrors::default(), Times::default());
        for _ in 0..cut {
            soon("an event", stage.next()).await.expect("it goes on");
        }
        soon("the end", stage.end()).await;
        let course = Course::usual(another.full()).await;
        another.assert_works(course.python());
    }
}

#[tokio::test]
async fn a_half_removed_environment_without_its_mark_is_known_as_ours() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    std::fs::remove_file(tiny.path("data/python/.knowledge-focus.json")).expect("it was there");
    std::fs::remove_dir_all(tiny.path("data/python/bin")).expect("it was there");
    let course = Course::usual(tiny.full()).await;
    assert!(matches!(course.events[1], Event::Syncing { .. }));
    tiny.assert_works(course.python());
}

async fn again(trust: Trust, tiny: &Tiny) -> Course {
    Course::rest(Stage::trusting(trust, tiny.full(), Mirrors::default(), Times::default())).await
}

#[tokio::test]
async fn a_file_that_is_gone_or_empty_shows_to_who_does_not_trust_the_mark_and_a_whole_environment_stays() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    assert!(!again(Trust::Records, &tiny).await.synced(), "it is whole");
    let damages: [fn(&Path); 2] = [
        |module| std::fs::remove_file(module).expect("it was installed"),
        |module| {
            // Another file than the cache's.
            std::fs::remove_file(module).expect("it was installed");
            std::fs::write(module, "").expect("the disk has room");
        },
    ];
    for damage in damages {
        damage(&module(&tiny));
        assert!(!Course::usual(tiny.full()).await.synced(), "the mark does not tell");
        let course = again(Trust::Records, &tiny).await;
        assert!(course.synced());
        tiny.assert_works(course.python());
    }
}

#[tokio::test]
async fn a_file_whose_content_is_damaged_in_the_cache_too_is_installed_anew_for_who_trusts_nothing() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    // In place: where packages are linked the cache has the same file. Where they are copied its own is damaged, too.
    let module = module(&tiny);
    for file in modules(&tiny.path("data")) {
        std::fs::write(file, "").expect("it is ours to write");
    }
    assert_eq!(std::fs::read(&module).expect("it is there"), b"");
    tiny.assert_works(again(Trust::Nothing, &tiny).await.python());
}

#[tokio::test]
async fn a_fetched_interpreter_stays_unless_nothing_is_trusted() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    let damaged = tiny.full().interpreters.join("cpython-3.12/bin/python3.12");
    std::fs::create_dir_all(damaged.parent().expect("a folder")).expect("the disk has room");
    std::fs::write(&damaged, "").expect("the disk has room");
    again(Trust::Records, &tiny).await.python();
    assert!(damaged.exists());
    tiny.assert_works(again(Trust::Nothing, &tiny).await.python());
    assert!(!damaged.exists());
}

#[tokio::test]
async fn what_is_not_trusted_is_gone_before_anything_is_said_to_be_installed() {
    let tiny = Tiny::new();
    Course::usual(tiny.full()).await.python();
    // Such a cache cannot be removed.
    let cache = tiny.full().cache;
    std::fs::remove_dir_all(&cache).expect("it was made");
    std::fs::write(&cache, "").expect("the disk has room");
    let course = again(Trust::Nothing, &tiny).await;
    assert_eq!(course.error().kind, "environment_failed");
    assert!(!course.synced());
}

/// Where a package's module is installed.
fn module(tiny: &Tiny) -> PathBuf {
    let [module] = &modules(&tiny.path("data/python"))[..] else { panic!("it is installed once") };
    module.clone()
}

/// Every copy of it below `folder`.
fn modules(folder: &Path) -> Vec<PathBuf> {
    let own = folder.join("alpha/__init__.py");
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let below = folders.flat_map(|entry| modules(&entry.path()));
    below.chain(own.is_file().then_some(own)).collect()
}
