//! What to run: the program, its arguments and folder, and a cleaned environment.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::withheld;

/// A command line for the sidecar, and where its stderr is kept.
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// The working directory.
    pub directory: PathBuf,
    /// The whole environment: nothing else is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// The folder for the log of stderr.
    pub logs: PathBuf,
}

impl Launch {
    /// The sidecar that `python`'s environment can import, over the data folder `data_dir`; isolated.
    pub fn in_environment(python: &Path, data_dir: &Path, catalog: Option<&Path>) -> Self {
        Self {
            program: python.to_owned(),
            arguments: arguments(["-m", "sidecar"].map(Into::into), data_dir, catalog),
            directory: data_dir.to_owned(),
            environment: inherited_environment(),
            logs: data_dir.join("logs"),
        }
    }
}

/// A source checkout with its Python environment: where the sidecar is in development.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that `path` lies in.
    pub fn above(path: &Path) -> Option<Self> {
        let root = path.ancestors().find(|folder| folder.join("sidecar/__main__.py").is_file())?;
        Some(Self { root: root.to_owned() })
    }

    /// The sidecar of this checkout over the data folder `data_dir`, isolated as a packaged one is. Its environment's
    /// `site-packages` know nothing of the checkout, and whatever made them may make them anew: so the way is told.
    pub fn launch(&self, data_dir: &Path, catalog: Option<&Path>) -> Launch {
        let python = self.root.join(".venv/bin/python");
        let main = ["-c".into(), BOOT.into(), self.root.clone().into()];
        Launch { arguments: arguments(main, data_dir, catalog), ..Launch::in_environment(&python, data_dir, None) }
    }
}

/// What `python -m sidecar` does, with the modules of the folder that is its first argument.
const BOOT: &str = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); \
                    runpy.run_module('sidecar', run_name='__main__', alter_sys=True)";

/// Isolated (`-I`): neither the working directory nor the person's own packages are looked at. That ignores
/// `PYTHONUTF8`, too, so UTF-8 is said on the command line.
const OF_PYTHON: [&str; 3] = ["-I", "-X", "utf8"];

/// Python's arguments: its own, what it is to run, and the sidecar's.
fn arguments(main: impl IntoIterator<Item = OsString>, data_dir: &Path, catalog: Option<&Path>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = OF_PYTHON.iter().map(Into::into).chain(main).collect();
    arguments.push("--data-dir".into());
    arguments.push(data_dir.into());
    if let Some(catalog) = catalog {
        arguments.push("--catalog".into());
        arguments.push(catalog.into());
    }
    arguments
}

/// Variables the sidecar may see: who and where the person is, how to reach the network, which GPU,
/// how many threads.
const KEPT: &[&str] = &[
    "HOME",
    "LOGNAME",
    "USER",
    "PATH",
    "TMPDIR",
    "TZ",
    "LANG",
    "LANGUAGE",
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
];

const KEPT_PREFIXES: &[&str] = &["LC_", "KNOWLEDGE_FOCUS_"];

/// Set whatever was there: UTF-8 everywhere, no packages of the person's own Python, no telemetry.
const FIXED: &[(&str, &str)] =
    &[("PYTHONUTF8", "1"), ("PYTHONNOUSERSITE", "1"), ("HF_HUB_DISABLE_TELEMETRY", "1"), ("DO_NOT_TRACK", "1")];

/// The environment of every program that this app starts, uv as well as Python; with the system's proxy, where nothing
/// but its settings tells it. A proxy with a password goes another way ([`crate::withheld`]).
pub fn inherited_environment() -> Vec<(OsString, OsString)> {
    let environment = cleaned(std::env::vars_os());
    if withheld::proxies().is_empty() { crate::system_proxy::completed(environment) } else { environment }
}

/// The variables of `inherited` that the sidecar may see. An allow-list: `PYTHONPATH`, `LD_PRELOAD`, a bundle's
/// `LD_LIBRARY_PATH` or somebody's token must not reach it.
fn cleaned(inherited: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let kept = inherited.filter(|(name, value)| is_kept(name) && !withheld::is_withheld(name, value));
    let fixed = FIXED.iter().map(|&(name, value)| (name.into(), value.into()));
    kept.chain(fixed).collect()
}

fn is_kept(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    KEPT.contains(&name) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_variables_reach_the_sidecar_and_no_password_of_a_proxy() {
        let inherited = ["HOME", "LC_ALL", "KNOWLEDGE_FOCUS_DEVICE", "PYTHONPATH", "LD_PRELOAD", "HF_TOKEN"];
        let proxy = ("https_proxy".into(), "http://me:secret@proxy:3128".into());
        let environment = cleaned(inherited.iter().map(|&name| (name.into(), "value".into())).chain([proxy]));
        let names: Vec<_> = environment.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(names[..3], ["HOME", "LC_ALL", "KNOWLEDGE_FOCUS_DEVICE"]);
        assert_eq!(names[3..], FIXED.iter().map(|&(name, _)| name).collect::<Vec<_>>());
    }
}
