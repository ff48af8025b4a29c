//! A package index that a person typed in.

use std::fs;

use crate::common::{Course, IMPATIENT, Tiny, index};
use python_environment::{Address, Event, Mirrors, Times};

fn mirrors(address: &str) -> Mirrors {
    Mirrors { index: Some(Address::parse(address).expect("an address")), python: None }
}

#[tokio::test]
async fn packages_come_from_the_index_that_was_typed_in() {
    let tiny = Tiny::new();
    let address = index(tiny.path("wheels")).await;
    let course = Course::of(tiny.slim(), mirrors(&address), Times::default()).await;
    tiny.assert_works(course.python());
    let said = |event: &Event| matches!(event, Event::Syncing { source: Some(source), .. } if *source == address);
    assert!(course.events.iter().any(said), "{:#?}", course.events);
}

#[tokio::test]
async fn an_index_that_was_typed_in_goes_before_the_bundles_wheels_which_may_be_broken() {
    let tiny = Tiny::new();
    let mut recipe = tiny.full();
    recipe.wheels = Some(tiny.path("no-wheels"));
    assert_eq!(Course::usual(recipe.clone()).await.error().kind, "environment_failed");
    let address = index(tiny.path("wheels")).await;
    tiny.assert_works(Course::of(recipe, mirrors(&address), Times::default()).await.python());
}

#[tokio::test]
async fn a_mirror_that_changed_a_package_is_refused() {
    let tiny = Tiny::new();
    let wheel = tiny.path("wheels/beta-2.0-py3-none-any.whl");
    let mut content = fs::read(&wheel).expect("the wheel");
    // The comment at the end of an archive may say anything.
    let length = content.len();
    content[length - 2] = 1;
    content.push(b'!');
    fs::write(&wheel, content).expect("the disk has room");
    let address = index(tiny.path("wheels")).await;
    let course = Course::of(tiny.slim(), mirrors(&address), IMPATIENT).await;
    let error = course.error();
    assert_eq!(error.kind, "environment_index_failed", "{error:?}");
    assert!(error.details["lines"].to_string().contains("Hash mismatch"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_no_index_is_told_from_one_that_does_not_answer() {
    let tiny = Tiny::new();
    let address = index(tiny.path("wheels")).await;
    for nowhere in [address.replace("simple", "elsewhere"), address.replace("http:", "https:")] {
        let course = Course::of(tiny.slim(), mirrors(&nowhere), IMPATIENT).await;
        assert_eq!(course.error().kind, "environment_index_failed", "{nowhere}: {:?}", course.error());
    }
}
