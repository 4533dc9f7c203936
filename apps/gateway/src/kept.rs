//! Where everything is kept, in words for people: never a URL, which can hold a password.

use std::path::Path;

use actix_web::http::Uri;
use secrecy::ExposeSecret;

use crate::config::{BlobKind, Config};
use crate::data::{DataDir, sqlite_file};

/// Each kind of thing, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) database: String,
    pub(crate) sessions: String,
    pub(crate) mails: String,
    pub(crate) pictures: String,
    pub(crate) keyring: String,
}

impl Kept {
    /// What this configuration says.
    pub(crate) fn by(config: &Config, data: &DataDir) -> Self {
        Self {
            database: database(config, data),
            sessions: config.redis.url.as_ref().map_or_else(
                || "the database".to_owned(),
                |url| {
                    server(url.expose_secret(), 6379).map_or_else(|| "Redis".to_owned(), |at| format!("Redis at {at}"))
                },
            ),
            mails: match &config.mail.smtp_host {
                None => format!("files in {}", absolute(&data.outbox())),
                Some(host) => format!("sent by {host}:{}", config.mail.smtp_port),
            },
            pictures: match config.blob.kind {
                BlobKind::Local => format!("files in {}", absolute(&data.blobs())),
                BlobKind::S3 => format!("bucket {} at {}", config.blob.s3_bucket, config.blob.s3_endpoint),
            },
            keyring: keyring(config, data),
        }
    }
}

/// The file with the master keys.
pub(crate) fn keyring(config: &Config, data: &DataDir) -> String {
    absolute(&data.keyring(config))
}

/// What to call the database.
pub(crate) fn database(config: &Config, data: &DataDir) -> String {
    let Some(url) = &config.database.url else { return sqlite(&data.default_database()) };
    let url = url.expose_secret();
    if let Some(file) = sqlite_file(url) {
        return sqlite(&file);
    }
    if url.starts_with("sqlite:") {
        return "SQLite database in memory".to_owned();
    }
    match (name(url), server(url, 5432)) {
        (Some(name), Some(at)) => format!("PostgreSQL database {name} at {at}"),
        _ => "PostgreSQL database of database.url".to_owned(),
    }
}

fn sqlite(file: &Path) -> String {
    format!("SQLite file {}", absolute(file))
}

/// Without knowing the folder that a command runs in.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// `host:port` of a URL; `None` where the rest of the URL may say otherwise (a socket's folder, for example).
fn server(url: &str, usual: u16) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let host = url.host().filter(|host| !host.is_empty() && url.query().is_none())?;
    Some(format!("{host}:{}", url.port_u16().unwrap_or(usual)))
}

/// The path of a URL, if it is a plain name: what is anything else may be the rest of a password that was not encoded.
fn name(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let name = url.path().trim_start_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn kept(pairs: &[(&str, &str)]) -> Kept {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Kept::by(&Config::load(&Sources::of_variables(pairs)).expect("a configuration"), &DataDir::new("/srv/data"))
    }

    #[test]
    fn files_are_named_in_full() {
        let kept = kept(&[]);
        assert_eq!(kept.database, "SQLite file /srv/data/ops-center.db");
        assert_eq!((kept.sessions.as_str(), kept.mails.as_str()), ("the database", "files in /srv/data/outbox"));
        assert_eq!(
            (kept.pictures.as_str(), kept.keyring.as_str()),
            ("files in /srv/data/blobs", "/srv/data/keyring.toml")
        );
        assert_eq!(database_of("sqlite:///srv/other.db?mode=rwc"), "SQLite file /srv/other.db");
        assert!(
            database_of("sqlite:other.db").ends_with("/other.db") && !database_of("sqlite:other.db").contains("data")
        );
        assert_eq!(database_of("sqlite::memory:"), "SQLite database in memory");
    }

    fn database_of(url: &str) -> String {
        kept(&[("DATABASE_URL", url)]).database
    }

    #[test]
    fn servers_are_named_without_their_passwords() {
        assert_eq!(
            database_of("postgres://ops:canary@db.internal/accounts"),
            "PostgreSQL database accounts at db.internal:5432"
        );
        assert_eq!(database_of("postgresql://db:6000/accounts"), "PostgreSQL database accounts at db:6000");
        for odd in [
            "postgres://ops:canary@db",
            "postgres://ops:can/ary@db/accounts",
            "postgres://ops:canary@db/accounts?host=/run",
            "postgres:///accounts",
            "postgres://ops:can ary@db/accounts",
        ] {
            assert_eq!(database_of(odd), "PostgreSQL database of database.url", "{odd}");
        }
        let redis = |url| kept(&[("REDIS_URL", url)]).sessions;
        assert_eq!(redis("redis://:canary@cache"), "Redis at cache:6379");
        assert_eq!(redis("rediss://cache:7000/1"), "Redis at cache:7000");
        assert_eq!(redis("unix:///run/redis.sock"), "Redis");
    }

    #[test]
    fn what_is_elsewhere_is_said_to_be() {
        let there = kept(&[
            ("OPS_CENTER__MAIL__SMTP_HOST", "mail.example.com"),
            ("OPS_CENTER__BLOB__KIND", "s3"),
            ("OPS_CENTER__BLOB__S3_ENDPOINT", "https://s3.example.com"),
            ("OPS_CENTER__BLOB__S3_BUCKET", "ops"),
            ("OPS_CENTER__BLOB__S3_ACCESS_KEY", "canary"),
            ("OPS_CENTER__BLOB__S3_SECRET_KEY", "canary"),
            ("OPS_CENTER__BYOK__KEYRING", "/etc/ops-center/keyring.toml"),
        ]);
        assert_eq!(there.keyring, "/etc/ops-center/keyring.toml");
        assert_eq!(there.mails, "sent by mail.example.com:587");
        assert_eq!(there.pictures, "bucket ops at https://s3.example.com");
    }
}
