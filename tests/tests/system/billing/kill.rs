//! WH-2, WH-3, OUT-1: what was acknowledged is kept, and what was agreed is charged once, whenever the program is killed.

mod ledger;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Backend, Client, Request, StripeEvent, StripeFault};
use tokio::task::JoinHandle;

use super::till::{Payer, Till, access, enter};
use crate::rig::process::{Server, sign_in};
use crate::rig::tables::{open, rows};
use crate::rig::until;

const ROUNDS: usize = 20;
/// Organizations that change their plans at Stripe's own page.
const MOVING: usize = 4;
/// Longer than anything in a round takes.
const LONG: Duration = Duration::from_secs(30);
/// For so long a command belongs to whoever took it, dead or not.
const LEASE: Duration = Duration::from_mins(1);
/// What the endpoint is told of.
const TOLD: [&str; 3] = ["checkout.session.completed", "customer.subscription.updated", "invoice.paid"];

/// Numbers that look like chance and are the same each time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let count = u64::try_from(all.len()).expect("a count");
        &all[usize::try_from(self.below(count)).expect("a place")]
    }
}

/// When the program is killed.
enum Moment {
    /// So long after the requests began.
    After(Duration),
    /// When Stripe was asked so often since then.
    Asked(usize),
}

/// Who asked for a change, and whether that was answered.
struct Asked {
    payer: Payer,
    answered: bool,
}

/// A request on its way.
struct Sent(JoinHandle<Option<Answer>>);

impl Sent {
    fn new(request: Request) -> Self {
        Self(tokio::spawn(async move { request.attempt().await.ok() }))
    }

    /// Whether there was an answer; one of these. A connection that broke in the middle of one brought none.
    async fn answered(self, statuses: &[u16]) -> bool {
        let Some(answer) = self.0.await.ok().flatten() else { return false };
        assert!(statuses.contains(&answer.status), "{}: {} {}", answer.of, answer.status, answer.text());
        true
    }
}

/// All that happens on one backend.
struct Stage {
    till: Till,
    owner: Client,
    moving: Vec<Payer>,
    waiting: Vec<StripeEvent>,
    sent: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    asked: Vec<Asked>,
}

impl Stage {
    async fn set(till: Till, server: &Server) -> Self {
        till.site.account("ada");
        let owner = sign_in(&server.base, "ada").await;
        let mut moving = Vec::new();
        for number in 0..MOVING {
            moving.push(till.payer(&owner, &format!("Moving {number}")).await);
        }
        let (waiting, sent, acknowledged, asked) = (Vec::new(), BTreeSet::new(), BTreeSet::new(), Vec::new());
        Self { till, owner, moving, waiting, sent, acknowledged, asked }
    }

    /// An organization whose `starter` is known here.
    async fn newcomer(&mut self, name: &str, server: &Server) -> Payer {
        let owner = self.owner.at(&server.base);
        let payer = self.till.payer(&owner, name).await;
        self.deliver(server).await;
        until(LONG, &format!("{name} has its plan"), async || access(&owner, &payer).await.0 == "starter").await;
        payer
    }

    /// What Stripe has to tell now.
    fn collect(&mut self) -> Vec<StripeEvent> {
        let told = |event: &StripeEvent| TOLD.contains(&event.kind.as_str());
        let mut all = std::mem::take(&mut self.waiting);
        all.extend(self.till.stripe.take_events().into_iter().filter(told));
        self.sent.extend(all.iter().map(|event| event.id.clone()));
        all
    }

    /// Sends what waits; all of it is taken.
    async fn deliver(&mut self, server: &Server) {
        for event in self.collect() {
            self.till.send(&server.base, &event).await.expect(200);
            self.acknowledged.insert(event.id);
        }
    }

    /// Asks for `professional`.
    async fn ask(&self, payer: &Payer, server: &Server) -> Sent {
        let client = self.owner.at(&server.base);
        enter(&client, &payer.org).await;
        let body = json!({ "target_tier": "professional" });
        Sent::new(client.post("/api/v1/subscriptions/upgrade").json(&body))
    }

    /// Events and a change, all at once, and the end of the program in the middle of it.
    async fn round(&mut self, dice: &mut Dice, number: usize, server: Server) {
        let payer = self.newcomer(&format!("Asking {number}"), &server).await;
        for _ in 0..2 {
            let price = format!("price_{}_monthly", dice.one_of(&["starter", "professional", "enterprise"]));
            let subscription = &dice.one_of(&self.moving).subscription;
            self.till.stripe.change_at_portal(subscription, &price).expect("changed");
        }
        let moment = if number.is_multiple_of(2) {
            Moment::After(Duration::from_millis(dice.below(150)))
        } else {
            Moment::Asked(usize::try_from(dice.below(14)).expect("a count"))
        };
        let calls = self.till.stripe.calls().len();
        let change = self.ask(&payer, &server).await;
        let mut letters = Vec::new();
        for event in self.collect() {
            let letter = Sent::new(self.till.send(&server.base, &event));
            letters.push((event, letter));
        }
        self.wait(&moment, calls).await;
        server.kill();
        let answered = change.answered(&[200, 202]).await;
        self.asked.push(Asked { payer, answered });
        for (event, letter) in letters {
            if letter.answered(&[200]).await {
                self.acknowledged.insert(event.id);
            } else {
                self.waiting.push(event);
            }
        }
    }

