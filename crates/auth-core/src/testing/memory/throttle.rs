use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{StoreError, Timestamp};

use super::MemoryAuth;
use crate::{Attempt, Throttle, ThrottleRule};

fn span(of: Duration) -> TimeDelta {
    TimeDelta::from_std(of).unwrap_or(TimeDelta::MAX)
}

fn wait_until(then: Timestamp, now: Timestamp) -> Attempt {
    Attempt::Wait((then - now).to_std().unwrap_or_default())
}

#[async_trait]
impl Throttle for MemoryAuth {
    async fn admit(&self, key: &str, rule: ThrottleRule, now: Timestamp) -> Result<Attempt, StoreError> {
        let mut state = self.state()?;
        match rule {
            ThrottleRule::Steady { burst, period } => {
                let due = state.steady.get(key).copied().unwrap_or(now).max(now);
                let earliest = due - span(period * burst.saturating_sub(1));
                if now < earliest {
                    return Ok(wait_until(earliest, now));
                }
                state.steady.insert(key.to_owned(), due + span(period));
            }
            ThrottleRule::Doubling { first, longest } => {
                let wait = match state.doubling.get(key) {
                    Some((next, _)) if now < *next => return Ok(wait_until(*next, now)),
                    Some((_, wait)) => (*wait * 2).min(longest),
                    None => first,
                };
                state.doubling.insert(key.to_owned(), (now + span(wait), wait));
            }
        }
        Ok(Attempt::Admitted)
    }

    async fn forgive(&self, key: &str, rule: ThrottleRule) -> Result<(), StoreError> {
        let mut state = self.state()?;
        match rule {
            ThrottleRule::Steady { period, .. } => {
                if let Some(due) = state.steady.get_mut(key) {
                    *due -= span(period);
                }
            }
            ThrottleRule::Doubling { .. } => {
                state.doubling.remove(key);
            }
        }
        Ok(())
    }
}
