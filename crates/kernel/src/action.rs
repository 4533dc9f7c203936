/// What kind of thing an action is about, for filters and alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Signing in and out, credentials, sessions.
    Authentication,
    /// Accounts and profiles.
    Account,
    /// Organizations, members, invitations.
    Organization,
    /// Plans, services, and which organization is on which plan.
    Subscription,
    /// Metering beyond the ledger's own entries.
    Usage,
    /// Customers' own provider keys, and the master keys that seal them.
    Key,
    /// Money: customers, payment methods, purchases, invoices.
    Billing,
}

impl Category {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Account => "account",
            Self::Organization => "organization",
            Self::Subscription => "subscription",
            Self::Usage => "usage",
            Self::Key => "key",
            Self::Billing => "billing",
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal in $category:ident),* $(,)?) => {
        /// Everything the trail can say happened. The list of actions served to people is made from this enum.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire and in the store.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What kind of thing it is about.
            pub const fn category(self) -> Category {
                match self { $(Self::$name => Category::$category,)* }
            }
        }
    };
}

actions! {
    /// Somebody signed in, or tried to.
    Login = "auth.login" in Authentication,
    /// Somebody signed out.
    Logout = "auth.logout" in Authentication,
    /// A one-time sign-in link was made.
    LinkIssued = "auth.link.issued" in Authentication,
    /// One session was ended from another.
    SessionRevoked = "auth.session.revoked" in Authentication,
    /// All sessions of a user were ended, or all but one.
    SessionsRevoked = "auth.sessions.revoked" in Authentication,
    /// A user changed the password.
    PasswordChanged = "auth.password.changed" in Authentication,
    /// An account was made.
    UserCreated = "user.created" in Account,
    /// An account was disabled.
    UserDisabled = "user.disabled" in Account,
    /// An account was enabled again.
    UserEnabled = "user.enabled" in Account,
    /// A profile was changed.
    ProfileUpdated = "profile.updated" in Account,
    /// A profile picture was set.
    AvatarUpdated = "profile.avatar.updated" in Account,
    /// A profile picture was taken away.
    AvatarRemoved = "profile.avatar.removed" in Account,
    /// Notification choices were changed.
    NotificationsUpdated = "profile.notifications.updated" in Account,
    /// An organization was made.
    OrgCreated = "org.created" in Organization,
    /// A session moved to another organization.
    OrgSwitched = "org.switched" in Organization,
    /// An organization's settings were changed.
    OrgUpdated = "org.settings.updated" in Organization,
    /// An organization was suspended or made active again.
    OrgStatusChanged = "org.status.changed" in Organization,
    /// An organization was deleted (softly, until its retention time ends).
    OrgDeleted = "org.deleted" in Organization,
    /// An owner handed the organization over.
    OwnershipTransferred = "org.ownership.transferred" in Organization,
    /// A known user became a member without an invitation.
    MemberAdded = "org.member.added" in Organization,
    /// A member was removed, or left.
    MemberRemoved = "org.member.removed" in Organization,
    /// A member's role was changed.
    MemberRoleChanged = "org.member.role_changed" in Organization,
    /// Somebody was invited.
    InvitationCreated = "org.invitation.created" in Organization,
    /// An invitation got a new token and a new mail.
    InvitationResent = "org.invitation.resent" in Organization,
    /// An invitation was taken back.
    InvitationRevoked = "org.invitation.revoked" in Organization,
    /// An invitation was accepted.
    InvitationAccepted = "org.invitation.accepted" in Organization,
    /// An API key was made.
    ApiKeyCreated = "auth.api_key.created" in Authentication,
    /// An API key was revoked.
    ApiKeyRevoked = "auth.api_key.revoked" in Authentication,
    /// A text that is no API key was presented as one. Of one address, one in a minute is remembered.
    ApiKeyRefused = "auth.api_key.refused" in Authentication,
    /// The catalogue of plans and services was loaded for the first time.
    CatalogueLoaded = "catalogue.loaded" in Subscription,
    /// A plan was added to the catalogue.
    PlanCreated = "plan.created" in Subscription,
    /// A plan was changed.
    PlanUpdated = "plan.updated" in Subscription,
    /// A plan was taken out of the catalogue.
    PlanRetired = "plan.retired" in Subscription,
    /// An organization was moved to another plan, or its subscription to another state.
    SubscriptionChanged = "subscription.changed" in Subscription,
    /// A payment method was added.
    PaymentMethodAdded = "billing.payment_method.added" in Billing,
    /// A payment method was removed.
    PaymentMethodRemoved = "billing.payment_method.removed" in Billing,
    /// Another payment method is charged by default.
    PaymentMethodChosen = "billing.payment_method.chosen" in Billing,
    /// An organization became a payment provider's customer.
    CustomerCreated = "billing.customer.created" in Billing,
    /// A change of what is paid for was agreed: another plan, an end, or none after all.
    PlanChangeAgreed = "billing.change.agreed" in Billing,
    /// What is paid for changed, by what the payment provider says or by time.
    PaymentStateChanged = "billing.state.changed" in Billing,
    /// An invoice was made.
    InvoiceIssued = "billing.invoice.issued" in Billing,
    /// An invoice was marked paid by hand.
    InvoicePaid = "billing.invoice.paid" in Billing,
    /// A payment was tried again.
    PaymentRetried = "billing.payment.retried" in Billing,
    /// An event of a payment provider is to be applied again.
    EventReplayed = "billing.event.replayed" in Billing,
    /// An organization's used quantity was set back by a compensating entry.
    UsageReset = "usage.reset" in Usage,
    /// A provider key was stored, in the place of another or not.
    ProviderKeyStored = "byok.key.stored" in Key,
    /// A provider key was destroyed.
    ProviderKeyDeleted = "byok.key.deleted" in Key,
    /// A provider was asked whether it takes a key.
    ProviderKeyTested = "byok.key.tested" in Key,
    /// A provider key was handed to a service, or was not.
    ProviderKeyResolved = "byok.key.resolved" in Key,
    /// A master key became known to the database.
    MasterKeyRegistered = "byok.master_key.registered" in Key,
    /// All provider keys were sealed anew with the active master key.
    MasterKeyRotated = "byok.master_key.rotated" in Key,
    /// A master key was retired.
    MasterKeyRetired = "byok.master_key.retired" in Key,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Action;

    #[test]
    fn no_two_actions_share_a_name() {
        let names: HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }
}
