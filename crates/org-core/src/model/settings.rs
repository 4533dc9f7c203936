use kernel::{Role, plain_text};

use crate::{error::FieldError, model::org::OrgName};

/// A web address, http or https, of at most 2048 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl(String);

impl WebUrl {
    /// Reads it. Only shown to people, never fetched: the form is checked, not the host.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let url = plain_text(value, 2048)?;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or(FieldError::Url)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or("");
        let clean = url.chars().all(|c| !c.is_whitespace() && !"<>\"\\^`{|}".contains(c)) && !host.contains('@');
        if host.is_empty() || !clean { Err(FieldError::Url) } else { Ok(Self(url)) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A color, `#rrggbb` in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Color(String);

impl Color {
    /// Reads it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let color = value.trim().to_ascii_lowercase();
        let hex =
            color.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex { Ok(Self(color)) } else { Err(FieldError::Color) }
    }

    /// The color.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A domain whose addresses may join, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedDomain(String);

impl AllowedDomain {
    /// Reads it; a leading `@` is not part of it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let probe = format!("x@{}", value.trim().trim_start_matches('@'));
        kernel::Email::parse(&probe).map(|email| Self(email.domain().to_owned())).ok().ok_or(FieldError::Domain)
    }

    /// The domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident: $list:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The name on the wire and in the store.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads it.
            pub fn parse(value: &str) -> Result<Self, FieldError> {
                [$(Self::$variant),*].into_iter().find(|c| c.as_str() == value).ok_or(FieldError::Choice($list))
            }
        }
    )*};
}

choices! {
    /// The look of an organization's pages.
    Theme: "light, dark, auto" {
        /// Dark on light.
        Light = "light",
        /// Light on dark.
        Dark = "dark",
        /// As the reader's system.
        Auto = "auto",
    }
    /// How dates are written.
    DateFormat: "YYYY-MM-DD, DD/MM/YYYY, MM/DD/YYYY, DD.MM.YYYY" {
        /// ISO 8601.
        Iso = "YYYY-MM-DD",
        /// Day first, slashes.
        DayFirst = "DD/MM/YYYY",
        /// Month first, slashes.
        MonthFirst = "MM/DD/YYYY",
        /// Day first, dots.
        Dotted = "DD.MM.YYYY",
    }
    /// How times are written.
    TimeFormat: "24h, 12h" {
        /// 00:00 to 23:59.
        Hours24 = "24h",
        /// With a.m. and p.m.
        Hours12 = "12h",
    }
}

/// An organization's look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Branding {
    /// The main color.
    pub primary_color: Option<Color>,
    /// The second color.
    pub accent_color: Option<Color>,
    /// The look; `auto` when nothing was said.
    pub theme: Option<Theme>,
}

/// An organization's habits of writing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preferences {
    /// BCP 47.
    pub language: Option<String>,
    /// How dates are written.
    pub date_format: Option<DateFormat>,
    /// How times are written.
    pub time_format: Option<TimeFormat>,
}

/// What an organization's people decided about it. The name is beside it, in [`crate::Org`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What is shown instead of the name; at most 100 characters.
    pub display_name: Option<String>,
    /// At most 1000 characters.
    pub description: Option<String>,
    /// Its web site.
    pub website: Option<WebUrl>,
    /// An IANA time zone name.
    pub timezone: Option<String>,
    /// The role of those who are invited or added without a role being named: never owner.
    pub default_role: Role,
    /// Kept for the console: nobody joins without being invited or added, whatever it says.
    pub allow_self_registration: bool,
    /// Kept for the console: only a verified address accepts an invitation or is added at once, whatever it says.
    pub require_email_verification: bool,
    /// Whether a known user with a verified address becomes a member without being asked.
    pub auto_accept_members: bool,
    /// If not empty, only addresses of these domains may be invited, be added and accept; at most 50.
    pub allowed_domains: Vec<AllowedDomain>,
    /// The look.
    pub branding: Branding,
    /// The habits of writing.
    pub preferences: Preferences,
    /// The logo.
    pub logo_url: Option<WebUrl>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            display_name: None,
            description: None,
            website: None,
            timezone: None,
            default_role: Role::Member,
            allow_self_registration: false,
            require_email_verification: true,
            auto_accept_members: false,
            allowed_domains: Vec::new(),
            branding: Branding::default(),
            preferences: Preferences::default(),
            logo_url: None,
        }
    }
}

/// A change of settings: `None` leaves a key, `Some(None)` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsPatch {
    /// The organization's name.
    pub name: Option<OrgName>,
    /// See [`Settings::display_name`].
    pub display_name: Option<Option<String>>,
    /// See [`Settings::description`].
    pub description: Option<Option<String>>,
    /// See [`Settings::website`].
    pub website: Option<Option<WebUrl>>,
    /// See [`Settings::timezone`].
    pub timezone: Option<Option<String>>,
    /// See [`Settings::default_role`].
    pub default_role: Option<Role>,
    /// See [`Settings::allow_self_registration`].
    pub allow_self_registration: Option<bool>,
    /// See [`Settings::require_email_verification`].
    pub require_email_verification: Option<bool>,
    /// See [`Settings::auto_accept_members`].
    pub auto_accept_members: Option<bool>,
    /// See [`Settings::allowed_domains`].
    pub allowed_domains: Option<Vec<AllowedDomain>>,
    /// See [`Branding::primary_color`].
    pub primary_color: Option<Option<Color>>,
    /// See [`Branding::accent_color`].
    pub accent_color: Option<Option<Color>>,
    /// See [`Branding::theme`].
    pub theme: Option<Option<Theme>>,
    /// See [`Preferences::language`].
    pub language: Option<Option<String>>,
    /// See [`Preferences::date_format`].
    pub date_format: Option<Option<DateFormat>>,
    /// See [`Preferences::time_format`].
    pub time_format: Option<Option<TimeFormat>>,
    /// See [`Settings::logo_url`].
    pub logo_url: Option<Option<WebUrl>>,
}

impl SettingsPatch {
    /// The settings after this change (the name is not among them).
    pub fn applied_to(&self, now: Settings) -> Settings {
        Settings {
            display_name: self.display_name.clone().unwrap_or(now.display_name),
            description: self.description.clone().unwrap_or(now.description),
            website: self.website.clone().unwrap_or(now.website),
            timezone: self.timezone.clone().unwrap_or(now.timezone),
            default_role: self.default_role.unwrap_or(now.default_role),
            allow_self_registration: self.allow_self_registration.unwrap_or(now.allow_self_registration),
            require_email_verification: self.require_email_verification.unwrap_or(now.require_email_verification),
            auto_accept_members: self.auto_accept_members.unwrap_or(now.auto_accept_members),
            allowed_domains: self.allowed_domains.clone().unwrap_or(now.allowed_domains),
            branding: Branding {
                primary_color: self.primary_color.clone().unwrap_or(now.branding.primary_color),
                accent_color: self.accent_color.clone().unwrap_or(now.branding.accent_color),
                theme: self.theme.unwrap_or(now.branding.theme),
            },
            preferences: Preferences {
                language: self.language.clone().unwrap_or(now.preferences.language),
                date_format: self.date_format.unwrap_or(now.preferences.date_format),
                time_format: self.time_format.unwrap_or(now.preferences.time_format),
            },
            logo_url: self.logo_url.clone().unwrap_or(now.logo_url),
        }
    }
}
