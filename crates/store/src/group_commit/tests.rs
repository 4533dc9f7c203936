use std::sync::Mutex;

use super::*;

/// Answers a number with itself. A permit of `gate` lets one batch pass.
struct Echo {
    gate: Semaphore,
    batches: Mutex<Vec<Vec<u32>>>,
    begun: mpsc::UnboundedSender<()>,
}

const BREAKS: u32 = 666;
const PANICS: u32 = 667;
const FAILS: u32 = 668;

#[async_trait]
impl Commit<u32, u32> for Echo {
    async fn commit(&self, jobs: &[u32]) -> Result<Vec<u32>, StoreError> {
        self.begun.send(()).ok();
        self.gate.acquire().await.unwrap().forget();
        self.batches.lock().unwrap().push(jobs.to_vec());
        assert!(!jobs.contains(&PANICS), "asked to panic");
        if jobs.contains(&BREAKS) {
            return Err(StoreError::broken("asked to break"));
        }
        if jobs.contains(&FAILS) {
            return Err(StoreError::unavailable("asked to fail"));
        }
        Ok(jobs.to_vec())
    }

    fn weight(&self, job: &u32) -> usize {
        if *job >= 1000 { 10 } else { 1 }
    }
}

struct Rig {
    echo: Arc<Echo>,
    group: GroupCommit<u32, u32>,
    begun: mpsc::UnboundedReceiver<()>,
}

type Answered = tokio::task::JoinHandle<Result<u32, StoreError>>;

impl Rig {
    fn new(batch: usize, queue: usize) -> Self {
        Self::within(Bounds { batch, queue, patience: Duration::from_mins(1) })
    }

    fn within(bounds: Bounds) -> Self {
        let (begins, begun) = mpsc::unbounded_channel();
        let echo = Arc::new(Echo { gate: Semaphore::new(0), batches: Mutex::default(), begun: begins });
        let commit: Arc<dyn Commit<u32, u32>> = Arc::<Echo>::clone(&echo);
        Self { group: GroupCommit::start(commit, bounds), echo, begun }
    }

    /// Sends a job, and comes back when it is in the queue.
    async fn send(&self, job: u32) -> Answered {
        let (group, room) = (self.group.clone(), self.group.room.available_permits());
        let answered = tokio::spawn(async move { group.submit(job).await });
        while self.group.room.available_permits() == room && !answered.is_finished() {
            tokio::task::yield_now().await;
        }
        answered
    }

    /// A first job that is being committed, until `open` is called.
    async fn busy(&mut self) -> Answered {
        let group = self.group.clone();
        let first = tokio::spawn(async move { group.submit(0).await });
        self.begun.recv().await.unwrap();
        first
    }

    fn open(&self) {
        self.echo.gate.add_permits(1000);
    }

    fn batches(&self) -> Vec<Vec<u32>> {
        self.echo.batches.lock().unwrap().clone()
    }
}

async fn answers(sent: Vec<Answered>) -> Vec<Result<u32, String>> {
    let mut answers = Vec::new();
    for answered in sent {
        answers.push(answered.await.unwrap().map_err(|err| format!("{err:?}")));
    }
    answers
}

#[tokio::test]
async fn what_queued_during_a_commit_is_the_next_one_in_its_order() {
    let mut rig = Rig::new(4, 100);
    let mut sent = vec![rig.busy().await];
    for job in 1..=6 {
        sent.push(rig.send(job).await);
    }
    rig.open();
    assert_eq!(answers(sent).await, (0..=6).map(Ok).collect::<Vec<_>>());
    assert_eq!(rig.batches(), [vec![0], vec![1, 2, 3, 4], vec![5, 6]]);
}

#[tokio::test]
async fn a_heavy_job_goes_alone_and_in_its_turn() {
    let mut rig = Rig::new(4, 100);
    let mut sent = vec![rig.busy().await];
    for job in [1, 1000, 2] {
        sent.push(rig.send(job).await);
    }
    rig.open();
    assert_eq!(answers(sent).await, [Ok(0), Ok(1), Ok(1000), Ok(2)]);
    assert_eq!(rig.batches(), [vec![0], vec![1], vec![1000], vec![2]]);
}

