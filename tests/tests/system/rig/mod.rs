//! What the tests of several promises stand on.

pub(crate) mod cookie;
pub(crate) mod party;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod service;
pub(crate) mod storm;
pub(crate) mod tables;

use std::time::{Duration, Instant};

use testkit::{Answer, Request};

/// Sends requests at once; the answers in their order.
pub(crate) async fn at_once(requests: impl IntoIterator<Item = Request>) -> Vec<Answer> {
    let running: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.into_future())).collect();
    let mut answers = Vec::new();
    for one in running {
        answers.push(one.await.expect("an answer"));
    }
    answers
}

/// How many of the answers have each status, in the order of the statuses.
pub(crate) fn tally(answers: &[Answer]) -> Vec<(u16, usize)> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    let groups = statuses.chunk_by(|a, b| a == b);
    groups.map(|group| (group[0], group.len())).collect()
}

/// Asks until the answer is yes; how long it took. Not longer than `limit`.
pub(crate) async fn until(limit: Duration, what: &str, ask: impl AsyncFn() -> bool) -> Duration {
    let began = Instant::now();
    while !ask().await {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}
