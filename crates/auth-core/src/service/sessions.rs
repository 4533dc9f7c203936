use std::sync::Arc;
use std::time::Duration;

use kernel::{Action, Actor, Ambient, OrgId, PlatformRole, Record, SessionId, Timestamp, UserId};

use crate::policy::device::MAX_USER_AGENT;
use crate::{
    AuthError, Freshness, Home, Lifetimes, Revoke, Seen, Session, SessionStore, SessionToken, Standing, Standings,
    UserStore, UserTag,
};

/// What lives and how long.
#[derive(Debug, Clone, Copy)]
pub struct SessionRules {
    /// Of ordinary users.
    pub user: Lifetimes,
    /// Of platform admins.
    pub admin: Lifetimes,
    /// How many a user may have; the oldest dies.
    pub per_user: u32,
    /// How old a sign-in may be for what is sensitive.
    pub fresh: Duration,
}

impl Default for SessionRules {
    /// 30 min idle and 12 h at most, for admins 15 min and 8 h; ten per user; five minutes fresh.
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            user: Lifetimes { idle: minutes(30), absolute: minutes(12 * 60) },
            admin: Lifetimes { idle: minutes(15), absolute: minutes(8 * 60) },
            per_user: 10,
            fresh: minutes(5),
        }
    }
}

/// A live session and what the database says of its user now.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The session.
    pub session: Session,
    /// The user's standing.
    pub standing: Standing,
}

/// A session that took the place of another: the old token is dead.
#[derive(Debug)]
pub struct Renewed {
    /// For the cookie.
    pub token: SessionToken,
    /// The new session.
    pub session: Session,
}

/// Tells who a token is, and ends sessions.
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    standings: Arc<dyn Standings>,
    users: Arc<dyn UserStore>,
    ambient: Ambient,
    rules: SessionRules,
}

/// What a new session is made from.
pub(crate) struct Proof {
    pub(crate) user: UserId,
    pub(crate) tag: UserTag,
    pub(crate) role: PlatformRole,
    pub(crate) epoch: i64,
    pub(crate) platform_epoch: i64,
    pub(crate) home: Option<Home>,
}

impl Sessions {
    /// The use cases over these ports.
    pub fn new(
        store: Arc<dyn SessionStore>,
        standings: Arc<dyn Standings>,
        users: Arc<dyn UserStore>,
        ambient: Ambient,
        rules: SessionRules,
    ) -> Self {
        Self { store, standings, users, ambient, rules }
    }

    /// Who this token is, sliding its idle time; `None` for every token that is not a live session. A change asks for
    /// [`Freshness::Fresh`].
    pub async fn authenticate(
        &self,
        token: &SessionToken,
        fresh: Freshness,
    ) -> Result<Option<Authenticated>, AuthError> {
        let Some(session) = self.store.touch(token.tag(), &token.hash(), self.ambient.now()).await? else {
            return Ok(None);
        };
        let mut standing = self.standings.of(session.user, session.org, fresh).await?;
        if fresh == Freshness::Cached && !standing.as_ref().is_some_and(|standing| standing.admits(&session)) {
            // A session made a moment ago by another process is newer than what is remembered here: nobody is sent away by hearsay.
            standing = self.standings.of(session.user, session.org, Freshness::Fresh).await?;
        }
        Ok(standing.filter(|standing| standing.admits(&session)).map(|standing| Authenticated { session, standing }))
    }

    /// Refuses a sign-in older than the rule for sensitive actions (RFC 9470).
    pub fn require_fresh(&self, session: &Session) -> Result<(), AuthError> {
        let age = (self.ambient.now() - session.auth_time).to_std().unwrap_or_default();
        if age <= self.rules.fresh { Ok(()) } else { Err(AuthError::NotFresh { max_age: self.rules.fresh }) }
    }

    /// The user's live sessions, newest first.
    pub async fn list(&self, tag: &UserTag, me: &Session) -> Result<Vec<Seen>, AuthError> {
        let seen = self.store.list(tag, me.user, self.ambient.now()).await?;
        Ok(seen.into_iter().filter(|seen| seen.session.user_epoch == me.user_epoch).collect())
    }

    /// Signs out: the session is dead before this returns.
    pub async fn end(&self, actor: &Actor, tag: &UserTag, me: &Session) -> Result<(), AuthError> {
        let record = Record::new(&self.ambient, actor, Action::Logout, "session", me.id);
        self.standings.note(&record).await?;
        self.store.revoke(tag, me.user, Revoke::One(me.id)).await?;
        Ok(())
    }

    /// Ends one session of the same user.
    pub async fn revoke(&self, actor: &Actor, tag: &UserTag, me: &Session, id: SessionId) -> Result<(), AuthError> {
        let mine = self.list(tag, me).await?;
        if !mine.iter().any(|seen| seen.session.id == id) {
            return Err(AuthError::SessionNotFound);
        }
        let record = Record::new(&self.ambient, actor, Action::SessionRevoked, "session", id);
        self.standings.note(&record).await?;
        match self.store.revoke(tag, me.user, Revoke::One(id)).await? {
            0 => Err(AuthError::SessionNotFound),
            _ => Ok(()),
        }
    }

    /// Ends every session of a user, durably: by the epoch first, then in the store.
    pub async fn revoke_all(&self, actor: &Actor, user: UserId) -> Result<(), AuthError> {
        let found = self.users.by_id(user).await?.ok_or(AuthError::UserNotFound)?;
        let record = Record::new(&self.ambient, actor, Action::SessionsRevoked, "user", user).with("kept", "none");
        self.standings.end_sessions(user, &record).await?.ok_or(AuthError::UserNotFound)?;
        self.store.revoke(&found.user.tag, user, Revoke::All).await?;
        Ok(())
    }

