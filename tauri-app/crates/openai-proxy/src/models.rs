//! The list of models, as OpenAI's clients know it.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use sidecar_host::RpcError;

use crate::error::ApiError;
use crate::routes::Shared;

#[derive(Deserialize)]
struct Listed {
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

pub(crate) async fn list(State(shared): State<Shared>) -> Result<Json<Value>, ApiError> {
    let data: Vec<_> = listed(&shared).await?.iter().map(entry).collect();
    Ok(Json(json!({"object": "list", "data": data})))
}

/// A name that is no UTF-8 is no model's; of its own axum would say so in plain text.
pub(crate) async fn one(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id.map_err(|_| unknown())?;
    let models = listed(&shared).await?;
    let model = models.iter().find(|model| model.id == id);
    Ok(Json(entry(model.ok_or_else(unknown)?)))
}

fn unknown() -> RpcError {
    RpcError::lasting("model_not_found", "there is no model of that name")
}

async fn listed(shared: &Shared) -> Result<Vec<Model>, ApiError> {
    let answer = shared.call("models/list", &json!({})).await?.answer().await?;
    let listed: Listed =
        serde_json::from_str(answer.get()).map_err(|error| RpcError::lasting("internal_error", error.to_string()))?;
    Ok(listed.models)
}

/// `created` is a member that clients insist on; when a model was made is not known here.
fn entry(model: &Model) -> Value {
    json!({"id": model.id, "object": "model", "created": 0, "owned_by": "knowledge-focus"})
}
