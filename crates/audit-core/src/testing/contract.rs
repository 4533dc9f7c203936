#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken contract panics")]

use std::time::Duration;

use kernel::{Action, Actor, ActorKind, Ambient, OrgId, Outcome, Page, Paged, Record, RecordId, UserId};

use super::Recorder;
use crate::policy::MAX_METADATA_VALUE;
use crate::{Entry, TrailFilter, TrailStore};

/// A trail of its own organizations and users, so that it does not matter what else the store holds.
struct Trail<'a> {
    store: &'a dyn TrailStore,
    recorder: &'a dyn Recorder,
    ambient: &'a Ambient,
}

impl Trail<'_> {
    /// Keeps a record that many seconds from now.
    async fn keep(&self, second: u64, actor: &Actor, action: Action, org: Option<OrgId>) -> RecordId {
        let made = Record::new(self.ambient, actor, action, "organization", "x");
        let record = Record { org, at: made.at + Duration::from_secs(second), ..made };
        self.recorder.keep(&record).await;
        record.id
    }

    async fn read(&self, filter: &TrailFilter) -> Paged<Entry> {
        self.store.page(filter, Page::default()).await.unwrap()
    }

    async fn ids(&self, filter: &TrailFilter) -> Vec<RecordId> {
        self.read(filter).await.items.iter().map(|entry| entry.id).collect()
    }
}

fn of(org: OrgId) -> TrailFilter {
    TrailFilter { org: Some(org), ..TrailFilter::default() }
}

/// What every [`TrailStore`] promises.
pub async fn trail_store_contract(store: &dyn TrailStore, recorder: &dyn Recorder, ambient: &Ambient) {
    let trail = Trail { store, recorder, ambient };
    reads_what_was_kept(&trail).await;
    every_action_reads_back(&trail).await;
    filters(&trail).await;
    pages_newest_first(&trail).await;
}

async fn reads_what_was_kept(t: &Trail<'_>) {
    let (org, user) = (OrgId::mint(t.ambient), UserId::mint(t.ambient));
    let actor = Actor {
        kind: ActorKind::User(user),
        ip: Some("2001:db8::1".parse().unwrap()),
        user_agent: Some("Ä".repeat(Actor::MAX_USER_AGENT)),
        request_id: Some("req-1".into()),
        session: Some("5e55".into()),
    };
    let record = Record::new(t.ambient, &actor, Action::MemberRoleChanged, "user", user)
        .within(org)
        .ended(Outcome::Denied)
        .with("from", "member")
        .with("quote", "\"'%_\\ \u{1f980}\n")
        .with("long", "é".repeat(MAX_METADATA_VALUE + 88));
    t.recorder.keep(&record).await;
    let owned = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let expected = Entry {
        id: record.id,
        at: record.at,
        org: Some(org),
        user: Some(user),
        actor_type: "user".into(),
        ip: Some("2001:db8::1".into()),
        user_agent: actor.user_agent,
        action: "org.member.role_changed".into(),
        resource_type: "user".into(),
        resource_id: user.to_string(),
        result: "denied".into(),
        metadata: vec![
            owned("from", "member"),
            owned("quote", "\"'%_\\ \u{1f980}\n"),
            owned("long", &"é".repeat(MAX_METADATA_VALUE)),
        ],
        session: Some("5e55".into()),
        request_id: Some("req-1".into()),
    };
    let mut found = t.read(&of(org)).await.items;
    let mut wanted = vec![expected];
    for entry in found.iter_mut().chain(&mut wanted) {
        entry.metadata.sort();
    }
    assert_eq!(found, wanted, "a record reads back as it was kept, its long values cut");

    for (kind, name) in [(ActorKind::System, "system"), (ActorKind::Anonymous, "anonymous")] {
        let org = OrgId::mint(t.ambient);
        let actor = Actor { kind, ..Actor::system() };
        t.keep(0, &actor, Action::Login, Some(org)).await;
        let entry = t.read(&of(org)).await.items.remove(0);
        assert_eq!((entry.actor_type.as_str(), entry.user, entry.ip, entry.user_agent), (name, None, None, None));
        assert_eq!(
            (entry.session, entry.request_id, entry.metadata),
            (None, None, vec![]),
            "what is absent stays absent"
        );
    }
}

