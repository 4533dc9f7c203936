use kernel::{OrgId, Page, Role, UserId};

use super::callers;
use super::settings::{every_setting, patches};
use super::stage::{DAY, MANY, SECOND, Stage};
use crate::testing::OrgStores;
use crate::{Accepted, Created, Joined, OnTier, Org, OrgFilter, OrgStatus, OrgSummary, Slug, StatusChanged};

/// What every [`OrgStore`](crate::OrgStore) promises.
pub async fn org_store_contract(stores: OrgStores<'_>) {
    creates_with_an_owner(&Stage::new(stores)).await;
    lists_and_searches(&Stage::new(stores)).await;
    lists_by_the_plan_that_counts(&Stage::new(stores)).await;
    pages_through(&Stage::new(stores)).await;
    lists_what_a_user_joined(&Stage::new(stores)).await;
    patches(stores).await;
    callers::settles_as_long_as_they_may(&Stage::new(stores)).await;
    changes_the_state(&Stage::new(stores)).await;
    an_active_one_has_an_owner(&Stage::new(stores)).await;
    counts(&Stage::new(stores)).await;
}

async fn find(s: &Stage<'_>, org: OrgId) -> Option<Org> {
    s.stores.orgs.find(org).await.unwrap()
}

async fn creates_with_an_owner(s: &Stage<'_>) {
    let (draft, owner) = (s.draft("Acme \"GmbH\" & Söhne \u{1f980}"), s.user().await);
    assert_eq!(find(s, draft.id).await, None, "not made yet");
    let draft = Org { settings: every_setting(), ..draft };
    assert_eq!(s.create(&draft, owner).await, Created::Created);
    assert_eq!(find(s, draft.id).await, Some(draft.clone()), "an organization reads back as it was made");
    assert_eq!(s.role(draft.id, owner).await, Some(Role::Owner), "in the same step it has its owner");
    let rival = Org { slug: draft.slug.clone(), ..s.draft("Rival") };
    assert_eq!(s.create(&rival, owner).await, Created::SlugTaken);
    assert_eq!(find(s, rival.id).await, None, "and nothing was made");
    assert_eq!(s.role(rival.id, owner).await, None, "no membership either");
    assert_eq!(s.set_status(draft.id, OrgStatus::Deleted).await, StatusChanged::Changed);
    assert_eq!(s.create(&rival, owner).await, Created::SlugTaken, "a deleted organization keeps its slug");
    let deleted = Org { status: OrgStatus::Deleted, ..draft };
    assert_eq!(find(s, deleted.id).await, Some(deleted), "and can be read");
}

async fn page(s: &Stage<'_>, filter: &OrgFilter) -> Vec<OrgSummary> {
    s.stores.orgs.page(filter, Page::new(Page::MAX_LIMIT, 0).unwrap()).await.unwrap().items
}

async fn searched(s: &Stage<'_>, member: UserId, search: &str) -> Vec<OrgId> {
    let filter = OrgFilter { search: Some(search.to_owned()), member: Some(member), ..OrgFilter::default() };
    page(s, &filter).await.iter().map(|found| found.id).collect()
}

