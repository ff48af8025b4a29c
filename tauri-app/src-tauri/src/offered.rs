//! The paths a person offered to a window by dropping files on it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sidecar_host::RpcError;

/// By window. A page names files by path, so without this list a page that was taken over could name any file.
#[derive(Debug, Default)]
pub(crate) struct Offered(Mutex<HashMap<String, HashSet<PathBuf>>>);

impl Offered {
    /// A new drop takes the place of the last.
    pub(crate) fn offer(&self, window: &str, paths: impl IntoIterator<Item = PathBuf>) {
        self.windows().insert(window.to_owned(), paths.into_iter().collect());
    }

    /// `invalid_params` if the person did not offer `path` to this window.
    pub(crate) fn check(&self, window: &str, path: &Path) -> Result<(), RpcError> {
        if self.windows().get(window).is_some_and(|paths| paths.contains(path)) {
            return Ok(());
        }
        Err(RpcError::lasting("invalid_params", "this path was not dropped on this window"))
    }

    /// The file was attached: the offer is used up.
    pub(crate) fn used(&self, window: &str, path: &Path) {
        if let Some(paths) = self.windows().get_mut(window) {
            paths.remove(path);
        }
    }

    pub(crate) fn forget(&self, window: &str) {
        self.windows().remove(window);
    }

    fn windows(&self) -> std::sync::MutexGuard<'_, HashMap<String, HashSet<PathBuf>>> {
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
        offered.offer("main", [path.to_owned()]);
        assert!(offered.check("main", path).is_ok());
        assert!(offered.check("main", Path::new("/home/a/../a/picture.png.key")).is_err());
        assert!(offered.check("other", path).is_err());
        offered.used("main", path);
        assert!(offered.check("main", path).is_err());
    }

    #[test]
    fn a_reload_and_a_new_drop_end_the_last_offer() {
        let offered = Offered::default();
        offered.offer("main", [PathBuf::from("/a")]);
        offered.offer("main", [PathBuf::from("/b")]);
        assert!(offered.check("main", Path::new("/a")).is_err());
        offered.forget("main");
        assert!(offered.check("main", Path::new("/b")).is_err());
    }
}
