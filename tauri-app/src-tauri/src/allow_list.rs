//! The methods of the sidecar that the window may call, and with which paths.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use sidecar_host::RpcError;

/// The contract both sides are built from.
const OPENRPC: &str = include_str!("../../../schemas/openrpc.json");

/// A method is allowed if the contract lists the window among its callers; all others are not. Of each, the params
/// that the contract calls paths (`"format": "path"`), by their [`plain`] names.
#[derive(Debug)]
pub(crate) struct AllowList(HashMap<String, Vec<String>>);

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
        Ok(Self(allowed.map(|method| (method.name, paths_among(method.params))).collect()))
    }

    /// `method_not_found` for a method that is not for the window, whether the sidecar has it or not; and what `offered`
    /// says of each path in `params`: a page that was taken over must not send the sidecar through the person's folders.
    pub(crate) fn check(
        &self,
        method: &str,
        params: &Value,
        offered: impl Fn(&Path) -> Result<(), RpcError>,
    ) -> Result<(), RpcError> {
        let paths = self
            .0
            .get(method)
            .ok_or_else(|| RpcError::lasting("method_not_found", format!("the window may not call {method:?}")))?;
        let members = params.as_object().into_iter().flatten();
        let named = members.filter(|(name, _)| paths.contains(&plain(name)));
        named.map(|(_, value)| value).try_for_each(|value| check_paths(value, &offered))
    }
}

/// The sidecar takes `folderPath` by its own name for it, too, which is `folder_path`.
fn plain(name: &str) -> String {
    name.chars().filter(|character| *character != '_').flat_map(char::to_lowercase).collect()
}

fn paths_among(params: Vec<Param>) -> Vec<String> {
    params.into_iter().filter(|param| is_path(&param.schema)).map(|param| plain(&param.name)).collect()
}

/// Whether a path may be in what `schema` describes: itself, one of a list, or something or null.
fn is_path(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            members.get("format").is_some_and(|format| format == "path") || members.values().any(is_path)
        }
        Value::Array(items) => items.iter().any(is_path),
        _ => false,
    }
}

fn check_paths(value: &Value, offered: &impl Fn(&Path) -> Result<(), RpcError>) -> Result<(), RpcError> {
    match value {
        Value::Null => Ok(()),
        Value::String(path) => offered(Path::new(path)),
        Value::Array(paths) => paths.iter().try_for_each(|path| check_paths(path, offered)),
        _ => Err(RpcError::lasting("invalid_params", "where a path belongs is something else")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(method: &str, params: &Value) -> Result<(), RpcError> {
        let list = AllowList::of_window().expect("the contract is JSON");
        list.check(method, params, |path| match path.to_str() {
            Some("/offered") => Ok(()),
            _ => Err(RpcError::lasting("invalid_params", "nobody offered it")),
        })
    }

    #[test]
    fn the_window_reaches_the_methods_made_for_it() {
        for method in ["chat/completions", "models/list", "models/download", "engine/status"] {
            check(method, &json!({})).expect(method);
        }
    }

    #[test]
    fn the_window_reaches_nothing_else() {
        for method in ["shutdown", "initialize", "$/cancelRequest", "rpc.discover", "no/such", ""] {
            assert_eq!(check(method, &json!({})).expect_err(method).kind, "method_not_found");
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
        let list = AllowList(HashMap::from([("folders/add".into(), vec![plain("folderPath")])]));
        let nobody = |_: &Path| Err(RpcError::lasting("invalid_params", "nobody offered it"));
        for name in ["folderPath", "folder_path"] {
            assert!(list.check("folders/add", &json!({name: "/home"}), nobody).is_err(), "{name}");
        }
    }

    #[test]
    fn a_path_is_known_wherever_a_schema_has_it() {
        for schema in [
            json!({"type": "string", "format": "path"}),
            json!({"anyOf": [{"type": "string", "format": "path"}, {"type": "null"}], "default": null}),
            json!({"type": "array", "items": {"type": "string", "format": "path"}}),
        ] {
            assert!(is_path(&schema), "{schema}");
        }
        assert!(!is_path(&json!({"type": "string", "description": "no path", "format": "uri"})));
    }
}
