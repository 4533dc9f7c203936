use kernel::{TaskId, Timestamp};

use super::stage::{MINUTE, SECOND, Stage, usd};
use crate::testing::BillingStores;
use crate::{Command, Outgoing, Posted, Posting, Settles};

/// What every [`Outbox`](crate::Outbox) promises. Nothing may be pending in it.
pub async fn outbox_contract(stores: BillingStores<'_>) {
    keeps_every_command(&Stage::new(stores)).await;
    gives_out_what_is_due(&Stage::new(stores)).await;
    gives_out_one(&Stage::new(stores)).await;
    tries_again(&Stage::new(stores)).await;
    holds_one_of_an_organization(&Stage::new(stores)).await;
}

async fn claimed(s: &Stage<'_>, now: Timestamp, limit: u32) -> Vec<TaskId> {
    let claimed = s.stores.outbox.claim(now, now + MINUTE, limit).await.unwrap();
    claimed.into_iter().map(|outgoing| outgoing.id).collect()
}

async fn one(s: &Stage<'_>, id: TaskId, now: Timestamp) -> Option<Outgoing> {
    s.stores.outbox.claim_one(id, now, now + MINUTE).await.unwrap()
}

async fn settle(s: &Stage<'_>, task: &Outgoing) -> Posted {
    let posting = Posting { settles: Settles::Task(task.id), ..s.next(task.org).await };
    s.post(&posting).await
}

async fn finish(s: &Stage<'_>, tasks: &[&Outgoing]) {
    for task in tasks {
        assert_eq!(settle(s, task).await, Posted::Posted);
    }
    assert_eq!(claimed(s, s.tick() + MINUTE * 600, 9).await, []);
}

async fn keeps_every_command(s: &Stage<'_>) {
    let org = s.org().await;
    let name = || s.name("x\"\u{1f980}");
    let due = crate::Money::new(i64::MIN, "JPY".parse().unwrap());
    for command in [
        Command::ChangeNow { external: name(), price: name(), prorated_at: s.tick(), due },
        Command::ChangeNow { external: name(), price: name(), prorated_at: s.tick(), due: usd(i64::MAX) },
        Command::ChangeAtPeriodEnd { external: name(), price: name() },
        Command::CancelAtPeriodEnd { external: name(), cancel: true },
        Command::CancelAtPeriodEnd { external: name(), cancel: false },
        Command::CancelNow { external: name() },
    ] {
        assert_eq!(s.stores.outbox.pending(org).await.unwrap(), None);
        let outgoing = Outgoing { command, ..s.outgoing(org) };
        s.posted(&Posting { outgoing: Some(outgoing.clone()), ..s.next(org).await }).await;
        assert_eq!(s.stores.outbox.pending(org).await.unwrap(), Some(outgoing.clone()));
        let now = s.tick();
        assert_eq!(s.stores.outbox.claim(now, now + SECOND, 9).await.unwrap(), std::slice::from_ref(&outgoing));
        assert_eq!(one(s, outgoing.id, now + SECOND).await, Some(outgoing.clone()));
        assert_eq!(s.stores.outbox.pending(org).await.unwrap(), Some(outgoing.clone()), "leased or not");
        finish(s, &[&outgoing]).await;
    }
}

async fn gives_out_what_is_due(s: &Stage<'_>) {
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(s.agreed(s.org().await).await);
    }
    let [one, two, three] = [tasks[0].id, tasks[1].id, tasks[2].id];
    let now = s.tick();
    assert_eq!(claimed(s, now, 2).await, [one, two], "as many as are wanted, the first first");
    assert_eq!(claimed(s, now, 9).await, [three], "what is leased is given to nobody else");
    assert_eq!(claimed(s, now + MINUTE - SECOND, 9).await, []);
    assert_eq!(claimed(s, now + MINUTE, 9).await, [one, two, three], "until the lease ends");
    finish(s, &tasks.iter().collect::<Vec<_>>()).await;
}

async fn gives_out_one(s: &Stage<'_>) {
    let (task, other) = (s.agreed(s.org().await).await, s.agreed(s.org().await).await);
    let now = s.tick();
    assert_eq!(one(s, task.id, now).await, Some(task.clone()));
    assert_eq!(one(s, task.id, now).await, None, "it is leased");
    assert_eq!(claimed(s, now, 9).await, [other.id]);
    assert_eq!(one(s, other.id, now).await, None, "however it was leased");
    assert_eq!(one(s, task.id, now + MINUTE).await, Some(task.clone()), "until the lease ends");
    assert_eq!(one(s, TaskId::mint(s.stores.ambient), now).await, None, "there is none of this name");
    s.stores.outbox.fail(task.id, 1, Some(now + MINUTE * 60), "later").await.unwrap();
    assert_eq!(claimed(s, now + MINUTE, 9).await, [other.id]);
    let early = one(s, task.id, now + MINUTE).await;
    assert_eq!(early, Some(Outgoing { attempts: 1, ..task.clone() }), "also before its turn");
    finish(s, &[&task, &other]).await;
    assert_eq!(one(s, task.id, now + MINUTE * 60).await, None, "it is over");
}

async fn tries_again(s: &Stage<'_>) {
    let task = s.agreed(s.org().await).await;
    let now = s.tick();
    assert_eq!(claimed(s, now, 9).await, [task.id]);
    let fail =
        async |attempts, next_at| s.stores.outbox.fail(task.id, attempts, next_at, "no \0 answer").await.unwrap();
    fail(1, Some(now + SECOND * 5)).await;
    assert_eq!(claimed(s, now + SECOND * 4, 9).await, []);
    let again = s.stores.outbox.claim(now + SECOND * 5, now + MINUTE, 9).await.unwrap();
    assert_eq!(again, [Outgoing { attempts: 1, ..task.clone() }]);
    assert_eq!(s.stores.outbox.pending(task.org).await.unwrap(), Some(again[0].clone()));
    fail(2, None).await;
    assert_eq!(s.stores.outbox.pending(task.org).await.unwrap(), None, "nobody carries it out any more");
    fail(3, Some(now)).await;
    assert_eq!(one(s, task.id, now + MINUTE * 9).await, None, "nobody who comes late brings it back");
    assert_eq!(settle(s, &task).await, Posted::AlreadySettled);
    let next = s.agreed(task.org).await;
    finish(s, &[&next]).await;
}

async fn holds_one_of_an_organization(s: &Stage<'_>) {
    let (org, other) = (s.org().await, s.org().await);
    let task = s.agreed(org).await;
    let second = Posting { outgoing: Some(s.outgoing(org)), ..s.next(org).await };
    assert_eq!(s.post(&second).await, Posted::ChangePending);
    assert_eq!(s.stores.outbox.pending(org).await.unwrap(), Some(task.clone()));
    s.posted(&s.next(org).await).await;
    let elsewhere = s.agreed(other).await;

    let stolen = Posting { settles: Settles::Task(task.id), ..s.next(other).await };
    assert_eq!(s.post(&stolen).await, Posted::AlreadySettled, "the command of another organization");
    assert_eq!(s.stores.outbox.pending(org).await.unwrap(), Some(task.clone()));
    let next = s.outgoing(org);
    let swap = Posting { outgoing: Some(next.clone()), settles: Settles::Task(task.id), ..s.next(org).await };
    assert_eq!(s.post(&swap).await, Posted::Posted, "one ends and another one begins");
    assert_eq!(s.stores.outbox.pending(org).await.unwrap(), Some(next.clone()));
    assert_eq!(settle(s, &task).await, Posted::AlreadySettled);
    finish(s, &[&next, &elsewhere]).await;
}
