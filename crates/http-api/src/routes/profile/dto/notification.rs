use account_core::{Frequency, NotificationPatch, Notifications, UsageAlertThreshold};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;

/// How often notifications are gathered before they are sent.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = NotificationFrequency)]
pub(crate) enum FrequencyBody {
    /// As they come.
    Immediate,
    /// Once a day.
    Daily,
    /// Once a week.
    Weekly,
}

/// What a person wants to hear about, and how.
#[derive(Serialize, ToSchema)]
#[schema(as = Notifications)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own that a person makes")]
pub(crate) struct NotificationsBody {
    /// By mail at all.
    #[schema(example = true)]
    email: bool,
    /// In the console.
    #[schema(example = true)]
    system: bool,
    /// News of the platform.
    #[schema(example = true)]
    updates: bool,
    /// Sign-ins and credentials.
    #[schema(example = true)]
    security: bool,
    /// Invoices and payments.
    #[schema(example = true)]
    billing: bool,
    /// Offers.
    #[schema(example = false)]
    marketing: bool,
    /// By text message.
    #[schema(example = false)]
    sms: bool,
    /// By push message.
    #[schema(example = false)]
    push: bool,
    /// When usage nears its limit.
    #[schema(example = true)]
    usage_alerts: bool,
    /// At which share of the limit, in percent.
    #[schema(minimum = 50, maximum = 100, example = 80)]
    usage_alert_threshold: u8,
    /// How often.
    #[schema(example = "immediate")]
    frequency: FrequencyBody,
}

impl From<Notifications> for NotificationsBody {
    fn from(now: Notifications) -> Self {
        Self {
            email: now.email,
            system: now.system,
            updates: now.updates,
            security: now.security,
            billing: now.billing,
            marketing: now.marketing,
            sms: now.sms,
            push: now.push,
            usage_alerts: now.usage_alerts,
            usage_alert_threshold: now.usage_alert_threshold.percent(),
            frequency: match now.frequency {
                Frequency::Immediate => FrequencyBody::Immediate,
                Frequency::Daily => FrequencyBody::Daily,
                Frequency::Weekly => FrequencyBody::Weekly,
            },
        }
    }
}

/// The choices to change; what is absent or null stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::profile) struct NotificationChange {
    /// By mail at all.
    #[schema(example = true)]
    email: Option<bool>,
    /// In the console.
    #[schema(example = true)]
    system: Option<bool>,
    /// News of the platform.
    #[schema(example = true)]
    updates: Option<bool>,
    /// Sign-ins and credentials.
    #[schema(example = true)]
    security: Option<bool>,
    /// Invoices and payments.
    #[schema(example = true)]
    billing: Option<bool>,
    /// Offers.
    #[schema(example = false)]
    marketing: Option<bool>,
    /// By text message.
    #[schema(example = false)]
    sms: Option<bool>,
    /// By push message.
    #[schema(example = false)]
    push: Option<bool>,
    /// When usage nears its limit.
    #[schema(example = true)]
    usage_alerts: Option<bool>,
    /// At which share of the limit, in percent.
    #[schema(minimum = 50, maximum = 100, example = 80)]
    usage_alert_threshold: Option<u8>,
    /// How often.
    #[schema(example = "daily")]
    frequency: Option<FrequencyBody>,
}

impl TryFrom<NotificationChange> for NotificationPatch {
    type Error = Problem;
    fn try_from(change: NotificationChange) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let percent = change.usage_alert_threshold;
        let usage_alert_threshold = fields.read_some("/usage_alert_threshold", percent, UsageAlertThreshold::new);
        fields.done(Some(Self {
            email: change.email,
            system: change.system,
            updates: change.updates,
            security: change.security,
            billing: change.billing,
            marketing: change.marketing,
            sms: change.sms,
            push: change.push,
            usage_alerts: change.usage_alerts,
            usage_alert_threshold,
            frequency: change.frequency.map(|frequency| match frequency {
                FrequencyBody::Immediate => Frequency::Immediate,
                FrequencyBody::Daily => Frequency::Daily,
                FrequencyBody::Weekly => Frequency::Weekly,
            }),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_json;

    fn read(text: &str) -> Result<NotificationPatch, Problem> {
        parse_json::<NotificationChange>(text.as_bytes())?.try_into()
    }

    #[test]
    fn only_what_is_given_changes() {
        assert_eq!(read("{}").expect("no change"), NotificationPatch::default());
        let patch = read(r#"{"email":false,"frequency":"weekly","usage_alert_threshold":100}"#).expect("a change");
        let expected = NotificationPatch {
            email: Some(false),
            frequency: Some(Frequency::Weekly),
            usage_alert_threshold: UsageAlertThreshold::new(100).ok(),
            ..NotificationPatch::default()
        };
        assert_eq!(patch, expected);
    }

    #[test]
    fn what_cannot_be_chosen_is_refused() {
        for wrong in [
            r#"{"usage_alert_threshold":49}"#,
            r#"{"usage_alert_threshold":101}"#,
            r#"{"usage_alert_threshold":80.5}"#,
            r#"{"frequency":"hourly"}"#,
            r#"{"email":"yes"}"#,
            r#"{"role":"admin"}"#,
        ] {
            assert_eq!(read(wrong).expect_err(wrong).status().as_u16(), 422, "{wrong}");
        }
    }
}
