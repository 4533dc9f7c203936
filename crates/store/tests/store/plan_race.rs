//! What two processes and 32 tasks do to the same catalogue and the same subscription at once.
use kernel::{Action, OrgId};
use plan_core::testing::sample_catalogue;
use plan_core::{
    CatalogueStore, Plan, PlanCreated, PlanRetired, PlanUpdated, Subscription, SubscriptionPut, SubscriptionStore,
};
use store::{SeaCatalogue, SeaSubscriptions};

use crate::fixture::{Fixture, on_each};
use crate::plan::{Plans, first_move, id, plan};
use crate::race::{Processes, TASKS, times};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_32_fills_the_catalogue() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let answers = processes
            .race(|db, n| {
                let record = f.record(Action::CatalogueLoaded);
                async move {
                    let catalogue = SeaCatalogue::new(&db);
                    // Who adds a plan of their own to an empty catalogue leaves nothing to fill.
                    if n % 16 == 15 {
                        catalogue.create(&plan("rival"), &record).await.unwrap() == PlanCreated::Created
                    } else {
                        catalogue.load(&sample_catalogue(), &record).await.unwrap()
                    }
                }
            })
            .await;
        let found = SeaCatalogue::new(&f.second().await).read().await.unwrap();
        let loads = (0..TASKS).filter(|n| n % 16 != 15 && answers[*n]).count();
        let filled = found.plan(&id("free")).is_some();
        assert_eq!(loads, usize::from(filled), "{answers:?}");
        assert!(found.plan(&id("rival")).is_some(), "whose plan it was, there it is");
        assert_eq!(found.plans().len(), if filled { sample_catalogue().plans().len() + 1 } else { 1 });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_32_changes_holds() {
    on_each(async |f| {
        Plans::filled(f).await;
        let processes = Processes::of(f).await;
        let org = f.new_org(f.new_user().await).await;
        for version in 1..4 {
            let answers = processes
                .race(|db, n| {
                    let record = f.record(Action::SubscriptionChanged);
                    let wanted = Subscription { version, ..first_move(f, org, &id(["starter", "enterprise"][n % 2])) };
                    async move { SeaSubscriptions::new(&db).put(&wanted, &record).await.unwrap() }
                })
                .await;
            assert_eq!(times(&answers, &SubscriptionPut::Put), 1, "{answers:?}");
            assert_eq!(times(&answers, &SubscriptionPut::VersionConflict), TASKS - 1, "{answers:?}");
            let answers = processes
                .race(|db, n| {
                    let record = f.record(Action::PlanUpdated);
                    let next = Plan { version: version + 1, name: format!("Task {n}"), ..plan("starter") };
                    async move { SeaCatalogue::new(&db).update(&next, &record).await.unwrap() }
                })
                .await;
            assert_eq!(times(&answers, &PlanUpdated::Updated), 1, "{answers:?}");
            assert_eq!(times(&answers, &PlanUpdated::VersionConflict), TASKS - 1, "{answers:?}");
        }
    })
    .await;
}

/// How an attempt at a contested plan ended.
#[derive(Debug, PartialEq)]
enum Ended {
    Put(SubscriptionPut),
    Retired(PlanRetired),
}

async fn new_orgs(f: &Fixture) -> Vec<OrgId> {
    let owner = f.new_user().await;
    let mut orgs = Vec::new();
    for _ in 0..TASKS {
        orgs.push(f.new_org(owner).await);
    }
    orgs
}

/// 24 organizations are put on a plan while 8 tasks retire it: all of the ones, or all of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plan_that_is_retired_gains_nobody() {
    on_each(async |f| {
        let plans = Plans::filled(f).await;
        let processes = Processes::of(f).await;
        for round in 0..10 {
            let (contested, orgs) = (plan(&format!("contested{round}")), new_orgs(f).await);
            plans.catalogue.create(&contested, &f.record(Action::PlanCreated)).await.unwrap();
            let answers = processes
                .race(|db, n| {
                    let (wanted, record) =
                        (first_move(f, orgs[n], &contested.id), f.record(Action::SubscriptionChanged));
                    async move {
                        if (n + round).is_multiple_of(4) {
                            Ended::Retired(SeaCatalogue::new(&db).retire(&wanted.plan, &record).await.unwrap())
                        } else {
                            Ended::Put(SeaSubscriptions::new(&db).put(&wanted, &record).await.unwrap())
                        }
                    }
                })
                .await;
            let (puts, ends) = (
                times(&answers, &Ended::Put(SubscriptionPut::Put)),
                times(&answers, &Ended::Retired(PlanRetired::Retired)),
            );
            assert!((puts, ends) == (24, 0) || (puts, ends) == (0, 8), "{answers:?}");
            let on_it = format!("SELECT plan_id AS line FROM subscription WHERE plan_id = '{}'", contested.id);
            assert_eq!(f.lines(&on_it).await.len(), puts);
        }
    })
    .await;
}
