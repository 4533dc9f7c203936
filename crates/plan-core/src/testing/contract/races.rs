use kernel::testing::race;

use super::stage::{Stage, id, model, number_of, on};
use crate::testing::{PlanStores, sample_catalogue};
use crate::{Plan, PlanCreated, PlanRetired, PlanUpdated, SubscriptionPut};

/// Of 32 who fill one empty catalogue exactly one does, of 32 plans of one name one is made, of 32 changes of one version one holds.
/// There is no plan in the store at the beginning.
pub async fn catalogue_store_race(stores: PlanStores<'_>) {
    let s = &Stage::new(stores);
    let catalogue = sample_catalogue();
    let answers = race(32, async |_| s.load(&catalogue).await).await;
    assert_eq!(number_of(&answers, &true), 1, "a catalogue is filled once");
    assert_eq!(*s.read().await, catalogue);

    let wanted = id(&s.unique("wanted"));
    let rival = |n: usize| Plan { id: wanted.clone(), name: format!("Rival {n}"), ..model("starter") };
    let answers = race(32, async |n| s.create(&rival(n)).await).await;
    assert_eq!(number_of(&answers, &PlanCreated::Created), 1, "one name, one plan");
    let winner = answers.iter().position(|answer| *answer == PlanCreated::Created).unwrap();
    assert_eq!(s.plan(&wanted).await, Some(rival(winner)), "and it is the one that was told so");

    for version in 2..5 {
        let next = |n: usize| Plan { version, ..rival(n) };
        let answers = race(32, async |n| s.update(&next(n)).await).await;
        assert_eq!(number_of(&answers, &PlanUpdated::Updated), 1, "one version, one change");
        assert_eq!(number_of(&answers, &PlanUpdated::VersionConflict), 31);
        let winner = answers.iter().position(|answer| *answer == PlanUpdated::Updated).unwrap();
        assert_eq!(s.plan(&wanted).await, Some(next(winner)), "and it is the one that was told so");
    }
}

/// Of 32 who move one organization from one version exactly one does; a plan is not retired below somebody who is being put onto it.
pub async fn subscription_store_race(stores: PlanStores<'_>) {
    let s = &Stage::filled(stores).await;
    let (org, at) = s.org().await;
    for version in 1..4 {
        let next = |n: usize| on(org, &id(if n.is_multiple_of(2) { "starter" } else { "professional" }), at, version);
        let answers = race(32, async |n| s.put(&next(n)).await).await;
        assert_eq!(number_of(&answers, &SubscriptionPut::Put), 1, "one version, one change");
        assert_eq!(number_of(&answers, &SubscriptionPut::VersionConflict), 31);
        let winner = answers.iter().position(|answer| *answer == SubscriptionPut::Put).unwrap();
        assert_eq!(s.of(org).await, Some(next(winner)), "and it is the one that was told so");
    }
    for place in 0..32 {
        retired_or_in_use(s, place).await;
    }
}

/// A retirement that begins before or after a put: one of both happens.
async fn retired_or_in_use(s: &Stage<'_>, place: usize) {
    let plan = s.new_plan(&format!("contested{place}")).await;
    let (org, at) = s.org().await;
    let answers = race(2, async |n| {
        if n == place % 2 {
            s.retire(&plan.id).await == PlanRetired::Retired
        } else {
            s.put(&on(org, &plan.id, at, 1)).await == SubscriptionPut::Put
        }
    })
    .await;
    assert_eq!(number_of(&answers, &true), 1, "a plan is retired or taken, never both: {answers:?}");
    let active = s.plan(&plan.id).await.is_some_and(|plan| plan.is_active);
    let version = s.of(org).await.map(|subscription| subscription.version);
    assert_eq!(version, Some(u32::from(active)), "who was told so is on it");
}
