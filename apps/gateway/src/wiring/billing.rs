use std::sync::Arc;

use billing_core::{
    Billing, BillingPorts, BillingSettings, BillingStore, Gateway, Inbox, InvoicePrinter, Outbox, PaymentProvider,
};
use hmac::{Hmac, KeyInit, Mac};
use http_api::{Metrics, Site, WebhookVerifier, Webhooks};
use invoice_krilla::{CompanyDetails, KrillaPrinter};
use kernel::{Ambient, StoreError};
use lago_billing::{LagoGateway, LagoOptions, LagoPublicKey, LagoWebhook};
use org_core::OrgStore;
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;
use sha2::Sha256;
use store::{Database, SeaBilling, SeaIdempotency, SeaInbox, SeaInvoices, SeaOutbox, SeaProviderKeys};
use stripe_payments::{StripeGateway, StripeOptions};

use super::{Foundation, Vault};
use crate::billing::{Comparison, Counted, Figures, Worker};
use crate::bridge::{LagoEvents, MoneyNotices, OrgsThatPay, OwnerNotices, PlatformFacts, StripeEvents};
use crate::config::{self, Config};
use crate::data::DataDir;
use crate::failure::Failure;

/// What the key of quotes is made for: it sets it apart from whatever else is made with the same secret.
const PURPOSE: &[u8] = b"ops-center quote key v1";

/// Money, and what belongs to it in this process.
pub(crate) struct Till {
    pub(crate) billing: Billing,
    pub(crate) webhooks: Webhooks,
    pub(crate) notices: MoneyNotices,
    pub(crate) figures: Figures,
}

/// What quotes are sealed with.
pub(crate) type QuoteKey = Zeroizing<[u8; 32]>;

impl Foundation {
    /// Money, over this database and with the payment provider of this configuration.
    pub(crate) fn till(
        &self,
        config: &Config,
        data: &DataDir,
        site: &Site,
        quote_key: QuoteKey,
    ) -> Result<Till, Failure> {
        let figures = Figures::default();
        let notices = MoneyNotices::new(self.owner_notices(config, data, site)?);
        let (gateway, webhooks) = provider(&config.billing, &self.ambient)?;
        let (db, counted) = (&self.database, figures.clone());
        let ports = BillingPorts {
            store: Arc::new(Counted::<dyn BillingStore>::new(Arc::new(SeaBilling::new(db)), counted.clone())),
            invoices: Arc::new(SeaInvoices::new(db)),
            inbox: Arc::new(Counted::<dyn Inbox>::new(Arc::new(SeaInbox::new(db)), counted.clone())),
            outbox: Arc::new(Counted::<dyn Outbox>::new(Arc::new(SeaOutbox::new(db)), counted)),
            platform: Arc::new(self.platform_facts()),
            notice: Arc::new(notices.clone()),
            printer: printer(&config.billing.company)?,
            gateway,
        };
        let (grace, term) = (config.billing.grace(), config.billing.invoice_term());
        let settings = BillingSettings { grace, term, quote_key };
        Ok(Till { billing: Billing::new(ports, settings, self.ambient.clone()), webhooks, notices, figures })
    }

    pub(crate) fn platform_facts(&self) -> PlatformFacts {
        PlatformFacts {
            plans: self.metered.plans.clone(),
            access: self.metered.access.clone(),
            usage: self.metered.usage.clone(),
            orgs: self.org_store(),
            members: self.member_store(),
            keys: Arc::new(SeaProviderKeys::new(&self.database)),
            ambient: self.ambient.clone(),
        }
    }

    /// Who tells owners something by mail.
    pub(super) fn owner_notices(&self, config: &Config, data: &DataDir, site: &Site) -> Result<OwnerNotices, Failure> {
        let mails = super::mails(config, data, site, &self.ambient);
        let mail = mails.map_err(|error| Failure::store("preparing [mail]", &error))?.notices;
        let (orgs, members, public_url) = (self.org_store(), self.member_store(), site.public_url.clone());
        Ok(OwnerNotices { orgs, members, mail, public_url })
    }

    /// Organizations whose end ends what they pay for.
    pub(super) fn paying_orgs(&self, till: &Till) -> Arc<dyn OrgStore> {
        Arc::new(OrgsThatPay { orgs: self.org_store(), billing: till.billing.clone() })
    }

    /// What does the work that waits.
    pub(crate) fn worker(&self, config: &Config, till: &Till) -> Worker {
        let every = config.billing.reconcile_every().filter(|_| config.billing.provider != PaymentProvider::Manual);
        Worker {
            billing: till.billing.clone(),
            figures: till.figures.clone(),
            comparison: every.map(|every| Comparison {
                billing: till.billing.clone(),
                figures: till.figures.clone(),
                claims: Arc::new(SeaIdempotency::new(&self.database)),
                every,
                ambient: self.ambient.clone(),
            }),
            every: config.billing.work_every,
            ambient: self.ambient.clone(),
        }
    }
}

