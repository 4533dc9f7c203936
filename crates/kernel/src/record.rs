use crate::{Action, Actor, Ambient, OrgId, RecordId, Timestamp};

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was tried with the wrong means (a wrong password).
    Failure,
    /// It was not allowed.
    Denied,
}

impl Outcome {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
        }
    }
}

/// What an action was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `user`, `session`, `organization`, `invitation`, …
    pub kind: &'static str,
    /// The thing's id on the wire.
    pub id: String,
}

/// One entry for the audit trail. A port's change method takes it and commits it with the change, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The entry's own id.
    pub id: RecordId,
    /// When it was done.
    pub at: Timestamp,
    /// By whom, and from where.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// In which organization, if in one.
    pub org: Option<OrgId>,
    /// To what.
    pub resource: Resource,
    /// What else is worth remembering. Never a secret.
    pub metadata: Vec<(&'static str, String)>,
}

impl Record {
    /// A success of this actor, now.
    pub fn new(ambient: &Ambient, actor: &Actor, action: Action, kind: &'static str, id: impl ToString) -> Self {
        Self {
            id: RecordId::mint(ambient),
            at: ambient.now(),
            actor: actor.clone(),
            action,
            outcome: Outcome::Success,
            org: None,
            resource: Resource { kind, id: id.to_string() },
            metadata: Vec::new(),
        }
    }

    /// The same, inside an organization.
    #[must_use]
    pub fn within(mut self, org: OrgId) -> Self {
        self.org = Some(org);
        self
    }

    /// The same, with another end.
    #[must_use]
    pub fn ended(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The same, with one more thing worth remembering.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.metadata.push((key, value.to_string()));
        self
    }
}
