//! Standings: what a process changed it sees at once, also when an old answer was good enough.
use auth_core::testing::Population;
use auth_core::{Freshness, Standings, UserStore};
use kernel::{Action, Role};
use org_core::testing::Population as People;
use plan_core::testing::sample_catalogue;
use plan_core::{CatalogueStore, PlanId, Source, Subscription, SubscriptionPut, SubscriptionStore};
use store::{SeaCatalogue, SeaStandings, SeaSubscriptions, SeaUsers};

use crate::fixture::on_each;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_by_cached_answers_of_the_same_process() {
    on_each(async |f| {
        let (owner, user) = (f.new_user().await, f.new_user().await);
        let org = f.new_org(owner).await;
        let standings = SeaStandings::new(&f.db);
        let now = async || standings.of(user, Some(org), Freshness::Cached).await.unwrap().unwrap();
        assert_eq!(now().await.membership, None);
        f.join(org, user, Role::Member, f.ambient.now()).await;
        assert_eq!(now().await.membership.unwrap().role, Role::Member);
        f.change_role(org, user, Role::Admin).await;
        assert_eq!(now().await.membership.unwrap().role, Role::Admin);
        f.set_org_active(org, false).await;
        assert!(!now().await.membership.unwrap().org_active);
        f.remove(org, user).await;
        assert_eq!(now().await.membership, None);
        let epoch = now().await.user_epoch;
        standings.end_sessions(user, &f.record(Action::SessionsRevoked)).await.unwrap();
        assert_eq!(now().await.user_epoch, epoch + 1);
        let record = f.record(Action::PasswordChanged);
        SeaUsers::new(&f.db).set_password(user, None, &"x".into(), &record).await.unwrap();
        assert_eq!(now().await.user_epoch, epoch + 2);
        f.set_enabled(user, false).await;
        assert!(!now().await.enabled);
    })
    .await;
}

/// Another process sees it at once when it asks for what is so now.
#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_answer_is_the_truth_in_every_process() {
    on_each(async |f| {
        let user = f.new_user().await;
        let other = SeaStandings::new(&f.second().await);
        assert!(other.of(user, None, Freshness::Cached).await.unwrap().unwrap().enabled);
        f.set_enabled(user, false).await;
        assert!(!other.of(user, None, Freshness::Fresh).await.unwrap().unwrap().enabled);
        assert!(!other.of(user, None, Freshness::Cached).await.unwrap().unwrap().enabled, "and is kept");
    })
    .await;
}

/// The first start of one instance must not be taken for unfinished by another, which looked while it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_another_process_moved_is_seen_by_who_asks_for_now() {
    on_each(async |f| {
        let (owner, free) = (f.new_user().await, "free".parse::<PlanId>().unwrap());
        let org = f.new_org(owner).await;
        let record = f.record(Action::CatalogueLoaded);
        SeaCatalogue::new(&f.db).load(&sample_catalogue(), &record).await.unwrap();
        let other = SeaSubscriptions::new(&f.second().await);
        let before = other.of(org, &free).await.unwrap().unwrap();
        assert_eq!(before.version, 0);
        let next = Subscription { version: 1, source: Source::Installation, ..before };
        let put = SeaSubscriptions::new(&f.db).put(&next, &f.record(Action::SubscriptionChanged)).await.unwrap();
        assert_eq!(put, SubscriptionPut::Put);
        assert_eq!(other.now(org, &free).await.unwrap().unwrap().version, 1);
    })
    .await;
}
