use async_trait::async_trait;
use kernel::{StoreError, Timestamp, TokenHash, UserId};

use super::{KeptSession, MemoryAuth};
use crate::{Revoke, Seen, Session, SessionStore, UserTag};

impl KeptSession {
    fn new(key: &TokenHash, session: &Session, last_seen: Timestamp) -> Self {
        Self { key: *key, session: session.clone(), last_seen }
    }

    fn lives(&self, now: Timestamp) -> bool {
        let idle = (now - self.last_seen).to_std().unwrap_or_default();
        now < self.session.expires_at && idle < self.session.idle
    }

    fn seen(&self) -> Seen {
        Seen { session: self.session.clone(), last_seen: self.last_seen }
    }
}

#[async_trait]
impl SessionStore for MemoryAuth {
    async fn create(&self, _tag: &UserTag, key: &TokenHash, session: &Session, cap: u32) -> Result<(), StoreError> {
        let sessions = &mut self.state()?.sessions;
        sessions.retain(|kept| kept.lives(session.created_at));
        sessions.push(KeptSession::new(key, session, session.created_at));
        let mut mine: Vec<_> = sessions.iter().filter(|kept| kept.session.user == session.user).collect();
        mine.sort_by_key(|kept| kept.session.created_at);
        let surplus = mine.len().saturating_sub(usize::try_from(cap).unwrap_or(usize::MAX));
        let oldest: Vec<_> = mine.into_iter().take(surplus).map(|kept| kept.key).collect();
        sessions.retain(|kept| !oldest.contains(&kept.key));
        Ok(())
    }

    async fn touch(&self, _tag: &UserTag, key: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let mut state = self.state()?;
        let found = state.sessions.iter_mut().find(|kept| kept.key == *key && kept.lives(now));
        Ok(found.map(|kept| {
            kept.last_seen = kept.last_seen.max(now);
            kept.session.clone()
        }))
    }

    async fn renew(
        &self,
        _tag: &UserTag,
        old: &TokenHash,
        new: &TokenHash,
        session: &Session,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let found = state.sessions.iter_mut().find(|kept| kept.key == *old && kept.session.user == session.user);
        Ok(found.map(|kept| *kept = KeptSession::new(new, session, kept.last_seen)).is_some())
    }

    async fn list(&self, _tag: &UserTag, user: UserId, now: Timestamp) -> Result<Vec<Seen>, StoreError> {
        let state = self.state()?;
        let mine = state.sessions.iter().filter(|kept| kept.session.user == user && kept.lives(now));
        let mut seen: Vec<_> = mine.map(KeptSession::seen).collect();
        seen.sort_by_key(|seen| std::cmp::Reverse(seen.session.created_at));
        Ok(seen)
    }

    async fn revoke(&self, _tag: &UserTag, user: UserId, which: Revoke) -> Result<u64, StoreError> {
        let sessions = &mut self.state()?.sessions;
        let before = sessions.len();
        sessions.retain(|kept| {
            kept.session.user != user
                || match which {
                    Revoke::One(id) => kept.session.id != id,
                    Revoke::Others(id) => kept.session.id == id,
                    Revoke::All => false,
                }
        });
        Ok(u64::try_from(before - sessions.len()).unwrap_or(u64::MAX))
    }
}
