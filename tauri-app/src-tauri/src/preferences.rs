//! What the shell remembers: language, theme, what closing the window does, whether the list of chats is put away, and the
//! window's size and place.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tauri::{AppHandle, Theme, Wry};
use tauri_plugin_store::{Store, StoreExt};
use tempfile::NamedTempFile;

use crate::data_folder::{DataFolder, UNFINISHED_PREFERENCES};
use crate::localhost_proxy;

/// A language that the app speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    #[default]
    En,
    Zh,
}

/// What the person chose; the system's language may be another one at the next start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LanguageChoice {
    #[default]
    System,
    En,
    Zh,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Appearance {
    #[default]
    System,
    Light,
    Dark,
}

/// Where and how large a window is, in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Geometry {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) maximized: bool,
}

/// `shell.json` in the data folder. A value that is missing or makes no sense counts as never chosen.
#[derive(Clone)]
pub(crate) struct Preferences {
    store: Arc<Store<Wry>>,
    path: PathBuf,
    /// Held for all of a change: the file has all values, and of two the later one must not lose the earlier one's.
    changing: Arc<Mutex<()>>,
}

impl Preferences {
    pub(crate) fn open(app: &AppHandle, data: &DataFolder) -> tauri_plugin_store::Result<Self> {
        let path = data.preferences();
        let store = app.store_builder(&path).disable_auto_save().build()?;
        // The plugin would write the file in place when the app exits; only `set` writes, and replaces it whole.
        store.close_resource();
        Ok(Self { store, path, changing: Arc::default() })
    }

    /// The language the app speaks: the chosen one, or the system's.
    pub(crate) fn language(&self) -> Language {
        self.language_choice().resolve(Language::of_system)
    }

    pub(crate) fn language_choice(&self) -> LanguageChoice {
        self.get("language").unwrap_or_default()
    }

    pub(crate) fn set_language(&self, choice: LanguageChoice) -> io::Result<()> {
        self.set("language", &choice)
    }

    pub(crate) fn appearance(&self) -> Appearance {
        self.get("theme").unwrap_or_default()
    }

    pub(crate) fn set_appearance(&self, appearance: Appearance) -> io::Result<()> {
        self.set("theme", &appearance)
    }

    /// Whether the list of chats is put away.
    pub(crate) fn chats_hidden(&self) -> bool {
        self.get("chatsHidden").unwrap_or_default()
    }

    pub(crate) fn set_chats_hidden(&self, hidden: bool) -> io::Result<()> {
        self.set("chatsHidden", &hidden)
    }

    /// Whether the app goes on, in the tray, when its window is closed.
    pub(crate) fn hide_on_close(&self) -> bool {
        self.get("hideOnClose").unwrap_or_default()
    }

    pub(crate) fn set_hide_on_close(&self, hide: bool) -> io::Result<()> {
        self.set("hideOnClose", &hide)
    }

    /// Whether and where other programs may ask.
    pub(crate) fn proxy(&self) -> localhost_proxy::Choice {
        self.get("proxy").map(localhost_proxy::Choice::read).unwrap_or_default()
    }

    /// Where it cannot be kept `otherwise` holds in this run, and is kept with the next setting that can be.
    pub(crate) fn set_proxy(
        &self,
        choice: &localhost_proxy::Choice,
        otherwise: &localhost_proxy::Choice,
    ) -> io::Result<()> {
        self.set_or("proxy", choice, Some(json!(otherwise)))
    }

    pub(crate) fn geometry(&self) -> Option<Geometry> {
        self.get("window")
    }

    pub(crate) fn set_geometry(&self, geometry: Geometry) -> io::Result<()> {
        self.set("window", &geometry)
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.store.get(key)?).ok()
    }

    /// What is not on the disk does not count here either.
    fn set(&self, key: &str, value: &impl Serialize) -> io::Result<()> {
        self.set_or(key, value, None)
    }

    /// Where it cannot be kept `otherwise` holds, or what did before. That, too, is set within the change: whoever writes the
    /// file next finds it.
    fn set_or(&self, key: &str, value: &impl Serialize, otherwise: Option<Value>) -> io::Result<()> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.store.get(key);
        self.store.set(key, json!(value));
        let values: HashMap<_, _> = self.store.entries().into_iter().collect();
        let kept = replace(&self.path, &serde_json::to_vec_pretty(&values)?);
        if kept.is_err() {
            match otherwise.or(before) {
                Some(value) => self.store.set(key, value),
                None => drop(self.store.delete(key)),
            }
        }
        kept
    }
}

/// Writes `content` in the place of what `path` held: whole, or not at all.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::with_prefix_in(UNFINISHED_PREFERENCES, path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

impl LanguageChoice {
    fn resolve(self, system: impl FnOnce() -> Language) -> Language {
        match self {
            Self::System => system(),
            Self::En => Language::En,
            Self::Zh => Language::Zh,
        }
    }
}

impl Language {
    /// The most wanted of the system's languages that the app speaks.
    pub(crate) fn of_system() -> Self {
        Self::of(sys_locale::get_locales())
    }

    /// `tags` are BCP 47, most wanted first.
    fn of(tags: impl IntoIterator<Item = String>) -> Self {
        let spoken = |tag: String| match tag.split(['-', '_']).next() {
            Some("en") => Some(Self::En),
            Some("zh") => Some(Self::Zh),
            _ => None,
        };
        tags.into_iter().find_map(spoken).unwrap_or_default()
    }

    /// As a BCP 47 tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

impl Appearance {
    /// `None` follows the system.
    pub(crate) fn theme(self) -> Option<Theme> {
        match self {
            Self::System => None,
            Self::Light => Some(Theme::Light),
            Self::Dark => Some(Theme::Dark),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_system_language_is_the_first_that_the_app_speaks() {
        let of = |tags: &[&str]| Language::of(tags.iter().map(|&tag| tag.to_owned()));
        assert_eq!(of(&["zh-CN", "en-US"]), Language::Zh);
        assert_eq!(of(&["fr-FR", "en-US", "zh-CN"]), Language::En);
        assert_eq!(of(&["fr-FR", "zh-Hant-TW"]), Language::Zh);
        assert_eq!(of(&["fr-FR"]), Language::En);
        assert_eq!(of(&[]), Language::En);
    }

    #[test]
    fn a_choice_holds_whatever_the_system_speaks_and_no_choice_follows_it() {
        assert_eq!(LanguageChoice::En.resolve(|| Language::Zh), Language::En);
        assert_eq!(LanguageChoice::default().resolve(|| Language::Zh), Language::Zh);
    }

    #[test]
    fn a_replaced_file_is_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("shell.json");
        replace(&path, b"a first and longer content").expect("the disk has room");
        replace(&path, b"{}").expect("the disk has room");
        assert_eq!(fs::read(&path).expect("the file"), b"{}");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }
}
