use std::collections::HashSet;
use std::time::Duration;

use kernel::testing::race;
use kernel::{Ambient, SessionId, Timestamp, TokenHash};

use crate::testing::SessionOwners;
use crate::{Revoke, Seen, Session, SessionStore, User};

const SECOND: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_mins(30);
const ABSOLUTE: Duration = Duration::from_hours(12);

/// A session store and the users whose sessions it keeps.
struct Sessions<'a> {
    store: &'a dyn SessionStore,
    owners: &'a SessionOwners,
    ambient: &'a Ambient,
}

impl Sessions<'_> {
    fn invent(&self, user: &User, at: Timestamp) -> (TokenHash, Session) {
        let session = Session {
            id: SessionId::mint(self.ambient),
            user: user.id,
            org: (user.id == self.owners.user.id).then_some(self.owners.org),
            created_at: at,
            auth_time: at - SECOND * 7,
            expires_at: at + ABSOLUTE,
            idle: IDLE,
            user_epoch: 3,
            org_epoch: 5,
            platform_epoch: 7,
            ip: Some("2001:db8::1".into()),
            user_agent: Some("Mozilla/5.0 (X11; Linux) \u{1f980} \"quoted\"".into()),
        };
        (TokenHash::from_bytes(self.ambient.random()), session)
    }

    async fn create(&self, user: &User, at: Timestamp, cap: u32) -> (TokenHash, Session) {
        let (key, session) = self.invent(user, at);
        self.store.create(&user.tag, &key, &session, cap).await.unwrap();
        (key, session)
    }

    async fn touch(&self, key: &TokenHash, at: Timestamp) -> Option<Session> {
        self.store.touch(&self.owners.user.tag, key, at).await.unwrap()
    }

    async fn list(&self, user: &User, at: Timestamp) -> Vec<Seen> {
        self.store.list(&user.tag, user.id, at).await.unwrap()
    }

    async fn ids(&self, at: Timestamp) -> Vec<SessionId> {
        self.list(&self.owners.user, at).await.iter().map(|seen| seen.session.id).collect()
    }

    async fn revoke(&self, user: &User, which: Revoke) -> u64 {
        self.store.revoke(&user.tag, user.id, which).await.unwrap()
    }

    async fn clear(&self) {
        self.revoke(&self.owners.user, Revoke::All).await;
        self.revoke(&self.owners.bystander, Revoke::All).await;
    }
}

/// What every [`SessionStore`] promises. Times begin at the ambient's now, so that a store whose keys expire by its own clock can
/// be given the machine's.
pub async fn session_store_contract(store: &dyn SessionStore, owners: &SessionOwners, ambient: &Ambient) {
    let sessions = Sessions { store, owners, ambient };
    reads_what_was_kept(&sessions).await;
    sessions.clear().await;
    touch_slides(&sessions).await;
    sessions.clear().await;
    absolute_end(&sessions).await;
    sessions.clear().await;
    renew_replaces(&sessions).await;
    sessions.clear().await;
    renew_revives_nothing(&sessions).await;
    sessions.clear().await;
    cap_evicts_the_oldest(&sessions).await;
    sessions.clear().await;
    revoke_ends(&sessions).await;
    sessions.clear().await;
}

async fn reads_what_was_kept(s: &Sessions<'_>) {
    let (now, user) = (s.ambient.now(), &s.owners.user);
    let (key, session) = s.create(user, now, 10).await;
    assert_eq!(s.touch(&key, now).await, Some(session.clone()), "a session reads back as it was kept");
    assert_eq!(s.touch(&TokenHash::from_bytes(s.ambient.random()), now).await, None, "an unknown key");
    assert_eq!(s.list(user, now).await, vec![Seen { session, last_seen: now }], "and so in the list");
    assert_eq!(s.list(&s.owners.bystander, now).await, vec![], "nobody else has it");

    let (bare_key, bare) = s.invent(user, now);
    let bare = Session { org: None, org_epoch: 0, ip: None, user_agent: None, ..bare };
    s.store.create(&user.tag, &bare_key, &bare, 10).await.unwrap();
    assert_eq!(s.touch(&bare_key, now).await, Some(bare), "what is absent stays absent");
}

