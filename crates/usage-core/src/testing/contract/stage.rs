use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kernel::{Action, Actor, Limit, OrgId, Period, Record, ReservationId, Timestamp, UserId};

use crate::testing::UsageStores;
use crate::{
    Admitted, Allowance, Count, Cursor, Days, Draft, Entry, EventId, Held, Hold, Quantity, Released, Settled, Tally,
    Wall,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// The stores under test, and noon of the day on which the contract runs. No time is taken from anywhere else.
pub(super) struct Stage<'a> {
    pub(super) stores: UsageStores<'a>,
    /// The time of what names no other.
    pub(super) noon: Timestamp,
    unique: String,
    steps: AtomicU32,
}

pub(super) fn quantity(number: u64) -> Quantity {
    Quantity::new(number).unwrap()
}

pub(super) fn name(text: &str) -> EventId {
    text.parse().unwrap()
}

/// What became of a draft, without the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Recorded,
    Duplicate,
    Conflict,
    Over(Wall),
    OutOfTime,
    NoOrg,
}

pub(super) fn fate(answer: &Admitted) -> Fate {
    match answer {
        Admitted::Recorded(_) => Fate::Recorded,
        Admitted::Duplicate(_) => Fate::Duplicate,
        Admitted::Conflict => Fate::Conflict,
        Admitted::OverLimit(wall, _) => Fate::Over(*wall),
        Admitted::OutOfTime => Fate::OutOfTime,
        Admitted::NoOrg => Fate::NoOrg,
    }
}

/// Used and reserved of a counter.
pub(super) fn numbers(count: Count) -> (u64, u64) {
    (count.used, count.reserved)
}

impl<'a> Stage<'a> {
    pub(super) fn new(stores: UsageStores<'a>) -> Self {
        let unique = stores.ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
        let noon = Period::day(stores.ambient.now()).start + HOUR * 12;
        Self { stores, noon, unique, steps: AtomicU32::new(0) }
    }

    fn step(&self) -> u32 {
        self.steps.fetch_add(1, Ordering::SeqCst)
    }

    /// Everything without an end, since ten days.
    pub(super) fn unlimited(&self) -> Allowance {
        Allowance {
            tier: format!("t{}-{}", self.unique, self.step()),
            monthly: Limit::Unlimited,
            daily: Limit::Unlimited,
            per_user: Limit::Unlimited,
            anchor: self.noon - DAY * 10,
        }
    }

    /// So much in a month, since ten days.
    pub(super) fn monthly(&self, limit: u64) -> Allowance {
        Allowance { monthly: Limit::Of(limit), ..self.unlimited() }
    }

    pub(super) async fn org(&self, allowance: &Allowance) -> OrgId {
        self.stores.world.org(allowance).await
    }

    pub(super) async fn user(&self) -> UserId {
        self.stores.world.user().await
    }

    pub(super) fn draft(&self, org: OrgId, cost: u64) -> Draft {
        Draft {
            org,
            event: name(&format!("evt-{}-{}", self.unique, self.step())),
            user: None,
            service: "chat".parse().unwrap(),
            action: None,
            quantity: quantity(cost),
            occurred_at: None,
            received_at: self.noon,
            metadata: None,
        }
    }

    pub(super) async fn admit(&self, draft: &Draft) -> Admitted {
        let mut answers = self.batch(std::slice::from_ref(draft)).await;
        answers.pop().unwrap()
    }

    pub(super) async fn batch(&self, drafts: &[Draft]) -> Vec<Admitted> {
        let answers = self.stores.ledger.admit(drafts).await.unwrap();
        assert_eq!(answers.len(), drafts.len(), "one answer for each draft");
        answers
    }

    /// Records something that must fit.
    pub(super) async fn record(&self, draft: &Draft) -> Tally {
        match self.admit(draft).await {
            Admitted::Recorded(tally) => tally,
            other => panic!("{draft:?} is recorded, not {other:?}"),
        }
    }

