//! Pure decisions of this feature.

use kernel::{Email, Role};

use crate::{AllowedDomain, FieldError, OrgError};

/// Whether somebody in the role `own` may act on somebody in the role `other`, or give that role: owners on everybody, admins on
/// everybody but owners, the rest on nobody.
pub const fn reaches(own: Role, other: Role) -> bool {
    match own {
        Role::Owner => true,
        Role::Admin => !matches!(other, Role::Owner),
        Role::BillingAdmin | Role::Member => false,
    }
}

/// Refuses to give or touch a role above one's own.
pub fn within_reach(own: Role, other: Role) -> Result<(), OrgError> {
    if reaches(own, other) { Ok(()) } else { Err(OrgError::RoleAboveOwn) }
}

/// Whether an organization with these allowed domains takes an address. Without any it takes all; a subdomain is another domain.
pub fn admits(domains: &[AllowedDomain], email: &Email) -> bool {
    domains.is_empty() || domains.iter().any(|domain| domain.as_str() == email.domain())
}

/// Reads the name of a time zone in the IANA database.
pub fn timezone(value: &str) -> Result<String, FieldError> {
    let zone = value.trim().parse::<chrono_tz::Tz>().ok().ok_or(FieldError::Timezone)?;
    Ok(zone.name().to_owned())
}

/// Reads a language tag (BCP 47), at most 35 characters.
pub fn language(value: &str) -> Result<String, FieldError> {
    let tag = oxilangtag::LanguageTag::parse_and_normalize(value.trim()).ok().ok_or(FieldError::Language)?;
    if tag.as_str().len() > 35 { Err(FieldError::Language) } else { Ok(tag.into_inner()) }
}
