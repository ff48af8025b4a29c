//! Which key is where, and that each sidecar gets them: it keeps them in memory only.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use secrecy::SecretString;
use serde_json::json;
use sidecar_host::{Notification, RpcError, Sidecar, State, Supervisor};
use tokio::sync::{Mutex, broadcast, watch};

use crate::account::Account;
use crate::entry::ProxyToken;
use crate::error::KeychainError;
use crate::keychain::Keychain;
use crate::provider::{Provider, accounts};
use crate::request::{self, Put};
use crate::secret;

/// The keys of the person's providers.
#[derive(Debug)]
pub struct Keys {
    supervisor: Arc<Supervisor>,
    keychain: Keychain,
    /// Held for all of a change, so that what is known of providers is true until it is done.
    held: Mutex<Held>,
    lent: watch::Sender<usize>,
}

/// What this run knows.
#[derive(Debug, Default)]
struct Held {
    /// Keys that are kept for this run only.
    lent: HashMap<Account, SecretString>,
    /// Whose keys are in the keychain. `None`: it could not be asked.
    kept: Option<HashSet<Account>>,
    /// Who could have one.
    accounts: HashSet<Account>,
}

impl Keys {
    /// From now on each sidecar gets what is kept for its providers. Must be called within a Tokio runtime. Nothing is
    /// asked of the keychain before the person has added a provider.
    pub fn start(supervisor: Arc<Supervisor>, keychain: Keychain) -> Arc<Self> {
        let (state, notifications) = (supervisor.state(), supervisor.subscribe());
        let keys = Arc::new(Self { supervisor, keychain, held: Mutex::default(), lent: watch::Sender::default() });
        tokio::spawn(Arc::clone(&keys).follow(state, notifications));
        keys
    }

    /// How many sidecars have been given what is kept for them; the one that runs is among them once all of its keys were
    /// put.
    pub fn lent(&self) -> watch::Receiver<usize> {
        self.lent.subscribe()
    }

    /// The origin that a key for this provider would be for.
    ///
    /// # Errors
    /// `provider_not_found`, or `provider_invalid` (the built-in one). Else as [`Supervisor::call`].
    pub async fn origin(&self, provider_id: &str) -> Result<String, RpcError> {
        self.account(provider_id).await.map(|account| account.origin)
    }

    /// Gives a provider its key: to the sidecar, and to the keychain if it is to be `keep`t. Otherwise it is for this run
    /// only, and takes the place of a kept one. `origin` is whom the person meant it for.
    ///
    /// # Errors
    /// `consent_refused` (it has another origin now), `secret_invalid`, `provider_not_found`, `provider_invalid` (the
    /// built-in one) or `keychain_unavailable`, of which `details.reason` is the system's words: nothing is stored then.
    /// Else as [`Supervisor::call`].
    pub async fn set(&self, provider_id: &str, origin: &str, typed: &SecretString, keep: bool) -> Result<(), RpcError> {
        let key = secret::parse(typed)?;
        let mut held = self.held.lock().await;
        let account = self.account(provider_id).await?;
        if account.origin != origin {
            return Err(RpcError::lasting("consent_refused", "the provider has another address than was agreed to"));
        }
        if keep {
            self.keychain.write(&account, &key).await?;
            held.lent.remove(&account);
            match &mut held.kept {
                Some(kept) => drop(kept.insert(account.clone())),
                // It can be asked now.
                None => held.kept = self.keychain.accounts().await.ok(),
            }
        } else {
            // The one before would be back after a restart.
            if held.kept.as_ref().is_some_and(|kept| kept.contains(&account)) {
                self.sweep(&mut held, [account.clone()]).await;
            }
            held.lent.insert(account.clone(), key.clone());
        }
        let put = self.put(&account, Some(&key)).await;
        // What may go well later is put again by whoever asks, or when the next sidecar starts.
        if put.as_ref().is_err_and(|error| !error.retryable) {
            held.lent.remove(&account);
            if keep {
                self.sweep(&mut held, [account]).await;
            }
        }
        put
    }

