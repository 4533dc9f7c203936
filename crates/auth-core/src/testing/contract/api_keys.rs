use std::time::Duration;

use kernel::testing::race;
use kernel::{Action, Actor, Ambient, ApiKeyId, OrgId, Record, RecordId, Role, Timestamp, TokenHash, UserId};

use crate::testing::{Population, invented_user};
use crate::{ApiKey, ApiKeyStore, KeyKept, KeyName, KeyRevoked, Scope, Scopes};

const SECOND: Duration = Duration::from_secs(1);

struct Keys<'a> {
    store: &'a dyn ApiKeyStore,
    population: &'a dyn Population,
    ambient: &'a Ambient,
}

impl Keys<'_> {
    /// An active organization without keys.
    async fn org(&self) -> OrgId {
        let owner = invented_user(self.ambient);
        self.population.account(&owner).await;
        self.population.org(owner.id, self.ambient.now()).await
    }

    fn invent(&self, org: OrgId, at: Timestamp) -> (TokenHash, ApiKey) {
        let key = ApiKey {
            id: ApiKeyId::mint(self.ambient),
            org,
            name: KeyName::parse("Gateway \u{1f980} \"eu\" 'one'").unwrap(),
            scopes: Scopes::new([Scope::ActAs, Scope::UsageWrite]).unwrap(),
            platform: false,
            preview: "x-_9".into(),
            created_at: at,
            expires_at: None,
            last_used: None,
            revoked_at: None,
        };
        (TokenHash::from_bytes(self.ambient.random()), key)
    }

    fn record(&self, action: Action, key: &ApiKey, at: Timestamp) -> Record {
        Record { at, ..Record::new(self.ambient, &Actor::system(), action, "api_key", key.id).within(key.org) }
    }

    async fn try_create(&self, hash: &TokenHash, key: &ApiKey) -> (KeyKept, RecordId) {
        let record = self.record(Action::ApiKeyCreated, key, key.created_at);
        (self.store.create(key, hash, &record).await.unwrap(), record.id)
    }

    async fn create(&self, hash: &TokenHash, key: &ApiKey) {
        let (kept, record) = self.try_create(hash, key).await;
        assert_eq!(kept, KeyKept::Kept);
        assert!(self.population.kept(record).await, "the key is kept with its record");
    }

    /// As many new keys of this age as that.
    async fn fill(&self, org: OrgId, count: u32, at: Timestamp, expires_at: Option<Timestamp>) -> Vec<ApiKey> {
        let mut made = Vec::new();
        for _ in 0..count {
            let (hash, key) = self.invent(org, at);
            let key = ApiKey { expires_at, ..key };
            self.create(&hash, &key).await;
            made.push(key);
        }
        made
    }

    async fn by_hash(&self, hash: &TokenHash) -> Option<ApiKey> {
        self.store.by_hash(hash).await.unwrap()
    }

    async fn revoke(&self, org: OrgId, key: &ApiKey, at: Timestamp) -> bool {
        let revoked = self.try_revoke(org, key, self.record(Action::ApiKeyRevoked, key, at)).await;
        assert_ne!(revoked, KeyRevoked::Outdated, "the system may do everything");
        revoked == KeyRevoked::Revoked
    }

    async fn try_revoke(&self, org: OrgId, key: &ApiKey, record: Record) -> KeyRevoked {
        let answer = self.store.revoke(org, key.id, &record).await.unwrap();
        let done = answer == KeyRevoked::Revoked;
        assert_eq!(self.population.kept(record.id).await, done, "the record is kept if and only if it was done");
        answer
    }

    async fn user(&self) -> UserId {
        let user = invented_user(self.ambient);
        self.population.account(&user).await;
        user.id
    }

    /// What this user answers for: makes a key, and revokes one.
    async fn tries(&self, by: UserId, org: OrgId, old: Option<&ApiKey>) -> (KeyKept, Option<KeyRevoked>) {
        let now = self.ambient.now();
        let theirs = |record: Record| Record { actor: Actor::user(by), ..record };
        let (hash, new) = self.invent(org, now);
        let record = theirs(self.record(Action::ApiKeyCreated, &new, now));
        let kept = self.store.create(&new, &hash, &record).await.unwrap();
        assert_eq!(self.population.kept(record.id).await, kept == KeyKept::Kept, "a key and its record");
        let revoked = match old {
            Some(old) => Some(self.try_revoke(org, old, theirs(self.record(Action::ApiKeyRevoked, old, now))).await),
            None => None,
        };
        (kept, revoked)
    }

    /// The ids of the keys that are not revoked, in an order of their own.
    async fn ids(&self, org: OrgId) -> Vec<ApiKeyId> {
        let mut ids: Vec<ApiKeyId> = self.store.list(org).await.unwrap().iter().map(|key| key.id).collect();
        ids.sort_unstable();
        ids
    }
}

