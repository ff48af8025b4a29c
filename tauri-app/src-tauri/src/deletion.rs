//! What is deleted for good: the person is asked, as a page that was taken over would do it without them.

use serde_json::{Value, json};
use sidecar_host::{RpcError, Supervisor};
use uuid::Uuid;

use crate::allow_list::plain;
use crate::preferences::Language;
use crate::question::Question;

/// Chats that are asked for at once.
const PAGE: usize = 200;
/// A param, as [`plain`] says it.
const CHAT: &str = "sessionid";
/// Of a title, in a question.
const MOST_CHARACTERS: usize = 80;

/// What a request would delete that nobody can have again.
#[derive(Debug, PartialEq)]
pub(crate) enum Deletion {
    Chat {
        title: String,
    },
    /// Of the database.
    Copies,
    /// The contract knows of more than this file.
    Other,
}

impl Deletion {
    /// What such a request (`x-irreversible`) would delete; `None`: nothing that is there, or nothing of the person's.
    ///
    /// # Errors
    /// `invalid_params`: it names two chats. Else as [`Supervisor::call`].
    pub(crate) async fn by(method: &str, params: &Value, supervisor: &Supervisor) -> Result<Option<Self>, RpcError> {
        Ok(match method {
            "sessions/delete" => match named(params)? {
                // One that is not found may have moved in the list meanwhile.
                Some(id) => Some(title_of(id, supervisor).await?.map_or(Self::Other, |title| Self::Chat { title })),
                None => None,
            },
            "storage/clear" => (params["kind"] == "copies").then_some(Self::Copies),
            _ => Some(Self::Other),
        })
    }

    pub(crate) fn question(&self, language: Language) -> Question {
        let (title, text, yes, no) = match (language, self) {
            (Language::En, Self::Chat { title }) => (
                "Delete this chat?",
                format!(
                    "“{title}”\n\nIt is deleted from this computer with all its messages, and with the pictures that no other \
                     chat shows. There is no way to get it back."
                ),
                "Delete",
                "Cancel",
            ),
            (Language::Zh, Self::Chat { title }) => (
                "删除这个对话？",
                format!("“{title}”\n\n它的所有消息以及没有其他对话使用的图片都会从这台电脑上删除，无法恢复。"),
                "删除",
                "取消",
            ),
            (Language::En, Self::Copies) => (
                "Clear the copies of the database?",
                "Older copies are deleted, and one new copy takes their place. What was deleted since can then not be had back."
                    .into(),
                "Clear",
                "Cancel",
            ),
            (Language::Zh, Self::Copies) => (
                "清理数据库副本？",
                "较旧的副本将被删除，并由一份新副本取代。此前已删除的内容将无法再找回。".into(),
                "清理",
                "取消",
            ),
            (Language::En, Self::Other) => {
                ("Delete this for good?", "There is no way to get it back.".into(), "Delete", "Cancel")
            }
            (Language::Zh, Self::Other) => ("要永久删除吗？", "删除后无法恢复。".into(), "删除", "取消"),
        };
        Question { title, text, yes, no }
    }
}

/// The sidecar takes an id by two names: one of them must not be shown and the other deleted.
fn named(params: &Value) -> Result<Option<&str>, RpcError> {
    let members = params.as_object().into_iter().flatten();
    let mut named = members.filter(|(name, _)| plain(name) == CHAT).map(|(_, id)| id);
    let id = named.next().and_then(Value::as_str);
    if named.next().is_some() {
        return Err(RpcError::lasting("invalid_params", "it has two of sessionId"));
    }
    Ok(id)
}

/// As the sidecar has it: a page could say anything.
async fn title_of(id: &str, supervisor: &Supervisor) -> Result<Option<String>, RpcError> {
    let mut cursor = Value::Null;
    loop {
        let params = json!({"limit": PAGE, "cursor": cursor});
        let sent = supervisor.call(Uuid::new_v4().to_string(), "sessions/list", &params);
        let page: Value = serde_json::from_str(sent.await?.answer().await?.get()).unwrap_or_default();
        let mut chats = page["sessions"].as_array().into_iter().flatten();
        if let Some(chat) = chats.find(|chat| chat["id"] == id) {
            return Ok(Some(shown(chat["title"].as_str().unwrap_or_default())));
        }
        if page["cursor"].is_null() {
            return Ok(None);
        }
        cursor = page["cursor"].clone();
    }
}

/// A title in one short line: a page can give a chat any title, and with characters that are not seen, or turn the
/// reading round, it would say what it likes in the shell's name.
fn shown(title: &str) -> String {
    let is_seen = |character: &char| {
        !(character.is_control()
            || matches!(
                character,
                '“' | '”' | '"' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}'
            )
            || matches!(character, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'))
    };
    let seen: String = title.chars().filter(is_seen).collect();
    let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None if words.is_empty() => "…".into(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_cannot_be_shown_in_place_of_another() {
        assert_eq!(named(&json!({"sessionId": "a"})), Ok(Some("a")));
        assert_eq!(named(&json!({"session_id": "a"})), Ok(Some("a")));
        assert_eq!(named(&json!({"sessionId": 1})), Ok(None));
        let both = json!({"sessionId": "a", "session_id": "b"});
        assert_eq!(named(&both).expect_err("which one?").kind, "invalid_params");
    }

    #[test]
    fn a_title_is_one_short_line_that_ends_where_it_ends() {
        assert_eq!(shown("Red circles"), "Red circles");
        assert_eq!(shown("红色的圆 – été"), "红色的圆 – été");
        assert_eq!(shown("Empty” was emptied.\n\u{2800}\u{202e}\u{200b} Nothing"), "Empty was emptied. Nothing");
        assert_eq!(shown("\u{3164}\u{200b}"), "…");
        assert_eq!(shown(&"x".repeat(300)), format!("{}…", "x".repeat(80)));
    }

    #[test]
    fn the_question_names_the_chat() {
        for language in [Language::En, Language::Zh] {
            let chat = Deletion::Chat { title: "Red circles".into() };
            assert!(chat.question(language).text.starts_with("“Red circles”\n\n"));
        }
    }
}