async fn every_action_reads_back(t: &Trail<'_>) {
    let org = OrgId::mint(t.ambient);
    for action in Action::ALL {
        let id = t.keep(0, &Actor::system(), *action, Some(org)).await;
        let filter = TrailFilter { action: Some(action.as_str().to_owned()), ..of(org) };
        let found = t.read(&filter).await;
        assert_eq!(found.items.iter().map(|entry| entry.id).collect::<Vec<_>>(), vec![id], "{action:?}");
        assert_eq!(found.items[0].action, action.as_str());
    }
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Denied] {
        let org = OrgId::mint(t.ambient);
        let record = Record::new(t.ambient, &Actor::system(), Action::Login, "login", "ann").within(org).ended(outcome);
        t.recorder.keep(&record).await;
        assert_eq!(t.read(&of(org)).await.items[0].result, outcome.as_str());
    }
}

async fn filters(t: &Trail<'_>) {
    let (org, other) = (OrgId::mint(t.ambient), OrgId::mint(t.ambient));
    let (ann, bob) = (Actor::user(UserId::mint(t.ambient)), Actor::user(UserId::mint(t.ambient)));
    let in_org = t.keep(1, &ann, Action::MemberAdded, Some(org)).await;
    let removed = t.keep(2, &ann, Action::MemberRemoved, Some(org)).await;
    let by_bob = t.keep(3, &bob, Action::MemberAdded, Some(org)).await;
    let elsewhere = t.keep(4, &ann, Action::MemberAdded, Some(other)).await;
    let nowhere = t.keep(5, &ann, Action::Login, None).await;
    let by = |actor: &Actor| TrailFilter { user: actor.user_id(), ..TrailFilter::default() };
    let doing = |action: &str, filter: TrailFilter| TrailFilter { action: Some(action.to_owned()), ..filter };
    assert_eq!(t.ids(&of(org)).await, vec![by_bob, removed, in_org], "only of this organization, newest first");
    assert_eq!(t.ids(&of(other)).await, vec![elsewhere]);
    assert_eq!(t.ids(&of(OrgId::mint(t.ambient))).await, vec![], "nothing happened there");
    assert_eq!(t.ids(&by(&ann)).await, vec![nowhere, elsewhere, removed, in_org], "only of this user's doing");
    assert_eq!(t.ids(&by(&bob)).await, vec![by_bob]);
    assert_eq!(t.ids(&doing("org.member.added", of(org))).await, vec![by_bob, in_org], "only this action");
    let all = TrailFilter { user: ann.user_id(), ..doing("org.member.added", of(org)) };
    assert_eq!(t.ids(&all).await, vec![in_org], "all filters hold");
    for unknown in ["org.member.%", "org_member_added", "ORG.MEMBER.ADDED", "", "' OR '1'='1"] {
        assert_eq!(t.ids(&doing(unknown, of(org))).await, vec![], "{unknown:?} is the name of no action");
    }
}

async fn pages_newest_first(t: &Trail<'_>) {
    let org = OrgId::mint(t.ambient);
    let mut newest_first = Vec::new();
    for second in [3, 1, 4, 2, 0] {
        newest_first.push((second, t.keep(second, &Actor::system(), Action::Login, Some(org)).await));
    }
    newest_first.sort_by_key(|(second, _)| std::cmp::Reverse(*second));
    let all: Vec<_> = newest_first.into_iter().map(|(_, id)| id).collect();
    for (limit, offset, expected) in
        [(2, 0, &all[..2]), (2, 2, &all[2..4]), (2, 4, &all[4..]), (2, 9, &[]), (200, 0, &all)]
    {
        let page = Page::new(limit, offset).unwrap();
        let found = t.store.page(&of(org), page).await.unwrap();
        assert_eq!(found.items.iter().map(|entry| entry.id).collect::<Vec<_>>(), expected, "{page:?}");
        assert_eq!((found.total, found.page), (5, page), "the whole is counted");
    }
}