    pub(super) async fn fate(&self, draft: &Draft) -> Fate {
        fate(&self.admit(draft).await)
    }

    pub(super) fn lease(&self, org: OrgId, user: Option<UserId>, cost: u64) -> Hold {
        Hold {
            id: ReservationId::mint(self.stores.ambient),
            org,
            user,
            service: "chat".parse().unwrap(),
            quantity: quantity(cost),
            at: self.noon,
            expires_at: self.noon + SECOND * 60,
        }
    }

    pub(super) async fn try_hold(&self, hold: &Hold) -> Held {
        self.stores.ledger.hold(hold).await.unwrap()
    }

    /// Holds something that must fit.
    pub(super) async fn hold(&self, hold: &Hold) -> Tally {
        match self.try_hold(hold).await {
            Held::Held(tally) => tally,
            other => panic!("{hold:?} is held, not {other:?}"),
        }
    }

    pub(super) async fn settle(&self, hold: &Hold, cost: u64, at: Timestamp) -> Settled {
        self.stores.ledger.settle(hold.org, hold.id, quantity(cost), at).await.unwrap()
    }

    pub(super) async fn release(&self, hold: &Hold, at: Timestamp) -> Released {
        self.stores.ledger.release(hold.org, hold.id, at).await.unwrap()
    }

    pub(super) async fn reset(&self, org: OrgId, at: Timestamp) -> Option<Tally> {
        let record =
            Record::new(self.stores.ambient, &Actor::system(), Action::UsageReset, "organization", org).within(org);
        let record = Record { at, ..record };
        let answer = self.stores.ledger.reset(org, &record).await.unwrap();
        assert_eq!(self.stores.world.kept(record.id).await, answer.is_some(), "a change and its record");
        answer
    }

    pub(super) async fn tally(&self, org: OrgId, user: Option<UserId>, at: Timestamp) -> Tally {
        self.stores.reader.tally(org, user, at).await.unwrap().unwrap()
    }

    /// Used and reserved of the organization's month.
    pub(super) async fn month(&self, org: OrgId, at: Timestamp) -> (u64, u64) {
        numbers(self.tally(org, None, at).await.month)
    }

    pub(super) async fn entries(&self, org: OrgId, days: Days, after: Option<Cursor>, most: u32) -> Vec<Entry> {
        self.stores.reader.entries(org, days, after, most).await.unwrap()
    }

    /// Every row that can have to do with what is counted around noon.
    pub(super) async fn ledger(&self, org: OrgId) -> Vec<Entry> {
        self.entries(org, self.around(40), None, 10_000).await
    }

    pub(super) fn around(&self, days: u32) -> Days {
        Days { from: (self.noon - DAY * days).date_naive(), to: (self.noon + DAY * days).date_naive() }
    }

    /// The counters are the sums of the rows of their periods, by the adapter's own word and by adding them up here.
    pub(super) async fn assert_sound(&self, org: OrgId, users: &[UserId], at: Timestamp) {
        let found = self.stores.books.verify(org).await.unwrap();
        assert_eq!(found.differences, vec![], "every counter is the sum of its rows");
        let ledger = self.ledger(org).await;
        let sum = |user: Option<UserId>, period: Period| {
            let of = |entry: &&Entry| period.contains(entry.occurred_at) && (user.is_none() || entry.user == user);
            u64::try_from(ledger.iter().filter(of).map(|entry| entry.quantity).sum::<i64>()).unwrap()
        };
        for user in [None].into_iter().chain(users.iter().copied().map(Some)) {
            let tally = self.tally(org, user, at).await;
            assert_eq!(tally.month.used, sum(None, tally.month.period), "the month of {org}");
            assert_eq!(tally.day.used, sum(None, tally.day.period), "the day of {org}");
            if let Some(count) = tally.user {
                assert_eq!(count.used, sum(user, count.period), "the month of {user:?}");
            }
        }
    }
}
