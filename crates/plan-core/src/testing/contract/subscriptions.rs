use kernel::{Email, OrgId};

use super::stage::{DAY, Stage, id, on};
use crate::testing::PlanStores;
use crate::{Owned, PlanRetired, Source, Subscription, SubscriptionPut, SubscriptionStatus};

/// What every [`SubscriptionStore`](crate::SubscriptionStore) promises.
pub async fn subscription_store_contract(stores: PlanStores<'_>) {
    begins_on_the_default_plan(&Stage::filled(stores).await).await;
    keeps_every_field(&Stage::filled(stores).await).await;
    changes_by_version(&Stage::filled(stores).await).await;
    refuses_what_is_not_there(&Stage::filled(stores).await).await;
    finds_the_owner(&Stage::filled(stores).await).await;
}

async fn begins_on_the_default_plan(s: &Stage<'_>) {
    let (org, created_at) = s.org().await;
    let never_moved = Subscription { source: Source::Default, ..on(org, &id("free"), created_at, 0) };
    assert_eq!(s.of(org).await, Some(never_moved.clone()), "nobody moved it: on the default plan since it was made");
    let other = s.stores.subscriptions.of(org, &id("starter")).await.unwrap();
    assert_eq!(other, Some(Subscription { plan: id("starter"), ..never_moved.clone() }), "whatever the default is");
    s.stores.population.suspend(org).await;
    assert_eq!(s.of(org).await, Some(never_moved), "a suspended organization has a subscription");
    let (gone, at) = s.org().await;
    assert_eq!(s.put(&on(gone, &id("starter"), at, 1)).await, SubscriptionPut::Put);
    s.stores.population.delete(gone).await;
    // A read of before may stand for a second; this one is the first.
    let (never_read, _) = s.org().await;
    s.stores.population.delete(never_read).await;
    assert_eq!(s.of(never_read).await, None, "a deleted one has none");
    assert_eq!(s.of(OrgId::mint(s.stores.ambient)).await, None, "no such organization");
    let again = s.put(&on(gone, &id("starter"), at, 2)).await;
    assert_eq!(again, SubscriptionPut::NotFound, "a deleted one is not moved");
}

async fn keeps_every_field(s: &Stage<'_>) {
    let ((org, created_at), (other, _)) = (s.org().await, s.org().await);
    let untouched = s.of(other).await;
    let mut version = 0;
    for status in SubscriptionStatus::ALL {
        for source in Source::ALL {
            for trial_ends_at in [None, Some(created_at + DAY)] {
                version += 1;
                let anchor = created_at + DAY * version;
                let wanted =
                    Subscription { status, source, trial_ends_at, ..on(org, &id("professional"), anchor, version) };
                assert_eq!(s.put(&wanted).await, SubscriptionPut::Put);
                assert_eq!(s.of(org).await, Some(wanted), "it reads back as it was put, at once");
            }
        }
    }
    let other_default = s.stores.subscriptions.of(org, &id("starter")).await.unwrap();
    assert_eq!(other_default, s.of(org).await, "who was moved does not care for the default");
    assert_eq!(s.of(other).await, untouched, "no other organization moves");
}

async fn changes_by_version(s: &Stage<'_>) {
    let (org, at) = s.org().await;
    let version = |version| on(org, &id("starter"), at, version);
    let before = s.of(org).await;
    for wrong in [0, 2] {
        assert_eq!(s.put(&version(wrong)).await, SubscriptionPut::VersionConflict, "the first is 1, not {wrong}");
        assert_eq!(s.of(org).await, before, "and nothing changed");
    }
    assert_eq!(s.put(&version(1)).await, SubscriptionPut::Put);
    for wrong in [0, 1, 3] {
        let late = Subscription { plan: id("enterprise"), ..version(wrong) };
        assert_eq!(s.put(&late).await, SubscriptionPut::VersionConflict, "after 1 comes 2, not {wrong}");
        assert_eq!(s.of(org).await, Some(version(1)), "and nothing changed");
    }
    assert_eq!(s.put(&version(2)).await, SubscriptionPut::Put);
}

async fn refuses_what_is_not_there(s: &Stage<'_>) {
    let (org, at) = s.org().await;
    let before = s.of(org).await;
    let nowhere = OrgId::mint(s.stores.ambient);
    assert_eq!(s.put(&on(nowhere, &id("starter"), at, 1)).await, SubscriptionPut::NotFound, "no such organization");
    let unknown = id(&s.unique("unknown"));
    assert_eq!(s.put(&on(org, &unknown, at, 1)).await, SubscriptionPut::NoSuchPlan, "no such plan");
    let retired = s.new_plan("retired").await;
    assert_eq!(s.retire(&retired.id).await, PlanRetired::Retired);
    assert_eq!(s.put(&on(org, &retired.id, at, 1)).await, SubscriptionPut::NoSuchPlan, "a retired one");
    assert_eq!(s.of(org).await, before, "and nothing changed");
}

async fn finds_the_owner(s: &Stage<'_>) {
    let people = s.stores.population;
    let email = s.unique("Owner@Example.com");
    let find = async |text: &str| s.stores.subscriptions.owned_by(&Email::parse(text).unwrap()).await.unwrap();
    assert_eq!(find(&email).await, None, "nobody has the address");
    let owner = people.user(&email).await;
    assert_eq!(find(&email).await, None, "who owns nothing");
    let foreign = s.org().await.0;
    people.join(foreign, owner).await;
    assert_eq!(find(&email).await, None, "who is a member elsewhere owns nothing");
    let made = s.tick();
    let newer = people.org(owner, made + DAY).await;
    let expected = |org| Some(Owned { user: owner, email: email.clone(), org });
    assert_eq!(find(&email).await, expected(newer));
    let oldest = people.org(owner, made).await;
    let between = people.org(owner, made + DAY / 2).await;
    assert_eq!(find(&email).await, expected(oldest), "the oldest, whichever was made first here");
    assert_eq!(find(&email.to_uppercase()).await, expected(oldest), "by the canonical address, shown as written");
    people.suspend(oldest).await;
    assert_eq!(find(&email).await, expected(between), "a suspended one is not active");
    people.delete(between).await;
    assert_eq!(find(&email).await, expected(newer), "nor is a deleted one");
    people.delete(newer).await;
    assert_eq!(find(&email).await, None);
    let almost = email.replace("wner@", "wner+x@");
    assert_eq!(find(&almost).await, None, "another address");
}
