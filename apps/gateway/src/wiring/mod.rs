//! The one place that knows which adapter stands behind which port.

mod billing;
mod byok;
mod metering;

use std::sync::Arc;

use account_core::{Avatars, BlobStore, Profiles};
use audit_core::Trail;
use auth_core::{
    ApiKeys, PasswordHasher, Passwords, SessionStore, Sessions, SignIn, SignInPorts, Standings, Throttle, UserStore,
    Users,
};
use avatar_image::ImageRenderer;
use blob_store::{Blobs, S3Options};
use byok_core::{Byok, Watch};
use http_api::identify::{SessionCookie, SessionOrKey};
use http_api::{KeyedIdempotency, Services, Site};
use kernel::{Ambient, StoreError};
use mail_smtp::{NoticeMail, OutboxMail, SmtpMail, SmtpOptions, SmtpTls};
use org_core::{InvitationMail, InvitationPorts, Invitations, MemberStore, Members, OrgPorts, OrgStore, Orgs};
use password_argon2::{Argon2Hasher, Argon2Options};
use secrecy::ExposeSecret;
use session_redis::{RedisOptions, RedisSessions};
use store::{
    Database, DatabaseOptions, SeaApiKeys, SeaIdempotency, SeaInbox, SeaInvitations, SeaLinks, SeaMembers, SeaOrgs,
    SeaPeople, SeaProfiles, SeaSessions, SeaStandings, SeaThrottle, SeaTrail, SeaUsers,
};

pub(crate) use self::billing::{Till, accounts, provider, quote_key};
pub(crate) use self::byok::{Asked, Vault};
pub(crate) use self::metering::{Metered, chosen_catalogue, explain};
use crate::bridge::KeysThatPay;
use crate::config::{self, BlobKind, Config};
use crate::data::DataDir;
use crate::failure::Failure;
use crate::first::FirstStart;
use crate::housekeeping::Housekeeping;
use crate::readiness::{Dependencies, Draining};

/// What everything durable hangs on.
pub(crate) struct Foundation {
    pub(crate) database: Database,
    pub(crate) redis: Option<RedisSessions>,
    pub(crate) draining: Draining,
    pub(crate) metered: Metered,
    hasher: Argon2Hasher,
    ambient: Ambient,
}

impl Foundation {
    /// Opens the database, takes the steps of its schema that are missing, fills an empty catalogue, and asks Redis whether it is there.
    pub(crate) async fn lay(config: &Config, data: &DataDir, ambient: Ambient) -> Result<Self, Failure> {
        let database = open_database(config, data).await?;
        database.migrate().await.map_err(|error| Failure::store("migrating the database", &error))?;
        let redis = open_redis(config).await?;
        let hasher =
            Argon2Hasher::new(argon2(&config.password)).map_err(|error| Failure::store("password hashing", &error))?;
        let metered = Metered::new(config, &database, redis.as_ref(), &ambient);
        metered.load_catalogue(config).await?;
        Ok(Self { database, redis, draining: Draining::default(), metered, hasher, ambient })
    }

    /// The same for commands that lend a hand: over a database whose schema is this version's already, and without Redis.
    pub(crate) async fn visit(config: &Config, data: &DataDir, ambient: Ambient) -> Result<Self, Failure> {
        let database = open_database(config, data).await?;
        up_to_date(&database).await?;
        let hasher =
            Argon2Hasher::new(argon2(&config.password)).map_err(|error| Failure::store("password hashing", &error))?;
        let metered = Metered::new(config, &database, None, &ambient);
        Ok(Self { database, redis: None, draining: Draining::default(), metered, hasher, ambient })
    }

    fn sessions(&self, config: &Config) -> Sessions {
        let store: Arc<dyn SessionStore> = match &self.redis {
            Some(redis) => Arc::new(redis.clone()),
            None => Arc::new(SeaSessions::new(&self.database)),
        };
        Sessions::new(store, self.standings(), self.users_store(), self.ambient.clone(), config.session.rules())
    }

    /// The use cases of accounts, which the command line needs too.
    pub(crate) fn users(&self, config: &Config) -> Users {
        let links = Arc::new(SeaLinks::new(&self.database));
        Users::new(self.users_store(), links, self.password_hasher(), self.sessions(config), self.ambient.clone())
    }

    /// What makes the first admin.
    pub(crate) fn first_start(&self, config: &Config) -> FirstStart {
        let (grants, plan) = (self.metered.grants.clone(), config.plans.first_admin.clone());
        let claims = Arc::new(SeaIdempotency::new(&self.database));
        FirstStart { users: self.users(config), orgs: self.orgs(), grants, plan, claims }
    }

    /// The use cases of organizations, which the command line needs too.
    pub(crate) fn orgs(&self) -> Orgs {
        self.orgs_over(self.org_store())
    }

