use kernel::OrgId;
use kernel::testing::MemoryIdempotency;
use tokio::sync::watch;

use super::*;
use crate::billing::stage::Stage;

fn comparison(stage: &Stage, claims: &Arc<MemoryIdempotency>) -> Comparison {
    Comparison {
        billing: stage.billing.clone(),
        figures: stage.figures.clone(),
        claims: claims.clone(),
        every: TimeDelta::hours(24),
        ambient: stage.ambient.clone(),
    }
}

#[tokio::test]
async fn of_many_processes_one_compares_and_not_again_before_its_time() {
    let (stage, claims) = (Stage::new(), Arc::<MemoryIdempotency>::default());
    for _ in 0..=STEP {
        stage.buyer(OrgId::mint(&stage.ambient)).await;
    }
    let (_told, stop) = watch::channel(false);
    let stop = Stop::new(stop);
    let (one, other) = (comparison(&stage, &claims), comparison(&stage, &claims));
    assert!(one.in_turn(&stop).await.expect("compared"));
    assert!(!other.in_turn(&stop).await.expect("asked"), "it was done just now");
    let all = u64::from(STEP) + 1;
    let metrics = stage.metrics();
    assert!(metrics.contains(&format!("ops_center_billing_reconciled_accounts_total {all}\n")), "{metrics}");
    assert!(metrics.contains(&format!("ops_center_billing_reconcile_drift_total {all}\n")), "{metrics}");

    stage.clock.advance(Duration::from_hours(24));
    assert!(other.in_turn(&stop).await.expect("compared"), "its time has come");
    let metrics = stage.metrics();
    assert!(metrics.contains(&format!("ops_center_billing_reconcile_drift_total {all}\n")), "all is right: {metrics}");
}

#[tokio::test]
async fn what_was_interrupted_is_done_by_whoever_comes_next() {
    let (stage, claims) = (Stage::new(), Arc::<MemoryIdempotency>::default());
    for _ in 0..=STEP {
        stage.buyer(OrgId::mint(&stage.ambient)).await;
    }
    let comparison = comparison(&stage, &claims);
    let (_told, ended) = watch::channel(true);
    assert!(!comparison.in_turn(&Stop::new(ended)).await.expect("stopped in the middle"));
    stage.memory.break_down(true);
    let (_told, stop) = watch::channel(false);
    let stop = Stop::new(stop);
    assert!(comparison.in_turn(&stop).await.is_err(), "the database is away");
    stage.memory.break_down(false);
    assert!(comparison.in_turn(&stop).await.expect("compared"));
}
