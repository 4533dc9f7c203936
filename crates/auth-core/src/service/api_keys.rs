use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Months, SubsecRound, TimeDelta};
use kernel::{Action, Actor, Ambient, ApiKeyId, OrgId, Outcome, PlatformRole, Record, StoreError, Timestamp, UserId};
use secrecy::{ExposeSecret, SecretString};

use crate::policy::throttle::{NOTED_GUESSES, PER_ADDRESS, key_guess_key, key_guess_note_key};
use crate::{
    ApiKey, ApiKeyStore, ApiKeyToken, Attempt, AuthError, Freshness, KeyKept, KeyRevoked, NewApiKey, Scope, Standings,
    Throttle,
};

/// How far away a key's end may be.
const LONGEST: Months = Months::new(5 * 12);
/// How often a use of a key is remembered.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// How many keys' last uses are held in memory before old ones are cleared away.
const HELD: usize = 1024;

/// Makes, revokes and recognises the keys of services.
#[derive(Clone)]
pub struct ApiKeys {
    keys: Arc<dyn ApiKeyStore>,
    standings: Arc<dyn Standings>,
    throttle: Arc<dyn Throttle>,
    ambient: Ambient,
    used: Arc<Mutex<HashMap<ApiKeyId, Timestamp>>>,
}

impl ApiKeys {
    /// The use cases over these ports.
    pub fn new(
        keys: Arc<dyn ApiKeyStore>,
        standings: Arc<dyn Standings>,
        throttle: Arc<dyn Throttle>,
        ambient: Ambient,
    ) -> Self {
        Self { keys, standings, throttle, ambient, used: Arc::default() }
    }

    /// Makes a key for an organization whose keys the actor may manage. Its text is in the answer and nowhere else.
    /// `by` is the actor's role on the platform: only its administrators make keys that act for every organization.
    pub async fn create(
        &self,
        actor: &Actor,
        org: OrgId,
        by: PlatformRole,
        new: NewApiKey,
    ) -> Result<(ApiKey, ApiKeyToken), AuthError> {
        if new.platform && by != PlatformRole::Admin {
            return Err(AuthError::PlatformAdminOnly);
        }
        if new.scopes.contain(Scope::AdminRead) && !new.platform {
            return Err(AuthError::PlatformScope);
        }
        let now = self.ambient.now();
        let expires_at = new.expires_at.map(|end| end.trunc_subsecs(6));
        let latest = now.checked_add_months(LONGEST).unwrap_or(Timestamp::MAX_UTC);
        if expires_at.is_some_and(|end| end <= now || end > latest) {
            return Err(AuthError::BadKeyExpiry);
        }
        let token = ApiKeyToken::mint(&self.ambient);
        let key = ApiKey {
            id: ApiKeyId::mint(&self.ambient),
            org,
            name: new.name,
            scopes: new.scopes,
            platform: new.platform,
            preview: token.preview(),
            created_at: now,
            expires_at,
            last_used: None,
            revoked_at: None,
        };
        let record = Record::new(&self.ambient, actor, Action::ApiKeyCreated, "api_key", key.id).within(org);
        let record = record.with("name", key.name.as_str()).with("scopes", &key.scopes).with("platform", key.platform);
        match self.keys.create(&key, &token.hash(), &record).await? {
            KeyKept::Kept => Ok((key, token)),
            KeyKept::TooMany => Err(AuthError::TooManyKeys),
            KeyKept::Outdated => Err(AuthError::Outdated),
        }
    }

    /// The organization's keys that are not revoked, newest first.
    pub async fn list(&self, org: OrgId) -> Result<Vec<ApiKey>, AuthError> {
        Ok(self.keys.list(org).await?)
    }

    /// Revokes a key of the organization: within a second it is dead for every process.
    pub async fn revoke(&self, actor: &Actor, org: OrgId, id: ApiKeyId) -> Result<(), AuthError> {
        let record = Record::new(&self.ambient, actor, Action::ApiKeyRevoked, "api_key", id).within(org);
        match self.keys.revoke(org, id, &record).await? {
            KeyRevoked::Revoked => Ok(()),
            KeyRevoked::NotFound => Err(AuthError::ApiKeyNotFound),
            KeyRevoked::Outdated => Err(AuthError::Outdated),
        }
    }

    /// The living key of an active organization with this text; `None` for everything else. Guesses from one address are slowed
    /// down like those at sign-in, on a counter of their own, and one of a minute is remembered; a key that exists is never slowed
    /// down.
    pub async fn authenticate(&self, actor: &Actor, presented: &SecretString) -> Result<Option<ApiKey>, AuthError> {
        let known = match ApiKeyToken::parse(presented.expose_secret()) {
            Some(token) => self.keys.by_hash(&token.hash()).await?,
            None => None,
        };
        let Some(key) = known else {
            return self.count_guess(actor).await.map(|()| None);
        };
        let counts = key.lives(self.ambient.now()) && self.keys.org_active(key.org).await?;
        Ok(counts.then_some(key))
    }

    async fn count_guess(&self, actor: &Actor) -> Result<(), AuthError> {
        let now = self.ambient.now();
        match self.throttle.admit(&key_guess_key(actor.ip), PER_ADDRESS, now).await? {
            Attempt::Admitted => {}
            Attempt::Wait(wait) => return Err(AuthError::TooManyAttempts(wait)),
        }
        // The text itself is remembered nowhere: it may be another platform's secret.
        if self.throttle.admit(&key_guess_note_key(actor.ip), NOTED_GUESSES, now).await? == Attempt::Admitted {
            let record = Record::new(&self.ambient, actor, Action::ApiKeyRefused, "api_key", "unknown");
            self.standings.note(&record.ended(Outcome::Failure)).await?;
        }
        Ok(())
    }

    /// What is left to do after a key was used: remembering it, at most once a minute for each key. To be run beside the answer,
    /// which need not wait for it; `None` when there is nothing to do.
    pub fn note_use(
        &self,
        key: &ApiKey,
    ) -> Option<impl Future<Output = Result<(), StoreError>> + Send + 'static + use<>> {
        let (now, id) = (self.ambient.now(), key.id);
        let due = |last: Timestamp| now - last >= USED_EVERY;
        if !key.last_used.is_none_or(due) || !self.hold(id, now, due) {
            return None;
        }
        let keys = self.keys.clone();
        Some(async move { keys.touch(id, now).await })
    }

    /// Whether this process has not noted a use of the key within the minute: then it is noted.
    fn hold(&self, id: ApiKeyId, now: Timestamp, due: impl Fn(Timestamp) -> bool) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(&id).is_some_and(|last| !due(*last)) {
            return false;
        }
        if used.len() >= HELD {
            used.retain(|_, last| !due(*last));
        }
        used.insert(id, now);
        true
    }

    /// Whether a key may act in this organization, and for this user if one is named: the organization is active, and the user is
    /// an enabled, active member of it. At most one second old, like the key itself.
    pub async fn may_act(&self, org: OrgId, user: Option<UserId>) -> Result<bool, AuthError> {
        let Some(user) = user else { return Ok(self.keys.org_active(org).await?) };
        Ok(self.is_member(org, user, Freshness::Cached).await? || self.is_member(org, user, Freshness::Fresh).await?)
    }

    async fn is_member(&self, org: OrgId, user: UserId, fresh: Freshness) -> Result<bool, AuthError> {
        let standing = self.standings.of(user, Some(org), fresh).await?.filter(|standing| standing.enabled);
        Ok(standing.and_then(|standing| standing.membership).is_some_and(|membership| membership.org_active))
    }
}
