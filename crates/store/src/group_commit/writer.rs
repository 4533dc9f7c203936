//! What is committed next, and who is told what.
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use kernel::StoreError;
use tokio::sync::mpsc;

use super::lane::Lanes;
use super::{Batch, Bounds, Commit, Queued, Waiting};

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

    /// Commits what waits, and so on until nobody can send any more and nothing is left.
    pub(super) async fn run(mut self) {
        while self.wait().await {
            let batch = self.gather();
            let back = commit_all(&*self.commit, batch.jobs, false).await;
            self.held_up.hold_up(back);
        }
    }

    /// Waits until there is something to commit. False at the end.
    async fn wait(&mut self) -> bool {
        if self.left_over.is_some() || self.held_up.is_ready() {
            return true;
        }
        tokio::select! {
            queued = self.queue.recv(), if !self.queue.is_closed() || !self.queue.is_empty() => self.left_over = queued,
            () = self.held_up.freed(), if !self.held_up.is_empty() => {}
            else => return false,
        }
        true
    }

    /// The next batch: what was held up before, then what is in the queue, but for what waits behind others of its lane.
    fn gather(&mut self) -> Batch<Job, Answer> {
        let mut batch = Batch::default();
        self.held_up.fill(&mut batch);
        while let Some(queued) = self.left_over.take().or_else(|| self.queue.try_recv().ok()) {
            if !batch.fits(queued.waiting.caller.weight, self.most) {
                self.left_over = Some(queued);
                break;
            }
            if let Some(waiting) = self.held_up.pass(queued.waiting) {
                batch.push(waiting);
            }
        }
        batch
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
