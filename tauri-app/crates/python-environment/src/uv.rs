//! The command lines of uv, and a cleaned environment for it.
//!
//! `uv sync --frozen` fetches from the addresses in `uv.lock`, whatever index or folder of wheels it is given (tried with
//! 0.13.9: `UV_DEFAULT_INDEX`, `--find-links` and `--no-index` change nothing). So wheels and mirrors take the way round:
//! the lock is exported as requirements, `uv pip sync` installs them, and `uv sync --frozen --offline` has the last word.
//! A mirror never vouches for itself: what comes from one must have the hashes of the lock. Wheels in the bundle came
//! with the lock, so hashes would prove nothing; and a package that is locked as source is among them as a wheel.

use std::ffi::OsString;
use std::path::PathBuf;

use sidecar_host::Launch;

use crate::guard::CONFIGURATION;
use crate::proxy::Configuration;
use crate::recipe::{Mirrors, Recipe};
use crate::stage::{Times, Trust};

/// One attempt's uv.
#[derive(Debug)]
pub(crate) struct Uv {
    pub(crate) recipe: Recipe,
    pub(crate) mirrors: Mirrors,
    pub(crate) times: Times,
    pub(crate) trust: Trust,
}

impl Uv {
    /// The bundle's wheels, unless the person wants an index: they may be what is broken.
    pub(crate) fn wheels(&self) -> Option<&PathBuf> {
        self.recipe.wheels.as_ref().filter(|_| self.mirrors.index.is_none())
    }

    pub(crate) fn version(&self) -> Launch {
        self.launch(["--version".into()])
    }

    /// An empty environment where `target` is, whatever is in that folder.
    pub(crate) fn venv(&self) -> Launch {
        let target = self.recipe.target.clone().into();
        self.launch([OsString::from("venv"), "--quiet".into(), "--allow-existing".into(), target])
    }

    /// Everything after [`Uv::venv`], in order.
    pub(crate) fn installation(&self) -> Vec<Launch> {
        let sync = ["sync", "--frozen", "--no-dev"].map(OsString::from);
        if self.wheels().is_none() && self.mirrors.index.is_none() {
            return vec![self.launch(sync)];
        }
        vec![self.export(), self.install(), self.launch(sync.into_iter().chain(["--offline".into()]))]
    }

    fn export(&self) -> Launch {
        let fixed = ["export", "--quiet", "--frozen", "--no-dev", "--offline", "--no-header", "--no-annotate"];
        let hashes = self.wheels().map(|_| "--no-hashes".into());
        let output = ["--output-file".into(), self.requirements().into()];
        self.launch(fixed.map(OsString::from).into_iter().chain(hashes).chain(output))
    }

    fn install(&self) -> Launch {
        let fixed = ["pip", "sync", "--python"].map(OsString::from);
        let target = [self.recipe.target.clone().into()];
        let source: Vec<OsString> = match self.wheels() {
            Some(wheels) => vec!["--offline".into(), "--no-index".into(), "--find-links".into(), wheels.into()],
            None => vec!["--require-hashes".into()],
        };
        self.launch(fixed.into_iter().chain(target).chain(source).chain([self.requirements().into()]))
    }

    fn requirements(&self) -> PathBuf {
        self.recipe.cache.join("requirements.txt")
    }

    fn launch(&self, arguments: impl IntoIterator<Item = OsString>) -> Launch {
        Launch {
            program: self.recipe.uv.clone(),
            arguments: arguments.into_iter().collect(),
            directory: self.recipe.project.clone(),
            environment: self.environment(),
            logs: self.recipe.logs.clone(),
        }
    }

    /// Proxies with a password, which no environment has.
    pub(crate) fn proxies(&self) -> Option<Configuration> {
        let hosts = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| std::env::var(name).ok());
        Configuration::of(&sidecar_host::withheld::proxies(), hosts.as_deref())
    }

    /// No setting of the person's own uv reaches this one; where things are kept and fetched from is said here.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let Recipe { target, cache, interpreters, python, .. } = &self.recipe;
        let downloads = if self.wheels().is_some() { "never" } else { "automatic" };
        let seconds = self.times.request.as_secs().max(1).to_string();
        let mut own: Vec<(&str, OsString)> = vec![
            ("NO_COLOR", "1".into()),
            ("UV_NO_CONFIG", "1".into()),
            ("UV_NO_ENV_FILE", "1".into()),
            ("UV_NO_PROGRESS", "1".into()),
            ("UV_PROJECT_ENVIRONMENT", target.into()),
            ("UV_CACHE_DIR", cache.into()),
            // It locks a project by a file in the system's temporary folder, which nobody would delete.
            ("TMPDIR", cache.into()),
            ("UV_PYTHON_INSTALL_DIR", interpreters.into()),
            ("UV_PYTHON_INSTALL_BIN", "0".into()),
            ("UV_PYTHON_DOWNLOADS", downloads.into()),
            ("UV_HTTP_TIMEOUT", seconds.into()),
            ("UV_HTTP_RETRIES", self.times.retries.to_string().into()),
        ];
        if self.wheels().is_none() {
            // The network of a firm or a school may have a certificate of its own, which the system knows and uv does not. Only
            // where there is one to ask: on a system without any certificates uv would fail.
            own.push(("UV_SYSTEM_CERTS", "1".into()));
        }
        if self.proxies().is_some() {
            own.push(("UV_CONFIG_FILE", CONFIGURATION.into()));
        }
        own.extend(python.as_ref().map(|python| ("UV_PYTHON", python.into())));
        own.extend(self.mirrors.index.as_ref().map(|index| ("UV_DEFAULT_INDEX", index.as_str().into())));
        own.extend(self.mirrors.python.as_ref().map(|mirror| ("UV_PYTHON_INSTALL_MIRROR", mirror.as_str().into())));
        let own = own.into_iter().map(|(name, value)| (name.into(), value));
        sidecar_host::inherited_environment().into_iter().chain(own).collect()
    }
}