async fn lists_and_searches(s: &Stage<'_>) {
    let (owner, bystander) = (s.user().await, s.org().await.1);
    let mut ids = Vec::new();
    for name in ["100% Percent", "under_score", "Plain Percentage", "back\\slash", "quote's"] {
        let draft = s.draft(name);
        let slug = Slug::parse(&s.unique(&format!("slug-{}", ids.len()))).unwrap();
        assert_eq!(s.create(&Org { slug, ..draft.clone() }, owner).await, Created::Created);
        ids.push(draft.id);
    }
    let newest_first: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(searched(s, owner, "").await, newest_first, "newest first, only the member's");
    for (search, expected) in [
        ("%", vec![ids[0]]),
        ("_", vec![ids[1]]),
        ("\\", vec![ids[3]]),
        ("'", vec![ids[4]]),
        ("PERCENT", vec![ids[2], ids[0]]),
        ("0% p", vec![ids[0]]),
        ("r_s", vec![ids[1]]),
        ("p%t", vec![]),
        ("SLUG-4", vec![ids[4]]),
        ("no such text", vec![]),
    ] {
        assert_eq!(searched(s, owner, search).await, expected, "search {search:?}: part of name or slug, literally");
    }
    assert_eq!(s.set_status(ids[0], OrgStatus::Deleted).await, StatusChanged::Changed);
    assert_eq!(s.set_status(ids[1], OrgStatus::Suspended).await, StatusChanged::Changed);
    let mine = |status| OrgFilter { status, member: Some(owner), ..OrgFilter::default() };
    let listed = async |status| page(s, &mine(status)).await.iter().map(|found| found.id).collect::<Vec<_>>();
    assert_eq!(listed(None).await, newest_first[..4], "all but the deleted ones");
    assert_eq!(listed(Some(OrgStatus::Deleted)).await, ids[..1]);
    assert_eq!(listed(Some(OrgStatus::Suspended)).await, ids[1..2]);
    assert_eq!(listed(Some(OrgStatus::Active)).await, newest_first[..3]);
    let others = OrgFilter { member: Some(bystander), ..OrgFilter::default() };
    assert_eq!(page(s, &others).await.len(), 1, "another member, another list");
}

async fn lists_by_the_plan_that_counts(s: &Stage<'_>) {
    let owner = s.user().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        let draft = s.draft("On a plan");
        assert_eq!(s.create(&draft, owner).await, Created::Created);
        ids.push(draft.id);
    }
    let [plain, starter, trial, both, deleted, back] = ids[..] else { unreachable!("six") };
    let end = s.tick() + DAY;
    let population = s.stores.population;
    population.put_on(starter, "starter", None).await;
    population.put_on(trial, "trial", Some(end)).await;
    population.put_on(both, "starter", Some(end)).await;
    population.put_on(deleted, "starter", None).await;
    population.put_on(back, "free", None).await;
    assert_eq!(s.set_status(deleted, OrgStatus::Deleted).await, StatusChanged::Changed);
    let on =
        |tier: &str, otherwise: &str, at| Some(OnTier { tier: tier.to_owned(), otherwise: otherwise.to_owned(), at });
    let listed = async |status, on: Option<OnTier>| {
        let filter = OrgFilter { member: Some(owner), status, on, ..OrgFilter::default() };
        let found = page(s, &filter).await;
        let part = s.stores.orgs.page(&filter, Page::new(1, 1).unwrap()).await.unwrap();
        assert_eq!(usize::try_from(part.total), Ok(found.len()), "all of them are counted, on every page");
        assert_eq!(part.items, found.iter().skip(1).take(1).cloned().collect::<Vec<_>>());
        found.iter().map(|found| found.id).collect::<Vec<_>>()
    };
    let before = end - SECOND;
    assert_eq!(listed(None, on("starter", "free", before)).await, [both, starter], "chosen, and on trial");
    assert_eq!(listed(None, on("trial", "free", before)).await, [trial]);
    assert_eq!(listed(None, on("free", "free", before)).await, [back, plain], "nobody chose, and chosen");
    for at in [end, end + SECOND] {
        assert_eq!(listed(None, on("starter", "free", at)).await, [starter], "a trial ends by itself");
        assert_eq!(listed(None, on("trial", "free", at)).await, []);
        assert_eq!(listed(None, on("free", "free", at)).await, [back, both, trial, plain]);
        assert_eq!(listed(None, on("trial", "trial", at)).await, [both, trial, plain], "another default");
    }
    assert_eq!(listed(None, on("professional", "free", end)).await, [], "nobody is on it");
    let gone = Some(OrgStatus::Deleted);
    assert_eq!(listed(gone, on("starter", "free", before)).await, [], "what is deleted has no plan of its own");
    assert_eq!(listed(gone, on("free", "free", before)).await, [deleted]);
}

