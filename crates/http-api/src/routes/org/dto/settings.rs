//! The settings as they are answered.

use org_core::{Branding, Color, DateFormat, Entitlement, Org, Preferences, Theme, TimeFormat, WebUrl};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::time;

/// The settings: flat, and again under `settings`.
#[derive(Serialize, ToSchema)]
#[schema(as = OrgSettingsView)]
pub(in crate::routes::org) struct SettingsView {
    #[serde(flatten)]
    flat: SettingsBody,
    /// The same again.
    settings: SettingsBody,
}

/// The settings after a change.
#[derive(Serialize, ToSchema)]
#[schema(as = OrgSettingsSaved)]
pub(in crate::routes::org) struct SettingsSaved {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "The settings are saved.")]
    message: &'static str,
    #[serde(flatten)]
    view: SettingsView,
}

/// What an organization's people decided about it.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgSettings)]
struct SettingsBody {
    /// The organization.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// Its plan.
    #[serde(rename = "plan_tier")]
    #[schema(example = "free")]
    plan_tier: String,
    /// `active`, `suspended` or `deleted`.
    #[schema(example = "active")]
    status: &'static str,
    /// When it was made.
    #[serde(rename = "created_at")]
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// What is shown instead of the name.
    #[schema(example = "Acme Research")]
    display_name: Option<String>,
    /// What the organization is.
    #[schema(example = "Makers of everything")]
    description: Option<String>,
    /// Its web site.
    #[schema(example = "https://acme.example")]
    website: Option<String>,
    /// An IANA time zone name.
    #[schema(example = "Europe/Vienna")]
    timezone: Option<String>,
    /// The role of those who are invited or added without a `role` of their own.
    #[schema(example = "member")]
    default_role: &'static str,
    /// Kept for the console; nobody joins without being invited or added, whatever it says.
    #[schema(example = false)]
    allow_self_registration: bool,
    /// Kept for the console; always on: only a verified address accepts an invitation or is added at once, whatever it says.
    #[schema(example = true)]
    require_email_verification: bool,
    /// Whether a known user with a verified address becomes a member without being asked.
    #[schema(example = false)]
    auto_accept_members: bool,
    /// If not empty, only addresses of these domains may be invited, be added and accept; a subdomain is another domain.
    #[schema(example = json!(["acme.example"]))]
    allowed_domains: Vec<String>,
    /// The look.
    branding: BrandingBody,
    /// The habits of writing.
    preferences: PreferencesBody,
    /// The address of the logo.
    #[schema(example = "https://acme.example/logo.png")]
    logo_url: Option<String>,
}

/// An organization's look.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgBranding)]
struct BrandingBody {
    /// The main color.
    #[schema(example = "#1a73e8")]
    primary_color: Option<String>,
    /// The second color.
    #[schema(example = "#fbbc04")]
    accent_color: Option<String>,
    /// `light`, `dark` or `auto`.
    #[schema(example = "auto")]
    theme: &'static str,
}

/// An organization's habits of writing.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgPreferences)]
struct PreferencesBody {
    /// A BCP 47 language tag.
    #[schema(example = "de-AT")]
    language: Option<String>,
    /// How dates are written.
    #[schema(example = "YYYY-MM-DD")]
    date_format: Option<&'static str>,
    /// `24h` or `12h`.
    #[schema(example = "24h")]
    time_format: Option<&'static str>,
}

impl SettingsView {
    /// The settings of an organization on this plan.
    pub(in crate::routes::org) fn new(org: Org, plan: Entitlement) -> Self {
        let settings = SettingsBody::new(org, plan);
        Self { flat: settings.clone(), settings }
    }
}

impl From<SettingsView> for SettingsSaved {
    fn from(view: SettingsView) -> Self {
        Self { success: true, message: "The settings are saved.", view }
    }
}

impl SettingsBody {
    fn new(org: Org, plan: Entitlement) -> Self {
        let settings = org.settings;
        let url = |url: Option<WebUrl>| url.map(|url| url.as_str().to_owned());
        Self {
            id: org.id.to_string(),
            name: org.name.as_str().to_owned(),
            plan_tier: plan.tier,
            status: org.status.as_str(),
            created_at: time(org.created_at),
            display_name: settings.display_name,
            description: settings.description,
            website: url(settings.website),
            timezone: settings.timezone,
            default_role: settings.default_role.as_str(),
            allow_self_registration: settings.allow_self_registration,
            require_email_verification: settings.require_email_verification,
            auto_accept_members: settings.auto_accept_members,
            allowed_domains: settings.allowed_domains.iter().map(|domain| domain.as_str().to_owned()).collect(),
            branding: settings.branding.into(),
            preferences: settings.preferences.into(),
            logo_url: url(settings.logo_url),
        }
    }
}

impl From<Branding> for BrandingBody {
    fn from(branding: Branding) -> Self {
        let color = |color: Option<Color>| color.map(|color| color.as_str().to_owned());
        Self {
            primary_color: color(branding.primary_color),
            accent_color: color(branding.accent_color),
            theme: branding.theme.unwrap_or(Theme::Auto).as_str(),
        }
    }
}

impl From<Preferences> for PreferencesBody {
    fn from(preferences: Preferences) -> Self {
        Self {
            language: preferences.language,
            date_format: preferences.date_format.map(DateFormat::as_str),
            time_format: preferences.time_format.map(TimeFormat::as_str),
        }
    }
}
