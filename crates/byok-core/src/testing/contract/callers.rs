use kernel::{Actor, Role};

use super::stage::Stage;
use crate::{Deleted, Put};

/// The part of the contract about users who may not, or may not any more.
pub(super) async fn changes_keys_as_long_as_they_may(s: &Stage<'_>) {
    let (org, user) = (s.org().await, s.user().await);
    let by = Actor::user(user);
    let world = s.stores.world;
    for role in [Role::Owner, Role::Admin] {
        world.seat(org, user, role).await;
        let key = s.draft(org, "openai", None);
        assert_eq!(s.put_by(&by, &key).await, Put::Kept, "{role} manages keys");
        assert_eq!(s.delete_by(&by, org, &key.provider).await, Deleted::Deleted, "{role} manages keys");
    }
    let kept = s.stored_in(&s.ring, org, "openai").await;
    let nothing_is_done = async |why: &str| {
        assert_eq!(s.put_by(&by, &s.draft(org, "openai", Some(&kept))).await, Put::Forbidden, "{why}");
        assert_eq!(s.put_by(&by, &s.draft(org, "cohere", None)).await, Put::Forbidden, "{why}");
        assert_eq!(s.delete_by(&by, org, &kept.provider).await, Deleted::Forbidden, "{why}");
        assert_eq!(s.same(&kept).await, Some(kept.clone()), "{why}: nothing changed");
        assert_eq!(s.read(org, &"cohere".parse().unwrap()).await, None, "{why}: nothing changed");
    };
    for role in [Role::BillingAdmin, Role::Member] {
        world.seat(org, user, role).await;
        nothing_is_done(&format!("demoted to {role}")).await;
    }
    world.seat(org, user, Role::Owner).await;
    world.unseat(org, user).await;
    nothing_is_done("removed").await;
    let elsewhere = s.org().await;
    world.seat(elsewhere, user, Role::Owner).await;
    nothing_is_done("an owner elsewhere").await;
    let stranger = Actor::user(s.user().await);
    assert_eq!(s.delete_by(&stranger, org, &kept.provider).await, Deleted::Forbidden, "who never was a member");
    assert_eq!(s.put_by(&stranger, &s.draft(org, "openai", Some(&kept))).await, Put::Forbidden, "who never was one");
    world.seat(org, user, Role::Admin).await;
    assert_eq!(s.put_by(&by, &s.draft(org, "openai", Some(&kept))).await, Put::Kept, "who may again");
}
