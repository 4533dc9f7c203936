//! What two processes and 32 tasks do to the same session, link, counter or claim at once.
use std::time::Duration;

use auth_core::testing::invented_user;
use auth_core::{Attempt, LinkStore, Revoke, Session, SessionStore, Throttle, ThrottleRule, UserTag};
use kernel::{Action, Begun, Idempotency, IdempotencyKey, SessionId, TokenHash, UserId};
use store::{SeaIdempotency, SeaLinks, SeaSessions, SeaThrottle};

use crate::fixture::{Fixture, on_each};
use crate::race::{Processes, ROUNDS, TASKS, times};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rule_admits_no_more_than_it_says() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let now = f.ambient.now();
        let period = Duration::from_secs(20);
        for (rule, allowed) in [
            (ThrottleRule::Steady { burst: 5, period }, 5),
            (ThrottleRule::Doubling { first: Duration::from_secs(1), longest: Duration::from_mins(15) }, 1),
        ] {
            let answers = processes
                .race(|db, _| async move { SeaThrottle::new(&db).admit("one", rule, now).await.unwrap() })
                .await;
            assert_eq!(times(&answers, &Attempt::Admitted), allowed, "{rule:?}: {answers:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_32_attempts_is_the_first() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let key = IdempotencyKey { scope: TokenHash::from_bytes([1; 32]), payload: TokenHash::from_bytes([2; 32]) };
        let lease = Duration::from_mins(1);
        for now in [f.ambient.now(), f.ambient.now() + lease] {
            let answers = processes
                .race(|db, _| {
                    let key = key.clone();
                    async move { SeaIdempotency::new(&db).begin(&key, now, now + lease).await.unwrap() }
                })
                .await;
            assert_eq!(times(&answers, &Begun::First), 1, "{answers:?}");
            assert_eq!(times(&answers, &Begun::Running), TASKS - 1, "{answers:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_32_redeems_a_link() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let (link, user, now) = (TokenHash::from_bytes([3; 32]), f.new_user().await, f.ambient.now());
        let record = f.record(Action::LinkIssued);
        SeaLinks::new(&f.db).issue(&link, user, now + Duration::from_mins(1), &record).await.unwrap();
        let answers = processes.race(|db, _| async move { SeaLinks::new(&db).redeem(&link, now).await.unwrap() }).await;
        assert_eq!(times(&answers, &Some(user)), 1);
        assert_eq!(times(&answers, &None), TASKS - 1);
    })
    .await;
}

fn session(f: &Fixture, user: UserId) -> (TokenHash, Session) {
    let now = f.ambient.now();
    let session = Session {
        id: SessionId::mint(&f.ambient),
        user,
        org: None,
        created_at: now,
        auth_time: now,
        expires_at: now + Duration::from_hours(1),
        idle: Duration::from_mins(10),
        user_epoch: 0,
        org_epoch: 0,
        platform_epoch: 0,
        ip: None,
        user_agent: None,
    };
    (TokenHash::from_bytes(f.ambient.random()), session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_has_no_more_sessions_than_the_cap() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let (user, tag) = (f.new_user().await, UserTag::mint(&f.ambient));
        processes
            .race(|db, _| {
                let ((key, session), tag) = (session(f, user), tag.clone());
                async move { SeaSessions::new(&db).create(&tag, &key, &session, 10).await.unwrap() }
            })
            .await;
        assert_eq!(SeaSessions::new(&f.db).list(&tag, user, f.ambient.now()).await.unwrap().len(), 10);
    })
    .await;
}

/// SES-5: a session that is being renewed when everything is revoked does not survive under its new key.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_that_races_a_revocation_outlives_it() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let user = invented_user(&f.ambient);
        for _ in 0..ROUNDS {
            let ((old, before), (new, after)) = (session(f, user.id), session(f, user.id));
            SeaSessions::new(&f.db).create(&user.tag, &old, &before, 10).await.unwrap();
            let (first, second, tag, id) = (processes.db(0), processes.db(1), user.tag.clone(), user.id);
            let renew =
                tokio::spawn(async move { SeaSessions::new(&first).renew(&tag, &old, &new, &after).await.unwrap() });
            let tag = user.tag.clone();
            let revoke =
                tokio::spawn(async move { SeaSessions::new(&second).revoke(&tag, id, Revoke::All).await.unwrap() });
            renew.await.unwrap();
            assert_eq!(revoke.await.unwrap(), 1, "there was one, under either key");
            let left = SeaSessions::new(&f.db).list(&user.tag, user.id, f.ambient.now()).await.unwrap();
            assert_eq!(left, vec![]);
            assert_eq!(SeaSessions::new(&f.db).touch(&user.tag, &new, f.ambient.now()).await.unwrap(), None);
        }
    })
    .await;
}
