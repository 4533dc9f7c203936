//! The first start: an installation nobody can sign in to yet gets its first platform admin.

use auth_core::{AuthError, NewUser, Username, Users};
use kernel::{Actor, Ambient, Email, PlatformRole};
use org_core::{OrgError, OrgName, Orgs, Slug};
use plan_core::{Grants, PlanId};
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
}

impl FirstStart {
    /// Makes the first admin and its organization, unless anybody has an account. Of any number of processes one does it.
    pub(crate) async fn admin(&self, url: &str, ambient: &Ambient) -> Result<Option<FirstAdmin>, Failure> {
        let Self { users, orgs, grants, plan } = self;
        if !users.none_yet().await.map_err(|error| explain("making the first admin", error))? {
            return Ok(None);
        }
        let actor = Actor::system();
        let password = password(ambient);
        let made = users.create(&actor, new_admin()?, &password).await;
        let user = match made {
            Ok(user) => user,
            // Another process was faster.
            Err(AuthError::EmailTaken | AuthError::UsernameTaken) => return Ok(None),
            Err(error) => return Err(explain("making the first admin", error)),
        };
        let name = OrgName::parse(ORG).map_err(|error| Failure::Runtime(error.to_string()))?;
        let org =
            orgs.create(&actor, user.id, name, Slug::parse("default").ok()).await.map_err(|error| match error {
                OrgError::Store(error) => Failure::store("making the first organization", &error),
                other => Failure::Runtime(format!("making the first organization failed: {other}")),
            })?;
        grants
            .install(org.id, plan)
            .await
            .map_err(|error| wiring::explain("giving the first organization its plan", error))?;
        let link = users.issue_link(&actor, user.id).await.map_err(|error| explain("making a sign-in link", error))?;
        Ok(Some(FirstAdmin {
            email: user.email.to_string(),
            username: user.username.to_string(),
            password,
            link: sign_in_link(url, link.expose()).into(),
            org: org.name.as_str().to_owned(),
        }))
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
