//! Lanes that somebody else holds up: their jobs wait apart, so that nobody else waits with them.
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::StoreError;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::writer::commit_all;
use super::{Bounds, Commit, Waiting};

/// So many lanes are waited for at a time; each takes a connection meanwhile. The others are next, in the order in which they were held up.
const WAITERS: usize = 4;

/// The lanes that are held up, each with a task that waits for it.
pub(super) struct Lanes<Job, Answer> {
    state: Arc<Mutex<State<Job, Answer>>>,
    commit: Arc<dyn Commit<Job, Answer>>,
    slots: Arc<Semaphore>,
    bounds: Bounds,
}

struct State<Job, Answer> {
    lanes: HashMap<Uuid, Lane<Job, Answer>>,
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
}

impl<Job, Answer> Clone for Lanes<Job, Answer> {
    fn clone(&self) -> Self {
        let (state, commit, slots) = (Arc::clone(&self.state), Arc::clone(&self.commit), Arc::clone(&self.slots));
        Self { state, commit, slots, bounds: self.bounds }
    }
}

impl<Job, Answer> Lanes<Job, Answer>
where
    Job: Send + Sync + 'static,
    Answer: Send + 'static,
{
    /// None is held up.
    pub(super) fn new(commit: Arc<dyn Commit<Job, Answer>>, bounds: Bounds) -> Self {
        let state = Arc::new(Mutex::new(State { lanes: HashMap::new(), weight: 0 }));
        let slots = Arc::new(Semaphore::new(WAITERS));
        Self { state, commit, slots, bounds }
    }

    /// Gives a job back whose lane is free. Another waits behind those of its lane, or is turned away when too much waits already.
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

    /// From now on the lanes of these jobs are held up, until the last of their jobs is answered.
    pub(super) fn hold_up(&self, back: Vec<Waiting<Job, Answer>>) {
        let mut new = HashSet::new();
        let mut state = self.state();
        for waiting in back {
            let (id, weight) = (waiting.caller.lane, waiting.caller.weight);
            state.lanes.entry(id).or_default().waiting.push_back(waiting);
            state.weigh(id, |before| before.saturating_add(weight));
            if new.insert(id) {
                tokio::spawn(self.clone().wait_for(id));
            }
        }
    }

    /// Commits the jobs of a lane when its turn has come, and so on until none is left.
    async fn wait_for(self, lane: Uuid) {
        // The semaphore is never closed.
        while let Ok(_slot) = self.slots.acquire().await {
            let Some(batch) = self.next(lane) else { return };
            let back = commit_all(&*self.commit, batch, true).await;
            self.put_back(lane, back);
        }
    }

    /// The first jobs of a lane that still want an answer, up to a batch; where there are none it is held up no more.
    fn next(&self, lane: Uuid) -> Option<Vec<Waiting<Job, Answer>>> {
        let mut state = self.state();
        let waiting = &mut state.lanes.get_mut(&lane)?.waiting;
        let (mut batch, mut weight, mut gone) = (Vec::new(), 0_usize, 0_usize);
        while let Some(next) = waiting.pop_front_if(|next| {
            next.caller.is_gone() || weight == 0 || weight.saturating_add(next.caller.weight) <= self.bounds.batch
        }) {
            if next.caller.is_gone() {
                gone = gone.saturating_add(next.caller.weight);
            } else {
                weight = weight.saturating_add(next.caller.weight);
                batch.push(next);
            }
        }
        let taken = weight.saturating_add(gone);
        state.weigh(lane, |before| before.saturating_sub(taken));
        if batch.is_empty() {
            state.lanes.remove(&lane);
            return None;
        }
        Some(batch)
    }

    /// Before those that came meanwhile.
    fn put_back(&self, lane: Uuid, back: Vec<Waiting<Job, Answer>>) {
        let mut state = self.state();
        for waiting in back.into_iter().rev() {
            let weight = waiting.caller.weight;
            state.lanes.entry(lane).or_default().waiting.push_front(waiting);
            state.weigh(lane, |before| before.saturating_add(weight));
        }
    }

    fn state(&self) -> MutexGuard<'_, State<Job, Answer>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
