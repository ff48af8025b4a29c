//! The methods of the sidecar that the window may call, and which of their params the shell looks at first.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use sidecar_host::RpcError;

use crate::consent::{Consent, Purpose};

/// The contract both sides are built from.
const OPENRPC: &str = include_str!("../../../schemas/openrpc.json");

/// A method is allowed if the contract lists the window among its callers; all others are not.
#[derive(Debug)]
pub(crate) struct AllowList(HashMap<String, Marks>);

/// What the contract says of one method that the shell goes by.
#[derive(Debug)]
pub(crate) struct Marks {
    /// The params that are marked by their `"format"`, by their names.
    params: Vec<(String, Mark)>,
    /// What the sidecar may want to have been agreed to.
    consents: Vec<Consent>,
    /// It can delete what nobody can have again.
    irreversible: bool,
}

/// A page that was taken over must not do by itself what such a param is for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mark {
    /// `path`: have the sidecar look through the person's folders.
    Path,
    /// `…-address`: have things sent or fetched.
    Address(Purpose),
    /// `consent`: answer for the person.
    Consent,
}

#[derive(Deserialize)]
struct Contract {
    methods: Vec<Method>,
}

#[derive(Deserialize)]
struct Method {
    name: String,
    #[serde(default)]
    params: Vec<Param>,
    #[serde(default, rename = "x-callers")]
    callers: Vec<String>,
    #[serde(default, rename = "x-irreversible")]
    irreversible: bool,
}

#[derive(Deserialize)]
struct Param {
    name: String,
    #[serde(default)]
    schema: Value,
}

impl AllowList {
    pub(crate) fn of_window() -> serde_json::Result<Self> {
        let contract: Contract = serde_json::from_str(OPENRPC)?;
        let allowed = contract.methods.into_iter().filter(|method| method.callers.iter().any(|who| who == "window"));
        Ok(Self(allowed.map(|method| (method.name.clone(), Marks::of(method))).collect()))
    }

    /// What is marked in a method's params. `method_not_found` for a method that is not for the window, whether the
    /// sidecar has it or not.
    pub(crate) fn marks(&self, method: &str) -> Result<&Marks, RpcError> {
        let marks = self.0.get(method);
        marks.ok_or_else(|| RpcError::lasting("method_not_found", format!("the window may not call {method:?}")))
    }
}

impl Marks {
    fn of(method: Method) -> Self {
        let marked = |param: Param| mark_of(&param.schema).map(|mark| (param.name, mark));
        let consents = method.params.iter().flat_map(|param| consents_of(&param.schema)).collect();
        let params = method.params.into_iter().filter_map(marked).collect();
        Self { params, consents, irreversible: method.irreversible }
    }

    pub(crate) fn is_irreversible(&self) -> bool {
        self.irreversible
    }

    /// What `offered` says of each path in `params`, and `invalid_params` for a consent, which is the person's to give.
    pub(crate) fn check(
        &self,
        params: &Value,
        offered: impl Fn(&Path) -> Result<(), RpcError>,
    ) -> Result<(), RpcError> {
        for text in self.texts(params, Mark::Path)? {
            offered(Path::new(text))?;
        }
        if self.texts(params, Mark::Consent)?.is_empty() {
            return Ok(());
        }
        Err(RpcError::lasting("invalid_params", "a window cannot agree to anything: the person is asked"))
    }

    /// The addresses in `params`, and what for.
    pub(crate) fn addresses<'a>(&self, params: &'a Value) -> Result<Vec<(Purpose, &'a str)>, RpcError> {
        let mut found = Vec::new();
        for purpose in [Purpose::Provider, Purpose::Mirror] {
            found.extend(self.texts(params, Mark::Address(purpose))?.into_iter().map(|address| (purpose, address)));
        }
        Ok(found)
    }

    /// The name of the param that says what the person agreed to, and what that can be.
    pub(crate) fn consents(&self) -> Option<(&str, &[Consent])> {
        let (name, _) = self.params.iter().find(|(_, mark)| *mark == Mark::Consent)?;
        Some((name, &self.consents))
    }

    /// All that stands in params of that mark.
    fn texts<'a>(&self, params: &'a Value, mark: Mark) -> Result<Vec<&'a str>, RpcError> {
        let mut found = Vec::new();
        for (name, value) in params.as_object().into_iter().flatten() {
            if self.params.iter().any(|(marked, its)| *its == mark && plain(marked) == plain(name)) {
                gather(value, &mut found)?;
            }
        }
        Ok(found)
    }
}

/// The sidecar takes `folderPath` by its own name for it, too, which is `folder_path`.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|character| *character != '_').flat_map(char::to_lowercase).collect()
}

