use kernel::{OrgId, Page, Role, UserId};

use super::callers;
use super::stage::{MANY, Stage};
use crate::testing::OrgStores;
use crate::{Added, Changed, MemberFilter, MemberStatus, OrgStatus, Removed, StatusChanged, Transferred};

/// What every [`MemberStore`](crate::MemberStore) promises.
pub async fn member_store_contract(stores: OrgStores<'_>) {
    tells_the_role_now(&Stage::new(stores)).await;
    lists_and_searches(&Stage::new(stores)).await;
    adds_within_the_seats(&Stage::new(stores)).await;
    removes(&Stage::new(stores)).await;
    changes_roles(&Stage::new(stores)).await;
    epochs_never_repeat(&Stage::new(stores)).await;
    keeps_the_last_owner(&Stage::new(stores)).await;
    transfers(&Stage::new(stores)).await;
    organizations_are_apart(&Stage::new(stores)).await;
    callers::changes_members_as_long_as_they_may(&Stage::new(stores)).await;
}

async fn tells_the_role_now(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let role = async |user| s.stores.members.role(org, user).await.unwrap();
    for wanted in Role::ALL {
        let user = s.member(org, wanted).await;
        assert_eq!(role(user).await, Some((wanted, OrgStatus::Active)));
    }
    let user = s.member(org, Role::Admin).await;
    s.stores.population.set_enabled(user, false).await;
    assert_eq!(role(user).await, None, "a disabled account has no role");
    s.stores.population.set_enabled(user, true).await;
    assert_eq!(role(user).await, Some((Role::Admin, OrgStatus::Active)));
    assert_eq!(role(s.user().await).await, None, "no member");
    assert_eq!(role(UserId::mint(s.stores.ambient)).await, None, "no such user");
    assert_eq!(s.role(OrgId::mint(s.stores.ambient), owner).await, None, "no such organization");
    assert_eq!(s.set_status(org, OrgStatus::Suspended).await, StatusChanged::Changed);
    assert_eq!(role(owner).await, Some((Role::Owner, OrgStatus::Suspended)), "the state comes with the role");
    assert_eq!(s.set_status(org, OrgStatus::Deleted).await, StatusChanged::Changed);
    assert_eq!(role(owner).await, None, "a deleted one has no members");
}

async fn lists_and_searches(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let mut users = Vec::new();
    for (local, role) in
        [("Ann_Lee", Role::Admin), ("annalee", Role::Member), ("bob%20", Role::Member), ("o'neil", Role::Member)]
    {
        let user = s.stores.population.user(&s.unique(&format!("{local}@Example.com")), local != "o'neil").await;
        assert_eq!(s.add(org, user, role, MANY).await, Added::Added);
        users.push(user);
    }
    let listed = async |search: Option<&str>, role| {
        let filter = MemberFilter { search: search.map(str::to_owned), role };
        s.members(org, &filter).await.iter().map(|member| member.user).collect::<Vec<_>>()
    };
    let everybody: Vec<_> = [owner].into_iter().chain(users.iter().copied()).collect();
    assert_eq!(listed(None, None).await, everybody, "the one who joined first first");
    for (search, expected) in [
        ("ANN", &users[..2]),
        ("n_l", &users[..1]),
        ("_", &users[..1]),
        ("%", &users[2..3]),
        ("o'n", &users[3..]),
        ("b%0", &[]),
        ("nobody", &[]),
        ("example.COM", &everybody),
    ] {
        assert_eq!(listed(Some(search), None).await, expected, "search {search:?}, literally, whatever the case");
    }
    assert_eq!(listed(None, Some(Role::Member)).await, users[1..], "only this role");
    assert_eq!(listed(Some("ann"), Some(Role::Member)).await, users[1..2], "both filters hold");
    for (limit, offset, expected) in [(2, 0, &everybody[..2]), (2, 4, &everybody[4..]), (2, 9, &[])] {
        let page = Page::new(limit, offset).unwrap();
        let part = s.stores.members.page(org, &MemberFilter::default(), page).await.unwrap();
        assert_eq!(part.items.iter().map(|member| member.user).collect::<Vec<_>>(), expected, "{page:?}");
        assert_eq!((part.total, part.page), (5, page), "the whole is counted");
    }

    s.stores.population.set_enabled(users[0], false).await;
    let member = s.stores.members.find(org, users[0]).await.unwrap().unwrap();
    assert_eq!(member.email, s.unique("Ann_Lee@Example.com"), "the address as it was written");
    assert_eq!(
        (member.role, member.status),
        (Role::Admin, MemberStatus::Disabled),
        "a disabled member is shown as such"
    );
    assert!(member.email_verified);
    let unverified = s.stores.members.find(org, users[3]).await.unwrap().unwrap();
    assert_eq!((unverified.email_verified, unverified.status), (false, MemberStatus::Active));
    assert_eq!(s.members(org, &MemberFilter::default()).await.get(1), Some(&member), "and so in the list");
    let stranger = s.user().await;
    assert_eq!(s.stores.members.find(org, stranger).await.unwrap(), None, "no member");
}

