//! A change of settings: tolerant of keys it does not know, strict with those it does.

use kernel::{Role, plain_line, plain_text};
use org_core::{
    AllowedDomain, Color, DateFormat, FieldError, OrgName, Settings, SettingsPatch, Theme, TimeFormat, WebUrl, policy,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::given::Given;
use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::Object;

/// How many allowed domains an organization may have.
const MAX_DOMAINS: usize = 50;

/// The settings or a part of them, here or under `settings`; what stands in both places counts as it stands here. A key that is
/// absent stays, `null` or an empty text empties it, unknown keys are passed over.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::routes::org) struct ChangeSettings {
    /// The organization's name; cannot be emptied.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Acme")]
    #[schema(pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    #[serde(default)]
    name: Given<String>,
    /// What is shown instead of the name.
    #[schema(value_type = Option<String>, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Acme Research")]
    #[serde(default)]
    display_name: Given<String>,
    /// What the organization is.
    #[schema(value_type = Option<String>, max_length = 1000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    #[schema(example = "Makers of everything")]
    #[serde(default)]
    description: Given<String>,
    /// An http or https address.
    #[schema(value_type = Option<String>, max_length = 2048, example = "https://acme.example")]
    #[schema(
        pattern = r#"^(https?://[^\s\x00-\x1f\x7f-\x9f<>"\\^`{|}/?#@]+([/?#][^\s\x00-\x1f\x7f-\x9f<>"\\^`{|}]*)?)?$"#
    )]
    #[serde(default)]
    website: Given<String>,
    /// An IANA time zone name.
    #[schema(value_type = Option<String>, max_length = 64, pattern = "^[A-Za-z0-9_+/-]*$", example = "Europe/Vienna")]
    #[serde(default)]
    timezone: Given<String>,
    /// The role of those who are invited or added without a `role` of their own.
    #[schema(value_type = Option<String>, pattern = "^(admin|billing_admin|member)?$", example = "member")]
    #[serde(default)]
    default_role: Given<String>,
    /// Kept for the console; nobody joins without being invited or added, whatever it says.
    #[schema(value_type = Option<bool>, example = false)]
    #[serde(default)]
    allow_self_registration: Given<bool>,
    /// Kept for the console; always on: only a verified address accepts an invitation or is added at once, whatever it says.
    #[schema(value_type = Option<bool>, example = true)]
    #[serde(default)]
    require_email_verification: Given<bool>,
    /// Whether a known user with a verified address becomes a member without being asked.
    #[schema(value_type = Option<bool>, example = false)]
    #[serde(default)]
    auto_accept_members: Given<bool>,
    /// If not empty, only addresses of these domains may be invited, be added and accept; a subdomain is another domain.
    #[schema(value_type = Option<Vec<String>>, max_items = 50, example = json!(["acme.example"]))]
    #[serde(default)]
    allowed_domains: Given<Vec<String>>,
    /// The look.
    #[schema(value_type = Option<ChangeBranding>)]
    #[serde(default)]
    branding: Given<Object<ChangeBranding>>,
    /// The habits of writing.
    #[schema(value_type = Option<ChangePreferences>)]
    #[serde(default)]
    preferences: Given<Object<ChangePreferences>>,
    /// An http or https address.
    #[schema(value_type = Option<String>, max_length = 2048, example = "https://acme.example/logo.png")]
    #[schema(
        pattern = r#"^(https?://[^\s\x00-\x1f\x7f-\x9f<>"\\^`{|}/?#@]+([/?#][^\s\x00-\x1f\x7f-\x9f<>"\\^`{|}]*)?)?$"#
    )]
    #[serde(default)]
    logo_url: Given<String>,
    /// The same keys again.
    #[schema(value_type = Option<ChangeSettings>, no_recursion)]
    #[serde(default)]
    settings: Option<Box<Object<ChangeSettings>>>,
}

/// A change of the look.
#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::routes::org) struct ChangeBranding {
    /// `#rrggbb`.
    #[schema(value_type = Option<String>, pattern = "^(#[0-9A-Fa-f]{6})?$", example = "#1a73e8")]
    #[serde(default)]
    primary_color: Given<String>,
    /// `#rrggbb`.
    #[schema(value_type = Option<String>, pattern = "^(#[0-9A-Fa-f]{6})?$", example = "#fbbc04")]
    #[serde(default)]
    accent_color: Given<String>,
    /// `light`, `dark` or `auto`.
    #[schema(value_type = Option<String>, pattern = "^(light|dark|auto)?$", example = "auto")]
    #[serde(default)]
    theme: Given<String>,
}

