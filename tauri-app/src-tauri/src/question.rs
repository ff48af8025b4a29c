//! What the person is asked by the system's own dialog: a page that was taken over cannot answer it. No is the default:
//! such a page could ask while they type.

use sidecar_host::RpcError;
use tauri::{Manager, WebviewWindow};
use tokio::sync::oneshot;

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

/// Whether the person said yes. To close the dialog is a no.
pub(crate) async fn agreed(window: &WebviewWindow, question: Question) -> Result<bool, RpcError> {
    let (decide, decided) = oneshot::channel();
    show(window, question, decide).map_err(internal)?;
    decided.await.map_err(internal)
}

/// Not by Tauri's plugin: that has no default button, and so Return would be a yes, and no window that it belongs to.
#[cfg(target_os = "linux")]
fn show(window: &WebviewWindow, question: Question, decide: oneshot::Sender<bool>) -> tauri::Result<()> {
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
        dialog.connect_response(move |dialog, response| {
            if let Some(decide) = decide.take() {
                // Whoever asked may be gone.
                let _ = decide.send(response == ResponseType::Accept);
            }
            // One that is closed already goes by itself.
            if response != ResponseType::DeleteEvent {
                dialog.close();
            }
        });
        dialog.show_all();
    })
}

/// The first button is the default.
#[cfg(target_os = "macos")]
fn show(window: &WebviewWindow, question: Question, decide: oneshot::Sender<bool>) -> tauri::Result<()> {
    use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogResult};

    let Question { title, text, yes, no } = question;
    let dialog = window.dialog().message(text).title(title).parent(window);
    let buttons = MessageDialogButtons::OkCancelCustom(no.into(), yes.into());
    dialog.buttons(buttons).show_with_result(move |answer| {
        // Whoever asked may be gone.
        let _ = decide.send(matches!(answer, MessageDialogResult::Custom(button) if button == yes));
    });
    Ok(())
}
