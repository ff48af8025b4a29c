//! What a package carries: the sidecar's project, and what its Python environment is made with.

use std::fs;
use std::path::{Path, PathBuf};

use python_environment::Recipe;
use updates::Place;

/// The bundle's folder among the app's resources.
///
/// | In it | |
/// |---|---|
/// | `pyproject.toml`, `uv.lock`, `sidecar/` | the project |
/// | `wheels/` | all its packages; a slim package has none and fetches them |
/// | `download-bytes` | of a slim one: how many bytes that is, as decimal digits |
/// | `cpython/` | a standalone interpreter, if the package carries one |
/// | `python-version` | of a full one without: the Python that its wheels are for, as `3.12` |
/// | `uv` | if it is not beside the app's own program, where a package has it as `knowledge-focus-uv` |
/// | `updates.json` | where releases are announced, and the key that they are signed with; without it there is no looking for them |
/// | `licences/` | what the authors of all the parts ask to be told |
///
/// `setup/package` makes it.
const FOLDER: &str = "sidecar-bundle";
/// Not plain `uv`: a Debian package has it in `/usr/bin`.
const UV_BESIDE: &str = "knowledge-focus-uv";

/// A bundle that is there.
#[derive(Debug)]
pub(crate) struct Bundle {
    folder: PathBuf,
    uv: PathBuf,
}

impl Bundle {
    /// The one in `folder`; uv may be in it.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        let there = ["pyproject.toml", "uv.lock", "sidecar/__main__.py"].iter().all(|name| folder.join(name).is_file());
        let beside = std::env::current_exe().ok().map(|program| program.with_file_name(UV_BESIDE));
        let uv = [Some(folder.join("uv")), beside].into_iter().flatten().find(|uv| uv.is_file())?;
        there.then(|| Self { folder: folder.to_owned(), uv })
    }

    /// The one that came with this package.
    pub(crate) fn in_resources(resources: &Path) -> Option<Self> {
        Self::in_folder(&resources.join(FOLDER))
    }

    /// How its environment is made in the data folder `data_dir`.
    pub(crate) fn recipe(&self, data_dir: &Path) -> Recipe {
        let wheels = self.folder.join("wheels");
        let python = self.folder.join("cpython/bin/python3");
        let python = python.is_file().then(|| python.to_string_lossy().into_owned());
        Recipe {
            download_bytes: self.word("download-bytes").and_then(|digits| digits.parse().ok()),
            wheels: wheels.is_dir().then_some(wheels),
            python: python.or_else(|| self.word("python-version")),
            ..Recipe::new(&self.uv, &self.folder, data_dir)
        }
    }

    /// Where releases are announced, if the package says so.
    pub(crate) fn releases(&self) -> Option<Place> {
        Place::of_bundle(&self.folder)
    }

    /// What a file of one word says.
    fn word(&self, name: &str) -> Option<String> {
        Some(fs::read_to_string(self.folder.join(name)).ok()?.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_one_when_its_project_and_uv_are_there() {
        let resources = tempfile::tempdir().expect("a temporary folder");
        let folder = resources.path().join(FOLDER);
        fs::create_dir_all(folder.join("sidecar")).expect("the disk has room");
        for name in ["pyproject.toml", "uv.lock", "sidecar/__main__.py", "uv"] {
            assert!(Bundle::in_resources(resources.path()).is_none());
            fs::write(folder.join(name), "").expect("the disk has room");
        }
        let bundle = Bundle::in_resources(resources.path()).expect("it is whole");
        fs::write(folder.join("download-bytes"), "72724811\n").expect("the disk has room");
        let recipe = bundle.recipe(Path::new("/data"));
        assert_eq!((recipe.wheels, recipe.download_bytes), (None, Some(72_724_811)), "it is slim");
        assert_eq!(recipe.python, None, "any that the project allows");
        fs::create_dir_all(folder.join("wheels")).expect("the disk has room");
        fs::write(folder.join("python-version"), "3.12\n").expect("the disk has room");
        let recipe = bundle.recipe(Path::new("/data"));
        assert_eq!(recipe.python.as_deref(), Some("3.12"), "its wheels are for this one");
        assert_eq!((recipe.wheels, recipe.uv), (Some(folder.join("wheels")), folder.join("uv")));
        assert_eq!(recipe.target, Path::new("/data/python"));
    }
}
