use async_trait::async_trait;
use kernel::{OrgId, StoreError, TaskId, Timestamp};

use super::{MemoryBilling, Work, at_most};
use crate::{Command, Outbox, Outgoing};

type Task = (OrgId, Command, Work);

fn outgoing(id: TaskId, (org, command, work): &Task) -> Outgoing {
    Outgoing { id, org: *org, command: command.clone(), attempts: work.attempts }
}

#[async_trait]
impl Outbox for MemoryBilling {
    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Outgoing>, StoreError> {
        let mut state = self.state()?;
        let due = state.tasks.iter_mut().filter(|(_, (_, _, work))| work.is_due(now));
        let mut due: Vec<(&TaskId, &mut Task)> = due.collect();
        due.sort_by_key(|(id, (_, _, work))| (work.next_at, **id));
        due.truncate(at_most(limit));
        let claim = |(id, task): (&TaskId, &mut Task)| {
            task.2.leased_until = Some(until);
            outgoing(*id, task)
        };
        Ok(due.into_iter().map(claim).collect())
    }

    async fn claim_one(&self, id: TaskId, now: Timestamp, until: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        let mut state = self.state()?;
        let task = state.tasks.get_mut(&id).filter(|(_, _, work)| work.is_free(now));
        Ok(task.map(|task| {
            task.2.leased_until = Some(until);
            outgoing(id, task)
        }))
    }

    async fn fail(&self, id: TaskId, attempts: u32, next_at: Option<Timestamp>, error: &str) -> Result<(), StoreError> {
        if let Some((_, _, work)) = self.state()?.tasks.get_mut(&id) {
            work.fail(attempts, next_at, error);
        }
        Ok(())
    }

    async fn pending(&self, org: OrgId) -> Result<Option<Outgoing>, StoreError> {
        let state = self.state()?;
        let mut tasks = state.tasks.iter().filter(|(_, (of, _, work))| *of == org && work.is_pending());
        Ok(tasks.next().map(|(id, task)| outgoing(*id, task)))
    }
}
