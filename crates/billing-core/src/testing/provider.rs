use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::{Ambient, OrgId, StoreError, Timestamp};

use crate::policy::proration::{Running, prorate};
use crate::{
    BillingNotice, Capabilities, Checkout, CheckoutRequest, Command, CustomerDetails, Cycle, GatewayError, Invoice,
    InvoicePrinter, Load, Money, Notice, Offers, Payment, PaymentGateway, PaymentMethod, PaymentMethods,
    PaymentProvider, PaymentStatus, Platform, Proration, ProviderInvoices, RemoteSubscription, SetupIntent, Snapshot,
};

/// A payment provider in memory: it keeps customers and what they pay for, does each thing once under its name, and fails when told to.
pub struct MemoryProvider {
    state: Mutex<Remote>,
    offers: Arc<Offers>,
    ambient: Ambient,
}

#[derive(Default)]
struct Remote {
    customers: Vec<String>,
    /// By customer.
    subscriptions: BTreeMap<String, Vec<RemoteSubscription>>,
    methods: BTreeMap<String, Vec<PaymentMethod>>,
    /// What was done under which name.
    done: BTreeMap<String, String>,
    /// What was charged, in the order in which it was.
    charged: Vec<Money>,
    down: bool,
    lost: u32,
    declines: bool,
    touched: Vec<(Timestamp, String)>,
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryProvider {
    /// A provider that sells these plans, under Stripe's names for them.
    pub fn new(offers: Offers, ambient: Ambient) -> Self {
        Self { state: Mutex::default(), offers: Arc::new(offers), ambient }
    }

    /// From now on nothing is answered.
    pub fn break_down(&self, down: bool) {
        lock(&self.state).down = down;
    }

    /// The answers to the next so many changes are lost, after the changes were made.
    pub fn lose_answers(&self, times: u32) {
        lock(&self.state).lost = times;
    }

    /// From now on payments are declined.
    pub fn decline(&self, declines: bool) {
        lock(&self.state).declines = declines;
    }

    /// How many customers were ever made.
    pub fn customers(&self) -> usize {
        lock(&self.state).customers.len()
    }

    /// What was charged for changes, in the order in which it was.
    pub fn charged(&self) -> Vec<Money> {
        lock(&self.state).charged.clone()
    }

    /// A customer buys a plan at the provider's page, and pays.
    pub fn buy(&self, customer: &str, price: &str) {
        let now = self.ambient.now();
        let Some((offer, cycle)) = self.offers.sold_as(PaymentProvider::Stripe, price) else { return };
        let mut state = lock(&self.state);
        let number = state.subscriptions.values().map(Vec::len).sum::<usize>();
        let bought = RemoteSubscription {
            external: format!("sub_{number}"),
            price: price.to_owned(),
            amount: offer.price(cycle),
            status: PaymentStatus::Active,
            payment: Payment::Paid,
            created: now,
            period: cycle.period(now, now),
            trial_ends_at: None,
            cancel_at_period_end: false,
            scheduled: None,
            ended_at: None,
        };
        state.subscriptions.entry(customer.to_owned()).or_default().push(bought);
        state.touched.push((now, customer.to_owned()));
    }

    /// Something happens to what a customer pays for.
    pub fn change(&self, customer: &str, change: impl FnOnce(&mut RemoteSubscription)) {
        let mut state = lock(&self.state);
        state.touched.push((self.ambient.now(), customer.to_owned()));
        if let Some(last) = state.subscriptions.get_mut(customer).and_then(|all| all.last_mut()) {
            change(last);
        }
    }

    /// Does something once under its name. It may be done and its answer lost.
    fn once<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Remote) -> Result<String, GatewayError>,
        answer: impl FnOnce(String) -> T,
    ) -> Result<T, GatewayError> {
        let mut state = self.up()?;
        let done = if let Some(done) = state.done.get(name).cloned() {
            done
        } else {
            let done = act(&mut state)?;
            state.done.insert(name.to_owned(), done.clone());
            done
        };
        if state.lost > 0 {
            state.lost -= 1;
            return Err(GatewayError::unavailable("the answer was lost"));
        }
        Ok(answer(done))
    }

    fn up(&self) -> Result<MutexGuard<'_, Remote>, GatewayError> {
        let state = lock(&self.state);
        if state.down { Err(GatewayError::unavailable("the double is down")) } else { Ok(state) }
    }

    fn cost(&self, subscription: &RemoteSubscription, price: &str, at: Timestamp) -> Option<(Proration, Money, Cycle)> {
        let (offer, cycle) = self.offers.sold_as(PaymentProvider::Stripe, price)?;
        let (_, before) = self.offers.sold_as(PaymentProvider::Stripe, &subscription.price)?;
        let running = Running { amount: subscription.amount, cycle: before, period: subscription.period };
        Some((prorate(&running, offer.price(cycle), cycle, at)?, offer.price(cycle), cycle))
    }

    fn carry_out(&self, state: &mut Remote, command: &Command) -> Result<String, GatewayError> {
        let (Command::ChangeNow { external, .. }
        | Command::ChangeAtPeriodEnd { external, .. }
        | Command::CancelAtPeriodEnd { external, .. }
        | Command::CancelNow { external }) = command;
        let declines = state.declines;
        let mut all = state.subscriptions.values_mut().flatten();
        let subscription = all.find(|one| one.external == *external).ok_or(GatewayError::NotFound)?;
        match command {
            Command::ChangeNow { price, prorated_at, .. } => {
                if declines {
                    return Err(GatewayError::Declined("card_declined".to_owned()));
                }
                let cost = self.cost(subscription, price, *prorated_at).ok_or(GatewayError::NotFound)?;
                let (proration, amount, cycle) = cost;
                if cycle.period(subscription.created, *prorated_at) != subscription.period {
                    subscription.period = cycle.period(*prorated_at, *prorated_at);
                }
                (subscription.price, subscription.amount) = (price.clone(), amount);
                state.charged.push(proration.due);
            }
            Command::ChangeAtPeriodEnd { price, .. } => {
                subscription.scheduled = Some((price.clone(), subscription.period.end));
            }
            Command::CancelAtPeriodEnd { cancel, .. } => {
                (subscription.cancel_at_period_end, subscription.scheduled) = (*cancel, None);
            }
            Command::CancelNow { .. } => {
                (subscription.status, subscription.ended_at) = (PaymentStatus::Canceled, Some(self.ambient.now()));
            }
        }
        Ok(String::new())
    }
}

