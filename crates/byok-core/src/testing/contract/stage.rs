use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kernel::{Action, Actor, OrgId, Outcome, ProviderKeyId, Record, Timestamp, UserId};
use secrecy::SecretString;

use crate::policy::seal;
use crate::testing::ByokStores;
use crate::{
    Binding, Deleted, KeyRing, KnownMasterKey, MasterKey, MasterKeyId, ProviderId, ProviderKey, ProviderSecret,
    Purpose, Put, Remembered, Retired, Rewrapped, TestRun, Verdict,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// The stores under test, a ring of two registered master keys of this stage's own, and a time that passes by a second with every
/// step. Each step checks that a change was made with its record or neither.
pub(super) struct Stage<'a> {
    pub(super) stores: ByokStores<'a>,
    pub(super) ring: KeyRing,
    /// The other master key of the ring; the active one is the first.
    pub(super) second: MasterKeyId,
    unique: String,
    steps: AtomicU32,
    /// What the store was told of each master key of this stage.
    checks: Mutex<BTreeMap<MasterKeyId, [u8; 16]>>,
}

impl<'a> Stage<'a> {
    pub(super) async fn new(stores: ByokStores<'a>) -> Self {
        let unique: String = stores.ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = |n: u8| format!("m{unique}-{n}").parse::<MasterKeyId>().unwrap();
        let key = || MasterKey::new(stores.ambient.random()).unwrap();
        let ring = KeyRing::new(name(1), [(name(1), key()), (name(2), key())], key()).unwrap();
        let names = [name(1), name(2)];
        let stage =
            Self { stores, ring, second: name(2), unique, steps: AtomicU32::default(), checks: Mutex::default() };
        for id in names {
            assert!(stage.register(&id, true).await, "a new master key is made known");
        }
        stage
    }

    pub(super) fn first(&self) -> &MasterKeyId {
        self.ring.active()
    }

    /// A master key's name that no other run of a contract has.
    pub(super) fn name(&self, text: &str) -> MasterKeyId {
        format!("m{}-{text}", self.unique).parse().unwrap()
    }

    /// What tells this master key from another one of its name; of one that was never registered it is invented.
    fn check_of(&self, id: &MasterKeyId) -> [u8; 16] {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.get(id).copied().unwrap_or([7; 16])
    }

    /// A new master key that the store knows, in a ring where it seals.
    pub(super) async fn other_ring(&self) -> KeyRing {
        let name = self.name(&format!("n{}", self.steps.fetch_add(1, Ordering::SeqCst)));
        let ring = self.ring.rotated(name.clone(), MasterKey::new(self.stores.ambient.random()).unwrap()).unwrap();
        assert!(self.register_as(&name, ring.active_check()).await.1, "a new master key is made known");
        ring
    }

    /// A later moment than every one before.
    pub(super) fn tick(&self) -> Timestamp {
        self.stores.ambient.now() + SECOND * self.steps.fetch_add(1, Ordering::SeqCst)
    }

    fn record(&self, action: Action) -> Record {
        self.record_by(&Actor::system(), action)
    }

    fn record_by(&self, actor: &Actor, action: Action) -> Record {
        Record { at: self.tick(), ..Record::new(self.stores.ambient, actor, action, "provider_key", "key") }
    }

    /// A change and its record have the same fate.
    async fn assert_kept(&self, record: &Record, changed: bool) {
        let kept = self.stores.world.kept(record.id).await;
        assert_eq!(kept, changed, "a change and its record: {:?}", record.action);
    }

    pub(super) async fn org(&self) -> OrgId {
        self.stores.world.org().await
    }

    pub(super) fn secret(&self) -> ProviderSecret {
        let text: String = self.stores.ambient.random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        ProviderSecret::parse(SecretString::from(format!("sk-{text}"))).unwrap()
    }

