use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{Revoke, Seen, Session, SessionStore, UserTag};
use kernel::{StoreError, Timestamp, TokenHash, UserId};
use redis::AsyncCommands;
use secrecy::SecretString;

use crate::{
    connection::{Connection, RedisOptions},
    record::{decode, encode, idle_micros, time_text},
    script::Scripts,
};

/// Live sessions in Redis. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct RedisSessions {
    connection: Connection,
    scripts: Arc<Scripts>,
}

impl RedisSessions {
    /// The sessions at this address (`redis://` or `rediss://`, with user and password if need be). To be called within a Tokio
    /// runtime.
    ///
    /// Nothing is sent yet, so a Redis that is down is no error here; an address that cannot be one is `StoreError::Broken`.
    pub fn connect(url: &SecretString, options: RedisOptions) -> Result<Self, StoreError> {
        Ok(Self { connection: Connection::new(url, options)?, scripts: Arc::new(Scripts::new()) })
    }

    /// Asks Redis whether it is there.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.connection.call(async |mut redis| redis::cmd("PING").exec_async(&mut redis).await).await
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// `data`, `seen`, `exp` and `idle` of a session.
type Stored = (Option<String>, Option<i64>, Option<i64>, Option<i64>);

/// How often `seen` of a busy session moves; of one with a short idle time ten times in that time.
const SEEN_EVERY_MICROS: i64 = 1_000_000;

/// The keys of one user.
struct Keys(String);

impl Keys {
    fn of(tag: &UserTag) -> Self {
        Self(format!("ops:{{{}}}:", tag.as_str()))
    }

    fn index(&self) -> String {
        format!("{}i", self.0)
    }

    /// What the keys of sessions begin with.
    fn prefix(&self) -> String {
        format!("{}s:", self.0)
    }

    fn session(&self, key: &TokenHash) -> String {
        format!("{}s:{}", self.0, key.to_hex())
    }
}

/// The index entry of a session: its key's hash, its name and its owner.
fn member(key: &TokenHash, session: &Session) -> String {
    format!("{}:{}:{}", key.to_hex(), session.id, session.user)
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn create(&self, tag: &UserTag, key: &TokenHash, session: &Session, cap: u32) -> Result<(), StoreError> {
        let keys = Keys::of(tag);
        let mut call = self.scripts.create.key(keys.session(key));
        call.key(keys.index())
            .arg(encode(session)?)
            .arg(session.created_at.timestamp_micros())
            .arg(session.expires_at.timestamp_micros())
            .arg(idle_micros(session)?)
            .arg(member(key, session))
            .arg(keys.prefix())
            .arg(cap);
        self.connection.call(async |mut redis| call.invoke_async::<()>(&mut redis).await).await
    }

    async fn touch(&self, tag: &UserTag, key: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let keys = Keys::of(tag);
        let session = keys.session(key);
        let fields = ["data", "seen", "exp", "idle"];
        let found: Stored = self.connection.call(async |mut redis| redis.hmget(&session, &fields).await).await?;
        let (Some(data), Some(seen), Some(end), Some(idle)) = found else { return Ok(None) };
        // Most requests end here: a read is a tenth of a script, and `seen` need not move more than once a second.
        let (now_micros, recent) = (now.timestamp_micros(), SEEN_EVERY_MICROS.min(idle / 10));
        if now_micros < end && now_micros < seen.saturating_add(recent) {
            return Ok(Some(decode(&data)?));
        }
        let mut call = self.scripts.touch.key(session);
        call.key(keys.index()).arg(now.timestamp_micros());
        let found: Option<String> = self.connection.call(async |mut redis| call.invoke_async(&mut redis).await).await?;
        Ok(found.as_deref().map(decode).transpose()?)
    }

    async fn renew(
        &self,
        tag: &UserTag,
        old: &TokenHash,
        new: &TokenHash,
        session: &Session,
    ) -> Result<bool, StoreError> {
        let keys = Keys::of(tag);
        let mut call = self.scripts.renew.key(keys.session(old));
        call.key(keys.session(new))
            .key(keys.index())
            .arg(encode(session)?)
            .arg(session.created_at.timestamp_micros())
            .arg(session.expires_at.timestamp_micros())
            .arg(idle_micros(session)?)
            .arg(member(new, session));
        let done: u64 = self.connection.call(async |mut redis| call.invoke_async(&mut redis).await).await?;
        Ok(done == 1)
    }

    async fn list(&self, tag: &UserTag, user: UserId, now: Timestamp) -> Result<Vec<Seen>, StoreError> {
        let keys = Keys::of(tag);
        let mut call = self.scripts.list.key(keys.index());
        call.arg(now.timestamp_micros()).arg(keys.prefix());
        let found: Vec<String> = self.connection.call(async |mut redis| call.invoke_async(&mut redis).await).await?;
        let mut sessions = Vec::new();
        for pair in found.chunks(2) {
            let [data, seen] = pair else { return Err(StoreError::broken("a session was listed without its time")) };
            let session = decode(data)?;
            if session.user == user {
                sessions.push(Seen { session, last_seen: time_text(seen)? });
            }
        }
        Ok(sessions)
    }

    async fn revoke(&self, tag: &UserTag, user: UserId, which: Revoke) -> Result<u64, StoreError> {
        let keys = Keys::of(tag);
        let (word, id) = match which {
            Revoke::One(id) => ("one", id.to_string()),
            Revoke::Others(id) => ("others", id.to_string()),
            Revoke::All => ("all", String::new()),
        };
        let mut call = self.scripts.revoke.key(keys.index());
        call.arg(keys.prefix()).arg(user.to_string()).arg(word).arg(id);
        self.connection.call(async |mut redis| call.invoke_async(&mut redis).await).await
    }
}
