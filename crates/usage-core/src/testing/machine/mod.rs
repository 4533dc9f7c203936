#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a ledger that does not agree panics")]

mod model;
mod step;

use kernel::{Action, Actor, Limit, OrgId, Period, Record, ReservationId, ServiceName, Timestamp, UserId};

use self::model::Model;
pub use self::step::{Call, LedgerStep};
use crate::testing::UsageStores;
use crate::{Allowance, Days, Draft, Hold, Quantity};

/// Takes the steps, one after the other, with a ledger and with a second opinion that is written in another way, and panics where an
/// answer, a count, the history or the books do not agree. Every run has organizations of its own; a run lasts as many transactions
/// as there are steps, and reads some ten times after each.
pub async fn ledger_machine(stores: UsageStores<'_>, steps: &[LedgerStep]) {
    let mut machine = Machine::begin(stores).await;
    for step in steps {
        let touched = machine.take(*step).await;
        for org in touched {
            machine.compare(org, *step).await;
        }
    }
}

struct Machine<'a> {
    stores: UsageStores<'a>,
    unique: String,
    begun: Timestamp,
    now: Timestamp,
    users: [UserId; 2],
    orgs: Vec<Model>,
    holds: Vec<(usize, ReservationId)>,
    plans: u32,
}

fn service(name: &str) -> ServiceName {
    name.parse().unwrap()
}

fn limit(number: Option<u64>) -> Limit {
    number.map_or(Limit::Unlimited, Limit::Of)
}

impl<'a> Machine<'a> {
    async fn begin(stores: UsageStores<'a>) -> Self {
        let unique = stores.ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
        let noon = Period::day(stores.ambient.now()).start + std::time::Duration::from_hours(12);
        let users = [stores.world.user().await, stores.world.user().await];
        let mut machine =
            Self { stores, unique, begun: noon, now: noon, users, orgs: Vec::new(), holds: Vec::new(), plans: 0 };
        // The one's month ends this evening, the other's began on the last day of a month.
        let evening = noon + std::time::Duration::from_hours(6);
        let anchors = [evening, "2024-01-31T09:30:00Z".parse().unwrap()];
        for (anchor, limits) in anchors.into_iter().zip([[Some(40), Some(25), Some(18)], [Some(60), None, None]]) {
            let plan = machine.plan(anchor, limits);
            let org = stores.world.org(&plan).await;
            machine.orgs.push(Model::new(org, plan));
        }
        machine
    }

    fn plan(&mut self, anchor: Timestamp, [monthly, daily, per_user]: [Option<u64>; 3]) -> Allowance {
        self.plans += 1;
        let tier = format!("m{}-{}", self.unique, self.plans);
        Allowance { tier, monthly: limit(monthly), daily: limit(daily), per_user: limit(per_user), anchor }
    }

    /// 0 is nobody.
    fn user(&self, number: usize) -> Option<UserId> {
        number.checked_sub(1).map(|index| self.users[index])
    }

    fn draft(&self, call: Call) -> Draft {
        let number = usize::from(call.name);
        Draft {
            org: self.orgs[call.org].org,
            event: format!("{}-{}", self.unique, call.name).parse().unwrap(),
            user: self.user(number % 3),
            service: service(["chat", "search"][number % 2]),
            action: None,
            quantity: Quantity::new(u64::from(call.name % 7) + 1 + u64::from(call.twisted)).unwrap(),
            occurred_at: call.ago.map(|minutes| self.now - chrono::TimeDelta::minutes(minutes)),
            received_at: self.now,
            metadata: (number % 5 == 0).then(|| format!("{{\"n\":{number}}}")),
        }
    }

