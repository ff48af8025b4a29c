//! What the system's web view keeps for the window. On Linux it is told where (`DataFolder::web`); on macOS the system
//! decides, by the app's identifier.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::data_folder::PLATFORM_NAME;

/// Bytes that the system counts a file's room in.
const BLOCK: u64 = 512;

/// All places outside the data folder that could be this app's.
pub(crate) fn outside() -> Vec<PathBuf> {
    let home = if cfg!(target_os = "macos") { dirs::home_dir() } else { None };
    home.map(|home| in_library(&home.join("Library"))).unwrap_or_default()
}

fn in_library(library: &Path) -> Vec<PathBuf> {
    let places = [
        ("WebKit", ""),
        ("Caches", ""),
        ("HTTPStorages", ""),
        ("HTTPStorages", ".binarycookies"),
        ("Preferences", ".plist"),
        ("Saved Application State", ".savedState"),
    ];
    places.map(|(folder, ending)| library.join(folder).join(format!("{PLATFORM_NAME}{ending}"))).to_vec()
}

/// The bytes that all of it takes on the disk; links are not followed. What is not there takes none.
pub(crate) fn size(path: &Path) -> u64 {
    let Ok(metadata) = path.symlink_metadata() else { return 0 };
    if !metadata.is_dir() {
        return metadata.blocks() * BLOCK;
    }
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries.filter_map(Result::ok).map(|entry| size(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_has_the_apps_own_name_is_its() {
        for place in in_library(Path::new("/Library")) {
            let name = place.file_name().and_then(|name| name.to_str()).expect("a name");
            assert!(name.starts_with("knowledge-focus.huozhong.in"), "{name}");
        }
    }

    #[test]
    fn what_a_link_leads_to_does_not_count() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let large = folder.path().join("large");
        fs::write(&large, vec![1; 1_000_000]).expect("the disk has room");
        fs::create_dir_all(folder.path().join("a/b")).expect("the disk has room");
        symlink(&large, folder.path().join("a/b/link")).expect("a link");
        assert!(size(&folder.path().join("a")) < 100_000);
        assert!(size(&large) >= 1_000_000);
        assert_eq!(size(&folder.path().join("nothing")), 0);
    }
}
