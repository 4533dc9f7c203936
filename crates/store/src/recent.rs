use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::StoreError;
use moka::sync::Cache;

/// How old an answer may be.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The most answers kept.
const MAX_ANSWERS: u64 = 100_000;

/// Answers of at most a second ago. Each keeps the generation that was current before it was read; a change that this process
/// made since then, of whatever, makes it worthless. Its second begins with the question: the database may have answered it then.
pub(crate) struct Recent<K, V> {
    answers: Cache<K, Answer<V>>,
    generation: AtomicU64,
}

/// An answer that is kept.
#[derive(Clone)]
struct Answer<V> {
    generation: u64,
    asked: Instant,
    answer: V,
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
        let counts = |kept: &Answer<V>| kept.generation == current && kept.asked.elapsed() < MAX_AGE;
        self.answers.get(key).filter(counts).map(|kept| kept.answer)
    }

    /// Asks, and keeps what was found. That nothing was found is not kept: strangers could ask for ever more. The question comes
    /// boxed: who finds an answer here must not carry it about.
    pub(crate) async fn keep(
        &self,
        key: K,
        question: Pin<Box<dyn Future<Output = Result<Option<V>, StoreError>> + Send + '_>>,
    ) -> Result<Option<V>, StoreError> {
        let (generation, asked) = (self.generation.load(Ordering::SeqCst), Instant::now());
        let found = question.await?;
        if let Some(answer) = &found {
            self.answers.insert(key, Answer { generation, asked, answer: answer.clone() });
        }
        Ok(found)
    }

    /// Makes one answer worthless that a change made old without making it wrong: whoever asks just now may still keep it.
    pub(crate) fn forget(&self, key: &K) {
        self.answers.invalidate(key);
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn slow(answer: u32, takes: Duration) -> Result<Option<u32>, StoreError> {
        tokio::time::sleep(takes).await;
        Ok(Some(answer))
    }

    #[tokio::test]
    async fn the_second_of_an_answer_begins_with_the_question() {
        let recent: Recent<&str, u32> = Recent::default();
        let quick = recent.keep("quick", Box::pin(slow(1, Duration::ZERO))).await.unwrap();
        assert_eq!((quick, recent.get(&"quick")), (Some(1), Some(1)));
        // Answered after longer than an answer counts: true of a moment that is too long ago.
        let late = recent.keep("late", Box::pin(slow(2, MAX_AGE))).await.unwrap();
        assert_eq!((late, recent.get(&"late")), (Some(2), None));
        assert_eq!(recent.get(&"quick"), None, "a second is over");
    }

    #[tokio::test]
    async fn a_change_makes_what_was_asked_before_it_worthless() {
        let recent: Recent<&str, u32> = Recent::default();
        let moving = recent.moving();
        recent.keep("one", Box::pin(slow(1, Duration::ZERO))).await.unwrap();
        drop(moving);
        assert_eq!(recent.get(&"one"), None);
    }
}
