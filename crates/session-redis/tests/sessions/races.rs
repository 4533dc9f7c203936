//! No request in flight brings a session back.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use auth_core::{Revoke, Session, SessionStore, SessionToken};
use kernel::SessionId;
use session_redis::RedisSessions;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    Somebody, at,
    server::{AnyServer, keys},
};

const WRITERS: usize = 50;

/// Touches and renews one session until it is gone; every token it ever held.
async fn write_until_gone(
    store: RedisSessions,
    me: Arc<Somebody>,
    token: SessionToken,
    turns: Arc<AtomicUsize>,
) -> Vec<SessionToken> {
    let mut held = vec![token];
    loop {
        turns.fetch_add(1, Ordering::Relaxed);
        let old = held.last().unwrap().clone();
        let Some(session) = store.touch(&me.tag, &old.hash(), at(5)).await.unwrap() else { return held };
        let new = me.token();
        held.push(new.clone());
        let session = Session { id: SessionId::mint(&me.ambient), ..session };
        if !store.renew(&me.tag, &old.hash(), &new.hash(), &session).await.unwrap() {
            return held;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lives_after_revoking_all_sessions_of_fifty_writers() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Arc::new(Somebody::new()));
    let turns = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let token = me.token();
        store.create(&me.tag, &token.hash(), &me.session(at(0)), 100).await.unwrap();
        writers.spawn(write_until_gone(store.clone(), me.clone(), token, turns.clone()));
    }
    while turns.load(Ordering::Relaxed) < WRITERS * 10 {
        tokio::task::yield_now().await;
    }
    let ended = store.revoke(&me.tag, me.user, Revoke::All).await.unwrap();
    assert_eq!(ended, u64::try_from(WRITERS).unwrap());
    let mut ever = Vec::new();
    while let Some(held) = writers.join_next().await {
        ever.extend(held.unwrap());
    }
    assert!(ever.len() > WRITERS * 2, "the writers wrote");
    for token in &ever {
        assert_eq!(store.touch(&me.tag, &token.hash(), at(5)).await.unwrap(), None);
    }
    assert_eq!(keys(&mut server.raw().await, me.tag.as_str()).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_readers_do_not_bring_back_a_session_that_signs_out() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Arc::new(Somebody::new()));
    let (token, session) = (me.token(), me.session(at(0)));
    store.create(&me.tag, &token.hash(), &session, 10).await.unwrap();
    let turns = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, me, token, turns) = (store.clone(), me.clone(), token.clone(), turns.clone());
        readers.spawn(async move {
            while store.touch(&me.tag, &token.hash(), at(5)).await.unwrap().is_some() {
                turns.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while turns.load(Ordering::Relaxed) < WRITERS * 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.revoke(&me.tag, me.user, Revoke::One(session.id)).await.unwrap(), 1);
    assert_eq!(store.touch(&me.tag, &token.hash(), at(5)).await.unwrap(), None);
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
    assert_eq!(keys(&mut server.raw().await, me.tag.as_str()).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_renewing_and_revoking_one_session_exactly_one_happens() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let mut renewals = 0;
    for _ in 0..200 {
        let (old, new, session) = (me.token(), me.token(), me.session(at(0)));
        store.create(&me.tag, &old.hash(), &session, 10).await.unwrap();
        let next = Session { id: SessionId::mint(&me.ambient), ..session.clone() };
        let (old_hash, new_hash) = (old.hash(), new.hash());
        let (renewed, revoked) = tokio::join!(
            store.renew(&me.tag, &old_hash, &new_hash, &next),
            store.revoke(&me.tag, me.user, Revoke::One(session.id)),
        );
        let (renewed, revoked) = (renewed.unwrap(), revoked.unwrap());
        assert_eq!(revoked, u64::from(!renewed));
        assert_eq!(store.touch(&me.tag, &new_hash, at(1)).await.unwrap().is_some(), renewed);
        assert_eq!(store.touch(&me.tag, &old_hash, at(1)).await.unwrap(), None);
        renewals += u64::from(renewed);
        assert_eq!(store.revoke(&me.tag, me.user, Revoke::All).await.unwrap(), u64::from(renewed));
    }
    println!("{renewals} of 200 were renewed first");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thirty_two_renewals_of_one_session_exactly_one_happens() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Arc::new(Somebody::new()));
    let old = me.token();
    store.create(&me.tag, &old.hash(), &me.session(at(0)), 10).await.unwrap();
    let (start, mut tasks) = (Arc::new(Barrier::new(32)), JoinSet::new());
    for _ in 0..32 {
        let (store, me, old, start) = (store.clone(), me.clone(), old.clone(), start.clone());
        tasks.spawn(async move {
            let new = me.token();
            start.wait().await;
            store.renew(&me.tag, &old.hash(), &new.hash(), &me.session(at(0))).await.unwrap()
        });
    }
    let mut renewed = 0;
    while let Some(won) = tasks.join_next().await {
        renewed += u32::from(won.unwrap());
    }
    assert_eq!(renewed, 1);
    assert_eq!(store.list(&me.tag, me.user, at(1)).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_sign_ins_never_exceed_the_cap() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Arc::new(Somebody::new()));
    let mut tasks = JoinSet::new();
    for n in 0..40 {
        let (store, me) = (store.clone(), me.clone());
        tasks.spawn(async move { store.create(&me.tag, &me.token().hash(), &me.session(at(n)), 10).await });
    }
    while let Some(created) = tasks.join_next().await {
        created.unwrap().unwrap();
        assert!(store.list(&me.tag, me.user, at(60)).await.unwrap().len() <= 10);
    }
    assert_eq!(store.list(&me.tag, me.user, at(60)).await.unwrap().len(), 10);
}
