use kernel::{UserId, plain_line, plain_text};

use super::avatar::AvatarName;
use crate::error::FieldError;

/// Free text of at most `MAX` characters; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShortText<const MAX: usize>(String);

impl<const MAX: usize> ShortText<MAX> {
    /// Reads it; white space around it is not part of it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        Ok(Self(plain_text(value, MAX)?))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What other people see instead of the user name: 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Reads it; white space around it is not part of it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let name = plain_line(value, 100)?;
        if name.is_empty() { Err(FieldError::Empty) } else { Ok(Self(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A telephone number (ITU-T E.164): `+` and 7 to 15 digits, the first not 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Reads it; spaces, dots, hyphens and brackets between the digits are not part of it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let plain: String = value.trim().chars().filter(|c| !" .-()".contains(*c)).collect();
        let digits = plain.strip_prefix('+').ok_or(FieldError::Phone)?;
        let good =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if good { Ok(Self(plain)) } else { Err(FieldError::Phone) }
    }

    /// The number, with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A language tag (BCP 47) in its canonical case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale(String);

impl Locale {
    /// Reads it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let tag = oxilangtag::LanguageTag::parse_and_normalize(value.trim()).ok().ok_or(FieldError::Locale)?;
        if tag.as_str().len() > 35 { Err(FieldError::Locale) } else { Ok(Self(tag.into_inner())) }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a time zone in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timezone(String);

impl Timezone {
    /// Reads it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let zone = value.trim().parse::<chrono_tz::Tz>().ok().ok_or(FieldError::Timezone)?;
        Ok(Self(zone.name().to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person tells of themselves. Absent is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub user: UserId,
    /// What others see.
    pub display_name: Option<DisplayName>,
    /// A few sentences.
    pub bio: Option<ShortText<500>>,
    /// Where they work.
    pub company: Option<ShortText<200>>,
    /// What they do there.
    pub job_title: Option<ShortText<100>>,
    /// Where to call them.
    pub phone: Option<Phone>,
    /// Their language.
    pub locale: Option<Locale>,
    /// Their time zone.
    pub timezone: Option<Timezone>,
    /// Their picture.
    pub avatar: Option<AvatarName>,
}

impl Profile {
    /// A profile that says nothing yet.
    pub const fn empty(user: UserId) -> Self {
        Self {
            user,
            display_name: None,
            bio: None,
            company: None,
            job_title: None,
            phone: None,
            locale: None,
            timezone: None,
            avatar: None,
        }
    }
}

/// A change of a profile: `None` leaves a field, `Some(None)` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfilePatch {
    /// See [`Profile::display_name`].
    pub display_name: Option<Option<DisplayName>>,
    /// See [`Profile::bio`].
    pub bio: Option<Option<ShortText<500>>>,
    /// See [`Profile::company`].
    pub company: Option<Option<ShortText<200>>>,
    /// See [`Profile::job_title`].
    pub job_title: Option<Option<ShortText<100>>>,
    /// See [`Profile::phone`].
    pub phone: Option<Option<Phone>>,
    /// See [`Profile::locale`].
    pub locale: Option<Option<Locale>>,
    /// See [`Profile::timezone`].
    pub timezone: Option<Option<Timezone>>,
}
