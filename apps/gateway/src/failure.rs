use std::process::ExitCode;

use store::OpenError;

use crate::config::ConfigError;

/// Why the program ends early. Each is one sentence that says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line or the configuration is wrong: exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was asked for on the command line cannot be: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It was tried and did not work: exit code 1.
    #[error("{0}")]
    Runtime(String),
    /// Something that we need does not answer; trying again later may help: exit code 69 (`EX_UNAVAILABLE` of sysexits.h).
    #[error("{0}")]
    Unavailable(String),
}

impl Failure {
    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Runtime(_) => 1,
            Self::Unavailable(_) => 69,
        })
    }

    /// A store's error while doing something, with its cause.
    pub(crate) fn store(doing: &str, error: &kernel::StoreError) -> Self {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        match error {
            kernel::StoreError::Unavailable(_) if is_full(&cause) => {
                Self::Runtime(format!("{doing} failed: the disk is full; free some space and start again"))
            }
            kernel::StoreError::Unavailable(_) => {
                Self::Unavailable(format!("{doing} failed ({cause}): check that the service is up, then try again"))
            }
            kernel::StoreError::Broken(_) => Self::Runtime(format!("{doing} failed: {cause}")),
        }
    }

    /// A file or folder that does not do what it must.
    pub(crate) fn file(path: &std::path::Path, doing: &str, error: &std::io::Error) -> Self {
        let place = path.display();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Runtime(format!("{place} cannot be {doing}: the disk is full; free some space and start again"))
            }
            _ => Self::Runtime(format!(
                "{place} cannot be {doing} ({error}): make it writable for this user, or choose another folder with --data-dir"
            )),
        }
    }
}

/// How SQLite and the operating system say it.
fn is_full(cause: &str) -> bool {
    ["database or disk is full", "No space left on device"].iter().any(|text| cause.contains(text))
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::UnknownScheme | OpenError::BadUrl => {
                Self::Usage(format!("{error}; check database.url or DATABASE_URL"))
            }
            OpenError::Foreign | OpenError::Newer(_) => Self::Runtime(error.to_string()),
            OpenError::Unreachable(cause) | OpenError::Broken(cause) if is_full(&cause) => Self::Runtime(
                "the database cannot be opened: the disk is full; free some space and start again".to_owned(),
            ),
            OpenError::Unreachable(_) => Self::Unavailable(format!(
                "{error}; check that it is up and that database.url is right, then start again"
            )),
            OpenError::Broken(_) => {
                Self::Runtime(format!("{error}; check that database.url names a database of Ops Center"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kernel::StoreError;

    use super::*;

    #[test]
    fn a_full_disk_is_told_as_such() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let told = [
            Failure::file(Path::new("data"), "made", &full),
            Failure::store("migrating the database", &StoreError::unavailable("error 13: database or disk is full")),
            Failure::from(OpenError::Unreachable("No space left on device (os error 28)".to_owned())),
        ];
        for failure in told {
            assert!(failure.to_string().contains("the disk is full; free some space"), "{failure}");
        }
    }
}
