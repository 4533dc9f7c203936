use kernel::{Limit, ServiceName};

use super::stage::{Stage, id, model, on};
use crate::testing::{PlanStores, sample_catalogue};
use crate::{
    Catalogue, Feature, Plan, PlanCreated, PlanRetired, PlanUpdated, Price, ProviderIds, Service, SubscriptionPut,
};

/// What every [`CatalogueStore`](crate::CatalogueStore) promises. There is no plan in the store at the beginning.
pub async fn catalogue_store_contract(stores: PlanStores<'_>) {
    fills_once(&Stage::new(stores)).await;
    keeps_every_field(&Stage::filled(stores).await).await;
    names_stay(&Stage::filled(stores).await).await;
    changes_by_version(&Stage::filled(stores).await).await;
    retires_what_nobody_is_on(&Stage::filled(stores).await).await;
}

/// The sample, with services in which every field says something.
fn full_sample() -> Catalogue {
    let sample = sample_catalogue();
    let tell = |service: &Service| Service {
        description: format!("{}: \"quoted\" & söhne \u{1f980}", service.name),
        icon: Some("star".into()),
        url: Some("https://example.com/a?b=c".into()),
        required_permission: Some("view_all".into()),
        is_external: true,
        ..service.clone()
    };
    let mut services = sample.services().to_vec();
    services[0] = tell(&services[0]);
    Catalogue::new(sample.plans().to_vec(), services)
}

async fn fills_once(s: &Stage<'_>) {
    let empty = s.read().await;
    assert_eq!((empty.plans(), empty.services()), (&[][..], &[][..]), "no plan at the beginning");
    let catalogue = full_sample();
    assert!(s.load(&catalogue).await, "an empty catalogue is filled");
    assert_eq!(*s.read().await, catalogue, "and reads back as it was, in its order");
    let other = Catalogue::new(vec![Plan { id: id("other"), ..model("free") }], Vec::new());
    assert!(!s.load(&other).await, "a second time it is not");
    assert!(!s.load(&catalogue).await, "nor with the same");
    assert_eq!(*s.read().await, catalogue, "and nothing changed");
}

/// A plan in which every field says something, at its edges.
fn every_field(name: &str) -> Plan {
    let mut plan = model("enterprise");
    plan.id = id(name);
    plan.name = "Söhne & \"Co\" \u{1f980}".into();
    plan.description = "First line.\nSecond 'line'; --".into();
    plan.level = 100;
    plan.price = Price { monthly_cents: 1, yearly_cents: 1_000_000_000_000, currency: "JPY".into() };
    plan.allowances.monthly = Limit::Of(u64::try_from(i64::MAX).unwrap());
    plan.allowances.daily = Limit::Of(0);
    plan.allowances.per_user = Limit::Of(7);
    plan.allowances.seats = 1_000_000;
    plan.allowances.byok = true;
    plan.features = vec![
        Feature { name: "zeta".into(), category: "A".into(), description: "Last in the alphabet, first here.".into() },
        Feature { name: "alpha".into(), category: String::new(), description: String::new() },
    ];
    plan.priority_support = true;
    plan.trial_days = 3650;
    plan.is_public = false;
    plan.is_popular = true;
    plan.provider_ids = ProviderIds {
        stripe_price: Some("price_1".into()),
        stripe_annual_price: Some("price_2".into()),
        lago_plan: Some("lago".into()),
    };
    plan
}

async fn keeps_every_field(s: &Stage<'_>) {
    let services: Vec<ServiceName> = s.read().await.services().iter().map(|service| service.name.clone()).collect();
    let plan = Plan { services, ..every_field(&s.unique("full")) };
    assert_eq!(s.plan(&plan.id).await, None, "not made yet");
    assert_eq!(s.create(&plan).await, PlanCreated::Created);
    assert_eq!(s.plan(&plan.id).await, Some(plan.clone()), "a plan reads back as it was made, at once");
    let before = s.read().await;
    let bare = Plan { id: plan.id.clone(), version: 2, ..model("free") };
    let bare = Plan { services: Vec::new(), is_active: false, ..bare };
    assert_eq!(s.update(&bare).await, PlanUpdated::Updated);
    assert_eq!(s.plan(&plan.id).await, Some(bare.clone()), "every field is written over, at once");
    let after = s.read().await;
    let others = |catalogue: &Catalogue| -> Vec<Plan> {
        catalogue.plans().iter().filter(|other| other.id != plan.id).cloned().collect()
    };
    assert_eq!(others(&before), others(&after), "no other plan changes");
    assert_eq!(before.services(), after.services(), "nor a service");
    assert_eq!(s.update(&Plan { version: 3, ..plan.clone() }).await, PlanUpdated::Updated);
    assert_eq!(s.plan(&plan.id).await, Some(Plan { version: 3, ..plan }), "and back");
}

