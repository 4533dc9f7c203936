use std::num::NonZeroU32;
use std::sync::Arc;

use kernel::{Actor, Ambient};
use plan_core::{
    Access, Catalogue, CatalogueStore, Decision, DecisionPorts, Grants, OwnKeys, PlanError, PlanId, Plans,
    SubscriptionStore,
};
use rate_governor::{Divided, LocalBuckets, WithFallback};
use secrecy::ExposeSecret;
use session_redis::{RedisBuckets, RedisSessions};
use store::{Database, SeaCatalogue, SeaLedger, SeaSubscriptions};
use usage_core::{Metering, RateLimiter, Usage};

use crate::bridge::{DecisionRates, LedgerQuotas, PlanEntitlements, TierLimits};
use crate::config::{Config, catalogue};
use crate::failure::Failure;

/// What organizations may do and what they used: one of it in a process, because its writer is the one that commits for all.
#[derive(Clone)]
pub(crate) struct Metered {
    pub(crate) plans: Plans,
    pub(crate) access: Access,
    pub(crate) grants: Grants,
    pub(crate) usage: Usage,
    pub(crate) metering: Metering,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    catalogue: Arc<dyn CatalogueStore>,
    subscriptions: Arc<dyn SubscriptionStore>,
    default: PlanId,
    ambient: Ambient,
}

impl Metered {
    /// Plans and ledger in this database; buckets in Redis, if there is one, and in this process.
    pub(crate) fn new(config: &Config, db: &Database, redis: Option<&RedisSessions>, ambient: &Ambient) -> Self {
        let catalogue: Arc<dyn CatalogueStore> = Arc::new(SeaCatalogue::new(db));
        let subscriptions: Arc<dyn SubscriptionStore> = Arc::new(SeaSubscriptions::new(db));
        let default = config.plans.default.clone();
        let ledger = SeaLedger::new(db, &default);
        let usage = Usage::new(Arc::new(ledger.reader()), ambient.clone());
        let metering = Metering::new(Arc::new(ledger), ambient.clone());
        let limiter = buckets(config, redis, ambient);
        let url = config.plans.upgrade_url.clone();
        Self {
            plans: Plans::new(catalogue.clone(), default.clone(), ambient.clone()),
            access: Access::new(catalogue.clone(), subscriptions.clone(), default.clone(), url, ambient.clone()),
            grants: Grants::new(catalogue.clone(), subscriptions.clone(), default.clone(), ambient.clone()),
            metering,
            usage,
            limiter,
            catalogue,
            subscriptions,
            default,
            ambient: ambient.clone(),
        }
    }

    /// What says whether a call may happen, and who pays for it.
    pub(crate) fn decision(&self, config: &Config, keys: Arc<dyn OwnKeys>) -> Decision {
        let ports = DecisionPorts {
            catalogue: self.catalogue.clone(),
            subscriptions: self.subscriptions.clone(),
            quotas: Arc::new(LedgerQuotas::new(self.usage.clone(), self.metering.clone(), self.ambient.clone())),
            rates: Arc::new(DecisionRates { limiter: self.limiter.clone(), ambient: self.ambient.clone() }),
            keys,
        };
        Decision::new(ports, self.default.clone(), config.decision.outages(), self.ambient.clone())
    }

    /// Puts the catalogue into a database that has none, and looks whether it has the plan that every organization begins with. The
    /// file is read then only: later the API changes the catalogue, and a file that is gone hinders nobody.
    pub(crate) async fn load_catalogue(&self, config: &Config) -> Result<(), Failure> {
        let read = async || self.plans.catalogue().await.map_err(|error| explain("reading the catalogue", error));
        if read().await?.plans().is_empty() {
            let chosen = chosen_catalogue(config)?;
            let loaded = self.plans.load(&Actor::system(), &chosen).await;
            loaded.map_err(|error| explain("loading the catalogue", error))?;
            has_plan(&*read().await?, "plans.first_admin", &config.plans.first_admin)?;
        }
        has_plan(&*read().await?, "plans.default", &config.plans.default)
    }

    /// What organizations ask about plans.
    pub(crate) fn entitlements(&self) -> Arc<PlanEntitlements> {
        Arc::new(PlanEntitlements { access: self.access.clone(), usage: self.usage.clone() })
    }

    /// What requests are counted against.
    pub(crate) fn rate_limits(&self, config: &Config) -> Arc<dyn http_api::rate_limit::RateLimits> {
        let rules = &config.rate_limit;
        if !rules.enabled {
            return Arc::new(http_api::rate_limit::Unlimited);
        }
        if counts_alone(config) {
            tracing::warn!(
                "without redis.url each process counts requests by itself, and rate_limit.instances is 1: if several processes share \
                 this database, set redis.url, or rate_limit.instances to their number"
            );
        }
        Arc::new(TierLimits {
            limiter: self.limiter.clone(),
            access: self.access.clone(),
            without_org: rules.without_org_per_minute,
            api_key: rules.api_key_per_minute,
        })
    }
}

/// The catalogue of this configuration, read from its file: whatever is wrong in there is told with its line and field.
pub(crate) fn chosen_catalogue(config: &Config) -> Result<Catalogue, Failure> {
    let Some(path) = &config.plans.catalogue else {
        return Ok(catalogue::read(catalogue::SHIPPED, "the shipped catalogue")?);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("plans.catalogue: the file {path} cannot be read: {error}")))?;
    Ok(catalogue::read(&text, path)?)
}

fn has_plan(catalogue: &Catalogue, key: &str, id: &PlanId) -> Result<(), Failure> {
    if catalogue.plan(id).is_some_and(|plan| plan.is_active) {
        return Ok(());
    }
    Err(Failure::Usage(format!("{key}: the catalogue has no active plan {id}")))
}

/// Whether other processes may serve on the same database, of which this one's limits do not know.
fn counts_alone(config: &Config) -> bool {
    let shared = config.database.url.as_ref().is_some_and(|url| url.expose_secret().starts_with("postgres"));
    shared && config.redis.url.is_none() && config.rate_limit.instances == NonZeroU32::MIN
}

fn buckets(config: &Config, redis: Option<&RedisSessions>, ambient: &Ambient) -> Arc<dyn RateLimiter> {
    let local = LocalBuckets::new(ambient.clone());
    match redis {
        Some(redis) => {
            let shared = Arc::new(RedisBuckets::beside(redis, ambient.clone()));
            Arc::new(WithFallback::new(shared, local, config.rate_limit.instances))
        }
        None => Arc::new(Divided::new(local, config.rate_limit.instances)),
    }
}

/// An error of a plan's use case, as the end of the program.
pub(crate) fn explain(doing: &str, error: PlanError) -> Failure {
    match error {
        PlanError::Store(error) => Failure::store(doing, &error),
        other => Failure::Usage(format!("{doing} failed: {other}")),
    }
}
