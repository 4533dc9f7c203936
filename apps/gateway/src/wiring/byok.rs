use std::path::Path;
use std::sync::Arc;

use byok_core::{
    Byok, ByokPorts, Custody, CustodyError, CustodyStore, KeyNotice, KnownMasterKey, Resolution, RingHolder, Watch,
};
use chrono::TimeDelta;
use kernel::{Actor, Ambient};
use plan_core::Access;
use provider_probe::{GuardedProbe, ProbeOptions};
use store::{Database, SeaCustody, SeaProviderKeys};

use crate::bridge::PlanGivesKeys;
use crate::config::{self, Config, providers};
use crate::data::DataDir;
use crate::failure::Failure;
use crate::kept;
use crate::ring::{FileRing, RingError};

/// What to do about a ring that was lost for good.
const LOST: &str = "docs/operations.md, \"Key ring\", says what can be done when it is lost";

/// Who asks for the ring, where there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `init`, which makes it.
    Init,
    /// The server, which makes it where nobody said that it is elsewhere.
    Serve,
    /// What changes a ring, and never makes one.
    Keys,
}

/// The ring, and what looks after it.
pub(crate) struct Vault {
    pub(crate) ring: Arc<FileRing>,
    pub(crate) custody: Custody,
    /// Whether the ring was made just now.
    pub(crate) made: bool,
}

impl Vault {
    /// Opens the ring of this configuration, and makes it where that is nobody's loss: the database must not know a master key yet.
    /// Whether it fits the database is for [`Vault::check`].
    pub(crate) async fn open(
        config: &Config,
        data: &DataDir,
        database: &Database,
        ambient: &Ambient,
        asked: Asked,
    ) -> Result<Self, Failure> {
        let path = data.keyring(config);
        let store: Arc<dyn CustodyStore> = Arc::new(SeaCustody::new(database));
        let (ring, made) = match FileRing::open(&path) {
            Ok(ring) => (ring, false),
            Err(RingError::Missing(_)) => {
                let known = store.known().await.map_err(|error| Failure::store("reading the master keys", &error))?;
                missing(config, data, &known, asked, ambient)?
            }
            Err(error) => return Err(error.into()),
        };
        let ring = Arc::new(ring);
        let custody = Custody::new(store, ring.clone(), ambient.clone());
        Ok(Self { ring, custody, made })
    }

    /// Refuses a ring that is not the database's, and makes its keys known.
    pub(crate) async fn check(&self, config: &Config, data: &DataDir) -> Result<(), Failure> {
        let actor = Actor::system();
        self.custody.check(&actor).await.map_err(|error| self.unfit(error, config, data))
    }

    /// What is wrong between ring and database, and what to do.
    pub(crate) fn unfit(&self, error: CustodyError, config: &Config, data: &DataDir) -> Failure {
        let (ring, database) = (self.ring.path().display(), kept::database(config, data));
        match error {
            CustodyError::Store(error) => Failure::store("comparing key ring and database", &error),
            CustodyError::Unknown(_) | CustodyError::Different(_) => Failure::Runtime(format!(
                "the key ring {ring} is not the one of the {database}: {error}; put the right one in its place, a copy from the \
                 machine that serves this database or from its backup ({LOST})"
            )),
            CustodyError::Retired(id) => Failure::Runtime(format!(
                "the key ring {ring} is an old one: its active master key {id} was retired; put a copy of the newest one in its \
                 place, or make another key active with ops-center keys rotate --activate"
            )),
            other => Failure::Runtime(other.to_string()),
        }
    }

    /// The ring, as the use cases want it.
    pub(crate) fn holder(&self) -> Arc<dyn RingHolder> {
        self.ring.clone()
    }
}

/// A new ring, or why there cannot be one.
fn missing(
    config: &Config,
    data: &DataDir,
    known: &[KnownMasterKey],
    asked: Asked,
    ambient: &Ambient,
) -> Result<(FileRing, bool), Failure> {
    let path = data.keyring(config);
    if !known.is_empty() {
        // Of instances that begin at once another one may have made it since: the file comes first, then the database.
        return FileRing::open(&path).map(|ring| (ring, false)).map_err(|error| match error {
            RingError::Missing(path) => Failure::Runtime(lost(&path, &kept::database(config, data), known)),
            other => other.into(),
        });
    }
    let may = match asked {
        Asked::Init => true,
        Asked::Serve => config.byok.keyring.is_none(),
        Asked::Keys => false,
    };
    if !may {
        return Err(Failure::Usage(format!(
            "byok.keyring: there is no key ring {}; ops-center init makes it",
            path.display()
        )));
    }
    let made = FileRing::create(&path, ambient)?;
    Ok((FileRing::open(&path)?, made))
}

/// Which keys need which master keys, and where those may be.
fn lost(path: &Path, database: &str, known: &[KnownMasterKey]) -> String {
    let count: u64 = known.iter().map(|key| key.sealing).sum();
    let named = |key: &KnownMasterKey| format!("{} ({})", key.id, key.sealing);
    let listed: Vec<String> = known.iter().filter(|key| key.retired_at.is_none()).map(named).collect();
    let (path, file) = (path.display(), path.file_name().unwrap_or_default().to_string_lossy());
    format!(
        "there is no key ring {path}, and the {database} needs one: {count} provider keys are sealed with its master keys {}; copy \
         {file} from the data folder of the machine that serves this database already (or the file its byok.keyring names) to {path}, \
         or restore it from its backup ({LOST})",
        listed.join(", ")
    )
}

/// The use cases of customers' own keys.
pub(crate) struct Keys {
    pub(crate) byok: Byok,
    pub(crate) resolution: Resolution,
}

/// Over the keys in this database.
pub(crate) fn keys(
    config: &Config,
    database: &Database,
    access: Access,
    vault: &Vault,
    ambient: &Ambient,
) -> Result<Keys, Failure> {
    let probe = GuardedProbe::new(probe_options(&config.byok), ambient.clone());
    let ports = ByokPorts {
        keys: Arc::new(SeaProviderKeys::new(database)),
        ring: vault.holder(),
        probe: Arc::new(probe.map_err(|error| Failure::store("preparing [byok]", &error))?),
        entitlement: Arc::new(PlanGivesKeys { access }),
        providers: Arc::new(providers::load(config)?),
    };
    let byok = Byok::new(ports, ambient.clone());
    Ok(Keys { resolution: Resolution::new(byok.clone()), byok })
}

/// What tests keys by itself, if it is to.
pub(crate) fn watch(config: &Config, byok: Byok, notice: Arc<dyn KeyNotice>) -> Option<Watch> {
    let every = config.byok.test_every().and_then(|every| TimeDelta::from_std(every).ok())?;
    Some(Watch::new(byok, notice, every))
}

fn probe_options(byok: &config::Byok) -> ProbeOptions {
    ProbeOptions {
        allowed_networks: byok.allowed_networks.clone(),
        allowed_ports: byok.allowed_ports.clone(),
        allow_http: byok.allow_http,
        dns_server: byok.dns_server,
        connect_timeout: byok.connect_timeout,
        timeout: byok.timeout,
        ..ProbeOptions::default()
    }
}

impl From<RingError> for Failure {
    fn from(error: RingError) -> Self {
        match error {
            RingError::Bad(error) => error.into(),
            RingError::Missing(_) => Self::Usage(format!("{error}; ops-center init makes it")),
            RingError::Foreign { .. } => Self::Runtime(error.to_string()),
            RingError::File { path, doing, cause } => Self::file(&path, doing, &cause),
        }
    }
}
