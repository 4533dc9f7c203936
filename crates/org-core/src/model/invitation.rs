use std::fmt;

use kernel::{Ambient, Email, InvitationId, OrgId, Role, Timestamp, TokenHash, UserId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The 256-bit secret in the mail's link: 64 lower-case hexadecimal characters. Only its hash is stored.
#[derive(Clone)]
pub struct InvitationToken(SecretString);

impl InvitationToken {
    /// A new token.
    pub fn mint(ambient: &Ambient) -> Self {
        let text: String = ambient.random::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(text.into())
    }

    /// Reads a token that a client sent; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (hex && text.len() == 64).then(|| Self(text.into()))
    }

    /// SHA-256 of the text: the only form that is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::from_bytes(Sha256::digest(self.expose().as_bytes()).into())
    }

    /// The text, for the mail to the invited person and for nobody else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(…)")
    }
}

/// An open invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// To which organization.
    pub org: OrgId,
    /// Whom.
    pub email: Email,
    /// What they will be.
    pub role: Role,
    /// Who asked them.
    pub invited_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// What the invited person may see before they sign in, holding the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The organization's name.
    pub org_name: String,
    /// Whom it is for.
    pub email: Email,
    /// What they will be.
    pub role: Role,
}

/// How an addition ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invited {
    /// The known user is a member now.
    Member(UserId, Role),
    /// An invitation is open now.
    Invitation {
        /// The invitation.
        invitation: Invitation,
        /// Whether its mail left the house; if not, `resend` tries again.
        mailed: bool,
    },
}
