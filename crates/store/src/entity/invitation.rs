use kernel::{OrgId, TokenHash};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

/// Neither accepted nor revoked; past its end it still can be renewed.
pub(crate) const OPEN: &str = "open";
/// Used up.
pub(crate) const ACCEPTED: &str = "accepted";
/// Taken back, or its organization was deleted.
pub(crate) const REVOKED: &str = "revoked";
/// Past its end, and another one for the same address took its place.
pub(crate) const EXPIRED: &str = "expired";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub email_canonical: String,
    pub role: String,
    pub invited_by: Uuid,
    pub token_hash: Vec<u8>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub state: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's open invitations.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid())).filter(Column::State.eq(OPEN))
    }

    /// The open invitation with this token: its holder does not know the organization.
    #[expect(clippy::disallowed_methods, reason = "the token is the proof, and unique")]
    pub(crate) fn by_token(token: &TokenHash) -> Select<Self> {
        let hash = token.as_bytes().to_vec();
        Self::find().filter(Column::TokenHash.eq(hash)).filter(Column::State.eq(OPEN))
    }
}
