use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use kernel::{Ambient, StoreError};
use lettre::Message;
use org_core::{Invitation, InvitationMail, InvitationToken};

use crate::{Notice, NoticeMail, Sender, letter::Letter};

/// Writes each mail as a file for the operator to read, forward or fetch, and logs its link.
#[derive(Clone)]
pub struct OutboxMail {
    dir: PathBuf,
    public_url: String,
    from: Sender,
    ambient: Ambient,
}

impl OutboxMail {
    /// Mails become `.eml` files (RFC 5322, mode 0600) in this folder, which is made (mode 0700) when the first mail comes.
    /// Links begin with `public_url`.
    pub fn new(dir: impl Into<PathBuf>, public_url: impl Into<String>, from: Sender, ambient: Ambient) -> Self {
        Self { dir: dir.into(), public_url: public_url.into(), from, ambient }
    }

    /// Sorts by time, and no two are the same: `20261103T120000.000000Z-0123456789abcdef.eml`.
    fn file_name(&self) -> String {
        let suffix: String = self.ambient.random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{suffix}.eml", self.ambient.now().format("%Y%m%dT%H%M%S%.6fZ"))
    }

    /// Writes the file, and says where it is.
    async fn keep(&self, mail: Message) -> Result<PathBuf, StoreError> {
        let (dir, name, mail) = (self.dir.clone(), self.file_name(), mail.formatted());
        let written = tokio::task::spawn_blocking(move || write(&dir, &name, &mail)).await;
        written.map_err(StoreError::broken)?.map_err(StoreError::unavailable)
    }
}

#[async_trait]
impl NoticeMail for OutboxMail {
    async fn notify(&self, notice: &Notice) -> Result<(), StoreError> {
        let path = self.keep(notice.render(&self.from.0, &self.ambient)?).await?;
        tracing::info!(file = %path.display(), "no mail server is set: a notice is in the outbox");
        Ok(())
    }
}

#[async_trait]
impl InvitationMail for OutboxMail {
    async fn send(
        &self,
        invitation: &Invitation,
        token: &InvitationToken,
        org_name: &str,
        inviter: &str,
    ) -> Result<(), StoreError> {
        let letter = Letter::new(invitation, token, &self.public_url, org_name, inviter);
        let path = self.keep(letter.render(&self.from.0, &self.ambient)?).await?;
        tracing::info!(link = letter.link, file = %path.display(), "no mail server is set: the invitation is in the outbox");
        Ok(())
    }
}

/// The file appears whole or not at all.
fn write(dir: &Path, name: &str, mail: &[u8]) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let (draft, path) = (dir.join(format!(".{name}")), dir.join(name));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(mail)?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    });
    if let Err(error) = written {
        // Half a mail helps nobody; the first error is the one to tell.
        fs::remove_file(&draft).ok();
        return Err(error);
    }
    Ok(path)
}
