//! Sessions and rate limits in Redis, for a platform with more than one process: [`RedisSessions`] is the
//! [`auth_core::SessionStore`], [`RedisBuckets`] the [`usage_core::RateLimiter`].
//!
//! Two kinds of keys of a session, both of one user in one cluster slot through the hash tag of the user's [`auth_core::UserTag`],
//! and one of a bucket:
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `ops:{<tag>}:s:<SHA-256 of the secret, hex>` | hash | `data` (JSON, with its format version), `seen`, `exp`, `idle` (µs) and `member` |
//! | `ops:{<tag>}:i` | sorted set | `<hash>:<session id>:<user id>`, scored by the time of creation (µs) |
//! | `ops:rl:{<whose>}:<policy>` | string | the time (µs, by Redis's clock) at which the bucket is full; gone 1 ms later |
//!
//! **One port method is one Lua script**, one round trip: nothing can happen between reading a session and sliding it, between
//! counting a user's sessions and evicting the oldest, or between killing the old session and writing the new one. No script
//! writes a session's key but `create` and `renew`, and `renew` only after it found the old one alive: a request in flight
//! cannot bring a session back that was revoked, flushed or expired meanwhile. The scripts derive session keys from the
//! index; they share its slot.
//!
//! **Our clock decides over sessions, Redis bounds.** Every time is an argument. Each key carries a `PEXPIRE` a little later than its end by
//! our clock, so a store nobody asks any more empties itself. Time that goes backwards never moves `seen` back.
//!
//! **Redis's clock decides over buckets**, so that all processes count alike; the answers are in our time. What is refused writes
//! nothing, and a full bucket has no key.
//!
//! **An outage is `StoreError::Unavailable`, never "no session"**, and it is said within [`RedisOptions::deadline`]. The
//! connection is made when it is first needed and again, in the background, whenever it breaks, with at most half a second
//! between attempts: the process starts without Redis and heals without a restart. Ask [`RedisSessions::ping`] for readiness.
//!
//! The server must keep what it is given: no `maxmemory-policy` that evicts keys with an expiry (an evicted session is a
//! sign-out), Redis 6 or later. `rediss://` is TLS, by rustls, against the system's and Mozilla's roots.
mod buckets;
mod connection;
mod record;
mod script;
mod sessions;

pub use self::{buckets::RedisBuckets, connection::RedisOptions, sessions::RedisSessions};
