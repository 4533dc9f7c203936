//! What lives, how long, and how many.

use auth_core::{Revoke, SessionStore};
use chrono::TimeDelta;
use kernel::{Ambient, UserId};

use crate::{HOUR, MINUTE, Somebody, at, server::AnyServer};

#[tokio::test]
async fn a_session_reads_back_as_it_was_written() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (token, session) = (me.token(), me.session(at(0)));
    store.create(&me.tag, &token.hash(), &session, 10).await.unwrap();
    assert_eq!(store.touch(&me.tag, &token.hash(), at(1)).await.unwrap(), Some(session));
    let bare = auth_core::Session { org: None, ip: None, user_agent: None, ..me.session(at(2)) };
    let other = me.token();
    store.create(&me.tag, &other.hash(), &bare, 10).await.unwrap();
    assert_eq!(store.touch(&me.tag, &other.hash(), at(3)).await.unwrap(), Some(bare));
    assert_eq!(store.touch(&me.tag, &me.token().hash(), at(3)).await.unwrap(), None);
}

#[tokio::test]
async fn reading_slides_the_idle_time_up_to_the_absolute_end() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let token = me.token();
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    let mut now = 0;
    while now + 29 * MINUTE < 12 * HOUR {
        now += 29 * MINUTE;
        assert!(store.touch(&me.tag, &token.hash(), at(now)).await.unwrap().is_some(), "{now}");
    }
    assert!(store.touch(&me.tag, &token.hash(), at(12 * HOUR - 1)).await.unwrap().is_some());
    assert_eq!(store.touch(&me.tag, &token.hash(), at(12 * HOUR)).await.unwrap(), None);
    // It was deleted: an earlier time does not find it again.
    assert_eq!(store.touch(&me.tag, &token.hash(), at(12 * HOUR - 1)).await.unwrap(), None);
}

#[tokio::test]
async fn an_idle_session_dies_for_good() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let token = me.token();
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    assert_eq!(store.touch(&me.tag, &token.hash(), at(30 * MINUTE)).await.unwrap(), None);
    assert_eq!(store.touch(&me.tag, &token.hash(), at(1)).await.unwrap(), None);
    assert_eq!(store.list(&me.tag, me.user, at(1)).await.unwrap(), []);
}

#[tokio::test]
async fn time_that_goes_backwards_does_not_move_last_seen_back() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let token = me.token();
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    store.touch(&me.tag, &token.hash(), at(600)).await.unwrap().unwrap();
    store.touch(&me.tag, &token.hash(), at(60)).await.unwrap().unwrap();
    assert_eq!(store.list(&me.tag, me.user, at(601)).await.unwrap()[0].last_seen, at(600));
}

#[tokio::test]
async fn beyond_the_cap_the_oldest_dies() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let mut tokens = Vec::new();
    for n in 0..11 {
        tokens.push(me.token());
        store.create(&me.tag, &tokens[n].hash(), &me.session(at(i64::try_from(n).unwrap())), 10).await.unwrap();
    }
    assert_eq!(store.touch(&me.tag, &tokens[0].hash(), at(20)).await.unwrap(), None);
    for token in &tokens[1..] {
        assert!(store.touch(&me.tag, &token.hash(), at(20)).await.unwrap().is_some());
    }
    assert_eq!(store.list(&me.tag, me.user, at(20)).await.unwrap().len(), 10);
}

#[tokio::test]
async fn the_dead_do_not_count_towards_the_cap() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (idle, lively, new) = (me.token(), me.token(), me.token());
    store.create(&me.tag, &lively.hash(), &me.session(at(0)), 2).await.unwrap();
    store.create(&me.tag, &idle.hash(), &me.session(at(1)), 2).await.unwrap();
    store.touch(&me.tag, &lively.hash(), at(20 * MINUTE)).await.unwrap().unwrap();
    store.create(&me.tag, &new.hash(), &me.session(at(40 * MINUTE)), 2).await.unwrap();
    assert!(store.touch(&me.tag, &lively.hash(), at(41 * MINUTE)).await.unwrap().is_some());
    assert!(store.touch(&me.tag, &new.hash(), at(41 * MINUTE)).await.unwrap().is_some());
    assert_eq!(store.touch(&me.tag, &idle.hash(), at(2)).await.unwrap(), None);
}

#[tokio::test]
async fn the_new_session_never_is_the_one_that_dies() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (first, second) = (me.token(), me.token());
    store.create(&me.tag, &first.hash(), &me.session(at(100)), 1).await.unwrap();
    // Made by a process whose clock is behind.
    store.create(&me.tag, &second.hash(), &me.session(at(50)), 1).await.unwrap();
    assert!(store.touch(&me.tag, &second.hash(), at(101)).await.unwrap().is_some());
    assert_eq!(store.touch(&me.tag, &first.hash(), at(101)).await.unwrap(), None);
}