async fn adds_within_the_seats(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let (first, second, third) = (s.user().await, s.user().await, s.user().await);
    assert_eq!(s.add(org, first, Role::Member, 1).await, Added::SeatLimit, "the owner has the only seat");
    assert_eq!(s.role(org, first).await, None, "and nobody was added");
    assert_eq!(s.add(org, first, Role::Member, 2).await, Added::Added);
    assert_eq!(s.add(org, first, Role::Admin, 2).await, Added::AlreadyMember, "whether or not a seat is free");
    assert_eq!(s.add(org, first, Role::Admin, MANY).await, Added::AlreadyMember);
    assert_eq!(s.role(org, first).await, Some(Role::Member), "and the role stays");
    let (_, invitation) = s.invite(org, owner).await;
    assert_eq!(s.add(org, second, Role::Member, 3).await, Added::SeatLimit, "an open invitation takes a seat");
    assert_eq!(s.add(org, second, Role::Member, 4).await, Added::Added);
    let mut record = s.record(kernel::Action::MemberAdded, org);
    record.at = invitation.expires_at + super::stage::SECOND;
    let late = s.stores.members.add(org, third, Role::Member, 4, &record).await.unwrap();
    assert_eq!(late, Added::Added, "an expired invitation takes none, at the record's time");
    let member = s.stores.members.find(org, third).await.unwrap().unwrap();
    assert_eq!(member.joined_at, record.at, "joined at the record's time");
    s.stores.population.set_enabled(first, false).await;
    assert_eq!(s.add(org, s.user().await, Role::Member, 4).await, Added::SeatLimit, "a disabled member keeps the seat");
}

async fn removes(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let (user, other) = (s.member(org, Role::Admin).await, s.member(org, Role::Member).await);
    assert_eq!(s.remove(org, user, Role::Member).await, Removed::NotFound, "the member has another role by now");
    assert_eq!(s.role(org, user).await, Some(Role::Admin), "and stays");
    assert_eq!(s.remove(org, user, Role::Admin).await, Removed::Removed);
    assert_eq!(s.role(org, user).await, None, "at once");
    assert_eq!(s.stores.members.find(org, user).await.unwrap(), None);
    assert_eq!(s.epoch(org, user).await, None);
    assert_eq!(s.remove(org, user, Role::Admin).await, Removed::NotFound, "was none");
    assert_eq!(s.remove(org, s.user().await, Role::Member).await, Removed::NotFound, "never was one");
    let left: Vec<_> = s.members(org, &MemberFilter::default()).await.iter().map(|member| member.user).collect();
    assert_eq!(left, vec![owner, other], "nobody else is touched");
    assert_eq!(s.add(org, user, Role::Member, 3).await, Added::Added, "the seat is free, and one can come back");
    assert_eq!(s.role(org, user).await, Some(Role::Member), "in the new role");
    let last = s.members(org, &MemberFilter::default()).await.pop().map(|member| member.user);
    assert_eq!(last, Some(user), "as the one who joined last");
}

async fn changes_roles(s: &Stage<'_>) {
    let (org, _) = s.org().await;
    let (user, other) = (s.member(org, Role::Member).await, s.member(org, Role::Member).await);
    let (mut before, theirs) = (s.epoch(org, user).await.unwrap(), s.epoch(org, other).await);
    let mut role = Role::Member;
    for to in [Role::Admin, Role::BillingAdmin, Role::Owner, Role::Member] {
        let wrong = if to == Role::Admin { Role::Owner } else { Role::Admin };
        if wrong != role {
            assert_eq!(s.change_role(org, user, wrong, to).await, Changed::Outdated, "it is not {wrong:?}");
        }
        assert_eq!((s.role(org, user).await, s.epoch(org, user).await), (Some(role), Some(before)), "nothing changed");
        assert_eq!(s.change_role(org, user, role, to).await, Changed::Changed);
        assert_eq!(s.role(org, user).await, Some(to), "at once");
        let after = s.epoch(org, user).await.unwrap();
        assert!(after > before, "the epoch moves");
        (role, before) = (to, after);
    }
    assert_eq!(s.change_role(org, user, role, role).await, Changed::Changed, "the same role");
    assert_eq!(s.epoch(org, user).await, Some(before), "then nothing dies");
    assert_eq!(
        (s.role(org, other).await, s.epoch(org, other).await),
        (Some(Role::Member), theirs),
        "nobody else is touched"
    );
    assert_eq!(s.change_role(org, s.user().await, Role::Member, Role::Admin).await, Changed::NotFound);
}

