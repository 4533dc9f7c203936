use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Record, StoreError};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::audit;
use crate::connection::Database;
use crate::error::{Failure, fault, is_conflict};

/// How often a change begins again when another one stood in its way.
const RETRIES: u32 = 3;

/// An open transaction.
pub(crate) type Tx = Arc<DatabaseTransaction>;

/// How a change ended, with its answer.
#[derive(Debug)]
pub(crate) enum Step<T> {
    /// It happened.
    Commit(T),
    /// It did not: nothing is kept, not even a record.
    RollBack(T),
}

use Step::{Commit, RollBack};

impl Database {
    /// A question, answered within the deadline.
    pub(crate) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, DbErr>> + Send,
    ) -> Result<T, StoreError> {
        self.bounded(async { question.await.map_err(fault) }).await
    }

    /// A change together with its record: both or neither.
    pub(crate) async fn change<T, F, Fut>(&self, record: &Record, change: F) -> Result<T, StoreError>
    where
        T: Send,
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Step<T>, Failure>> + Send,
    {
        self.write(|tx: Tx| {
            let changed = change(Arc::clone(&tx));
            async move {
                let step = changed.await?;
                if let Commit(_) = &step {
                    audit::append(&*tx, record).await?;
                }
                Ok(step)
            }
        })
        .await
    }

    /// A change that leaves no record, in one transaction within the deadline. It begins again when the database asks for that,
    /// so it must not do anything but use the transaction.
    pub(crate) async fn write<T, F, Fut>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send,
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Step<T>, Failure>> + Send,
    {
        self.bounded(self.insist(change)).await
    }

    /// A change that goes through so much that the deadline is not for it: it may take this long.
    pub(crate) async fn write_long<T, F, Fut>(&self, limit: Duration, change: F) -> Result<T, StoreError>
    where
        T: Send,
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Step<T>, Failure>> + Send,
    {
        let patient = |tx: Tx| {
            let changed = change(Arc::clone(&tx));
            async move {
                any_length(&tx).await?;
                changed.await
            }
        };
        within(limit, self.insist(patient)).await
    }

    /// Questions that are answered as of one moment, within this time.
    pub(crate) async fn snapshot<T, Fut>(
        &self,
        limit: Duration,
        questions: impl FnOnce(Tx) -> Fut + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
    {
        let ask = async {
            let mut options = TransactionOptions::default();
            if self.backend() == DbBackend::Postgres {
                options.isolation_level = Some(IsolationLevel::RepeatableRead);
                options.access_mode = Some(AccessMode::ReadOnly);
            }
            let tx = Arc::new(self.reader().begin_with_options(options).await?);
            any_length(&tx).await?;
            let answer = questions(Arc::clone(&tx)).await?;
            let tx = Arc::into_inner(tx).ok_or_else(|| StoreError::broken("a question kept its transaction"))?;
            tx.rollback().await.map(|()| answer).map_err(Failure::from)
        };
        within(limit, async { Box::pin(ask).await.map_err(StoreError::from) }).await
    }

    async fn insist<T, F, Fut>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send,
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Step<T>, Failure>> + Send,
    {
        let mut retries = 0;
        loop {
            match Box::pin(self.attempt(&change)).await {
                Err(failure) if retries < RETRIES && may_begin_again(&failure) => {
                    retries += 1;
                    tracing::debug!(retries, "a change begins again: another one stood in its way");
                }
                ended => return ended.map_err(StoreError::from),
            }
        }
    }

    async fn attempt<T, F, Fut>(&self, change: &F) -> Result<T, Failure>
    where
        T: Send,
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Step<T>, Failure>> + Send,
    {
        let mut options = TransactionOptions::default();
        if self.backend() == DbBackend::Sqlite {
            // A reader that becomes a writer can be refused; a writer from the start waits for its turn.
            options.sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
        }
        let tx = Arc::new(self.writer().begin_with_options(options).await?);
        let step = change(Arc::clone(&tx)).await?;
        let tx = Arc::into_inner(tx).ok_or_else(|| StoreError::broken("a change kept its transaction"))?;
        match step {
            Commit(answer) => tx.commit().await.map(|()| answer).map_err(Failure::from),
            RollBack(answer) => tx.rollback().await.map(|()| answer).map_err(Failure::from),
        }
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, StoreError>> + Send) -> Result<T, StoreError> {
        within(self.deadline(), work).await
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, StoreError>> + Send) -> Result<T, StoreError> {
    let late = || StoreError::unavailable("the database did not answer in time");
    tokio::time::timeout(limit, work).await.ok().ok_or_else(late)?
}

/// Statements of this transaction may take as long as they do.
async fn any_length(tx: &Tx) -> Result<(), Failure> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    Ok(())
}

fn may_begin_again(failure: &Failure) -> bool {
    match failure {
        Failure::Db(err) => is_conflict(err),
        Failure::Outdated => true,
        Failure::Store(_) => false,
    }
}