#[tokio::test]
async fn a_failing_batch_fails_each_of_its_callers_and_no_other() {
    let mut rig = Rig::new(2, 100);
    let mut sent = vec![rig.busy().await];
    for job in [1, FAILS, 2, 3] {
        sent.push(rig.send(job).await);
    }
    rig.open();
    let answers = answers(sent).await;
    assert_eq!([&answers[0], &answers[3], &answers[4]], [&Ok(0), &Ok(2), &Ok(3)]);
    for failed in &answers[1..3] {
        let why = failed.as_ref().unwrap_err();
        assert!(why.starts_with("Unavailable") && why.contains("asked to fail"), "{why}");
    }
}

#[tokio::test]
async fn only_the_job_that_breaks_a_batch_is_broken() {
    let mut rig = Rig::new(3, 100);
    let mut sent = vec![rig.busy().await];
    for job in [1, BREAKS, 2] {
        sent.push(rig.send(job).await);
    }
    rig.open();
    let answers = answers(sent).await;
    assert_eq!([&answers[0], &answers[1], &answers[3]], [&Ok(0), &Ok(1), &Ok(2)]);
    assert!(answers[2].as_ref().unwrap_err().starts_with("Broken"), "{answers:?}");
}

#[tokio::test]
async fn a_panic_fails_its_caller_and_the_writer_lives_on() {
    let mut rig = Rig::new(100, 100);
    let mut sent = vec![rig.busy().await];
    for job in [PANICS, 1] {
        sent.push(rig.send(job).await);
    }
    rig.open();
    let answers = answers(sent).await;
    assert!(answers[1].as_ref().unwrap_err().starts_with("Broken"), "{answers:?}");
    assert_eq!([&answers[0], &answers[2]], [&Ok(0), &Ok(1)]);
    assert_eq!(rig.group.submit(5).await.unwrap(), 5);
}

#[tokio::test]
async fn a_full_queue_turns_away() {
    let mut rig = Rig::new(100, 3);
    let mut sent = vec![rig.busy().await];
    for job in 1..=3 {
        sent.push(rig.send(job).await);
    }
    assert!(matches!(rig.group.submit(4).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(rig.group.submit(1000).await, Err(StoreError::Unavailable(_))));
    rig.open();
    assert_eq!(answers(sent).await, [Ok(0), Ok(1), Ok(2), Ok(3)]);
    assert_eq!(
        rig.group.submit(1000).await.unwrap(),
        1000,
        "there is room again, also for what is heavier than the queue"
    );
}

#[tokio::test]
async fn what_was_sent_before_the_end_is_committed() {
    let mut rig = Rig::new(2, 100);
    let mut sent = vec![rig.busy().await];
    for job in 1..=3 {
        sent.push(rig.send(job).await);
    }
    let Rig { echo, group, .. } = rig;
    drop(group);
    echo.gate.add_permits(1000);
    assert_eq!(answers(sent).await, [Ok(0), Ok(1), Ok(2), Ok(3)]);
    // The writer holds the last reference beside ours, and lets go when it ends.
    while Arc::strong_count(&echo) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_stopped_waiting_is_not_written() {
    let mut rig = Rig::new(100, 100);
    let mut sent = vec![rig.busy().await];
    let gone = rig.send(1).await;
    sent.push(rig.send(2).await);
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    rig.open();
    assert_eq!(answers(sent).await, [Ok(0), Ok(2)]);
    assert_eq!(rig.batches(), [vec![0], vec![2]]);
}

#[tokio::test]
async fn patience_ends() {
    let mut rig = Rig::within(Bounds { batch: 100, queue: 100, patience: Duration::from_millis(20) });
    let first = rig.busy().await;
    assert!(matches!(rig.group.submit(1).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(first.await.unwrap(), Err(StoreError::Unavailable(_))));
}