#[tokio::test]
async fn renewing_kills_the_old_and_keeps_when_it_was_seen() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (old, new) = (me.token(), me.token());
    let session = me.session(at(0));
    store.create(&me.tag, &old.hash(), &session, 10).await.unwrap();
    store.touch(&me.tag, &old.hash(), at(29 * MINUTE)).await.unwrap().unwrap();
    store.touch(&me.tag, &old.hash(), at(58 * MINUTE)).await.unwrap().unwrap();
    let renewed = auth_core::Session { id: me.session(at(0)).id, user_epoch: 4, ..session };
    assert!(store.renew(&me.tag, &old.hash(), &new.hash(), &renewed).await.unwrap());
    let listed = store.list(&me.tag, me.user, at(59 * MINUTE)).await.unwrap();
    assert_eq!((listed.len(), listed[0].last_seen), (1, at(58 * MINUTE)));
    assert_eq!(store.touch(&me.tag, &old.hash(), at(59 * MINUTE)).await.unwrap(), None);
    assert_eq!(store.touch(&me.tag, &new.hash(), at(59 * MINUTE)).await.unwrap(), Some(renewed));
}

#[tokio::test]
async fn renewing_what_is_gone_keeps_nothing() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (old, new) = (me.token(), me.token());
    assert!(!store.renew(&me.tag, &old.hash(), &new.hash(), &me.session(at(0))).await.unwrap());
    store.create(&me.tag, &old.hash(), &me.session(at(0)), 10).await.unwrap();
    let late = me.session(at(HOUR));
    assert!(!store.renew(&me.tag, &old.hash(), &new.hash(), &late).await.unwrap(), "the old one was idle too long");
    assert_eq!(store.touch(&me.tag, &new.hash(), at(HOUR)).await.unwrap(), None);
    assert_eq!(crate::server::keys(&mut server.raw().await, me.tag.as_str()).await, Vec::<String>::new());
}

#[tokio::test]
async fn revoking_ends_exactly_the_sessions_it_names() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me, other) = (server.sessions(), Somebody::new(), Somebody::new());
    let theirs = other.token();
    store.create(&other.tag, &theirs.hash(), &other.session(at(0)), 10).await.unwrap();
    let mut mine = Vec::new();
    for n in 0..5 {
        let (token, session) = (me.token(), me.session(at(n)));
        store.create(&me.tag, &token.hash(), &session, 10).await.unwrap();
        mine.push((token, session.id));
    }
    assert_eq!(store.revoke(&me.tag, UserId::mint(&Ambient::system()), Revoke::All).await.unwrap(), 0);
    assert_eq!(store.revoke(&me.tag, me.user, Revoke::One(mine[1].1)).await.unwrap(), 1);
    assert_eq!(store.revoke(&me.tag, me.user, Revoke::One(mine[1].1)).await.unwrap(), 0);
    assert_eq!(store.touch(&me.tag, &mine[1].0.hash(), at(9)).await.unwrap(), None);
    assert_eq!(store.revoke(&me.tag, me.user, Revoke::Others(mine[3].1)).await.unwrap(), 3);
    let left = store.list(&me.tag, me.user, at(9)).await.unwrap();
    assert_eq!(left.iter().map(|seen| seen.session.id).collect::<Vec<_>>(), [mine[3].1]);
    assert_eq!(store.revoke(&me.tag, me.user, Revoke::All).await.unwrap(), 1);
    for (token, _) in &mine {
        assert_eq!(store.touch(&me.tag, &token.hash(), at(9)).await.unwrap(), None);
    }
    assert!(store.touch(&other.tag, &theirs.hash(), at(9)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_list_is_newest_first_and_holds_only_what_lives() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let mut ids = Vec::new();
    for n in 0..4 {
        let (token, session) = (me.token(), me.session(at(n * MINUTE)));
        store.create(&me.tag, &token.hash(), &session, 10).await.unwrap();
        ids.push(session.id);
    }
    let listed = store.list(&me.tag, me.user, at(4 * MINUTE)).await.unwrap();
    assert_eq!(listed.iter().map(|seen| seen.session.id).collect::<Vec<_>>(), [ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(listed[0].last_seen, listed[0].session.created_at);
    // The first two have been idle for 30 min by now; a microsecond earlier it was one.
    let edge = at(31 * MINUTE);
    assert_eq!(store.list(&me.tag, me.user, edge - TimeDelta::microseconds(1)).await.unwrap().len(), 3);
    assert_eq!(store.list(&me.tag, me.user, edge).await.unwrap().len(), 2);
    assert_eq!(store.list(&me.tag, UserId::mint(&Ambient::system()), at(4 * MINUTE)).await.unwrap(), []);
}