async fn epochs_never_repeat(s: &Stage<'_>) {
    let (org, _) = s.org().await;
    let user = s.member(org, Role::Member).await;
    let mut epochs = vec![s.epoch(org, user).await.unwrap()];
    for role in [Role::Admin, Role::Member, Role::Member] {
        let before = s.role(org, user).await.unwrap();
        assert_eq!(s.change_role(org, user, before, Role::BillingAdmin).await, Changed::Changed);
        epochs.push(s.epoch(org, user).await.unwrap());
        assert_eq!(s.remove(org, user, Role::BillingAdmin).await, Removed::Removed);
        assert_eq!(s.add(org, user, role, MANY).await, Added::Added);
        epochs.push(s.epoch(org, user).await.unwrap());
    }
    assert_eq!(s.remove(org, user, Role::Member).await, Removed::Removed);
    let (owner, email) = (s.members(org, &MemberFilter::default()).await[0].user, s.unique("back@example.com"));
    let (token, invitation) = s.invitation(org, owner, &email);
    assert_eq!(s.open(&token, &invitation, MANY).await, crate::Inviting::Created);
    assert_eq!(s.accept(&token, org, user, MANY).await, crate::Accepted::Accepted);
    epochs.push(s.epoch(org, user).await.unwrap());
    assert!(epochs.is_sorted_by(|earlier, later| earlier < later), "an old session never counts again: {epochs:?}");
}

async fn keeps_the_last_owner(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    s.member(org, Role::Admin).await;
    let epoch = s.epoch(org, owner).await;
    assert_eq!(s.remove(org, owner, Role::Owner).await, Removed::LastOwner);
    for to in [Role::Admin, Role::BillingAdmin, Role::Member] {
        assert_eq!(s.change_role(org, owner, Role::Owner, to).await, Changed::LastOwner);
    }
    assert_eq!((s.role(org, owner).await, s.epoch(org, owner).await), (Some(Role::Owner), epoch), "nothing changed");
    let second = s.member(org, Role::Owner).await;
    s.stores.population.set_enabled(second, false).await;
    assert_eq!(s.remove(org, owner, Role::Owner).await, Removed::LastOwner, "a disabled owner does not count");
    assert_eq!(s.change_role(org, owner, Role::Owner, Role::Admin).await, Changed::LastOwner);
    assert_eq!(s.remove(org, second, Role::Owner).await, Removed::Removed, "and may go");
    let third = s.member(org, Role::Owner).await;
    assert_eq!(s.change_role(org, owner, Role::Owner, Role::Member).await, Changed::Changed, "another owner is there");
    assert_eq!(s.remove(org, third, Role::Owner).await, Removed::LastOwner, "now the other one is the last");
    assert_eq!(s.set_status(org, OrgStatus::Suspended).await, StatusChanged::Changed);
    assert_eq!(s.remove(org, third, Role::Owner).await, Removed::Removed, "a suspended organization asks for no owner");
}

async fn transfers(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let (heir, bystander) = (s.member(org, Role::Member).await, s.member(org, Role::Owner).await);
    let epochs = async || [s.epoch(org, owner).await, s.epoch(org, heir).await, s.epoch(org, bystander).await];
    let before = epochs().await;
    assert_eq!(s.transfer(org, owner, s.user().await).await, Transferred::NotFound, "the heir is no member");
    assert_eq!(s.transfer(org, heir, owner).await, Transferred::NotOwner, "the giver is no owner");
    s.stores.population.set_enabled(heir, false).await;
    assert_eq!(s.transfer(org, owner, heir).await, Transferred::NotFound, "the heir's account is disabled");
    s.stores.population.set_enabled(heir, true).await;
    assert_eq!(epochs().await, before, "nothing changed");
    assert_eq!(s.transfer(org, owner, heir).await, Transferred::Transferred);
    assert_eq!((s.role(org, owner).await, s.role(org, heir).await), (Some(Role::Admin), Some(Role::Owner)));
    let after = epochs().await;
    assert!(after[0] > before[0] && after[1] > before[1], "both epochs move");
    assert_eq!((s.role(org, bystander).await, after[2]), (Some(Role::Owner), before[2]), "nobody else is touched");
    assert_eq!(s.transfer(org, owner, heir).await, Transferred::NotOwner, "the giver is no owner any more");
    let left = s.member(org, Role::Member).await;
    assert_eq!(s.remove(org, left, Role::Member).await, Removed::Removed);
    assert_eq!(s.transfer(org, heir, left).await, Transferred::NotFound, "who left inherits nothing");
}

async fn organizations_are_apart(s: &Stage<'_>) {
    let ((org, owner), (other, stranger)) = (s.org().await, s.org().await);
    assert_eq!(s.add(other, owner, Role::Member, MANY).await, Added::Added);
    let (epoch, before) = (s.epoch(other, owner).await, s.members(other, &MemberFilter::default()).await);
    assert_eq!(s.remove(org, stranger, Role::Owner).await, Removed::NotFound, "another organization's owner");
    assert_eq!(s.change_role(org, stranger, Role::Owner, Role::Member).await, Changed::NotFound);
    assert_eq!(s.transfer(org, owner, stranger).await, Transferred::NotFound);
    assert_eq!(s.transfer(other, owner, stranger).await, Transferred::NotOwner, "an owner elsewhere");
    s.member(org, Role::Owner).await;
    assert_eq!(s.change_role(org, owner, Role::Owner, Role::Admin).await, Changed::Changed);
    assert_eq!(s.remove(org, owner, Role::Admin).await, Removed::Removed);
    assert_eq!(s.epoch(other, owner).await, epoch, "a membership elsewhere does not move");
    assert_eq!(s.members(other, &MemberFilter::default()).await, before);
}
