//! O3, O4, TEN-5: an active organization has an active owner, whatever its people do to each other at once.

use kernel::Actor;
use testkit::{Backend, Client, Request, TestApp, TestUser};

use crate::rig::at_once;
use crate::rig::party::{add, found, giving, in_role, no_failures, removing};

const ROUNDS: usize = 100;
const TASKS: usize = 32;

/// Two owners of one organization, at two instances.
struct Rivals {
    org: String,
    ada: TestUser,
    bob: TestUser,
    bases: [String; 2],
}

impl Rivals {
    fn at(&self, user: &TestUser, number: usize) -> Client {
        Client::at(user, &self.bases[number % 2])
    }

    /// What one of the two does in this round to bring the other, or themselves, down.
    fn attack(&self, round: usize, number: usize) -> Request {
        let (by, other) = if number.is_multiple_of(2) { (&self.ada, &self.bob) } else { (&self.bob, &self.ada) };
        let client = self.at(by, number / 2);
        match (round % 5, number % 4) {
            (0, _) | (4, 0 | 1) => removing(&client, &self.org, other),
            (1, _) | (4, 2) => giving(&client, &self.org, other, "member"),
            (2 | 4, _) => removing(&client, &self.org, by),
            _ => giving(&client, &self.org, by, "billing_admin"),
        }
    }

    /// Who is left makes the other an owner again.
    async fn restore(&self) -> usize {
        let (mut left, mut lost) = (Vec::new(), Vec::new());
        for user in [&self.ada, &self.bob] {
            let info = user.get(&format!("/api/v1/org/{}", self.org)).await;
            let owns = info.status == 200 && in_role(user, &self.org, "owner").await.contains(&user.id.to_string());
            if owns { left.push(user) } else { lost.push((user, info.status)) }
        }
        assert!(!left.is_empty(), "nobody owns the organization");
        assert_eq!(in_role(left[0], &self.org, "owner").await.len(), left.len());
        for (user, status) in lost {
            if status == 200 {
                giving(left[0], &self.org, user, "owner").await.expect(200);
            } else {
                add(left[0], &self.org, user, "owner").await;
            }
        }
        left.len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_who_bring_each_other_down_leave_one() {
    for backend in [Backend::Sqlite, Backend::Postgres].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let app = TestApp::builder().backend(backend).start().await;
        let sibling = app.sibling().await;
        // Their sessions act nowhere: they do not end with a role.
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = found(&ada, "Rivals").await;
        add(&ada, &org, &bob, "owner").await;
        let rivals = Rivals { org, ada, bob, bases: [app.base.clone(), sibling.base.clone()] };
        let mut decided = 0;
        for round in 0..ROUNDS {
            let answers = at_once((0..TASKS).map(|number| rivals.attack(round, number))).await;
            no_failures(&answers);
            for answer in &answers {
                assert!([200, 403, 404, 409].contains(&answer.status), "{}: {}", answer.of, answer.text());
            }
            assert!(answers.iter().any(|answer| answer.status == 200), "round {round}: nobody was faster");
            decided += usize::from(rivals.restore().await == 1);
        }
        assert!(decided > ROUNDS / 2, "{decided} rounds brought somebody down");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_owner_neither_leaves_nor_steps_down_nor_is_disabled() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let org = ada.me().await["org_id"].as_str().expect("an id").to_owned();
        let bob = app.user("bob@x.test").await;
        ada.put("/api/v1/org/settings").json(&serde_json::json!({ "autoAcceptMembers": true })).await.expect(200);
        add(&ada, &org, &bob, "admin").await;

        removing(&ada, &org, &ada).await.problem(409, "last_owner");
        for role in ["admin", "billing_admin", "member"] {
            giving(&ada, &org, &ada, role).await.problem(409, "last_owner");
        }
        // An admin cannot touch an owner in the first place.
        removing(&bob, &org, &ada).await.problem(403, "role_above_own");
        let disable = async |user: &TestUser| {
            let id = user.id;
            app.run(move |services| async move { services.users.disable(&Actor::system(), id).await.is_ok() }).await
        };
        assert!(!disable(&ada).await, "the last owner was disabled");
        assert_eq!(ada.me().await["org_role"], "owner", "the refusals changed nothing");

        // A disabled owner is none that counts.
        giving(&ada, &org, &bob, "owner").await.expect(200);
        assert!(disable(&bob).await);
        removing(&ada, &org, &ada).await.problem(409, "last_owner");
        giving(&ada, &org, &ada, "member").await.problem(409, "last_owner");
        assert!(!disable(&ada).await);

        // With two that count either may go.
        let carol = app.user("carol@x.test").await;
        add(&ada, &org, &carol, "owner").await;
        removing(&ada, &org, &ada).await.expect(200);
        ada.get(&format!("/api/v1/org/{org}")).await.problem(404, "not_found");
        removing(&carol, &org, &carol).await.problem(409, "last_owner");
        assert_eq!(in_role(&carol, &org, "owner").await.len(), 2, "carol, and bob who is disabled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_who_leave_at_once_leave_one() {
    TestApp::each(|app| async move {
        let boss = app.user("boss@x.test").await;
        let org = found(&boss, "Exodus").await;
        let mut owners = vec![boss.clone()];
        for number in 1..8 {
            let owner = app.user(&format!("owner{number}@x.test")).await;
            add(&boss, &org, &owner, "owner").await;
            owners.push(owner);
        }
        // Half of them at once are disabled, the other half leaves or steps down.
        let disabled = owners[..4].iter().map(|owner| {
            let id = owner.id;
            app.run(move |services| async move { services.users.disable(&Actor::system(), id).await.is_ok() })
        });
        let requests = owners[4..].iter().enumerate().map(|(number, owner)| {
            if number % 2 == 0 { removing(owner, &org, owner) } else { giving(owner, &org, owner, "member") }
        });
        let (disabled, answers) = tokio::join!(join_all(disabled), at_once(requests));
        no_failures(&answers);
        let gone = disabled.into_iter().filter(|done| *done).count()
            + answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(gone, 7, "all but one");
        let admin = app.admin().await;
        let all = admin.get("/api/v1/org/organizations?search=Exodus").await.expect(200);
        assert!(all["organizations"][0]["owner"].is_string(), "{all}");
    })
    .await;
}

/// Waits for all, polling them together.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut done = Vec::new();
    let mut running: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
