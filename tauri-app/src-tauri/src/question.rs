//! What the person is asked by the system's own dialog: a page that was taken over cannot answer it. No is the default:
//! such a page could ask while they type.

use std::time::{Duration, Instant};

use sidecar_host::RpcError;
use tauri::{Manager, WebviewWindow};
use tokio::sync::{Mutex, MutexGuard, oneshot, watch};
use tokio::time::timeout;

use crate::commands::internal;
use crate::consent::Person;
use crate::preferences::{Language, Preferences};
use crate::relay::Relay;

/// Characters of an address that a dialog can show whole.
pub(crate) const LONGEST_ADDRESS: usize = 2000;

/// In the person's language.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) yes: &'static str,
    pub(crate) no: &'static str,
}

/// The person in front of a window, while the page is there that is in it now.
#[derive(Debug)]
pub(crate) struct AtWindow<'a> {
    window: &'a WebviewWindow,
    language: Language,
    gone: watch::Receiver<bool>,
}

impl<'a> AtWindow<'a> {
    /// To be made before anything is waited for, as the page may go meanwhile.
    pub(crate) fn of(window: &'a WebviewWindow) -> Self {
        let gone = window.state::<Relay>().gone(window.label());
        Self { window, language: window.state::<Preferences>().language(), gone }
    }
}

impl Person for AtWindow<'_> {
    fn language(&self) -> Language {
        self.language
    }

    /// To close the dialog is a no. Nobody is asked any more once the page has gone, or this is dropped.
    async fn agrees(&self, question: Question) -> Result<bool, RpcError> {
        // One that has just been given up may be on its way from the screen.
        let Ok(alone) = timeout(LEAVING, ASKING.lock()).await else {
            return Err(RpcError::lasting("consent_refused", "another question is open"));
        };
        let (decide, decided) = oneshot::channel();
        // Dropped at the end, which whoever shows the dialog waits for.
        let (_wanted, unwanted) = oneshot::channel::<()>();
        let mut gone = self.gone.clone();
        if *gone.borrow() {
            return Ok(false);
        }
        show(self.window, question, Answer { decide, alone }, unwanted).map_err(internal)?;
        tokio::select! {
            answer = decided => answer.map_err(internal),
            _ = gone.wait_for(|gone| *gone) => Ok(false),
        }
    }
}

/// Held while a question is there: a pile of them is read by nobody.
static ASKING: Mutex<()> = Mutex::const_new(());

/// How long another question may take to leave the screen.
const LEAVING: Duration = Duration::from_millis(500);

/// Before that nobody has read a question: a page could have the person click, or press keys, just where yes will be.
const READING: Duration = Duration::from_secs(1);

/// Where an answer goes. With it the next question may be asked.
struct Answer {
    decide: oneshot::Sender<bool>,
    alone: MutexGuard<'static, ()>,
}

impl Answer {
    fn is(self, yes: bool) {
        drop(self.alone);
        // Whoever asked may be gone.
        let _ = self.decide.send(yes);
    }
}

/// Since when the person reads; `None`: the question is not on the screen yet.
#[derive(Debug, Default)]
struct Reading(Option<Instant>);

impl Reading {
    fn begins(&mut self, now: Instant) {
        self.0 = Some(now);
    }

    /// Whether it is meant. After a yes that was not, they begin anew: somebody presses or clicks on and on.
    fn is_meant(&mut self, yes: bool, now: Instant) -> bool {
        let has_read = self.0.is_some_and(|since| now.duration_since(since) >= READING);
        if yes && !has_read {
            self.begins(now);
        }
        !yes || has_read
    }
}

