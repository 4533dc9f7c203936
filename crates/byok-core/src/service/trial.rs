use kernel::{Action, Actor, OrgId, Outcome, Record, StoreError};

use crate::{Byok, ByokError, Finding, ProviderId, ProviderKey, Remembered, TestRun, Trial};

impl Byok {
    /// Asks the provider whether it takes the organization's key, and remembers what it said. A key that cannot be shown to it is in the
    /// trail.
    pub async fn test(&self, actor: &Actor, org: OrgId, id: &ProviderId) -> Result<Finding, ByokError> {
        self.entitled(org).await?;
        // Once more for whoever replaced the key meanwhile: what is said is said of the key that is there.
        for _ in 0..2 {
            let key = self.ports.keys.now(org, id).await?.ok_or_else(|| ByokError::NoKey(id.clone()))?;
            if let Some((finding, _)) = self.try_out(actor, &key).await? {
                return Ok(finding);
            }
        }
        Err(StoreError::unavailable("the key was changed by others at the same time").into())
    }

    /// Tests this key and remembers the finding, if no later test was faster; `None` when it is another key by then, or gone.
    pub(super) async fn try_out(
        &self,
        actor: &Actor,
        key: &ProviderKey,
    ) -> Result<Option<(Finding, Remembered)>, ByokError> {
        let (provider, store) = (self.provider(&key.provider)?, &self.ports.keys);
        let (secret, endpoint) = match self.unlock(provider, key).await {
            Ok(unlocked) => unlocked,
            Err(ByokError::Store(error)) => return Err(error.into()),
            Err(why) => {
                let record = self.record_of_test(actor, key).ended(Outcome::Failure);
                return if store.handed_out(key, &record).await? { Err(why) } else { Ok(None) };
            }
        };
        let began_at = self.ambient.now();
        let finding = self.ports.probe.probe(Trial { provider, endpoint, secret: &secret }).await;
        let run = TestRun { began_at, ended_at: self.ambient.now(), verdict: finding.verdict };
        let record = self.record_of_test(actor, key).with("verdict", finding.verdict.as_str());
        let remembered = store.tested(key, run, &record).await?;
        Ok((remembered != Remembered::Gone).then_some((finding, remembered)))
    }

    fn record_of_test(&self, actor: &Actor, key: &ProviderKey) -> Record {
        Record::new(&self.ambient, actor, Action::ProviderKeyTested, "provider_key", key.id)
            .within(key.org)
            .with("provider", &key.provider)
    }
}
