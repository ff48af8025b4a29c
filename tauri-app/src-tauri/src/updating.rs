//! Looking for a newer release of the app, which happens when the person asks and at no other time.
//!
//! It is fetched and checked here, and installed by the person: what Debian's package manager installed is for it to
//! change. So no part of the app has the right to replace it.

use std::env::consts::ARCH;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use sidecar_host::RpcError;
use tauri::utils::config::BundleType;
use tauri::utils::platform::bundle_type;
use tokio::task::AbortHandle;
use updates::{Place, Release};

/// How this copy of the app came here, which is how the next one comes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Deb,
    AppImage,
    Dmg,
    /// Built where it runs.
    Source,
}

impl Kind {
    fn of_this() -> Self {
        match bundle_type() {
            Some(BundleType::Deb) => Self::Deb,
            Some(BundleType::AppImage) => Self::AppImage,
            Some(BundleType::App | BundleType::Dmg) if !cfg!(debug_assertions) => Self::Dmg,
            _ => Self::Source,
        }
    }

    /// What its package is called in a release.
    fn package(self) -> Option<String> {
        let kind = match self {
            Self::Deb => "deb",
            Self::AppImage => "appimage",
            Self::Dmg => "dmg",
            Self::Source => return None,
        };
        Some(format!("{kind}-{ARCH}"))
    }
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct Newest {
    version: String,
    /// Where people read of it.
    page: String,
    kind: Kind,
    /// The package for this computer: bytes; none if the release has none.
    size: Option<u64>,
}

/// What is known of releases, and the one download of one.
#[derive(Debug)]
pub(crate) struct Updating {
    current: semver::Version,
    place: Option<Place>,
    found: Mutex<Option<Release>>,
    fetching: Mutex<Option<AbortHandle>>,
}

impl Updating {
    pub(crate) fn new(current: semver::Version, place: Option<Place>) -> Self {
        Self { current, place, found: Mutex::default(), fetching: Mutex::default() }
    }

    /// The newest release, if it is newer than this one. Asks the place of releases.
    pub(crate) async fn check(&self) -> Result<Option<Newest>, RpcError> {
        let place = self.place.as_ref().ok_or_else(|| {
            RpcError::lasting("update_unknown", "this copy of the app was built without a place of releases")
        })?;
        let release = updates::newest(place, &self.current).await?;
        let kind = Kind::of_this();
        let newest = release.as_ref().map(|release| Newest {
            version: release.version.to_string(),
            page: release.page.to_string(),
            kind,
            size: kind.package().and_then(|package| Some(release.file(&package)?.size)),
        });
        *held(&self.found) = release;
        Ok(newest)
    }

    /// Fetches the package that was found for this computer into `folder`, by way of `cache`. `on_percent` hears how far
    /// it is.
    pub(crate) async fn fetch(
        &self,
        cache: PathBuf,
        folder: PathBuf,
        on_percent: impl Fn(u64) + Send + 'static,
    ) -> Result<PathBuf, RpcError> {
        let file = {
            let found = held(&self.found);
            let package = Kind::of_this().package();
            let file = package.and_then(|package| found.as_ref()?.file(&package).cloned());
            file.ok_or_else(|| RpcError::lasting("invalid_params", "no package was found for this computer"))?
        };
        self.cancel();
        let (mut told, size) = (None, file.size);
        let on_bytes = move |bytes: u64| {
            let percent = bytes.saturating_mul(100).checked_div(size).unwrap_or(0);
            if told.replace(percent) != Some(percent) {
                on_percent(percent);
            }
        };
        let task = tokio::spawn(async move { updates::download(&file, &cache, &folder, on_bytes).await });
        *held(&self.fetching) = Some(task.abort_handle());
        task.await.map_err(|_| RpcError::lasting("request_cancelled", "the download was cancelled"))?
    }

    /// Ends the download that is under way; it then stands as `request_cancelled`.
    pub(crate) fn cancel(&self) {
        if let Some(fetching) = held(&self.fetching).take() {
            fetching.abort();
        }
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