    /// Takes a step on both sides; the organizations that it may have touched.
    async fn take(&mut self, step: LedgerStep) -> Vec<usize> {
        match step {
            LedgerStep::Track(call) => self.admit(step, &[call]).await,
            LedgerStep::Batch(call, name) => self.admit(step, &[call, Call { name: name % 24, ..call }, call]).await,
            LedgerStep::Hold { org, user, quantity, seconds } => {
                let hold = Hold {
                    id: ReservationId::mint(self.stores.ambient),
                    org: self.orgs[org].org,
                    user: self.user(user),
                    service: service("tts"),
                    quantity: Quantity::new(quantity).unwrap(),
                    at: self.now,
                    expires_at: self.now + std::time::Duration::from_secs(seconds),
                };
                let answer = self.stores.ledger.hold(&hold).await.unwrap();
                assert_eq!(answer, self.orgs[org].hold(&hold), "{step:?}");
                self.holds.push((org, hold.id));
                vec![org]
            }
            LedgerStep::Settle(which, quantity) => {
                let (org, id) = self.reservation(which);
                let quantity = Quantity::new(quantity).unwrap();
                let answer = self.stores.ledger.settle(self.orgs[org].org, id, quantity, self.now).await.unwrap();
                assert_eq!(answer, self.orgs[org].settle(id, quantity, self.now), "{step:?}");
                vec![org]
            }
            LedgerStep::Release(which) => {
                let (org, id) = self.reservation(which);
                let answer = self.stores.ledger.release(self.orgs[org].org, id, self.now).await.unwrap();
                assert_eq!(answer, self.orgs[org].release(id), "{step:?}");
                vec![org]
            }
            LedgerStep::Expire(most) => {
                let ended = self.stores.ledger.expire(self.now, most).await.unwrap();
                assert!(ended <= u64::from(most), "{step:?} ended {ended}");
                vec![0, 1]
            }
            LedgerStep::Reset(_) | LedgerStep::Rebuild(_) | LedgerStep::Allow(..) | LedgerStep::Pass(_) => {
                self.manage(step).await
            }
        }
    }

    /// The steps of those who run the place.
    async fn manage(&mut self, step: LedgerStep) -> Vec<usize> {
        match step {
            LedgerStep::Reset(org) => {
                let id = self.orgs[org].org;
                let record = self.record(id);
                let answer = self.stores.ledger.reset(id, &record).await.unwrap();
                assert_eq!(answer, Some(self.orgs[org].reset(self.now)), "{step:?}");
                vec![org]
            }
            LedgerStep::Rebuild(org) => {
                let rows = self.stores.books.rebuild(self.orgs[org].org, self.now).await.unwrap();
                assert_eq!(rows, self.orgs[org].rows, "{step:?}");
                vec![org]
            }
            LedgerStep::Allow(org, limits) => {
                let plan = self.plan(self.orgs[org].plan.anchor, limits);
                self.stores.world.allow(self.orgs[org].org, &plan).await;
                self.orgs[org].plan = plan;
                vec![org]
            }
            LedgerStep::Pass(time) => {
                self.now += time;
                vec![0, 1]
            }
            other => panic!("{other:?} is taken elsewhere"),
        }
    }

    async fn admit(&mut self, step: LedgerStep, calls: &[Call]) -> Vec<usize> {
        let drafts: Vec<_> = calls.iter().map(|call| self.draft(*call)).collect();
        let answers = self.stores.ledger.admit(&drafts).await.unwrap();
        assert_eq!(answers.len(), drafts.len(), "{step:?}");
        for ((draft, call), answer) in drafts.iter().zip(calls).zip(answers) {
            assert_eq!(answer, self.orgs[call.org].admit(draft), "{step:?} {draft:?}");
        }
        calls.iter().take(1).map(|call| call.org).collect()
    }

    /// The reservation of a number, counted from the last one that was tried; one that never was when there are not so many.
    fn reservation(&self, which: usize) -> (usize, ReservationId) {
        let tried = self.holds.iter().rev().nth(which).copied();
        tried.unwrap_or_else(|| (0, ReservationId::mint(self.stores.ambient)))
    }

    fn record(&self, org: OrgId) -> Record {
        let record =
            Record::new(self.stores.ambient, &Actor::system(), Action::UsageReset, "organization", org).within(org);
        Record { at: self.now, ..record }
    }

    async fn compare(&self, org: usize, step: LedgerStep) {
        let model = &self.orgs[org];
        let (reader, id) = (self.stores.reader, model.org);
        for user in [None, Some(self.users[0]), Some(self.users[1])] {
            let tally = reader.tally(id, user, self.now).await.unwrap();
            assert_eq!(tally, Some(model.tally(user, self.now, self.now)), "after {step:?}");
        }
        let found = self.stores.books.verify(id).await.unwrap();
        assert_eq!((found.differences, found.entries), (vec![], model.rows), "after {step:?}");
        let day = std::time::Duration::from_hours(24);
        let days = Days { from: (self.begun - day * 2).date_naive(), to: (self.now + day).date_naive() };
        assert_eq!(reader.history(id, days).await.unwrap(), model.history(), "after {step:?}");
        assert_eq!(reader.users(id, days).await.unwrap(), model.users(), "after {step:?}");
        let entries = reader.entries(id, days, None, 10_000).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.quantity).sum::<i64>(), model.sum(), "after {step:?}");
    }
}
