use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, Email, OrgId, PlatformRole, Role, Timestamp, UserId};

use crate::{User, UserTag, Username};

/// What a contract needs of the world around the ports of this crate. An adapter's test answers it with its own organization store,
/// and [`KeptRecords`] with a look into its audit table.
#[async_trait]
pub trait Population: KeptRecords {
    /// Keeps an account without a password, as it is.
    async fn account(&self, user: &User);
    /// Makes an active organization, whose one owner joined at this time.
    async fn org(&self, owner: UserId, at: Timestamp) -> OrgId;
    /// Makes the user a member; somebody who was removed can come back.
    async fn join(&self, org: OrgId, user: UserId, role: Role, at: Timestamp);
    /// Gives a member another role.
    async fn change_role(&self, org: OrgId, user: UserId, role: Role);
    /// Removes a member.
    async fn remove(&self, org: OrgId, user: UserId);
    /// Suspends the organization, or makes it active again.
    async fn set_org_active(&self, org: OrgId, active: bool);
}

/// An enabled account that nobody else has: with a random name and address, made now.
///
/// # Panics
/// Never: the name and the address are good ones.
#[expect(clippy::expect_used, reason = "hexadecimal digits make good names")]
pub fn invented_user(ambient: &Ambient) -> User {
    let unique: String = ambient.random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
    User {
        id: UserId::mint(ambient),
        email: Email::parse(&format!("{unique}@example.com")).expect("an address"),
        email_verified: true,
        username: Username::parse(&format!("u-{unique}")).expect("a user name"),
        role: PlatformRole::User,
        enabled: true,
        tag: UserTag::mint(ambient),
        created_at: ambient.now(),
        last_login: None,
    }
}

/// The users whose sessions a contract makes.
#[derive(Debug, Clone)]
pub struct SessionOwners {
    /// Whose sessions are looked at.
    pub user: User,
    /// Whose sessions must not be touched by that.
    pub bystander: User,
    /// The organization that some of the sessions are in.
    pub org: OrgId,
}

impl SessionOwners {
    /// For a session store that keeps no accounts.
    pub fn invented(ambient: &Ambient) -> Self {
        Self { user: invented_user(ambient), bystander: invented_user(ambient), org: OrgId::mint(ambient) }
    }

    /// For a session store whose rows refer to accounts and organizations.
    pub async fn settled(population: &dyn Population, ambient: &Ambient) -> Self {
        let (user, bystander) = (invented_user(ambient), invented_user(ambient));
        population.account(&user).await;
        population.account(&bystander).await;
        let org = population.org(user.id, ambient.now()).await;
        Self { user, bystander, org }
    }
}
