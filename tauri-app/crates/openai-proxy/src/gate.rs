//! Who may ask.

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::routes::{HEALTH, Shared};

/// What this computer is called by those who mean it. A page of the web that had its own name lead here says that name.
const OWN_NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Lets a request through that means this computer and shows the token; `/health` tells nothing, and needs none.
pub(crate) async fn gate(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if !means_this_computer(&request) {
        let message = "the Host header is not 127.0.0.1 or localhost";
        return ApiError::of_client(StatusCode::FORBIDDEN, "host_refused", message).into_response();
    }
    if request.uri().path() != HEALTH && !shared.token.is_shown_in(request.headers()) {
        let message = "the token is missing or wrong; send it as `Authorization: Bearer …`. It is in the app's settings, \
                       under Other programs, or in the file that `knowledge-focus serve` names";
        return ApiError::of_client(StatusCode::UNAUTHORIZED, "invalid_api_key", message).into_response();
    }
    next.run(request).await
}

/// Exactly one Host header, of ours, and the same for the target of a request that names one.
fn means_this_computer(request: &Request) -> bool {
    let target = request.uri().authority();
    only_host(request.headers()).is_some_and(|host| is_own(&host)) && target.is_none_or(is_own)
}

fn only_host(headers: &HeaderMap) -> Option<Authority> {
    let mut values = headers.get_all(HOST).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()?.parse().ok()
}

/// Whatever the port: one that leads here through a tunnel has another number.
fn is_own(authority: &Authority) -> bool {
    let has_user = authority.as_str().contains('@');
    !has_user && OWN_NAMES.iter().any(|name| authority.host().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_names_of_this_computer_are_served() {
        for (hosts, target, served) in [
            (&["127.0.0.1:60315"][..], "/", true),
            (&["localhost"], "/", true),
            (&["LocalHost:8080"], "/", true),
            (&["localhost"], "http://127.0.0.1:60315/", true),
            (&["evil.example"], "/", false),
            (&["localhost.evil.example"], "/", false),
            (&["localhost@evil.example"], "/", false),
            (&["evil.example@localhost"], "/", false),
            (&["localhost", "evil.example"], "/", false),
            (&["localhost"], "http://evil.example/", false),
            (&[""], "/", false),
            (&[], "/", false),
        ] {
            let mut request = Request::builder().uri(target);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            let request = request.body(Body::empty()).expect("a request");
            assert_eq!(means_this_computer(&request), served, "{hosts:?} {target}");
        }
    }
}
