//! What the person has to agree to before a window can have it done: that words go to another computer, that something is
//! fetched from an address that the window names. A page that was taken over would agree by itself, so it is never asked.

mod words;

use std::collections::HashSet;
use std::net::IpAddr;

use keychain::origin_of;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sidecar_host::RpcError;
use tokio::sync::Mutex;

use crate::allow_list::Marks;
use crate::preferences::Language;
use crate::question::{LONGEST_ADDRESS, Question};

/// Who is asked, and in which language.
pub(crate) trait Person: Sync {
    fn language(&self) -> Language;
    /// Whether they say yes.
    fn agrees(&self, question: Question) -> impl Future<Output = Result<bool, RpcError>> + Send;
}

/// What for a window names an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Words are sent there.
    Provider,
    /// A model is fetched from there.
    Mirror,
    /// Python and its packages are fetched from there.
    Packages,
    /// Words are sent there with another key than before: whoever that belongs to may see them.
    Key,
}

/// The addresses that the person agreed to in this run, each for a purpose. They are kept nowhere else: no page can write
/// them. Not their origins: where a path says whose account or repository it is, another path is somebody else's.
#[derive(Debug, Default)]
pub(crate) struct Agreements(Mutex<HashSet<(Purpose, String)>>);

/// What the sidecar wants to have been agreed to, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Consent {
    LeavesComputer,
    PlainHttp,
    BackgroundLeaves,
    DeletesRest,
}

/// Of one request: what the person agreed to.
#[derive(Debug)]
pub(crate) struct Consents<'a> {
    /// The member of the params that says it to the sidecar, and what that can be; `None`: the method has none.
    member: Option<(&'a str, &'a [Consent])>,
    given: Vec<Consent>,
}

impl Agreements {
    /// Returns if `address` is of this computer, or the person agreed to it in this run, or does so now; and whether it is
    /// another computer's.
    ///
    /// # Errors
    /// `consent_refused`; `provider_invalid`, `mirror_invalid` or `environment_address_invalid` if it is no address.
    pub(crate) async fn need(&self, purpose: Purpose, address: &str, person: &impl Person) -> Result<bool, RpcError> {
        let address = address.trim();
        let origin = checked_origin(address).ok_or_else(|| purpose.invalid())?;
        if is_of_this_computer(&origin) {
            return Ok(false);
        }
        let base = base_of(origin, address);
        // One question at a time: whoever comes with the same address meanwhile finds the answer.
        let mut agreed = self.0.lock().await;
        if !agreed.contains(&(purpose, base.clone())) {
            ask(person, words::of_address(person.language(), purpose, address)).await?;
            agreed.insert((purpose, base));
        }
        Ok(true)
    }

    /// Returns if a key may be given to a provider of that origin: it is of this computer, or the person says so now. The
    /// first key of a provider that was agreed to in this run comes with that, and `true` says so; another may be
    /// somebody else's.
    ///
    /// # Errors
    /// `consent_refused`; `provider_invalid` if it is no origin.
    pub(crate) async fn need_key(&self, origin: &str, person: &impl Person) -> Result<bool, RpcError> {
        let origin = checked_origin(origin).ok_or_else(|| Purpose::Key.invalid())?;
        if is_of_this_computer(&origin) {
            return Ok(false);
        }
        let mut agreed = self.0.lock().await;
        let is_provider = |(purpose, known): &(Purpose, String)| {
            *purpose == Purpose::Provider && origin_of(known).as_deref() == Some(&origin)
        };
        if agreed.iter().any(is_provider) && agreed.insert((Purpose::Key, origin.clone())) {
            return Ok(true);
        }
        ask(person, words::of_address(person.language(), Purpose::Key, &origin)).await?;
        agreed.insert((Purpose::Key, origin));
        Ok(false)
    }

