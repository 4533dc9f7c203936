//! Organizations as a whole.

use std::time::Duration;

use kernel::{Action, Actor, OrgId, Page, Role};
use org_core::testing::Population as _;
use org_core::{OrgError, OrgFilter, OrgName, OrgStatus, Permission, SettingsPatch, Slug};

use crate::world::World;

#[tokio::test]
async fn the_one_who_makes_an_organization_owns_it() {
    let w = World::new(1);
    let user = w.user("ann").await;
    let name = OrgName::parse("Acme GmbH & Söhne").unwrap();
    let org = w.orgs.create(&Actor::user(user), user, name.clone(), None).await.unwrap();
    assert!(org.slug.as_str().starts_with("acme-gmbh-s"), "{}", org.slug.as_str());
    let by = w.proof(org.id, user).await;
    assert_eq!(by.role(), Role::Owner);
    assert_eq!(w.orgs.get(&by).await.unwrap(), org);
    assert_eq!(w.orgs.entitlement(&by).await.unwrap().tier, "free", "whatever was asked for");
    let view = w.orgs.view(&by).await.unwrap();
    assert_eq!((view.stats.total_members, view.owner.as_deref()), (1, Some("ann@example.com")));
    let slug = Some(org.slug.clone());
    let taken = w.orgs.create(&Actor::user(user), user, name.clone(), slug).await;
    assert!(matches!(taken, Err(OrgError::SlugTaken)));
    let again = w.orgs.create(&Actor::user(user), user, name, None).await.unwrap();
    assert_ne!(again.slug, org.slug, "the same name gets another slug");
    let joined = w.orgs.joined(user, Page::default()).await.unwrap();
    assert_eq!(joined.items.iter().map(|joined| joined.org).collect::<Vec<_>>(), vec![org.id, again.id]);
}

#[tokio::test]
async fn foreign_unknown_suspended_and_deleted_organizations_answer_alike() {
    let w = World::new(2);
    let ((org, owner), stranger) = (w.org(5).await, w.user("stranger").await);
    let refused = async |org, user| matches!(w.orgs.membership(org, user).await, Err(OrgError::OrgNotFound));
    assert!(refused(org, stranger).await);
    assert!(refused(OrgId::mint(&w.ambient), owner).await);
    for status in [OrgStatus::Suspended, OrgStatus::Deleted] {
        w.orgs.set_status(&Actor::system(), org, status).await.unwrap();
        assert!(refused(org, owner).await, "{status:?}");
    }
}

#[tokio::test]
async fn only_an_owner_or_the_platform_deletes_and_only_when_confirmed() {
    for role in Role::ALL {
        let w = World::new(3);
        let (org, owner) = w.org(9).await;
        let user = w.join(org, owner, "user", role).await;
        let (by, doing) = (w.proof(org, user).await, Actor::user(user));
        let answer = w.orgs.delete(&doing, org, Some(&by), true).await;
        if role == Role::Owner {
            answer.unwrap();
            assert_eq!(w.memory.records().pop().map(|record| record.action), Some(Action::OrgDeleted));
            let again = w.orgs.delete(&doing, org, None, true).await;
            assert!(matches!(again, Err(OrgError::OrgNotFound)), "{again:?}");
        } else {
            assert!(matches!(answer, Err(OrgError::Forbidden(Permission::DeleteOrg))), "{role}: {answer:?}");
            let unsure = w.orgs.delete(&Actor::system(), org, None, false).await;
            assert!(matches!(unsure, Err(OrgError::ConfirmRequired)), "{unsure:?}");
            assert_eq!(w.orgs.get(&by).await.unwrap().status, OrgStatus::Active);
            w.orgs.delete(&Actor::system(), org, None, true).await.unwrap();
        }
    }
}

