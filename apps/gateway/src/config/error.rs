use std::path::PathBuf;

use super::origin::Origin;

/// Why the configuration cannot be used. Each problem is one sentence that says what to do; none holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that `--config` names.
    #[error("the configuration file {} cannot be read ({cause}): check the path given to --config", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The operating system's word.
        cause: std::io::Error,
    },
    /// Not TOML.
    #[error("{} is not valid TOML in line {line}: {message}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// No such key.
    #[error("{spelled} in {origin} is no configuration key; {hint}")]
    Unknown {
        /// The key, as its source spells it.
        spelled: String,
        /// Where.
        origin: Origin,
        /// The nearest known key.
        hint: String,
    },
    /// A value of another kind.
    #[error("{spelled} in {origin} must be {expected}")]
    Kind {
        /// The key, as its source spells it.
        spelled: String,
        /// Where.
        origin: Origin,
        /// What it must be.
        expected: &'static str,
    },
    /// A secret is given as itself and as a file.
    #[error("{origin} sets both {key} and {key}_file: keep one of them")]
    Twice {
        /// The key.
        key: String,
        /// Where.
        origin: Origin,
    },
    /// A file that holds a secret.
    #[error("the file {} that {spelled} names cannot be used: {why}", path.display())]
    SecretFile {
        /// Which file.
        path: PathBuf,
        /// The key or variable that names it.
        spelled: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// Keys that do not go together.
    #[error("{0}")]
    Rejected(String),
    /// More than one of these.
    #[error("the configuration has {} problems:{}", .0.len(), list(.0))]
    Several(Vec<ConfigError>),
}

/// A line for each.
fn list(problems: &[ConfigError]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
