use async_trait::async_trait;
use kernel::{Email, InvitationId, OrgId, Page, Paged, Record, Role, StoreError, Timestamp, TokenHash, UserId};

use crate::{
    Entitlement, Invitation, InvitationToken, Joined, Member, MemberFilter, Org, OrgFilter, OrgStats, OrgStatus,
    OrgSummary, SettingsPatch,
};

/// Answer of [`OrgStore::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It exists now, with its owner.
    Created,
    /// Another organization has the slug (deleted ones keep theirs).
    SlugTaken,
}

/// Answer of [`OrgStore::set_status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChanged {
    /// It has the state now.
    Changed,
    /// There is none that is not deleted.
    NotFound,
    /// It would be active without an active owner; nothing changed.
    LastOwner,
}

/// Answer of [`OrgStore::patch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patched {
    /// The organization as it is now.
    Patched(Box<Org>),
    /// There is none that is not deleted.
    NotFound,
    /// The caller's role is not what the caller's decision was made on; nothing changed.
    Outdated,
}

/// Organizations. Every method that is given one reads and writes that one only.
#[async_trait]
pub trait OrgStore: Send + Sync {
    /// Makes the organization and its first owner, in one step.
    async fn create(&self, org: &Org, owner: UserId, record: &Record) -> Result<Created, StoreError>;
    /// Reads one, deleted ones included.
    async fn find(&self, org: OrgId) -> Result<Option<Org>, StoreError>;
    /// Lists organizations, newest first.
    async fn page(&self, filter: &OrgFilter, page: Page) -> Result<Paged<OrgSummary>, StoreError>;
    /// A user's organizations that are not deleted, the one joined first first; its cost does not grow with their number.
    async fn joined(&self, user: UserId, page: Page) -> Result<Paged<Joined>, StoreError>;
    /// Changes the keys that the patch names. Concurrent patches of different keys both hold. The caller is the user of
    /// `record.actor`, who in the same step must hold [`ManageSettings`](crate::Permission::ManageSettings) if they are or were a
    /// member: who does not gets `Outdated`. Who never was a member acts by another right.
    async fn patch(&self, org: OrgId, patch: &SettingsPatch, record: &Record) -> Result<Patched, StoreError>;
    /// Changes the state of an organization that is not deleted. Deleting ends its open invitations.
    /// What is not active has no sessions: leaving `Active` moves the epoch of every membership, so that none comes back.
    async fn set_status(&self, org: OrgId, status: OrgStatus, record: &Record) -> Result<StatusChanged, StoreError>;
    /// Counts at `now`.
    async fn stats(&self, org: OrgId, now: Timestamp) -> Result<OrgStats, StoreError>;
}

/// Answer of [`MemberStore::add`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// A member now.
    Added,
    /// Was one before.
    AlreadyMember,
    /// Members and open invitations fill all seats.
    SeatLimit,
    /// The caller's role is not what the caller's decision was made on; nothing changed.
    Outdated,
}

/// Answer of [`MemberStore::remove`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// No member any more.
    Removed,
    /// Was none.
    NotFound,
    /// An active organization would have no active owner; nothing changed.
    LastOwner,
    /// The caller's role is not what the caller's decision was made on; nothing changed.
    Outdated,
}

/// Answer of [`MemberStore::change_role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Has the new role; sessions of the member in this organization are dead. (Also when it was the same role: then nothing died.)
    Changed,
    /// Is no member.
    NotFound,
    /// An active organization would have no active owner; nothing changed.
    LastOwner,
    /// The member's role, or the caller's, is not what the caller's decision was made on; nothing changed.
    Outdated,
}

/// Answer of [`MemberStore::transfer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transferred {
    /// The one is owner, the other admin.
    Transferred,
    /// The heir is no active member (or their account is disabled).
    NotFound,
    /// The giver is no owner any more.
    NotOwner,
}

/// Members. Of a suspended or deleted organization the ownership invariant is not asked for; of an active one it always holds:
/// at least one member is an owner whose account is enabled, whatever races.
///
/// The caller is the user of `record.actor`. In the same step as the change, `add`, `remove` and `change_role` look at the caller's
/// role once more: who is or was a member and does not reach ([`reaches`](crate::policy::reaches)) every role of the change gets
/// `Outdated`, so that nothing is done on a role that was taken away. Who never was a member acts by another right, and everybody
/// may remove themselves.
#[async_trait]
pub trait MemberStore: Send + Sync {
    /// One member's role now; `None` for everybody who is not an active member of a not deleted organization, and for disabled
    /// accounts.
    async fn role(&self, org: OrgId, user: UserId) -> Result<Option<(Role, OrgStatus)>, StoreError>;
    /// One member.
    async fn find(&self, org: OrgId, user: UserId) -> Result<Option<Member>, StoreError>;
    /// Lists members, the one who joined first first.
    async fn page(&self, org: OrgId, filter: &MemberFilter, page: Page) -> Result<Paged<Member>, StoreError>;
    /// Adds a member if a seat is free at `record.at`: members and open invitations together never exceed `seats`.
    async fn add(&self, org: OrgId, user: UserId, role: Role, seats: u32, record: &Record)
    -> Result<Added, StoreError>;
    /// Removes a member and moves the membership's epoch. `expected` is the role on which the caller's decision was made; when the
    /// member has another one by now, the answer is `NotFound`.
    async fn remove(&self, org: OrgId, user: UserId, expected: Role, record: &Record) -> Result<Removed, StoreError>;
    /// Changes a member's role and moves the membership's epoch, if it still is `from`.
    async fn change_role(
        &self,
        org: OrgId,
        user: UserId,
        from: Role,
        to: Role,
        record: &Record,
    ) -> Result<Changed, StoreError>;
    /// Makes `to` an owner and `from` an admin, in one step, and moves both epochs.
    async fn transfer(&self, org: OrgId, from: UserId, to: UserId, record: &Record) -> Result<Transferred, StoreError>;
}

