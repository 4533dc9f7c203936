use kernel::testing::race;
use kernel::{OrgId, Role, TokenHash, UserId};

use super::callers;
use super::invitations::renew_at;
use super::settings::{every_setting, patch, single_patches};
use super::stage::{DAY, MANY, Stage};
use crate::testing::OrgStores;
use crate::{
    Accepted, Added, Changed, Created, Invitation, Inviting, MemberFilter, Org, OrgStatus, Removed, Renewal, Renewed,
    Revoked, StatusChanged, Transferred,
};

fn number_of<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}

/// Of 32 organizations with one slug exactly one is made, and concurrent patches of different keys all hold.
pub async fn org_store_race(stores: OrgStores<'_>) {
    let s = Stage::new(stores);
    let (owner, slug) = (s.user().await, s.draft("Wanted").slug);
    let answers = race(32, async |_| s.create(&Org { slug: slug.clone(), ..s.draft("Rival") }, owner).await).await;
    assert_eq!(number_of(&answers, &Created::Created), 1, "one slug, one organization");

    let (org, _) = s.org().await;
    let patches = single_patches();
    let answers = race(patches.len(), async |n| patch(&s, org, &patches[n]).await).await;
    assert!(answers.iter().all(Option::is_some), "each patch is answered");
    let found = s.stores.orgs.find(org).await.unwrap().unwrap();
    assert_eq!(found.settings, every_setting(), "concurrent patches of different keys all hold");
}

/// Whatever races, an active organization keeps an active owner, its seats are never exceeded, and nobody acts on a role that was
/// taken from them.
pub async fn member_store_race(stores: OrgStores<'_>) {
    let s = Stage::new(stores);
    for _ in 0..5 {
        owners_remove_each_other(&s).await;
    }
    for _ in 0..3 {
        owners_do_everything(&s).await;
    }
    for _ in 0..5 {
        callers::nobody_takes_the_seat_they_left(&s).await;
        callers::nobody_brings_their_heir_down(&s).await;
    }
    callers::nothing_follows_a_demotion(&s).await;
    let (org, _) = s.org().await;
    let users = people(&s, 32).await;
    let answers = race(32, async |n| s.add(org, users[n], Role::Member, 5).await).await;
    assert_eq!(number_of(&answers, &Added::Added), 4, "beside the owner four seats are free");
    assert_eq!(members(&s, org).await, 5);

    let user = s.user().await;
    let answers = race(32, async |_| s.add(org, user, Role::Member, MANY).await).await;
    assert_eq!(number_of(&answers, &Added::Added), 1, "nobody becomes a member twice");
    assert_eq!(members(&s, org).await, 6);
}

async fn people(s: &Stage<'_>, n: usize) -> Vec<UserId> {
    let mut users = Vec::new();
    for _ in 0..n {
        users.push(s.user().await);
    }
    users
}

async fn members(s: &Stage<'_>, org: OrgId) -> usize {
    s.members(org, &MemberFilter::default()).await.len()
}

async fn owners(s: &Stage<'_>, org: OrgId) -> usize {
    s.members(org, &MemberFilter { role: Some(Role::Owner), search: None }).await.len()
}

async fn owners_remove_each_other(s: &Stage<'_>) {
    let (org, first) = s.org().await;
    let second = s.member(org, Role::Owner).await;
    let victims = [second, first];
    let answers = race(2, async |n| s.remove(org, victims[n], Role::Owner).await).await;
    assert_eq!(number_of(&answers, &Removed::LastOwner), 1, "of two who remove each other one stays: {answers:?}");
    assert_eq!(owners(s, org).await, 1);

    let last = s.members(org, &MemberFilter::default()).await[0].user;
    let second = s.member(org, Role::Owner).await;
    let pair = [last, second];
    let answers = race(2, async |n| s.change_role(org, pair[n], Role::Owner, Role::Member).await).await;
    assert_eq!(number_of(&answers, &Changed::LastOwner), 1, "of two who step down one stays: {answers:?}");
    assert_eq!(owners(s, org).await, 1);
}