/// A change of the habits of writing.
#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::routes::org) struct ChangePreferences {
    /// A BCP 47 language tag.
    #[schema(value_type = Option<String>, max_length = 35, example = "de-AT")]
    #[schema(pattern = "^([A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?)?$")]
    #[serde(default)]
    language: Given<String>,
    /// How dates are written.
    #[schema(value_type = Option<String>, pattern = "^(YYYY-MM-DD|DD/MM/YYYY|MM/DD/YYYY|DD\\.MM\\.YYYY)?$", example = "YYYY-MM-DD")]
    #[serde(default)]
    date_format: Given<String>,
    /// `24h` or `12h`.
    #[schema(value_type = Option<String>, pattern = "^(24h|12h)?$", example = "24h")]
    #[serde(default)]
    time_format: Given<String>,
}

impl TryFrom<ChangeSettings> for SettingsPatch {
    type Error = Problem;

    fn try_from(mut change: ChangeSettings) -> Result<Self, Problem> {
        let nested = change.settings.take().map(|nested| nested.0).unwrap_or_default();
        let mut fields = Fields::default();
        let under = Reader { at: "/settings", fields: &mut fields }.settings(nested);
        let here = Reader { at: "", fields: &mut fields }.settings(change);
        fields.done(Some(either(here, under)))
    }
}

/// What the one says, or else the other.
fn either(one: SettingsPatch, other: SettingsPatch) -> SettingsPatch {
    SettingsPatch {
        name: one.name.or(other.name),
        display_name: one.display_name.or(other.display_name),
        description: one.description.or(other.description),
        website: one.website.or(other.website),
        timezone: one.timezone.or(other.timezone),
        default_role: one.default_role.or(other.default_role),
        allow_self_registration: one.allow_self_registration.or(other.allow_self_registration),
        require_email_verification: one.require_email_verification.or(other.require_email_verification),
        auto_accept_members: one.auto_accept_members.or(other.auto_accept_members),
        allowed_domains: one.allowed_domains.or(other.allowed_domains),
        primary_color: one.primary_color.or(other.primary_color),
        accent_color: one.accent_color.or(other.accent_color),
        theme: one.theme.or(other.theme),
        language: one.language.or(other.language),
        date_format: one.date_format.or(other.date_format),
        time_format: one.time_format.or(other.time_format),
        logo_url: one.logo_url.or(other.logo_url),
    }
}

/// As [`SettingsPatch`] has it: `None` leaves a key, `Some(None)` empties it.
type Change<T> = Option<Option<T>>;

/// Reads keys, noting what is wrong under their place in the body.
struct Reader<'a> {
    at: &'static str,
    fields: &'a mut Fields,
}

impl Reader<'_> {
    fn settings(&mut self, change: ChangeSettings) -> SettingsPatch {
        let defaults = Settings::default();
        let branding = part(change.branding, ChangeBranding::emptied);
        let preferences = part(change.preferences, ChangePreferences::emptied);
        SettingsPatch {
            name: self.name(change.name),
            display_name: self.text("displayName", change.display_name, |text| Ok(plain_line(text, 100)?)),
            description: self.text("description", change.description, |text| Ok(plain_text(text, 1000)?)),
            website: self.text("website", change.website, WebUrl::parse),
            timezone: self.text("timezone", change.timezone, policy::timezone),
            default_role: self
                .text("defaultRole", change.default_role, default_role)
                .map(|role| role.unwrap_or(defaults.default_role)),
            allow_self_registration: flag(&change.allow_self_registration, defaults.allow_self_registration),
            require_email_verification: flag(&change.require_email_verification, defaults.require_email_verification),
            auto_accept_members: flag(&change.auto_accept_members, defaults.auto_accept_members),
            allowed_domains: self.domains(change.allowed_domains),
            primary_color: self.text("branding/primaryColor", branding.primary_color, Color::parse),
            accent_color: self.text("branding/accentColor", branding.accent_color, Color::parse),
            theme: self.text("branding/theme", branding.theme, Theme::parse),
            language: self.text("preferences/language", preferences.language, policy::language),
            date_format: self.text("preferences/dateFormat", preferences.date_format, DateFormat::parse),
            time_format: self.text("preferences/timeFormat", preferences.time_format, TimeFormat::parse),
            logo_url: self.text("logoUrl", change.logo_url, WebUrl::parse),
        }
    }

    fn text<T>(
        &mut self,
        key: &str,
        given: Given<String>,
        parse: impl FnOnce(&str) -> Result<T, FieldError>,
    ) -> Change<T> {
        match given {
            Given::Absent => None,
            Given::Empty => Some(None),
            Given::Value(text) if text.trim().is_empty() => Some(None),
            Given::Value(text) => self.fields.read(&format!("{}/{key}", self.at), parse(&text)).map(Some),
        }
    }

    fn name(&mut self, given: Given<String>) -> Option<OrgName> {
        let text = match given {
            Given::Absent => return None,
            Given::Empty => String::new(),
            Given::Value(text) => text,
        };
        self.fields.read(&format!("{}/name", self.at), OrgName::parse(&text))
    }

    fn domains(&mut self, given: Given<Vec<String>>) -> Option<Vec<AllowedDomain>> {
        let texts = match given {
            Given::Absent => return None,
            Given::Empty => Vec::new(),
            Given::Value(texts) => texts,
        };
        let at = format!("{}/allowedDomains", self.at);
        if texts.len() > MAX_DOMAINS {
            return self.fields.read(&at, Err(FieldError::TooMany(MAX_DOMAINS)));
        }
        let mut domains = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let read = self.fields.read(&format!("{at}/{index}"), AllowedDomain::parse(text));
            domains.extend(read.filter(|domain| !domains.contains(domain)));
        }
        Some(domains)
    }
}

