#![expect(clippy::expect_used, reason = "a test that gives a bad address fails by panicking")]

use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, Email, OrgId, RecordId, StoreError, Timestamp, UserId};

use super::{Account, MemoryOrgs, SentMail, State};
use crate::testing::Population;
use crate::{Entitlement, Entitlements, Invitation, InvitationMail, InvitationToken, OrgStatus, People, Person};

#[async_trait]
impl KeptRecords for MemoryOrgs {
    async fn kept(&self, record: RecordId) -> bool {
        self.trail.has(record)
    }
}

#[async_trait]
impl Population for MemoryOrgs {
    async fn user(&self, email: &str, verified: bool) -> UserId {
        let user = UserId::mint(&Ambient::system());
        let email = Email::parse(email).expect("an e-mail address");
        self.lock().accounts.insert(user, Account { email, verified, enabled: true });
        user
    }

    async fn set_enabled(&self, user: UserId, enabled: bool) {
        if let Some(account) = self.lock().accounts.get_mut(&user) {
            account.enabled = enabled;
        }
    }

    async fn put_on(&self, org: OrgId, plan: &str, trial_ends_at: Option<Timestamp>) {
        let mut state = self.lock();
        state.plans.insert(org, Entitlement { tier: plan.to_owned(), ..free() });
        state.trials.extend(trial_ends_at.map(|end| (org, end)));
    }

    async fn epoch(&self, org: OrgId, user: UserId) -> Option<i64> {
        self.lock().member(org, user).map(|seat| seat.epoch)
    }
}

impl State {
    fn person(&self, wanted: impl Fn(UserId, &Account) -> bool) -> Option<Person> {
        let mut enabled = self.accounts.iter().filter(|(_, account)| account.enabled);
        let (user, account) = enabled.find(|(user, account)| wanted(**user, account))?;
        Some(Person {
            user: *user,
            email: account.email.clone(),
            email_verified: account.verified,
            name: account.email.as_str().split('@').next().unwrap_or_default().to_owned(),
        })
    }
}

#[async_trait]
impl People for MemoryOrgs {
    async fn by_email(&self, email: &Email) -> Result<Option<Person>, StoreError> {
        Ok(self.state()?.person(|_, account| account.email == *email))
    }

    async fn by_id(&self, user: UserId) -> Result<Option<Person>, StoreError> {
        Ok(self.state()?.person(|id, _| id == user))
    }

    async fn colleague(&self, user: UserId, of: UserId) -> Result<Option<Person>, StoreError> {
        let state = self.state()?;
        let active = |org, who| state.seats.iter().any(|seat| seat.org == org && seat.user == who && seat.active);
        let shared = state
            .orgs
            .values()
            .any(|org| org.status != OrgStatus::Deleted && active(org.id, user) && active(org.id, of));
        Ok(state.person(|id, _| shared && id == user))
    }
}

#[async_trait]
impl Entitlements for MemoryOrgs {
    async fn of(&self, org: OrgId) -> Result<Entitlement, StoreError> {
        let given = self.state()?.plans.get(&org).cloned();
        Ok(given.unwrap_or_else(free))
    }

    async fn tier(&self, org: OrgId) -> Result<String, StoreError> {
        Ok(self.of(org).await?.tier)
    }

    async fn default_tier(&self) -> Result<String, StoreError> {
        self.state().map(|_| free().tier)
    }
}

/// What every organization begins with.
fn free() -> Entitlement {
    Entitlement {
        tier: "free".to_owned(),
        seats: 5,
        api_calls_limit: Some(1_000),
        api_calls_used: 0,
        subscription_status: "active".to_owned(),
        price_cents: 0,
        currency: "USD".to_owned(),
        interval: "month".to_owned(),
    }
}

#[async_trait]
impl InvitationMail for MemoryOrgs {
    async fn send(
        &self,
        invitation: &Invitation,
        token: &InvitationToken,
        org_name: &str,
        inviter: &str,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.mail_fails {
            return Err(StoreError::unavailable("no mail leaves"));
        }
        state.mails.push(SentMail {
            invitation: invitation.clone(),
            token: token.clone(),
            org_name: org_name.to_owned(),
            inviter: inviter.to_owned(),
        });
        Ok(())
    }
}