/// What every [`ApiKeyStore`] promises. Each hash and each organization is looked up for the first time after its last change, so
/// that an answer which may be a second old is a new one; that it is no older is for the adapter's own tests.
pub async fn api_key_store_contract(store: &dyn ApiKeyStore, population: &dyn Population, ambient: &Ambient) {
    let keys = Keys { store, population, ambient };
    reads_what_was_kept(&keys).await;
    lists_what_is_not_revoked(&keys).await;
    revokes_once(&keys).await;
    touches_forward(&keys).await;
    tells_active_organizations(&keys).await;
    counts_living_keys(&keys).await;
    changes_as_long_as_they_may(&keys).await;
}

async fn reads_what_was_kept(k: &Keys<'_>) {
    let (org, now) = (k.org().await, k.ambient.now());
    let (hash, plain) = k.invent(org, now);
    let (other_hash, other) = k.invent(org, now);
    let every = Scopes::new(Scope::ALL).unwrap();
    let full = ApiKey { platform: true, scopes: every, expires_at: Some(now + SECOND * 3600), ..other };
    k.create(&hash, &plain).await;
    k.create(&other_hash, &full).await;
    assert_eq!(k.by_hash(&hash).await, Some(plain), "to the last field");
    assert_eq!(k.by_hash(&other_hash).await, Some(full), "also with all that a key can have");
    assert_eq!(k.by_hash(&TokenHash::from_bytes(k.ambient.random())).await, None, "a hash that was never kept");
}

async fn lists_what_is_not_revoked(k: &Keys<'_>) {
    let (org, foreign, now) = (k.org().await, k.org().await, k.ambient.now());
    assert_eq!(k.store.list(org).await.unwrap(), vec![], "none yet");
    let oldest = k.fill(org, 1, now, Some(now + SECOND)).await.remove(0);
    let revoked = k.fill(org, 1, now + SECOND, None).await.remove(0);
    let newest = k.fill(org, 1, now + SECOND * 2, None).await.remove(0);
    let theirs = k.fill(foreign, 1, now, None).await;
    assert!(k.revoke(org, &revoked, now + SECOND * 3).await);
    assert_eq!(k.store.list(org).await.unwrap(), vec![newest, oldest], "newest first, expired ones too");
    assert_eq!(k.store.list(foreign).await.unwrap(), theirs, "each organization has its own");
}

async fn revokes_once(k: &Keys<'_>) {
    let (org, foreign, now) = (k.org().await, k.org().await, k.ambient.now());
    let (hash, key) = k.invent(org, now);
    k.create(&hash, &key).await;
    let (_, unknown) = k.invent(org, now);
    assert!(!k.revoke(org, &unknown, now).await, "no such key");
    assert!(!k.revoke(foreign, &key, now).await, "another organization's key");
    assert_eq!(k.store.list(org).await.unwrap(), vec![key.clone()], "nothing happened");
    assert!(k.revoke(org, &key, now + SECOND).await);
    assert!(!k.revoke(org, &key, now + SECOND * 2).await, "once");
    let dead = ApiKey { revoked_at: Some(now + SECOND), ..key };
    assert_eq!(k.by_hash(&hash).await, Some(dead), "since the record's time, and still to be read");
}

async fn touches_forward(k: &Keys<'_>) {
    let (org, now) = (k.org().await, k.ambient.now());
    let (hash, key) = k.invent(org, now);
    k.create(&hash, &key).await;
    let bystander = k.fill(org, 1, now, None).await.remove(0);
    let touch = async |id, at| k.store.touch(id, at).await.unwrap();
    touch(key.id, now + SECOND * 60).await;
    touch(key.id, now).await;
    touch(ApiKeyId::mint(k.ambient), now).await;
    let used = ApiKey { last_used: Some(now + SECOND * 60), ..key };
    assert_eq!(k.by_hash(&hash).await, Some(used.clone()), "never back");
    let listed = k.store.list(org).await.unwrap();
    assert!(listed.contains(&bystander) && listed.contains(&used), "nobody else's: {listed:?}");
}

async fn tells_active_organizations(k: &Keys<'_>) {
    let (active, suspended, again) = (k.org().await, k.org().await, k.org().await);
    k.population.set_org_active(suspended, false).await;
    k.population.set_org_active(again, false).await;
    k.population.set_org_active(again, true).await;
    assert!(k.store.org_active(active).await.unwrap());
    assert!(!k.store.org_active(suspended).await.unwrap(), "suspended");
    assert!(k.store.org_active(again).await.unwrap(), "active again");
    assert!(!k.store.org_active(OrgId::mint(k.ambient)).await.unwrap(), "no such organization");
}