/// The keys of an inner object: all of them empty when the object is.
fn part<T: Default>(given: Given<Object<T>>, emptied: impl FnOnce() -> T) -> T {
    match given {
        Given::Absent => T::default(),
        Given::Empty => emptied(),
        Given::Value(object) => object.0,
    }
}

impl ChangeBranding {
    fn emptied() -> Self {
        Self { primary_color: Given::Empty, accent_color: Given::Empty, theme: Given::Empty }
    }
}

impl ChangePreferences {
    fn emptied() -> Self {
        Self { language: Given::Empty, date_format: Given::Empty, time_format: Given::Empty }
    }
}

const fn flag(given: &Given<bool>, default: bool) -> Option<bool> {
    match given {
        Given::Absent => None,
        Given::Empty => Some(default),
        Given::Value(value) => Some(*value),
    }
}

fn default_role(text: &str) -> Result<Role, FieldError> {
    text.parse().ok().filter(|role| *role != Role::Owner).ok_or(FieldError::DefaultRole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_json;
    use crate::problem::Place;

    fn read(text: &str) -> Result<SettingsPatch, Problem> {
        parse_json::<ChangeSettings>(text.as_bytes())?.try_into()
    }

    fn wrong(text: &str) -> Vec<String> {
        let problem = read(text).expect_err(text);
        let errors = problem.body(&Place::default()).errors.unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_key_is_left_emptied_or_changed() {
        let nothing = read(r#"{"plan_tier":"pro","owner":7,"settings":{"id":"x","more":[]}}"#).unwrap();
        assert_eq!(nothing, SettingsPatch::default());
        let emptied = read(r#"{"displayName":null,"website":"  ","branding":null,"autoAcceptMembers":null}"#).unwrap();
        assert_eq!((emptied.display_name, emptied.website, emptied.timezone), (Some(None), Some(None), None));
        assert_eq!((emptied.theme, emptied.primary_color), (Some(None), Some(None)));
        assert_eq!(emptied.auto_accept_members, Some(false));
        let changed =
            read(r#"{"defaultRole":"admin","branding":{"theme":"dark"},"allowedDomains":["A.example","@a.example"]}"#);
        let changed = changed.unwrap();
        assert_eq!((changed.default_role, changed.theme), (Some(Role::Admin), Some(Some(Theme::Dark))));
        assert_eq!(changed.primary_color, None);
        assert_eq!(changed.allowed_domains.unwrap().len(), 1);
    }

    #[test]
    fn what_stands_flat_counts_before_what_stands_under_settings() {
        let patch = read(r#"{"name":"New","settings":{"name":"Old","description":"Kept"}}"#).unwrap();
        assert_eq!(patch.name.unwrap().as_str(), "New");
        assert_eq!(patch.description, Some(Some("Kept".to_owned())));
    }

    #[test]
    fn a_known_key_with_a_wrong_value_is_told_by_its_place() {
        let many = format!(r#"{{"allowedDomains":[{}]}}"#, vec![r#""a.example""#; 51].join(","));
        for (text, pointers) in [
            (r#"{"name":""}"#, vec!["/name"]),
            (r#"{"name":null}"#, vec!["/name"]),
            (r#"{"defaultRole":"owner","timezone":"Mars/Base"}"#, vec!["/timezone", "/defaultRole"]),
            (r#"{"settings":{"defaultRole":"OWNER"}}"#, vec!["/settings/defaultRole"]),
            (r#"{"displayName":"a\u0000b"}"#, vec!["/displayName"]),
            (r#"{"website":"javascript:alert(1)"}"#, vec!["/website"]),
            (r#"{"allowSelfRegistration":"yes"}"#, vec!["/allowSelfRegistration"]),
            (r#"{"allowedDomains":["a.example","no"]}"#, vec!["/allowedDomains/1"]),
            (r#"{"settings":{"allowedDomains":["a.example",7]}}"#, vec!["/settings/allowedDomains/1"]),
            (r#"{"branding":{"primaryColor":"red"}}"#, vec!["/branding/primaryColor"]),
            (r#"{"settings":{"branding":{"theme":3}}}"#, vec!["/settings/branding/theme"]),
            (r#"{"branding":[]}"#, vec!["/branding"]),
            (r#"{"settings":[]}"#, vec!["/settings"]),
            (r#"{"preferences":{"language":"not a tag"}}"#, vec!["/preferences/language"]),
            (many.as_str(), vec!["/allowedDomains"]),
        ] {
            assert_eq!(wrong(text), pointers, "{text}");
        }
    }
}
