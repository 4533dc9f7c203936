//! API keys: the contract, races between two processes, answers that may be a second old, and what the trail says of a service.
use audit_core::{TrailFilter, TrailStore};
use auth_core::{ApiKey, ApiKeyStore, KeyKept, KeyName, KeyRevoked, Scope, Scopes, Standings, testing};
use kernel::{Action, Actor, ActorKind, ApiKeyId, OrgId, Page, Record, StoreError, TokenHash};
use store::{SeaApiKeys, SeaStandings, SeaTrail};

use crate::fixture::{Fixture, on_each};
use crate::plan::seen_within_a_second;
use crate::race::{Processes, times};

fn new_key(f: &Fixture, org: OrgId) -> (TokenHash, ApiKey) {
    let key = ApiKey {
        id: ApiKeyId::mint(&f.ambient),
        org,
        name: KeyName::parse("Gateway").unwrap(),
        scopes: Scopes::new(Scope::ALL).unwrap(),
        platform: false,
        preview: "abcd".to_owned(),
        created_at: f.ambient.now(),
        expires_at: None,
        last_used: None,
        revoked_at: None,
    };
    (TokenHash::from_bytes(f.ambient.random()), key)
}

/// A new organization with one key.
async fn org_with_key(f: &Fixture) -> (OrgId, TokenHash, ApiKey) {
    let org = f.new_org(f.new_user().await).await;
    let (hash, key) = new_key(f, org);
    let record = f.record(Action::ApiKeyCreated);
    assert_eq!(SeaApiKeys::new(&f.db).create(&key, &hash, &record).await.unwrap(), KeyKept::Kept);
    (org, hash, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn contract() {
    on_each(async |f| {
        testing::api_key_store_contract(&SeaApiKeys::new(&f.db), f, &f.ambient).await;
        testing::api_key_store_race(&SeaApiKeys::new(&f.db), f, &f.ambient).await;
        f.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_keep_no_more_keys_than_an_organization_may_have() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let (org, ..) = org_with_key(f).await;
        for expected in [32, 17] {
            let answers = processes
                .race(|db, _| {
                    let ((hash, key), record) = (new_key(f, org), f.record(Action::ApiKeyCreated));
                    async move { SeaApiKeys::new(&db).create(&key, &hash, &record).await.unwrap() }
                })
                .await;
            assert_eq!(times(&answers, &KeyKept::Kept), expected, "{answers:?}");
        }
        let listed = SeaApiKeys::new(&f.db).list(org).await.unwrap();
        assert_eq!(listed.len(), usize::try_from(ApiKey::PER_ORG).unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_at_once_here_and_within_a_second_elsewhere() {
    on_each(async |f| {
        let (keys, other) = (SeaApiKeys::new(&f.db), SeaApiKeys::new(&f.second().await));
        let (org, hash, key) = org_with_key(f).await;
        let revoked = async |keys: &SeaApiKeys| keys.by_hash(&hash).await.unwrap().unwrap().revoked_at.is_some();
        assert!(!revoked(&keys).await && !revoked(&other).await);
        let done = keys.revoke(org, key.id, &f.record(Action::ApiKeyRevoked)).await.unwrap();
        assert_eq!(done, KeyRevoked::Revoked);
        assert!(revoked(&keys).await);
        seen_within_a_second(async || revoked(&other).await).await;

        let active = async |keys: &SeaApiKeys| keys.org_active(org).await.unwrap();
        assert!(active(&keys).await && active(&other).await);
        testing::Population::set_org_active(f, org, false).await;
        assert!(!active(&keys).await);
        seen_within_a_second(async || !active(&other).await).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_organization_gets_no_key_and_a_refused_record_leaves_none() {
    on_each(async |f| {
        let keys = SeaApiKeys::new(&f.db);
        let ((gone, ..), (org, _, key)) = (org_with_key(f).await, org_with_key(f).await);
        plan_core::testing::Population::delete(f, gone).await;
        assert!(!keys.org_active(gone).await.unwrap());
        f.refuse_records().await;
        let before = f.dump().await;
        let record = f.record(Action::ApiKeyCreated);
        for org in [gone, org] {
            let (hash, key) = new_key(f, org);
            let refused = keys.create(&key, &hash, &record).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        }
        let refused = keys.revoke(org, key.id, &record).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert_eq!(f.dump().await, before, "not one row is different");
    })
    .await;
}

/// A record of what a service did names its key, and is nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn the_trail_names_the_key_of_a_service() {
    on_each(async |f| {
        let (org, _, key) = org_with_key(f).await;
        let actor = Actor { kind: ActorKind::Service(key.id), ..Actor::system() };
        let record = Record::new(&f.ambient, &actor, Action::UsageReset, "organization", org).within(org);
        SeaStandings::new(&f.db).note(&record.with("reason", "a test")).await.unwrap();
        let filter = TrailFilter { org: Some(org), action: Some("usage.reset".to_owned()), ..TrailFilter::default() };
        let page = SeaTrail::new(&f.db).page(&filter, Page::default()).await.unwrap();
        let entry = &page.items[0];
        assert_eq!((entry.actor_type.as_str(), entry.user), ("service", None));
        let owned = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(entry.metadata, vec![owned("reason", "a test"), owned("api_key", &key.id.to_string())]);
    })
    .await;
}
