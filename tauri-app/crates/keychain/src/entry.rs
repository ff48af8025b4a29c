//! What an entry of the keychain is called.

use crate::account::{Account, Folder};

/// The token that other programs show to the localhost proxy. Its entry has no provider, and so is never swept as one
/// whose provider is gone.
#[derive(Debug, Clone, Copy)]
pub struct ProxyToken;

/// Something with an entry of its own.
pub trait Kept {
    #[doc(hidden)]
    fn name(&self, folder: &Folder) -> String;

    /// What a person reads of it in the system's own list.
    #[doc(hidden)]
    fn label(&self) -> String;
}

impl Kept for Account {
    fn name(&self, folder: &Folder) -> String {
        Account::name(self, folder)
    }

    fn label(&self) -> String {
        format!("Knowledge Focus: {}", self.origin)
    }
}

impl Kept for ProxyToken {
    fn name(&self, folder: &Folder) -> String {
        format!("localhost-proxy {folder}")
    }

    fn label(&self) -> String {
        "Knowledge Focus: other programs".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxys_token_is_nobodys_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::at(folder.path());
        assert_eq!(Account::named(&ProxyToken.name(&folder), &folder), None);
    }
}