    /// The first key could not be set: the next one is the first.
    pub(crate) async fn key_was_not_set(&self, origin: &str) {
        if let Some(origin) = checked_origin(origin) {
            self.0.lock().await.remove(&(Purpose::Key, origin));
        }
    }
}

impl Purpose {
    /// The sidecar's own words for an address that is none.
    fn invalid(self) -> RpcError {
        let kind = match self {
            Self::Provider | Self::Key => "provider_invalid",
            Self::Mirror => "mirror_invalid",
            Self::Packages => "environment_address_invalid",
        };
        RpcError::lasting(kind, "this is no address").with_details(json!({"reason": "address"}))
    }
}

impl<'a> Consents<'a> {
    /// `agreed`: the person agreed to an address of the request that words go to, whose dialog says all of that.
    pub(crate) fn new(marks: &'a Marks, agreed: bool) -> Self {
        let given = if agreed { vec![Consent::LeavesComputer, Consent::PlainHttp] } else { Vec::new() };
        Self { member: marks.consents(), given }
    }

    /// `params` with what was agreed to, whatever stood there.
    pub(crate) fn filled_into(&self, params: &Value) -> Value {
        let mut params = params.clone();
        if let (Some((member, _)), Some(members)) = (self.member, params.as_object_mut()) {
            members.insert(member.to_owned(), json!(self.given));
        }
        params
    }

    /// Has the person agree to what the sidecar wants first: the request is to be made again.
    ///
    /// # Errors
    /// `consent_refused`; any other error of the sidecar's is passed on.
    pub(crate) async fn ask_for(
        &mut self,
        error: RpcError,
        params: &Value,
        person: &impl Person,
    ) -> Result<(), RpcError> {
        let Some((consent, address)) = self.wanted(&error) else { return Err(error) };
        let job = params["capability"].as_str().unwrap_or_default();
        ask(person, words::of_consent(person.language(), consent, job, address)).await?;
        self.given.push(consent);
        Ok(())
    }

    /// What is wanted, and where things would go, if they go anywhere.
    fn wanted<'b>(&self, error: &'b RpcError) -> Option<(Consent, &'b str)> {
        let (_, possible) = self.member?;
        let needs = if error.kind == "consent_needed" { &error.details["needs"] } else { return None };
        let needs: Vec<Consent> = Vec::deserialize(needs).ok()?;
        let new = needs.into_iter().find(|consent| possible.contains(consent) && !self.given.contains(consent))?;
        let address = error.details["address"].as_str();
        Some((new, if new == Consent::DeletesRest { "" } else { address? }))
    }
}

/// # Errors
/// `consent_refused`: they said no.
pub(crate) async fn ask(person: &impl Person, question: Question) -> Result<(), RpcError> {
    if person.agrees(question).await? {
        return Ok(());
    }
    Err(RpcError::lasting("consent_refused", "the person was asked and said no"))
}

/// Whether both are the same address.
pub(crate) fn are_one(one: &str, other: &str) -> bool {
    let bases = [one, other].map(str::trim).map(|address| Some(base_of(checked_origin(address)?, address)));
    bases[0].is_some() && bases[0] == bases[1]
}

/// The address whose origin that is, in the form in which two are compared.
fn base_of(origin: String, address: &str) -> String {
    let after = address.split_once("://").map_or("", |(_, after)| after);
    let path = after.find(['/', '?', '#']).map_or("", |at| &after[at..]);
    origin + path.trim_end_matches('/')
}

/// As the sidecar reads it, which takes nothing but visible ASCII: another letter could look like one of them. And nothing
/// that a dialog could not show whole.
fn checked_origin(address: &str) -> Option<String> {
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (plain && address.len() <= LONGEST_ADDRESS).then(|| origin_of(address)).flatten()
}

/// As the sidecar sees it (`Address.leaves_computer`): a name is another computer's, whatever it stands for now.
fn is_of_this_computer(origin: &str) -> bool {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next(),
        None => authority.split(':').next(),
    };
    host.is_some_and(|host| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests;
