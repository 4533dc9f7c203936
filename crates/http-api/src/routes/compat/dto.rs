use account_core::DisplayName;
use kernel::PlatformRole;
use org_core::Entitlement;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::auth::account::Account;
use crate::wire::time;

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountBody {
    /// The account.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
    /// The same.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// The e-mail address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The user name.
    #[schema(example = "ada")]
    username: String,
    /// What to call them: the display name, or else the user name.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// The display name up to its first space.
    #[schema(example = "Ada")]
    given_name: Option<String>,
    /// The display name behind its first space.
    #[schema(example = "Lovelace")]
    family_name: Option<String>,
    /// What they may do on the platform: `admin`, `user` or `viewer`.
    #[schema(example = "user")]
    role: &'static str,
    /// The same as a list.
    #[schema(example = json!(["user"]))]
    roles: Vec<&'static str>,
    /// Whether they operate the platform.
    #[schema(example = false)]
    is_admin: bool,
    /// The organization that they act in.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: Option<String>,
    /// Its name.
    #[schema(example = "Example Ltd")]
    org_name: Option<String>,
    /// Their role in it: `owner`, `admin`, `billing_admin` or `member`.
    #[schema(example = "owner")]
    org_role: Option<&'static str>,
    /// Whether the e-mail address was proved.
    #[schema(example = true)]
    email_verified: bool,
    /// The organization's plan; without an organization the one that every organization begins with.
    #[schema(example = "free")]
    subscription_tier: String,
    /// The state of its subscription.
    #[schema(example = "active")]
    subscription_status: Option<String>,
    /// When the account was made.
    #[schema(format = DateTime, example = "2026-11-01T08:00:00.000000Z")]
    created_at: String,
    /// When somebody last signed in to it.
    #[schema(format = DateTime, example = "2026-11-22T10:13:20.000000Z")]
    last_login: Option<String>,
    /// Calls of the organization in this period.
    #[schema(example = 17)]
    api_calls_used: u64,
    /// How many its plan gives; -1 is without limit.
    #[schema(example = 1000)]
    api_calls_limit: i64,
    /// The path of their picture.
    #[schema(example = "/avatars/4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e.webp")]
    profile_picture: Option<String>,
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        let (name, profile_picture) = (account.name(), account.picture());
        let (given_name, family_name) = split(account.profile.display_name.as_ref().map(DisplayName::as_str));
        let (user, place, subscription_tier) = (account.user, account.place, account.tier);
        let role = user.role.as_str();
        Self {
            user_id: user.id.to_string(),
            id: user.id.to_string(),
            email: user.email.to_string(),
            username: user.username.to_string(),
            name,
            given_name,
            family_name,
            role,
            roles: vec![role],
            is_admin: user.role == PlatformRole::Admin,
            org_id: place.as_ref().map(|place| place.org.to_string()),
            org_name: place.as_ref().map(|place| place.name.clone()),
            org_role: place.as_ref().map(|place| place.role.as_str()),
            email_verified: user.email_verified,
            subscription_tier,
            subscription_status: place.as_ref().map(|place| place.plan.subscription_status.clone()),
            created_at: time(user.created_at),
            last_login: user.last_login.map(time),
            api_calls_used: place.as_ref().map_or(0, |place| place.plan.api_calls_used),
            api_calls_limit: place.as_ref().map_or(0, |place| limit(&place.plan)),
            profile_picture,
        }
    }
}

/// The calls that a plan gives; -1 is without limit.
fn limit(plan: &Entitlement) -> i64 {
    plan.api_calls_limit.map_or(-1, |calls| i64::try_from(calls).unwrap_or(i64::MAX))
}

/// A display name as given and family name.
fn split(display_name: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(name) = display_name else { return (None, None) };
    match name.split_once(' ') {
        Some((given, family)) => (Some(given.to_owned()), Some(family.trim().to_owned())),
        None => (Some(name.to_owned()), None),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_name_is_split_at_its_first_space() {
        let names = |name| {
            let (given, family) = split(name);
            (given.unwrap_or_default(), family.unwrap_or_default())
        };
        for (name, given, family) in [
            (None, "", ""),
            (Some("Ada"), "Ada", ""),
            (Some("Ada King  Lovelace"), "Ada", "King  Lovelace"),
            (Some("Ada  Lovelace"), "Ada", "Lovelace"),
        ] {
            assert_eq!(names(name), (given.to_owned(), family.to_owned()), "{name:?}");
        }
    }
}
