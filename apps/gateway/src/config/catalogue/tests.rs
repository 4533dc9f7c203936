use std::fmt::Write;

use kernel::Limit;
use plan_core::PlanId;

use super::*;

/// Level, cents a month and a year, calls a month and a day, requests a minute, searches, seats; -1 is unlimited.
const TABLE: [(&str, [i64; 8], bool, usize); 6] = [
    ("free", [0, 0, 0, 1_000, 33, 10, 1, 1], false, 2),
    ("trial", [1, 0, 0, 1_000, 100, 10, 1, 1], false, 3),
    ("starter", [2, 1_900, 19_000, 1_000, -1, 100, 3, 3], true, 3),
    ("founders-friend", [3, 4_900, 49_000, 10_000, -1, 1_000, 10, 5], true, 8),
    ("professional", [3, 4_900, 49_000, 10_000, -1, 1_000, 10, 5], true, 8),
    ("enterprise", [4, 9_900, 99_000, -1, -1, -1, -1, 10], true, 12),
];

fn id(name: &str) -> PlanId {
    name.parse().expect("a name")
}

#[test]
fn the_shipped_catalogue_is_the_table() {
    let catalogue = read(SHIPPED, "the shipped catalogue").expect("a catalogue");
    assert_eq!(catalogue.plans().len(), TABLE.len());
    for (plan, (name, numbers, byok, services)) in catalogue.plans().iter().zip(TABLE) {
        let gives = &plan.allowances;
        let limits = [gives.monthly, gives.daily, gives.rate_per_minute, gives.concurrent_searches].map(Limit::to_i64);
        let [calls, day, rate, searches] = limits;
        let [month, year] = [plan.price.monthly_cents, plan.price.yearly_cents];
        let found = [plan.level.into(), month, year, calls, day, rate, searches, gives.seats.into()];
        assert_eq!((plan.id.as_str(), found), (name, numbers));
        assert_eq!((gives.byok, plan.services.len(), gives.per_user), (byok, services, Limit::Unlimited), "{name}");
        assert_eq!(plan.trial_days, if name == "trial" { 14 } else { 0 }, "{name}");
        assert_eq!((plan.is_public, plan.is_active), (name != "founders-friend", true), "{name}");
        assert_eq!((plan.price.currency.as_str(), plan.version), ("USD", 1), "{name}");
        assert!(!plan.description.is_empty() && !plan.features.is_empty(), "{name} says what it is");
    }
    assert_eq!(catalogue.services().len(), 12);
    for service in catalogue.services() {
        assert!(!service.description.is_empty() && service.icon.is_some(), "{} says what it is", service.name);
        assert!(!catalogue.opening(&service.name).is_empty(), "some plan opens {}", service.name);
    }
    let [founders, professional] = ["founders-friend", "professional"].map(|name| catalogue.plan(&id(name)));
    let both = founders.zip(professional).expect("both");
    assert_eq!((&both.0.services, &both.0.allowances), (&both.1.services, &both.1.allowances));
}

#[test]
fn the_page_documents_every_key() {
    let explained: String = SHIPPED.lines().filter(|line| line.starts_with('#')).collect();
    for key in SERVICE.iter().chain(PLAN).chain(FEATURE) {
        assert!(explained.contains(key), "{key}");
    }
}

#[test]
fn a_file_may_say_as_little_as_it_likes() {
    let text = "[services.chat]\ndisplay_name = 'Chat'\n[plans.free]\nname = 'Free'\nprice_monthly_cents = 0\n\
                api_calls_limit = 0x10\nservices = ['chat', 'chat']\nfeatures = [{ name = 'A', category = 'B' }]\n";
    let catalogue = read(text, "mine.toml").expect("a catalogue");
    let free = catalogue.plan(&id("free")).expect("free");
    assert_eq!((free.allowances.monthly, free.services.len(), free.features.len()), (Limit::Of(16), 1, 1));
    assert_eq!((free.features[0].name.as_str(), free.features[0].category.as_str()), ("A", "B"));
}

/// A good file, to be spoilt: line 1 to 9.
const GOOD: &str = "[services.chat]\n\
                    display_name = \"Chat\"\n\
                    [services.search]\n\
                    display_name = \"Search\"\n\
                    [plans.free]\n\
                    name = \"Free\"\n\
                    price_monthly_cents = 0\n\
                    api_calls_limit = 1000\n\
                    services = [\"chat\"]\n";

