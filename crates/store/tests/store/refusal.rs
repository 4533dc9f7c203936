//! A change whose record is refused did not happen: not one row is different.
use std::time::Duration;

use account_core::{AvatarName, NotificationPatch, ProfilePatch, ProfileStore};
use auth_core::testing::invented_user;
use auth_core::{LinkStore, Standings, UserStore};
use kernel::{Action, Email, InvitationId, OrgId, Record, Role, StoreError, TokenHash, UserId};
use org_core::{Invitation, InvitationStore, MemberStore, OrgStatus, OrgStore, Renewal, SettingsPatch};
use store::{SeaInvitations, SeaLinks, SeaMembers, SeaOrgs, SeaProfiles, SeaStandings, SeaUsers};

use crate::fixture::{Fixture, on_each, on_postgres};

/// An organization with an owner, a second owner, an open invitation, and somebody outside.
struct Scene<'a> {
    f: &'a Fixture,
    org: OrgId,
    owner: UserId,
    member: UserId,
    guest: UserId,
    invitation: Invitation,
    token: TokenHash,
    record: Record,
}

impl<'a> Scene<'a> {
    async fn new(f: &'a Fixture) -> Self {
        let (owner, member, guest) = (f.new_user().await, f.new_user().await, f.new_user().await);
        let org = f.new_org(owner).await;
        let now = f.ambient.now();
        auth_core::testing::Population::join(f, org, member, Role::Owner, now).await;
        let token = TokenHash::from_bytes([7; 32]);
        let invitation = Self::draft(f, org, owner, "guest@example.com");
        let created = f.record(Action::InvitationCreated);
        SeaInvitations::new(&f.db).create(&invitation, &token, 100, &created).await.unwrap();
        let record = f.record(Action::UserCreated);
        Self { f, org, owner, member, guest, invitation, token, record }
    }

    fn draft(f: &Fixture, org: OrgId, owner: UserId, email: &str) -> Invitation {
        let now = f.ambient.now();
        Invitation {
            id: InvitationId::mint(&f.ambient),
            org,
            email: Email::parse(email).unwrap(),
            role: Role::Member,
            invited_by: owner,
            created_at: now,
            expires_at: now + Duration::from_hours(1),
        }
    }

    /// Every change of every port, each under the same record.
    async fn changes(&self) -> Vec<(&'static str, Result<(), StoreError>)> {
        let mut ended = self.account_changes().await;
        ended.extend(self.org_changes().await);
        ended.extend(self.invitation_changes().await);
        ended
    }

    async fn account_changes(&self) -> Vec<(&'static str, Result<(), StoreError>)> {
        let (db, record) = (&self.f.db, &self.record);
        let (users, standings, profiles) = (SeaUsers::new(db), SeaStandings::new(db), SeaProfiles::new(db));
        let device = TokenHash::from_bytes([8; 32]);
        let avatar = AvatarName::mint(&self.f.ambient);
        let patch = ProfilePatch { display_name: Some(None), ..ProfilePatch::default() };
        let choices = NotificationPatch { sms: Some(true), ..NotificationPatch::default() };
        let end = self.f.ambient.now() + Duration::from_mins(1);
        vec![
            ("insert", users.insert(&invented_user(&self.f.ambient), None, record).await.map(drop)),
            ("signed_in", users.signed_in(self.guest, Some(&device), record).await),
            ("set_password", users.set_password(self.guest, None, &"new".into(), record).await.map(drop)),
            ("disable", users.set_enabled(self.guest, false, record).await.map(drop)),
            ("enable", users.set_enabled(self.guest, true, record).await.map(drop)),
            ("end_sessions", standings.end_sessions(self.guest, record).await.map(drop)),
            ("set_home", standings.set_home(self.member, self.org, record).await),
            ("note", standings.note(record).await),
            ("issue", SeaLinks::new(db).issue(&device, self.guest, end, record).await),
            ("patch", profiles.patch(self.guest, &patch, record).await.map(drop)),
            ("set_avatar", profiles.set_avatar(self.guest, Some(&avatar), record).await.map(drop)),
            ("patch_notifications", profiles.patch_notifications(self.guest, &choices, record).await.map(drop)),
        ]
    }