async fn counts_living_keys(k: &Keys<'_>) {
    let (org, now) = (k.org().await, k.ambient.now());
    let made = k.fill(org, ApiKey::PER_ORG - 1, now, None).await;
    k.fill(org, 1, now, Some(now + SECOND * 60)).await;
    let (hash, late) = k.invent(org, now + SECOND * 59);
    let (kept, record) = k.try_create(&hash, &late).await;
    assert_eq!(kept, KeyKept::TooMany, "as many as it may have");
    assert!(!k.population.kept(record).await, "and no record of what did not happen");
    assert_eq!(k.by_hash(&hash).await, None, "no key either");
    k.fill(k.org().await, 1, now, None).await;
    k.fill(org, 1, now + SECOND * 60, None).await;
    let (hash, late) = k.invent(org, now + SECOND * 60);
    assert_eq!(k.try_create(&hash, &late).await.0, KeyKept::TooMany, "an expired key made room for one");
    assert!(k.revoke(org, &made[0], now + SECOND * 60).await);
    k.fill(org, 1, now + SECOND * 60, None).await;
    assert_eq!(k.try_create(&hash, &late).await.0, KeyKept::TooMany, "and so did a revoked one");
}

async fn changes_as_long_as_they_may(k: &Keys<'_>) {
    let (org, now) = (k.org().await, k.ambient.now());
    let admin = k.user().await;
    k.population.join(org, admin, Role::Admin, now).await;
    let old = k.fill(org, 2, now, None).await;
    let done = (KeyKept::Kept, Some(KeyRevoked::Revoked));
    assert_eq!(k.tries(admin, org, Some(&old[0])).await, done, "an admin may");
    let left = k.ids(org).await;
    let refused = (KeyKept::Outdated, Some(KeyRevoked::Outdated));
    for role in [Role::Member, Role::BillingAdmin] {
        k.population.change_role(org, admin, role).await;
        assert_eq!(k.tries(admin, org, Some(&old[1])).await, refused, "demoted to {role}");
    }
    k.population.remove(org, admin).await;
    assert_eq!(k.tries(admin, org, Some(&old[1])).await, refused, "removed");
    assert_eq!(k.ids(org).await, left, "nothing was done");
    k.population.join(org, admin, Role::Owner, now).await;
    assert_eq!(k.tries(admin, org, Some(&old[1])).await, done, "and come back");
    let (stranger, more) = (k.user().await, k.fill(org, 1, now, None).await);
    assert_eq!(k.tries(stranger, org, Some(&more[0])).await, done, "who never was a member has another right");
}

/// An admin loses the role, or is removed, while they make and revoke keys: from then on nothing changes.
async fn nothing_follows_a_demotion(k: &Keys<'_>) {
    for removed in [false, true] {
        let (org, admin) = (k.org().await, k.user().await);
        k.population.join(org, admin, Role::Admin, k.ambient.now()).await;
        let old = k.fill(org, 32, k.ambient.now(), None).await;
        let answers = race(32, async |n| {
            if n == 8 {
                if removed {
                    k.population.remove(org, admin).await;
                } else {
                    k.population.change_role(org, admin, Role::Member).await;
                }
                return Some(k.ids(org).await);
            }
            k.tries(admin, org, Some(&old[n])).await;
            None
        })
        .await;
        let then = answers.into_iter().flatten().next().unwrap();
        assert_eq!(k.ids(org).await, then, "whoever was told that the role is gone has seen the last change");
        assert_eq!(k.tries(admin, org, None).await, (KeyKept::Outdated, None));
    }
}

/// Of 32 keys that race for ten places exactly ten are kept; of 32 who revoke a key exactly one does; nobody does either on a role that
/// was taken from them.
pub async fn api_key_store_race(store: &dyn ApiKeyStore, population: &dyn Population, ambient: &Ambient) {
    let keys = Keys { store, population, ambient };
    let (org, now) = (keys.org().await, ambient.now());
    keys.fill(org, ApiKey::PER_ORG - 10, now, None).await;
    let answers = race(32, async |_| {
        let (hash, key) = keys.invent(org, now);
        keys.try_create(&hash, &key).await.0
    });
    let kept = answers.await.into_iter().filter(|kept| *kept == KeyKept::Kept).count();
    assert_eq!(kept, 10, "exactly as many as there were places");
    let listed = store.list(org).await.unwrap();
    assert_eq!(u32::try_from(listed.len()), Ok(ApiKey::PER_ORG));
    let answers = race(32, async |_| keys.revoke(org, &listed[0], now).await).await;
    assert_eq!(answers.iter().filter(|revoked| **revoked).count(), 1, "exactly one of them revoked it");
    nothing_follows_a_demotion(&keys).await;
}