async fn names_stay(s: &Stage<'_>) {
    let plan = s.new_plan("named").await;
    let rival = Plan { name: "Rival".into(), ..plan.clone() };
    assert_eq!(s.create(&rival).await, PlanCreated::Exists);
    assert_eq!(s.plan(&plan.id).await, Some(plan.clone()), "and nothing changed");
    assert_eq!(s.retire(&plan.id).await, PlanRetired::Retired);
    assert_eq!(s.create(&rival).await, PlanCreated::Exists, "a retired plan keeps its name");
}

async fn changes_by_version(s: &Stage<'_>) {
    let plan = s.new_plan("versioned").await;
    let version = |version: u32| Plan { name: format!("Version {version}"), version, ..plan.clone() };
    for wrong in [0, 1, 3] {
        assert_eq!(s.update(&version(wrong)).await, PlanUpdated::VersionConflict, "after 1 comes 2, not {wrong}");
        assert_eq!(s.plan(&plan.id).await, Some(plan.clone()), "and nothing changed");
    }
    assert_eq!(s.update(&version(2)).await, PlanUpdated::Updated);
    assert_eq!(s.update(&version(2)).await, PlanUpdated::VersionConflict, "2 was taken");
    assert_eq!(s.update(&version(3)).await, PlanUpdated::Updated);
    assert_eq!(s.plan(&plan.id).await, Some(version(3)));
    let nothing = Plan { id: id(&s.unique("nothing")), ..version(2) };
    assert_eq!(s.update(&nothing).await, PlanUpdated::NotFound, "no such plan");
    assert_eq!(s.plan(&nothing.id).await, None);
}

async fn retires_what_nobody_is_on(s: &Stage<'_>) {
    let plan = s.new_plan("retiring").await;
    let (org, at) = s.org().await;
    assert_eq!(s.put(&on(org, &plan.id, at, 1)).await, SubscriptionPut::Put);
    assert_eq!(s.retire(&plan.id).await, PlanRetired::InUse);
    assert_eq!(s.plan(&plan.id).await, Some(plan.clone()), "and nothing changed");
    s.stores.population.suspend(org).await;
    assert_eq!(s.retire(&plan.id).await, PlanRetired::InUse, "a suspended organization has its plan");

    let (deleted, at) = s.org().await;
    let other = s.new_plan("deserted").await;
    assert_eq!(s.put(&on(deleted, &other.id, at, 1)).await, SubscriptionPut::Put);
    s.stores.population.delete(deleted).await;
    assert_eq!(s.retire(&other.id).await, PlanRetired::Retired, "a deleted organization has none");
    let retired = Plan { is_active: false, version: 2, ..other.clone() };
    assert_eq!(s.plan(&other.id).await, Some(retired.clone()), "it stays, one version higher, at once");
    assert_eq!(s.retire(&other.id).await, PlanRetired::Retired, "a second time nothing happens");
    assert_eq!(s.plan(&other.id).await, Some(retired));
    let back = Plan { version: 3, ..other.clone() };
    assert_eq!(s.update(&back).await, PlanUpdated::Updated, "it can come back");
    assert_eq!(s.plan(&other.id).await, Some(back));

    let (mover, at) = s.org().await;
    assert_eq!(s.put(&on(mover, &other.id, at, 1)).await, SubscriptionPut::Put);
    assert_eq!(s.retire(&other.id).await, PlanRetired::InUse);
    assert_eq!(s.put(&on(mover, &plan.id, at, 2)).await, SubscriptionPut::Put);
    assert_eq!(s.retire(&other.id).await, PlanRetired::Retired, "who moved away is not on it any more");
    assert_eq!(s.retire(&id(&s.unique("nothing"))).await, PlanRetired::NotFound, "no such plan");
}
