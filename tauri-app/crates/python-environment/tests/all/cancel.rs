//! Cancel, and another attempt without a new start of the app.

use crate::common::{Course, Silent, Tiny, soon, until_closed};
use python_environment::{Address, Mirrors, Stage, Times};

#[tokio::test]
async fn cancelling_ends_uv_and_a_retry_from_elsewhere_succeeds() {
    let (tiny, silent) = (Tiny::new(), Silent::new().await);
    let index = Address::parse(&silent.url()).ok();
    let stage = Stage::start(tiny.slim(), Mirrors { index, python: None }, Times::default());
    let visitor = silent.visitor().await;
    stage.cancel();
    assert_eq!(Course::rest(stage).await.error().kind, "request_cancelled");
    until_closed(visitor).await;
    let course = Course::usual(tiny.full()).await;
    tiny.assert_works(course.python());
}

#[tokio::test]
async fn a_stage_that_is_dropped_leaves_no_uv_behind() {
    let (tiny, silent) = (Tiny::new(), Silent::new().await);
    let index = Address::parse(&silent.url()).ok();
    let stage = Stage::start(tiny.slim(), Mirrors { index, python: None }, Times::default());
    let visitor = silent.visitor().await;
    drop(stage);
    until_closed(visitor).await;
}

#[tokio::test]
async fn ending_a_stage_waits_until_nothing_of_it_runs() {
    let (tiny, silent) = (Tiny::new(), Silent::new().await);
    let index = Address::parse(&silent.url()).ok();
    let stage = Stage::start(tiny.slim(), Mirrors { index, python: None }, Times::default());
    let visitor = silent.visitor().await;
    soon("the end", stage.end()).await;
    until_closed(visitor).await;
}
