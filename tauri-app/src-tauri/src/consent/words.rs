//! The questions, in both languages. Each has the whole address where there is one, and nothing else that a page could have
//! written.

use super::{Consent, Purpose};
use crate::preferences::Language;
use crate::question::Question;

/// Whether `address` may be used.
pub(super) fn of_address(language: Language, purpose: Purpose, address: &str) -> Question {
    let (title, before, after, yes, no) = match (language, purpose) {
        (Language::En, Purpose::Provider) => (
            "Use this provider?",
            "What its models are asked is sent to another computer:",
            "Whoever runs that computer can read it and may keep it.",
            "Use It",
            "Cancel",
        ),
        (Language::Zh, Purpose::Provider) => (
            "要使用此服务吗？",
            "向其模型提出的内容会发送到另一台电脑：",
            "那台电脑的运营者可以读取这些内容，也可能保留它们。",
            "使用",
            "取消",
        ),
        (Language::En, Purpose::Mirror) => (
            "Download from this address?",
            "It is none of the sources that come with the app:",
            "Whoever runs it decides what is downloaded.",
            "Download",
            "Cancel",
        ),
        (Language::Zh, Purpose::Mirror) => {
            ("要从此地址下载吗？", "它不是本应用自带的来源：", "下载到什么内容，由该地址的运营者决定。", "下载", "取消")
        }
        (Language::En, Purpose::Packages) => (
            "Fetch parts of the app from this address?",
            "Python and its packages, which the app runs, would come from here:",
            "Use it only if you trust whoever runs it.",
            "Fetch",
            "Cancel",
        ),
        (Language::Zh, Purpose::Packages) => (
            "要从此地址获取应用的组件吗？",
            "应用要运行的 Python 及其软件包将来自：",
            "请仅在信任其运营者时使用。",
            "获取",
            "取消",
        ),
        (Language::En, Purpose::Key) => (
            "Use this key?",
            "A key was just entered for this provider:",
            "Whoever the key belongs to may be able to see what is asked with it. Agree only if you entered it yourself.",
            "Use It",
            "Cancel",
        ),
        (Language::Zh, Purpose::Key) => (
            "要使用此密钥吗？",
            "刚刚为以下服务填写了密钥：",
            "密钥的所有者可能看得到用它提出的内容。仅当密钥是你自己填写的，才应同意。",
            "使用",
            "取消",
        ),
    };
    let open = if purpose == Purpose::Provider { unencrypted(language, address) } else { "" };
    Question { title, text: format!("{before}\n\n{address}\n\n{after}{open}"), yes, no }
}

/// Whether what the sidecar was asked for may be done at `address`; `job`: by which name it knows the one that is given away.
pub(super) fn of_consent(language: Language, consent: Consent, job: &str, address: &str) -> Question {
    let (title, before, what) = match (language, consent) {
        (_, Consent::PlainHttp) => return of_address(language, Purpose::Provider, address),
        (_, Consent::DeletesRest) => return of_rest(language),
        (Language::En, Consent::LeavesComputer) => (
            "Send this to another computer?",
            of_job(language, job).map_or("This job would be done at another computer:".into(), |(name, _)| {
                format!("“{name}” would be done at another computer:")
            }),
            of_job(language, job).map_or("Sent there: what you ask.", |(_, what)| what),
        ),
        (Language::Zh, Consent::LeavesComputer) => (
            "要发送到另一台电脑吗？",
            of_job(language, job).map_or("这项任务将由另一台电脑完成：".into(), |(name, _)| {
                format!("“{name}”将由另一台电脑完成：")
            }),
            of_job(language, job).map_or("会发送：你提出的内容。", |(_, what)| what),
        ),
        (Language::En, Consent::BackgroundLeaves) => (
            "Let background work leave this computer?",
            "Work that nobody waits for would be done at another computer:".into(),
            "Sent there by themselves, without anybody asking: the contents of your files, to tag them, and the beginnings of chats, to find titles.",
        ),
        (Language::Zh, Consent::BackgroundLeaves) => (
            "允许后台任务发送到另一台电脑吗？",
            "无人等待的工作将由另一台电脑完成：".into(),
            "无需任何人操作就会自动发送：用于添加标签的文件内容，以及用于生成标题的对话开头。",
        ),
    };
    let (space, readable, yes, no) = match language {
        Language::En => (" ", "Whoever runs that computer can read it and may keep it.", "Agree and Send", "Cancel"),
        Language::Zh => ("", "那台电脑的运营者可以读取这些内容，也可能保留它们。", "同意发送", "取消"),
    };
    let open = unencrypted(language, address);
    Question { title, text: format!("{before}\n\n{address}\n\n{what}{space}{readable}{open}"), yes, no }
}

/// Whether what came later in a chat may be deleted.
fn of_rest(language: Language) -> Question {
    let (title, text, yes, no) = match language {
        Language::En => (
            "Delete what came after?",
            "This message is not the last of its chat. What came after it is deleted from this computer, and there is no way \
             to get it back.",
            "Delete",
            "Cancel",
        ),
        Language::Zh => (
            "删除之后的内容？",
            "这不是对话中的最后一条消息。它之后的内容会从这台电脑上删除，无法恢复。",
            "删除",
            "取消",
        ),
    };
    Question { title, text: text.into(), yes, no }
}

/// A job as the window calls it, and what is sent for it.
fn of_job(language: Language, job: &str) -> Option<(&'static str, &'static str)> {
    Some(match (language, job) {
        (Language::En, "vision") => {
            ("Vision", "Sent there: the pictures you show, your questions about them, and the chat they belong to.")
        }
        (Language::En, "text") => ("Text", "Sent there: what you write, and the chat it belongs to."),
        (Language::En, "structured_output") => {
            ("Structured output", "Sent there: the texts and pictures that an answer in a fixed form is made from.")
        }
        (Language::En, "tool_use") => {
            ("Tool use", "Sent there: what you write, the tools there are, and what they answer.")
        }
        (Language::Zh, "vision") => ("看图", "会发送：你展示的图片、关于图片的提问，以及所在的对话。"),
        (Language::Zh, "text") => ("文字", "会发送：你写的内容，以及所在的对话。"),
        (Language::Zh, "structured_output") => ("结构化输出", "会发送：用来生成固定格式回答的文字和图片。"),
        (Language::Zh, "tool_use") => ("使用工具", "会发送：你写的内容、可用的工具，以及工具返回的结果。"),
        _ => return None,
    })
}

fn unencrypted(language: Language, address: &str) -> &'static str {
    match language {
        _ if !address.to_ascii_lowercase().starts_with("http:") => "",
        Language::En => {
            "\n\nThe way there is not encrypted: anybody on the network can read along, the key too. \
             Better is an address that begins with https://."
        }
        Language::Zh => "\n\n传输过程没有加密：网络上的任何人都可能读到，包括密钥。最好使用以 https:// 开头的地址。",
    }
}