#[async_trait]
impl PaymentGateway for MemoryProvider {
    fn provider(&self) -> (PaymentProvider, Capabilities) {
        let all = Capabilities { checkout: true, portal: true, payment_methods: true, retry: true };
        (PaymentProvider::Stripe, all)
    }

    async fn create_customer(&self, _who: &CustomerDetails, once: &str) -> Result<String, GatewayError> {
        let make = |state: &mut Remote| {
            state.customers.push(format!("cus_{}", state.customers.len()));
            state.customers.last().cloned().ok_or(GatewayError::NotFound)
        };
        self.once(once, make, |customer| customer)
    }

    async fn checkout(&self, request: &CheckoutRequest, once: &str) -> Result<Checkout, GatewayError> {
        let url = format!("https://pay.example.test/{}/{}", request.customer, request.price);
        self.once(once, |_| Ok(url), |url| Checkout { id: once.to_owned(), url })
    }

    async fn portal(&self, customer: &str, _return_url: &str) -> Result<String, GatewayError> {
        self.up().map(|_| format!("https://pay.example.test/{customer}"))
    }

    async fn snapshot(&self, _org: OrgId, customer: &str) -> Result<Snapshot, GatewayError> {
        let subscriptions = self.up()?.subscriptions.get(customer).cloned().unwrap_or_default();
        Ok(Snapshot { subscriptions, invoices: Vec::new() })
    }

    async fn preview(&self, customer: &str, command: &Command) -> Result<Proration, GatewayError> {
        let state = self.up()?;
        let Command::ChangeNow { external, price, prorated_at, .. } = command else {
            return Err(GatewayError::Unsupported);
        };
        let all = state.subscriptions.get(customer).ok_or(GatewayError::NotFound)?;
        let subscription = all.iter().find(|one| one.external == *external).ok_or(GatewayError::NotFound)?;
        self.cost(subscription, price, *prorated_at).map(|(cost, ..)| cost).ok_or(GatewayError::NotFound)
    }

    async fn execute(&self, command: &Command, once: &str) -> Result<(), GatewayError> {
        self.once(once, |state| self.carry_out(state, command), |_| ())
    }

    async fn touched(&self, since: Timestamp) -> Result<Vec<String>, GatewayError> {
        let state = self.up()?;
        let recent = state.touched.iter().filter(|(at, _)| *at >= since).map(|(_, customer)| customer.clone());
        Ok(recent.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }
}

#[async_trait]
impl PaymentMethods for MemoryProvider {
    async fn list(&self, customer: &str) -> Result<Vec<PaymentMethod>, GatewayError> {
        Ok(self.up()?.methods.get(customer).cloned().unwrap_or_default())
    }

