//! Provider keys: their contracts, rows that somebody wrote to past the adapters, and records that are refused.
use std::time::Duration;

use async_trait::async_trait;
use byok_core::policy::seal;
use byok_core::testing::{self, ByokStores, World, sample_ring};
use byok_core::{
    Binding, CustodyStore, Deleted, Endpoint, KeyRing, KeyStore, MasterKeyId, ProviderKey, ProviderSecret, Purpose,
    Put, Remembered, Retired, Rewrapped, Test, TestRun, Verdict,
};
use kernel::{Action, Actor, OrgId, Outcome, ProviderKeyId, Record, Role, StoreError, Timestamp, UserId};
use org_core::MemberStore;
use store::{Database, SeaCustody, SeaMembers, SeaProviderKeys};
use uuid::Uuid;

use crate::fixture::{Fixture, on_each, on_postgres};
use crate::plan::seen_within_a_second;

#[async_trait]
impl World for Fixture {
    async fn org(&self) -> OrgId {
        self.new_org(self.new_user().await).await
    }

    async fn user(&self) -> UserId {
        self.new_user().await
    }

    async fn seat(&self, org: OrgId, user: UserId, role: Role) {
        let member = SeaMembers::new(&self.db).find(org, user).await.unwrap();
        if member.is_some() {
            auth_core::testing::Population::change_role(self, org, user, role).await;
        } else {
            auth_core::testing::Population::join(self, org, user, role, self.ambient.now()).await;
        }
    }

    async fn unseat(&self, org: OrgId, user: UserId) {
        auth_core::testing::Population::remove(self, org, user).await;
    }

    async fn wear(&self, id: &MasterKeyId, uses: u64) {
        self.run(&format!("UPDATE master_key SET uses = {uses} WHERE id = '{id}'")).await;
    }
}

/// The ports over one database, and a ring of two master keys that it knows.
pub(crate) struct Keys<'a> {
    pub(crate) f: &'a Fixture,
    pub(crate) keys: SeaProviderKeys,
    pub(crate) custody: SeaCustody,
    pub(crate) ring: KeyRing,
}

impl<'a> Keys<'a> {
    pub(crate) async fn new(f: &'a Fixture) -> Self {
        let ring = sample_ring(&f.ambient, &["k1", "k2"]);
        let (keys, custody) = (SeaProviderKeys::new(&f.db), SeaCustody::new(&f.db));
        for (id, key) in ring.iter() {
            let record = f.record(Action::MasterKeyRegistered);
            assert!(custody.register(id, &key.check(), &record).await.unwrap());
        }
        Self { f, keys, custody, ring }
    }

    /// A key that is to be kept, and its secret.
    pub(crate) fn draft(&self, org: OrgId, provider: &str, endpoint: Option<&str>) -> (ProviderKey, String) {
        let place = Binding {
            purpose: Purpose::ProviderKey,
            org,
            provider: provider.parse().unwrap(),
            id: ProviderKeyId::mint(&self.f.ambient),
            version: 1,
            endpoint: endpoint.map(|text| Endpoint::parse(text).unwrap()),
        };
        let text: String = self.f.ambient.random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = ProviderSecret::parse(format!("sk-{text}").into()).unwrap();
        let key = ProviderKey {
            id: place.id,
            org,
            provider: place.provider.clone(),
            version: place.version,
            master_key: self.ring.active().clone(),
            sealed: seal::seal(&self.ring, &place, &secret, &self.f.ambient).unwrap(),
            endpoint: place.endpoint,
            label: None,
            tail: secret.tail(),
            fingerprint: secret.fingerprint(self.ring.fingerprint().expose()),
            added_at: self.f.ambient.now(),
            added_by: None,
            tested: None,
            last_used: None,
        };
        (key, secret.expose().to_owned())
    }

    /// A key that is kept.
    pub(crate) async fn stored(&self, org: OrgId, provider: &str, endpoint: Option<&str>) -> ProviderKey {
        let (key, _) = self.draft(org, provider, endpoint);
        let record = self.f.record(Action::ProviderKeyStored);
        assert_eq!(self.keys.put(&key, &self.check(), &record).await.unwrap(), Put::Kept);
        key
    }

    /// What tells the master key that seals from another one of its name.
    fn check(&self) -> [u8; 16] {
        self.ring.active_check()
    }

    /// The secret of a key as it is kept now; `None` when it does not open.
    pub(crate) async fn opened(&self, org: OrgId, provider: &str) -> Option<String> {
        let key = self.keys.now(org, &provider.parse().unwrap()).await.unwrap()?;
        opened(&self.ring, &key)
    }

