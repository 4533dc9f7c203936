use kernel::{Action, Page, Timestamp};

use super::stage::{MINUTE, SECOND, Stage, key};
use crate::testing::BillingStores;
use crate::{EventEntry, EventKey, InboundEvent, PaymentProvider, Posted, Posting, Received, Settles, WorkState};

/// What every [`Inbox`](crate::Inbox) promises. Nothing may be pending in it.
pub async fn inbox_contract(stores: BillingStores<'_>) {
    keeps_each_event_once(&Stage::new(stores)).await;
    gives_out_what_is_due(&Stage::new(stores)).await;
    tries_again(&Stage::new(stores)).await;
    ends_once(&Stage::new(stores)).await;
    lists_newest_first(&Stage::new(stores)).await;
    replays(&Stage::new(stores)).await;
}

async fn entry(s: &Stage<'_>, key: &EventKey) -> Option<EventEntry> {
    let page = Page::new(Page::MAX_LIMIT, 0).unwrap();
    let all = s.stores.inbox.list(None, page).await.unwrap();
    all.items.into_iter().find(|entry| entry.key == *key)
}

async fn state(s: &Stage<'_>, key: &EventKey) -> WorkState {
    entry(s, key).await.unwrap().state
}

/// Whoever comes next finds nothing to do.
async fn finish(s: &Stage<'_>, keys: &[EventKey]) {
    for key in keys {
        s.stores.inbox.ignore(key, s.tick()).await.unwrap();
    }
    assert_eq!(s.claimed(s.tick() + MINUTE * 600).await, []);
}

async fn keeps_each_event_once(s: &Stage<'_>) {
    let full = InboundEvent { body: (0..=255).cycle().take(1 << 20).collect(), ..s.event() };
    let bare = InboundEvent { kind: String::new(), customer: None, body: Vec::new(), ..s.event() };
    let other = InboundEvent { provider: PaymentProvider::Lago, received_at: s.tick(), ..bare.clone() };
    for event in [&full, &bare, &other] {
        assert_eq!(s.stores.inbox.receive(event).await.unwrap(), Received::New);
        let again = InboundEvent { body: b"other".to_vec(), kind: "x".to_owned(), ..event.clone() };
        assert_eq!(s.stores.inbox.receive(&again).await.unwrap(), Received::Duplicate);
    }
    let claimed = s.claim(s.tick(), 9).await;
    assert!(claimed.iter().all(|claimed| claimed.attempts == 0));
    let events: Vec<InboundEvent> = claimed.into_iter().map(|claimed| claimed.event).collect();
    assert!(events == [full, bare, other], "the first one of each name, to the byte");
    finish(s, &events.iter().map(key).collect::<Vec<_>>()).await;
    assert_eq!(s.stores.inbox.receive(&events[0]).await.unwrap(), Received::Duplicate, "also when it is over");
}

async fn gives_out_what_is_due(s: &Stage<'_>) {
    let (one, two, three) = (s.received().await, s.received().await, s.received().await);
    let later = InboundEvent { received_at: s.tick() + MINUTE * 60, ..s.event() };
    s.stores.inbox.receive(&later).await.unwrap();
    let now = s.tick();
    let claimed = s.claim(now, 2).await;
    let keys: Vec<EventKey> = claimed.iter().map(|claimed| key(&claimed.event)).collect();
    assert_eq!(keys, [one.clone(), two.clone()], "as many as are wanted, the first first");
    assert_eq!(s.claimed(now).await, std::slice::from_ref(&three), "what is leased is given to nobody else");
    assert_eq!(s.claimed(now).await, []);
    assert_eq!(s.claimed(now + MINUTE - SECOND).await, []);
    assert_eq!(s.claimed(now + MINUTE).await, [one.clone(), two.clone(), three.clone()], "until the lease ends");
    assert_eq!(s.claimed(later.received_at).await, [one.clone(), two.clone(), three.clone(), key(&later)]);
    finish(s, &[one, two, three, key(&later)]).await;
}

async fn tries_again(s: &Stage<'_>) {
    let (poison, good) = (s.received().await, s.received().await);
    let now = s.tick();
    assert_eq!(s.claimed(now).await, [poison.clone(), good.clone()]);
    let fail = async |attempts, next_at: Option<Timestamp>, error: &str| {
        s.stores.inbox.fail(&poison, attempts, next_at, error).await.unwrap();
    };
    fail(1, Some(now + MINUTE * 2), "no \"answer\"\0").await;
    let failed = entry(s, &poison).await.unwrap();
    assert_eq!((failed.state, failed.attempts, failed.next_at), (WorkState::Pending, 1, Some(now + MINUTE * 2)));
    assert!(failed.error.unwrap().starts_with("no \"answer\""));
    assert_eq!(s.claimed(now + MINUTE).await, std::slice::from_ref(&good), "it hinders no other");
    assert_eq!(s.claimed(now + MINUTE * 2).await, [good.clone(), poison.clone()], "and comes when its turn is");
    fail(2, Some(now + MINUTE * 2 + SECOND), "again").await;
    let again = s.claim(now + MINUTE * 2 + SECOND, 9).await;
    assert_eq!((key(&again[0].event), again[0].attempts, again.len()), (poison.clone(), 2, 1), "without a lease");
    fail(3, None, &"ß".repeat(5_000)).await;
    let dead = entry(s, &poison).await.unwrap();
    assert_eq!((dead.state, dead.attempts, dead.next_at), (WorkState::Dead, 3, None));
    fail(4, Some(now), "late").await;
    assert_eq!(state(s, &poison).await, WorkState::Dead, "nobody who comes late brings it back");
    finish(s, &[good]).await;
}

