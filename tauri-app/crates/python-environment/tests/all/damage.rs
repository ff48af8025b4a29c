//! A stage that was cut off at any moment.

use crate::common::{Course, Tiny, soon};
use python_environment::{Event, Mirrors, Stage, Times};

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
