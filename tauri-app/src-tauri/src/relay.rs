//! Between the windows and the sidecar: who called what, and what ends with a page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use sidecar_host::{Call, Event, Notification, RpcError, State, Supervisor};
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;
use uuid::Uuid;

use crate::allow_list::{AllowList, Marks};
use crate::consent::{self, Agreements, Consents, Person, Purpose, are_one};
use crate::deletion::Deletion;
use crate::environment::{self, Environment};
use crate::erasure::Holder;
use crate::offered::Offered;
use crate::page::{PageEvent, PageStream};

/// Passes requests of windows to the sidecar, whatever they are, if the window may call them.
#[derive(Debug)]
pub(crate) struct Relay {
    supervisor: Arc<Supervisor>,
    allowed: AllowList,
    agreements: Arc<Agreements>,
    /// By label. An entry is one page: it ends when its window reloads or closes.
    pages: Mutex<HashMap<String, Page>>,
}

/// One of a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) params: &'a Value,
}

#[derive(Debug)]
struct Page {
    gone: watch::Sender<bool>,
    /// By request id.
    calls: HashMap<String, Cancel>,
    /// Ends the subscription before this one.
    subscription: watch::Sender<()>,
}

/// Whether its page gave a request up. Whoever looks late learns it, too.
#[derive(Debug, Clone, Default)]
struct Cancel(Arc<watch::Sender<bool>>);

impl Relay {
    pub(crate) fn new(supervisor: Arc<Supervisor>, allowed: AllowList, agreements: Arc<Agreements>) -> Self {
        Self { supervisor, allowed, agreements, pages: Mutex::default() }
    }

    /// Sends a request for a window, with no path that was not `offered` to it and no address that the person did not agree
    /// to, and streams its notifications to the page, all of them before the answer.
    pub(crate) async fn call(
        &self,
        window: &str,
        request: Request<'_>,
        offered: &Offered,
        person: &impl Person,
        mut stream: PageStream,
    ) -> Result<Box<RawValue>, RpcError> {
        let marks = self.allowed.marks(request.method)?;
        marks.check(request.params, |path| offered.check(window, path))?;
        let (cancel, mut gone) = self.enter(window, request.id)?;
        let answer = tokio::select! {
            answer = self.agreed(&request, marks, person, &mut stream, &cancel) => answer,
            // Leaving drops the call, which cancels the request.
            _ = gone.wait_for(|gone| *gone) => Err(cancelled("its page is gone")),
        };
        self.leave(window, request.id, &cancel);
        answer
    }

    /// The answer to a request once the person agreed to all that it needs.
    async fn agreed(
        &self,
        request: &Request<'_>,
        marks: &Marks,
        person: &impl Person,
        stream: &mut PageStream,
        cancel: &Cancel,
    ) -> Result<Box<RawValue>, RpcError> {
        if marks.is_irreversible() {
            let deletion = Deletion::by(request.method, request.params, &self.supervisor);
            if let Some(deletion) = cancel.else_of(deletion).await? {
                cancel.else_of(consent::ask(person, deletion.question(person.language()))).await?;
            }
        }
        let mut is_agreed = false;
        for (purpose, address) in marks.addresses(request.params)? {
            if purpose == Purpose::Mirror && cancel.else_of(self.is_in_catalog(address)).await? {
                continue;
            }
            let leaves = cancel.else_of(self.agreements.need(purpose, address, person)).await?;
            is_agreed |= leaves && purpose == Purpose::Provider;
        }
        let mut consents = Consents::new(marks, is_agreed);
        loop {
            let params = consents.filled_into(request.params);
            let sent = self.supervisor.call(request.id.to_owned(), request.method, &params);
            match forward(sent, stream, cancel).await {
                Err(error) => cancel.else_of(consents.ask_for(error, request.params, person)).await?,
                answer => return answer,
            }
        }
    }

    /// Whether the app itself comes with this mirror.
    async fn is_in_catalog(&self, address: &str) -> Result<bool, RpcError> {
        let call = self.supervisor.call(Uuid::new_v4().to_string(), "models/list", &json!({})).await?;
        let answer: Value = serde_json::from_str(call.answer().await?.get()).unwrap_or_default();
        let models = answer["models"].as_array().into_iter().flatten();
        let mut mirrors = models.flat_map(|model| model["mirrors"].as_array().into_iter().flatten());
        Ok(mirrors.any(|mirror| mirror.as_str().is_some_and(|mirror| are_one(mirror, address))))
    }

    /// Asks the sidecar to stop a request of this window. One that is over is no error: they may cross.
    pub(crate) fn cancel(&self, window: &str, request_id: &str) {
        if let Some(cancel) = self.pages().get(window).and_then(|page| page.calls.get(request_id)) {
            cancel.0.send_replace(true);
        }
    }

    /// From now on everything that belongs to no request, for one page; ends the page's subscription before.
    pub(crate) fn subscribe(&self, window: &str, environment: &Environment) -> Subscription {
        let mut pages = self.pages();
        let page = pages.entry(window.to_owned()).or_default();
        page.subscription.send_replace(());
        Subscription {
            notifications: self.supervisor.subscribe(),
            state: self.supervisor.state(),
            environment: environment.state(),
            gone: page.gone.subscribe(),
            replaced: page.subscription.subscribe(),
        }
    }

    /// The window reloads or closes: its requests are cancelled, its subscription ends.
    pub(crate) fn page_gone(&self, window: &str) {
        if let Some(page) = self.pages().remove(window) {
            page.gone.send_replace(true);
        }
    }

    /// Whether the page that is in the window now has reloaded or closed.
    pub(crate) fn gone(&self, window: &str) -> watch::Receiver<bool> {
        self.pages().entry(window.to_owned()).or_default().gone.subscribe()
    }

