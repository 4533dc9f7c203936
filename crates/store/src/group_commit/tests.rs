use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Answers a number with itself. A permit of `gate` lets one batch pass.
struct Echo {
    gate: Semaphore,
    batches: Mutex<Vec<Vec<u32>>>,
    /// Lanes that somebody else has.
    held: Mutex<HashSet<u32>>,
    /// How often a lane was waited for.
    waits: AtomicUsize,
    begun: mpsc::UnboundedSender<()>,
}

impl Echo {
    fn holds(&self, job: u32) -> bool {
        self.held.lock().unwrap().contains(&(job / LANE))
    }
}

/// So long a lane is waited for at once.
const A_WHILE: Duration = Duration::from_millis(20);

/// Jobs from here on are of the first lane that can be held, and so on.
const LANE: u32 = 10_000;
const HEAVY: u32 = 1000;
const BREAKS: u32 = 666;
const PANICS: u32 = 667;
const FAILS: u32 = 668;

#[async_trait]
impl Commit<u32, u32> for Echo {
    async fn commit(&self, jobs: &[u32], wait: bool) -> Result<Vec<Option<u32>>, StoreError> {
        self.waits.fetch_add(usize::from(wait), Ordering::SeqCst);
        self.begun.send(()).ok();
        self.gate.acquire().await.unwrap().forget();
        let began = tokio::time::Instant::now();
        while wait && self.holds(jobs[0]) && began.elapsed() < A_WHILE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let held = self.held.lock().unwrap().clone();
        let answers: Vec<_> = jobs.iter().map(|job| (!held.contains(&(job / LANE))).then_some(*job)).collect();
        let done: Vec<u32> = answers.iter().flatten().copied().collect();
        if !done.is_empty() {
            self.batches.lock().unwrap().push(done);
        }
        assert!(!jobs.contains(&PANICS), "asked to panic");
        if jobs.contains(&BREAKS) {
            return Err(StoreError::broken("asked to break"));
        }
        if jobs.contains(&FAILS) {
            return Err(StoreError::unavailable("asked to fail"));
        }
        Ok(answers)
    }

    fn weight(&self, job: &u32) -> usize {
        if *job == HEAVY { 10 } else { 1 }
    }

