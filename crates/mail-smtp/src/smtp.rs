use std::time::Duration;

use async_trait::async_trait;
use kernel::{Ambient, StoreError};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use org_core::{Invitation, InvitationMail, InvitationToken};
use secrecy::{ExposeSecret, SecretString};

use crate::{Notice, NoticeMail, Sender, letter::Letter};

/// For connecting and for each answer of the server.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole mail: a server that answers each command just in time must not hold a request.
const DEADLINE: Duration = Duration::from_secs(10);

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte (RFC 8314, usually port 465).
    Implicit,
    /// STARTTLS, or nothing is sent (RFC 3207, usually port 587).
    StartTls,
    /// Not at all: for a relay on the same machine only. A password crosses the network in the clear.
    None,
}

/// The mail server and who we are to it.
#[derive(Debug, Clone)]
pub struct SmtpOptions {
    /// The server's name, which its certificate must carry.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// The account at the server; `None` for a server that asks for none.
    pub username: Option<String>,
    /// The account's password.
    pub password: SecretString,
    /// Who the mails are from.
    pub from: Sender,
}

/// Hands each mail to a mail server.
#[derive(Clone)]
pub struct SmtpMail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    public_url: String,
    from: Sender,
    ambient: Ambient,
}

impl SmtpMail {
    /// Mails go out through this server, with links that begin with `public_url`. Nothing is sent yet; `StoreError::Broken` for
    /// a host that cannot be one.
    pub fn new(options: SmtpOptions, public_url: impl Into<String>, ambient: Ambient) -> Result<Self, StoreError> {
        let parameters = || TlsParameters::new(options.host.clone()).map_err(StoreError::broken);
        let tls = match options.tls {
            SmtpTls::Implicit => Tls::Wrapper(parameters()?),
            SmtpTls::StartTls => Tls::Required(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(options.host.clone())
            .port(options.port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some(username) = options.username {
            server = server.credentials(Credentials::new(username, options.password.expose_secret().to_owned()));
        }
        Ok(Self { server: server.build(), public_url: public_url.into(), from: options.from, ambient })
    }

    async fn hand_over(&self, mail: Message) -> Result<(), StoreError> {
        match tokio::time::timeout(DEADLINE, self.server.send(mail)).await {
            Ok(answer) => answer.map(drop).map_err(StoreError::unavailable),
            Err(elapsed) => Err(StoreError::unavailable(elapsed)),
        }
    }
}

#[async_trait]
impl NoticeMail for SmtpMail {
    async fn notify(&self, notice: &Notice) -> Result<(), StoreError> {
        self.hand_over(notice.render(&self.from.0, &self.ambient)?).await
    }
}

#[async_trait]
impl InvitationMail for SmtpMail {
    async fn send(
        &self,
        invitation: &Invitation,
        token: &InvitationToken,
        org_name: &str,
        inviter: &str,
    ) -> Result<(), StoreError> {
        let mail =
            Letter::new(invitation, token, &self.public_url, org_name, inviter).render(&self.from.0, &self.ambient)?;
        let sent = self.hand_over(mail).await;
        if let Err(StoreError::Unavailable(cause) | StoreError::Broken(cause)) = &sent {
            tracing::warn!(invitation = %invitation.id, %cause, "the mail did not leave; resending the invitation tries again");
        }
        sent
    }
}