    async fn wait(&self, moment: &Moment, calls: usize) {
        let began = Instant::now();
        match *moment {
            Moment::After(pause) => tokio::time::sleep(pause).await,
            Moment::Asked(times) => {
                while self.till.stripe.calls().len() < calls + times && began.elapsed() < Duration::from_millis(500) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }

    /// Asks for a change, and kills the program when Stripe was asked for it and the request looks like this.
    async fn killed_at(&mut self, payer: Payer, server: Server, is_done: bool) {
        let path = format!("/v1/subscriptions/{}", payer.subscription);
        let change = self.ask(&payer, &server).await;
        let came = async || {
            let calls = self.till.stripe.calls();
            calls.iter().any(|call| call.method == "POST" && call.path == path && call.done == is_done)
        };
        until(LONG, "Stripe is asked for the change", came).await;
        server.kill();
        let answered = change.answered(&[200, 202]).await;
        self.asked.push(Asked { payer, answered });
    }

    /// While nobody serves: every event that was acknowledged is there. Then the leases are over of all that the dead one was at, but for
    /// the first command of all, which waits for as long as it must.
    async fn morning_after(&self) {
        let database = open(&self.till.site.folder().join("data"), self.till.site.database().as_deref()).await;
        let kept: BTreeSet<String> =
            rows(&database, "SELECT id FROM inbox_event").await.iter().map(ledger::text).collect();
        assert_eq!(self.acknowledged.difference(&kept).collect::<Vec<_>>(), Vec::<&String>::new(), "lost");
        let leases = [
            "UPDATE inbox_event SET leased_until = received_at WHERE leased_until IS NOT NULL",
            "UPDATE outbox_task SET leased_until = created_at WHERE leased_until IS NOT NULL \
             AND created_at > (SELECT MIN(created_at) FROM outbox_task)",
        ];
        for sql in leases {
            sea_orm::ConnectionTrait::execute_unprepared(&database, sql).await.expect("a minute passes");
        }
        database.close().await.expect("no connection");
    }

    /// How often Stripe has changed this organization's subscription for us.
    fn carried_out(&self, payer: &Payer) -> usize {
        let path = format!("/v1/subscriptions/{}", payer.subscription);
        let calls = self.till.stripe.calls();
        calls.iter().filter(|call| call.done && call.method == "POST" && call.path == path).count()
    }
}

async fn survives(backend: Backend) {
    let mut dice = Dice(20_271_122);
    let till = Till::on(backend).await;
    let mut server = till.serve();
    let mut stage = Stage::set(till, &server).await;

    // Killed while Stripe is asked and says nothing: nobody may ask again before the lease is over.
    let quiet = stage.newcomer("Quiet", &server).await;
    stage.till.stripe.fail("POST /v1/subscriptions/", [StripeFault::Silence]);
    stage.killed_at(quiet.clone(), server, false).await;
    let hung = Instant::now();
    stage.morning_after().await;
    // Killed when Stripe has done it and we do not know yet.
    server = stage.till.serve();
    let told = stage.newcomer("Told", &server).await;
    stage.killed_at(told, server, true).await;
    stage.morning_after().await;

    for number in 0..ROUNDS {
        server = stage.till.serve();
        stage.round(&mut dice, number, server).await;
        stage.morning_after().await;
        let early = hung.elapsed() + Duration::from_secs(5) < LEASE;
        assert!(!early || stage.carried_out(&quiet) == 0, "another one took it while it was leased");
    }
    println!("{backend}: {ROUNDS} rounds, {:?} after the first kill", hung.elapsed());

    server = stage.till.serve();
    stage.deliver(&server).await;
    assert_eq!(stage.acknowledged, stage.sent);
    stage.settles(hung).await;
    // What these changes brought about at Stripe is told too, and changes nothing any more.
    stage.deliver(&server).await;
    stage.settles(hung).await;
    stage.adds_up(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_and_agreed_happens_once_whenever_it_is_killed_on_postgres() {
    if Backend::Postgres.is_there() {
        survives(Backend::Postgres).await;
    }
}

/// A test of its own: most of the time each of the two waits for a lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_and_agreed_happens_once_whenever_it_is_killed_on_sqlite() {
    survives(Backend::Sqlite).await;
}
