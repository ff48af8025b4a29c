//! The name of an entry: whose key it is, what it was given for, and the data folder that knows the provider.

use std::path::Path;

use sha2::{Digest, Sha256};

/// One provider at one origin. At another origin it is another account: a key never follows an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    pub provider_id: String,
    pub origin: String,
}

/// Data folders are told apart by it: a demo's providers are not the person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(String);

impl std::fmt::Display for Folder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Folder {
    /// By its real path, of which a hash is enough: a keychain's names are for everybody to read.
    pub(crate) fn at(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
        Self(digest[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Account {
    /// What the entry is called in the keychain.
    pub(crate) fn name(&self, folder: &Folder) -> String {
        format!("{} {} {}", self.provider_id, self.origin, folder.0)
    }

    /// Whose entry is called `name`; `None` for one of another data folder.
    pub(crate) fn named(name: &str, folder: &Folder) -> Option<Self> {
        let mut parts = name.rsplitn(3, ' ');
        let (of, origin, provider_id) = (parts.next()?, parts.next()?, parts.next()?);
        (of == folder.0).then(|| Self { provider_id: provider_id.to_owned(), origin: origin.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_known_by_its_name_in_its_own_data_folder_only() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
        let [ours, other] = folders.each_ref().map(|folder| Folder::at(folder.path()));
        let account = Account { provider_id: "a b".into(), origin: "https://example.com".into() };
        let name = account.name(&ours);
        assert_eq!(Account::named(&name, &ours), Some(account));
        assert_eq!(Account::named(&name, &other), None);
        assert_eq!(Account::named("something else", &ours), None);
    }

    #[test]
    fn two_names_of_one_folder_are_one_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).expect("a link");
        assert_eq!(Folder::at(&link), Folder::at(folder.path()));
    }
}