    /// Takes a provider's key back: from the sidecar, from memory and from the keychain.
    ///
    /// # Errors
    /// `provider_not_found`, `provider_invalid` (the built-in one), or `keychain_unavailable` if it may still be in
    /// there. Else as [`Supervisor::call`].
    pub async fn delete(&self, provider_id: &str) -> Result<(), RpcError> {
        let mut held = self.held.lock().await;
        let account = self.account(provider_id).await?;
        held.lent.remove(&account);
        let put = self.put(&account, None).await;
        if held.kept.as_ref().is_none_or(|kept| kept.contains(&account)) {
            match self.keychain.remove(&account).await {
                Ok(()) => {
                    if let Some(kept) = &mut held.kept {
                        kept.remove(&account);
                    }
                }
                // There is none, and there was none when this run began.
                Err(KeychainError::Absent(_)) if held.kept.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        put
    }

    /// Removes every key of this data folder from the keychain, also of providers that are gone, and the proxy's token, and
    /// forgets those of this run.
    ///
    /// # Errors
    /// `keychain_unavailable`: some may still be in there.
    pub async fn erase(&self) -> Result<(), RpcError> {
        let mut held = self.held.lock().await;
        let (is_there, kept) = match self.keychain.accounts().await {
            Ok(kept) => (true, kept),
            // There is none, and nobody who could have a key in it.
            Err(KeychainError::Absent(_)) if held.accounts.is_empty() && held.lent.is_empty() => {
                (false, HashSet::new())
            }
            Err(error) => return Err(error.into()),
        };
        for account in kept {
            self.keychain.remove(&account).await?;
        }
        if is_there {
            self.keychain.remove(&ProxyToken).await?;
        }
        held.lent.clear();
        held.kept = Some(HashSet::new());
        Ok(())
    }

    /// Gives each sidecar its keys, and lets go of those that belong to nobody any more; until the app leaves.
    async fn follow(
        self: Arc<Self>,
        mut state: watch::Receiver<State>,
        mut notifications: broadcast::Receiver<Notification>,
    ) {
        let mut served = Weak::<Sidecar>::new();
        state.mark_changed();
        loop {
            tokio::select! {
                changed = state.changed() => {
                    let now = state.borrow_and_update().clone();
                    match now {
                        State::Ready(sidecar) if served.as_ptr() != Arc::as_ptr(&sidecar) => {
                            served = Arc::downgrade(&sidecar);
                            self.lend(&sidecar).await;
                            self.lent.send_modify(|sidecars| *sidecars += 1);
                        }
                        State::Stopped => return,
                        _ if changed.is_err() => return,
                        _ => {}
                    }
                }
                notification = notifications.recv() => match notification {
                    Ok(notification) if notification.method != request::CHANGED => {}
                    // What it says may be old by now; the sidecar is asked.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                        if let Some(sidecar) = served.upgrade() {
                            self.forget_gone(&sidecar).await;
                        }
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
            }
        }
    }

    /// Puts all there is to a sidecar that has just started. What fails is logged: the app goes on without.
    async fn lend(&self, sidecar: &Sidecar) {
        let mut held = self.held.lock().await;
        let Some(found) = self.look(&mut held, sidecar).await else { return };
        if held.accounts.is_empty() {
            // Else what may lie there belongs to nobody, and is swept when there is a provider again.
            let known = held.kept.take().unwrap_or_default();
            held.kept = Some(known.clone());
            self.sweep(&mut held, known).await;
            return;
        }
        match self.keychain.accounts().await {
            Ok(mut found) => {
                // One that was locked since does not show what this run has put into it: what was kept is kept.
                found.extend(held.kept.take().unwrap_or_default());
                let gone: Vec<_> = found.difference(&held.accounts).cloned().collect();
                held.kept = Some(found);
                self.sweep(&mut held, gone).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the keychain cannot be used: only keys of this run are put");
                held.kept = None;
            }
        }
        // One that has its key was quicker: the window gave it before this.
        for account in found.iter().filter(|provider| !provider.has_secret).filter_map(Provider::account) {
            let put = match self.key(&held, &account).await {
                Ok(Some(key)) => {
                    request::put(sidecar.call(request::id(), request::PUT, &Put::new(&account, Some(&key)))).await
                }
                Ok(None) => continue,
                Err(error) => Err(error.into()),
            };
            match put {
                Ok(()) => tracing::info!(provider = account.provider_id, "a key was put"),
                Err(error) => {
                    tracing::warn!(kind = &*error.kind, provider = account.provider_id, "a key was not put");
                }
            }
        }
    }

    /// The key of this run, else the kept one.
    async fn key(&self, held: &Held, account: &Account) -> Result<Option<SecretString>, KeychainError> {
        match held.lent.get(account) {
            Some(key) => Ok(Some(key.clone())),
            None if held.kept.as_ref().is_some_and(|kept| kept.contains(account)) => self.keychain.read(account).await,
            None => Ok(None),
        }
    }

    /// A provider is gone, or has another address: the key that was for it goes, too.
    async fn forget_gone(&self, sidecar: &Sidecar) {
        let mut held = self.held.lock().await;
        let before = held.accounts.clone();
        if self.look(&mut held, sidecar).await.is_none() {
            return;
        }
        let candidates = held.kept.as_ref().unwrap_or(&before);
        let gone: Vec<_> = candidates.difference(&held.accounts).cloned().collect();
        self.sweep(&mut held, gone).await;
    }

    /// Learns who could have a key, if the sidecar says so. Keys of this run that are nobody's are dropped.
    async fn look(&self, held: &mut Held, sidecar: &Sidecar) -> Option<Vec<Provider>> {
        match request::providers(sidecar.call(request::id(), request::LIST, &json!({}))).await {
            Ok(found) => {
                held.accounts = accounts(&found);
                held.lent.retain(|account, _| held.accounts.contains(account));
                Some(found)
            }
            // An older one has no such method.
            Err(error) => {
                tracing::warn!(kind = &*error.kind, "the sidecar does not say which providers there are");
                None
            }
        }
    }

    /// Removes entries from the keychain. One that stays is found again at the next start.
    async fn sweep(&self, held: &mut Held, gone: impl IntoIterator<Item = Account>) {
        for account in gone {
            match self.keychain.remove(&account).await {
                Ok(()) => {
                    tracing::info!(provider = account.provider_id, "a key was removed from the keychain");
                    if let Some(kept) = &mut held.kept {
                        kept.remove(&account);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a key that nobody needs is still in the keychain");
                    held.kept = None;
                }
            }
        }
    }

    /// Where the provider's key belongs now, asked of the sidecar: a window could say anything.
    async fn account(&self, provider_id: &str) -> Result<Account, RpcError> {
        let found = request::providers(self.supervisor.call(request::id(), request::LIST, &json!({}))).await?;
        let found = found.iter().find(|provider| provider.id == provider_id);
        let details = json!({"provider": provider_id});
        let found =
            found.ok_or_else(|| RpcError::lasting("provider_not_found", "no such provider").with_details(details))?;
        let reason = if found.builtin { "builtin" } else { "address" };
        let details = json!({"reason": reason});
        let found = found.account();
        found.ok_or_else(|| RpcError::lasting("provider_invalid", "it can have no key").with_details(details))
    }

    /// To the sidecar that runs, or to the next one.
    async fn put(&self, account: &Account, key: Option<&SecretString>) -> Result<(), RpcError> {
        let params = Put::new(account, key);
        match request::put(self.supervisor.call(request::id(), request::PUT, &params)).await {
            Err(error) if error.kind == "sidecar_restarted" => {
                request::put(self.supervisor.call(request::id(), request::PUT, &params)).await
            }
            result => result,
        }
    }
}