/// Answer of [`InvitationStore::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inviting {
    /// The invitation is open.
    Created,
    /// A member has this address.
    AlreadyMember,
    /// An invitation for this address is open.
    AlreadyInvited,
    /// Members and open invitations fill all seats.
    SeatLimit,
    /// The caller's role is not what the caller's decision was made on; nothing changed.
    Outdated,
}

/// What an invitation is renewed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// The new token; the old one is dead.
    pub token: TokenHash,
    /// The new end.
    pub expires_at: Timestamp,
    /// How many seats the organization has.
    pub seats: u32,
}

/// Answer of [`InvitationStore::renew`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// The invitation as it is now.
    Renewed(Invitation),
    /// There is none that was neither accepted nor revoked.
    NotFound,
    /// It has expired, and members and open invitations fill all seats; nothing changed.
    SeatLimit,
    /// The caller's role is not what the caller's decision was made on; nothing changed.
    Outdated,
}

/// Answer of [`InvitationStore::revoke`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It is taken back.
    Revoked,
    /// There is none that was neither accepted nor revoked.
    NotFound,
    /// The caller's role is not what the caller's decision was made on; nothing changed.
    Outdated,
}

/// Answer of [`InvitationStore::accept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// A member now; the invitation is used up.
    Accepted,
    /// Somebody used the invitation up, or it was taken back.
    Gone,
    /// Was a member before; the invitation is used up.
    AlreadyMember,
    /// All seats are taken by members; the invitation stays open.
    SeatLimit,
}

/// Invitations. An invitation is open until it is accepted, revoked or expired.
///
/// In the same step as the change, `create`, `renew` and `revoke` look at the caller's role once more, as [`MemberStore::add`] does:
/// it must reach the invitation's role.
#[async_trait]
pub trait InvitationStore: Send + Sync {
    /// Opens an invitation if a seat is free at `record.at`: members and open invitations together never exceed `seats`. An expired
    /// invitation for the same address is replaced.
    async fn create(
        &self,
        invitation: &Invitation,
        token: &TokenHash,
        seats: u32,
        record: &Record,
    ) -> Result<Inviting, StoreError>;
    /// The organization's invitations that are open at `now`, newest first.
    async fn open(&self, org: OrgId, now: Timestamp) -> Result<Vec<Invitation>, StoreError>;
    /// The invitation with this token that was neither accepted nor revoked, expired ones included.
    async fn by_token(&self, token: &TokenHash) -> Result<Option<Invitation>, StoreError>;
    /// Gives an invitation that was neither accepted nor revoked a new token and a new end. One that is open at `record.at` has its
    /// seat; one that has expired by then must find a seat free, as a new one would.
    async fn renew(
        &self,
        org: OrgId,
        id: InvitationId,
        renewal: &Renewal,
        record: &Record,
    ) -> Result<Renewed, StoreError>;
    /// Takes an invitation back.
    async fn revoke(&self, org: OrgId, id: InvitationId, record: &Record) -> Result<Revoked, StoreError>;
    /// Uses the invitation up and makes the user a member with its role: of any number of callers exactly one gets `Accepted`.
    async fn accept(
        &self,
        token: &TokenHash,
        user: UserId,
        seats: u32,
        record: &Record,
    ) -> Result<Accepted, StoreError>;
}

/// An account, as far as this crate must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub user: UserId,
    /// Its address.
    pub email: Email,
    /// Whether the address was proved.
    pub email_verified: bool,
    /// What to call them.
    pub name: String,
}

/// What this crate asks about accounts. Answered by the application.
#[async_trait]
pub trait People: Send + Sync {
    /// The enabled account with this address (canonical form).
    async fn by_email(&self, email: &Email) -> Result<Option<Person>, StoreError>;
    /// The enabled account with this id.
    async fn by_id(&self, user: UserId) -> Result<Option<Person>, StoreError>;
    /// The enabled account with this id, if it is an active member of an organization in which `of` is one too: an id alone tells
    /// nobody whose it is.
    async fn colleague(&self, user: UserId, of: UserId) -> Result<Option<Person>, StoreError>;
}

/// What this crate asks about plans. Answered by the application.
#[async_trait]
pub trait Entitlements: Send + Sync {
    /// What the organization's plan gives it now.
    async fn of(&self, org: OrgId) -> Result<Entitlement, StoreError>;
    /// The name of the plan alone, of deleted organizations too: for lists, where the rest would be looked up in vain.
    async fn tier(&self, org: OrgId) -> Result<String, StoreError>;
    /// The name of the plan that counts wherever no other one does.
    async fn default_tier(&self) -> Result<String, StoreError>;
}

/// Tells an invited person.
#[async_trait]
pub trait InvitationMail: Send + Sync {
    /// Sends the mail with the token's link, or says why it could not.
    async fn send(
        &self,
        invitation: &Invitation,
        token: &InvitationToken,
        org_name: &str,
        inviter: &str,
    ) -> Result<(), StoreError>;
}