async fn ends_once(s: &Stage<'_>) {
    let org = s.org().await;
    let (done, ignored) = (s.received().await, s.received().await);
    let settle = async |key: &EventKey| {
        let posting = Posting { settles: Settles::Event(key.clone()), ..s.next(org).await };
        s.post(&posting).await
    };
    assert_eq!(settle(&done).await, Posted::Posted);
    s.stores.inbox.ignore(&ignored, s.tick()).await.unwrap();
    assert_eq!(settle(&done).await, Posted::AlreadySettled);
    assert_eq!(settle(&ignored).await, Posted::AlreadySettled);
    for key in [&done, &ignored] {
        s.stores.inbox.fail(key, 1, Some(s.tick()), "late").await.unwrap();
        s.stores.inbox.fail(key, 1, None, "late").await.unwrap();
        s.stores.inbox.ignore(key, s.tick()).await.unwrap();
    }
    let (done, ignored) = (entry(s, &done).await.unwrap(), entry(s, &ignored).await.unwrap());
    assert_eq!((done.state, done.org, done.next_at, done.error), (WorkState::Done, Some(org), None, None));
    assert_eq!((ignored.state, ignored.org, ignored.next_at), (WorkState::Ignored, None, None));
    finish(s, &[]).await;
}

async fn lists_newest_first(s: &Stage<'_>) {
    let keys = [s.received().await, s.received().await, s.received().await];
    s.stores.inbox.fail(&keys[1], 8, None, "dead").await.unwrap();
    s.stores.inbox.ignore(&keys[2], s.tick()).await.unwrap();
    let mut newest = keys.to_vec();
    newest.reverse();
    let list =
        async |state, limit, offset| s.stores.inbox.list(state, Page::new(limit, offset).unwrap()).await.unwrap();
    let all = list(None, 200, 0).await;
    assert_eq!(usize::try_from(all.total).unwrap(), all.items.len());
    let mine: Vec<&EventKey> = all.items.iter().map(|entry| &entry.key).filter(|key| keys.contains(key)).collect();
    assert_eq!(mine, newest.iter().collect::<Vec<_>>());
    for (n, wanted) in [WorkState::Pending, WorkState::Dead, WorkState::Ignored].into_iter().enumerate() {
        let found = list(Some(wanted), 200, 0).await;
        assert!(found.items.iter().all(|entry| entry.state == wanted));
        let mine: Vec<&EventKey> =
            found.items.iter().map(|entry| &entry.key).filter(|key| keys.contains(key)).collect();
        assert_eq!(mine, [&keys[n]]);
        assert_eq!(usize::try_from(found.total).unwrap(), found.items.len());
    }
    let pending = &list(Some(WorkState::Pending), 1, 0).await.items[0];
    assert_eq!((&*pending.kind, pending.attempts, &pending.error), ("invoice.paid", 0, &None));
    assert_eq!(list(None, 1, 1).await.items, all.items[1..2], "a page is a part of the whole");
    finish(s, &keys).await;
}

async fn replays(s: &Stage<'_>) {
    let org = s.org().await;
    let (dead, done, ignored, pending) =
        (s.received().await, s.received().await, s.received().await, s.received().await);
    s.stores.inbox.fail(&dead, 8, None, "no answer").await.unwrap();
    s.posted(&Posting { settles: Settles::Event(done.clone()), ..s.next(org).await }).await;
    s.stores.inbox.ignore(&ignored, s.tick()).await.unwrap();
    assert_eq!(s.claimed(s.tick()).await, std::slice::from_ref(&pending));
    let replay = async |key: &EventKey, changes: bool| {
        let record = s.record(Action::EventReplayed);
        let known = s.stores.inbox.replay(key, &record).await.unwrap();
        assert_eq!(s.stores.world.kept(record.id).await, changes, "a change and its record");
        known
    };
    for key in [&dead, &done, &ignored] {
        assert!(replay(key, true).await);
        let again = entry(s, key).await.unwrap();
        assert_eq!((again.state, again.attempts), (WorkState::Pending, 0), "from its first attempt on");
    }
    assert!(replay(&pending, false).await, "what is pending is applied anyway");
    assert!(!replay(&key(&s.event()), false).await, "there is none of this name");
    assert_eq!(s.claimed(s.tick()).await, [dead.clone(), done.clone(), ignored.clone()], "at once");
    let posting = Posting { settles: Settles::Event(done.clone()), ..s.next(org).await };
    assert_eq!(s.post(&posting).await, Posted::Posted, "it takes effect again");
    finish(s, &[dead, done, ignored, pending]).await;
}
