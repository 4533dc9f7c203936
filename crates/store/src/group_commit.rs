//! One writer, many callers: what queued while the last commit ran becomes the next commit.
//!
//! There is no timer: a lone caller waits for its own commit only, and the more callers there are, the more of them share one.
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use kernel::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// What the writer does with a batch.
#[async_trait]
pub(crate) trait Commit<Job, Answer>: Send + Sync + 'static {
    /// Commits the jobs in their order, all or none: one answer for each, durable when it is given.
    async fn commit(&self, jobs: &[Job]) -> Result<Vec<Answer>, StoreError>;
    /// How much of a batch and of the queue a job takes.
    fn weight(&self, job: &Job) -> usize;
}

/// How much is taken at once, and how much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most weight of a batch; a heavier job is a batch of its own.
    pub(crate) batch: usize,
    /// The most weight in the queue; what comes beyond is turned away.
    pub(crate) queue: usize,
    /// The longest that a caller waits.
    pub(crate) patience: Duration,
}

/// A queue with its writer. Clones share both; when the last one goes, the writer commits what is left and ends.
pub(crate) struct GroupCommit<Job, Answer> {
    queue: mpsc::UnboundedSender<Waiting<Job, Answer>>,
    room: Arc<Semaphore>,
    commit: Arc<dyn Commit<Job, Answer>>,
    bounds: Bounds,
}

impl<Job, Answer> Clone for GroupCommit<Job, Answer> {
    fn clone(&self) -> Self {
        let (queue, room, commit) = (self.queue.clone(), Arc::clone(&self.room), Arc::clone(&self.commit));
        Self { queue, room, commit, bounds: self.bounds }
    }
}

impl<Job, Answer> fmt::Debug for GroupCommit<Job, Answer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

/// A caller that waits for its answer. The permit is its place in the queue.
struct Waiting<Job, Answer> {
    job: Job,
    weight: usize,
    place: OwnedSemaphorePermit,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

impl<Job, Answer> GroupCommit<Job, Answer>
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    /// Starts the writer. It lives on the runtime that this is called in.
    pub(crate) fn start(commit: Arc<dyn Commit<Job, Answer>>, bounds: Bounds) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write(waiting, Arc::clone(&commit), bounds.batch));
        let room = Arc::new(Semaphore::new(bounds.queue.min(Semaphore::MAX_PERMITS)));
        Self { queue, room, commit, bounds }
    }

    /// The answer to a job. `Unavailable` when too much is waiting already or the answer takes too long: what became of the job is then
    /// not known, unless it was turned away.
    pub(crate) async fn submit(&self, job: Job) -> Result<Answer, StoreError> {
        let weight = self.commit.weight(&job).clamp(1, self.bounds.queue);
        let permits = u32::try_from(weight).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(StoreError::unavailable)?;
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::unavailable("the writer is gone");
        self.queue.send(Waiting { job, weight, place, answer }).ok().ok_or_else(gone)?;
        let late = || StoreError::unavailable("the writer did not come round in time");
        tokio::time::timeout(self.bounds.patience, answered)
            .await
            .ok()
            .ok_or_else(late)?
            .map_err(StoreError::unavailable)?
    }
}

/// Takes what waits, at most `most`, commits it, and so on until nobody can send any more.
async fn write<Job, Answer>(
    mut queue: mpsc::UnboundedReceiver<Waiting<Job, Answer>>,
    commit: Arc<dyn Commit<Job, Answer>>,
    most: usize,
) where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    let mut left_over = None;
    loop {
        let first = match left_over.take() {
            Some(waiting) => Some(waiting),
            None => queue.recv().await,
        };
        let Some(first) = first else { return };
        let mut weight = first.weight;
        let mut batch = vec![first];
        while let Ok(next) = queue.try_recv() {
            if weight.saturating_add(next.weight) > most {
                left_over = Some(next);
                break;
            }
            weight += next.weight;
            batch.push(next);
        }
        // Who has stopped waiting wants no answer: their job is not begun.
        batch.retain(|waiting| !waiting.answer.is_closed());
        if !batch.is_empty() {
            answer(&*commit, batch).await;
        }
    }
}

/// Commits a batch and tells its callers.
async fn answer<Job, Answer>(commit: &dyn Commit<Job, Answer>, batch: Vec<Waiting<Job, Answer>>)
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    let (mut jobs, mut callers) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for Waiting { job, place, answer, .. } in batch {
        drop(place);
        jobs.push(job);
        callers.push(answer);
    }
    let err = match attempt(commit, &jobs).await {
        Ok(answers) => {
            for (caller, answer) in callers.into_iter().zip(answers) {
                tell(caller, Ok(answer));
            }
            return;
        }
        Err(err) => err,
    };
    tracing::warn!(jobs = jobs.len(), error = ?err, "a batch was not committed");
    if matches!(err, StoreError::Broken(_)) && jobs.len() > 1 {
        // One job may be what broke it: the others are not to suffer for it.
        for (caller, job) in callers.into_iter().zip(&jobs) {
            let alone = attempt(commit, std::slice::from_ref(job)).await;
            tell(caller, alone.and_then(|answers| answers.into_iter().next().ok_or_else(unanswered)));
        }
        return;
    }
    let err = Arc::new(err);
    for caller in callers {
        tell(caller, Err(again(&err)));
    }
}

/// A batch, with a panic turned into an error. Whatever panics within has dropped its transaction.
async fn attempt<Job, Answer>(commit: &dyn Commit<Job, Answer>, jobs: &[Job]) -> Result<Vec<Answer>, StoreError>
where
    Job: 'static,
    Answer: 'static,
{
    let answers = AssertUnwindSafe(commit.commit(jobs)).catch_unwind().await;
    let answers = answers.ok().ok_or_else(|| StoreError::broken("the writer panicked"))??;
    if answers.len() == jobs.len() { Ok(answers) } else { Err(unanswered()) }
}

fn unanswered() -> StoreError {
    StoreError::broken("not every job of a batch was answered")
}

fn tell<Answer>(caller: oneshot::Sender<Result<Answer, StoreError>>, answer: Result<Answer, StoreError>) {
    if caller.send(answer).is_err() {
        tracing::debug!("a caller did not wait for what was committed");
    }
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

#[cfg(test)]
mod tests;
