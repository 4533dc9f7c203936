use kernel::{OrgId, RecordId, Timestamp, UserId};

/// One entry of the trail, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry's id.
    pub id: RecordId,
    /// When it was done.
    pub at: Timestamp,
    /// In which organization, if in one.
    pub org: Option<OrgId>,
    /// The acting user, if it was one.
    pub user: Option<UserId>,
    /// `user`, `system` or `anonymous`.
    pub actor_type: String,
    /// The address the request came from.
    pub ip: Option<String>,
    /// The user agent, at most 256 characters.
    pub user_agent: Option<String>,
    /// The name of the [`kernel::Action`].
    pub action: String,
    /// What it was done to: the kind of thing.
    pub resource_type: String,
    /// What it was done to: the thing's id.
    pub resource_id: String,
    /// `success`, `failure` or `denied`.
    pub result: String,
    /// What else was worth remembering.
    pub metadata: Vec<(String, String)>,
    /// A hash of the session's credential.
    pub session: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}

/// Which entries to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailFilter {
    /// Only of this organization.
    pub org: Option<OrgId>,
    /// Only of this user's doing.
    pub user: Option<UserId>,
    /// Only this action, by name.
    pub action: Option<String>,
}