    /// The next key of a place, sealed with this ring's active key.
    pub(super) fn draft_in(
        &self,
        ring: &KeyRing,
        org: OrgId,
        provider: &str,
        before: Option<&ProviderKey>,
    ) -> ProviderKey {
        let place = Binding {
            purpose: Purpose::ProviderKey,
            org,
            provider: provider.parse().unwrap(),
            id: before.map_or_else(|| ProviderKeyId::mint(self.stores.ambient), |before| before.id),
            version: before.map_or(1, |before| before.version + 1),
            endpoint: None,
        };
        let secret = self.secret();
        ProviderKey {
            id: place.id,
            org,
            provider: place.provider.clone(),
            version: place.version,
            master_key: ring.active().clone(),
            sealed: seal::seal(ring, &place, &secret, self.stores.ambient).unwrap(),
            endpoint: None,
            label: None,
            tail: secret.tail(),
            fingerprint: secret.fingerprint(ring.fingerprint().expose()),
            added_at: self.tick(),
            added_by: None,
            tested: None,
            last_used: None,
        }
    }

    pub(super) fn draft(&self, org: OrgId, provider: &str, before: Option<&ProviderKey>) -> ProviderKey {
        self.draft_in(&self.ring, org, provider, before)
    }

    /// A key of an organization of its own, stored.
    pub(super) async fn stored(&self) -> ProviderKey {
        self.stored_in(&self.ring, self.org().await, "openai").await
    }

    pub(super) async fn stored_in(&self, ring: &KeyRing, org: OrgId, provider: &str) -> ProviderKey {
        let key = self.draft_in(ring, org, provider, None);
        assert_eq!(self.put(&key).await, Put::Kept);
        key
    }

    pub(super) async fn put(&self, key: &ProviderKey) -> Put {
        self.put_by(&Actor::system(), key).await
    }

    pub(super) async fn put_by(&self, actor: &Actor, key: &ProviderKey) -> Put {
        self.put_as(actor, key, &self.check_of(&key.master_key)).await
    }

    /// Puts a key that a master key with this check value sealed.
    pub(super) async fn put_as(&self, actor: &Actor, key: &ProviderKey, check: &[u8; 16]) -> Put {
        let record = self.record_by(actor, Action::ProviderKeyStored).within(key.org);
        let answer = self.stores.keys.put(key, check, &record).await.unwrap();
        self.assert_kept(&record, answer == Put::Kept).await;
        answer
    }

    pub(super) async fn delete(&self, key: &ProviderKey) -> Deleted {
        self.delete_by(&Actor::system(), key.org, &key.provider).await
    }

    pub(super) async fn delete_by(&self, actor: &Actor, org: OrgId, provider: &ProviderId) -> Deleted {
        let record = self.record_by(actor, Action::ProviderKeyDeleted).within(org);
        let answer = self.stores.keys.delete(org, provider, &record).await.unwrap();
        self.assert_kept(&record, answer == Deleted::Deleted).await;
        answer
    }

    /// Remembers a test that took no time.
    pub(super) async fn tested(&self, key: &ProviderKey, at: Timestamp, verdict: Verdict) -> Remembered {
        self.tested_since(key, at, verdict, at).await
    }

    /// Remembers a test that began then and ended at that time.
    pub(super) async fn tested_since(
        &self,
        key: &ProviderKey,
        began_at: Timestamp,
        verdict: Verdict,
        ended_at: Timestamp,
    ) -> Remembered {
        let record = self.record(Action::ProviderKeyTested).within(key.org);
        let run = TestRun { began_at, ended_at, verdict };
        let answer = self.stores.keys.tested(key, run, &record).await.unwrap();
        self.assert_kept(&record, answer != Remembered::Gone).await;
        answer
    }

    /// Hands a key out at this time, or tries to.
    pub(super) async fn hand_out_at(&self, key: &ProviderKey, at: Timestamp, outcome: Outcome) -> bool {
        let record = self.record(Action::ProviderKeyResolved).within(key.org).ended(outcome);
        let record = Record { at, ..record };
        let answer = self.stores.keys.handed_out(key, &record).await.unwrap();
        self.assert_kept(&record, answer).await;
        answer
    }

    pub(super) async fn hand_out(&self, key: &ProviderKey) -> bool {
        self.hand_out_at(key, self.tick(), Outcome::Success).await
    }

    /// The key at this place; every way to read it says the same, and with the bytes that were stored.
    pub(super) async fn read(&self, org: OrgId, provider: &ProviderId) -> Option<ProviderKey> {
        let now = self.stores.keys.now(org, provider).await.unwrap();
        let cached = self.stores.keys.of(org, provider).await.unwrap();
        assert_eq!(cached, now, "what this process changed is what its next read sees");
        let listed = self.stores.keys.list(org).await.unwrap();
        assert_eq!(listed.iter().find(|key| key.provider == *provider), now.as_ref(), "and its next list");
        now
    }