    fn orgs_over(&self, orgs: Arc<dyn OrgStore>) -> Orgs {
        let entitlements = self.metered.entitlements();
        let ports = OrgPorts { orgs, members: self.member_store(), entitlements };
        Orgs::new(ports, self.ambient.clone())
    }

    /// The ring of master keys, when it is the one of this database.
    pub(crate) async fn vault(&self, config: &Config, data: &DataDir, asked: Asked) -> Result<Vault, Failure> {
        let vault = Vault::open(config, data, &self.database, &self.ambient, asked).await?;
        vault.check(config, data).await?;
        Ok(vault)
    }

    /// What tests customers' keys by itself, if it is to.
    pub(crate) fn watch(
        &self,
        config: &Config,
        data: &DataDir,
        site: &Site,
        keys: Byok,
    ) -> Result<Option<Watch>, Failure> {
        Ok(byok::watch(config, keys, Arc::new(self.owner_notices(config, data, site)?)))
    }

    /// What throws away what has expired.
    pub(crate) fn housekeeping(&self, watch: Option<Watch>) -> Housekeeping {
        Housekeeping {
            watch,
            sessions: SeaSessions::new(&self.database),
            links: SeaLinks::new(&self.database),
            throttle: SeaThrottle::new(&self.database),
            idempotency: SeaIdempotency::new(&self.database),
            inbox: SeaInbox::new(&self.database),
            metering: self.metered.metering.clone(),
            ambient: self.ambient.clone(),
        }
    }

    /// Everything that the routes ask for.
    pub(crate) fn services(
        &self,
        config: &Config,
        data: &DataDir,
        site: Site,
        vault: &Vault,
        till: &Till,
    ) -> Result<Services, Failure> {
        let mails = mails(config, data, &site, &self.ambient);
        let mail = mails.map_err(|error| Failure::store("preparing [mail]", &error))?.invitations;
        let keys = byok::keys(config, &self.database, self.metered.access.clone(), vault, &self.ambient)?;
        let blobs = blobs(config, data).map_err(|error| Failure::store("preparing [blob]", &error))?;
        let ambient = self.ambient.clone();
        let sessions = self.sessions(config);
        let profiles = Arc::new(SeaProfiles::new(&self.database));
        Ok(Services {
            identify: Arc::new(SessionOrKey::new(SessionCookie::new(site.clone(), sessions.clone()), self.api_keys())),
            site,
            api_keys: self.api_keys(),
            rate_limits: self.metered.rate_limits(config),
            plans: self.metered.plans.clone(),
            access: self.metered.access.clone(),
            grants: self.metered.grants.clone(),
            decision: self.metered.decision(config, Arc::new(KeysThatPay(keys.resolution.clone()))),
            byok: keys.byok,
            resolution: keys.resolution,
            usage: self.metered.usage.clone(),
            metering: self.metered.metering.clone(),
            sign_in: SignIn::new(self.sign_in_ports(), sessions.clone(), ambient.clone()),
            passwords: self.passwords(sessions.clone()),
            users: self.users(config),
            sessions,
            avatars: Avatars::new(profiles.clone(), blobs, Arc::new(ImageRenderer::default()), ambient.clone()),
            profiles: Profiles::new(profiles, ambient.clone()),
            orgs: self.orgs_over(self.paying_orgs(till)),
            members: Members::new(self.member_store(), ambient.clone()),
            invitations: Invitations::new(self.invitation_ports(mail), ambient.clone()),
            trail: Trail::new(Arc::new(SeaTrail::new(&self.database))),
            idempotency: self.idempotency(vault),
            readiness: Arc::new(self.dependencies()),
            metrics: till.metrics(),
            billing: till.billing.clone(),
            webhooks: till.webhooks.clone(),
            ambient,
        })
    }

    /// Bodies that carried a provider's key are told apart under a secret that the database does not have.
    fn idempotency(&self, vault: &Vault) -> KeyedIdempotency {
        let inner = Arc::new(SeaIdempotency::new(&self.database));
        KeyedIdempotency::new(inner, vault.holder().ring().fingerprint().expose())
    }

    fn dependencies(&self) -> Dependencies {
        let (database, redis, draining) = (self.database.clone(), self.redis.clone(), self.draining.clone());
        Dependencies { database, redis, draining }
    }

    fn api_keys(&self) -> ApiKeys {
        let keys = Arc::new(SeaApiKeys::new(&self.database));
        ApiKeys::new(keys, self.standings(), self.throttle(), self.ambient.clone())
    }

    fn sign_in_ports(&self) -> SignInPorts {
        SignInPorts {
            users: self.users_store(),
            links: Arc::new(SeaLinks::new(&self.database)),
            standings: self.standings(),
            throttle: self.throttle(),
            hasher: self.password_hasher(),
        }
    }

    fn passwords(&self, sessions: Sessions) -> Passwords {
        Passwords::new(self.users_store(), self.password_hasher(), self.throttle(), sessions, self.ambient.clone())
    }