    async fn attach(&self, customer: &str, method: &str, _once: &str) -> Result<PaymentMethod, GatewayError> {
        let mut state = self.up()?;
        if state.declines {
            return Err(GatewayError::Declined("card_declined".to_owned()));
        }
        let all = state.methods.entry(customer.to_owned()).or_default();
        if let Some(known) = all.iter().find(|one| one.id == method) {
            return Ok(known.clone());
        }
        let made = PaymentMethod {
            id: method.to_owned(),
            kind: "card".to_owned(),
            brand: "visa".to_owned(),
            last4: "4242".to_owned(),
            exp_month: Some(12),
            exp_year: Some(2030),
            is_default: all.is_empty(),
            country: None,
            funding: None,
            created: self.ambient.now(),
        };
        all.push(made.clone());
        Ok(made)
    }

    async fn detach(&self, customer: &str, method: &str) -> Result<(), GatewayError> {
        let mut state = self.up()?;
        let all = state.methods.get_mut(customer).ok_or(GatewayError::NotFound)?;
        let before = all.len();
        all.retain(|one| one.id != method);
        if all.len() < before { Ok(()) } else { Err(GatewayError::NotFound) }
    }

    async fn choose(&self, customer: &str, method: &str) -> Result<PaymentMethod, GatewayError> {
        let mut state = self.up()?;
        let all = state.methods.get_mut(customer).ok_or(GatewayError::NotFound)?;
        all.iter().find(|one| one.id == method).ok_or(GatewayError::NotFound)?;
        for one in all.iter_mut() {
            one.is_default = one.id == method;
        }
        all.iter().find(|one| one.is_default).cloned().ok_or(GatewayError::NotFound)
    }

    async fn setup(&self, customer: &str, once: &str) -> Result<SetupIntent, GatewayError> {
        let client_secret = format!("seti_{customer}_secret").into();
        self.up().map(|_| SetupIntent { id: once.to_owned(), client_secret, publishable_key: None })
    }
}

#[async_trait]
impl ProviderInvoices for MemoryProvider {
    async fn pdf(&self, _external: &str) -> Result<Vec<u8>, GatewayError> {
        self.up().map(|_| b"%PDF-1.7".to_vec())
    }

    async fn retry(&self, _external: &str, _once: &str) -> Result<(), GatewayError> {
        if self.up()?.declines { Err(GatewayError::Declined("card_declined".to_owned())) } else { Ok(()) }
    }
}

/// The rest of the product, as money needs it.
pub struct MemoryPlatform {
    offers: Arc<Offers>,
    load: Mutex<Load>,
}

impl MemoryPlatform {
    /// With these plans; nobody uses anything.
    pub fn new(offers: Offers) -> Self {
        Self { offers: Arc::new(offers), load: Mutex::default() }
    }

    /// So much is used from now on, by everybody.
    pub fn uses(&self, load: Load) {
        *lock(&self.load) = load;
    }
}

#[async_trait]
impl Platform for MemoryPlatform {
    async fn offers(&self) -> Result<Arc<Offers>, StoreError> {
        Ok(Arc::clone(&self.offers))
    }

    async fn plan_of(&self, _org: OrgId) -> Result<Option<String>, StoreError> {
        Ok(self.offers.0.first().map(|offer| offer.plan.clone()))
    }

    async fn customer(&self, org: OrgId) -> Result<Option<CustomerDetails>, StoreError> {
        Ok(Some(CustomerDetails { org, name: "Ada Ltd".to_owned(), email: "ada@example.test".to_owned() }))
    }

    async fn load(&self, _org: OrgId) -> Result<Load, StoreError> {
        Ok(*lock(&self.load))
    }
}

/// What people were told.
#[derive(Default)]
pub struct MemoryNotices(Mutex<Vec<(OrgId, Notice)>>);

impl MemoryNotices {
    /// All of it so far, the first first.
    pub fn told(&self) -> Vec<(OrgId, Notice)> {
        lock(&self.0).clone()
    }
}

#[async_trait]
impl BillingNotice for MemoryNotices {
    async fn tell(&self, org: OrgId, notice: &Notice) -> Result<(), StoreError> {
        lock(&self.0).push((org, notice.clone()));
        Ok(())
    }
}

/// A document that says which invoice it is of.
pub struct PlainPrinter;

impl InvoicePrinter for PlainPrinter {
    fn print(&self, invoice: &Invoice) -> Result<Vec<u8>, StoreError> {
        Ok(format!("%PDF {}", invoice.number.as_deref().unwrap_or_default()).into_bytes())
    }
}
