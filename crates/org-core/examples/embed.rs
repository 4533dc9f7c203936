//! Organizations in another program: `cargo run -p org-core --example embed-org --features testing`.

use std::sync::Arc;

use kernel::{Actor, Ambient, Page, Role};
use org_core::testing::{MemoryOrgs, Population};
use org_core::{InvitationPorts, Invitations, MemberFilter, Members, OrgName, OrgPorts, Orgs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, ambient) = (Arc::new(MemoryOrgs::new()), Ambient::system());
    let (members, entitlements, mail, people) = (store.clone(), store.clone(), store.clone(), store.clone());
    let ports = OrgPorts { orgs: store.clone(), members: members.clone(), entitlements: entitlements.clone() };
    let orgs = Orgs::new(ports, ambient.clone());
    let (ann, bob) = (store.user("ann@example.com", true).await, store.user("bob@example.com", true).await);
    let org = orgs.create(&Actor::user(ann), ann, OrgName::parse("Acme")?, None).await?;
    let owner = orgs.membership(org.id, ann).await?;

    let invitations = store.clone();
    let ports = InvitationPorts { invitations, members, orgs: store.clone(), people, entitlements, mail };
    let asking = Invitations::new(ports, ambient.clone());
    asking.invite(&Actor::user(ann), &owner, "bob@example.com".parse()?, Some(Role::Member)).await?;
    let token = store.mails().pop().ok_or("no mail")?.token;
    asking.accept(&Actor::user(bob), bob, &token).await?;
    for member in Members::new(store, ambient).page(&owner, &MemberFilter::default(), Page::default()).await?.items {
        println!("{} is {}", member.email, member.role);
    }
    Ok(())
}
