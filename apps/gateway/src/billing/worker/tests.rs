use billing_core::{BillingStore, PaymentProvider, PaymentStatus};
use kernel::OrgId;

use super::*;
use crate::billing::stage::Stage;

fn worker(stage: &Stage) -> Worker {
    Worker {
        billing: stage.billing.clone(),
        figures: stage.figures.clone(),
        comparison: None,
        every: Duration::from_millis(5),
        ambient: stage.ambient.clone(),
    }
}

async fn status(stage: &Stage, org: OrgId) -> Option<PaymentStatus> {
    let account = stage.memory.account(org, PaymentProvider::Stripe).await.expect("an answer").expect("an account");
    account.subscription.map(|it| it.status)
}

#[tokio::test]
async fn what_was_received_takes_effect_and_is_counted() {
    let stage = Stage::new();
    let org = OrgId::mint(&stage.ambient);
    let customer = stage.buyer(org).await;
    stage.event("evt_1", Some(&customer)).await;
    stage.event("evt_1", Some(&customer)).await;
    stage.event("evt_2", Some("cus_unknown")).await;
    let working = Working::begin(worker(&stage));
    while status(&stage, org).await != Some(PaymentStatus::Active) {
        tokio::task::yield_now().await;
    }
    working.end(Duration::from_secs(5)).await;
    let metrics = stage.metrics();
    for (outcome, count) in [("received", 2), ("duplicate", 1), ("applied", 1), ("ignored", 1)] {
        let line = format!("ops_center_billing_events_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn what_cannot_be_applied_waits_and_is_seen_to_wait() {
    let stage = Stage::new();
    let org = OrgId::mint(&stage.ambient);
    let customer = stage.buyer(org).await;
    stage.teller.away(true);
    stage.event("evt_1", Some(&customer)).await;
    stage.clock.advance(Duration::from_secs(90));
    stage.event("evt_2", Some(&customer)).await;
    let round = stage.billing.work().await.expect("a round");
    assert!((round.events, round.failed) == (2, 2) && !goes_on(&round), "{round:?}");
    worker(&stage).count().await.expect("counted");
    let metrics = stage.metrics();
    for line in [
        "ops_center_billing_events_total{outcome=\"failed\"} 2\n",
        "ops_center_billing_inbox_events{state=\"pending\"} 2\n",
        "ops_center_billing_inbox_events{state=\"dead\"} 0\n",
        "ops_center_billing_inbox_oldest_pending_seconds 90\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    for _ in 0..8 {
        stage.clock.advance(Duration::from_hours(2));
        stage.billing.work().await.expect("a round");
    }
    worker(&stage).count().await.expect("counted");
    let metrics = stage.metrics();
    for line in [
        "ops_center_billing_events_total{outcome=\"dead\"} 2\n",
        "ops_center_billing_inbox_events{state=\"dead\"} 2\n",
        "ops_center_billing_inbox_oldest_pending_seconds 0\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_worker_goes_on_when_the_database_comes_back() {
    let stage = Stage::new();
    let org = OrgId::mint(&stage.ambient);
    let customer = stage.buyer(org).await;
    stage.event("evt_1", Some(&customer)).await;
    stage.memory.break_down(true);
    let working = Working::begin(worker(&stage));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    stage.memory.break_down(false);
    while status(&stage, org).await != Some(PaymentStatus::Active) {
        tokio::task::yield_now().await;
    }
    working.end(Duration::from_secs(5)).await;
}
