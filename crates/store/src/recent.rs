use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::StoreError;
use moka::sync::Cache;

/// How old an answer may be.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The most answers kept.
const MAX_ANSWERS: u64 = 100_000;

/// Answers of at most a second ago. Each keeps the generation that was current before it was read; a change that this process
/// made since then, of whatever, makes it worthless.
pub(crate) struct Recent<K, V> {
    answers: Cache<K, (u64, V)>,
    generation: AtomicU64,
}

impl<K, V> Default for Recent<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        let answers = Cache::builder().max_capacity(MAX_ANSWERS).time_to_live(MAX_AGE).build();
        Self { answers, generation: AtomicU64::new(0) }
    }
}

impl<K, V> Recent<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The answer, if there is one that still counts.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let current = self.generation.load(Ordering::SeqCst);
        self.answers.get(key).filter(|(read_in, _)| *read_in == current).map(|(_, answer)| answer)
    }

    /// Asks, and keeps what was found. That nothing was found is not kept: strangers could ask for ever more. The question comes
    /// boxed: who finds an answer here must not carry it about.
    pub(crate) async fn keep(
        &self,
        key: K,
        question: Pin<Box<dyn Future<Output = Result<Option<V>, StoreError>> + Send + '_>>,
    ) -> Result<Option<V>, StoreError> {
        let generation = self.generation.load(Ordering::SeqCst);
        let found = question.await?;
        if let Some(answer) = &found {
            self.answers.insert(key, (generation, answer.clone()));
        }
        Ok(found)
    }

    /// To be held over a change.
    pub(crate) fn moving(&self) -> Moving<'_> {
        Moving(&self.generation)
    }
}

/// Makes all answers of before worthless when it goes, whichever way the change ended.
#[derive(Debug)]
pub(crate) struct Moving<'a>(&'a AtomicU64);

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
