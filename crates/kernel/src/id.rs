use std::{fmt, str::FromStr};

use uuid::{Builder, Uuid};

use crate::{Ambient, Timestamp};

/// The text is not an id of the expected kind: `<prefix>_<lower-case hyphenated UUID>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {0}_xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")]
pub struct BadId(pub &'static str);

fn uuid_v7(at: Timestamp, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, BadId> {
    let bad = BadId(prefix);
    let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(bad)?;
    let id = Uuid::try_parse(rest).ok().ok_or(bad)?;
    // One spelling per id: what we print is the only thing we accept.
    if id.hyphenated().to_string() == rest { Ok(id) } else { Err(bad) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the wire form begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id (UUIDv7, RFC 9562): sorts by the time it was made.
            pub fn mint(ambient: &Ambient) -> Self {
                Self(uuid_v7(ambient.now(), ambient.random()))
            }

            /// Takes a UUID that is known to name such a thing, as read from a store.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID without its prefix, for a store.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, self.0.hyphenated())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                parse(Self::PREFIX, text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person or a machine account.
    UserId = "usr",
    /// An organization: the tenant.
    OrgId = "org",
    /// A signed-in session. Not a credential: it names the session in lists and in the trail.
    SessionId = "ses",
    /// An invitation to join an organization. Not the token in the mail.
    InvitationId = "inv",
    /// One entry of the audit trail.
    RecordId = "rec",
    /// An API key. Not the key itself.
    ApiKeyId = "apk",
    /// Quantity held for a call that is under way.
    ReservationId = "rsv",
    /// A customer's key at a provider. Not the key itself.
    ProviderKeyId = "key",
    /// What an organization pays for. Not the payment provider's name for it.
    SubscriptionId = "sub",
    /// An invoice. Not its number.
    InvoiceId = "in",
    /// Something that another system is asked to do; it keeps its name over all tries.
    TaskId = "task",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_only_in_the_spelling_it_prints() {
        let id = UserId::mint(&Ambient::system());
        let text = id.to_string();
        assert_eq!(text.parse::<UserId>(), Ok(id));
        assert_eq!(id.uuid().get_version_num(), 7);
        for wrong in [
            text.to_uppercase(),
            text.replace('-', ""),
            text.replace("usr", "org"),
            format!("{text} "),
            id.uuid().to_string(),
            String::new(),
        ] {
            assert_eq!(wrong.parse::<UserId>(), Err(BadId("usr")), "{wrong}");
        }
    }
}