#[tokio::test]
async fn owners_and_admins_change_the_settings() {
    let w = World::new(4);
    let (org, owner) = w.org(9).await;
    let patch = SettingsPatch { display_name: Some(Some("Acme!".into())), ..SettingsPatch::default() };
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let user = w.join(org, owner, &format!("user{n}"), role).await;
        let by = w.proof(org, user).await;
        let answer = w.orgs.update(&Actor::user(user), &by, &patch).await;
        match role {
            Role::Owner | Role::Admin => {
                assert_eq!(answer.unwrap().settings.display_name.as_deref(), Some("Acme!"));
                for default_role in [Role::Admin, Role::BillingAdmin, Role::Member] {
                    let patch = SettingsPatch { default_role: Some(default_role), ..SettingsPatch::default() };
                    let org = w.orgs.update(&Actor::user(user), &by, &patch).await.unwrap();
                    assert_eq!(org.settings.default_role, default_role);
                }
                let patch = SettingsPatch { default_role: Some(Role::Owner), ..SettingsPatch::default() };
                let refused = w.orgs.update(&Actor::user(user), &by, &patch).await;
                assert!(matches!(refused, Err(OrgError::RoleAboveOwn)), "nobody becomes an owner unasked: {refused:?}");
            }
            Role::BillingAdmin | Role::Member => {
                assert!(matches!(answer, Err(OrgError::Forbidden(Permission::ManageSettings))), "{role}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_platform_lists_organizations() {
    let w = World::new(5);
    let ((first, _), (second, _)) = (w.org(5).await, w.org(5).await);
    w.orgs.set_status(&Actor::system(), first, OrgStatus::Suspended).await.unwrap();
    let ids = async |status| {
        let filter = OrgFilter { status, ..OrgFilter::default() };
        let mut ids: Vec<_> =
            w.orgs.list(&filter, Page::default()).await.unwrap().items.iter().map(|org| org.id).collect();
        ids.sort();
        ids
    };
    let mut all = vec![first, second];
    all.sort();
    assert_eq!(ids(None).await, all);
    assert_eq!(ids(Some(OrgStatus::Suspended)).await, vec![first]);
    w.orgs.delete(&Actor::system(), second, None, true).await.unwrap();
    assert_eq!(ids(None).await, vec![first], "deleted ones are listed only when asked for");
    assert_eq!(ids(Some(OrgStatus::Deleted)).await, vec![second]);
    assert_eq!(w.memory.records().len(), 4);
}

#[tokio::test]
async fn the_platform_lists_the_organizations_of_a_plan() {
    let w = World::new(6);
    let owner = w.user("owner").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let name = OrgName::parse("Acme").unwrap();
        made.push(w.orgs.create(&Actor::user(owner), owner, name, None).await.unwrap().id);
    }
    made.sort();
    w.memory.put_on(made[1], "starter", None).await;
    w.memory.put_on(made[3], "starter", Some(w.ambient.now() + Duration::from_mins(1))).await;
    let on = async |tier: &str, page: Page| {
        let found = w.orgs.list_on_tier(&OrgFilter::default(), tier, page).await.unwrap();
        assert_eq!(found.page, page);
        let mut ids: Vec<_> = found.items.iter().map(|org| org.id).collect();
        ids.sort();
        (found.total, ids)
    };
    let all = Page::default();
    assert_eq!(on("starter", all).await, (2, vec![made[1], made[3]]));
    assert_eq!(on("free", all).await, (3, vec![made[0], made[2], made[4]]));
    assert_eq!(on("nothing of the kind", all).await, (0, vec![]));
    let last = on("free", Page::new(2, 2).unwrap()).await;
    assert_eq!((last.0, last.1.len()), (3, 1), "a part knows how many there are");
    w.clock.advance(Duration::from_mins(1));
    assert_eq!(on("starter", all).await, (1, vec![made[1]]), "a trial ends by itself");
    assert_eq!(on("free", all).await.0, 4);
}

#[test]
fn a_slug_is_a_dns_label_whatever_the_name() {
    for name in [
        "Acme",
        "  ",
        "---",
        "ÄÖÜ",
        "\u{1f980}",
        "a",
        &"x".repeat(100),
        "A  &  B",
        "-a-",
        &"-".repeat(99),
        "'; DROP TABLE org",
    ] {
        if let Ok(name) = OrgName::parse(name) {
            let slug = Slug::from_name(&name, [0x4f, 0x9c, 0x2a]);
            assert_eq!(Slug::parse(slug.as_str()).as_ref(), Ok(&slug), "{name:?}");
            assert!(slug.as_str().ends_with("-4f9c2a"), "{slug:?}");
        }
    }
}