    fn lane(&self, job: &u32) -> Uuid {
        Uuid::from_u128(u128::from(job / LANE))
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
        let echo = Arc::new(Echo {
            gate: Semaphore::new(0),
            batches: Mutex::default(),
            held: Mutex::default(),
            waits: AtomicUsize::new(0),
            begun: begins,
        });
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

    /// Somebody else has this lane from now on, or no more.
    fn hold(&self, lane: u32, held: bool) {
        let mut all = self.echo.held.lock().unwrap();
        if held {
            all.insert(lane)
        } else {
            all.remove(&lane)
        };
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

#[tokio::test]
async fn a_lane_that_is_held_up_holds_up_no_other() {
    let mut rig = Rig::new(4, 100);
    rig.hold(1, true);
    let mut free = vec![rig.busy().await];
    let mut held = Vec::new();
    for n in 1..=6 {
        held.push(rig.send(LANE + n).await);
        free.push(rig.send(n).await);
    }
    rig.open();
    assert_eq!(answers(free).await, (0..=6).map(Ok).collect::<Vec<_>>());
    assert!(held.iter().all(|answered| !answered.is_finished()));
    // What comes now goes behind them.
    rig.hold(1, false);
    held.push(tokio::spawn({
        let group = rig.group.clone();
        async move { group.submit(LANE + 7).await }
    }));
    assert_eq!(answers(held).await, (1..=7).map(|n| Ok(LANE + n)).collect::<Vec<_>>());
    let of_lane: Vec<u32> = rig.batches().into_iter().flatten().filter(|job| *job > LANE).collect();
    assert_eq!(of_lane, (1..=7).map(|n| LANE + n).collect::<Vec<_>>(), "in their order");
}

#[tokio::test]
async fn a_lane_that_was_held_up_goes_with_the_others_again() {
    let mut rig = Rig::new(100, 100);
    for lane in 1..=3 {
        rig.hold(lane, true);
    }
    let mut sent = vec![rig.busy().await];
    for lane in 1..=3 {
        sent.push(rig.send(lane * LANE + 1).await);
    }
    // The first batch, and one in which they are found held up.
    rig.echo.gate.add_permits(2);
    sent.remove(0).await.unwrap().unwrap();
    for _ in 0..2 {
        rig.begun.recv().await.unwrap();
    }
    // The next one has begun already; what comes now is in the one after it, behind what is tried again.
    for lane in 1..=3 {
        rig.hold(lane, false);
    }
    rig.open();
    assert_eq!(answers(sent).await, [Ok(LANE + 1), Ok(2 * LANE + 1), Ok(3 * LANE + 1)]);
    assert_eq!(rig.batches(), [vec![0], vec![LANE + 1, 2 * LANE + 1, 3 * LANE + 1]], "in one batch");
}

#[tokio::test]
async fn what_came_while_a_lane_was_waited_for_goes_with_the_others() {
    let mut rig = Rig::new(100, 100);
    for lane in 1..=2 {
        rig.hold(lane, true);
    }
    rig.open();
    let submitted = |rig: &Rig, job| {
        let group = rig.group.clone();
        tokio::spawn(async move { group.submit(job).await })
    };
    let first = vec![submitted(&rig, LANE + 1), submitted(&rig, 2 * LANE + 1)];
    while rig.echo.waits.load(Ordering::SeqCst) < 2 {
        rig.begun.recv().await.unwrap();
    }
    // Both lanes are waited for: what comes now stays behind.
    let then = vec![submitted(&rig, LANE + 2), submitted(&rig, 2 * LANE + 2)];
    rig.hold(1, false);
    rig.hold(2, false);
    assert_eq!(answers(first).await, [Ok(LANE + 1), Ok(2 * LANE + 1)]);
    assert_eq!(answers(then).await, [Ok(LANE + 2), Ok(2 * LANE + 2)]);
    for lane in 1..=2 {
        let theirs: Vec<u32> = rig.batches().into_iter().flatten().filter(|job| job / LANE == lane).collect();
        assert_eq!(theirs, [lane * LANE + 1, lane * LANE + 2], "in their order");
    }
    // Nothing is left of the lanes: their next jobs are in one batch.
    let both = tokio::join!(rig.group.submit(LANE + 3), rig.group.submit(2 * LANE + 3));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (LANE + 3, 2 * LANE + 3));
    assert_eq!(rig.batches().last().unwrap(), &[LANE + 3, 2 * LANE + 3]);
}

#[tokio::test]
async fn lanes_are_held_up_each_for_itself() {
    let mut rig = Rig::new(100, 100);
    // More than are waited for at a time.
    let all: Vec<u32> = (1..=9).collect();
    for lane in &all {
        rig.hold(*lane, true);
    }
    let first = rig.busy().await;
    let mut held = Vec::new();
    for lane in &all {
        held.push(rig.send(lane * LANE + 1).await);
        held.push(rig.send(lane * LANE + 2).await);
    }
    rig.open();
    first.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut tries = 0;
    while rig.begun.try_recv().is_ok() {
        tries += 1;
    }
    assert!((9..90).contains(&tries), "{tries} tries in 300 ms, four at a time");
    for lane in all.iter().rev() {
        rig.hold(*lane, false);
        let theirs = held.split_off(held.len() - 2);
        assert_eq!(answers(theirs).await, [Ok(lane * LANE + 1), Ok(lane * LANE + 2)]);
        assert!(held.iter().all(|answered| !answered.is_finished()), "the others are held up still");
    }
}

#[tokio::test]
async fn who_stopped_waiting_for_a_lane_is_not_written() {
    let mut rig = Rig::within(Bounds { batch: 100, queue: 100, patience: Duration::from_millis(50) });
    rig.hold(1, true);
    rig.open();
    assert!(matches!(rig.group.submit(LANE + 1).await, Err(StoreError::Unavailable(_))));
    // It may be waited for a last time.
    tokio::time::sleep(A_WHILE * 2).await;
    rig.hold(1, false);
    assert_eq!(rig.group.submit(LANE + 2).await.unwrap(), LANE + 2);
    assert_eq!(rig.batches(), [vec![LANE + 2]]);
    while rig.begun.try_recv().is_ok() {}
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert!(rig.begun.try_recv().is_err(), "nothing is tried when nothing waits");
}

#[tokio::test]
async fn what_waits_for_a_lane_leaves_room_for_others() {
    let mut rig = Rig::new(100, 10);
    rig.hold(1, true);
    let mut sent = vec![rig.busy().await];
    rig.open();
    sent.remove(0).await.unwrap().unwrap();
    // The first is tried, and waited for; five may wait behind it.
    let mut all: Vec<Answered> = Vec::new();
    for n in 1..=20 {
        let group = rig.group.clone();
        all.push(tokio::spawn(async move { group.submit(LANE + n).await }));
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
    for n in 1..=50 {
        assert_eq!(rig.group.submit(n).await.unwrap(), n);
    }
    rig.hold(1, false);
    let (mut written, mut turned_away) = (0, 0);
    for answer in answers(all).await {
        match answer {
            Ok(_) => written += 1,
            Err(why) => {
                assert!(why.starts_with("Unavailable"), "{why}");
                turned_away += 1;
            }
        }
    }
    assert!((1..=12).contains(&written) && turned_away >= 8, "{written} written, {turned_away} turned away");
}

#[tokio::test]
async fn a_lane_that_is_held_up_keeps_its_order_when_a_batch_breaks() {
    let mut rig = Rig::new(100, 100);
    rig.hold(1, true);
    let mut sent = vec![rig.busy().await];
    for job in [LANE + 1, BREAKS, LANE + 2, 3] {
        sent.push(rig.send(job).await);
    }
    rig.open();
    let free = vec![sent.remove(4), sent.remove(2), sent.remove(0)];
    let free = answers(free).await;
    assert!(free[0] == Ok(3) && free[2] == Ok(0) && free[1].as_ref().is_err_and(|why| why.starts_with("Broken")));
    rig.hold(1, false);
    assert_eq!(answers(sent).await, [Ok(LANE + 1), Ok(LANE + 2)]);
    let of_lane: Vec<u32> = rig.batches().into_iter().flatten().filter(|job| *job > LANE).collect();
    assert_eq!(of_lane, [LANE + 1, LANE + 2]);
}

#[tokio::test]
async fn the_writer_ends_though_a_lane_is_held_up() {
    let rig = Rig::within(Bounds { batch: 100, queue: 100, patience: Duration::from_millis(20) });
    rig.hold(1, true);
    rig.open();
    assert!(rig.group.submit(LANE + 1).await.is_err());
    let Rig { echo, group, .. } = rig;
    drop(group);
    let ended = async {
        while Arc::strong_count(&echo) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
}
