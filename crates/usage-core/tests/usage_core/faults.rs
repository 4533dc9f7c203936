//! The contracts and the machine notice a ledger that is wrong.

use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use kernel::testing::manual_ambient;
use kernel::{OrgId, Record, ReservationId, StoreError, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use usage_core::testing::{LedgerStep, MemoryUsage, UsageStores, ledger_contract, ledger_machine};
use usage_core::{Admitted, Draft, Held, Hold, Ledger, Quantity, Released, Settled, Tally};

/// What a ledger can get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A copy of an event counts again.
    CountsCopies,
    /// Late events count when they are heard of.
    ForgetsWhen,
    /// A reservation is settled for what was held, whatever it cost.
    SettlesWhatWasHeld,
    /// A reservation that ran out can be settled.
    SettlesLate,
    /// Releasing does nothing.
    KeepsWhatIsReleased,
    /// A reset does nothing but say so.
    ResetsNothing,
    /// The drafts of a batch are taken from the last to the first.
    TurnsBatches,
}

const ALL: [Fault; 7] = [
    Fault::CountsCopies,
    Fault::ForgetsWhen,
    Fault::SettlesWhatWasHeld,
    Fault::SettlesLate,
    Fault::KeepsWhatIsReleased,
    Fault::ResetsNothing,
    Fault::TurnsBatches,
];

struct Faulty<'a>(&'a MemoryUsage, Fault);

impl Faulty<'_> {
    fn has(&self, fault: Fault) -> bool {
        self.1 == fault
    }
}

#[async_trait]
impl Ledger for Faulty<'_> {
    async fn admit(&self, drafts: &[Draft]) -> Result<Vec<Admitted>, StoreError> {
        let mut drafts = drafts.to_vec();
        for draft in &mut drafts {
            if self.has(Fault::ForgetsWhen) {
                draft.occurred_at = None;
            }
        }
        if self.has(Fault::TurnsBatches) {
            drafts.reverse();
        }
        let mut answers = self.0.admit(&drafts).await?;
        if self.has(Fault::TurnsBatches) {
            answers.reverse();
        }
        for (draft, answer) in drafts.iter().zip(&mut answers) {
            if self.has(Fault::CountsCopies) && matches!(answer, Admitted::Duplicate(_)) {
                let again = Draft { event: format!("{}-again", draft.event).parse().unwrap(), ..draft.clone() };
                *answer = self.0.admit(&[again]).await?.remove(0);
            }
        }
        Ok(answers)
    }

    async fn hold(&self, hold: &Hold) -> Result<Held, StoreError> {
        self.0.hold(hold).await
    }

    async fn settle(
        &self,
        org: OrgId,
        id: ReservationId,
        quantity: Quantity,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let now = if self.has(Fault::SettlesLate) { Timestamp::UNIX_EPOCH } else { now };
        let quantity = if self.has(Fault::SettlesWhatWasHeld) { Quantity::ONE } else { quantity };
        self.0.settle(org, id, quantity, now).await
    }

    async fn release(&self, org: OrgId, id: ReservationId, now: Timestamp) -> Result<Released, StoreError> {
        if self.has(Fault::KeepsWhatIsReleased) { Ok(Released::Released) } else { self.0.release(org, id, now).await }
    }

    async fn expire(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        self.0.expire(now, most).await
    }

    async fn reset(&self, org: OrgId, record: &Record) -> Result<Option<Tally>, StoreError> {
        let org = if self.has(Fault::ResetsNothing) { OrgId::from_uuid(record.id.uuid()) } else { org };
        self.0.reset(org, record).await
    }
}

fn passes(fault: Fault, seed: u64, run: impl AsyncFnOnce(UsageStores<'_>)) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (memory, (_, ambient)) = (MemoryUsage::new(), manual_ambient(seed));
    let ledger = Faulty(&memory, fault);
    let stores = UsageStores { ledger: &ledger, reader: &memory, books: &memory, world: &memory, ambient: &ambient };
    std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(stores)))).is_ok()
}

#[test]
fn the_contract_notices() {
    for fault in ALL {
        assert!(!passes(fault, 1, async |stores| ledger_contract(stores).await), "{fault:?} went unnoticed");
    }
}

#[test]
fn the_machine_notices() {
    for fault in ALL {
        let config = Config { cases: 1_000, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let steps = prop::collection::vec(any::<(u8, u8, u16)>().prop_map(LedgerStep::from), 20..60);
        let found = TestRunner::new(config).run(&steps, |steps| {
            let agrees = passes(fault, 1, async |stores| ledger_machine(stores, &steps).await);
            prop_assert!(agrees);
            Ok(())
        });
        assert!(found.is_err(), "{fault:?} went unnoticed");
    }
}
