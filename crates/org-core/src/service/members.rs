use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Page, Paged, Record, Role, UserId};

use crate::policy::within_reach;
use crate::{Changed, Member, MemberFilter, MemberStore, Membership, OrgError, Permission, Removed, Transferred};

/// Who belongs to an organization, and in which role.
#[derive(Clone)]
pub struct Members {
    members: Arc<dyn MemberStore>,
    ambient: Ambient,
}

impl Members {
    /// The use cases over this store.
    pub fn new(members: Arc<dyn MemberStore>, ambient: Ambient) -> Self {
        Self { members, ambient }
    }

    /// Lists members, the one who joined first first.
    pub async fn page(&self, by: &Membership, filter: &MemberFilter, page: Page) -> Result<Paged<Member>, OrgError> {
        by.require(Permission::ViewAll)?;
        Ok(self.members.page(by.org, filter, page).await?)
    }

    /// Removes a member, or lets one leave. Their sessions in this organization are dead before this returns.
    pub async fn remove(&self, actor: &Actor, by: &Membership, user: UserId) -> Result<(), OrgError> {
        let oneself = by.user == user;
        if !oneself {
            by.require(Permission::ManageMembers)?;
        }
        let member = self.members.find(by.org, user).await?.ok_or(OrgError::MemberNotFound)?;
        if !oneself {
            within_reach(by.role, member.role)?;
        }
        let record = self.record(actor, by, Action::MemberRemoved, user).with("role", member.role);
        match self.members.remove(by.org, user, member.role, &record).await? {
            Removed::Removed => Ok(()),
            Removed::NotFound => Err(OrgError::MemberNotFound),
            Removed::LastOwner => Err(OrgError::LastOwner),
            Removed::Outdated => Err(OrgError::Outdated),
        }
    }

    /// Gives a member another role, neither above one's own. Their sessions in this organization are dead before this returns.
    pub async fn change_role(&self, actor: &Actor, by: &Membership, user: UserId, role: Role) -> Result<(), OrgError> {
        by.require(Permission::ManageMembers)?;
        within_reach(by.role, role)?;
        let member = self.members.find(by.org, user).await?.ok_or(OrgError::MemberNotFound)?;
        within_reach(by.role, member.role)?;
        let record = self.record(actor, by, Action::MemberRoleChanged, user).with("from", member.role).with("to", role);
        match self.members.change_role(by.org, user, member.role, role, &record).await? {
            Changed::Changed => Ok(()),
            Changed::NotFound | Changed::Outdated => Err(OrgError::MemberNotFound),
            Changed::LastOwner => Err(OrgError::LastOwner),
        }
    }

    /// Makes another member the owner and the giver an admin.
    pub async fn transfer(&self, actor: &Actor, by: &Membership, heir: UserId) -> Result<(), OrgError> {
        if by.role != Role::Owner {
            return Err(OrgError::OwnerOnly);
        }
        if heir == by.user {
            return Err(OrgError::MemberNotFound);
        }
        let record = self.record(actor, by, Action::OwnershipTransferred, heir).with("from", by.user);
        match self.members.transfer(by.org, by.user, heir, &record).await? {
            Transferred::Transferred => Ok(()),
            Transferred::NotFound => Err(OrgError::MemberNotFound),
            Transferred::NotOwner => Err(OrgError::OwnerOnly),
        }
    }

    fn record(&self, actor: &Actor, by: &Membership, action: Action, user: UserId) -> Record {
        Record::new(&self.ambient, actor, action, "user", user).within(by.org)
    }
}
