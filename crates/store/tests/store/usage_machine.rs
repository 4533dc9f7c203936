//! Random steps against a second opinion, and a database that goes away while calls are admitted.
use std::collections::HashSet;
use std::time::Duration;

use kernel::{Limit, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Database, DatabaseOptions, SeaLedger};
use tokio::runtime::Handle;
use usage_core::testing::{LedgerStep, ledger_machine};
use usage_core::{Admitted, Ledger};

use crate::fixture::{Fixture, on_each, on_postgres};
use crate::model::cases;
use crate::plan::id;
use crate::proxy::Proxy;
use crate::usage::Metering;

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_agrees_with_a_second_opinion() {
    on_each(async |f| {
        let metering = &Metering::new(f);
        let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
        let steps = prop::collection::vec(any::<(u8, u8, u16)>().prop_map(LedgerStep::from), 1..40);
        tokio::task::block_in_place(|| {
            let run = |steps: Vec<LedgerStep>| {
                Handle::current().block_on(ledger_machine(metering.stores(), &steps));
                Ok(())
            };
            TestRunner::new(config).run(&steps, run).unwrap();
        });
    })
    .await;
}

/// MET-1: what was acknowledged is in the ledger, though the server hung and came back meanwhile, and what was sent again is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_outage_loses_nothing_that_was_acknowledged() {
    on_postgres(async |f: &Fixture| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Unlimited).await;
        let server = f.url.rsplit_once('@').unwrap().1.rsplit_once('/').unwrap().0;
        let proxy = Proxy::to(server).await;
        let hasty = DatabaseOptions { deadline: Duration::from_millis(300), ..DatabaseOptions::default() };
        let ledger = SeaLedger::new(&Database::connect(&proxy.url(&f.url), &hasty).await.unwrap(), &id("free"));
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let ledger = ledger.clone();
                let drafts: Vec<_> = (0..60).map(|n| m.draft(org, &format!("call-{task}-{n}"), 1)).collect();
                tokio::spawn(async move {
                    let (mut acknowledged, mut outages) = (Vec::new(), 0);
                    for draft in drafts {
                        loop {
                            match ledger.admit(std::slice::from_ref(&draft)).await {
                                Ok(answers) => {
                                    assert!(matches!(answers[..], [Admitted::Recorded(_) | Admitted::Duplicate(_)]));
                                    break acknowledged.push(draft.event.to_string());
                                }
                                Err(err) => assert!(matches!(err, StoreError::Unavailable(_)), "{err:?}"),
                            }
                            outages += 1;
                        }
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    (acknowledged, outages)
                })
            })
            .collect();
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            proxy.hang(true);
            tokio::time::sleep(Duration::from_millis(400)).await;
            proxy.hang(false);
        }
        let (mut acknowledged, mut outages) = (HashSet::new(), 0);
        for task in tasks {
            let (theirs, more) = task.await.unwrap();
            acknowledged.extend(theirs);
            outages += more;
        }
        assert!(outages > 0, "the outage was noticed");
        let ledger: HashSet<_> = f.lines("SELECT event_id AS line FROM usage_event").await.into_iter().collect();
        assert_eq!(ledger, acknowledged);
        assert_eq!(m.assert_agrees(org).await, 480);
    })
    .await;
}