/// Broken files, from the good one: what takes the place of which line, and what is said of which line.
const BROKEN: [(usize, &str, usize, &str); 38] = [
    (1, "[services.Chat]", 1, "service Chat: service: must be 1 to 64 of the characters a-z"),
    (1, "[servces.chat]", 1, "servces: there is no such key; did you mean services?"),
    (1, "colour = 3\n[services.chat]", 1, "colour: there is no such key; the keys are services, plans"),
    (2, "display_nam = \"Chat\"", 2, "service chat: display_nam: there is no such key; did you mean display_name?"),
    (2, "description = \"Chat\"", 1, "service chat: display_name: is missing"),
    (2, "display_name = \"\"", 2, "service chat: display_name: must not be empty"),
    (2, "display_name = 3", 2, "service chat: display_name: must be text"),
    (
        2,
        "display_name = \"Chat\"\nurl = \"javascript:alert(1)\"",
        3,
        "service chat: url: must be an http or https address",
    ),
    (2, "display_name = \"Chat\"\nis_external = \"no\"", 3, "service chat: is_external: must be true or false"),
    (5, "[plans.Free]", 5, "plan Free: id: must be 1 to 64 of the characters a-z"),
    (5, "[plan.free]", 5, "plan: there is no such key; did you mean plans?"),
    (6, "nmae = \"Free\"", 6, "plan free: nmae: there is no such key; did you mean name?"),
    (6, "nmae = \"Free\"", 5, "plan free: name: is missing"),
    (6, "name = \"a\\u0007b\"", 6, "plan free: name: must not contain control characters"),
    (7, "price_monthly_cents = -1", 7, "plan free: price_monthly_cents: must be 0 to"),
    (7, "price_monthly_cents = 19.00", 7, "plan free: price_monthly_cents: must be a whole number"),
    (7, "price_monthly_cents = 99999999999999999999", 7, "plan free: price_monthly_cents: must be a whole number"),
    (7, "price_monthly = 19", 7, "plan free: price_monthly: there is no such key; did you mean price_monthly_cents?"),
    (8, "api_calls_limit = -2", 8, "plan free: api_calls_limit: must be 0 or more, or -1 for unlimited"),
    (8, "api_calls_limit = \"endless\"", 8, "plan free: api_calls_limit: must be a whole number, or \"unlimited\""),
    (8, "api_calls_limit = true", 8, "plan free: api_calls_limit: must be a whole number, or \"unlimited\""),
    (
        9,
        "services = [\"chta\"]",
        9,
        "plan free: services: there is no service \"chta\" in the catalogue; did you mean chat?",
    ),
    (9, "services = [\"zzzzzzzz\"]", 9, "plan free: services: there is no service \"zzzzzzzz\" in the catalogue"),
    (9, "services = \"chat\"", 9, "plan free: services: must be a list of texts"),
    (9, "services = [1]", 9, "plan free: services: must be a list of texts"),
    (9, "currency = \"usd\"", 9, "plan free: currency: must be an ISO 4217 code"),
    (9, "level = 101", 9, "plan free: level: must be 0 to 100"),
    (9, "team_seats = 0", 9, "plan free: team_seats: must be 1 to"),
    (9, "trial_days = -14", 9, "plan free: trial_days: must be 0 to 3650"),
    (9, "stripe_price_id = \"prod_1\"", 9, "plan free: stripe_price_id: must be the id of a Stripe price"),
    (9, "features = [\"byok\"]", 9, "plan free: features: must be a list of tables"),
    (
        9,
        "[[plans.free.features]]\nnam = \"A\"",
        10,
        "plan free, feature 1: nam: there is no such key; did you mean name?",
    ),
    (
        9,
        "[[plans.free.features]]\nname = \"A\"\n[[plans.free.features]]\nname = \"\"",
        12,
        "plan free, feature 2: name: must not be empty",
    ),
    (9, "[plans.paid]", 9, "plan paid: name: is missing"),
    (9, "[plans]\npaid = 3", 10, "plan paid: must be a table, such as [plans.paid]"),
    (9, "name = \"Again\"", 9, "not valid TOML: duplicate key"),
    (9, "services = [\"chat\"", 9, "not valid TOML"),
    (9, "is_public = maybe", 9, "not valid TOML"),
];

fn complaints(text: &str) -> Vec<String> {
    let said = read(text, "mine.toml").expect_err("must be refused").to_string();
    let one = said.starts_with("mine.toml line ");
    said.lines().skip(usize::from(!one)).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_broken_file_is_told_by_line_entry_and_field() {
    assert!(read(GOOD, "mine.toml").is_ok());
    for (number, line, at, expected) in BROKEN {
        let lines: Vec<&str> = GOOD.lines().collect();
        let spoilt = [&lines[..number - 1], &[line], &lines[number..]].concat().join("\n");
        let said = complaints(&spoilt);
        let expected = format!("mine.toml line {at}: {expected}");
        assert!(said.iter().any(|line| line.starts_with(&expected)), "{line}: {expected:?} in {said:?}");
    }
}

#[test]
fn a_section_is_made_of_tables() {
    for (text, expected) in [
        ("plans = 3\n", "mine.toml line 1: plans: must be tables, such as [plans.name]"),
        ("[plans]\nfree = 3\n", "mine.toml line 2: plan free: must be a table, such as [plans.free]"),
        ("", "mine.toml line 1: there is no plan: write at least one, such as [plans.free]"),
        ("[services.chat]\ndisplay_name = 'Chat'\n", "mine.toml line 1: there is no plan"),
    ] {
        let said = complaints(text);
        assert!(said.iter().any(|line| line.starts_with(expected)), "{text:?}: {said:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_once_and_in_order() {
    let mut text = String::from("[services.chat]\ndisplay_nam = 'Chat'\n");
    for n in 0..3 {
        write!(
            text,
            "[plans.p{n}]\nname = 3\nprice_monthly_cents = -1\nservices = ['chat', 'chatt']\nteam_seats = 0\n"
        )
        .expect("text");
    }
    let said = complaints(&text);
    let lines: Vec<usize> = said
        .iter()
        .map(|line| {
            line.split(' ').nth(2).and_then(|number| number.trim_end_matches(':').parse().ok()).expect("a line")
        })
        .collect();
    assert!(lines.is_sorted(), "{said:?}");
    // Two of the service, five of each plan: the name of the wrong kind is not missing as well, and a service that is wrong is there.
    assert_eq!(said.len(), 2 + 3 * 5, "{said:#?}");
    assert_eq!(said.iter().filter(|line| line.contains("did you mean chat?")).count(), 3, "{said:#?}");
    assert_eq!(said.iter().filter(|line| line.contains(": is missing")).count(), 4, "{said:#?}");
}