async fn pages_through(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let second = s.member(org, Role::Owner).await;
    s.member(org, Role::Member).await;
    let filter = OrgFilter { member: Some(owner), ..OrgFilter::default() };
    let summary = page(s, &filter).await.remove(0);
    let draft = find(s, org).await.unwrap();
    let address = async |user| s.stores.members.find(org, user).await.unwrap().map(|member| member.email);
    assert_eq!(
        (summary.id, summary.name.as_str(), summary.slug.as_str(), summary.status, summary.created_at),
        (org, draft.name.as_str(), draft.slug.as_str(), OrgStatus::Active, draft.created_at)
    );
    assert_eq!((summary.owner, summary.member_count), (address(owner).await, 3), "the longest-standing owner");
    s.stores.population.set_enabled(owner, false).await;
    let summary = page(s, &filter).await.remove(0);
    assert_eq!((summary.owner, summary.member_count), (address(second).await, 2), "disabled accounts are not active");
    s.stores.population.set_enabled(owner, true).await;

    for _ in 0..4 {
        let draft = s.draft("Another");
        assert_eq!(s.create(&draft, owner).await, Created::Created);
    }
    let all: Vec<_> = page(s, &filter).await.iter().map(|found| found.id).collect();
    for (limit, offset, expected) in [(2, 0, &all[..2]), (2, 2, &all[2..4]), (2, 4, &all[4..]), (2, 6, &[])] {
        let part = Page::new(limit, offset).unwrap();
        let found = s.stores.orgs.page(&filter, part).await.unwrap();
        assert_eq!(found.items.iter().map(|found| found.id).collect::<Vec<_>>(), expected, "{part:?}");
        assert_eq!((found.total, found.page), (5, part), "the whole is counted");
        let joined = s.stores.orgs.joined(owner, part).await.unwrap();
        assert_eq!((joined.items.len(), joined.total, joined.page), (expected.len(), 5, part));
    }
}

async fn joined(s: &Stage<'_>, user: UserId) -> Vec<Joined> {
    s.stores.orgs.joined(user, Page::default()).await.unwrap().items
}

async fn lists_what_a_user_joined(s: &Stage<'_>) {
    let user = s.user().await;
    assert_eq!(joined(s, user).await, vec![], "nothing yet");
    let (second, _) = s.org().await;
    let draft = Org { settings: every_setting(), ..s.draft("First") };
    assert_eq!(s.create(&draft, user).await, Created::Created);
    assert_eq!(s.add(second, user, Role::BillingAdmin, MANY).await, crate::Added::Added);
    let list = joined(s, user).await;
    let ids = |list: &[Joined]| list.iter().map(|joined| joined.org).collect::<Vec<_>>();
    assert_eq!(ids(&list), vec![draft.id, second], "the one joined first first, not the one made first");
    let expected = Joined {
        org: draft.id,
        name: "First".into(),
        status: OrgStatus::Active,
        logo_url: Some("https://example.com/logo.png".into()),
        role: Role::Owner,
        joined_at: draft.created_at,
        member_count: 1,
    };
    assert_eq!(list[0], expected);
    assert_eq!((list[1].role, list[1].member_count, list[1].logo_url.clone()), (Role::BillingAdmin, 2, None));
    assert_eq!(s.set_status(second, OrgStatus::Suspended).await, StatusChanged::Changed);
    assert_eq!(joined(s, user).await[1].status, OrgStatus::Suspended, "a suspended one is there");
    assert_eq!(s.set_status(second, OrgStatus::Deleted).await, StatusChanged::Changed);
    assert_eq!(ids(&joined(s, user).await), vec![draft.id], "a deleted one is not");
}

