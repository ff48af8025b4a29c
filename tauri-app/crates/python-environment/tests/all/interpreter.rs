//! No Python to run on.

use crate::common::{Course, IMPATIENT, Tiny, closed};
use python_environment::{Address, Mirrors, Times};

#[tokio::test]
async fn an_interpreter_that_is_nowhere_is_named_as_what_is_missing() {
    let tiny = Tiny::new();
    for python in ["/no/such/python", "3.99"] {
        let mut recipe = tiny.full();
        recipe.python = Some(python.into());
        let course = Course::of(recipe, Mirrors::default(), Times::default()).await;
        assert_eq!(course.error().kind, "environment_no_python", "{:?}", course.error());
    }
}

#[tokio::test]
async fn an_interpreter_that_cannot_be_fetched_is_told_from_packages_that_cannot() {
    let tiny = Tiny::new();
    let mut recipe = tiny.slim();
    // One that nobody has installed.
    recipe.python = Some("3.14t".into());
    let python = Address::parse(&closed().await).ok();
    let course = Course::of(recipe, Mirrors { index: None, python }, IMPATIENT).await;
    let error = course.error();
    assert_eq!(error.kind, "environment_index_unreachable", "{error:?}");
    assert_eq!(error.details["interpreter"], true);
}
