use std::sync::Arc;

use kernel::{Action, Actor, Ambient, OrgId, Page, Paged, Record, Role, UserId};

use crate::{
    Created, Entitlement, Entitlements, Joined, MemberStore, Membership, OnTier, Org, OrgError, OrgFilter, OrgName,
    OrgStats, OrgStatus, OrgStore, OrgSummary, Patched, Permission, Settings, SettingsPatch, Slug, StatusChanged,
};

/// The ports of [`Orgs`].
#[derive(Clone)]
pub struct OrgPorts {
    /// Organizations.
    pub orgs: Arc<dyn OrgStore>,
    /// Their members.
    pub members: Arc<dyn MemberStore>,
    /// What their plans give them.
    pub entitlements: Arc<dyn Entitlements>,
}

/// An organization with what its plan gives it and how full it is.
#[derive(Debug, Clone)]
pub struct OrgView {
    /// The organization.
    pub org: Org,
    /// Its plan.
    pub entitlement: Entitlement,
    /// Its counts.
    pub stats: OrgStats,
    /// The e-mail address of its longest-standing active owner.
    pub owner: Option<String>,
}

/// Organizations as a whole.
#[derive(Clone)]
pub struct Orgs {
    ports: OrgPorts,
    ambient: Ambient,
}

impl Orgs {
    /// The use cases over these ports.
    pub fn new(ports: OrgPorts, ambient: Ambient) -> Self {
        Self { ports, ambient }
    }

    /// Proves that a user is an active member of an active organization, reading it now: a change of role or a removal decides the
    /// very next call. Foreign, unknown, suspended and deleted organizations answer alike.
    pub async fn membership(&self, org: OrgId, user: UserId) -> Result<Membership, OrgError> {
        match self.ports.members.role(org, user).await? {
            Some((role, OrgStatus::Active)) => Ok(Membership { org, user, role }),
            Some((_, OrgStatus::Suspended | OrgStatus::Deleted)) | None => Err(OrgError::OrgNotFound),
        }
    }

    /// Makes an organization; the caller is its owner. Without a slug one is made from the name.
    pub async fn create(
        &self,
        actor: &Actor,
        user: UserId,
        name: OrgName,
        slug: Option<Slug>,
    ) -> Result<Org, OrgError> {
        let slug = slug.unwrap_or_else(|| Slug::from_name(&name, self.ambient.random()));
        let org = Org {
            id: OrgId::mint(&self.ambient),
            name,
            slug,
            status: OrgStatus::Active,
            created_at: self.ambient.now(),
            settings: Settings::default(),
        };
        let record = Record::new(&self.ambient, actor, Action::OrgCreated, "organization", org.id).within(org.id);
        match self.ports.orgs.create(&org, user, &record).await? {
            Created::Created => Ok(org),
            Created::SlugTaken => Err(OrgError::SlugTaken),
        }
    }

    /// The organization, for its members.
    pub async fn get(&self, by: &Membership) -> Result<Org, OrgError> {
        self.ports.orgs.find(by.org).await?.ok_or(OrgError::OrgNotFound)
    }

    /// What the organization's plan gives it.
    pub async fn entitlement(&self, by: &Membership) -> Result<Entitlement, OrgError> {
        Ok(self.ports.entitlements.of(by.org).await?)
    }

    /// What the plan of a user's current organization gives it, without asking for a membership: for the user's own views.
    pub async fn plan_of(&self, org: OrgId) -> Result<Entitlement, OrgError> {
        Ok(self.ports.entitlements.of(org).await?)
    }

    /// The name of an organization's plan, for lists.
    pub async fn tier_of(&self, org: OrgId) -> Result<String, OrgError> {
        Ok(self.ports.entitlements.tier(org).await?)
    }

    /// The organization with plan, counts and owner.
    pub async fn view(&self, by: &Membership) -> Result<OrgView, OrgError> {
        let org = self.get(by).await?;
        let entitlement = self.entitlement(by).await?;
        let stats = self.ports.orgs.stats(by.org, self.ambient.now()).await?;
        let owners = crate::MemberFilter { search: None, role: Some(Role::Owner) };
        let owners = self.ports.members.page(by.org, &owners, Page::default()).await?;
        let active = |m: &&crate::Member| m.status == crate::MemberStatus::Active;
        let owner = owners.items.iter().find(active).map(|m| m.email.clone());
        Ok(OrgView { org, entitlement, stats, owner })
    }

    /// The user's organizations.
    pub async fn joined(&self, user: UserId, page: Page) -> Result<Paged<Joined>, OrgError> {
        Ok(self.ports.orgs.joined(user, page).await?)
    }

    /// Changes the settings that the patch names.
    pub async fn update(&self, actor: &Actor, by: &Membership, patch: &SettingsPatch) -> Result<Org, OrgError> {
        by.require(Permission::ManageSettings)?;
        // Nobody becomes an owner without being made one by an owner.
        if patch.default_role == Some(Role::Owner) {
            return Err(OrgError::RoleAboveOwn);
        }
        let record = Record::new(&self.ambient, actor, Action::OrgUpdated, "organization", by.org).within(by.org);
        match self.ports.orgs.patch(by.org, patch, &record).await? {
            Patched::Patched(org) => Ok(*org),
            Patched::NotFound => Err(OrgError::OrgNotFound),
            Patched::Outdated => Err(OrgError::Outdated),
        }
    }

    /// Every organization that the filter names: for the platform's admins.
    pub async fn list(&self, filter: &OrgFilter, page: Page) -> Result<Paged<OrgSummary>, OrgError> {
        Ok(self.ports.orgs.page(filter, page).await?)
    }

    /// The same, of those for which this plan counts now.
    pub async fn list_on_tier(
        &self,
        filter: &OrgFilter,
        tier: &str,
        page: Page,
    ) -> Result<Paged<OrgSummary>, OrgError> {
        let otherwise = self.ports.entitlements.default_tier().await?;
        let on = OnTier { tier: tier.to_owned(), otherwise, at: self.ambient.now() };
        self.list(&OrgFilter { on: Some(on), ..filter.clone() }, page).await
    }

    /// Suspends an organization or makes it active again: for the platform's admins. An organization without an active owner
    /// cannot become active: [`OrgError::NoActiveOwner`].
    pub async fn set_status(&self, actor: &Actor, org: OrgId, status: OrgStatus) -> Result<(), OrgError> {
        let record = Record::new(&self.ambient, actor, Action::OrgStatusChanged, "organization", org).within(org);
        self.change_status(org, status, &record.with("status", status.as_str())).await
    }

    /// Deletes an organization softly: for its owners (with a [`Membership`]) and the platform's admins (without one).
    pub async fn delete(
        &self,
        actor: &Actor,
        org: OrgId,
        by: Option<&Membership>,
        confirm: bool,
    ) -> Result<(), OrgError> {
        if let Some(by) = by {
            by.require(Permission::DeleteOrg)?;
        }
        if !confirm {
            return Err(OrgError::ConfirmRequired);
        }
        let record = Record::new(&self.ambient, actor, Action::OrgDeleted, "organization", org).within(org);
        self.change_status(org, OrgStatus::Deleted, &record).await
    }

    async fn change_status(&self, org: OrgId, status: OrgStatus, record: &Record) -> Result<(), OrgError> {
        match self.ports.orgs.set_status(org, status, record).await? {
            StatusChanged::Changed => Ok(()),
            StatusChanged::NotFound => Err(OrgError::OrgNotFound),
            StatusChanged::LastOwner => Err(OrgError::NoActiveOwner),
        }
    }
}
