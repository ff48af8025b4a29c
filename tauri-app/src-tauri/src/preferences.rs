//! What the shell remembers: language, theme, and the window's size and place.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tauri::{AppHandle, Theme, Wry};
use tauri_plugin_store::{Store, StoreExt};

use crate::data_folder::DataFolder;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
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
pub(crate) struct Preferences(Arc<Store<Wry>>);

impl Preferences {
    pub(crate) fn open(app: &AppHandle, data: &DataFolder) -> tauri_plugin_store::Result<Self> {
        app.store_builder(data.preferences()).disable_auto_save().build().map(Self)
    }

    /// The language chosen, or the system's.
    pub(crate) fn language(&self) -> Language {
        self.get("language").unwrap_or_else(|| {
            let locale = sys_locale::get_locale().unwrap_or_default();
            if locale.starts_with("zh") { Language::Zh } else { Language::En }
        })
    }

    pub(crate) fn set_language(&self, language: Language) -> tauri_plugin_store::Result<()> {
        self.set("language", &language)
    }

    pub(crate) fn appearance(&self) -> Appearance {
        self.get("theme").unwrap_or_default()
    }

    pub(crate) fn set_appearance(&self, appearance: Appearance) -> tauri_plugin_store::Result<()> {
        self.set("theme", &appearance)
    }

    pub(crate) fn geometry(&self) -> Option<Geometry> {
        self.get("window")
    }

    pub(crate) fn set_geometry(&self, geometry: Geometry) -> tauri_plugin_store::Result<()> {
        self.set("window", &geometry)
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.0.get(key)?).ok()
    }

    fn set(&self, key: &str, value: &impl Serialize) -> tauri_plugin_store::Result<()> {
        self.0.set(key, json!(value));
        self.0.save()
    }
}

impl Language {
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
