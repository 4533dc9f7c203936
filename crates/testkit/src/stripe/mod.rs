//! A Stripe that is none.

mod book;
mod checkout;
mod control;
mod customer;
mod form;
mod invoice;
mod page;
mod problem;
mod router;
mod schedule;
mod subscription;
mod time;
mod webhook;
mod wire;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use self::book::{Book, Outcome, text};
pub use self::control::{StripeCall, StripeFault, StripePrice, StripeShape};
use self::form::Params;
pub use self::webhook::StripeEvent;

/// What the threads of a fake have in common.
struct Shared {
    book: Mutex<Book>,
    ended: AtomicBool,
    happened: Condvar,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn something_happened(&self) {
        self.happened.notify_all();
    }

    fn advance(&self, by: Duration) {
        let mut book = self.book();
        book.ahead += TimeDelta::from_std(by).expect("a time");
        book.catch_up();
        self.something_happened();
    }

    /// The cards of a customer do not pay from now on, or pay again.
    fn decline(&self, customer: &str, reason: Option<&str>) {
        let mut book = self.book();
        for method in book.of("payment_method", "customer", customer) {
            let id = text(&method, "/id").to_owned();
            match reason {
                Some(reason) => drop(book.declines.insert(id, reason.to_owned())),
                None => drop(book.declines.remove(&id)),
            }
        }
    }
}

/// Stripe's API on this machine, with a memory: customers, cards, checkout, subscriptions that renew and are changed, schedules, invoices,
/// events, keys. It answers as Stripe documents it, errs as the test says, and has a clock that moves. Ends when it is dropped.
///
/// Its test cards are Stripe's: `pm_card_visa` pays, `pm_card_chargeDeclined` is not taken, `pm_card_chargeCustomerFail` is taken and does
/// not pay, and so on. Events wait ([`FakeStripe::events`]) until they are taken, or sent to [`FakeStripe::listen`]'s address.
///
/// ```no_run
/// use std::time::Duration;
/// use testkit::{FakeStripe, StripePrice};
///
/// let stripe = FakeStripe::start(&StripePrice::shipped());
/// // … a checkout session is made at `stripe.url()` …
/// # let session = "cs_test_1";
/// stripe.complete(session, "pm_card_visa").unwrap();
/// stripe.advance(Duration::from_hours(31 * 24)); // it renews
/// ```
pub struct FakeStripe {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    courier: Option<JoinHandle<()>>,
}

impl FakeStripe {
    /// Starts it on a free port; it sells these prices.
    pub fn start(prices: &[StripePrice]) -> Self {
        Self::with(prices, 0, Arc::new(SystemClock))
    }

