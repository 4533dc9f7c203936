//! The double keeps the contracts that it is there to stand in for.

use async_trait::async_trait;
use kernel::testing::manual_ambient;
use kernel::{Ambient, OrgId};
use org_core::testing::{
    Delivered, MemoryOrgs, OrgStores, Outbox, colleague_contract, entitlements_contract, invitation_mail_contract,
    invitation_store_contract, invitation_store_race, member_store_contract, member_store_race, org_store_contract,
    org_store_race, people_contract,
};

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