    pub(crate) fn rewrapped(&self, ring: &KeyRing, key: &ProviderKey) -> Rewrapped {
        let sealed = seal::rewrap(ring, &key.binding(), &key.sealed, &self.f.ambient).unwrap();
        Rewrapped { id: key.id, org: key.org, version: key.version, from: key.master_key.clone(), sealed }
    }

    fn stores(&self) -> ByokStores<'_> {
        ByokStores { keys: &self.keys, custody: &self.custody, world: self.f, ambient: &self.f.ambient }
    }
}

/// A test that found a good key, and took no time.
fn run_at(at: Timestamp) -> TestRun {
    TestRun { began_at: at, ended_at: at, verdict: Verdict::Valid }
}

pub(crate) fn opened(ring: &KeyRing, key: &ProviderKey) -> Option<String> {
    seal::open(ring, &key.binding(), &key.sealed).ok().map(|secret| secret.expose().to_owned())
}

/// How SQL writes an id.
pub(crate) fn id(f: &Fixture, id: Uuid) -> String {
    if f.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
}

/// A condition that only this key fulfils.
pub(crate) fn this(f: &Fixture, key: &ProviderKey) -> String {
    format!("id = {}", id(f, key.id.uuid()))
}

#[tokio::test(flavor = "multi_thread")]
async fn keys() {
    on_each(async |f| testing::key_store_contract(Keys::new(f).await.stores()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_race() {
    on_each(async |f| testing::key_store_race(Keys::new(f).await.stores()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn custody() {
    on_each(async |f| testing::custody_store_contract(Keys::new(f).await.stores()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn custody_race() {
    on_each(async |f| testing::custody_store_race(Keys::new(f).await.stores()).await).await;
}

/// One row that makes no sense hides no other, counts, and can be replaced or deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_makes_no_sense_is_listed_as_one_that_does_not_open() {
    on_each(async |f| {
        let k = Keys::new(f).await;
        let org = World::org(f).await;
        let (good, bad) = (k.stored(org, "cohere", None).await, k.stored(org, "openai", None).await);
        let set = format!(
            "UPDATE provider_key SET version = -7, master_key = 'No Name', sealed = {}, endpoint = 'javascript:1', \
             label = '{}', tested_at = added_at, verdict = 'fine' WHERE {}",
            if f.is_postgres() { "'\\x00'" } else { "x'00'" },
            "l".repeat(101),
            this(f, &bad)
        );
        f.run(&set).await;
        let read = SeaProviderKeys::new(&f.second().await).list(org).await.unwrap();
        assert_eq!(read.len(), 2);
        assert!(opened(&k.ring, &read[0]).is_some() && read[0] == good);
        let found = &read[1];
        assert_eq!((found.id, found.version, found.master_key.as_str()), (bad.id, 0, "unreadable"));
        assert_eq!(found.endpoint.as_ref().unwrap().as_str(), "https://unreadable.invalid");
        assert_eq!((&found.label, found.tested.unwrap().verdict), (&None, Verdict::Unknown));
        assert_eq!(opened(&k.ring, found), None);

        let known = k.custody.known().await.unwrap();
        let counts: Vec<_> = known.iter().map(|key| (key.id.as_str(), key.sealing, key.check == [0; 16])).collect();
        assert_eq!(counts, [("k1", 1, false), ("k2", 0, false), ("unreadable", 1, true)]);
        let others = k.custody.sealed_otherwise(k.ring.active(), None, 9).await.unwrap();
        assert_eq!(others.iter().map(|key| key.id).collect::<Vec<_>>(), [bad.id]);

        let (next, secret) = k.draft(org, "openai", None);
        let place = Binding { id: bad.id, ..next.binding() };
        let sealed = ProviderSecret::parse(secret.clone().into()).unwrap();
        let sealed = seal::seal(&k.ring, &place, &sealed, &f.ambient).unwrap();
        let next = ProviderKey { id: bad.id, sealed, ..next };
        let record = f.record(Action::ProviderKeyStored);
        assert_eq!(k.keys.put(&next, &k.check(), &record).await.unwrap(), Put::Kept);
        assert_eq!(k.opened(org, "openai").await, Some(secret));
        f.run(&format!("UPDATE provider_key SET endpoint = '' WHERE {}", this(f, &bad))).await;
        let gone = k.keys.delete(org, &bad.provider, &f.record(Action::ProviderKeyDeleted)).await.unwrap();
        assert_eq!(gone, Deleted::Deleted);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_remembered_is_not_done() {
    on_each(async |f| {
        let k = Keys::new(f).await;
        let org = World::org(f).await;
        let key = k.stored(org, "openai", None).await;
        let (new, _) = k.draft(org, "cohere", None);
        let run = run_at(f.ambient.now());
        let other: MasterKeyId = "k3".parse().unwrap();
        let changes = async || {
            let record = || f.record(Action::ProviderKeyStored);
            vec![
                ("put", k.keys.put(&new, &k.check(), &record()).await.map(|put| put == Put::Kept)),
                ("tested", k.keys.tested(&key, run, &record()).await.map(|end| end == Remembered::Kept)),
                ("handed_out", k.keys.handed_out(&key, &record()).await),
                ("register", k.custody.register(&other, &[7; 16], &record()).await),
                ("rotated", k.custody.rotated(&record()).await.map(|()| true)),
                (
                    "retire",
                    k.custody.retire(&"k2".parse().unwrap(), &record()).await.map(|end| end == Retired::Retired),
                ),
                ("delete", k.keys.delete(org, &key.provider, &record()).await.map(|end| end == Deleted::Deleted)),
            ]
        };
        f.refuse_records().await;
        let before = f.dump().await;
        for (change, ended) in changes().await {
            assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{change}: {ended:?}");
        }
        assert_eq!(f.dump().await, before, "not one row is different");
        assert_eq!(*k.keys.list(org).await.unwrap(), vec![key.clone()]);
        let allow =
            if f.is_postgres() { "ALTER TABLE audit_record DROP CONSTRAINT refused" } else { "DROP TRIGGER refused" };
        f.run(allow).await;
        for (change, ended) in changes().await {
            assert!(ended.unwrap(), "{change} does something when nothing refuses");
        }
    })
    .await;
}

/// A deleted organization gets no key; a suspended one's keys are kept and not tested by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_organizations_that_are_not_active() {
    on_each(async |f| {
        let k = Keys::new(f).await;
        let (gone, asleep) = (World::org(f).await, World::org(f).await);
        let key = k.stored(asleep, "openai", None).await;
        plan_core::testing::Population::delete(f, gone).await;
        let (new, _) = k.draft(gone, "openai", None);
        let record = f.record(Action::ProviderKeyStored);
        let refused = k.keys.put(&new, &k.check(), &record).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        let refused = k.keys.delete(gone, &new.provider, &record).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");

        let now = f.ambient.now();
        let due = async || k.keys.claim_untested(now, now, now, 9).await.unwrap();
        auth_core::testing::Population::set_org_active(f, asleep, false).await;
        assert_eq!(due().await, []);
        assert_eq!(*k.keys.list(asleep).await.unwrap(), vec![key.clone()]);
        auth_core::testing::Population::set_org_active(f, asleep, true).await;
        assert_eq!(due().await, [key]);
    })
    .await;
}

/// Keys that are claimed again and again and never tested do not keep the others from being tested.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_tested_hinder_no_other() {
    on_each(async |f| {
        let k = Keys::new(f).await;
        let mut never = Vec::new();
        for _ in 0..3 {
            never.push(k.stored(World::org(f).await, "openai", None).await.id);
        }
        never.sort();
        let (start, minute) = (f.ambient.now(), chrono::TimeDelta::minutes(1));
        let claim = async |round: i32, limit: u32| {
            let now = start + minute * round;
            let claimed = k.keys.claim_untested(now, now, now + minute, limit).await.unwrap();
            claimed.into_iter().map(|key| key.id).collect::<Vec<_>>()
        };
        assert_eq!(claim(0, 3).await, never);
        let old = k.stored(World::org(f).await, "openai", None).await;
        let record = f.record(Action::ProviderKeyTested);
        assert_eq!(k.keys.tested(&old, run_at(start - minute), &record).await.unwrap(), Remembered::Kept);
        assert_eq!(claim(1, 2).await, [old.id, never[0]], "what was claimed in vain comes last");
        assert_eq!(claim(2, 2).await, [never[1], never[2]], "and each in its turn");
        assert_eq!(claim(3, 9).await.len(), 4);
    })
    .await;
}

/// KEY-9: deleted, replaced or tested by one process, it is so for another one within a second; it is handed out by none from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_at_once_here_and_within_a_second_elsewhere() {
    on_each(async |f| {
        let (k, far) = (Keys::new(f).await, SeaProviderKeys::new(&f.second().await));
        let org = World::org(f).await;
        let key = k.stored(org, "openai", None).await;
        let seen = async |keys: &SeaProviderKeys| keys.of(org, &key.provider).await.unwrap();
        assert_eq!((seen(&k.keys).await.unwrap(), seen(&far).await.unwrap()), (key.clone(), key.clone()));

        let (run, record) = (run_at(f.ambient.now()), f.record(Action::ProviderKeyTested));
        assert_eq!(k.keys.tested(&key, run, &record).await.unwrap(), Remembered::Kept);
        let test = Test::after(None, run.ended_at, run.verdict);
        assert_eq!(seen(&k.keys).await.unwrap().tested, Some(test));
        seen_within_a_second(async || seen(&far).await.unwrap().tested == Some(test)).await;

        let deleted = f.record(Action::ProviderKeyDeleted);
        assert_eq!(k.keys.delete(org, &key.provider, &deleted).await.unwrap(), Deleted::Deleted);
        assert_eq!(f.lines("SELECT provider AS line FROM provider_key").await, Vec::<String>::new(), "the row is gone");
        assert_eq!((seen(&k.keys).await, k.keys.now(org, &key.provider).await.unwrap()), (None, None));
        let late = Record::new(&f.ambient, &Actor::system(), Action::ProviderKeyResolved, "provider_key", key.id);
        assert!(!far.handed_out(&key, &late).await.unwrap(), "whatever its cache still says");
        assert_eq!(far.now(org, &key.provider).await.unwrap(), None);
        seen_within_a_second(async || seen(&far).await.is_none()).await;
        let unheard = late.clone().ended(Outcome::Failure);
        assert!(!far.handed_out(&key, &unheard).await.unwrap());
        assert_eq!(
            f.lines("SELECT action AS line FROM audit_record WHERE action = 'byok.key.resolved'").await.len(),
            0
        );
    })
    .await;
}

/// What is asked all the time is found by an index, in a table of twenty thousand keys.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_asked_often_reads_the_whole_table() {
    on_postgres(async |f| {
        let k = Keys::new(f).await;
        let org = World::org(f).await;
        let key = k.stored(org, "openai", None).await;
        f.run(
            "INSERT INTO organization (id, name, slug, search_text, status, settings, member_count, active_count, created_at) \
             SELECT gen_random_uuid(), 'x', 'slug' || n, '', 'active', '{}', 0, 0, now() FROM generate_series(1, 5000) n",
        )
        .await;
        f.run(
            "INSERT INTO provider_key (org_id, provider, id, version, master_key, sealed, tail, fingerprint, refused, \
             added_at, tested_at, verdict) SELECT o.id, 'p' || n, gen_random_uuid(), 1, 'k2', '\\x00', '', '', false, \
             '2029-01-01', '2031-01-01', 'valid' FROM organization o CROSS JOIN generate_series(1, 4) n",
        )
        .await;
        f.run("ANALYZE").await;
        let scans = async || {
            let of = "SELECT seq_scan::text AS line FROM pg_stat_user_tables WHERE relname = 'provider_key' \
                 UNION ALL SELECT coalesce(idx_scan, 0)::text FROM pg_stat_user_tables WHERE relname = 'provider_key'";
            f.lines(of).await.iter().map(|line| line.parse::<i64>().unwrap()).collect::<Vec<_>>()
        };
        // A connection that is gone has told its numbers.
        let closed = async |db: &Database| {
            db.close().await.unwrap();
            let ours = "SELECT 'open' AS line FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name = 'ops-center'";
            while !f.lines(ours).await.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        closed(&f.db).await;
        let before = scans().await;
        let db = f.second().await;
        let (keys, custody) = (SeaProviderKeys::new(&db), SeaCustody::new(&db));
        let now = f.ambient.now();
        assert_eq!(keys.list(org).await.unwrap().len(), 5);
        assert!(keys.now(org, &key.provider).await.unwrap().is_some());
        assert!(keys.handed_out(&key, &f.record(Action::ProviderKeyResolved)).await.unwrap());
        assert_eq!(keys.claim_untested(now, now, now, 9).await.unwrap().len(), 1);
        let record = f.record(Action::ProviderKeyTested);
        assert_eq!(keys.tested(&key, run_at(now), &record).await.unwrap(), Remembered::Kept);
        let page = custody.sealed_otherwise(k.ring.active(), Some(key.id), 200).await.unwrap();
        assert_eq!(page.len(), 200);
        let wrapped = k.rewrapped(&k.ring, &key);
        let second: MasterKeyId = "k2".parse().unwrap();
        let check = k.ring.get(&second).unwrap().check();
        assert_eq!(custody.rewrap(&[wrapped], &second, &check).await.unwrap(), 1);
        assert_eq!(custody.retire(k.ring.active(), &f.record(Action::MasterKeyRetired)).await.unwrap(), Retired::Retired);
        let gone = keys.delete(org, &key.provider, &f.record(Action::ProviderKeyDeleted)).await.unwrap();
        assert_eq!(gone, Deleted::Deleted);
        closed(&db).await;
        let after = scans().await;
        assert!(after[1] >= before[1] + 9, "an index each time: {before:?} {after:?}");
        assert_eq!(after[0], before[0], "and never the whole table");
    })
    .await;
}