async fn changes_the_state(s: &Stage<'_>) {
    let ((org, owner), (other, _)) = (s.org().await, s.org().await);
    let (token, _) = s.invite(org, owner).await;
    let (foreign, _) = s.invite(other, owner).await;
    let status = async || find(s, org).await.unwrap().status;
    for to in [OrgStatus::Suspended, OrgStatus::Suspended, OrgStatus::Active, OrgStatus::Active] {
        let before = s.epoch(org, owner).await;
        assert_eq!(s.set_status(org, to).await, StatusChanged::Changed, "to {to:?}");
        assert_eq!(status().await, to);
        assert_eq!(s.epoch(org, owner).await > before, to != OrgStatus::Active, "what stops has no sessions ({to:?})");
        assert!(s.by_token(&token).await.is_some(), "{to:?} leaves its invitations open");
    }
    assert_eq!(s.set_status(org, OrgStatus::Deleted).await, StatusChanged::Changed);
    assert_eq!(status().await, OrgStatus::Deleted);
    assert_eq!(s.by_token(&token).await, None, "deleting ends its open invitations");
    assert_eq!(s.listed(org, s.tick()).await, vec![], "in the list too");
    assert_eq!(s.accept(&token, org, s.user().await, MANY).await, Accepted::Gone, "nobody joins a deleted one");
    assert!(s.by_token(&foreign).await.is_some(), "invitations of others stay open");
    for to in [OrgStatus::Active, OrgStatus::Suspended, OrgStatus::Deleted] {
        assert_eq!(s.set_status(org, to).await, StatusChanged::NotFound, "a deleted one stays deleted");
    }
    let nowhere = s.set_status(OrgId::mint(s.stores.ambient), OrgStatus::Suspended).await;
    assert_eq!(nowhere, StatusChanged::NotFound, "no such organization");
}

async fn an_active_one_has_an_owner(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    s.member(org, Role::Admin).await;
    assert_eq!(s.set_status(org, OrgStatus::Suspended).await, StatusChanged::Changed);
    assert_eq!(s.remove(org, owner, Role::Owner).await, crate::Removed::Removed, "a suspended one may lose its owner");
    let refused = s.set_status(org, OrgStatus::Active).await;
    assert_eq!(refused, StatusChanged::LastOwner, "but without an active owner it cannot become active");
    assert_eq!(find(s, org).await.unwrap().status, OrgStatus::Suspended, "and nothing changed");
    let heir = s.member(org, Role::Owner).await;
    s.stores.population.set_enabled(heir, false).await;
    assert_eq!(s.set_status(org, OrgStatus::Active).await, StatusChanged::LastOwner, "a disabled owner is none");
    assert_eq!(s.set_status(org, OrgStatus::Suspended).await, StatusChanged::Changed, "suspended asks for none");
    assert_eq!(s.set_status(org, OrgStatus::Active).await, StatusChanged::LastOwner);
    s.stores.population.set_enabled(heir, true).await;
    assert_eq!(s.set_status(org, OrgStatus::Active).await, StatusChanged::Changed, "with an active owner it can");
}

async fn counts(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let disabled = s.member(org, Role::Member).await;
    s.member(org, Role::Member).await;
    s.member(org, Role::Admin).await;
    s.stores.population.set_enabled(disabled, false).await;
    let (_, first) = s.invite(org, owner).await;
    let (_, last) = s.invite(org, owner).await;
    let stats = async |now| s.stores.orgs.stats(org, now).await.unwrap();
    let now = stats(s.tick()).await;
    assert_eq!((now.total_members, now.active_members, now.pending_invites), (4, 3, 2));
    assert_eq!(Role::ALL.map(|role| now.with_role(role)), [1, 1, 0, 2], "owner, admin, billing admin, member");
    assert_eq!(now.members_by_role.len(), Role::ALL.len(), "every role is there");
    assert!(first.expires_at < last.expires_at);
    assert_eq!(stats(last.expires_at - SECOND).await.pending_invites, 1, "counted at the time asked");
    assert_eq!(stats(last.expires_at + DAY).await.pending_invites, 0);
}