async fn owners_do_everything(s: &Stage<'_>) {
    let (org, first) = s.org().await;
    let mut everybody = vec![first];
    for _ in 1..8 {
        everybody.push(s.member(org, Role::Owner).await);
    }
    let heir = s.member(org, Role::Member).await;
    race(32, async |n| {
        let user = everybody[n % 8];
        match n % 4 {
            0 => s.remove(org, user, Role::Owner).await != Removed::NotFound,
            1 => s.change_role(org, user, Role::Owner, Role::Admin).await != Changed::NotFound,
            2 => s.transfer(org, user, heir).await == Transferred::Transferred,
            _ => s.set_status(org, OrgStatus::Active).await == StatusChanged::Changed,
        }
    })
    .await;
    assert!(owners(s, org).await >= 1, "an active organization has an owner");
    assert_eq!(s.set_status(org, OrgStatus::Active).await, StatusChanged::Changed);
}

/// Of 32 who use one invitation up exactly one becomes a member; one address gets one invitation; members and open invitations
/// together never exceed the seats.
pub async fn invitation_store_race(stores: OrgStores<'_>) {
    let s = Stage::new(stores);
    let (org, owner) = s.org().await;
    let users = people(&s, 32).await;
    let (token, _) = s.invite(org, owner).await;
    let answers = race(32, async |n| s.accept(&token, org, users[n], MANY).await).await;
    assert_eq!(number_of(&answers, &Accepted::Accepted), 1, "exactly one gets in");
    assert_eq!(number_of(&answers, &Accepted::Gone), 31, "for the others it is gone");
    assert_eq!(members(&s, org).await, 2);

    let email = s.unique("wanted@example.com");
    let answers = race(32, async |_| {
        let (token, invitation) = s.invitation(org, owner, &email);
        s.open(&token, &invitation, MANY).await
    })
    .await;
    assert_eq!(number_of(&answers, &Inviting::Created), 1, "one address, one invitation");
    assert_eq!(number_of(&answers, &Inviting::AlreadyInvited), 31);

    seats_hold(&s).await;
    seats_hold_when_expired_ones_come_back(&s).await;
    accepted_or_revoked(&s).await;
}

async fn seats_hold(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let users = people(s, 32).await;
    race(32, async |n| {
        if n % 2 == 0 {
            s.add(org, users[n], Role::Member, 7).await == Added::Added
        } else {
            let (token, invitation) = s.invitation(org, owner, &s.unique(&format!("rival{n}@example.com")));
            s.open(&token, &invitation, 7).await == Inviting::Created
        }
    })
    .await;
    let taken = members(s, org).await + s.listed(org, s.tick()).await.len();
    assert_eq!(taken, 7, "all seats and no more");
}

async fn seats_hold_when_expired_ones_come_back(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let mut expired = Vec::new();
    for _ in 0..16 {
        expired.push(s.invite(org, owner).await.1);
    }
    let at = expired.iter().map(|invitation| invitation.expires_at).max().unwrap();
    let answers = race(32, async |n| {
        let token = TokenHash::from_bytes(s.stores.ambient.random());
        if let Some(invitation) = expired.get(n) {
            let renewal = Renewal { token, expires_at: at + DAY, seats: 7 };
            matches!(renew_at(s, invitation, &renewal, at).await, Renewed::Renewed(_))
        } else {
            let (_, invitation) = s.invitation(org, owner, &s.unique(&format!("late{n}@example.com")));
            let invitation = Invitation { created_at: at, expires_at: at + DAY, ..invitation };
            s.open(&token, &invitation, 7).await == Inviting::Created
        }
    })
    .await;
    assert_eq!(number_of(&answers, &true), 6, "beside the owner's all seats and no more");
    assert_eq!(s.listed(org, at).await.len(), 6);
}

async fn accepted_or_revoked(s: &Stage<'_>) {
    for _ in 0..5 {
        let ((org, owner), user) = (s.org().await, s.user().await);
        let (token, invitation) = s.invite(org, owner).await;
        let new = TokenHash::from_bytes(s.stores.ambient.random());
        let answers = race(3, async |n| match n {
            0 => s.accept(&token, org, user, MANY).await == Accepted::Accepted,
            1 => {
                let record = s.record(kernel::Action::InvitationRevoked, org);
                s.stores.invitations.revoke(org, invitation.id, &record).await.unwrap() == Revoked::Revoked
            }
            _ => {
                let renewal = Renewal { token: new, expires_at: invitation.expires_at, seats: MANY };
                matches!(renew_at(s, &invitation, &renewal, s.tick()).await, Renewed::Renewed(_))
            }
        })
        .await;
        assert!(!(answers[0] && answers[1]), "an invitation is accepted or taken back, never both");
        assert_eq!(s.role(org, user).await.is_some(), answers[0], "who was told so is a member");
        assert_eq!(s.by_token(&token).await, None, "the old token is dead in every order");
    }
}
