//! A Lago that is none: it keeps what it is told, and bills by its own calendar.

mod book;
mod calendar;
mod object;
mod routes;
mod serve;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use kernel::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use self::book::Book;

/// A plan that is sold.
#[derive(Debug, Clone, PartialEq)]
pub struct LagoPlan {
    /// Its name.
    pub code: String,
    /// `monthly` or `yearly`.
    pub interval: String,
    /// What a period costs, in minor units.
    pub amount_cents: i64,
    /// ISO 4217.
    pub currency: String,
    /// Days for which nothing is to be paid.
    pub trial_days: u32,
    /// Whether a period is paid before it begins.
    pub in_advance: bool,
}

impl LagoPlan {
    /// A plan that is paid before each month, in dollars.
    pub fn monthly(code: &str, amount_cents: i64) -> Self {
        let (interval, currency) = ("monthly".to_owned(), "USD".to_owned());
        Self { code: code.to_owned(), interval, amount_cents, currency, trial_days: 0, in_advance: true }
    }
}

/// Something that goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LagoFault {
    /// Nothing happens; this status is answered, with no body that Lago would send.
    Status(u16),
    /// The request takes effect, and the connection breaks before the answer.
    Lost,
    /// The request takes effect, and the answer is this.
    Says(String),
}

/// What is sent to whoever listens for events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LagoEvent {
    /// The body.
    pub body: Vec<u8>,
    /// `X-Lago-Signature`
    pub signature: String,
    /// `X-Lago-Signature-Algorithm`
    pub algorithm: String,
    /// `X-Lago-Unique-Key`
    pub unique_key: String,
}

struct Shared {
    book: Mutex<Book>,
    address: SocketAddr,
    ended: AtomicBool,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server on this machine that speaks Lago's wire: customers, plans, subscriptions, invoices and their payment. Time stands still until it
/// is moved; invoices are open until they are paid. Ends when it is dropped.
///
/// ```no_run
/// use testkit::{FakeLago, LagoPlan};
///
/// let lago = FakeLago::start();
/// lago.sell(LagoPlan::monthly("starter", 1900));
/// // … something buys it …
/// lago.pay("org_1");
/// ```
pub struct FakeLago {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl FakeLago {
    /// The key that it takes.
    pub const API_KEY: &'static str = "lago-test-key";
    /// The secret with which it signs events.
    pub const HMAC_SECRET: &'static str = "lago-test-hmac";

    /// Starts it on a free port. It is 2030-01-01, midnight.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its number");
        let shared = Arc::new(Shared { book: Mutex::new(Book::new(address)), address, ended: AtomicBool::new(false) });
        let kept = shared.clone();
        let thread = std::thread::Builder::new().name("lago".to_owned()).spawn(move || serve::serve(&listener, &kept));
        Self { shared, thread: Some(thread.expect("a thread")) }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Sells this plan from now on.
    pub fn sell(&self, plan: LagoPlan) {
        self.shared.book().plans.insert(plan.code.clone(), plan);
    }

    /// Adds so many percent of tax to each invoice from now on.
    pub fn tax(&self, percent: i64) {
        self.shared.book().tax_percent = percent;
    }

    /// Customers are known to a payment provider, or not.
    pub fn has_payment_provider(&self, has: bool) {
        self.shared.book().payment_provider = has;
    }

    /// The portal and previews are there, or not.
    pub fn is_premium(&self, is: bool) {
        self.shared.book().premium = is;
    }

    /// Documents are made at once, or not at all.
    pub fn makes_documents(&self, makes: bool) {
        self.shared.book().documents = makes;
    }

    /// What time it is there.
    pub fn now(&self) -> Timestamp {
        self.shared.book().now
    }

    /// Moves time on: periods end, and what was agreed for their end happens.
    pub fn advance_to(&self, now: Timestamp) {
        self.shared.book().advance_to(now);
    }

    /// Pays what the customer has to pay; how many invoices.
    pub fn pay(&self, customer: &str) -> usize {
        self.shared.book().pay(customer)
    }

    /// Tries to charge what the customer has to pay, in vain; how many invoices.
    pub fn decline(&self, customer: &str) -> usize {
        self.shared.book().decline(customer)
    }

    /// Gives back what the customer paid last.
    pub fn refund(&self, customer: &str) {
        self.shared.book().refund(customer);
    }

    /// The customer's bank takes back what was paid last.
    pub fn dispute(&self, customer: &str) {
        self.shared.book().dispute(customer);
    }

    /// The next requests go wrong like this, one after the other.
    pub fn goes_wrong(&self, faults: impl IntoIterator<Item = LagoFault>) {
        self.shared.book().faults.extend(faults.into_iter().map(Some));
    }

    /// So many requests go well, and the one after them goes wrong like this, instead of whatever else was to go wrong.
    pub fn goes_wrong_after(&self, well: usize, fault: LagoFault) {
        self.shared.book().faults = std::iter::repeat_n(None, well).chain([Some(fault)]).collect();
    }

    /// The requests since this was last called: `POST /subscriptions`.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.book().requests)
    }

    /// The bodies of all requests that had one.
    pub fn bodies(&self) -> Vec<Value> {
        self.shared.book().bodies.clone()
    }

    /// How many there are: customers, subscriptions of any status, invoices.
    pub fn counts(&self) -> (usize, usize, usize) {
        let book = self.shared.book();
        (book.customers.len(), book.subscriptions.len(), book.invoices.len())
    }

    /// What all invoices that are neither void nor a draft come to, in minor units.
    pub fn invoiced(&self) -> i64 {
        let book = self.shared.book();
        book.invoices.iter().filter(|invoice| invoice.status == "finalized").map(book::Invoice::total).sum()
    }

    /// An event about a customer, signed as Lago signs with `hmac`.
    pub fn event(&self, kind: &str, customer: &str) -> LagoEvent {
        let object = json!({ "lago_id": self.shared.book().id(), "customer": { "external_id": customer } });
        let body = json!({ "webhook_type": kind, "object_type": "invoice", "invoice": object });
        let body = body.to_string().into_bytes();
        let mac = Hmac::<Sha256>::new_from_slice(Self::HMAC_SECRET.as_bytes()).expect("a key of any length");
        let signature = STANDARD.encode(mac.chain_update(&body).finalize().into_bytes());
        LagoEvent { body, signature, algorithm: "hmac".to_owned(), unique_key: self.shared.book().id() }
    }
}

impl Drop for FakeLago {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener; it may be gone already.
        TcpStream::connect(self.shared.address).ok();
        let quiet = self.thread.take().is_none_or(|thread| thread.join().is_ok());
        assert!(quiet || std::thread::panicking(), "the fake Lago did not end well");
    }
}
