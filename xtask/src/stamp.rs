//! Whether a build's products still belong to its sources.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A note, kept in the target folder, of what a build read and what it made.
///
/// Contents are compared, not times: a checkout of another branch and back costs no rebuild, and
/// products that were deleted, or overwritten by hand, are made again.
#[derive(Debug)]
pub(crate) struct Stamp {
    note: PathBuf,
    products: PathBuf,
    sources: u64,
}

impl Stamp {
    /// Reads the sources (files, or folders with all below) as they are now. Take it before the
    /// build: an edit made during the build then leads to another one.
    pub(crate) fn of(note: PathBuf, sources: &[PathBuf], products: PathBuf) -> Result<Self, Failure> {
        Ok(Self { note, products, sources: digest(sources)? })
    }

    /// Whether the products are those that the last build made from these very sources.
    pub(crate) fn is_current(&self) -> Result<bool, Failure> {
        if !self.products.is_dir() {
            return Ok(false);
        }
        let now = self.text()?;
        Ok(fs::read_to_string(&self.note).is_ok_and(|noted| noted == now))
    }

    /// Notes that the products were made from the sources. Call it after the build.
    pub(crate) fn record(&self) -> Result<(), Failure> {
        if let Some(folder) = self.note.parent() {
            fs::create_dir_all(folder).map_err(Failure::file(folder))?;
        }
        fs::write(&self.note, self.text()?).map_err(Failure::file(&self.note))
    }

    fn text(&self) -> Result<String, Failure> {
        let products = digest(std::slice::from_ref(&self.products))?;
        Ok(format!("{:016x} {products:016x}\n", self.sources))
    }
}

fn digest(paths: &[PathBuf]) -> Result<u64, Failure> {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        add(&mut hasher, path)?;
    }
    Ok(hasher.finish())
}

fn add(hasher: &mut DefaultHasher, path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)
            .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
            .map_err(Failure::file(path))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            add(hasher, &entry.path())?;
        }
        return Ok(());
    }
    let content = fs::read(path).map_err(Failure::file(path))?;
    let name = path.as_os_str().as_encoded_bytes();
    // Lengths keep the end of one file apart from the start of the next.
    hasher.write_u64(name.len() as u64);
    hasher.write(name);
    hasher.write_u64(content.len() as u64);
    hasher.write(&content);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::Stamp;

    fn stamp(folder: &std::path::Path) -> Stamp {
        let path = |name: &str| -> PathBuf { folder.join(name) };
        Stamp::of(path("note"), &[path("source")], path("product")).expect("sources are there")
    }

    #[test]
    fn a_change_on_either_side_asks_for_a_build() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        for name in ["source", "product"] {
            fs::create_dir_all(folder.join(name)).expect("temporary folders can be made");
            fs::write(folder.join(name).join("file"), "one").expect("and written");
        }
        assert!(!stamp(&folder).is_current().expect("readable"), "never built");
        stamp(&folder).record().expect("written");
        assert!(stamp(&folder).is_current().expect("readable"));

        fs::write(folder.join("source/file"), "two").expect("written");
        assert!(!stamp(&folder).is_current().expect("readable"), "source changed");
        stamp(&folder).record().expect("written");
        fs::write(folder.join("product/file"), "two").expect("written");
        assert!(!stamp(&folder).is_current().expect("readable"), "product changed");
        fs::remove_dir_all(folder.join("product")).expect("removed");
        assert!(!stamp(&folder).is_current().expect("readable"), "product gone");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
