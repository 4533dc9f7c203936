//! One writer, many callers: what queued while the last commit ran becomes the next commit.
//!
//! There is no timer: a lone caller waits for its own commit only, and the more callers there are, the more of them share one. A lane that
//! somebody else holds up is waited for apart, and holds up no other.
mod lane;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use uuid::Uuid;

use self::writer::Writer;

/// What the writer does with a batch.
#[async_trait]
pub(crate) trait Commit<Job, Answer>: Send + Sync + 'static {
    /// Commits the jobs in their order, all or none: one answer for each, durable when it is given. The jobs of a lane that somebody
    /// else holds up get none: nothing of them happened, and they come again, by themselves and with `wait`, which is to wait a while
    /// for the lane.
    async fn commit(&self, jobs: &[Job], wait: bool) -> Result<Vec<Option<Answer>>, StoreError>;
    /// How much of a batch and of the queue a job takes.
    fn weight(&self, job: &Job) -> usize;
    /// Whose turn a job waits for: jobs of one lane are committed in the order in which they came.
    fn lane(&self, job: &Job) -> Uuid;
}

/// How much is taken at once, and how much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most weight of a batch; a heavier job is a batch of its own.
    pub(crate) batch: usize,
    /// The most weight in the queue, and as much again in lanes that are held up, half of it in one; what comes beyond is turned away.
    pub(crate) queue: usize,
    /// The longest that a caller waits.
    pub(crate) patience: Duration,
}

/// A queue with its writer. Clones share both; when the last one goes, the writer commits what is left and ends.
pub(crate) struct GroupCommit<Job, Answer> {
    queue: mpsc::UnboundedSender<Queued<Job, Answer>>,
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

/// A job in the queue, and its place there.
struct Queued<Job, Answer> {
    waiting: Waiting<Job, Answer>,
    _place: OwnedSemaphorePermit,
}

/// A job, and the caller that waits for its answer.
struct Waiting<Job, Answer> {
    job: Job,
    caller: Caller<Answer>,
}

impl<Job, Answer> Waiting<Job, Answer> {
    /// Tells the caller; without an answer there is nothing to tell yet.
    fn told(self, answer: Option<Answer>) -> Option<Self> {
        match answer {
            Some(answer) => {
                self.caller.tell(Ok(answer));
                None
            }
            None => Some(self),
        }
    }
}

struct Caller<Answer> {
    lane: Uuid,
    weight: usize,
    /// How often the job was in a batch while somebody else held up its lane.
    tries: u8,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

impl<Answer> Caller<Answer> {
    /// Whether nobody waits any more.
    fn is_gone(&self) -> bool {
        self.answer.is_closed()
    }

    fn tell(self, answer: Result<Answer, StoreError>) {
        if self.answer.send(answer).is_err() {
            tracing::debug!("a caller did not wait for what was committed");
        }
    }
}

/// Jobs that are committed together.
struct Batch<Job, Answer> {
    jobs: Vec<Waiting<Job, Answer>>,
    weight: usize,
}

impl<Job, Answer> Default for Batch<Job, Answer> {
    fn default() -> Self {
        Self { jobs: Vec::new(), weight: 0 }
    }
}

impl<Job, Answer> Batch<Job, Answer> {
    /// Whether a job has room; an empty batch has room for one of any weight.
    fn fits(&self, weight: usize, most: usize) -> bool {
        self.jobs.is_empty() || self.weight.saturating_add(weight) <= most
    }

    fn push(&mut self, waiting: Waiting<Job, Answer>) {
        self.weight = self.weight.saturating_add(waiting.caller.weight);
        self.jobs.push(waiting);
    }
}

impl<Job, Answer> GroupCommit<Job, Answer>
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    /// Starts the writer. It lives on the runtime that this is called in.
    pub(crate) fn start(commit: Arc<dyn Commit<Job, Answer>>, bounds: Bounds) -> Self {
        let (queue, queued) = mpsc::unbounded_channel();
        tokio::spawn(Writer::new(queued, Arc::clone(&commit), bounds).run());
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
        let caller = Caller { lane: self.commit.lane(&job), weight, tries: 0, answer };
        let gone = || StoreError::unavailable("the writer is gone");
        self.queue.send(Queued { waiting: Waiting { job, caller }, _place: place }).ok().ok_or_else(gone)?;
        let late = || StoreError::unavailable("the writer did not come round in time");
        tokio::time::timeout(self.bounds.patience, answered)
            .await
            .ok()
            .ok_or_else(late)?
            .map_err(StoreError::unavailable)?
    }
}

#[cfg(test)]
mod tests;
