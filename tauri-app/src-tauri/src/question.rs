//! What the person is asked by the system's own dialog: a page that was taken over cannot answer it. No is the default:
//! such a page could ask while they type.

use std::time::Duration;

use sidecar_host::RpcError;
use tauri::{Manager, WebviewWindow};
use tokio::sync::{Mutex, oneshot};

use crate::commands::internal;
use crate::consent::Person;
use crate::preferences::{Language, Preferences};

/// In the person's language.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) yes: &'static str,
    pub(crate) no: &'static str,
}

/// The person in front of a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtWindow<'a> {
    window: &'a WebviewWindow,
    language: Language,
}

impl<'a> AtWindow<'a> {
    pub(crate) fn of(window: &'a WebviewWindow) -> Self {
        Self { window, language: window.state::<Preferences>().language() }
    }
}

impl Person for AtWindow<'_> {
    fn language(&self) -> Language {
        self.language
    }

    async fn agrees(&self, question: Question) -> Result<bool, RpcError> {
        agreed(self.window, question).await
    }
}

/// One question at a time: a pile of them is read by nobody.
static ASKING: Mutex<()> = Mutex::const_new(());

/// Before anybody has read a question a pointer says nothing: a page could have the person click twice where yes will be.
const READING: Duration = Duration::from_secs(1);

/// Whether the person said yes. To close the dialog is a no. Nobody is asked any more once this is dropped, as when the page
/// has gone that wanted it.
pub(crate) async fn agreed(window: &WebviewWindow, question: Question) -> Result<bool, RpcError> {
    let _alone = ASKING.lock().await;
    let (decide, decided) = oneshot::channel();
    let (_asking, over) = oneshot::channel::<()>();
    show(window, question, decide, over).map_err(internal)?;
    decided.await.map_err(internal)
}

/// Whether it was meant, after the question had been there `for_so_long`.
fn is_meant(yes: bool, by_pointer: bool, for_so_long: Duration) -> bool {
    !(yes && by_pointer) || for_so_long >= READING
}

/// Not by Tauri's plugin: that has no default button, and so Return would be a yes, and no window that it belongs to.
#[cfg(target_os = "linux")]
fn show(
    window: &WebviewWindow,
    question: Question,
    decide: oneshot::Sender<bool>,
    over: oneshot::Receiver<()>,
) -> tauri::Result<()> {
    use std::time::Instant;

    use gtk::gdk::EventType;
    use gtk::glib::MainContext;
    use gtk::glib::prelude::ObjectExt;
    use gtk::prelude::{Cast, ContainerExt, DialogExt, GtkWindowExt, LabelExt, MessageDialogExt, WidgetExt};
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
        let decide = std::cell::Cell::new(Some(decide));
        let shown = Instant::now();
        dialog.connect_response(move |dialog, response| {
            let by_pointer = gtk::current_event().is_some_and(|event| {
                matches!(event.event_type(), EventType::ButtonPress | EventType::ButtonRelease | EventType::TouchEnd)
            });
            let yes = response == ResponseType::Accept;
            if !is_meant(yes, by_pointer, shown.elapsed()) {
                return;
            }
            if let Some(decide) = decide.take() {
                // Whoever asked may be gone.
                let _ = decide.send(yes);
            }
            // One that is closed already goes by itself.
            if response != ResponseType::DeleteEvent {
                dialog.close();
            }
        });
        dialog.show_all();
        let dialog = dialog.downgrade();
        MainContext::default().spawn_local(async move {
            let _ = over.await;
            if let Some(dialog) = dialog.upgrade().filter(|dialog| dialog.is_visible()) {
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
    decide: oneshot::Sender<bool>,
    _over: oneshot::Receiver<()>,
) -> tauri::Result<()> {
    use std::time::Instant;

    use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogResult};

    let Question { title, text, yes, no } = question;
    let dialog = window.dialog().message(text).title(title).parent(window);
    let buttons = MessageDialogButtons::OkCancelCustom(no.into(), yes.into());
    let shown = Instant::now();
    dialog.buttons(buttons).show_with_result(move |answer| {
        let yes = matches!(answer, MessageDialogResult::Custom(button) if button == yes);
        // It does not say by what, and stays for nobody: so a quick yes is a no. Whoever asked may be gone.
        let _ = decide.send(yes && is_meant(yes, true, shown.elapsed()));
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_of_the_pointer_counts_only_after_there_was_time_to_read() {
        let (soon, later) = (Duration::from_millis(400), READING);
        assert!(!is_meant(true, true, soon));
        assert!(is_meant(true, true, later));
        assert!(is_meant(true, false, soon), "no page moves the keys");
        assert!(is_meant(false, true, soon), "a no is always one");
    }
}
