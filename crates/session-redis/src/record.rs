//! A session as it is written down.

use std::{str::FromStr, time::Duration};

use auth_core::Session;
use chrono::DateTime;
use kernel::{StoreError, Timestamp};
use serde::{Deserialize, Serialize};

/// The format this version writes, and the only one it reads.
const FORMAT: u32 = 1;

/// Why a stored session cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadRecord {
    /// Not JSON, or not of our shape.
    #[error("a stored session is not of the expected shape")]
    Shape(#[from] serde_json::Error),
    /// Written by a program that knows another format.
    #[error("a stored session has the unknown format {0}")]
    Format(u32),
    /// A field does not hold what it must.
    #[error("the field {0} of a stored session is not valid")]
    Field(&'static str),
}

impl From<BadRecord> for StoreError {
    fn from(bad: BadRecord) -> Self {
        Self::broken(bad)
    }
}

/// Times are microseconds since 1970, UTC. Nothing in here is a credential.
#[derive(Serialize, Deserialize)]
struct Record {
    v: u32,
    id: String,
    user: String,
    org: Option<String>,
    created_at: i64,
    auth_time: i64,
    expires_at: i64,
    idle: u64,
    user_epoch: i64,
    org_epoch: i64,
    platform_epoch: i64,
    ip: Option<String>,
    user_agent: Option<String>,
}

/// The idle time in microseconds.
pub(crate) fn idle_micros(session: &Session) -> Result<u64, BadRecord> {
    u64::try_from(session.idle.as_micros()).ok().ok_or(BadRecord::Field("idle"))
}

/// Writes a session as JSON.
pub(crate) fn encode(session: &Session) -> Result<String, BadRecord> {
    let record = Record {
        v: FORMAT,
        id: session.id.to_string(),
        user: session.user.to_string(),
        org: session.org.map(|org| org.to_string()),
        created_at: session.created_at.timestamp_micros(),
        auth_time: session.auth_time.timestamp_micros(),
        expires_at: session.expires_at.timestamp_micros(),
        idle: idle_micros(session)?,
        user_epoch: session.user_epoch,
        org_epoch: session.org_epoch,
        platform_epoch: session.platform_epoch,
        ip: session.ip.clone(),
        user_agent: session.user_agent.clone(),
    };
    Ok(serde_json::to_string(&record)?)
}

/// Reads a session back.
pub(crate) fn decode(json: &str) -> Result<Session, BadRecord> {
    let record: Record = serde_json::from_str(json)?;
    if record.v != FORMAT {
        return Err(BadRecord::Format(record.v));
    }
    Ok(Session {
        id: id("id", &record.id)?,
        user: id("user", &record.user)?,
        org: record.org.as_deref().map(|org| id("org", org)).transpose()?,
        created_at: time("created_at", record.created_at)?,
        auth_time: time("auth_time", record.auth_time)?,
        expires_at: time("expires_at", record.expires_at)?,
        idle: Duration::from_micros(record.idle),
        user_epoch: record.user_epoch,
        org_epoch: record.org_epoch,
        platform_epoch: record.platform_epoch,
        ip: record.ip,
        user_agent: record.user_agent,
    })
}

/// Reads a time that the scripts keep as text.
pub(crate) fn time_text(text: &str) -> Result<Timestamp, BadRecord> {
    time("seen", text.parse().ok().ok_or(BadRecord::Field("seen"))?)
}

fn id<T: FromStr>(field: &'static str, text: &str) -> Result<T, BadRecord> {
    text.parse().ok().ok_or(BadRecord::Field(field))
}

fn time(field: &'static str, micros: i64) -> Result<Timestamp, BadRecord> {
    DateTime::from_timestamp_micros(micros).ok_or(BadRecord::Field(field))
}