/// Not by Tauri's plugin: that has no default button, and so Return would be a yes, and no window that it belongs to.
#[cfg(target_os = "linux")]
fn show(
    window: &WebviewWindow,
    question: Question,
    answer: Answer,
    unwanted: oneshot::Receiver<()>,
) -> tauri::Result<()> {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use gtk::glib::prelude::ObjectExt;
    use gtk::glib::{MainContext, Propagation};
    use gtk::prelude::{
        Cast, ContainerExt, DialogExt, GtkWindowExt, LabelExt, MessageDialogExt, WidgetExt, WidgetExtManual,
    };
    use gtk::{ButtonsType, Container, DialogFlags, Label, MessageDialog, MessageType, ResponseType};
    use pango::{AttrInt, WrapMode};

    let parent = window.clone();
    // GTK is its main thread's.
    window.run_on_main_thread(move || {
        let parent = parent.gtk_window().ok();
        let dialog = MessageDialog::new(
            parent.as_ref(),
            DialogFlags::MODAL,
            MessageType::Question,
            ButtonsType::None,
            question.title,
        );
        dialog.set_title(question.title);
        dialog.set_secondary_text(Some(&question.text));
        // Or a long path would widen the dialog until the host is beside the screen. A hyphen is no part of an address.
        let texts = dialog.message_area().downcast::<Container>().map(|area| area.children()).unwrap_or_default();
        for label in texts.iter().filter_map(Cast::downcast_ref::<Label>) {
            label.set_line_wrap_mode(WrapMode::WordChar);
            let attributes = label.attributes().unwrap_or_default();
            attributes.insert(AttrInt::new_insert_hyphens(false));
            label.set_attributes(Some(&attributes));
        }
        dialog.add_button(question.no, ResponseType::Cancel);
        dialog.add_button(question.yes, ResponseType::Accept);
        dialog.set_default_response(ResponseType::Cancel);
        let reading = Rc::new(RefCell::new(Reading::default()));
        let begins = Rc::clone(&reading);
        dialog.connect_map_event(move |_, _| {
            begins.borrow_mut().begins(Instant::now());
            Propagation::Proceed
        });
        let answer = Cell::new(Some(answer));
        dialog.connect_response(move |dialog, response| {
            let yes = response == ResponseType::Accept;
            if !reading.borrow_mut().is_meant(yes, Instant::now()) {
                return;
            }
            // Once: GTK does not bear that a window is closed twice.
            let Some(answer) = answer.take() else { return };
            // One that is closed already goes by itself; else it would stay in sight behind the next one.
            if response != ResponseType::DeleteEvent {
                dialog.hide();
                dialog.close();
            }
            answer.is(yes);
        });
        dialog.show_all();
        let dialog = dialog.downgrade();
        MainContext::default().spawn_local(async move {
            let _ = unwanted.await;
            if let Some(dialog) = dialog.upgrade() {
                dialog.response(ResponseType::Cancel);
            }
        });
    })
}

/// The first button is the default.
#[cfg(target_os = "macos")]
fn show(
    window: &WebviewWindow,
    question: Question,
    answer: Answer,
    _unwanted: oneshot::Receiver<()>,
) -> tauri::Result<()> {
    use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogResult};

    let Question { title, text, yes, no } = question;
    let dialog = window.dialog().message(text).title(title).parent(window);
    let buttons = MessageDialogButtons::OkCancelCustom(no.into(), yes.into());
    let mut reading = Reading(Some(Instant::now()));
    dialog.buttons(buttons).show_with_result(move |button| {
        let said = matches!(button, MessageDialogResult::Custom(button) if button == yes);
        // It stays for nobody: a yes that was not meant is a no.
        answer.is(said && reading.is_meant(said, Instant::now()));
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(400);

    #[test]
    fn a_yes_counts_only_after_there_was_time_to_read() {
        let now = Instant::now();
        let mut reading = Reading::default();
        assert!(!reading.is_meant(true, now), "nothing is on the screen");
        reading.begins(now);
        assert!(!reading.is_meant(true, now + SOON));
        assert!(reading.is_meant(false, now + SOON), "a no is always one");
        assert!(reading.is_meant(true, now + SOON + READING));
    }

    #[test]
    fn who_presses_on_and_on_has_said_nothing() {
        let mut now = Instant::now();
        let mut reading = Reading(Some(now));
        for _ in 0..10 {
            now += SOON;
            assert!(!reading.is_meant(true, now));
        }
    }
}