    fn invitation_ports(&self, mail: Arc<dyn InvitationMail>) -> InvitationPorts {
        InvitationPorts {
            invitations: Arc::new(SeaInvitations::new(&self.database)),
            members: self.member_store(),
            orgs: self.org_store(),
            people: Arc::new(SeaPeople::new(&self.database)),
            entitlements: self.metered.entitlements(),
            mail,
        }
    }

    fn users_store(&self) -> Arc<dyn UserStore> {
        Arc::new(SeaUsers::new(&self.database))
    }

    fn standings(&self) -> Arc<dyn Standings> {
        Arc::new(SeaStandings::new(&self.database))
    }

    fn throttle(&self) -> Arc<dyn Throttle> {
        Arc::new(SeaThrottle::new(&self.database))
    }

    fn org_store(&self) -> Arc<dyn OrgStore> {
        Arc::new(SeaOrgs::new(&self.database))
    }

    fn member_store(&self) -> Arc<dyn MemberStore> {
        Arc::new(SeaMembers::new(&self.database))
    }

    fn password_hasher(&self) -> Arc<dyn PasswordHasher> {
        Arc::new(self.hasher.clone())
    }
}

/// Opens the database of this configuration, making it where it is a file.
pub(crate) async fn open_database(config: &Config, data: &DataDir) -> Result<Database, Failure> {
    data.prepare(config)?;
    let options = DatabaseOptions { max_connections: config.database.max_connections, ..DatabaseOptions::default() };
    Ok(Database::connect(data.database_url(config).expose_secret(), &options).await?)
}

/// Refuses a database whose schema is not this version's: for commands that look, and change no schema.
pub(crate) async fn up_to_date(database: &Database) -> Result<(), Failure> {
    let pending = database.pending().await.map_err(|error| Failure::store("looking at the database", &error))?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(
        "this database was never served, or by an older version: is --data-dir (or DATABASE_URL) the right one? \
         `ops-center migrate` brings it up to date"
            .to_owned(),
    ))
}

/// Sessions in Redis, if they are to be there; it must answer now.
async fn open_redis(config: &Config) -> Result<Option<RedisSessions>, Failure> {
    let Some(url) = &config.redis.url else { return Ok(None) };
    let redis = RedisSessions::connect(url, RedisOptions::default()).map_err(|error| {
        Failure::Usage(format!("redis.url (or REDIS_URL) cannot be used: {error}; it looks like redis://host:6379"))
    })?;
    let silent = |error| Failure::store("asking Redis (redis.url) for an answer", &error);
    redis.ping().await.map_err(silent)?;
    Ok(Some(redis))
}

fn argon2(password: &config::Password) -> Argon2Options {
    let processors = Argon2Options::default().max_parallel;
    Argon2Options {
        memory_kib: password.memory_kib,
        iterations: password.iterations,
        lanes: password.lanes,
        max_parallel: if password.max_parallel == 0 { processors } else { password.max_parallel.into() },
    }
}

/// The one way that mails leave.
struct Mails {
    invitations: Arc<dyn InvitationMail>,
    notices: Arc<dyn NoticeMail>,
}

impl Mails {
    fn by(mail: impl InvitationMail + NoticeMail + 'static) -> Self {
        let mail = Arc::new(mail);
        Self { invitations: mail.clone(), notices: mail }
    }
}

fn mails(config: &Config, data: &DataDir, site: &Site, ambient: &Ambient) -> Result<Mails, StoreError> {
    let mail = &config.mail;
    let Some(host) = mail.smtp_host.clone() else {
        return Ok(Mails::by(OutboxMail::new(data.outbox(), &site.public_url, mail.from.clone(), ambient.clone())));
    };
    let options = SmtpOptions {
        host,
        port: mail.smtp_port,
        tls: match mail.smtp_tls {
            config::SmtpTls::Starttls => SmtpTls::StartTls,
            config::SmtpTls::Implicit => SmtpTls::Implicit,
            config::SmtpTls::None => SmtpTls::None,
        },
        username: mail.smtp_username.clone(),
        password: mail.smtp_password.clone(),
        from: mail.from.clone(),
    };
    Ok(Mails::by(SmtpMail::new(options, &site.public_url, ambient.clone())?))
}

fn blobs(config: &Config, data: &DataDir) -> Result<Arc<dyn BlobStore>, StoreError> {
    let blob = &config.blob;
    let blobs = match blob.kind {
        BlobKind::Local => Blobs::local(data.blobs())?,
        BlobKind::S3 => Blobs::s3(S3Options {
            endpoint: blob.s3_endpoint.clone(),
            bucket: blob.s3_bucket.clone(),
            region: blob.s3_region.clone(),
            access_key: blob.s3_access_key.clone(),
            secret_key: blob.s3_secret_key.clone(),
            allow_http: blob.s3_allow_http,
        })?,
    };
    Ok(Arc::new(blobs))
}
