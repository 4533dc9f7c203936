//! A Stripe for trials by hand: `cargo run -p testkit --example fake-stripe -- --port 12111`.
//!
//! It sells the shipped plans, keeps everything in memory, and tells what to write into the configuration. With `--webhook URL` it sends
//! its events there, signed. Its checkout pages take Stripe's test cards:
//!
//! ```text
//! curl -d card=pm_card_visa http://127.0.0.1:12111/checkout/cs_test_…       pays
//! curl -d days=31 http://127.0.0.1:12111/fake/advance                       a month later
//! curl -d customer=cus_… -d reason=insufficient_funds http://127.0.0.1:12111/fake/decline
//! ```

use std::process::ExitCode;
use std::sync::Arc;

use kernel::SystemClock;
use testkit::{FakeStripe, StripePrice};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).cloned();
    let Ok(port) = option("--port").as_deref().unwrap_or("12111").parse() else {
        eprintln!("--port takes a number, up to 65535");
        return ExitCode::from(2);
    };
    let mut stripe = FakeStripe::with(&StripePrice::shipped(), port, Arc::new(SystemClock));
    println!("address         {}", stripe.url());
    println!("secret key      {}", stripe.secret_key());
    println!("webhook secret  {}", stripe.webhook_secret());
    for price in StripePrice::shipped() {
        let each = if price.months == 12 { "year" } else { "month" };
        println!("price           {} ({} {} a {each})", price.id, price.amount, price.currency);
    }
    match option("--webhook") {
        Some(url) => {
            println!("events go to    {url}");
            stripe.listen(&url);
            stripe.deliver_always();
        }
        None => println!("events wait     (say --webhook http://127.0.0.1:PORT/api/v1/billing/webhooks/stripe)"),
    }
    println!("Ctrl-C ends it.");
    loop {
        std::thread::park();
    }
}
