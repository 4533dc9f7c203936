use std::str::FromStr;

use crate::error::FieldError;

/// How often notifications are gathered before they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// As they come.
    Immediate,
    /// Once a day.
    Daily,
    /// Once a week.
    Weekly,
}

impl Frequency {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

impl FromStr for Frequency {
    type Err = FieldError;
    fn from_str(text: &str) -> Result<Self, FieldError> {
        [Self::Immediate, Self::Daily, Self::Weekly]
            .into_iter()
            .find(|f| f.as_str() == text)
            .ok_or(FieldError::Frequency)
    }
}

/// The share of a usage limit, in percent, at which to warn: 50..=100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageAlertThreshold(u8);

impl UsageAlertThreshold {
    /// Reads it.
    pub fn new(percent: u8) -> Result<Self, FieldError> {
        if (50..=100).contains(&percent) { Ok(Self(percent)) } else { Err(FieldError::Threshold) }
    }

    /// Percent.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

/// What a person wants to hear about, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own that a person makes")]
pub struct Notifications {
    /// By mail at all.
    pub email: bool,
    /// In the console.
    pub system: bool,
    /// News of the platform.
    pub updates: bool,
    /// Sign-ins and credentials.
    pub security: bool,
    /// Invoices and payments.
    pub billing: bool,
    /// Offers.
    pub marketing: bool,
    /// By text message.
    pub sms: bool,
    /// By push message.
    pub push: bool,
    /// When usage nears its limit.
    pub usage_alerts: bool,
    /// At which share of the limit.
    pub usage_alert_threshold: UsageAlertThreshold,
    /// How often.
    pub frequency: Frequency,
}

impl Default for Notifications {
    /// What matters is on, what sells is off.
    fn default() -> Self {
        Self {
            email: true,
            system: true,
            updates: true,
            security: true,
            billing: true,
            marketing: false,
            sms: false,
            push: false,
            usage_alerts: true,
            usage_alert_threshold: UsageAlertThreshold(80),
            frequency: Frequency::Immediate,
        }
    }
}

/// A change of the choices: `None` leaves one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotificationPatch {
    /// See [`Notifications::email`].
    pub email: Option<bool>,
    /// See [`Notifications::system`].
    pub system: Option<bool>,
    /// See [`Notifications::updates`].
    pub updates: Option<bool>,
    /// See [`Notifications::security`].
    pub security: Option<bool>,
    /// See [`Notifications::billing`].
    pub billing: Option<bool>,
    /// See [`Notifications::marketing`].
    pub marketing: Option<bool>,
    /// See [`Notifications::sms`].
    pub sms: Option<bool>,
    /// See [`Notifications::push`].
    pub push: Option<bool>,
    /// See [`Notifications::usage_alerts`].
    pub usage_alerts: Option<bool>,
    /// See [`Notifications::usage_alert_threshold`].
    pub usage_alert_threshold: Option<UsageAlertThreshold>,
    /// See [`Notifications::frequency`].
    pub frequency: Option<Frequency>,
}

impl NotificationPatch {
    /// The choices after this change.
    pub fn applied_to(&self, now: Notifications) -> Notifications {
        Notifications {
            email: self.email.unwrap_or(now.email),
            system: self.system.unwrap_or(now.system),
            updates: self.updates.unwrap_or(now.updates),
            security: self.security.unwrap_or(now.security),
            billing: self.billing.unwrap_or(now.billing),
            marketing: self.marketing.unwrap_or(now.marketing),
            sms: self.sms.unwrap_or(now.sms),
            push: self.push.unwrap_or(now.push),
            usage_alerts: self.usage_alerts.unwrap_or(now.usage_alerts),
            usage_alert_threshold: self.usage_alert_threshold.unwrap_or(now.usage_alert_threshold),
            frequency: self.frequency.unwrap_or(now.frequency),
        }
    }
}
