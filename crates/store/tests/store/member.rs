//! What a change of roles does when the caller's own role changed after it was looked at.
use auth_core::testing::Population;
use kernel::{Action, Actor, Record, Role};
use org_core::{Changed, MemberStore};
use store::SeaMembers;

use crate::fixture::on_each;

#[tokio::test(flavor = "multi_thread")]
async fn who_was_demoted_meanwhile_changes_nobodys_role() {
    on_each(async |f| {
        let (owner, admin, member) = (f.new_user().await, f.new_user().await, f.new_user().await);
        let org = f.new_org(owner).await;
        f.join(org, admin, Role::Admin, f.ambient.now()).await;
        f.join(org, member, Role::Member, f.ambient.now()).await;
        let members = SeaMembers::new(&f.db);
        let promote = async |caller| {
            let record = Record::new(&f.ambient, &Actor::user(caller), Action::MemberRoleChanged, "user", member);
            members.change_role(org, member, Role::Member, Role::BillingAdmin, &record).await.unwrap()
        };
        f.change_role(org, admin, Role::Member).await;
        assert_eq!(promote(admin).await, Changed::Outdated, "demoted");
        f.remove(org, admin).await;
        assert_eq!(promote(admin).await, Changed::Outdated, "removed");
        assert_eq!(members.role(org, member).await.unwrap().unwrap().0, Role::Member, "nothing changed");
        assert_eq!(promote(owner).await, Changed::Changed);
    })
    .await;
}