/// What may be in what `schema` describes: itself, one of a list, or something or null.
fn mark_of(schema: &Value) -> Option<Mark> {
    match schema {
        Value::Object(members) => match members.get("format").and_then(Value::as_str) {
            Some("path") => Some(Mark::Path),
            Some("provider-address") => Some(Mark::Address(Purpose::Provider)),
            Some("mirror-address") => Some(Mark::Address(Purpose::Mirror)),
            Some("consent") => Some(Mark::Consent),
            _ => members.values().find_map(mark_of),
        },
        Value::Array(items) => items.iter().find_map(mark_of),
        _ => None,
    }
}

/// Those that a list of such a schema may hold, if it is a list of them.
fn consents_of(schema: &Value) -> Vec<Consent> {
    if mark_of(schema) != Some(Mark::Consent) {
        return Vec::new();
    }
    let items = &schema["items"];
    let named = items["enum"].as_array().cloned().unwrap_or_else(|| vec![items["const"].clone()]);
    named.into_iter().filter_map(|name| serde_json::from_value(name).ok()).collect()
}

fn gather<'a>(value: &'a Value, found: &mut Vec<&'a str>) -> Result<(), RpcError> {
    match value {
        Value::Null => {}
        Value::String(text) => found.push(text),
        Value::Array(items) => {
            for item in items {
                gather(item, found)?;
            }
        }
        _ => return Err(RpcError::lasting("invalid_params", "something else stands where a text belongs")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn marks(method: &str) -> Marks {
        let mut list = AllowList::of_window().expect("the contract is JSON");
        list.0.remove(method).expect(method)
    }

    fn check(method: &str, params: &Value) -> Result<(), RpcError> {
        marks(method).check(params, |path| match path.to_str() {
            Some("/offered") => Ok(()),
            _ => Err(RpcError::lasting("invalid_params", "nobody offered it")),
        })
    }

    #[test]
    fn the_window_reaches_the_methods_made_for_it() {
        let list = AllowList::of_window().expect("the contract is JSON");
        for method in ["chat/completions", "models/list", "models/download", "engine/status"] {
            list.marks(method).expect(method);
        }
    }

    #[test]
    fn the_window_reaches_nothing_else() {
        let list = AllowList::of_window().expect("the contract is JSON");
        for method in ["shutdown", "initialize", "$/cancelRequest", "rpc.discover", "no/such", ""] {
            assert_eq!(list.marks(method).expect_err(method).kind, "method_not_found");
        }
    }

    #[test]
    fn a_folder_is_imported_from_only_if_the_person_offered_it() {
        check("models/import", &json!({"path": "/offered"})).expect("they did");
        // The sidecar says what is missing.
        check("models/import", &json!({})).expect("no path leads nowhere");
        for path in
            [json!("/home"), json!("/offered/.."), json!("offered"), json!(["/offered", "/home"]), json!({"a": 1})]
        {
            assert_eq!(check("models/import", &json!({"path": path})).expect_err("nobody did").kind, "invalid_params");
        }
    }

    #[test]
    fn a_path_has_no_other_name_to_slip_through_by() {
        let params = vec![("folderPath".into(), Mark::Path)];
        let marks = Marks { params, consents: Vec::new(), irreversible: false };
        let nobody = |_: &Path| Err(RpcError::lasting("invalid_params", "nobody offered it"));
        for name in ["folderPath", "folder_path"] {
            assert!(marks.check(&json!({name: "/home"}), nobody).is_err(), "{name}");
        }
    }

    #[test]
    fn a_window_cannot_answer_for_the_person() {
        for method in ["providers/create", "providers/update", "capabilities/assign"] {
            check(method, &json!({"accept": []})).expect("it says nothing");
            for accept in [json!(["leaves_computer"]), json!("plain_http"), json!([["background_leaves"]])] {
                assert_eq!(check(method, &json!({"accept": accept})).expect_err(method).kind, "invalid_params");
            }
        }
    }

    #[test]
    fn an_address_is_found_by_both_of_its_names_whatever_else_there_is() {
        let (here, there) = ("http://localhost", "https://evil.example");
        let both = json!({"name": "x", "baseUrl": here, "base_url": there, "accept": []});
        let mut found = marks("providers/create").addresses(&both).expect("they are texts");
        found.sort_by_key(|(_, address)| *address);
        assert_eq!(found, [(Purpose::Provider, here), (Purpose::Provider, there)]);
        let nobody = json!({"mirror": null});
        assert_eq!(marks("models/download").addresses(&nobody).expect("no text"), []);
        let hidden = json!({"mirror": {"url": there}});
        assert_eq!(marks("models/download").addresses(&hidden).expect_err("what is it?").kind, "invalid_params");
    }

    #[test]
    fn a_mark_is_known_wherever_a_schema_has_it() {
        for schema in [
            json!({"type": "string", "format": "path"}),
            json!({"anyOf": [{"type": "string", "format": "path"}, {"type": "null"}], "default": null}),
            json!({"type": "array", "items": {"type": "string", "format": "path"}}),
        ] {
            assert_eq!(mark_of(&schema), Some(Mark::Path), "{schema}");
        }
        assert_eq!(mark_of(&json!({"type": "string", "description": "no path", "format": "uri"})), None);
    }

    #[test]
    fn what_cannot_be_had_again_is_marked() {
        let list = AllowList::of_window().expect("the contract is JSON");
        let mut marked: Vec<_> =
            list.0.iter().filter(|(_, marks)| marks.is_irreversible()).map(|(method, _)| &**method).collect();
        marked.sort_unstable();
        assert_eq!(marked, ["sessions/delete", "storage/clear"]);
    }

    #[test]
    fn every_address_path_and_consent_of_the_contract_is_marked() {
        let list = AllowList::of_window().expect("the contract is JSON");
        let marked = |mark: fn(&Mark) -> bool| {
            let all = list
                .0
                .iter()
                .flat_map(|(method, marks)| marks.params.iter().map(move |(name, its)| (method, name, its)));
            let mut names: Vec<_> =
                all.filter(|(.., its)| mark(its)).map(|(method, name, _)| format!("{method} {name}")).collect();
            names.sort();
            names
        };
        assert_eq!(marked(|mark| *mark == Mark::Path), ["models/import path"]);
        assert_eq!(
            marked(|mark| matches!(mark, Mark::Address(_))),
            ["models/download mirror", "providers/create baseUrl", "providers/update baseUrl"]
        );
        assert_eq!(
            marked(|mark| *mark == Mark::Consent),
            [
                "capabilities/assign accept",
                "providers/create accept",
                "providers/update accept",
                "sessions/edit accept",
                "sessions/regenerate accept"
            ]
        );
        let leaving = &[Consent::LeavesComputer, Consent::PlainHttp, Consent::BackgroundLeaves][..];
        assert_eq!(marks("capabilities/assign").consents(), Some(("accept", leaving)));
        assert_eq!(marks("sessions/edit").consents(), Some(("accept", &[Consent::DeletesRest][..])));
    }

    #[test]
    fn nothing_that_sounds_like_one_of_these_is_left_unmarked_or_marked_where_nobody_looks() {
        let list = AllowList::of_window().expect("the contract is JSON");
        let contract: Value = serde_json::from_str(OPENRPC).expect("the contract is JSON");
        let methods = contract["methods"].as_array().expect("methods");
        for method in methods.iter().filter(|method| list.marks(method["name"].as_str().unwrap_or_default()).is_ok()) {
            let name = method["name"].as_str().unwrap_or_default();
            let reached = members_reached(&method["params"], &contract);
            for (member, schema, is_param) in reached {
                let words = format!("{member} {}", schema["description"].as_str().unwrap_or_default()).to_lowercase();
                let suspicious = ["url", "address", "host", "origin", "mirror", "path", "folder", "agreed"];
                let is_suspicious = suspicious.iter().any(|word| words.contains(word));
                assert!(
                    !is_suspicious || mark_of(&schema).is_some() || KNOWN.contains(&(name, &*member)),
                    "{name} {member}"
                );
                // In a message inside the params it would not be found.
                assert!(is_param || mark_of(&schema).is_none(), "{name} {member} is marked where nobody looks");
            }
        }
    }

    /// What sounds like one and is none.
    const KNOWN: &[(&str, &str)] =
        &[("chat/completions", "origin"), ("chat/completions", "image_url"), ("chat/completions", "url")];

    /// All members of the params and of the messages in them: name, schema, and whether it is a param itself.
    fn members_reached(params: &Value, contract: &Value) -> Vec<(String, Value, bool)> {
        let mut members: Vec<(String, Value, bool)> = Vec::new();
        let mut open: Vec<Value> = Vec::new();
        let mut seen = Vec::new();
        for param in params.as_array().into_iter().flatten() {
            members.push((param["name"].as_str().unwrap_or_default().into(), param["schema"].clone(), true));
            open.push(param["schema"].clone());
        }
        while let Some(schema) = open.pop() {
            if let Some(reference) = schema["$ref"].as_str()
                && !seen.contains(&reference.to_owned())
            {
                seen.push(reference.to_owned());
                open.push(contract.pointer(reference.trim_start_matches('#')).expect(reference).clone());
            }
            for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                members.push((name.clone(), member.clone(), false));
            }
            match schema {
                Value::Object(inner) => open.extend(inner.into_iter().map(|(_, value)| value)),
                Value::Array(inner) => open.extend(inner),
                _ => {}
            }
        }
        members
    }
}
