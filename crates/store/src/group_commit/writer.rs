//! What is committed next, and who is told what.
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use kernel::StoreError;
use tokio::sync::mpsc;

use super::lane::Lanes;
use super::{Bounds, Commit, Queued, Waiting};

/// The other end of the queue.
pub(super) struct Writer<Job, Answer> {
    queue: mpsc::UnboundedReceiver<Queued<Job, Answer>>,
    commit: Arc<dyn Commit<Job, Answer>>,
    most: usize,
    /// What did not fit into the batch before.
    left_over: Option<Queued<Job, Answer>>,
    held_up: Lanes<Job, Answer>,
}

impl<Job, Answer> Writer<Job, Answer>
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    pub(super) fn new(
        queue: mpsc::UnboundedReceiver<Queued<Job, Answer>>,
        commit: Arc<dyn Commit<Job, Answer>>,
        bounds: Bounds,
    ) -> Self {
        let held_up = Lanes::new(Arc::clone(&commit), bounds);
        Self { queue, commit, most: bounds.batch, left_over: None, held_up }
    }

    /// Commits what waits, and so on until nobody can send any more.
    pub(super) async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            let back = commit_all(&*self.commit, batch, false).await;
            self.held_up.hold_up(back);
        }
    }

    /// The next batch: what is in the queue, but for what waits behind others of its lane. `None` at the end.
    async fn gather(&mut self) -> Option<Vec<Waiting<Job, Answer>>> {
        let mut next = match self.left_over.take() {
            Some(queued) => Some(queued),
            None => Some(self.queue.recv().await?),
        };
        let (mut batch, mut weight) = (Vec::new(), 0_usize);
        while let Some(queued) = next.take().or_else(|| self.queue.try_recv().ok()) {
            let sum = weight.saturating_add(queued.waiting.caller.weight);
            if sum > self.most && !batch.is_empty() {
                self.left_over = Some(queued);
                break;
            }
            if let Some(waiting) = self.held_up.pass(queued.waiting) {
                weight = sum;
                batch.push(waiting);
            }
        }
        Some(batch)
    }
}

/// Commits a batch and tells its callers. What somebody else holds up comes back; with `wait` after a while of waiting for it.
pub(super) async fn commit_all<Job, Answer>(
    commit: &dyn Commit<Job, Answer>,
    mut batch: Vec<Waiting<Job, Answer>>,
    wait: bool,
) -> Vec<Waiting<Job, Answer>>
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    // Who has stopped waiting wants no answer: their job is not begun.
    batch.retain(|waiting| !waiting.caller.is_gone());
    if batch.is_empty() {
        return batch;
    }
    let (jobs, callers): (Vec<_>, Vec<_>) = batch.into_iter().map(|waiting| (waiting.job, waiting.caller)).unzip();
    let attempted = attempt(commit, &jobs, wait).await;
    let all = jobs.into_iter().zip(callers).map(|(job, caller)| Waiting { job, caller });
    match attempted {
        Ok(answers) => all.zip(answers).filter_map(|(waiting, answer)| waiting.told(answer)).collect(),
        Err(err) => {
            let batch: Vec<_> = all.collect();
            tracing::warn!(jobs = batch.len(), error = ?err, "a batch was not committed");
            if matches!(err, StoreError::Broken(_)) && batch.len() > 1 {
                return one_by_one(commit, batch, wait).await;
            }
            let err = Arc::new(err);
            for waiting in batch {
                waiting.caller.tell(Err(again(&err)));
            }
            Vec::new()
        }
    }
}

/// One job may be what broke a batch: the others are not to suffer for it. What is held up comes back.
async fn one_by_one<Job, Answer>(
    commit: &dyn Commit<Job, Answer>,
    batch: Vec<Waiting<Job, Answer>>,
    wait: bool,
) -> Vec<Waiting<Job, Answer>>
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    let (mut back, mut held) = (Vec::new(), HashSet::new());
    for waiting in batch {
        if held.contains(&waiting.caller.lane) {
            back.push(waiting);
            continue;
        }
        let alone = attempt(commit, std::slice::from_ref(&waiting.job), wait).await;
        match alone.and_then(|answers| answers.into_iter().next().ok_or_else(unanswered)) {
            Ok(answer) => {
                if let Some(waiting) = waiting.told(answer) {
                    held.insert(waiting.caller.lane);
                    back.push(waiting);
                }
            }
            Err(err) => waiting.caller.tell(Err(err)),
        }
    }
    back
}

/// A batch, with a panic turned into an error. Whatever panics within has dropped its transaction.
async fn attempt<Job, Answer>(
    commit: &dyn Commit<Job, Answer>,
    jobs: &[Job],
    wait: bool,
) -> Result<Vec<Option<Answer>>, StoreError>
where
    Job: 'static,
    Answer: 'static,
{
    let answers = AssertUnwindSafe(commit.commit(jobs, wait)).catch_unwind().await;
    let answers = answers.ok().ok_or_else(|| StoreError::broken("the writer panicked"))??;
    if answers.len() == jobs.len() { Ok(answers) } else { Err(unanswered()) }
}

fn unanswered() -> StoreError {
    StoreError::broken("not every job of a batch was answered")
}

/// One error, told to several.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
struct Shared(Arc<StoreError>);

fn again(err: &Arc<StoreError>) -> StoreError {
    let shared = Shared(Arc::clone(err));
    match **err {
        StoreError::Unavailable(_) => StoreError::unavailable(shared),
        StoreError::Broken(_) => StoreError::broken(shared),
    }
}