    pub(super) async fn same(&self, key: &ProviderKey) -> Option<ProviderKey> {
        self.read(key.org, &key.provider).await
    }

    /// Registers a master key of this stage's ring; whether the store says that it is this one. A record is kept for a new one.
    pub(super) async fn register(&self, id: &MasterKeyId, new: bool) -> bool {
        let (record, answer) = self.register_as(id, check(&self.ring, id)).await;
        self.assert_kept(&record, new).await;
        answer
    }

    async fn register_as(&self, id: &MasterKeyId, check: [u8; 16]) -> (Record, bool) {
        let record = self.record(Action::MasterKeyRegistered);
        let answer = self.stores.custody.register(id, &check, &record).await.unwrap();
        if answer {
            self.checks.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), check);
        }
        (record, answer)
    }

    /// Registers another master key of this name, which nobody else has; a record is kept if it is the one.
    pub(super) async fn register_rival(&self, id: &MasterKeyId) -> bool {
        let other = MasterKey::new(self.stores.ambient.random()).unwrap();
        let (record, answer) = self.register_as(id, other.check()).await;
        self.assert_kept(&record, answer).await;
        answer
    }

    pub(super) async fn known(&self, id: &MasterKeyId) -> Option<KnownMasterKey> {
        let known = self.stores.custody.known().await.unwrap();
        assert!(known.windows(2).all(|pair| pair[0].id < pair[1].id), "by name, each once");
        known.into_iter().find(|key| key.id == *id)
    }

    /// How often a registered master key sealed, and how many keys are sealed with it.
    pub(super) async fn uses(&self, id: &MasterKeyId) -> (u64, u64) {
        let known = self.known(id).await.unwrap();
        (known.uses, known.sealing)
    }

    /// Retires a master key that is not retired yet.
    pub(super) async fn retire(&self, id: &MasterKeyId) -> Retired {
        let record = self.record(Action::MasterKeyRetired);
        let answer = self.stores.custody.retire(id, &record).await.unwrap();
        self.assert_kept(&record, answer == Retired::Retired).await;
        answer
    }

    /// The same for one that is: nothing changes, and whether the record is kept is the store's.
    pub(super) async fn retire_again(&self, id: &MasterKeyId) -> Retired {
        self.stores.custody.retire(id, &self.record(Action::MasterKeyRetired)).await.unwrap()
    }

    /// The key with its data key wrapped by the active key of this ring.
    pub(super) fn rewrapped(&self, ring: &KeyRing, key: &ProviderKey) -> Rewrapped {
        Rewrapped {
            id: key.id,
            org: key.org,
            version: key.version,
            from: key.master_key.clone(),
            sealed: seal::rewrap(ring, &key.binding(), &key.sealed, self.stores.ambient).unwrap(),
        }
    }

    pub(super) async fn rewrap(&self, keys: &[Rewrapped], under: &MasterKeyId) -> u64 {
        self.rewrap_as(keys, under, &self.check_of(under)).await
    }

    /// The same by a master key with this check value.
    pub(super) async fn rewrap_as(&self, keys: &[Rewrapped], under: &MasterKeyId, check: &[u8; 16]) -> u64 {
        self.stores.custody.rewrap(keys, under, check).await.unwrap()
    }

    pub(super) async fn rotated(&self) {
        let record = self.record(Action::MasterKeyRotated);
        self.stores.custody.rotated(&record).await.unwrap();
        self.assert_kept(&record, true).await;
    }

    pub(super) async fn user(&self) -> UserId {
        self.stores.world.user().await
    }
}

fn check(ring: &KeyRing, id: &MasterKeyId) -> [u8; 16] {
    ring.get(id).unwrap().check()
}

/// The secret of a key, which must open.
pub(super) fn opened(ring: &KeyRing, key: &ProviderKey) -> String {
    seal::open(ring, &key.binding(), &key.sealed).unwrap().expose().to_owned()
}

pub(super) fn number_of<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}