    /// The same, on this port (0 for a free one), with the time of this clock.
    pub fn with(prices: &[StripePrice], port: u16, clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port");
        let address = listener.local_addr().expect("its number");
        let mut book = Book::new(clock, format!("http://{address}"));
        for price in prices {
            let interval = if price.months == 12 { "year" } else { "month" };
            let value = json!({"id": price.id, "object": "price", "active": true, "nickname": price.name, "unit_amount": price.amount,
                "unit_amount_decimal": price.amount.to_string(), "currency": price.currency, "type": "recurring", "product": "prod_fake",
                "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed"}, "livemode": false, "created": book.now()});
            book.put(&price.id, value);
        }
        let shared =
            Arc::new(Shared { book: Mutex::new(book), ended: AtomicBool::new(false), happened: Condvar::new() });
        let kept = shared.clone();
        let thread = std::thread::Builder::new().name("stripe".to_owned()).spawn(move || wire::serve(&listener, &kept));
        Self { address, shared, thread: Some(thread.expect("a thread")), courier: None }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book()
    }

    /// `http://127.0.0.1:PORT/`
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The key that it takes: `sk_test_…`.
    pub fn secret_key(&self) -> String {
        self.book().secret_key.clone()
    }

    /// What its events are signed with: `whsec_…`.
    pub fn webhook_secret(&self) -> String {
        self.book().mail.secret.clone()
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        self.book().time()
    }

    /// Moves its clock on, and lets happen what is due by then: renewals, ends of trials, tries to charge again.
    pub fn advance(&self, by: Duration) {
        self.shared.advance(by);
    }

    /// Lets happen what is due, after the clock that it was given was moved.
    pub fn catch_up(&self) {
        self.advance(Duration::ZERO);
    }

    /// Requests that begin like this (`POST /v1/customers`; the empty text for all) go wrong: the next one in the first way, and so on.
    pub fn fail(&self, what: &str, faults: impl IntoIterator<Item = StripeFault>) {
        self.book().faults.extend(faults.into_iter().map(|fault| (what.to_owned(), fault)));
    }

    /// The requests so far.
    pub fn calls(&self) -> Vec<StripeCall> {
        self.book().calls.clone()
    }

    /// How many requests came with each key, and how many of them were done: never more than one.
    pub fn calls_by_key(&self) -> BTreeMap<String, (usize, usize)> {
        let mut all = BTreeMap::new();
        for call in self.calls() {
            if let Some(key) = call.key {
                let (came, done) = all.entry(key).or_insert((0, 0));
                *came += 1;
                *done += usize::from(call.done);
            }
        }
        all
    }

    /// All objects of a kind (`customer`, `subscription`, `invoice`, `charge`, …), the newest first.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        self.book().all(kind)
    }

    /// An object; null for none.
    pub fn object(&self, id: &str) -> Value {
        self.book().objects.get(id).cloned().unwrap_or_default()
    }

    /// Changes an object in whatever way, without a word to anybody: for shapes and states that no request leads to.
    pub fn tamper(&self, id: &str, change: impl FnOnce(&mut Value)) {
        self.book().change(id, change);
    }

    /// A customer pays at a checkout page with this card; the session, or the error that the page shows.
    pub fn complete(&self, session: &str, card: &str) -> Result<Value, Value> {
        self.told(|book| book.complete_checkout(session, card, false))
    }

    /// The same with money that comes later, as by bank debit: the subscription is active at once, and the session unpaid.
    pub fn complete_unpaid(&self, session: &str) -> Result<Value, Value> {
        self.told(|book| book.complete_checkout(session, "pm_card_visa", true))
    }

    /// That money comes, or does not.
    pub fn settle(&self, session: &str, comes: bool) -> Result<Value, Value> {
        self.told(|book| book.settle_checkout(session, comes))
    }

    /// A card, as a browser makes one of a test token: nobody's, `pm_…`.
    pub fn card(&self, token: &str) -> Result<Value, Value> {
        self.told(|book| book.card(token))
    }

    /// A browser confirms a setup intent with a test token.
    pub fn confirm_setup(&self, intent: &str, token: &str) -> Result<Value, Value> {
        self.told(|book| book.confirm_setup(intent, token))
    }

    /// The cards that a customer has do not pay from now on, for this reason (`insufficient_funds`), or pay again.
    pub fn decline(&self, customer: &str, reason: Option<&str>) {
        self.shared.decline(customer, reason);
    }

    /// Gives the customer's newest payment back, all of it; the charge.
    pub fn refund(&self, customer: &str) -> Result<Value, Value> {
        self.told(|book| {
            let charge = book.newest_charge(customer)?;
            book.refund(&charge)
        })
    }

    /// The customer's bank asks for its newest payment back; the dispute.
    pub fn dispute(&self, customer: &str) -> Result<Value, Value> {
        self.told(|book| {
            let charge = book.newest_charge(customer)?;
            book.dispute(&charge)
        })
    }

    /// A dispute ends: `won`, `lost`, `warning_closed`.
    pub fn close_dispute(&self, dispute: &str, status: &str) -> Result<Value, Value> {
        self.told(|book| book.close_dispute(dispute, status))
    }

    /// A customer changes its price at Stripe's own portal; metadata stays as it was.
    pub fn change_at_portal(&self, subscription: &str, price: &str) -> Result<Value, Value> {
        self.told(|book| {
            let item = text(&book.get("subscription", subscription)?, "/items/data/0/id").to_owned();
            let wish =
                form::read(&format!("items[0][id]={item}&items[0][price]={price}&proration_behavior=always_invoice"));
            book.update_subscription(subscription, &Params(wish))
        })
    }

    /// A customer cancels there: with the period, or now.
    pub fn cancel_at_portal(&self, subscription: &str, at_period_end: bool) -> Result<Value, Value> {
        self.told(|book| {
            if at_period_end {
                return book.update_subscription(subscription, &Params(form::read("cancel_at_period_end=true")));
            }
            book.cancel(subscription)
        })
    }

    fn told(&self, what: impl FnOnce(&mut Book) -> Outcome) -> Result<Value, Value> {
        let mut book = self.book();
        book.catch_up();
        let done = what(&mut book).map_err(|problem| problem.body);
        self.shared.something_happened();
        done
    }

    /// The shape of events from now on.
    pub fn shape(&self, shape: StripeShape) {
        self.book().mail.shape = shape;
    }

    /// Of so many events one is never sent; 0 for none. The list of events has them all.
    pub fn lose_every(&self, n: u64) {
        self.book().mail.lose_every = n;
    }

    /// Each event is sent so often.
    pub fn copies(&self, n: usize) {
        self.book().mail.copies = n;
    }

    /// The events that wait, in their order.
    pub fn events(&self) -> Vec<StripeEvent> {
        self.book().mail.waiting.clone()
    }

    /// The same, and they wait no more: the test sends them, in whatever order.
    pub fn take_events(&self) -> Vec<StripeEvent> {
        std::mem::take(&mut self.book().mail.waiting)
    }

    /// The `Stripe-Signature` of a body, made now.
    pub fn sign(&self, body: &[u8]) -> String {
        self.book().signature(body)
    }

    /// The same under another secret, or at another time.
    pub fn sign_with(secret: &str, at: Timestamp, body: &[u8]) -> String {
        webhook::signed(secret, at.timestamp(), body)
    }

    /// Where events go when [`FakeStripe::deliver`] is called: `http://…`.
    pub fn listen(&self, url: &str) {
        self.book().mail.url = Some(url.to_owned());
    }

    /// Sends what waits, in its order; what is not answered with 2xx goes on waiting. How many were taken.
    pub fn deliver(&self) -> usize {
        let waiting = self.take_events();
        self.deliver_these(waiting)
    }

    /// The same, the newest first.
    pub fn deliver_reversed(&self) -> usize {
        let mut waiting = self.take_events();
        waiting.reverse();
        self.deliver_these(waiting)
    }

    fn deliver_these(&self, events: Vec<StripeEvent>) -> usize {
        deliver(&self.shared, events)
    }

    /// From now on events are sent as they happen, and sent again each second until they are taken.
    pub fn deliver_always(&mut self) {
        let shared = self.shared.clone();
        let courier = std::thread::Builder::new().name("stripe events".to_owned()).spawn(move || {
            while !shared.ended.load(Ordering::SeqCst) {
                let book = shared.book();
                let (mut book, _) =
                    shared.happened.wait_timeout(book, Duration::from_secs(1)).unwrap_or_else(PoisonError::into_inner);
                let waiting = std::mem::take(&mut book.mail.waiting);
                drop(book);
                deliver(&shared, waiting);
            }
        });
        self.courier = Some(courier.expect("a thread"));
    }
}

