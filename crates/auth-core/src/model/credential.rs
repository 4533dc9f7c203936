use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Ambient, TokenHash};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A 256-bit bearer secret in base64url (RFC 4648, 5), 43 characters: a session, a link, a device.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The length of the text, in characters.
    pub const LENGTH: usize = 43;

    /// A new secret.
    pub fn mint(ambient: &Ambient) -> Self {
        Self(URL_SAFE_NO_PAD.encode(ambient.random::<32>()).into())
    }

    /// Reads a secret that a client sent; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32 && text.len() == Self::LENGTH).then(|| Self(text.into()))
    }

    /// SHA-256 of the text: the only form that is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::from_bytes(Sha256::digest(self.expose().as_bytes()).into())
    }

    /// The text, to be handed to its owner and to nobody else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a person types to sign in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// A user name or an e-mail address, as typed.
    pub login: String,
    /// The password, as typed.
    pub password: SecretString,
}

/// A browser that has signed in as somebody before (OWASP device cookie): its own attempts stay possible while strangers
/// are being slowed down.
pub type Device = Secret;
