use sha2::{Digest, Sha256};

use crate::Draft;

/// What the encoding below is for; another encoding gets another name.
const DOMAIN: &[u8] = b"ops-center usage event 1";

/// A field with its length before it, so that no two lists of fields have one encoding. A field that is missing has the length −1.
fn field(hash: &mut Sha256, bytes: Option<&[u8]>) {
    let length = bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    hash.update(length.to_be_bytes());
    hash.update(bytes.unwrap_or_default());
}

impl Draft {
    /// SHA-256 over all but `received_at`: two drafts with one name are the same event exactly when these are equal. Times count to
    /// the microsecond.
    pub fn fingerprint(&self) -> [u8; 32] {
        let hash = &mut Sha256::new();
        field(hash, Some(DOMAIN));
        field(hash, Some(self.org.uuid().as_bytes()));
        field(hash, Some(self.event.as_str().as_bytes()));
        field(hash, self.user.map(|user| user.uuid().into_bytes()).as_ref().map(<[u8; 16]>::as_slice));
        field(hash, Some(self.service.as_str().as_bytes()));
        field(hash, self.action.as_ref().map(|action| action.as_str().as_bytes()));
        field(hash, Some(&self.quantity.get().to_be_bytes()));
        let occurred = self.occurred_at.map(|at| at.timestamp_micros().to_be_bytes());
        field(hash, occurred.as_ref().map(<[u8; 8]>::as_slice));
        field(hash, self.metadata.as_ref().map(String::as_bytes));
        std::mem::take(hash).finalize().into()
    }
}
