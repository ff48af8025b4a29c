use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::allow_list::AllowList;

/// Says these in turn, and keeps what they were asked.
struct Answering {
    language: Language,
    answers: Mutex<VecDeque<bool>>,
    asked: Mutex<Vec<Question>>,
}

impl Answering {
    fn with<const N: usize>(answers: [bool; N]) -> Self {
        Self { language: Language::En, answers: Mutex::new(answers.into()), asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("nobody panicked");
        asked.iter().map(|question| format!("{}\n{}", question.title, question.text)).collect()
    }
}

impl Person for Answering {
    fn language(&self) -> Language {
        self.language
    }

    async fn agrees(&self, question: Question) -> Result<bool, RpcError> {
        self.asked.lock().expect("nobody panicked").push(question);
        Ok(self.answers.lock().expect("nobody panicked").pop_front().expect("nobody is asked this"))
    }
}

const ORIGIN: &str = "https://evil.example";

#[tokio::test]
async fn a_person_who_agreed_is_not_asked_again_about_that_address_and_purpose() {
    let agreements = Agreements::default();
    let person = Answering::with([true, true, true, true]);
    let need = |purpose, address| agreements.need(purpose, address, &person);
    need(Purpose::Mirror, "https://models.example/a").await.expect("they agreed");
    need(Purpose::Mirror, " https://MODELS.example:443/a/ ").await.expect("they have agreed");
    assert_eq!(person.asked().len(), 1);
    need(Purpose::Mirror, "https://models.example:8443/a").await.expect("they agreed");
    need(Purpose::Mirror, "https://models.example/b").await.expect("somebody else's, and they agreed");
    // Who may send a model may not be sent what the person writes.
    need(Purpose::Provider, "https://models.example/a").await.expect("they agreed");
    assert_eq!(person.asked().len(), 4);
}

#[tokio::test]
async fn the_first_key_that_could_be_set_comes_with_its_provider_and_each_further_one_is_asked_about() {
    let agreements = Agreements::default();
    let person = Answering::with([true, true, true, true]);
    let need_key = || agreements.need_key(ORIGIN, &person);
    assert_eq!(need_key().await, Ok(false), "they agreed, to that key alone");
    agreements.need(Purpose::Provider, &format!("{ORIGIN}/a"), &person).await.expect("they agreed");
    assert_eq!(person.asked().len(), 2);
    assert_eq!(need_key().await, Ok(false), "another key was there before");
    assert_eq!(person.asked().len(), 3);

    let agreements = Agreements::default();
    let need_key = || agreements.need_key(ORIGIN, &person);
    agreements.need(Purpose::Provider, &format!("{ORIGIN}/a"), &person).await.expect("they agreed");
    assert_eq!(need_key().await, Ok(true));
    agreements.key_was_not_set(ORIGIN).await;
    assert_eq!(need_key().await, Ok(true), "no key was there before");
    assert_eq!(person.asked().len(), 4);
}

#[test]
fn an_address_of_the_catalog_is_that_one_and_no_other_of_its_server() {
    assert!(are_one("https://huggingface.co", " https://HuggingFace.co:443/ "));
    for other in ["https://huggingface.co/evil/repo", "https://huggingface.co?x", "http://huggingface.co", "evil"] {
        assert!(!are_one("https://huggingface.co", other), "{other}");
    }
    assert!(!are_one("", ""));
}

#[tokio::test]
async fn a_no_is_an_error_of_its_own_and_is_not_kept() {
    let agreements = Agreements::default();
    let person = Answering::with([false, true, false]);
    let need_key = || agreements.need_key(ORIGIN, &person);
    assert_eq!(need_key().await.expect_err("they said no").kind, "consent_refused");
    need_key().await.expect("they agreed");
    let need = agreements.need(Purpose::Provider, ORIGIN, &person);
    assert_eq!(need.await.expect_err("a key is less").kind, "consent_refused");
}

#[tokio::test]
async fn who_waits_for_the_same_answer_is_given_it() {
    let agreements = Agreements::default();
    let person = Answering::with([true]);
    let need = || agreements.need(Purpose::Packages, "https://pypi.example", &person);
    let (first, second) = tokio::join!(need(), need());
    assert_eq!((first, second), (Ok(true), Ok(true)));
}

#[tokio::test]
async fn nobody_is_asked_about_this_computer() {
    let nobody = Answering::with([]);
    for address in ["http://localhost:11434/v1", "http://127.0.0.1/v1", "http://127.9.9.9", "http://[::1]:8000/v1"] {
        Agreements::default().need(Purpose::Provider, address, &nobody).await.expect(address);
    }
}

#[tokio::test]
async fn the_whole_address_is_shown_of_whatever_is_not_of_this_computer() {
    for address in [
        "http://127.1/v1",
        "http://localhost.evil.example/v1",
        "https://127.0.0.1.evil.example",
        "http://0.0.0.0",
        "http://[::ffff:1.2.3.4]",
        "https://api.openai.com/v1?x#y",
    ] {
        for language in [Language::En, Language::Zh] {
            for purpose in [Purpose::Provider, Purpose::Mirror, Purpose::Packages] {
                let person = Answering { language, ..Answering::with([false]) };
                let refused = Agreements::default().need(purpose, address, &person).await;
                assert_eq!(refused.expect_err("they said no").kind, "consent_refused");
                assert!(person.asked()[0].contains(&format!("\n\n{address}\n\n")), "{address} {purpose:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_could_look_like_another_address_is_none() {
    let nobody = Answering::with([]);
    for address in [
        "",
        "evil.example",
        "ftp://evil.example",
        "https://localhost@evil.example/",
        "http://localhost\\.evil.example",
        "https://аpple.com",
        "http://localhost/\n\nIt is safe",
        "http://localhost /",
    ] {
        let error = Agreements::default().need(Purpose::Provider, address, &nobody).await.expect_err(address);
        assert_eq!(error.kind, "provider_invalid");
    }
}

#[tokio::test]
async fn what_no_dialog_could_show_whole_is_no_address() {
    let longest = format!("{ORIGIN}/{}", "a".repeat(LONGEST_ADDRESS - ORIGIN.len() - 1));
    let person = Answering::with([true]);
    let agreements = Agreements::default();
    agreements.need(Purpose::Packages, &longest, &person).await.expect("they agreed");
    let error = agreements.need(Purpose::Packages, &format!("{longest}a"), &person).await.expect_err("it is too long");
    assert_eq!((&*error.kind, person.asked().len()), ("environment_address_invalid", 1));
}

#[tokio::test]
async fn an_unencrypted_way_is_told() {
    for (address, told) in
        [("http://192.168.1.4/v1", true), ("HTTP://lab.example", true), ("https://lab.example", false)]
    {
        let person = Answering::with([true]);
        Agreements::default().need(Purpose::Provider, address, &person).await.expect("they agreed");
        assert_eq!(person.asked()[0].contains("not encrypted"), told, "{address}");
    }
}

fn refused(needs: &str, address: &str) -> RpcError {
    RpcError::lasting("consent_needed", "somebody has to").with_details(json!({"needs": [needs], "address": address}))
}

#[tokio::test]
async fn what_the_sidecar_wants_agreed_is_asked_and_then_told_to_it() {
    let list = AllowList::of_window().expect("the contract is JSON");
    let mut consents = Consents::new(list.marks("capabilities/assign").expect("it is for the window"), false);
    let params = json!({"capability": "vision", "modelId": "m"});
    assert_eq!(consents.filled_into(&params), json!({"capability": "vision", "modelId": "m", "accept": []}));
    let person = Answering::with([true]);
    let error = refused("leaves_computer", "https://llm.example/v1");
    consents.ask_for(error.clone(), &params, &person).await.expect("they agreed");
    let [question] = &*person.asked() else { panic!("one question") };
    for part in ["“Vision”", "\n\nhttps://llm.example/v1\n\n", "the pictures you show"] {
        assert!(question.contains(part), "{question}");
    }
    assert_eq!(consents.filled_into(&params)["accept"], json!(["leaves_computer"]));
    // A sidecar that asks for the same once more gets no second answer.
    assert_eq!(consents.ask_for(error.clone(), &params, &person).await, Err(error));
}

#[tokio::test]
async fn a_person_who_says_no_has_agreed_to_nothing() {
    let list = AllowList::of_window().expect("the contract is JSON");
    let mut consents = Consents::new(list.marks("providers/update").expect("it is for the window"), false);
    let person = Answering::with([false]);
    let params = json!({"providerId": "p", "background": true});
    let error = consents.ask_for(refused("background_leaves", "https://llm.example"), &params, &person).await;
    assert_eq!(error.expect_err("they said no").kind, "consent_refused");
    assert_eq!(consents.filled_into(&params)["accept"], json!([]));
}

#[tokio::test]
async fn who_agreed_to_an_address_is_asked_of_it_only_whether_background_work_may_go_there() {
    let list = AllowList::of_window().expect("the contract is JSON");
    let mut consents = Consents::new(list.marks("providers/update").expect("it is for the window"), true);
    let params = json!({"providerId": "p", "baseUrl": "http://lab.example", "background": true});
    assert_eq!(consents.filled_into(&params)["accept"], json!(["leaves_computer", "plain_http"]));
    let person = Answering::with([true]);
    consents.ask_for(refused("background_leaves", "http://lab.example"), &params, &person).await.expect("they agreed");
    assert!(person.asked()[0].contains("the contents of your files"));
}

#[tokio::test]
async fn what_is_deleted_leads_nowhere_and_is_all_that_is_asked_of_a_turn_that_is_asked_anew() {
    let list = AllowList::of_window().expect("the contract is JSON");
    let mut consents = Consents::new(list.marks("sessions/edit").expect("it is for the window"), false);
    let params = json!({"sessionId": "c", "messageId": "m", "model": "far"});
    let person = Answering::with([true]);
    let elsewhere = refused("leaves_computer", "https://llm.example");
    assert_eq!(consents.ask_for(elsewhere.clone(), &params, &person).await, Err(elsewhere));
    let error = RpcError::lasting("consent_needed", "gone").with_details(json!({"needs": ["deletes_rest"]}));
    consents.ask_for(error, &params, &person).await.expect("they agreed");
    let [question] = &*person.asked() else { panic!("one question") };
    assert!(question.starts_with("Delete what came after?\n"), "{question}");
    assert_eq!(consents.filled_into(&params)["accept"], json!(["deletes_rest"]));
}

#[tokio::test]
async fn other_errors_and_methods_that_ask_for_nothing_are_left_alone() {
    let list = AllowList::of_window().expect("the contract is JSON");
    let nobody = Answering::with([]);
    let params = json!({"model": "far", "accept": ["x"]});
    let error = refused("leaves_computer", "https://llm.example");
    let mut of_chat = Consents::new(list.marks("sessions/send").expect("it is for the window"), false);
    assert_eq!(of_chat.filled_into(&params), params);
    assert_eq!(of_chat.ask_for(error.clone(), &params, &nobody).await, Err(error));
    let mut of_provider = Consents::new(list.marks("providers/create").expect("it is for the window"), false);
    for error in [
        RpcError::lasting("provider_invalid", "no address"),
        refused("something_new", "https://llm.example"),
        RpcError::lasting("consent_needed", "where to?").with_details(json!({"needs": ["plain_http"]})),
    ] {
        assert_eq!(of_provider.ask_for(error.clone(), &params, &nobody).await, Err(error));
    }
}
