//! What the pages call things.

use kernel::{PlatformRole, Role, Timestamp};

/// A role in an organization.
pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Administrator",
        Role::BillingAdmin => "Billing administrator",
        Role::Member => "Member",
    }
}

/// A role on the platform.
pub(super) const fn platform_role(role: PlatformRole) -> &'static str {
    match role {
        PlatformRole::Viewer => "Viewer",
        PlatformRole::User => "User",
        PlatformRole::Admin => "Platform administrator",
    }
}

/// A point in time, for people and (`datetime`) for programs.
pub(super) struct Moment(Timestamp);

impl Moment {
    /// This point.
    pub(super) const fn new(at: Timestamp) -> Self {
        Self(at)
    }

    /// `5 March 2030, 14:07 UTC`.
    pub(super) fn shown(&self) -> String {
        self.0.format("%-d %B %Y, %H:%M UTC").to_string()
    }

    /// RFC 3339.
    pub(super) fn datetime(&self) -> String {
        self.0.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

/// A wait, rounded up so that whoever waits that long gets through.
pub(super) fn wait(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..=90 => (seconds.max(1), "second"),
        91..=5400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// The violated rule as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up() {
        for (seconds, words) in [
            (0, "1 second"),
            (1, "1 second"),
            (90, "90 seconds"),
            (91, "2 minutes"),
            (120, "2 minutes"),
            (121, "3 minutes"),
            (5400, "90 minutes"),
            (5401, "2 hours"),
            (7201, "3 hours"),
        ] {
            assert_eq!(wait(seconds), words);
        }
    }

    #[test]
    fn times_are_utc_and_say_so() {
        let at = Moment::new(Timestamp::from_timestamp(1_893_503_227, 999).unwrap_or_default());
        assert_eq!(
            (at.shown().as_str(), at.datetime().as_str()),
            ("1 January 2030, 13:07 UTC", "2030-01-01T13:07:07Z")
        );
    }
}
