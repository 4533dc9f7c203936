use std::collections::HashMap;

use async_trait::async_trait;
use billing_core::{Invoice, InvoiceFilter, InvoiceStore, PaymentProvider};
use kernel::{InvoiceId, OrgId, Page, Paged, StoreError};
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select};
use uuid::Uuid;

use super::invoice_row::{from_invoice, to_invoice};
use crate::connection::Database;
use crate::entity::invoice::{Column, Entity, Model};
use crate::error::Failure;
use crate::transaction::Tx;
use crate::usage::row::select;
use crate::value::{count, number, part, storable, without_zero};

/// The row stays locked until the transaction ends: what is rolled back used no number.
const NEXT: &str = "INSERT INTO invoice_series (series, last) VALUES ($1, 1) \
     ON CONFLICT (series) DO UPDATE SET last = invoice_series.last + 1 RETURNING last";

/// What a posting knows an invoice by.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Place {
    /// The provider's name for it.
    External(String, String),
    /// Ours, where the provider has none.
    Own(Uuid),
}

impl Place {
    fn of(row: &Model) -> Self {
        match &row.external {
            Some(external) => Self::External(row.provider.clone(), external.clone()),
            None => Self::Own(row.id),
        }
    }
}

/// An invoice that is somebody else's.
#[derive(Debug, thiserror::Error)]
#[error("the invoice {0} belongs to another organization")]
struct Foreign(InvoiceId);

/// Writes invoices of an organization, whose row is locked. In the order of their issue: so are they numbered, and so are series locked.
pub(super) async fn put_all(tx: &Tx, org: OrgId, invoices: &[Invoice]) -> Result<(), Failure> {
    if invoices.is_empty() {
        return Ok(());
    }
    let mut invoices: Vec<&Invoice> = invoices.iter().collect();
    invoices.sort_by_key(|invoice| invoice.issued_at);
    let mut known = known(tx, org, &invoices).await?;
    for invoice in invoices {
        let row = from_invoice(invoice)?;
        let place = Place::of(&row);
        let row = put(tx, invoice, row, known.get(&place)).await?;
        known.insert(place, row);
    }
    Ok(())
}

/// What is kept under these invoices' names.
async fn known(tx: &Tx, org: OrgId, invoices: &[&Invoice]) -> Result<HashMap<Place, Model>, DbErr> {
    let mut rows = Vec::new();
    for provider in PaymentProvider::ALL {
        let of_it = invoices.iter().filter(|invoice| invoice.provider == provider);
        let named: Vec<String> = of_it.filter_map(|invoice| invoice.external.as_deref()).map(without_zero).collect();
        if !named.is_empty() {
            rows.extend(Entity::named(provider, named.iter().map(String::as_str)).all(&**tx).await?);
        }
    }
    let nameless = invoices.iter().filter(|invoice| invoice.external.is_none());
    let own: Vec<Uuid> = nameless.map(|invoice| invoice.id.uuid()).collect();
    if !own.is_empty() {
        rows.extend(Entity::of(org).filter(Column::Id.is_in(own)).all(&**tx).await?);
    }
    Ok(rows.into_iter().map(|row| (Place::of(&row), row)).collect())
}

/// Writes one, if anything of it is new; the row as it is now.
async fn put(tx: &Tx, invoice: &Invoice, mut row: Model, known: Option<&Model>) -> Result<Model, Failure> {
    if let Some(known) = known {
        if known.org_id != row.org_id {
            return Err(StoreError::broken(Foreign(InvoiceId::from_uuid(known.id))).into());
        }
        row.id = known.id;
    }
    if invoice.provider == PaymentProvider::Manual {
        // A number that was given is never another one.
        row.number = known.and_then(|known| known.number.clone());
    }
    if row.number.is_none() && invoice.is_numbered_here() {
        row.number = Some(next_number(tx, &invoice.series()).await?);
    }
    if known == Some(&row) {
        return Ok(row);
    }
    let written = row.clone().into_active_model().reset_all();
    if known.is_some() {
        let same = Column::Id.eq(row.id);
        Entity::update_many().set(written).filter(Column::OrgId.eq(row.org_id)).filter(same).exec(&**tx).await?;
    } else {
        Entity::insert(written).exec_without_returning(&**tx).await?;
    }
    Ok(row)
}

async fn next_number(tx: &Tx, series: &str) -> Result<String, Failure> {
    let rows = select(&**tx, NEXT, vec![series.into()]).await?;
    let last = rows.first().map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
    let last = last.ok_or_else(|| StoreError::broken("a series without a number"))?;
    Ok(Invoice::number(series, number("invoice_series.last", last)?))
}

/// Invoices in the database.
#[derive(Debug, Clone)]
pub struct SeaInvoices(Database);

impl SeaInvoices {
    /// The invoices in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    async fn first(&self, rows: Select<Entity>) -> Result<Option<Invoice>, StoreError> {
        self.0.ask(rows.one(self.0.reader())).await?.map(to_invoice).transpose()
    }
}

#[async_trait]
impl InvoiceStore for SeaInvoices {
    async fn list(&self, org: OrgId, filter: &InvoiceFilter, page: Page) -> Result<Paged<Invoice>, StoreError> {
        let mut rows = Entity::of(org);
        if let Some(status) = filter.status {
            rows = rows.filter(Column::Status.eq(status.as_str()));
        }
        if let Some(from) = filter.from {
            rows = rows.filter(Column::IssuedAt.gte(storable(from)));
        }
        if let Some(to) = filter.to {
            rows = rows.filter(Column::IssuedAt.lt(storable(to)));
        }
        let db = self.0.reader();
        let total = self.0.ask(count(rows.clone(), db)).await?;
        let newest = part(rows.order_by_desc(Column::IssuedAt).order_by_desc(Column::Id), page);
        let items = self.0.ask(newest.all(db)).await?;
        Ok(Paged { items: items.into_iter().map(to_invoice).collect::<Result<_, _>>()?, total, page })
    }

    async fn one(&self, org: OrgId, id: InvoiceId) -> Result<Option<Invoice>, StoreError> {
        self.first(Entity::of(org).filter(Column::Id.eq(id.uuid()))).await
    }

    async fn numbered(&self, number: &str) -> Result<Option<Invoice>, StoreError> {
        self.first(Entity::numbered(&without_zero(number))).await
    }
}
