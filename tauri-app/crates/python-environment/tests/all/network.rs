//! No network at all, or an index that does not answer.

use crate::common::{Course, IMPATIENT, Silent, Tiny, closed, in_namespace};
use python_environment::{Address, Mirrors};

async fn kind(address: &str) -> String {
    let index = Some(Address::parse(address).expect("an address"));
    let tiny = Tiny::new();
    let course = Course::of(tiny.slim(), Mirrors { index, python: None }, IMPATIENT).await;
    assert!(course.error().retryable);
    course.error().kind.clone().into_owned()
}

#[tokio::test]
async fn an_index_that_never_answers_is_unreachable() {
    let silent = Silent::new().await;
    assert_eq!(kind(&silent.url()).await, "environment_index_unreachable");
}

#[tokio::test]
async fn an_index_that_refuses_is_unreachable() {
    assert_eq!(kind(&closed().await).await, "environment_index_unreachable");
}

/// Where there is a network; the name is one that never exists (RFC 6761).
#[tokio::test]
async fn an_index_with_an_unknown_name_is_unreachable_or_there_is_no_network() {
    let kind = kind("https://no-such-host.invalid/simple").await;
    assert!(["environment_index_unreachable", "environment_no_network"].contains(&&*kind), "{kind}");
}

#[tokio::test]
#[ignore = "asks for a computer without a network"]
async fn there_is_no_network() {
    for address in ["https://pypi.org/simple", "https://192.0.2.1/simple"] {
        assert_eq!(kind(address).await, "environment_no_network", "{address}");
    }
    let tiny = Tiny::new();
    let course = Course::of(tiny.slim(), Mirrors::default(), IMPATIENT).await;
    assert_eq!(course.error().kind, "environment_no_network", "{:?}", course.error());
    // It needs none.
    Course::usual(tiny.full()).await.python();
}

#[test]
#[cfg(target_os = "linux")]
fn no_network_at_all_is_told_from_an_index_that_does_not_answer() {
    in_namespace("--net", "ip link set lo up 2>/dev/null || true", "network::there_is_no_network");
}
