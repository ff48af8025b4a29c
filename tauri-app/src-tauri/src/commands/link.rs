//! Links to the outside: opened only after the person has seen the whole address.

use sidecar_host::RpcError;
use tauri::{State, Url, WebviewWindow};

use super::internal;
use super::question::{Question, agreed};
use crate::preferences::{Language, Preferences};

/// What a link may be; anything else could start a program or read a file.
const SCHEMES: &[&str] = &["http", "https", "mailto"];

/// Characters of an address that a dialog can show whole.
const LONGEST: usize = 2000;

#[tauri::command]
pub(crate) async fn open_link(
    window: WebviewWindow,
    preferences: State<'_, Preferences>,
    url: String,
) -> Result<bool, RpcError> {
    let url = check(&url)?;
    let (title, text, open, cancel) = match preferences.language() {
        Language::En => ("Open this link?", "It opens in your browser and leaves this app:", "Open", "Cancel"),
        Language::Zh => ("打开此链接？", "将在浏览器中打开，离开本应用：", "打开", "取消"),
    };
    let agreed = agreed(&window, Question { title, text: format!("{text}\n\n{url}").into(), yes: open, no: cancel }).await?;
    if agreed {
        tauri_plugin_opener::open_url(url.as_str(), None::<&str>).map_err(internal)?;
    }
    Ok(agreed)
}

/// The address as it will be opened: parsing shows look-alike letters of a host in their ASCII form.
fn check(url: &str) -> Result<Url, RpcError> {
    let refused = |why: &str| RpcError::lasting("invalid_params", format!("this link cannot be opened: {why}"));
    let url = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err(refused("only http, https and mailto can"));
    }
    if url.as_str().len() > LONGEST {
        return Err(refused("it is too long to be shown"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_and_mail_addresses_are_opened() {
        for url in ["https://example.com/a?b#c", "http://example.com", "mailto:a@example.com"] {
            assert!(check(url).is_ok(), "{url}");
        }
        for url in ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ssh://host", "/usr/bin/x", ""] {
            assert_eq!(check(url).expect_err(url).kind, "invalid_params");
        }
    }

    #[test]
    fn a_look_alike_host_is_shown_as_what_it_is() {
        assert_eq!(check("https://аpple.com").expect("a URL").host_str(), Some("xn--pple-43d.com"));
    }
}
