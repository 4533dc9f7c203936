use kernel::{Role, StoreError};
use org_core::{AllowedDomain, Branding, Color, DateFormat, Preferences, Settings, Theme, TimeFormat, WebUrl};
use serde::{Deserialize, Serialize};

use crate::value::read;

const COLUMN: &str = "organization.settings";

/// An organization's settings as they are kept, as JSON. A key that is not there says nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    display_name: Option<String>,
    description: Option<String>,
    website: Option<String>,
    timezone: Option<String>,
    default_role: Option<String>,
    allow_self_registration: bool,
    require_email_verification: Option<bool>,
    auto_accept_members: bool,
    allowed_domains: Vec<String>,
    primary_color: Option<String>,
    accent_color: Option<String>,
    theme: Option<String>,
    language: Option<String>,
    date_format: Option<String>,
    time_format: Option<String>,
    logo_url: Option<String>,
}

/// As a column.
pub(crate) fn to_column(settings: &Settings) -> Result<String, StoreError> {
    let url = |url: &Option<WebUrl>| url.as_ref().map(|url| url.as_str().to_owned());
    let color = |color: &Option<Color>| color.as_ref().map(|color| color.as_str().to_owned());
    let Settings { branding, preferences, .. } = settings;
    let stored = Stored {
        display_name: settings.display_name.clone(),
        description: settings.description.clone(),
        website: url(&settings.website),
        timezone: settings.timezone.clone(),
        default_role: Some(settings.default_role.as_str().to_owned()),
        allow_self_registration: settings.allow_self_registration,
        require_email_verification: Some(settings.require_email_verification),
        auto_accept_members: settings.auto_accept_members,
        allowed_domains: settings.allowed_domains.iter().map(|domain| domain.as_str().to_owned()).collect(),
        primary_color: color(&branding.primary_color),
        accent_color: color(&branding.accent_color),
        theme: branding.theme.map(|theme| theme.as_str().to_owned()),
        language: preferences.language.clone(),
        date_format: preferences.date_format.map(|format| format.as_str().to_owned()),
        time_format: preferences.time_format.map(|format| format.as_str().to_owned()),
        logo_url: url(&settings.logo_url),
    };
    serde_json::to_string(&stored).map_err(StoreError::broken)
}

fn parsed<T, E>(value: Option<&String>, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, StoreError> {
    value.map(|text| read(COLUMN, parse(text))).transpose()
}

/// From a column.
pub(crate) fn from_column(json: &str) -> Result<Settings, StoreError> {
    let stored: Stored = read(COLUMN, serde_json::from_str(json))?;
    let default = Settings::default();
    let domains = stored.allowed_domains.iter().map(|domain| read(COLUMN, AllowedDomain::parse(domain)));
    Ok(Settings {
        website: parsed(stored.website.as_ref(), WebUrl::parse)?,
        default_role: parsed(stored.default_role.as_ref(), str::parse::<Role>)?.unwrap_or(default.default_role),
        allow_self_registration: stored.allow_self_registration,
        require_email_verification: stored.require_email_verification.unwrap_or(default.require_email_verification),
        auto_accept_members: stored.auto_accept_members,
        allowed_domains: domains.collect::<Result<_, _>>()?,
        branding: Branding {
            primary_color: parsed(stored.primary_color.as_ref(), Color::parse)?,
            accent_color: parsed(stored.accent_color.as_ref(), Color::parse)?,
            theme: parsed(stored.theme.as_ref(), Theme::parse)?,
        },
        preferences: Preferences {
            date_format: parsed(stored.date_format.as_ref(), DateFormat::parse)?,
            time_format: parsed(stored.time_format.as_ref(), TimeFormat::parse)?,
            language: stored.language,
        },
        logo_url: parsed(stored.logo_url.as_ref(), WebUrl::parse)?,
        display_name: stored.display_name,
        description: stored.description,
        timezone: stored.timezone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_and_old_rows_mean_the_defaults() {
        let settings = Settings {
            display_name: Some("Akme".to_owned()),
            website: Some(WebUrl::parse("https://example.com/a").unwrap()),
            default_role: Role::BillingAdmin,
            require_email_verification: false,
            allowed_domains: vec![AllowedDomain::parse("example.com").unwrap()],
            branding: Branding { primary_color: Some(Color::parse("#00ff00").unwrap()), ..Branding::default() },
            preferences: Preferences { time_format: Some(TimeFormat::Hours12), ..Preferences::default() },
            ..Settings::default()
        };
        assert_eq!(from_column(&to_column(&settings).unwrap()).unwrap(), settings);
        assert_eq!(from_column("{}").unwrap(), Settings::default());
        assert!(matches!(from_column("{\"theme\": \"pink\"}"), Err(StoreError::Broken(_))));
    }
}
