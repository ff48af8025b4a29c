//! Links to the outside: opened only after the person has seen the whole address.

use sidecar_host::RpcError;
use tauri::{Url, WebviewWindow};

use super::internal;
use crate::consent::Person;
use crate::preferences::Language;
use crate::question::{AtWindow, LONGEST_ADDRESS, Question};

/// What a link may be; anything else could start a program or read a file.
const SCHEMES: &[&str] = &["http", "https", "mailto"];

/// What a mail may be begun with; some programs would attach a file of the person's.
const OF_MAIL: &[&str] = &["to", "cc", "bcc", "subject", "body"];

#[tauri::command]
pub(crate) async fn open_link(window: WebviewWindow, url: String) -> Result<bool, RpcError> {
    let url = check(&url)?;
    let person = AtWindow::of(&window);
    let agreed = person.agrees(question(person.language(), &url)).await?;
    if agreed {
        tauri_plugin_opener::open_url(url.as_str(), None::<&str>).map_err(internal)?;
    }
    Ok(agreed)
}

/// Shows the whole address, to the letter as it will be opened.
fn question(language: Language, url: &Url) -> Question {
    let mail = url.scheme() == "mailto";
    let (title, text, yes, no) = match (language, mail) {
        (Language::En, false) => ("Open this link?", "It opens in your browser and leaves this app:", "Open", "Cancel"),
        (Language::En, true) => {
            ("Write a mail?", "It is begun in your mail program and leaves this app:", "Write", "Cancel")
        }
        (Language::Zh, false) => ("打开此链接？", "将在浏览器中打开，离开本应用：", "打开", "取消"),
        (Language::Zh, true) => ("写邮件？", "将在邮件程序中新建邮件，离开本应用：", "写邮件", "取消"),
    };
    Question { title, text: format!("{text}\n\n{url}"), yes, no }
}

/// The address as it will be opened: parsing shows look-alike letters of a host in their ASCII form.
fn check(url: &str) -> Result<Url, RpcError> {
    let refused = |why: &str| RpcError::lasting("invalid_params", format!("this link cannot be opened: {why}"));
    let url = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err(refused("only http, https and mailto can"));
    }
    if url.as_str().len() > LONGEST_ADDRESS {
        return Err(refused("it is too long to be shown"));
    }
    // `https://bank.example@evil.example` leads to the second of the two.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("a user name in it hides where it leads"));
    }
    let is_of_mail = |name: &str| OF_MAIL.iter().any(|known| known.eq_ignore_ascii_case(name));
    if url.scheme() == "mailto" && !url.query_pairs().all(|(name, _)| is_of_mail(&name)) {
        return Err(refused("a mail may be begun with a subject and a text, and nothing else"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_and_mail_addresses_are_opened() {
        for url in [
            "https://example.com/a?b#c",
            "http://example.com",
            "mailto:a@example.com",
            "mailto:a@example.com?Subject=Hello&body=World",
        ] {
            assert!(check(url).is_ok(), "{url}");
        }
        for url in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "blob:https://example.com/x",
            "ssh://host",
            "ms-settings:x",
            "tauri://localhost/",
            "vscode://file/etc/passwd",
            "https://bank.example@evil.example/",
            "https://me:secret@example.com/",
            "mailto:a@example.com?attach=/etc/passwd",
            "/usr/bin/x",
            "//example.com",
            "",
        ] {
            assert_eq!(check(url).expect_err(url).kind, "invalid_params");
        }
    }

    #[test]
    fn the_whole_address_is_shown_however_long_it_is_and_in_plain_letters() {
        let long = format!("https://example.com/{}", "a".repeat(LONGEST_ADDRESS - 20));
        for (typed, shown) in [
            (long.as_str(), long.as_str()),
            ("https://аpple.com/ab", "https://xn--pple-43d.com/ab"),
            ("https://example.com/\u{202e}fdp.exe", "https://example.com/%E2%80%AEfdp.exe"),
            ("https://example.com/a\n\nIt is safe", "https://example.com/aIt%20is%20safe"),
            ("https://example。com", "https://example.com/"),
            ("https://0x7f.1/", "https://127.0.0.1/"),
            ("mailto:a@example.com?subject=\u{202e}b", "mailto:a@example.com?subject=%E2%80%AEb"),
        ] {
            let url = check(typed).expect(typed);
            for language in [Language::En, Language::Zh] {
                let text = question(language, &url).text;
                assert!(text.ends_with(&format!("\n\n{shown}")), "{text}");
            }
            assert_eq!(url.as_str(), shown, "what is opened");
        }
        assert!(check(&format!("{long}a")).is_err());
    }

    #[test]
    fn a_mail_address_is_not_said_to_open_in_the_browser() {
        let mail = check("mailto:a@example.com").expect("a URL");
        assert!(question(Language::En, &mail).text.contains("mail program"));
        assert!(question(Language::Zh, &mail).text.contains("邮件程序"));
        let page = check("https://example.com").expect("a URL");
        assert!(question(Language::En, &page).text.contains("browser"));
        assert!(question(Language::Zh, &page).text.contains("浏览器"));
    }

    #[test]
    fn a_look_alike_host_is_shown_as_what_it_is() {
        assert_eq!(check("https://аpple.com").expect("a URL").host_str(), Some("xn--pple-43d.com"));
    }
}
