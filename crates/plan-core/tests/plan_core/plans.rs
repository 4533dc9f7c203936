//! The catalogue, changed by administrators.

use kernel::{Action, Actor};
use plan_core::testing::{MemoryPlans, sample_catalogue};
use plan_core::{FieldError, PlanDraft, PlanError, PlanPatch, Plans};

use crate::world::{World, id};

fn draft(name: &str) -> PlanDraft {
    let values = PlanPatch {
        name: Some("Team".into()),
        price_monthly_cents: Some(2_900),
        api_calls_limit: Some(5_000),
        services: Some(vec!["search".into(), "chat".into()]),
        ..PlanPatch::default()
    };
    PlanDraft { id: name.into(), values }
}

fn rename(name: &str) -> PlanPatch {
    PlanPatch { name: Some(name.into()), ..PlanPatch::default() }
}

#[tokio::test]
async fn it_is_filled_once() {
    let w = World::new(1);
    let memory = std::sync::Arc::new(MemoryPlans::new());
    let plans = Plans::new(memory.clone(), id("free"), w.ambient.clone());
    assert!(plans.load(&Actor::system(), &sample_catalogue()).await.unwrap());
    assert_eq!(*plans.catalogue().await.unwrap(), sample_catalogue());
    assert!(!plans.load(&Actor::system(), &sample_catalogue()).await.unwrap(), "the second time it is left alone");
    let records = memory.records();
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].action, &records[0].actor), (Action::CatalogueLoaded, &Actor::system()));
}

#[tokio::test]
async fn a_plan_is_added_with_its_record() {
    let w = World::new(2);
    let plan = w.plans.create(&w.admin, &draft("team")).await.unwrap();
    assert_eq!(w.plans.catalogue().await.unwrap().plan(&id("team")), Some(&plan));
    let record = w.memory.records().pop().unwrap();
    assert_eq!(
        (record.action, record.actor, record.resource.id.as_str()),
        (Action::PlanCreated, w.admin.clone(), "team")
    );
    assert!(record.metadata.contains(&("price_monthly_cents", "2900".into())), "{:?}", record.metadata);
    assert!(matches!(w.plans.create(&w.admin, &draft("team")).await, Err(PlanError::PlanExists)));
    let nameless = PlanDraft { values: PlanPatch::default(), ..draft("other") };
    assert!(matches!(w.plans.create(&w.admin, &nameless).await, Err(PlanError::Invalid(wrong)) if wrong.len() == 3));
    assert_eq!(w.memory.records().len(), 1, "a refusal changes nothing");
}

#[tokio::test]
async fn a_change_without_its_record_does_not_happen() {
    let w = World::new(3);
    w.memory.refuse_records(true);
    assert!(matches!(w.plans.create(&w.admin, &draft("team")).await, Err(PlanError::Store(_))));
    assert!(matches!(w.plans.update(&w.admin, &id("free"), None, &rename("X")).await, Err(PlanError::Store(_))));
    assert!(matches!(w.plans.retire(&w.admin, &id("starter")).await, Err(PlanError::Store(_))));
    assert_eq!(*w.plans.catalogue().await.unwrap(), sample_catalogue());
}

#[tokio::test]
async fn a_change_of_a_version_that_is_gone_is_refused() {
    let w = World::new(4);
    let update = async |version, name: &str| w.plans.update(&w.admin, &id("starter"), version, &rename(name)).await;
    assert_eq!(update(Some(1), "One").await.unwrap().version, 2);
    for stale in [0, 1, 3, u32::MAX] {
        assert!(matches!(update(Some(stale), "Stale").await, Err(PlanError::VersionConflict)), "{stale}");
    }
    assert_eq!(update(None, "Two").await.unwrap().version, 3, "who names none changes what there is");
    assert_eq!(w.plans.catalogue().await.unwrap().plan(&id("starter")).unwrap().name, "Two");
    let nothing = w.plans.update(&w.admin, &id("nothing"), None, &rename("X")).await;
    assert!(matches!(nothing, Err(PlanError::UnknownPlan)));
    assert_eq!(w.memory.records().len(), 2);
}

#[tokio::test]
async fn losing_to_others_ends() {
    let w = World::new(5);
    let update = async |version| w.plans.update(&w.admin, &id("starter"), version, &rename("Won")).await;
    w.memory.let_rivals_win(4);
    assert_eq!(update(None).await.unwrap().name, "Won", "tried again");
    w.memory.let_rivals_win(5);
    assert!(matches!(update(None).await, Err(PlanError::VersionConflict)), "but not for ever");
    w.memory.let_rivals_win(1);
    assert!(matches!(update(Some(2)).await, Err(PlanError::VersionConflict)), "a named version is tried once");
}

#[tokio::test]
async fn a_plan_is_retired_when_nobody_is_on_it() {
    let w = World::new(6);
    w.on("starter").await;
    assert!(matches!(w.plans.retire(&w.admin, &id("starter")).await, Err(PlanError::PlanInUse)));
    assert!(matches!(w.plans.retire(&w.admin, &id("nothing")).await, Err(PlanError::UnknownPlan)));
    let default = w.plans.retire(&w.admin, w.plans.default_plan()).await;
    assert!(matches!(default, Err(PlanError::PlanInUse)), "every new organization begins on it");
    w.grant("starter", Some("professional"), None).await.unwrap();
    w.plans.retire(&w.admin, &id("starter")).await.unwrap();
    assert!(!w.plans.catalogue().await.unwrap().plan(&id("starter")).unwrap().is_active);
    let again = w.grant("starter", Some("starter"), None).await;
    assert!(matches!(again, Err(PlanError::UnknownPlan)), "a retired plan cannot be given");
    let off = PlanPatch { is_active: Some(false), ..PlanPatch::default() };
    let by_the_way = w.plans.update(&w.admin, &id("professional"), None, &off).await;
    assert!(
        matches!(by_the_way, Err(PlanError::Invalid(wrong)) if wrong == [("is_active", FieldError::Retire)]),
        "nor is one that somebody is on made inactive by a change"
    );
}