    /// Ends every session of the user but this one, which goes on under a new token.
    pub async fn revoke_others(&self, actor: &Actor, token: &SessionToken, me: &Session) -> Result<Renewed, AuthError> {
        let record = Record::new(&self.ambient, actor, Action::SessionsRevoked, "user", me.user).with("kept", me.id);
        let epoch = self.standings.end_sessions(me.user, &record).await?.ok_or(AuthError::UserNotFound)?;
        self.survive(token, me, epoch).await
    }

    /// This session goes on under a new token after its user's epoch moved; the others are cleared away.
    pub(crate) async fn survive(&self, token: &SessionToken, me: &Session, epoch: i64) -> Result<Renewed, AuthError> {
        let renewed = self.renew(token, Session { user_epoch: epoch, ..me.clone() }).await?;
        self.store.revoke(token.tag(), me.user, Revoke::Others(renewed.session.id)).await?;
        Ok(renewed)
    }

    /// Moves the session to another organization of the user, under a new token.
    pub async fn enter(
        &self,
        actor: &Actor,
        token: &SessionToken,
        me: &Session,
        org: OrgId,
    ) -> Result<Renewed, AuthError> {
        let standing = self.standings.of(me.user, Some(org), Freshness::Fresh).await?;
        let membership = standing.and_then(|s| s.membership).filter(|m| m.org_active).ok_or(AuthError::OrgNotFound)?;
        let record = Record::new(&self.ambient, actor, Action::OrgSwitched, "organization", org).within(org);
        self.standings.set_home(me.user, org, &record).await?;
        let renewed = self.renew(token, Session { org: Some(org), org_epoch: membership.epoch, ..me.clone() }).await?;
        // Whatever ended the old session while it moved ends the new one, which would outlive it elsewhere.
        let standing = self.standings.of(me.user, me.org, Freshness::Fresh).await?;
        if standing.is_some_and(|standing| standing.admits(me)) {
            return Ok(renewed);
        }
        self.store.revoke(token.tag(), me.user, Revoke::One(renewed.session.id)).await?;
        Err(AuthError::SessionEnded)
    }

    /// The session goes on under a new token after the user's own role in its organization changed by the user's own hand. It
    /// stays in that organization if the user is still a member, and in none otherwise.
    pub async fn follow_own_change(&self, token: &SessionToken, me: &Session) -> Result<Renewed, AuthError> {
        let standing = self.standings.of(me.user, me.org, Freshness::Fresh).await?.ok_or(AuthError::SessionEnded)?;
        let membership = standing.membership.filter(|m| m.org_active);
        let org = me.org.filter(|_| membership.is_some());
        let org_epoch = membership.map_or(0, |m| m.epoch);
        self.renew(token, Session { org, org_epoch, ..me.clone() }).await
    }

    /// A new session for somebody who has just proved who they are; an old one of this browser dies.
    pub(crate) async fn start(
        &self,
        actor: &Actor,
        proof: Proof,
        replacing: Option<&SessionToken>,
    ) -> Result<Renewed, AuthError> {
        let now = self.ambient.now();
        let lifetimes = if proof.role == PlatformRole::Admin { self.rules.admin } else { self.rules.user };
        let session = Session {
            id: SessionId::mint(&self.ambient),
            user: proof.user,
            org: proof.home.map(|home| home.org),
            created_at: now,
            auth_time: now,
            expires_at: later(now, lifetimes.absolute),
            idle: lifetimes.idle,
            user_epoch: proof.epoch,
            org_epoch: proof.home.map_or(0, |home| home.epoch),
            platform_epoch: proof.platform_epoch,
            ip: actor.ip.map(|ip| ip.to_string()),
            user_agent: actor.user_agent.as_ref().map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
        };
        if let Some(old) = replacing {
            self.forget(old).await?;
        }
        let token = SessionToken::mint(&proof.tag, &self.ambient);
        self.store.create(&proof.tag, &token.hash(), &session, self.rules.per_user).await?;
        Ok(Renewed { token, session })
    }

    async fn forget(&self, old: &SessionToken) -> Result<(), AuthError> {
        if let Some(session) = self.store.touch(old.tag(), &old.hash(), self.ambient.now()).await? {
            self.store.revoke(old.tag(), session.user, Revoke::One(session.id)).await?;
        }
        Ok(())
    }

    async fn renew(&self, old: &SessionToken, session: Session) -> Result<Renewed, AuthError> {
        // The session keeps its id, so that whoever ends it by that id a moment later ends it under its new token too.
        let token = SessionToken::mint(old.tag(), &self.ambient);
        let kept = self.store.renew(old.tag(), &old.hash(), &token.hash(), &session).await?;
        if kept { Ok(Renewed { token, session }) } else { Err(AuthError::SessionEnded) }
    }

    /// How long a session lives from its creation, in whole seconds.
    pub fn lifetime(session: &Session) -> u64 {
        (session.expires_at - session.created_at).to_std().unwrap_or_default().as_secs()
    }
}

/// A point in time after another; the end of time when there is none.
pub(crate) fn later(from: Timestamp, by: Duration) -> Timestamp {
    chrono::TimeDelta::from_std(by).ok().and_then(|by| from.checked_add_signed(by)).unwrap_or(Timestamp::MAX_UTC)
}