    async fn org_changes(&self) -> Vec<(&'static str, Result<(), StoreError>)> {
        let (db, record, org) = (&self.f.db, &self.record, self.org);
        let (orgs, members) = (SeaOrgs::new(db), SeaMembers::new(db));
        let draft = self.f.draft(self.f.ambient.now());
        let patch = SettingsPatch { description: Some(Some("new".to_owned())), ..SettingsPatch::default() };
        let (from, to) = (Role::Owner, Role::Admin);
        vec![
            ("org create", orgs.create(&draft, self.owner, record).await.map(drop)),
            ("org patch", orgs.patch(org, &patch, record).await.map(drop)),
            ("suspend", orgs.set_status(org, OrgStatus::Suspended, record).await.map(drop)),
            ("delete", orgs.set_status(org, OrgStatus::Deleted, record).await.map(drop)),
            ("add", members.add(org, self.guest, Role::Member, 100, record).await.map(drop)),
            ("remove", members.remove(org, self.member, Role::Owner, record).await.map(drop)),
            ("change_role", members.change_role(org, self.member, from, to, record).await.map(drop)),
            ("transfer", members.transfer(org, self.owner, self.member, record).await.map(drop)),
        ]
    }

    async fn invitation_changes(&self) -> Vec<(&'static str, Result<(), StoreError>)> {
        let (org, record) = (self.org, &self.record);
        let invitations = SeaInvitations::new(&self.f.db);
        let other = Self::draft(self.f, org, self.owner, "other@example.com");
        let (new, open) = (TokenHash::from_bytes([9; 32]), &self.invitation);
        let renewal = Renewal { token: new, expires_at: open.expires_at, seats: 100 };
        vec![
            ("invite", invitations.create(&other, &new, 100, record).await.map(drop)),
            ("renew", invitations.renew(org, open.id, &renewal, record).await.map(drop)),
            ("revoke", invitations.revoke(org, open.id, record).await.map(drop)),
            ("accept", invitations.accept(&self.token, self.guest, 100, record).await.map(drop)),
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_remembered_is_not_done() {
    on_each(async |f| {
        let scene = Scene::new(f).await;
        f.refuse_records().await;
        let before = f.dump().await;
        for (change, ended) in scene.changes().await {
            assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{change}: {ended:?}");
        }
        assert_eq!(f.dump().await, before, "not one row is different");
    })
    .await;
}

/// The same changes do something when nothing refuses: the test above is not empty.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_these_changes_does_something() {
    on_each(async |f| {
        let Scene { org, owner, member, .. } = Scene::new(f).await;
        let before = f.dump().await;
        let record = f.record(Action::OwnershipTransferred);
        SeaMembers::new(&f.db).transfer(org, owner, member, &record).await.unwrap();
        let after = f.dump().await;
        assert_ne!(after, before);
        assert_eq!(after.len(), before.len() + 1, "one record");
    })
    .await;
}

/// AUD-1: the trail's table is locked.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_trail_stops_changes_and_not_reads() {
    on_postgres(async |f| {
        let user = f.new_user().await;
        let impatient =
            store::DatabaseOptions { lock_timeout: Duration::from_millis(300), ..store::DatabaseOptions::default() };
        let db = store::Database::connect(&f.url, &impatient).await.unwrap();
        let before = f.dump().await;
        let lock = sea_orm::TransactionTrait::begin(&f.raw).await.unwrap();
        sea_orm::ConnectionTrait::execute_unprepared(&lock, "LOCK TABLE audit_record IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let refused = SeaStandings::new(&db).end_sessions(user, &f.record(Action::SessionsRevoked)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert!(SeaUsers::new(&db).by_id(user).await.unwrap().is_some(), "reads go on");
        lock.rollback().await.unwrap();
        assert_eq!(f.dump().await, before, "nothing changed");
        SeaStandings::new(&db).end_sessions(user, &f.record(Action::SessionsRevoked)).await.unwrap().unwrap();
        db.close().await.unwrap();
    })
    .await;
}
