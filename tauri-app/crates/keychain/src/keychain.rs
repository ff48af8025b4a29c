//! The system's keychain: on Linux the Secret Service, on macOS the login keychain.
//!
//! Its calls block, and a locked one may ask the person for as long as it likes. So they are made on a thread of its own,
//! one after another (two at once would be two questions), and nobody waits for them longer than a time limit.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::account::{Account, Folder};
use crate::entry::Kept;
use crate::error::KeychainError;
use crate::refusal::{Refusal, Refusals};

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(target_os = "linux")]
use zbus_secret_service_keyring_store::Store;

/// How long one call may take: enough to type a password that the system asks for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The app's identifier (tauri.conf.json), by which its entries are found.
const SERVICE: &str = "knowledge-focus.huozhong.in";

/// Why nothing is written.
const REFUSED: &str = "nothing is kept in it any more: the app erases everything, or leaves";

type Job = Box<dyn FnOnce() + Send>;

/// The entries of one data folder. Clones share its thread.
#[derive(Debug, Clone)]
pub struct Keychain {
    folder: Folder,
    patience: Duration,
    jobs: mpsc::Sender<Job>,
    refusals: Refusals,
}

impl Keychain {
    /// Nothing is asked of the system yet. `data` is the data folder that tells its entries from others'.
    pub fn of_folder(data: &Path, patience: Duration) -> Self {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let work = move || waiting.into_iter().for_each(|job| job());
        // Without a thread every call says that there is no keychain.
        if let Err(error) = std::thread::Builder::new().name("keychain".into()).spawn(work) {
            tracing::error!(%error, "no thread for the keychain");
        }
        Self { folder: Folder::at(data), patience, jobs, refusals: Refusals::default() }
    }

    /// Whose keys are in it.
    ///
    /// # Errors
    /// See [`KeychainError`], as all of these.
    pub async fn accounts(&self) -> Result<HashSet<Account>, KeychainError> {
        let folder = self.folder.clone();
        let look = move |store: &Store| {
            let entries = store.search(&HashMap::from([("service", SERVICE)]))?;
            let names = entries.iter().filter_map(Entry::get_specifiers);
            Ok(names.filter_map(|(_, name)| Account::named(&name, &folder)).collect())
        };
        self.ask(look, |_, _| ()).await
    }

    /// The key of `account`, if there is one.
    pub async fn read(&self, account: &impl Kept) -> Result<Option<SecretString>, KeychainError> {
        let place = self.place(account);
        self.ask(move |store| Ok(secret(&place.entry(store)?)?.and_then(text)), |_, _| ()).await
    }

    /// Keeps a key, in place of the one before. Nothing is kept that was not said to be: what the system does after the
    /// time limit, when the person answers at last, is undone, and the one before is there again. While there is a
    /// [`Refusal`] it fails as if the keychain were closed.
    pub async fn write(&self, account: &impl Kept, key: &SecretString) -> Result<(), KeychainError> {
        if self.refusals.are_there() {
            return Err(KeychainError::Closed(REFUSED.into()));
        }
        let (place, key) = (self.place(account), key.clone());
        let (undone, refusals) = (self.place(account), self.refusals.clone());
        let write = move |store: &Store| {
            let entry = place.entry(store)?;
            let before = secret(&entry)?;
            // Here, where all is done in its order: it may have waited long since it was asked for.
            if refusals.are_there() {
                return Err(Error::NoStorageAccess(REFUSED.into()));
            }
            entry.set_secret(key.expose_secret().as_bytes())?;
            Ok(before)
        };
        let undo = move |store: &Store, before: Option<SecretSlice<u8>>| {
            let back = match before {
                Some(before) => undone.entry(store).and_then(|entry| entry.set_secret(before.expose_secret())),
                None => undone.remove(store),
            };
            if let Err(error) = back {
                tracing::warn!(%error, "a key that came too late is still in the keychain");
            }
        };
        self.ask(write, undo).await.map(drop)
    }

    /// Removes the key of `account`, if there is one.
    pub async fn remove(&self, account: &impl Kept) -> Result<(), KeychainError> {
        let place = self.place(account);
        self.ask(move |store| place.remove(store), |_, ()| ()).await
    }

    /// From now on nothing is written, whoever asked for it and when. A removal that is asked for afterwards comes after
    /// all that was.
    pub fn refuse_writes(&self) -> Refusal {
        self.refusals.begin()
    }

    fn place(&self, account: &impl Kept) -> Place {
        Place { name: account.name(&self.folder), label: account.label() }
    }

    /// Has `work` done, and `undo` with what came of it if whoever asked has gone meanwhile.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> keyring_core::Result<T> + Send + 'static,
        undo: impl FnOnce(&Store, T) + Send + 'static,
    ) -> Result<T, KeychainError> {
        let (answer, mut answered) = oneshot::channel();
        let job = move || {
            if answer.is_closed() {
                return;
            }
            // A new one each time: a keychain may come, go and start again while the app runs.
            match open() {
                Ok(store) => {
                    if let Err(Ok(done)) = answer.send(work(&store).map_err(KeychainError::from)) {
                        undo(&store, done);
                    }
                }
                Err(error) => {
                    let _ = answer.send(Err(error));
                }
            }
        };
        // Fails like a job that is lost: nobody answers.
        let _ = self.jobs.send(Box::new(job));
        let lost = |_| Err(KeychainError::Closed("it failed without a word".into()));
        match timeout(self.patience, &mut answered).await {
            Ok(result) => result.unwrap_or_else(lost),
            Err(_) => {
                // From here on it is late; what was said just before counts.
                answered.close();
                let seconds = self.patience.as_secs();
                let late = |_| Err(KeychainError::Closed(format!("no answer in {seconds} s")));
                answered.try_recv().unwrap_or_else(late)
            }
        }
    }
}

fn open() -> Result<Arc<Store>, KeychainError> {
    Store::new().map_err(|error| KeychainError::Absent(error.to_string()))
}

/// What the entry holds, if it is there.
fn secret(entry: &Entry) -> keyring_core::Result<Option<SecretSlice<u8>>> {
    match entry.get_secret() {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text that the bytes are. They are wiped, whatever they are; those of somebody else's making are no key of ours.
fn text(bytes: SecretSlice<u8>) -> Option<SecretString> {
    str::from_utf8(bytes.expose_secret()).ok().map(SecretString::from)
}

/// Where a key is: the entry's name, and what a person reads of it in the system's own list.
struct Place {
    name: String,
    label: String,
}

impl Place {
    fn entry(&self, store: &Store) -> keyring_core::Result<Entry> {
        // macOS shows service and account, and takes no label.
        let label = HashMap::from([("label", &*self.label)]);
        store.build(SERVICE, &self.name, cfg!(target_os = "linux").then_some(&label))
    }

    fn remove(&self, store: &Store) -> keyring_core::Result<()> {
        match self.entry(store)?.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            // A copy that somebody made goes, too.
            Err(Error::Ambiguous(entries)) => entries.iter().try_for_each(Entry::delete_credential),
            result => result,
        }
    }
}