async fn touch_slides(s: &Sessions<'_>) {
    let (now, user) = (s.ambient.now(), &s.owners.user);
    let (key, session) = s.create(user, now, 10).await;
    let (untouched, _) = s.create(user, now, 10).await;
    let mut at = now;
    for _ in 0..3 {
        at = at + IDLE - SECOND;
        assert_eq!(s.touch(&key, at).await, Some(session.clone()), "each use begins the idle time anew");
    }
    assert_eq!(s.touch(&untouched, at).await, None, "a session that nobody used is dead");
    assert_eq!(s.list(user, at).await, vec![Seen { session: session.clone(), last_seen: at }], "and not in the list");
    assert_eq!(s.touch(&key, at - SECOND * 60).await, Some(session.clone()), "a clock that steps back finds it");
    let seen = s.list(user, at).await;
    assert_eq!(seen.first().map(|seen| seen.last_seen), Some(at), "and does not make it older");
    assert_eq!(s.touch(&key, at + IDLE - SECOND).await, Some(session), "nor shorten its life");
    assert_eq!(s.touch(&key, at + IDLE * 2).await, None, "idle too long");
    assert_eq!(s.list(user, at + IDLE * 2).await, vec![], "idle too long, in the list");
}

async fn absolute_end(s: &Sessions<'_>) {
    let (now, user) = (s.ambient.now(), &s.owners.user);
    let (key, session) = s.create(user, now, 10).await;
    let mut at = now;
    while at + IDLE / 2 < now + ABSOLUTE {
        assert_eq!(s.touch(&key, at).await.as_ref(), Some(&session), "used again and again");
        at += IDLE / 2;
    }
    assert!(s.touch(&key, now + ABSOLUTE - SECOND).await.is_some(), "lives until its absolute end");
    assert_eq!(s.touch(&key, now + ABSOLUTE).await, None, "and not longer, however busy it is");
    assert_eq!(s.list(user, now + ABSOLUTE).await, vec![], "in the list neither");
}

async fn renew_replaces(s: &Sessions<'_>) {
    let (now, user) = (s.ambient.now(), &s.owners.user);
    let (old, session) = s.create(user, now, 2).await;
    let (other, second) = s.create(user, now + SECOND, 2).await;
    let (new, _) = s.invent(user, now);
    let renewed = Session { id: SessionId::mint(s.ambient), org: None, org_epoch: 0, user_epoch: 4, ..session };
    assert!(s.store.renew(&user.tag, &old, &new, &renewed).await.unwrap(), "a live session is replaced");
    let at = now + SECOND * 2;
    assert_eq!(s.touch(&old, at).await, None, "the old token is dead");
    assert_eq!(s.touch(&new, at).await, Some(renewed.clone()), "the new one lives, with what it says now");
    assert_eq!(s.touch(&other, at).await, Some(second.clone()), "no other session died for it");
    assert_eq!(s.ids(at).await, vec![second.id, renewed.id], "each is in the list once, newest first");
    let (third, _) = s.create(user, now + SECOND * 3, 2).await;
    assert_eq!(s.touch(&new, now + SECOND * 3).await, None, "a renewed session is as old as it was: the oldest dies");
    assert!(s.touch(&third, now + SECOND * 3).await.is_some());
}

async fn renew_revives_nothing(s: &Sessions<'_>) {
    let (now, user) = (s.ambient.now(), &s.owners.user);
    let (old, session) = s.create(user, now, 10).await;
    let (new, _) = s.invent(user, now);
    let renewed = Session { id: SessionId::mint(s.ambient), ..session.clone() };
    assert_eq!(s.revoke(user, Revoke::One(session.id)).await, 1);
    assert!(!s.store.renew(&user.tag, &old, &new, &renewed).await.unwrap(), "a session that is gone stays gone");
    for key in [&old, &new] {
        assert_eq!(s.touch(key, now).await, None, "and nothing is kept");
    }
    assert_eq!(s.ids(now).await, vec![], "not in the list either");

    let (old, session) = s.create(user, now, 10).await;
    let renewed = Session { id: SessionId::mint(s.ambient), ..session };
    assert!(s.store.renew(&user.tag, &old, &new, &renewed).await.unwrap());
    let (again, _) = s.invent(user, now);
    let twice = Session { id: SessionId::mint(s.ambient), ..renewed.clone() };
    assert!(!s.store.renew(&user.tag, &old, &again, &twice).await.unwrap(), "an old token renews once");
    assert_eq!(s.touch(&again, now).await, None);
    assert_eq!(s.ids(now).await, vec![renewed.id]);

    let same = Session { id: renewed.id, ..renewed };
    assert!(s.store.renew(&user.tag, &new, &again, &same).await.unwrap(), "a session keeps its id under its new token");
    assert_eq!(s.revoke(user, Revoke::One(same.id)).await, 1, "and ends by it");
    assert_eq!(s.touch(&again, now).await, None);
}

