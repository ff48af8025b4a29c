//! The localhost proxy: other programs may ask only once the person has said so in the system's own dialog.

use std::io;

use sidecar_host::RpcError;
use tauri::{AppHandle, State, WebviewWindow};

use crate::clipboard;
use crate::consent::Person;
use crate::disk::unwritable;
use crate::localhost_proxy::{Choice, LocalhostProxy, Shown};
use crate::preferences::{Language, Preferences};
use crate::question::{AtWindow, Question};

#[tauri::command]
pub(crate) async fn proxy_state(
    preferences: State<'_, Preferences>,
    proxy: State<'_, LocalhostProxy>,
) -> Result<Shown, RpcError> {
    Ok(proxy.shown(preferences.proxy()).await)
}

/// Switches it, or changes where it listens and which web pages may ask. Nothing changes where the person did not agree, or
/// something else was changed while they were asked.
#[tauri::command]
pub(crate) async fn proxy_set(
    window: WebviewWindow,
    preferences: State<'_, Preferences>,
    proxy: State<'_, LocalhostProxy>,
    choice: Choice,
) -> Result<Shown, RpcError> {
    let keep = |choice: &Choice, otherwise: &Choice| preferences.set_proxy(choice, otherwise);
    set(&proxy, &AtWindow::of(&window), || preferences.proxy(), choice, keep).await?;
    Ok(proxy.shown(preferences.proxy()).await)
}

/// `before` is what was chosen, `keep` as for [`LocalhostProxy::change`], and is given the choice, too.
pub(crate) async fn set(
    proxy: &LocalhostProxy,
    person: &impl Person,
    before: impl FnOnce() -> Choice,
    choice: Choice,
    keep: impl FnOnce(&Choice, &Choice) -> io::Result<()>,
) -> Result<(), RpcError> {
    let mut alone = proxy.alone().await;
    let before = before();
    let choice = choice.after(&before)?;
    for question in questions(person.language(), &before, &choice)? {
        let Some(again) = proxy.once(alone, person.agrees(question)).await? else { return Ok(()) };
        alone = again;
    }
    proxy.change(alone, &before, &choice, |otherwise| keep(&choice, otherwise)).await.map_err(unwritable)
}

/// Puts the token on the clipboard; the page does not get to see it. `false` where there is none yet.
#[tauri::command]
pub(crate) async fn proxy_copy_token(app: AppHandle, proxy: State<'_, LocalhostProxy>) -> Result<bool, RpcError> {
    let Some(token) = proxy.token() else { return Ok(false) };
    clipboard::copy(&app, token.expose()).await.map_err(super::internal)?;
    Ok(true)
}

#[tauri::command]
pub(crate) async fn proxy_renew_token(
    preferences: State<'_, Preferences>,
    proxy: State<'_, LocalhostProxy>,
) -> Result<Shown, RpcError> {
    proxy.renew_token().await?;
    let alone = proxy.alone().await;
    proxy.apply(alone, &preferences.proxy()).await;
    Ok(proxy.shown(preferences.proxy()).await)
}

/// What the person has to agree to.
fn questions(language: Language, before: &Choice, choice: &Choice) -> Result<Vec<Question>, RpcError> {
    let new = choice.origins.iter().filter(|origin| !before.origins.contains(origin));
    let mut questions: Vec<_> = new.map(|origin| of_page(language, origin)).collect();
    if questions.len() > 1 {
        return Err(RpcError::lasting("invalid_params", "one further origin at a time: the person reads each"));
    }
    // A port is open to every user of the computer, the socket to this one.
    if choice.on && (!before.on || before.socket && !choice.socket) {
        questions.push(of_opening(language));
    }
    Ok(questions)
}

fn of_opening(language: Language) -> Question {
    match language {
        Language::En => Question {
            title: "Let other programs ask?",
            text: "Programs on this computer that know the token can then have the model answer, and so use this computer's power. \
                   They see neither your chats nor your files. Other computers reach nothing.".into(),
            yes: "Allow",
            no: "Cancel",
        },
        Language::Zh => Question {
            title: "允许其他程序提问？",
            text: "这台电脑上知道令牌的程序将可以让模型回答，并因此占用这台电脑的算力。它们看不到你的对话和文件。其他电脑无法访问。".into(),
            yes: "允许",
            no: "取消",
        },
    }
}

fn of_page(language: Language, origin: &str) -> Question {
    match language {
        Language::En => Question {
            title: "Let pages of this address ask?",
            text: format!(
                "Where a page of this address knows the token, it can have the model answer from your browser:\n\n{origin}"
            ),
            yes: "Allow",
            no: "Cancel",
        },
        Language::Zh => Question {
            title: "允许来自这个地址的网页提问？",
            text: format!("来自以下地址的网页如果知道令牌，就可以通过你的浏览器让模型回答：\n\n{origin}"),
            yes: "允许",
            no: "取消",
        },
    }
}
