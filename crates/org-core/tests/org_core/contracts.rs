//! The double keeps the contracts that it is there to stand in for.

use async_trait::async_trait;
use kernel::testing::manual_ambient;
use kernel::{Actor, Ambient, OrgId, Page, Paged, Record, Role, StoreError, UserId};
use org_core::policy::reaches;
use org_core::testing::{
    Delivered, MemoryOrgs, OrgStores, Outbox, colleague_contract, entitlements_contract, invitation_mail_contract,
    invitation_store_contract, invitation_store_race, member_store_contract, member_store_race, org_store_contract,
    org_store_race, people_contract,
};
use org_core::{Added, Changed, Member, MemberFilter, MemberStore, OrgStatus, Removed, Transferred};

fn stores<'a>(orgs: &'a MemoryOrgs, ambient: &'a Ambient) -> OrgStores<'a> {
    OrgStores { orgs, members: orgs, invitations: orgs, population: orgs, ambient }
}

#[tokio::test]
async fn orgs() {
    let (memory, (_, ambient)) = (MemoryOrgs::new(), manual_ambient(1));
    org_store_contract(stores(&memory, &ambient)).await;
    org_store_race(stores(&memory, &ambient)).await;
}

#[tokio::test]
async fn members() {
    let (memory, (_, ambient)) = (MemoryOrgs::new(), manual_ambient(2));
    member_store_contract(stores(&memory, &ambient)).await;
    member_store_race(stores(&memory, &ambient)).await;
}

/// A store that looks at the caller's role before it has the organization to itself.
struct Hasty<'a>(&'a MemoryOrgs);

impl Hasty<'_> {
    /// What the caller may not any more, or else the record as somebody's whom nobody looks at.
    async fn looked_at(&self, org: OrgId, record: &Record, role: Role) -> Result<Option<Record>, StoreError> {
        let Some(caller) = record.actor.user_id() else { return Ok(Some(record.clone())) };
        let own = self.0.role(org, caller).await?.map(|(own, _)| own);
        tokio::task::yield_now().await;
        Ok(own.is_some_and(|own| reaches(own, role)).then(|| Record { actor: Actor::system(), ..record.clone() }))
    }
}

#[async_trait]
impl MemberStore for Hasty<'_> {
    async fn role(&self, org: OrgId, user: UserId) -> Result<Option<(Role, OrgStatus)>, StoreError> {
        self.0.role(org, user).await
    }

    async fn find(&self, org: OrgId, user: UserId) -> Result<Option<Member>, StoreError> {
        MemberStore::find(self.0, org, user).await
    }

    async fn page(&self, org: OrgId, filter: &MemberFilter, page: Page) -> Result<Paged<Member>, StoreError> {
        MemberStore::page(self.0, org, filter, page).await
    }

    async fn add(
        &self,
        org: OrgId,
        user: UserId,
        role: Role,
        seats: u32,
        record: &Record,
    ) -> Result<Added, StoreError> {
        let Some(record) = self.looked_at(org, record, role).await? else { return Ok(Added::Outdated) };
        self.0.add(org, user, role, seats, &record).await
    }

    async fn remove(&self, org: OrgId, user: UserId, expected: Role, record: &Record) -> Result<Removed, StoreError> {
        let Some(record) = self.looked_at(org, record, expected).await? else { return Ok(Removed::Outdated) };
        self.0.remove(org, user, expected, &record).await
    }

    async fn change_role(
        &self,
        org: OrgId,
        user: UserId,
        from: Role,
        to: Role,
        record: &Record,
    ) -> Result<Changed, StoreError> {
        self.0.change_role(org, user, from, to, record).await
    }

    async fn transfer(&self, org: OrgId, from: UserId, to: UserId, record: &Record) -> Result<Transferred, StoreError> {
        self.0.transfer(org, from, to, record).await
    }
}

#[tokio::test]
#[should_panic(expected = "by somebody who was")]
async fn members_of_a_store_that_looks_too_early_are_found_out() {
    let (memory, (_, ambient)) = (MemoryOrgs::new(), manual_ambient(5));
    let hasty = Hasty(&memory);
    member_store_race(OrgStores { members: &hasty, ..stores(&memory, &ambient) }).await;
}

#[tokio::test]
async fn invitations() {
    let (memory, (_, ambient)) = (MemoryOrgs::new(), manual_ambient(3));
    invitation_store_contract(stores(&memory, &ambient)).await;
    invitation_store_race(stores(&memory, &ambient)).await;
}

#[tokio::test]
async fn answers() {
    let (memory, (_, ambient)) = (MemoryOrgs::new(), manual_ambient(4));
    people_contract(&memory, &memory, &ambient).await;
    colleague_contract(&memory, stores(&memory, &ambient)).await;
    entitlements_contract(&memory, OrgId::mint(&ambient)).await;
    invitation_mail_contract(&memory, &Mailbox(&memory), &ambient).await;
}

/// The double's mails, as a mail server would have got them.
struct Mailbox<'a>(&'a MemoryOrgs);

#[async_trait]
impl Outbox for Mailbox<'_> {
    async fn delivered(&self) -> Vec<Delivered> {
        let delivered = |mail: org_core::testing::SentMail| Delivered {
            recipients: vec![mail.invitation.email.to_string()],
            headers: vec![format!("Subject: {}", mail.org_name)],
            text: format!("{} {}", mail.inviter, mail.token.expose()),
        };
        self.0.mails().into_iter().map(delivered).collect()
    }
}
