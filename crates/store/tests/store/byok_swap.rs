//! KEY-2: a secret opens in the place that it was sealed for, and nowhere that a hand in the database moves it to.
use byok_core::ProviderKey;
use byok_core::testing::World;
use kernel::{OrgId, ProviderKeyId};

use crate::byok::{Keys, id, this};
use crate::fixture::{Fixture, on_each};

/// Keys of two organizations: both have one at `openai` and one at an address of their own, and the first one also at `cohere`.
struct Rows<'a> {
    k: Keys<'a>,
    orgs: [OrgId; 2],
    all: Vec<ProviderKey>,
}

const HERE: usize = 0;
const THERE: usize = 1;
const BESIDE: usize = 2;
const ONE: usize = 3;
const TWO: usize = 4;

impl<'a> Rows<'a> {
    async fn new(f: &'a Fixture) -> Self {
        let k = Keys::new(f).await;
        let orgs = [World::org(f).await, World::org(f).await];
        let mut all = Vec::new();
        for (org, provider, endpoint) in [
            (0, "openai", None),
            (1, "openai", None),
            (0, "cohere", None),
            (0, "custom", Some("https://one.example.com")),
            (1, "custom", Some("https://two.example.com")),
        ] {
            all.push(k.stored(orgs[org], provider, endpoint).await);
        }
        let rows = Self { k, orgs, all };
        rows.assert_closed(&[], "before").await;
        rows
    }

    /// All but these open.
    async fn assert_closed(&self, closed: &[usize], when: &str) {
        for (n, key) in self.all.iter().enumerate() {
            let secret = self.k.opened(key.org, key.provider.as_str()).await;
            assert_eq!(secret.is_none(), closed.contains(&n), "{when}: {key:?}");
        }
    }

    fn this(&self, n: usize) -> String {
        this(self.k.f, &self.all[n])
    }

    /// Remembers what a column says everywhere.
    async fn save(&self, column: &str) {
        self.k
            .f
            .run(&format!("CREATE TABLE saved AS SELECT id, org_id, provider, {column} AS value FROM provider_key"))
            .await;
    }

    /// Swaps a column of two keys: neither opens. Put back, both do.
    async fn swap(&self, column: &str, pair: [usize; 2]) {
        let f = self.k.f;
        self.save(column).await;
        for [to, from] in [pair, [pair[1], pair[0]]] {
            let value = format!("(SELECT value FROM saved WHERE {})", self.this(from));
            f.run(&format!("UPDATE provider_key SET {column} = {value} WHERE {}", self.this(to))).await;
        }
        self.assert_closed(&pair, &format!("{column} of {pair:?}")).await;
        let old = "(SELECT value FROM saved WHERE saved.id = provider_key.id)";
        f.run(&format!("UPDATE provider_key SET {column} = {old}")).await;
        f.run("DROP TABLE saved").await;
        self.assert_closed(&[], "put back").await;
    }

    /// Writes something into a column of a key: it does not open where it is then. Put back, it does.
    async fn write(&self, n: usize, (column, value): (&str, &str), then: (OrgId, &str)) {
        let f = self.k.f;
        self.save(column).await;
        f.run(&format!("UPDATE provider_key SET {column} = {value} WHERE {}", self.this(n))).await;
        assert_eq!(self.k.opened(then.0, then.1).await, None, "{column} = {value}");
        let place = format!("org_id = {} AND provider = '{}'", id(f, then.0.uuid()), then.1);
        let old = format!("(SELECT value FROM saved WHERE {})", self.this(n));
        f.run(&format!("UPDATE provider_key SET {column} = {old} WHERE {place}")).await;
        f.run("DROP TABLE saved").await;
        self.assert_closed(&[], "put back").await;
    }
}

/// Between organizations, between providers, and between two places that have neither in common; in both directions.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_swapped_does_not_open() {
    on_each(async |f| {
        let rows = Rows::new(f).await;
        for pair in [[HERE, THERE], [HERE, BESIDE], [BESIDE, THERE], [ONE, TWO], [HERE, ONE]] {
            rows.swap("sealed", pair).await;
        }
        rows.swap("endpoint", [ONE, TWO]).await;
        rows.swap("endpoint", [HERE, ONE]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_to_does_not_open() {
    on_each(async |f| {
        let rows = Rows::new(f).await;
        let [a, b] = rows.orgs;
        for value in [
            "'https://sink.example.com'",
            "'http://one.example.com'",
            "'https://one.example.com:8443'",
            "'https://one.example.com/v1'",
            "'no address'",
            "''",
            "NULL",
        ] {
            rows.write(ONE, ("endpoint", value), (a, "custom")).await;
        }
        rows.write(HERE, ("endpoint", "'https://sink.example.com'"), (a, "openai")).await;
        for value in ["2", "0", "-1", "4294967297"] {
            rows.write(ONE, ("version", value), (a, "custom")).await;
        }
        rows.write(BESIDE, ("org_id", &id(f, b.uuid())), (b, "cohere")).await;
        rows.write(BESIDE, ("provider", "'cohere2'"), (a, "cohere2")).await;
        let other = id(f, ProviderKeyId::mint(&f.ambient).uuid());
        rows.write(BESIDE, ("id", &other), (a, "cohere")).await;
        for value in
            ["'\\x'", "'\\x01'"].map(|hex| if f.is_postgres() { hex.to_owned() } else { hex.replace("'\\x", "x'") })
        {
            rows.write(BESIDE, ("sealed", &value), (a, "cohere")).await;
        }
    })
    .await;
}
