//! Nothing happens for a while.

use std::time::Duration;

use crate::common::{Silent, Tiny, soon};
use python_environment::{Address, Event, Mirrors, Stage, Times};

#[tokio::test]
async fn an_index_that_does_not_answer_is_called_slow_once_before_uv_gives_up() {
    let (tiny, silent) = (Tiny::new(), Silent::new().await);
    let index = Address::parse(&silent.url()).ok();
    // Long enough for uv to start on a busy computer, and short enough to be told more than once, if it were.
    let times = Times { slow: Duration::from_secs(1), request: Duration::from_secs(4), retries: 0 };
    let mut stage = Stage::start(tiny.slim(), Mirrors { index, python: None }, times);
    let visitor = silent.visitor().await;
    let mut slow = 0;
    let last = loop {
        match soon("an event", stage.next()).await.expect("it fails") {
            Event::Slow => slow += 1,
            Event::Failed(error) => break error,
            _ => {}
        }
    };
    drop(visitor);
    assert_eq!((slow, &*last.kind), (1, "environment_index_unreachable"));
}
