//! The store of sessions against a real Redis.
//!
//! `OPS_CENTER_TEST_REDIS=redis://127.0.0.1:PORT` names a server to use; without it each test starts a private `redis-server`.
//! Tests that stop, kill or empty the server always start their own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod contract;
mod faults;
mod races;
mod rules;
mod server;
mod storage;

use std::time::Duration;

use auth_core::{Session, SessionToken, UserTag};
use chrono::{DateTime, TimeDelta};
use kernel::{Ambient, OrgId, SessionId, StoreError, Timestamp, UserId};

/// One user and the tag of their cookies.
struct Somebody {
    ambient: Ambient,
    tag: UserTag,
    user: UserId,
}

impl Somebody {
    fn new() -> Self {
        let ambient = Ambient::system();
        Self { tag: UserTag::mint(&ambient), user: UserId::mint(&ambient), ambient }
    }

    fn token(&self) -> SessionToken {
        SessionToken::mint(&self.tag, &self.ambient)
    }

    /// A session of 30 min and 12 h.
    fn session(&self, created_at: Timestamp) -> Session {
        Session {
            id: SessionId::mint(&self.ambient),
            user: self.user,
            org: Some(OrgId::mint(&self.ambient)),
            created_at,
            auth_time: created_at,
            expires_at: created_at + TimeDelta::hours(12),
            idle: Duration::from_mins(30),
            user_epoch: 3,
            org_epoch: 2,
            platform_epoch: 1,
            ip: Some("203.0.113.7".to_owned()),
            user_agent: Some("Mozilla/5.0 \"quoted\" \u{1f980}".to_owned()),
        }
    }
}

/// Some day, and so many seconds.
fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}