async fn cap_evicts_the_oldest(s: &Sessions<'_>) {
    let (now, user, bystander) = (s.ambient.now(), &s.owners.user, &s.owners.bystander);
    let (_, theirs) = s.create(bystander, now, 3).await;
    let mut kept = Vec::new();
    for n in 0..6 {
        kept.push(s.create(user, now + SECOND * n, 3).await);
    }
    let at = now + SECOND * 6;
    let newest: Vec<_> = kept.iter().rev().take(3).map(|(_, session)| session.id).collect();
    assert_eq!(s.ids(at).await, newest, "the newest live, newest first");
    for (n, (key, _)) in kept.iter().enumerate() {
        assert_eq!(s.touch(key, at).await.is_some(), n >= 3, "session {n}: the oldest die");
    }
    assert_eq!(s.list(bystander, at).await.len(), 1, "another user's sessions do not count");
    assert_eq!(s.revoke(bystander, Revoke::One(theirs.id)).await, 1);

    let (key, _) = s.create(user, at, 1).await;
    assert_eq!(s.ids(at).await.len(), 1, "a smaller cap ends more than one");
    assert!(s.touch(&key, at).await.is_some(), "and never the new one");
}

async fn revoke_ends(s: &Sessions<'_>) {
    let (now, user, bystander) = (s.ambient.now(), &s.owners.user, &s.owners.bystander);
    let (their_key, theirs) = s.create(bystander, now, 10).await;
    let mut mine = Vec::new();
    for n in 0..4 {
        mine.push(s.create(user, now + SECOND * n, 10).await);
    }
    let at = now + SECOND * 4;
    let [(_, first), (second_key, second), ..] = mine.as_slice() else { panic!("four sessions") };
    assert_eq!(s.revoke(user, Revoke::One(first.id)).await, 1, "one ends");
    assert_eq!(s.revoke(user, Revoke::One(first.id)).await, 0, "once");
    assert_eq!(s.revoke(user, Revoke::One(theirs.id)).await, 0, "another user's session is not there to end");
    assert_eq!(s.revoke(user, Revoke::One(SessionId::mint(s.ambient))).await, 0, "an unknown one neither");
    assert_eq!(s.revoke(user, Revoke::Others(second.id)).await, 2, "all but one");
    assert_eq!(s.ids(at).await, vec![second.id], "that one lives");
    assert_eq!(s.touch(second_key, at).await.as_ref(), Some(second));
    s.create(user, at, 10).await;
    assert_eq!(s.revoke(user, Revoke::All).await, 2, "all");
    assert_eq!(s.revoke(user, Revoke::All).await, 0, "none is left");
    for (key, _) in &mine {
        assert_eq!(s.touch(key, at).await, None, "an ended session is dead at once");
    }
    let found = s.store.touch(&bystander.tag, &their_key, at).await.unwrap();
    assert_eq!(found, Some(theirs), "another user's sessions live on");
}

/// Racing callers: of 32 renewals of one session exactly one wins, 32 new sessions never exceed the cap, and nothing that races a
/// revocation outlives it.
pub async fn session_store_race(store: &dyn SessionStore, owners: &SessionOwners, ambient: &Ambient) {
    let s = Sessions { store, owners, ambient };
    let (now, user) = (ambient.now(), &owners.user);

    let (old, session) = s.create(user, now, 10).await;
    let renew = async |old: &TokenHash| {
        let (new, _) = s.invent(user, now);
        let renewed = Session { id: SessionId::mint(ambient), ..session.clone() };
        store.renew(&user.tag, old, &new, &renewed).await.unwrap()
    };
    let won = race(32, async |_| renew(&old).await).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1, "one renewal wins");
    assert_eq!(s.ids(now).await.len(), 1, "and one session lives");
    s.clear().await;

    race(32, async |_| s.create(user, now, 5).await).await;
    assert_eq!(s.ids(now).await.into_iter().collect::<HashSet<_>>().len(), 5, "never more than the cap, never fewer");
    s.clear().await;

    for _ in 0..5 {
        let (old, _) = s.create(user, now, 10).await;
        race(32, async |n| {
            if n == 16 {
                s.revoke(user, Revoke::All).await;
            } else if n % 2 == 0 {
                s.touch(&old, now).await;
            } else {
                renew(&old).await;
            }
        })
        .await;
        assert_eq!(s.ids(now).await, vec![], "nothing outlives a revocation that it raced");
        assert_eq!(s.touch(&old, now).await, None);
    }
}
