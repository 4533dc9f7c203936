//! How the file of a ring comes into its place: whole, or not at all, and readable by its owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use kernel::Ambient;

/// Writes a file that is not there yet; `false` where it is. Of any number of processes one makes it.
pub(super) fn create(path: &Path, text: &[u8], ambient: &Ambient) -> io::Result<bool> {
    if path.try_exists()? {
        return Ok(false);
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder(path))?;
    let random: String = ambient.random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
    let draft = Draft::write(beside(path, &random), text)?;
    // Unlike a rename, a link does not take the place of what is there.
    match fs::hard_link(&draft.0, path) {
        Ok(()) => sync(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file over the one that is there, for the same owner.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    // Where the path is a link, the file it leads to is the one that counts.
    let path = fs::canonicalize(path)?;
    let before = fs::metadata(&path)?;
    let draft = beside(&path, "new");
    // What a killed writer has left: whoever writes holds the lock.
    fs::remove_file(&draft)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    let draft = Draft::write(draft, text)?;
    let file = File::open(&draft.0)?;
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        // An operator's root must not lock the server out of its own ring.
        fchown(&file, Some(before.uid()), Some(before.gid()))?;
    }
    fs::rename(&draft.0, &path)?;
    sync(&path)
}

/// Waits until nobody else replaces the file; until the answer is dropped nobody does.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let folder = File::open(folder(&fs::canonicalize(path)?))?;
    folder.lock()?;
    Ok(folder)
}

/// A file that is gone when it is dropped, unless it was moved.
struct Draft(PathBuf);

impl Draft {
    fn write(path: PathBuf, text: &[u8]) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Self(path);
        file.write_all(text)?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It was renamed, or nobody can do anything about it.
        fs::remove_file(&self.0).ok();
    }
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{what}"))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name in the folder survives a loss of power too.
fn sync(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}