fn deliver(shared: &Shared, events: Vec<StripeEvent>) -> usize {
    let Some(url) = shared.book().mail.url.clone() else {
        shared.book().mail.waiting.splice(0..0, events);
        return 0;
    };
    let (mut taken, mut left) = (0, Vec::new());
    for event in events {
        let signature = shared.book().signature(&event.body);
        match webhook::post(&url, &signature, &event.body) {
            Ok(200..=299) => taken += 1,
            Ok(_) | Err(_) => left.push(event),
        }
    }
    shared.book().mail.waiting.splice(0..0, left);
    taken
}

impl Book {
    fn newest_charge(&self, customer: &str) -> Result<String, problem::Problem> {
        let paid = self.of("charge", "customer", customer).into_iter().find(|charge| charge["paid"] == true);
        paid.map(|charge| text(&charge, "/id").to_owned()).ok_or_else(|| problem::Problem::not_found("charge"))
    }
}

impl Drop for FakeStripe {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.something_happened();
        // Wakes the listener; it may be gone already.
        TcpStream::connect(self.address).ok();
        for thread in [self.thread.take(), self.courier.take()].into_iter().flatten() {
            let quiet = thread.join().is_ok();
            assert!(quiet || std::thread::panicking(), "the fake Stripe did not end well");
        }
    }
}
