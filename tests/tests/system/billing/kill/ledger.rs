//! Whether everything is as Stripe says, and happened once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kernel::{OrgId, TaskId};
use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseConnection, QueryResult};
use serde_json::json;

use super::super::till::{Payer, access, enter};
use super::{Asked, LEASE, Stage};
use crate::rig::process::Server;
use crate::rig::tables::{open, rows};
use crate::rig::until;

/// The text in a row's first column.
pub(super) fn text(row: &QueryResult) -> String {
    row.try_get_by_index(0).expect("a text")
}

fn column<T: sea_orm::TryGetable>(row: &QueryResult, number: usize) -> T {
    row.try_get_by_index(number).expect("a value")
}

impl Stage {
    async fn database(&self) -> DatabaseConnection {
        open(&self.till.site.folder().join("data"), self.till.site.database().as_deref()).await
    }

    /// Waits until nothing waits any more: no longer than a lease, and what then has to be done.
    pub(super) async fn settles(&self, hung: Instant) {
        let database = self.database().await;
        let idle = async || {
            let sql = "SELECT id FROM inbox_event WHERE state = 'pending' UNION ALL \
                       SELECT 'task' FROM outbox_task WHERE state = 'pending'";
            rows(&database, sql).await.is_empty()
        };
        let limit = LEASE + Duration::from_secs(30);
        let took = until(limit, "nothing waits", idle).await;
        println!("settled after {took:?}, {:?} after the first kill", hung.elapsed());
        database.close().await.expect("no connection");
    }

    pub(super) async fn adds_up(&self, server: &Server) {
        let database = self.database().await;
        self.inbox(&database).await;
        let tasks = self.tasks(&database).await;
        for asked in &self.asked {
            self.was_charged_once(asked, tasks.get(&asked.payer.org).copied().unwrap_or(0));
        }
        let payers: Vec<&Payer> = self.moving.iter().chain(self.asked.iter().map(|asked| &asked.payer)).collect();
        self.books(&database, &payers).await;
        database.close().await.expect("no connection");
        let owner = self.owner.at(&server.base);
        for payer in payers {
            assert_eq!(access(&owner, payer).await, self.till.truth(payer), "{}", payer.org);
            enter(&owner, &payer.org).await;
            let here = owner.get("/api/v1/billing/invoices?limit=200").await.expect(200);
            let totals = here.as_array().expect("a list").iter().map(|it| it["amount_cents"].as_i64());
            let mut totals: Vec<_> = totals.collect();
            let mut there: Vec<_> = self.invoices(payer).map(|it| it["total"].as_i64()).collect();
            totals.sort_unstable();
            there.sort_unstable();
            assert_eq!(totals, there, "{}", payer.org);
        }
    }

    fn invoices(&self, payer: &Payer) -> impl Iterator<Item = serde_json::Value> + use<> {
        let customer = json!(payer.customer);
        self.till.stripe.all("invoice").into_iter().filter(move |it| it["customer"] == customer)
    }

    /// Every event that was sent is there once and took effect.
    async fn inbox(&self, database: &DatabaseConnection) {
        let kept = rows(database, "SELECT id, state FROM inbox_event").await;
        let ids: BTreeSet<String> = kept.iter().map(text).collect();
        assert_eq!((kept.len(), &ids), (self.sent.len(), &self.sent));
        let odd: Vec<_> = kept.iter().filter(|row| column::<String>(row, 1) != "done").map(text).collect();
        assert!(odd.is_empty(), "{odd:?} took no effect");
        println!("{} events", kept.len());
    }

    /// Every command was carried out, under one name; how many each organization had.
    async fn tasks(&self, database: &DatabaseConnection) -> BTreeMap<String, usize> {
        let keys = self.till.stripe.calls_by_key();
        let twice: Vec<_> = keys.iter().filter(|(_, (_, done))| *done > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        let mut all = BTreeMap::new();
        for row in rows(database, "SELECT org_id, id, state, error FROM outbox_task").await {
            let (org, id) = (OrgId::from_uuid(column::<Uuid>(&row, 0)), TaskId::from_uuid(column::<Uuid>(&row, 1)));
            let (state, error) = (column::<String>(&row, 2), column::<Option<String>>(&row, 3));
            assert_eq!(state, "done", "{org}: {error:?}");
            assert_eq!(keys.get(&id.to_string()).map(|(_, done)| *done), Some(1), "{org}: {keys:?}");
            *all.entry(org.to_string()).or_insert(0) += 1;
        }
        all
    }

    /// A change that was answered, or written down, was charged once; one that was neither was not.
    fn was_charged_once(&self, asked: &Asked, tasks: usize) {
        let payer = &asked.payer;
        assert!(tasks == 1 || tasks == 0 && !asked.answered, "{}: {tasks} commands", payer.org);
        assert_eq!(self.carried_out(payer), tasks, "{}", payer.org);
        assert_eq!(self.invoices(payer).count(), 1 + tasks, "{}", payer.org);
        let plan = if tasks == 1 { "professional" } else { "starter" };
        assert_eq!(self.till.truth(payer), (plan.to_owned(), "active".to_owned()));
    }

    /// Each movement begins where the one before it ended, and the last one ends where Stripe is: none is missing, none is there twice.
    async fn books(&self, database: &DatabaseConnection, payers: &[&Payer]) {
        let sql = "SELECT org_id, from_plan, to_plan FROM billing_movement ORDER BY org_id, account_version";
        let mut ends: BTreeMap<String, Option<String>> = BTreeMap::new();
        for row in rows(database, sql).await {
            let org = OrgId::from_uuid(column::<Uuid>(&row, 0)).to_string();
            let [from, to] = [1, 2].map(|number| column::<Option<String>>(&row, number));
            let before = ends.insert(org.clone(), to.clone()).flatten();
            assert_eq!(before, from, "{org}: a movement to {to:?}");
        }
        for payer in payers {
            assert_eq!(ends[&payer.org], Some(self.till.truth(payer).0), "{}", payer.org);
        }
        let answered = self.asked.iter().filter(|asked| asked.answered).count();
        println!("{answered} of {} changes were answered", self.asked.len());
    }
}
