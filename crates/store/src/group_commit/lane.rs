//! Lanes that somebody else holds up: their jobs wait apart, so that nobody else waits with them.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::StoreError;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::writer::commit_all;
use super::{Batch, Bounds, Commit, Waiting};

/// So many lanes are waited for at a time; each takes a connection meanwhile. The others are next, in the order in which they were held up.
const WAITERS: usize = 4;

/// So often a job is held up before its lane is waited for: whoever holds a lane is mostly done by the next batch.
const TRIES: u8 = 2;

/// The lanes that were held up, each with its jobs.
pub(super) struct Lanes<Job, Answer> {
    state: Arc<Mutex<State<Job, Answer>>>,
    commit: Arc<dyn Commit<Job, Answer>>,
    slots: Arc<Semaphore>,
    /// Told whenever a lane is waited for no more.
    freed: Arc<Notify>,
    bounds: Bounds,
}

struct State<Job, Answer> {
    lanes: HashMap<Uuid, Lane<Job, Answer>>,
    /// The lanes whose jobs belong into the next batch, in the order in which they came to it. The others are waited for.
    ready: VecDeque<Uuid>,
    weight: usize,
}

struct Lane<Job, Answer> {
    waiting: VecDeque<Waiting<Job, Answer>>,
    weight: usize,
}

impl<Job, Answer> Default for Lane<Job, Answer> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), weight: 0 }
    }
}

impl<Job, Answer> State<Job, Answer> {
    /// A job more, or less.
    fn weigh(&mut self, lane: Uuid, change: impl Fn(usize) -> usize) {
        self.weight = change(self.weight);
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.weight = change(lane.weight);
        }
    }

    /// Moves the first jobs of a lane that still want an answer into a batch, as long as they fit. Returns whether none is left.
    fn take(&mut self, id: Uuid, most: usize, batch: &mut Batch<Job, Answer>) -> bool {
        let Some(lane) = self.lanes.get_mut(&id) else { return true };
        let mut taken = 0_usize;
        while let Some(next) =
            lane.waiting.pop_front_if(|next| next.caller.is_gone() || batch.fits(next.caller.weight, most))
        {
            taken = taken.saturating_add(next.caller.weight);
            if !next.caller.is_gone() {
                batch.push(next);
            }
        }
        let none_left = lane.waiting.is_empty();
        self.weigh(id, |before| before.saturating_sub(taken));
        none_left
    }

    /// Puts jobs before those that came meanwhile.
    fn put_back(&mut self, back: Vec<Waiting<Job, Answer>>) {
        for waiting in back.into_iter().rev() {
            let (id, weight) = (waiting.caller.lane, waiting.caller.weight);
            self.lanes.entry(id).or_default().waiting.push_front(waiting);
            self.weigh(id, |before| before.saturating_add(weight));
        }
    }

    /// A lane is waited for no more: what came meanwhile belongs into the next batch.
    fn free(&mut self, id: Uuid) {
        if self.lanes.get(&id).is_some_and(|lane| lane.waiting.is_empty()) {
            self.lanes.remove(&id);
        } else {
            self.ready.push_back(id);
        }
    }
}

impl<Job, Answer> Clone for Lanes<Job, Answer> {
    fn clone(&self) -> Self {
        let (state, commit) = (Arc::clone(&self.state), Arc::clone(&self.commit));
        let (slots, freed) = (Arc::clone(&self.slots), Arc::clone(&self.freed));
        Self { state, commit, slots, freed, bounds: self.bounds }
    }
}

impl<Job, Answer> Lanes<Job, Answer>
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    /// None is held up.
    pub(super) fn new(commit: Arc<dyn Commit<Job, Answer>>, bounds: Bounds) -> Self {
        let state = Arc::new(Mutex::new(State { lanes: HashMap::new(), ready: VecDeque::new(), weight: 0 }));
        let (slots, freed) = (Arc::new(Semaphore::new(WAITERS)), Arc::new(Notify::new()));
        Self { state, commit, slots, freed, bounds }
    }

    /// Gives a job back that has no lane to wait in. Another waits behind those of its lane, or is turned away when too much waits already.
    pub(super) fn pass(&self, waiting: Waiting<Job, Answer>) -> Option<Waiting<Job, Answer>> {
        let mut state = self.state();
        let (id, weight, all) = (waiting.caller.lane, waiting.caller.weight, state.weight);
        let Some(lane) = state.lanes.get_mut(&id) else { return Some(waiting) };
        let fits = |before: usize, most: usize| before.saturating_add(weight) <= most;
        if !fits(lane.weight, self.bounds.queue / 2) || !fits(all, self.bounds.queue) {
            waiting.caller.tell(Err(StoreError::unavailable("too much waits for what somebody else holds")));
            return None;
        }
        lane.waiting.push_back(waiting);
        state.weigh(id, |before| before.saturating_add(weight));
        None
    }

    /// Puts the jobs of the lanes that are ready into a batch, as long as they fit. A lane without jobs is forgotten.
    pub(super) fn fill(&self, batch: &mut Batch<Job, Answer>) {
        let mut state = self.state();
        while let Some(id) = state.ready.front().copied() {
            if !state.take(id, self.bounds.batch, batch) {
                return;
            }
            state.lanes.remove(&id);
            state.ready.pop_front();
        }
    }

    /// Whether a lane is ready for the next batch.
    pub(super) fn is_ready(&self) -> bool {
        !self.state().ready.is_empty()
    }

    /// Whether no lane has a job.
    pub(super) fn is_empty(&self) -> bool {
        self.state().lanes.is_empty()
    }

    /// Comes back when a lane is waited for no more, be it since this was asked last.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// The lanes of these jobs are held up. Each belongs into the next batch, or is waited for when that was tried before.
    pub(super) fn hold_up(&self, mut back: Vec<Waiting<Job, Answer>>) {
        let mut tries = BTreeMap::<Uuid, u8>::new();
        for Waiting { caller, .. } in &mut back {
            caller.tries = caller.tries.saturating_add(1);
            let most = tries.entry(caller.lane).or_default();
            *most = caller.tries.max(*most);
        }
        let mut state = self.state();
        state.put_back(back);
        state.ready.retain(|lane| !tries.contains_key(lane));
        for (lane, tries) in tries {
            if tries < TRIES {
                state.ready.push_back(lane);
            } else {
                tokio::spawn(self.clone().wait_for(lane));
            }
        }
    }

    /// Commits the first jobs of a lane when its turn has come.
    async fn wait_for(self, lane: Uuid) {
        // The semaphore is never closed.
        while let Ok(_slot) = self.slots.acquire().await {
            let mut batch = Batch::default();
            self.state().take(lane, self.bounds.batch, &mut batch);
            let back = commit_all(&*self.commit, batch.jobs, true).await;
            let mut state = self.state();
            if back.is_empty() {
                state.free(lane);
                break;
            }
            state.put_back(back);
        }
        self.freed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State<Job, Answer>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
