//! Which path is answered by what.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Serialize;
use serde_json::json;
use sidecar_host::{Call, RpcError, State as SidecarState, Supervisor};
use tower_http::cors::{AllowHeaders, AllowOrigin, AllowPrivateNetwork, CorsLayer, ExposeHeaders};
use uuid::Uuid;

use crate::body::Room;
use crate::error::ApiError;
use crate::held_up::HeldUp;
use crate::origin::Origin;
use crate::patience::Patience;
use crate::token::CurrentToken;
use crate::turn::Turns;
use crate::{chat, gate, models};

pub(crate) const HEALTH: &str = "/health";

/// What all requests share.
pub(crate) type Shared = Arc<Sharing>;

#[derive(Debug)]
pub(crate) struct Sharing {
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) token: CurrentToken,
    pub(crate) turns: Turns,
    pub(crate) room: Room,
    pub(crate) patience: Patience,
    pub(crate) held_up: HeldUp,
}

impl Sharing {
    /// Sends a request, once a sidecar is ready; not if none will be.
    pub(crate) async fn call(&self, method: &str, params: &impl Serialize) -> Result<Call, RpcError> {
        tokio::select! {
            biased;
            call = self.supervisor.call(Uuid::new_v4().to_string(), method, params) => call,
            error = self.held_up.reason() => Err(error),
        }
    }
}

/// Pages of `origins` may ask, too; a browser keeps all others off.
pub(crate) fn router(shared: Shared, origins: Vec<Origin>) -> Router {
    let routes = Router::new()
        .route(HEALTH, get(health))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/chat/completions", post(chat::completions))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed);
    let gated = routes.layer(middleware::from_fn_with_state(Arc::clone(&shared), gate::gate)).with_state(shared);
    if origins.is_empty() {
        return gated;
    }
    // A browser asks without the token whether it may ask: that is answered before the gate, and tells nothing.
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.into_iter().map(Origin::into_header)))
        .allow_methods([Method::GET, Method::POST])
        // OpenAI's library for browsers sends some of its own; none but the token opens anything.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(ExposeHeaders::any())
        // Chrome asks a page of the web for this before it reaches this computer.
        .allow_private_network(AllowPrivateNetwork::yes());
    gated.layer(cors)
}

/// Whether there is a sidecar to ask. One that is not there is no reason for anybody to start this one anew.
async fn health(State(shared): State<Shared>) -> Response {
    let state = shared.supervisor.state();
    let (status, word) = match &*state.borrow() {
        SidecarState::Ready(_) => (StatusCode::OK, "ok"),
        SidecarState::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        SidecarState::Down { .. } | SidecarState::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    };
    (status, Json(json!({"status": word}))).into_response()
}

async fn unknown() -> ApiError {
    ApiError::of_client(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this address; see /v1/models and /v1/chat/completions",
    )
}

async fn not_allowed() -> ApiError {
    ApiError::of_client(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address has another method")
}
