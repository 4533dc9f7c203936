use std::str::FromStr;

use auth_core::Seen;
use auth_core::policy::device::describe;
use kernel::{BadId, SessionId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::time;

/// Which sessions to end: what the path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    One(SessionId),
    Others,
    All,
}

impl FromStr for Which {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        match text {
            "others" => Ok(Self::Others),
            "all" => Ok(Self::All),
            id => id.parse().map(Self::One),
        }
    }
}

impl Which {
    /// What was done, for people.
    pub(super) const fn done(self) -> &'static str {
        match self {
            Self::One(_) => "the session has ended",
            Self::Others => "all other sessions have ended",
            Self::All => "all sessions have ended",
        }
    }
}

/// The user's sessions, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionList {
    /// The sessions.
    sessions: Vec<SessionEntry>,
}

impl SessionList {
    pub(super) fn new(seen: Vec<Seen>, current: SessionId) -> Self {
        Self { sessions: seen.into_iter().map(|seen| SessionEntry::new(seen, current)).collect() }
    }
}

/// A session. Its id is not a credential.
#[derive(Serialize, ToSchema)]
struct SessionEntry {
    /// Names the session.
    #[schema(example = "ses_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// The same.
    #[schema(example = "ses_01890a5d-ac96-774b-bcce-b302099a8057")]
    session_id: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-11-22T10:13:20.000000Z")]
    created_at: String,
    /// When a request last used it.
    #[schema(format = DateTime, example = "2026-11-22T10:43:20.000000Z")]
    last_active: String,
    /// The same.
    #[schema(format = DateTime, example = "2026-11-22T10:43:20.000000Z")]
    last_activity: String,
    /// The same.
    #[serde(rename = "lastActive")]
    #[schema(format = DateTime, example = "2026-11-22T10:43:20.000000Z")]
    last_active_camel: String,
    /// When it ends whatever happens.
    #[schema(format = DateTime, example = "2026-11-22T22:13:20.000000Z")]
    expires_at: String,
    /// The address it was made from.
    #[schema(example = "192.0.2.7")]
    ip_address: Option<String>,
    /// The same.
    #[schema(example = "192.0.2.7")]
    ip: Option<String>,
    /// Always null: addresses are not looked up.
    location: Option<String>,
    /// The user agent it was made with.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")]
    user_agent: Option<String>,
    /// The user agent in words.
    #[schema(example = "Firefox on Linux")]
    device: String,
    /// Whether this request was made with it.
    #[schema(example = true)]
    is_current: bool,
    /// The same.
    #[serde(rename = "isCurrent")]
    #[schema(example = true)]
    is_current_camel: bool,
}

impl SessionEntry {
    fn new(seen: Seen, current: SessionId) -> Self {
        let Seen { session, last_seen } = seen;
        let (id, last_seen, is_current) = (session.id.to_string(), time(last_seen), session.id == current);
        Self {
            id: id.clone(),
            session_id: id,
            created_at: time(session.created_at),
            last_active: last_seen.clone(),
            last_activity: last_seen.clone(),
            last_active_camel: last_seen,
            expires_at: time(session.expires_at),
            ip_address: session.ip.clone(),
            ip: session.ip,
            location: None,
            device: describe(session.user_agent.as_deref()),
            user_agent: session.user_agent,
            is_current,
            is_current_camel: is_current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Which;

    #[test]
    fn a_path_names_one_session_or_others_or_all_and_nothing_else() {
        let text = "ses_01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(text.parse(), text.parse().map(Which::One));
        assert_eq!("others".parse(), Ok(Which::Others));
        assert_eq!("all".parse(), Ok(Which::All));
        for wrong in ["", "ALL", "other", "*", "usr_01890a5d-ac96-774b-bcce-b302099a8057"] {
            assert!(wrong.parse::<Which>().is_err(), "{wrong}");
        }
    }
}
