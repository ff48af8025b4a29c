//! The paths a person offered to a window: dropped on it, or picked in the system's dialog.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sidecar_host::RpcError;

/// By window. A page names files by path, so without this list a page that was taken over could name any file.
#[derive(Debug, Default)]
pub(crate) struct Offered(Mutex<HashMap<String, Paths>>);

#[derive(Debug, Default)]
struct Paths {
    /// A new drop takes the place of the last.
    dropped: HashSet<PathBuf>,
    picked: HashSet<PathBuf>,
}

impl Offered {
    /// Dropped on the window. A new drop takes the place of the last.
    pub(crate) fn offer_dropped(&self, window: &str, paths: impl IntoIterator<Item = PathBuf>) {
        self.windows().entry(window.to_owned()).or_default().dropped = paths.into_iter().collect();
    }

    /// Picked for the window. Holds as long as its page: what failed with it may be tried again.
    pub(crate) fn offer_picked(&self, window: &str, path: PathBuf) {
        self.windows().entry(window.to_owned()).or_default().picked.insert(path);
    }

    /// `invalid_params` if the person did not offer `path` to this window.
    pub(crate) fn check(&self, window: &str, path: &Path) -> Result<(), RpcError> {
        let offered = |paths: &Paths| paths.dropped.contains(path) || paths.picked.contains(path);
        if self.windows().get(window).is_some_and(offered) {
            return Ok(());
        }
        Err(RpcError::lasting("invalid_params", "nobody dropped this path on this window, or picked it for it"))
    }

    /// The file was attached: its drop is used up.
    pub(crate) fn used(&self, window: &str, path: &Path) {
        if let Some(paths) = self.windows().get_mut(window) {
            paths.dropped.remove(path);
        }
    }

    pub(crate) fn forget(&self, window: &str) {
        self.windows().remove(window);
    }

    fn windows(&self) -> std::sync::MutexGuard<'_, HashMap<String, Paths>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dropped_path_is_accepted_and_only_by_its_window_and_once() {
        let offered = Offered::default();
        let path = Path::new("/home/a/picture.png");
        assert!(offered.check("main", path).is_err());
        offered.offer_dropped("main", [path.to_owned()]);
        assert!(offered.check("main", path).is_ok());
        assert!(offered.check("main", Path::new("/home/a/../a/picture.png.key")).is_err());
        assert!(offered.check("other", path).is_err());
        offered.used("main", path);
        assert!(offered.check("main", path).is_err());
    }

    #[test]
    fn a_reload_and_a_new_drop_end_the_last_offer() {
        let offered = Offered::default();
        offered.offer_dropped("main", [PathBuf::from("/a")]);
        offered.offer_dropped("main", [PathBuf::from("/b")]);
        assert!(offered.check("main", Path::new("/a")).is_err());
        offered.forget("main");
        assert!(offered.check("main", Path::new("/b")).is_err());
    }

    #[test]
    fn a_picked_folder_stays_offered_until_its_page_goes_but_what_is_in_it_is_not() {
        let offered = Offered::default();
        let folder = Path::new("/home/a/model");
        offered.offer_picked("main", folder.to_owned());
        offered.offer_dropped("main", [PathBuf::from("/b")]);
        offered.used("main", folder);
        assert!(offered.check("main", folder).is_ok());
        assert!(offered.check("main", &folder.join("config.json")).is_err());
        assert!(offered.check("main", Path::new("/home/a/model/..")).is_err());
        offered.forget("main");
        assert!(offered.check("main", folder).is_err());
    }
}
