use account_core::Notifications;
use auth_core::{Credentials, Session, Sessions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::identify::Identity;
use crate::input::Fields;
use crate::problem::Problem;
use crate::routes::auth::account::Account;
use crate::routes::profile::NotificationsBody;
use crate::site::Site;
use crate::wire::{Password, time};

/// The longest text that is looked up as a user name or e-mail address, in characters.
const MAX_LOGIN: usize = 254;

/// What a person types to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::auth) struct SignInRequest {
    /// A user name or an e-mail address.
    #[schema(min_length = 1, max_length = 254, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "ada@example.com")]
    username: String,
    /// The password.
    password: Password,
}

impl TryFrom<SignInRequest> for Credentials {
    type Error = Problem;
    fn try_from(typed: SignInRequest) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let login = fields.read("/username", login_name(typed.username));
        let password = fields.read("/password", typed.password.typed());
        fields.done(login.zip(password).map(|(login, password)| Self { login, password }))
    }
}

fn login_name(text: String) -> Result<String, &'static str> {
    let plain = !text.chars().any(char::is_control);
    let fits = (1..=MAX_LOGIN).contains(&text.chars().count());
    if plain && fits { Ok(text) } else { Err("must have 1 to 254 characters, no control characters among them") }
}

/// Somebody signed in. The session itself is in the cookie.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::auth) struct SignInAnswer {
    /// Names the session; authenticates nothing.
    #[schema(example = "session:ses_01890a5d-ac96-774b-bcce-b302099a8057")]
    access_token: String,
    /// Always `session`.
    #[schema(example = "session")]
    token_type: &'static str,
    /// How long the session lives at most, in seconds.
    #[schema(example = 43200)]
    expires_in: u64,
    /// Who signed in.
    user: SessionUser,
}

impl SignInAnswer {
    pub(in crate::routes::auth) fn new(session: &Session, user: SessionUser) -> Self {
        let expires_in = Sessions::lifetime(session);
        Self { access_token: marker(session), token_type: "session", expires_in, user }
    }
}

/// What stands where older consoles look for a bearer token.
fn marker(session: &Session) -> String {
    format!("session:{}", session.id)
}

/// Who is signed in, and in which organization.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionUser {
    /// The account.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// The user name.
    #[schema(example = "ada")]
    username: String,
    /// The e-mail address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// What to call them: the display name, or else the user name.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// The path of their picture.
    #[schema(example = "/avatars/4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e.webp")]
    avatar: Option<String>,
    /// What they may do on the platform: `admin`, `user` or `viewer`.
    #[schema(example = "user")]
    role: &'static str,
    /// The same as a list.
    #[schema(example = json!(["user"]))]
    roles: Vec<&'static str>,
    /// The organization that they act in.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: Option<String>,
    /// Its name.
    #[schema(example = "Example Ltd")]
    org_name: Option<String>,
    /// Their role in it: `owner`, `admin`, `billing_admin` or `member`.
    #[schema(example = "owner")]
    org_role: Option<&'static str>,
    /// Its plan; without an organization the one that every organization begins with.
    #[schema(example = "free")]
    subscription_tier: String,
    /// What they want to hear about.
    notifications: NotificationsBody,
}

impl SessionUser {
    pub(in crate::routes::auth) fn new(account: Account, choices: Notifications) -> Self {
        let (name, avatar) = (account.name(), account.picture());
        let (user, place, subscription_tier) = (account.user, account.place, account.tier);
        let role = user.role.as_str();
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            email: user.email.to_string(),
            name,
            avatar,
            role,
            roles: vec![role],
            org_id: place.as_ref().map(|place| place.org.to_string()),
            org_name: place.as_ref().map(|place| place.name.clone()),
            org_role: place.as_ref().map(|place| place.role.as_str()),
            subscription_tier,
            notifications: choices.into(),
        }
    }
}

/// Somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::auth) struct SessionState {
    /// Always `true`.
    #[schema(example = true)]
    authenticated: bool,
    /// Names the session; authenticates nothing. Null when the request was not made with a session.
    #[schema(example = "session:ses_01890a5d-ac96-774b-bcce-b302099a8057")]
    token: Option<String>,
    /// Who.
    user: SessionUser,
    /// For the header `X-CSRF-Token`. Null when the request was not made with a session.
    #[schema(example = "dGhpcyB0ZXh0IGlzIG5vdCBhIHJlYWwgQ1NSRiB0b2s")]
    csrf_token: Option<String>,
    /// When the session ends whatever happens. Null when the request was not made with a session.
    #[schema(format = DateTime, example = "2026-11-22T22:13:20.000000Z")]
    expires_at: Option<String>,
}

impl SessionState {
    pub(in crate::routes::auth) fn new(identity: &Identity, user: SessionUser) -> Self {
        let current = identity.session.as_ref();
        Self {
            authenticated: true,
            token: current.map(|current| marker(&current.session)),
            user,
            csrf_token: current.map(|current| current.token.csrf()),
            expires_at: current.map(|current| time(current.session.expires_at)),
        }
    }
}

/// The session has ended.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::auth) struct SignedOut {
    /// What was done, for people.
    #[schema(example = "you are signed out")]
    message: &'static str,
    /// Where to go now.
    #[schema(format = "uri", example = "https://ops.example.com/")]
    logout_url: String,
    /// Where the identity provider's own session ends; null for local accounts.
    sso_logout_url: Option<String>,
}

impl From<&Site> for SignedOut {
    fn from(site: &Site) -> Self {
        Self { message: "you are signed out", logout_url: format!("{}/", site.public_url), sso_logout_url: None }
    }
}

/// A token for unsafe requests.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::auth) struct CsrfToken {
    /// The token: 43 characters.
    #[schema(example = "dGhpcyB0ZXh0IGlzIG5vdCBhIHJlYWwgQ1NSRiB0b2s")]
    csrf_token: String,
    /// The header that carries it.
    #[schema(example = "X-CSRF-Token")]
    header_name: &'static str,
}

impl From<String> for CsrfToken {
    fn from(csrf_token: String) -> Self {
        Self { csrf_token, header_name: "X-CSRF-Token" }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Credentials;

    use super::SignInRequest;

    fn read(username: &str, password: &str) -> Result<Credentials, crate::problem::Problem> {
        let json = serde_json::json!({ "username": username, "password": password });
        serde_json::from_value::<SignInRequest>(json).expect("the right types").try_into()
    }

    #[test]
    fn both_fields_are_told_when_both_are_wrong() {
        assert!(read("ada", "anything at all").is_ok());
        for (username, password, pointers) in [
            ("", "x", vec!["/username"]),
            ("a\0", "x", vec!["/username"]),
            ("ada", "", vec!["/password"]),
            (&"a".repeat(255), "\u{7f}", vec!["/username", "/password"]),
        ] {
            let problem = read(username, password).expect_err(username);
            let errors = problem.body(&crate::problem::Place::default()).errors.unwrap_or_default();
            let found: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
            assert_eq!((problem.status().as_u16(), found), (422, pointers), "{username:?}");
        }
    }
}
