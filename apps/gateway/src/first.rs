//! The first start: an installation nobody can sign in to yet gets its first platform admin.

use std::sync::Arc;

use auth_core::{AuthError, NewUser, User, Username, Users};
use chrono::TimeDelta;
use kernel::{Actor, Ambient, Begun, Email, Idempotency, IdempotencyKey, OrgId, Page, PlatformRole, TokenHash, UserId};
use org_core::{Joined, OrgError, OrgName, Orgs, Slug};
use plan_core::{Grants, PlanError, PlanId};
use secrecy::SecretString;

use crate::failure::Failure;
use crate::wiring;

/// What the first admin is called until somebody changes it.
const EMAIL: &str = "admin@ops-center.local";
const USERNAME: &str = "admin";
const ORG: &str = "Default organization";

/// The account that was made at the first start. Its secrets are shown once and kept nowhere.
#[derive(Debug)]
pub struct FirstAdmin {
    /// Its address.
    pub email: String,
    /// Its user name.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// Signs in once, within 24 hours.
    pub link: SecretString,
    /// The organization it owns.
    pub org: String,
}

/// What the first start needs.
pub(crate) struct FirstStart {
    pub(crate) users: Users,
    pub(crate) orgs: Orgs,
    pub(crate) grants: Grants,
    /// The plan that the first organization is given.
    pub(crate) plan: PlanId,
    /// Who is at it: of several processes one.
    pub(crate) claims: Arc<dyn Idempotency>,
}

/// How far earlier starts came.
enum Progress {
    /// Nobody has an account.
    Nothing,
    /// The first admin has one, and nobody was shown its password: a start ended before the rest was done.
    Account(User),
    /// All of it, or somebody else's doing.
    Done,
}

/// By this the processes know each other's claim.
const CLAIM: IdempotencyKey = IdempotencyKey {
    scope: TokenHash::from_bytes(*b"ops-center: the first start....."),
    payload: TokenHash::from_bytes(*b"ops-center: the first start....."),
};
/// How long it may take. A process that was killed meanwhile leaves its claim for so long.
const LEASE: TimeDelta = TimeDelta::seconds(30);

impl FirstStart {
    /// Makes the first admin and its organization, unless anybody has an account; goes on where a start before ended in the middle. Of
    /// any number of processes one does it.
    pub(crate) async fn admin(&self, url: &str, ambient: &Ambient) -> Result<Option<FirstAdmin>, Failure> {
        if let Progress::Done = self.progress().await? {
            return Ok(None);
        }
        let fault = |error| Failure::store("making the first admin", &error);
        let now = ambient.now();
        if self.claims.begin(&CLAIM, now, now + LEASE).await.map_err(fault)? != Begun::First {
            tracing::info!("another process makes the first admin");
            return Ok(None);
        }
        let made = self.make(url, ambient).await;
        let given_back = self.claims.abandon(&CLAIM).await.map_err(fault);
        let made = made?;
        given_back.map(|()| made)
    }

    async fn make(&self, url: &str, ambient: &Ambient) -> Result<Option<FirstAdmin>, Failure> {
        let (actor, password) = (Actor::system(), password(ambient));
        let doing = |error| explain("making the first admin", error);
        let user = match self.progress().await? {
            Progress::Done => return Ok(None),
            Progress::Nothing => match self.users.create(&actor, new_admin()?, &password).await {
                // Somebody made an account of this name by hand meanwhile.
                Err(AuthError::EmailTaken | AuthError::UsernameTaken) => return Ok(None),
                made => made.map_err(doing)?,
            },
            Progress::Account(user) => {
                self.users.set_password(&actor, user.id, &password).await.map_err(doing).map_err(unfinished)?;
                user
            }
        };
        // The organization comes last, and its plan at the very end: by that the next start sees that all is done.
        let link = self.users.issue_link(&actor, user.id).await;
        let link = link.map_err(|error| explain("making a sign-in link", error)).map_err(unfinished)?;
        let org = self.settle(&actor, user.id).await.map_err(unfinished)?;
        Ok(Some(FirstAdmin {
            email: user.email.to_string(),
            username: user.username.to_string(),
            password,
            link: sign_in_link(url, link.expose()).into(),
            org,
        }))
    }

    async fn progress(&self) -> Result<Progress, Failure> {
        let explain = |error| explain("looking for the first admin", error);
        if self.users.none_yet().await.map_err(explain)? {
            return Ok(Progress::Nothing);
        }
        let user = match self.users.find(EMAIL).await {
            Ok(user) => user,
            Err(AuthError::UserNotFound) => return Ok(Progress::Done),
            Err(error) => return Err(explain(error)),
        };
        let ours = user.username.as_str() == USERNAME && user.role == PlatformRole::Admin && user.enabled;
        if !ours || user.last_login.is_some() {
            return Ok(Progress::Done);
        }
        let settled = match self.home(user.id).await? {
            Some(home) => self.grants.now(home.org).await.map_err(plan)?.version > 0,
            None => false,
        };
        Ok(if settled { Progress::Done } else { Progress::Account(user) })
    }

