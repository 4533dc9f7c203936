//! What an organization has and may do.

use kernel::{OrgId, Period, StoreError};
use plan_core::policy::Gate;
use plan_core::testing::{MemoryPlans, Population};
use plan_core::{Access, PlanError, ServiceAccess, SubscriptionStatus};

use crate::world::{DAY, UPGRADE_URL, World, id, name};

#[tokio::test]
async fn an_organization_has_the_default_plan_from_its_first_moment() {
    let w = World::new(1);
    let made = w.now();
    let org = w.org("ann").await;
    w.clock.advance(DAY * 40);
    let standing = w.access.standing(org).await.unwrap();
    assert_eq!((&standing.plan.id, standing.subscription.version), (&id("free"), 0));
    assert_eq!(standing.period, Period::month(made, w.now()));
    assert!(standing.period.start > made && standing.period.contains(w.now()), "the second month runs");
    assert_eq!(w.access.allowances(org).await.unwrap(), standing.plan.allowances);
    assert_eq!(standing.catalogue.plans().len(), 6);
}

#[tokio::test]
async fn a_move_decides_the_next_call() {
    let w = World::new(2);
    let org = w.org("ann").await;
    let bolt = name("bolt");
    for (plan, opens) in [("enterprise", true), ("starter", false), ("enterprise", true)] {
        w.grant("ann", Some(plan), None).await.unwrap();
        let access = w.access.check(org, &bolt).await.unwrap();
        assert_eq!(matches!(access, ServiceAccess::Granted { .. }), opens, "{plan}");
        assert_eq!(w.access.allowances(org).await.unwrap(), w.access.standing(org).await.unwrap().plan.allowances);
    }
    w.grant("ann", None, Some(SubscriptionStatus::Suspended)).await.unwrap();
    match w.access.check(org, &bolt).await.unwrap() {
        ServiceAccess::UpgradeRequired { current, required, upgrade_url } => {
            assert_eq!((current.id, required.unwrap().id), (id("free"), id("enterprise")));
            assert_eq!(upgrade_url, UPGRADE_URL);
            assert_eq!(w.access.upgrade_url(), UPGRADE_URL);
        }
        other @ ServiceAccess::Granted { .. } => panic!("{other:?}"),
    }
}

/// One rule, asked of a standing or of the organization.
#[tokio::test]
async fn the_gate_of_a_standing_is_what_a_check_says() {
    let w = World::new(5);
    let org = w.org("ann").await;
    for plan in ["free", "trial", "starter", "professional", "enterprise"] {
        w.grant("ann", Some(plan), None).await.unwrap();
        let standing = w.access.standing(org).await.unwrap();
        for service in standing.catalogue.services() {
            let gate = standing.gate(&service.name).unwrap();
            assert_eq!(gate == Gate::Granted, standing.plan.opens(&service.name), "{plan}: {}", service.name);
            match (gate, w.access.check(org, &service.name).await.unwrap()) {
                (Gate::Granted, ServiceAccess::Granted { current }) => assert_eq!(current, standing.plan),
                (Gate::UpgradeRequired(one), ServiceAccess::UpgradeRequired { current, required, .. }) => {
                    assert_eq!((&current, one), (&standing.plan, required.as_deref()));
                }
                other => panic!("{plan}, {}: {other:?}", service.name),
            }
        }
        assert!(matches!(standing.gate(&name("nothing")), Err(PlanError::UnknownService)));
    }
}

#[tokio::test]
async fn what_is_not_there_has_nothing() {
    let w = World::new(3);
    let org = w.org("ann").await;
    assert!(matches!(w.access.check(org, &name("nothing")).await, Err(PlanError::UnknownService)));
    let nowhere = OrgId::mint(&w.ambient);
    assert!(matches!(w.access.standing(nowhere).await, Err(PlanError::NoSuchOrg)));
    assert!(matches!(w.access.check(nowhere, &name("chat")).await, Err(PlanError::NoSuchOrg)));
    w.memory.delete(org).await;
    assert!(matches!(w.access.allowances(org).await, Err(PlanError::NoSuchOrg)));
    w.memory.break_down(true);
    let down = w.access.standing(org).await;
    assert!(matches!(down, Err(PlanError::Store(StoreError::Unavailable(_)))), "an outage is not a no");
}

#[tokio::test]
async fn without_the_default_plan_nothing_is_given_away() {
    let w = World::new(4);
    let memory = std::sync::Arc::new(MemoryPlans::new());
    let owner = memory.user("ann@example.com").await;
    let org = memory.org(owner, w.now()).await;
    let access = Access::new(memory.clone(), memory, id("free"), UPGRADE_URL.into(), w.ambient.clone());
    assert!(matches!(access.standing(org).await, Err(PlanError::Store(StoreError::Broken(_)))));
    assert!(matches!(access.allowances(org).await, Err(PlanError::Store(StoreError::Broken(_)))));
}