impl Till {
    /// The figures of this process, with those about money.
    pub(super) fn metrics(&self) -> Metrics {
        Metrics::with(|registry| self.figures.register(registry))
    }
}

/// Accounts in this database, for who counts them.
pub(crate) fn accounts(database: &Database) -> SeaBilling {
    SeaBilling::new(database)
}

/// What quotes are sealed with: made from the configured secret, or from the one of the key ring under which provider keys are told apart.
/// All instances share either, and neither is in the database.
pub(crate) fn quote_key(config: &Config, vault: &Vault) -> Result<QuoteKey, Failure> {
    let key = match &config.billing.quote_key {
        Some(secret) => derived(secret.expose_secret().as_bytes()),
        None => derived(vault.holder().ring().fingerprint().expose()),
    };
    key.map_err(|error| Failure::store("preparing [billing]", &error))
}

fn derived(secret: &[u8]) -> Result<QuoteKey, StoreError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(StoreError::broken)?;
    mac.update(PURPOSE);
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

/// Who takes the money, and who proves that an event is theirs.
pub(crate) fn provider(billing: &config::Billing, ambient: &Ambient) -> Result<(Option<Gateway>, Webhooks), Failure> {
    match billing.provider {
        PaymentProvider::Manual => Ok((None, Webhooks::default())),
        PaymentProvider::Stripe => stripe(&billing.stripe, ambient),
        PaymentProvider::Lago => lago(&billing.lago, ambient),
    }
}

fn stripe(stripe: &config::Stripe, ambient: &Ambient) -> Result<(Option<Gateway>, Webhooks), Failure> {
    let key = stripe.secret_key.clone().ok_or_else(|| unset("billing.stripe.secret_key"))?;
    let options = StripeOptions {
        base_url: stripe.base_url.clone(),
        publishable_key: stripe.publishable_key.clone(),
        ..StripeOptions::new(key)
    };
    let gateway = StripeGateway::new(options, ambient.clone());
    let gateway = Arc::new(gateway.map_err(|error| Failure::Usage(format!("[billing.stripe]: {error}")))?);
    let events = StripeEvents { secrets: stripe.webhook_secrets.clone(), live: gateway.is_live() };
    let webhooks = Webhooks { stripe: events.heard(), lago: None };
    let gateway = Gateway { payments: gateway.clone(), methods: Some(gateway.clone()), invoices: gateway };
    Ok((Some(gateway), webhooks))
}

fn lago(lago: &config::Lago, ambient: &Ambient) -> Result<(Option<Gateway>, Webhooks), Failure> {
    let url = lago.api_url.clone().ok_or_else(|| unset("billing.lago.api_url"))?;
    let key = lago.api_key.clone().ok_or_else(|| unset("billing.lago.api_key"))?;
    let gateway = LagoGateway::new(&LagoOptions::new(url, key), ambient.clone());
    let gateway = Arc::new(gateway.map_err(|error| Failure::Usage(format!("billing.lago.api_url: {error}")))?);
    let webhooks = Webhooks { stripe: None, lago: heard(lago)? };
    Ok((Some(Gateway { payments: gateway.clone(), methods: None, invoices: gateway }), webhooks))
}

/// Who proves that an event is Lago's, if anything can prove that.
fn heard(lago: &config::Lago) -> Result<Option<Arc<dyn WebhookVerifier>>, Failure> {
    if lago.is_deaf() {
        return Ok(None);
    }
    let secrets = LagoWebhook::new(lago.webhook_secret.iter().cloned().collect());
    let webhook = match &lago.webhook_public_key {
        None => secrets,
        Some(pem) => {
            let key = LagoPublicKey::parse(pem);
            secrets.with_key(
                key.ok_or_else(|| Failure::Usage("billing.lago.webhook_public_key is no public key (PEM)".to_owned()))?,
            )
        }
    };
    Ok(Some(Arc::new(LagoEvents(webhook))))
}

/// The configuration was checked before.
fn unset(key: &str) -> Failure {
    Failure::Usage(format!("{key} is not set"))
}

fn printer(company: &config::Company) -> Result<Arc<dyn InvoicePrinter>, Failure> {
    let config::Company { name, address, tax_id } = company.clone();
    let printer = KrillaPrinter::new(CompanyDetails { name, address, tax_id });
    Ok(Arc::new(printer.map_err(|error| Failure::store("preparing invoices", &error))?))
}