    /// The organization that somebody joined first.
    async fn home(&self, user: UserId) -> Result<Option<Joined>, Failure> {
        let joined = self.orgs.joined(user, Page::default()).await;
        Ok(joined.map_err(|error| organization(error, "looking for the first organization"))?.items.into_iter().next())
    }

    /// Makes the first organization, if a start before has not, and gives it its plan; its name.
    async fn settle(&self, actor: &Actor, user: UserId) -> Result<String, Failure> {
        let (org, name) = match self.home(user).await? {
            Some(home) => (home.org, home.name),
            None => self.found(actor, user).await?,
        };
        self.grants.install(org, &self.plan).await.map_err(plan)?;
        Ok(name)
    }

    async fn found(&self, actor: &Actor, user: UserId) -> Result<(OrgId, String), Failure> {
        let name = OrgName::parse(ORG).map_err(|error| Failure::Runtime(error.to_string()))?;
        let made = match self.orgs.create(actor, user, name.clone(), Slug::parse("default").ok()).await {
            Err(OrgError::SlugTaken) => self.orgs.create(actor, user, name, None).await,
            made => made,
        };
        let made = made.map_err(|error| organization(error, "making the first organization"))?;
        Ok((made.id, made.name.as_str().to_owned()))
    }
}

fn plan(error: PlanError) -> Failure {
    wiring::explain("giving the first organization its plan", error)
}

fn organization(error: OrgError, doing: &str) -> Failure {
    match error {
        OrgError::Store(error) => Failure::store(doing, &error),
        other => Failure::Runtime(format!("{doing} failed: {other}")),
    }
}

/// What ended the start after the account was made: it is there, and nobody knows its password yet.
fn unfinished(failure: Failure) -> Failure {
    let more = |why: String| {
        format!(
            "{why}; the account {EMAIL} was made before that: start again, and the rest is done and its password shown"
        )
    };
    match failure {
        Failure::Usage(why) => Failure::Usage(more(why)),
        Failure::Runtime(why) => Failure::Runtime(more(why)),
        Failure::Unavailable(why) => Failure::Unavailable(more(why)),
        other @ Failure::Config(_) => other,
    }
}

/// What to do where accounts exist and no platform admin is among them: no start makes one there.
pub(crate) const NO_ADMIN: &str = "nobody can administer this installation, and `serve` makes an admin only where no account exists: make \
one with ops-center user create --email YOU@EXAMPLE.COM --username YOU --admin --password-stdin";

/// Whether accounts exist and nobody can administer them.
pub(crate) async fn nobody_administers(users: &Users) -> Result<bool, Failure> {
    let explain = |error| explain("looking for an admin", error);
    Ok(!users.none_yet().await.map_err(explain)? && !users.any_admin().await.map_err(explain)?)
}

/// Where a one-time sign-in link leads.
pub(crate) fn sign_in_link(public_url: &str, secret: &str) -> String {
    format!("{public_url}/sign-in/link?token={secret}")
}

/// An error of an account's use case, as the end of the program.
pub(crate) fn explain(doing: &str, error: AuthError) -> Failure {
    match error {
        AuthError::Store(error) => Failure::store(doing, &error),
        AuthError::WeakPassword(violations) => {
            let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
            Failure::Usage(format!("the password {}: choose another one", list.join(", ")))
        }
        other => Failure::Usage(format!("{doing} failed: {other}")),
    }
}

fn new_admin() -> Result<NewUser, Failure> {
    let email = Email::parse(EMAIL).map_err(|error| Failure::Runtime(error.to_string()))?;
    let username = Username::parse(USERNAME).map_err(|error| Failure::Runtime(error.to_string()))?;
    Ok(NewUser { email, email_verified: true, username, role: PlatformRole::Admin })
}

/// Four groups of five of 32 letters and digits that are not taken for one another: 100 bits, and safe in a shell.
fn password(ambient: &Ambient) -> SecretString {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y',
        'z', '2', '3', '4', '5', '6', '7', '8', '9', 'M',
    ];
    let random = ambient.random::<20>();
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().unwrap_or('x');
    let groups: Vec<String> = random.chunks(5).map(|group| group.iter().map(letter).collect()).collect();
    groups.join("-").into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use auth_core::policy::password::{Strength, judge};
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_generated_password_is_strong_and_never_the_same() {
        let ambient = Ambient::system();
        let made: Vec<SecretString> = (0..200).map(|_| password(&ambient)).collect();
        for password in &made {
            assert_eq!(judge(password, &[USERNAME, EMAIL]), Ok(Strength::Strong));
        }
        let different: HashSet<&str> = made.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(different.len(), made.len());
    }
}
