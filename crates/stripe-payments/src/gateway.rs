use async_trait::async_trait;
use billing_core::{
    Capabilities, Checkout, CheckoutRequest, Command, CustomerDetails, GatewayError, PaymentGateway, PaymentMethod,
    PaymentMethods, PaymentProvider, Proration, ProviderInvoices, SetupIntent, Snapshot,
};
use kernel::{Ambient, OrgId, Timestamp};
use serde_json::Value;
use stripe_client_core::RequestBuilder;

use crate::api::{Api, Failure};
use crate::options::{BadOptions, StripeOptions};
use crate::read::Object;

/// So many pages of a list are read at most: a cursor that never ends must not either.
const PAGES: usize = 1000;

/// Stripe takes the money.
pub struct StripeGateway {
    pub(crate) api: Api,
    pub(crate) ambient: Ambient,
    pub(crate) publishable_key: Option<String>,
}

impl StripeGateway {
    /// Stripe, asked with these options.
    pub fn new(options: StripeOptions, ambient: Ambient) -> Result<Self, BadOptions> {
        let publishable_key = options.publishable_key.clone();
        Ok(Self { api: Api::new(options, ambient.clone())?, ambient, publishable_key })
    }

    /// Whether real money moves: an event of the other kind is not for us.
    pub const fn is_live(&self) -> bool {
        self.api.live
    }

    /// Sends a request; what answers must be of the kind of money that the key is for.
    pub(crate) async fn ask(&self, request: RequestBuilder, once: Option<&str>) -> Result<Value, Failure> {
        let answer = self.api.send(request, once).await?;
        let object = Object::new(&answer);
        let other = |it: Object<'_>| it.get("/livemode").is_some() && it.flag("/livemode") != self.api.live;
        if other(object) || object.items("/data").any(other) {
            return Err(Failure::Nonsense(
                "the key is of test money and the object of real money, or the other way round".to_owned(),
            ));
        }
        Ok(answer)
    }

    /// Every page of a list, at most so many.
    pub(crate) async fn pages(
        &self,
        pages: usize,
        request: impl Fn(Option<String>) -> RequestBuilder + Send,
    ) -> Result<Vec<Value>, GatewayError> {
        let mut all = Vec::new();
        for _ in 0..pages.min(PAGES) {
            let last = all.last().and_then(|last| Object::new(last).text("/id")).map(str::to_owned);
            let mut page = self.ask(request(last), None).await?;
            let more = Object::new(&page).flag("/has_more");
            let Some(Value::Array(items)) = page.get_mut("data").map(Value::take) else {
                return Err(GatewayError::broken("a list of Stripe's is none"));
            };
            let empty = items.is_empty();
            all.extend(items);
            if !more || empty {
                return Ok(all);
            }
        }
        // What is left out on purpose is one thing; what nobody would ever miss is another.
        if pages > PAGES { Err(GatewayError::broken("a list of Stripe's does not end")) } else { Ok(all) }
    }
}

/// A step of what is done under one name.
pub(crate) fn step(once: &str, name: &str) -> String {
    format!("{once}/{name}")
}

#[async_trait]
impl PaymentGateway for StripeGateway {
    fn provider(&self) -> (PaymentProvider, Capabilities) {
        let all = Capabilities { checkout: true, portal: true, payment_methods: true, retry: true };
        (PaymentProvider::Stripe, all)
    }

    async fn create_customer(&self, who: &CustomerDetails, once: &str) -> Result<String, GatewayError> {
        self.make_customer(who, once).await
    }

    async fn checkout(&self, request: &CheckoutRequest, once: &str) -> Result<Checkout, GatewayError> {
        self.open_checkout(request, once).await
    }

    async fn portal(&self, customer: &str, return_url: &str) -> Result<String, GatewayError> {
        self.open_portal(customer, return_url).await
    }

    async fn snapshot(&self, org: OrgId, customer: &str) -> Result<Snapshot, GatewayError> {
        self.look(org, customer).await
    }

    async fn preview(&self, customer: &str, command: &Command) -> Result<Proration, GatewayError> {
        self.cost(customer, command).await
    }

    async fn execute(&self, command: &Command, once: &str) -> Result<(), GatewayError> {
        match command {
            Command::ChangeNow { external, price, prorated_at, due } => {
                self.change_now(external, price, (*prorated_at, *due), once).await
            }
            Command::ChangeAtPeriodEnd { external, price } => self.change_later(external, price, once).await,
            Command::CancelAtPeriodEnd { external, cancel } => self.end_with_period(external, *cancel, once).await,
            Command::CancelNow { external } => self.end_now(external).await,
        }
    }

    async fn touched(&self, since: Timestamp) -> Result<Vec<String>, GatewayError> {
        self.happened(since).await
    }
}

#[async_trait]
impl PaymentMethods for StripeGateway {
    async fn list(&self, customer: &str) -> Result<Vec<PaymentMethod>, GatewayError> {
        self.methods(customer).await
    }

    async fn attach(&self, customer: &str, method: &str, once: &str) -> Result<PaymentMethod, GatewayError> {
        self.attach_method(customer, method, once).await
    }

    async fn detach(&self, customer: &str, method: &str) -> Result<(), GatewayError> {
        self.detach_method(customer, method).await
    }

    async fn choose(&self, customer: &str, method: &str) -> Result<PaymentMethod, GatewayError> {
        self.choose_method(customer, method).await
    }

    async fn setup(&self, customer: &str, once: &str) -> Result<SetupIntent, GatewayError> {
        self.prepare_method(customer, once).await
    }
}

#[async_trait]
impl ProviderInvoices for StripeGateway {
    async fn pdf(&self, external: &str) -> Result<Vec<u8>, GatewayError> {
        self.document_of(external).await
    }

    async fn retry(&self, external: &str, once: &str) -> Result<(), GatewayError> {
        self.pay_again(external, once).await
    }
}
