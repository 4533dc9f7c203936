use kernel::{Action, Actor, OrgId, Record, StoreError};

use super::keys::endpoint_of;
use crate::{Byok, ByokError, Finding, ProviderId, ProviderKey, Test, Trial};

impl Byok {
    /// Asks the provider whether it takes the organization's key, and remembers what it said.
    pub async fn test(&self, actor: &Actor, org: OrgId, id: &ProviderId) -> Result<Finding, ByokError> {
        self.entitled(org).await?;
        // Once more for whoever replaced the key meanwhile: what is said is said of the key that is there.
        for _ in 0..2 {
            let key = self.ports.keys.now(org, id).await?.ok_or_else(|| ByokError::NoKey(id.clone()))?;
            if let Some(finding) = self.try_out(actor, &key).await? {
                return Ok(finding);
            }
        }
        Err(StoreError::unavailable("the key was changed by others at the same time").into())
    }

    /// Tests this key and remembers the finding; `None` when it is another key by then, or gone.
    pub(super) async fn try_out(&self, actor: &Actor, key: &ProviderKey) -> Result<Option<Finding>, ByokError> {
        let provider = self.provider(&key.provider)?;
        let endpoint = endpoint_of(provider, key)?;
        let secret = self.open(key).await?;
        let finding = self.ports.probe.probe(Trial { provider, endpoint, secret: &secret }).await;
        let test = Test::after(key.tested, self.ambient.now(), finding.verdict);
        let record = Record::new(&self.ambient, actor, Action::ProviderKeyTested, "provider_key", key.id)
            .within(key.org)
            .with("provider", &key.provider)
            .with("verdict", finding.verdict.as_str());
        let remembered = self.ports.keys.tested(key, test, &record).await?;
        Ok(remembered.then_some(finding))
    }
}
