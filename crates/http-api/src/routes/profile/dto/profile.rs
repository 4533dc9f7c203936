use account_core::{AvatarName, DisplayName, FieldError, Locale, Phone, Profile, ProfilePatch, ShortText, Timezone};
use auth_core::User;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;
use crate::routes::auth::account::picture_path;
use crate::wire::{Change, present, time};

/// A profile.
#[derive(Serialize, ToSchema)]
#[schema(as = Profile)]
pub(in crate::routes::profile) struct ProfileBody {
    /// The account.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// The e-mail address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The user name.
    #[schema(example = "ada")]
    username: String,
    /// What others see instead of the user name.
    #[schema(example = "Ada Lovelace")]
    display_name: Option<String>,
    /// A few sentences.
    #[schema(example = "Writes programs for machines that are not built yet.")]
    bio: Option<String>,
    /// Where they work.
    #[schema(example = "Example Ltd")]
    company: Option<String>,
    /// What they do there.
    #[schema(example = "Analyst")]
    job_title: Option<String>,
    /// Where to call them (E.164).
    #[schema(example = "+442079460000")]
    phone: Option<String>,
    /// Their language (BCP 47).
    #[schema(example = "en-GB")]
    locale: Option<String>,
    /// Their time zone (IANA).
    #[schema(example = "Europe/London")]
    timezone: Option<String>,
    /// The path of their picture.
    #[schema(example = "/avatars/4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e.webp")]
    avatar_url: Option<String>,
    /// When the account was made.
    #[schema(format = DateTime, example = "2026-11-01T08:00:00.000000Z")]
    created_at: String,
    /// When somebody last signed in to it.
    #[schema(format = DateTime, example = "2026-11-22T10:13:20.000000Z")]
    last_login: Option<String>,
    /// Whether the e-mail address was proved.
    #[schema(example = true)]
    email_verified: bool,
}

impl ProfileBody {
    pub(in crate::routes::profile) fn new(user: &User, profile: Profile) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.to_string(),
            username: user.username.to_string(),
            display_name: profile.display_name.map(|name| name.as_str().to_owned()),
            bio: profile.bio.map(|text| text.as_str().to_owned()),
            company: profile.company.map(|text| text.as_str().to_owned()),
            job_title: profile.job_title.map(|text| text.as_str().to_owned()),
            phone: profile.phone.map(|phone| phone.as_str().to_owned()),
            locale: profile.locale.map(|locale| locale.as_str().to_owned()),
            timezone: profile.timezone.map(|zone| zone.as_str().to_owned()),
            avatar_url: profile.avatar.as_ref().map(picture_path),
            created_at: time(user.created_at),
            last_login: user.last_login.map(time),
            email_verified: user.email_verified,
        }
    }
}

/// The fields to change: what is absent stays, null or empty text empties a field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::profile) struct ProfileChange {
    /// What others see instead of the user name.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 100, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "Ada Lovelace")]
    display_name: Change<String>,
    /// A few sentences.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 500, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    #[schema(example = "Writes programs for machines that are not built yet.")]
    bio: Change<String>,
    /// Where they work.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "Example Ltd")]
    company: Change<String>,
    /// What they do there.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 100, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "Analyst")]
    job_title: Change<String>,
    /// Where to call them (E.164).
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^([ .()-]*\\+[ .()-]*[1-9]([ .()-]*[0-9]){6,14}[ .()-]*)?$")]
    #[schema(example = "+442079460000")]
    phone: Change<String>,
    /// Their language (BCP 47).
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^([A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?)?$")]
    #[schema(example = "en-GB")]
    locale: Change<String>,
    /// Their time zone: a name in the IANA database.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 64, pattern = "^[A-Za-z0-9_+/-]*$", example = "Europe/London")]
    timezone: Change<String>,
    /// Must be the present address, if it is given: addresses are not changed here.
    #[schema(example = "ada@example.com")]
    pub(in crate::routes::profile) email: Option<String>,
}

impl TryFrom<ProfileChange> for ProfilePatch {
    type Error = Problem;
    fn try_from(change: ProfileChange) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let patch = Self {
            display_name: fields.read("/display_name", filled(change.display_name, DisplayName::parse)).flatten(),
            bio: fields.read("/bio", filled(change.bio, ShortText::parse)).flatten(),
            company: fields.read("/company", filled(change.company, ShortText::parse)).flatten(),
            job_title: fields.read("/job_title", filled(change.job_title, ShortText::parse)).flatten(),
            phone: fields.read("/phone", filled(change.phone, Phone::parse)).flatten(),
            locale: fields.read("/locale", filled(change.locale, Locale::parse)).flatten(),
            timezone: fields.read("/timezone", filled(change.timezone, Timezone::parse)).flatten(),
        };
        fields.done(Some(patch))
    }
}

/// Reads a text that sets a field; null and empty text empty it.
pub(in crate::routes::profile) fn filled<T>(
    given: Change<String>,
    parse: impl Fn(&str) -> Result<T, FieldError>,
) -> Result<Change<T>, FieldError> {
    let Some(text) = given else { return Ok(None) };
    text.filter(|text| !text.trim().is_empty()).map(|text| parse(&text)).transpose().map(Some)
}

/// A profile was changed.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::profile) struct ProfileChanged {
    /// Always `true`.
    #[schema(example = true)]
    success: bool,
    /// What was done, for people.
    #[schema(example = "the profile was changed")]
    message: &'static str,
    /// The profile after that.
    user: ProfileBody,
}

impl From<ProfileBody> for ProfileChanged {
    fn from(user: ProfileBody) -> Self {
        Self { success: true, message: "the profile was changed", user }
    }
}

/// A picture was set.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::profile) struct AvatarChanged {
    /// Always `true`.
    #[schema(example = true)]
    success: bool,
    /// What was done, for people.
    #[schema(example = "the picture was changed")]
    message: &'static str,
    /// The path of the picture.
    #[schema(example = "/avatars/4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e.webp")]
    avatar_url: String,
}

impl From<AvatarName> for AvatarChanged {
    fn from(name: AvatarName) -> Self {
        Self { success: true, message: "the picture was changed", avatar_url: picture_path(&name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_json;

    fn read(text: &str) -> Result<ProfilePatch, Problem> {
        parse_json::<ProfileChange>(text.as_bytes())?.try_into()
    }

    #[test]
    fn absent_stays_and_null_or_nothing_empties() {
        assert_eq!(read("{}").expect("no change"), ProfilePatch::default());
        let patch = read(r#"{"bio":null,"company":"  ","phone":"+44 20 7946 0000"}"#).expect("a change");
        let phone = Phone::parse("+442079460000").ok();
        let expected =
            ProfilePatch { bio: Some(None), company: Some(None), phone: Some(phone), ..ProfilePatch::default() };
        assert_eq!(patch, expected);
    }

    #[test]
    fn every_wrong_field_is_told() {
        let text = r#"{"display_name":"a\u0000","phone":"123","locale":"!","timezone":"Mars/Base"}"#;
        let problem = read(text).expect_err("four wrong fields");
        let errors = problem.body(&crate::problem::Place::default()).errors.unwrap_or_default();
        let found: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(found, ["/display_name", "/phone", "/locale", "/timezone"]);
        let long = format!(r#"{{"job_title":"{}"}}"#, "x".repeat(101));
        assert_eq!(read(&long).expect_err("too long").status().as_u16(), 422);
        assert_eq!(read(r#"{"role":"admin"}"#).expect_err("unknown").code(), "unknown_field");
    }
}
