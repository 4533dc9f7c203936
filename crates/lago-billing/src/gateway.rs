use async_trait::async_trait;
use billing_core::{
    Capabilities, Checkout, CheckoutRequest, Command, CustomerDetails, GatewayError, PaymentGateway, PaymentProvider,
    Proration, ProviderInvoices, Snapshot,
};
use kernel::{Ambient, OrgId, Timestamp};
use serde_json::json;

use crate::{
    change::{self, preview},
    checkout::checkout,
    client::{Call, Lago},
    document,
    jwt::LagoPublicKey,
    options::LagoOptions,
    snapshot::snapshot,
    touched::touched,
    wire::{CustomerReply, PortalReply, PublicKeyReply},
};

/// [`PaymentGateway`] and [`ProviderInvoices`] over Lago. See the crate's documentation for how a call happens once.
pub struct LagoGateway {
    lago: Lago,
}

impl LagoGateway {
    /// A gateway with these options. Nothing is sent yet; `GatewayError::Broken` for options that cannot work.
    pub fn new(options: &LagoOptions, ambient: Ambient) -> Result<Self, GatewayError> {
        Ok(Self { lago: Lago::new(options, ambient)? })
    }

    /// The key with which Lago signs events of the kind `jwt`.
    pub async fn public_key(&self) -> Result<LagoPublicKey, GatewayError> {
        let reply: PublicKeyReply = self.lago.ask(Call::get(&["webhooks", "json_public_key"])).await?;
        LagoPublicKey::parse(&reply.webhook.public_key)
            .ok_or_else(|| GatewayError::broken("Lago's public key is not one of RSA"))
    }
}

#[async_trait]
impl PaymentGateway for LagoGateway {
    fn provider(&self) -> (PaymentProvider, Capabilities) {
        let can = Capabilities { checkout: true, portal: true, payment_methods: false, retry: true };
        (PaymentProvider::Lago, can)
    }

    /// Its name at Lago is the organization's id: a customer that is there already is found, and left as it is.
    async fn create_customer(&self, who: &CustomerDetails, _once: &str) -> Result<String, GatewayError> {
        let name = who.org.to_string();
        let found: Option<CustomerReply> = self.lago.find(Call::get(&["customers", &name])).await?;
        if let Some(found) = found {
            return named(found, &name);
        }
        // Whoever made it in between made the same: Lago knows one customer of a name.
        let customer = json!({ "external_id": name, "name": who.name, "email": who.email });
        let made = self.lago.ask(Call::post(&["customers"], json!({ "customer": customer }))).await?;
        named(made, &name)
    }

    async fn checkout(&self, request: &CheckoutRequest, _once: &str) -> Result<Checkout, GatewayError> {
        checkout(&self.lago, request).await
    }

    async fn portal(&self, customer: &str, _return_url: &str) -> Result<String, GatewayError> {
        let reply: PortalReply = self.lago.ask(Call::get(&["customers", customer, "portal_url"])).await?;
        Ok(reply.customer.portal_url)
    }

    async fn snapshot(&self, org: OrgId, customer: &str) -> Result<Snapshot, GatewayError> {
        snapshot(&self.lago, org, customer).await
    }

    async fn preview(&self, customer: &str, command: &Command) -> Result<Proration, GatewayError> {
        preview(&self.lago, customer, command).await
    }

    async fn execute(&self, command: &Command, _once: &str) -> Result<(), GatewayError> {
        change::execute(&self.lago, command).await
    }

    async fn touched(&self, since: Timestamp) -> Result<Vec<String>, GatewayError> {
        touched(&self.lago, since).await
    }
}

#[async_trait]
impl ProviderInvoices for LagoGateway {
    async fn pdf(&self, external: &str) -> Result<Vec<u8>, GatewayError> {
        document::pdf(&self.lago, external).await
    }

    async fn retry(&self, external: &str, _once: &str) -> Result<(), GatewayError> {
        document::retry(&self.lago, external).await
    }
}

/// The customer's name, if it is the one that was asked for.
fn named(reply: CustomerReply, name: &str) -> Result<String, GatewayError> {
    if reply.customer.external_id == name {
        Ok(reply.customer.external_id)
    } else {
        Err(GatewayError::broken("Lago answered with another customer"))
    }
}
