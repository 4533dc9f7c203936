//! One installation in memory, whose clock is moved by hand.

use std::sync::Arc;

use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Action, Actor, Ambient, OrgId, Record, Role, UserId};
use org_core::testing::{MemoryOrgs, Population};
use org_core::{
    Added, Entitlement, Entitlements, InvitationPorts, InvitationToken, Invitations, Invited, MemberFilter,
    MemberStore, Members, Membership, OrgName, OrgPorts, Orgs,
};

pub(crate) struct World {
    pub(crate) memory: Arc<MemoryOrgs>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ambient: Ambient,
    pub(crate) orgs: Orgs,
    pub(crate) members: Members,
    pub(crate) invitations: Invitations,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let (clock, ambient) = manual_ambient(seed);
        let memory = Arc::new(MemoryOrgs::new());
        let ports = OrgPorts { orgs: memory.clone(), members: memory.clone(), entitlements: memory.clone() };
        let orgs = Orgs::new(ports, ambient.clone());
        let members = Members::new(memory.clone(), ambient.clone());
        let ports = InvitationPorts {
            invitations: memory.clone(),
            members: memory.clone(),
            orgs: memory.clone(),
            people: memory.clone(),
            entitlements: memory.clone(),
            mail: memory.clone(),
        };
        let invitations = Invitations::new(ports, ambient.clone());
        Self { memory, clock, ambient, orgs, members, invitations }
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        self.memory.user(&format!("{name}@example.com"), true).await
    }

    /// An organization with this many seats, and its owner.
    pub(crate) async fn org(&self, seats: u32) -> (OrgId, UserId) {
        let owner = self.user("founder").await;
        let org = self.orgs.create(&Actor::user(owner), owner, OrgName::parse("Acme").unwrap(), None).await.unwrap();
        let plan = Entitlement { seats, ..self.memory.of(org.id).await.unwrap() };
        self.memory.set_plan(org.id, plan);
        (org.id, owner)
    }

    pub(crate) async fn proof(&self, org: OrgId, user: UserId) -> Membership {
        self.orgs.membership(org, user).await.unwrap()
    }

    /// Makes a new user a member: invited by an owner, accepted with the mail's token.
    pub(crate) async fn join(&self, org: OrgId, owner: UserId, name: &str, role: Role) -> UserId {
        let (user, by) = (self.user(name).await, self.proof(org, owner).await);
        let email = format!("{name}@example.com").parse().unwrap();
        let invited = self.invitations.invite(&Actor::user(owner), &by, email, Some(role)).await.unwrap();
        assert!(matches!(invited, Invited::Invitation { mailed: true, .. }));
        let joined = self.invitations.accept(&Actor::user(user), user, &self.last_token()).await.unwrap();
        assert_eq!(joined, (org, role));
        user
    }

    /// Another organization that these two share.
    pub(crate) async fn acquaint(&self, one: UserId, other: UserId) {
        let name = OrgName::parse("Elsewhere").unwrap();
        let org = self.orgs.create(&Actor::user(one), one, name, None).await.unwrap();
        let record = Record::new(&self.ambient, &Actor::system(), Action::MemberAdded, "user", other).within(org.id);
        assert_eq!(self.memory.add(org.id, other, Role::Member, 5, &record).await.unwrap(), Added::Added);
    }

    /// The token of the mail that left last.
    pub(crate) fn last_token(&self) -> InvitationToken {
        self.memory.mails().pop().unwrap().token
    }

    pub(crate) async fn role(&self, org: OrgId, user: UserId) -> Option<Role> {
        MemberStore::find(self.memory.as_ref(), org, user).await.unwrap().map(|member| member.role)
    }

    pub(crate) async fn owners(&self, org: OrgId) -> usize {
        let filter = MemberFilter { role: Some(Role::Owner), search: None };
        MemberStore::page(self.memory.as_ref(), org, &filter, kernel::Page::default()).await.unwrap().items.len()
    }
}
