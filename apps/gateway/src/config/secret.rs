//! Secrets that are given as files.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::error::ConfigError;

/// The longest secret, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Below these the platform, not the mode, says who may read.
const PLATFORM_FOLDERS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// The contents of a file that only its owner can read, without one line break at the end.
pub(crate) fn read(path: &Path, spelled: &str) -> Result<Zeroizing<String>, ConfigError> {
    let refuse = |why: String| ConfigError::SecretFile { path: PathBuf::from(path), spelled: spelled.to_owned(), why };
    let unreadable =
        |cause: std::io::Error| refuse(format!("{cause}; make it readable for the user that runs ops-center"));
    let mut file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err(refuse("it is no regular file".to_owned()));
    }
    let open = facts.permissions().mode() & 0o077;
    if open != 0 && !PLATFORM_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        let mode = facts.permissions().mode() & 0o777;
        return Err(refuse(format!("others can read it (mode {mode:04o}); run chmod 600 on it")));
    }
    if facts.len() > MAX_BYTES {
        return Err(refuse(format!("it has more than {MAX_BYTES} bytes, so it is no secret of ours")));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    let kept = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(kept.to_owned()))
}