    /// Where the sidecar stands, as the window reads it.
    pub(crate) fn sidecar_state(&self) -> Value {
        describe(&self.supervisor.state().borrow())
    }

    /// Who has the data folder, as far as the state of our own sidecar tells.
    pub(crate) fn data_folder_holder(&self) -> Holder {
        match *self.supervisor.state().borrow() {
            State::Ready(_) => Holder::Ours,
            State::Starting => Holder::Unknown,
            State::Down { .. } | State::Stopped => Holder::Another,
        }
    }

    /// What the sidecar that is ready answers, if it does so in time; for the shell's own use.
    pub(crate) async fn ask(&self, method: &str, patience: Duration) -> Option<Value> {
        if !matches!(*self.supervisor.state().borrow(), State::Ready(_)) {
            return None;
        }
        let asked = async {
            let call = self.supervisor.call(Uuid::new_v4().to_string(), method, &json!({})).await.ok()?;
            serde_json::from_str(call.answer().await.ok()?.get()).ok()
        };
        timeout(patience, asked).await.ok().flatten()
    }

    /// Ends the sidecar that runs or hangs, and starts another.
    pub(crate) fn restart_sidecar(&self) {
        self.supervisor.restart();
    }

    /// Ends the sidecar and everything it started.
    pub(crate) async fn shut_down(&self) {
        self.supervisor.shut_down().await;
    }

    fn enter(&self, window: &str, request_id: &str) -> Result<(Cancel, watch::Receiver<bool>), RpcError> {
        let mut pages = self.pages();
        let page = pages.entry(window.to_owned()).or_default();
        let cancel = Cancel::default();
        if page.calls.contains_key(request_id) {
            return Err(RpcError::lasting("invalid_json_rpc", "a request with this id is under way"));
        }
        page.calls.insert(request_id.to_owned(), cancel.clone());
        Ok((cancel, page.gone.subscribe()))
    }

    fn leave(&self, window: &str, request_id: &str, cancel: &Cancel) {
        if let Some(page) = self.pages().get_mut(window) {
            // After a reload the entry may be the next page's own call of the same id.
            if page.calls.get(request_id).is_some_and(|entry| Arc::ptr_eq(&entry.0, &cancel.0)) {
                page.calls.remove(request_id);
            }
        }
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<String, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cancel {
    async fn given(&self) {
        let _ = self.0.subscribe().wait_for(|given| *given).await;
    }

    /// What comes of `work`, which is dropped with the request: a question of it goes, too.
    async fn else_of<T>(&self, work: impl Future<Output = Result<T, RpcError>>) -> Result<T, RpcError> {
        tokio::select! {
            biased;
            () = self.given() => Err(cancelled("its page gave it up")),
            done = work => done,
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { gone: watch::Sender::new(false), calls: HashMap::new(), subscription: watch::Sender::new(()) }
    }
}

async fn forward(
    sent: impl Future<Output = Result<Call, RpcError>>,
    stream: &mut PageStream,
    cancel: &Cancel,
) -> Result<Box<RawValue>, RpcError> {
    // Until then no sidecar has seen it.
    let mut call = cancel.else_of(sent).await?;
    let mut is_told = false;
    loop {
        tokio::select! {
            event = call.next() => match event {
                Event::Notification(notification) => {
                    let sent = stream.send(PageEvent::Sidecar(notification)).await;
                    sent.map_err(|error| cancelled(&format!("its page cannot be reached: {error}")))?;
                }
                Event::Answer(answer) => {
                    stream.settle().await;
                    return answer;
                }
            },
            () = cancel.given(), if !is_told => {
                is_told = true;
                call.cancel();
            }
        }
    }
}

/// What one page hears of, from the moment it asked.
pub(crate) struct Subscription {
    notifications: broadcast::Receiver<Notification>,
    state: watch::Receiver<State>,
    environment: watch::Receiver<environment::State>,
    gone: watch::Receiver<bool>,
    replaced: watch::Receiver<()>,
}

impl Subscription {
    /// Streams until the page goes or subscribes again.
    pub(crate) async fn stream(mut self, mut stream: PageStream) {
        tokio::select! {
            () = notify(self.notifications, self.state, self.environment, &mut stream) => {}
            _ = self.gone.wait_for(|gone| *gone) => {}
            _ = self.replaced.changed() => {}
        }
    }
}

/// Never returns while the page can be reached.
async fn notify(
    mut notifications: broadcast::Receiver<Notification>,
    mut state: watch::Receiver<State>,
    mut environment: watch::Receiver<environment::State>,
    stream: &mut PageStream,
) {
    state.mark_changed();
    environment.mark_changed();
    loop {
        let event = tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                let params = describe(&state.borrow_and_update());
                PageEvent::Shell { method: "shell/sidecar", params }
            }
            // Nothing changes any more once it is there, and whoever made it is gone.
            Ok(()) = environment.changed() => {
                let params = json!(*environment.borrow_and_update());
                PageEvent::Shell { method: "shell/environment", params }
            }
            notification = notifications.recv() => match notification {
                Ok(notification) => PageEvent::Sidecar(notification),
                Err(broadcast::error::RecvError::Lagged(count)) => {
                    PageEvent::Shell { method: "shell/notificationsLost", params: json!({"count": count}) }
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
        };
        if stream.send(event).await.is_err() {
            return;
        }
    }
}

fn describe(state: &State) -> Value {
    match state {
        State::Starting => json!({"state": "starting"}),
        State::Ready(_) => json!({"state": "ready"}),
        State::Down { error, .. } => json!({"state": "down", "error": error}),
        State::Stopped => json!({"state": "stopped"}),
    }
}

fn cancelled(why: &str) -> RpcError {
    RpcError::lasting("request_cancelled", why)
}
