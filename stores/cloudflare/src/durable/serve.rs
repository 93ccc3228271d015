//! The object's side of a client.

use worker::{Method, Request, Response};

use super::message::{self, Failure, FailureKind};
use super::store::DurableStore;

/// The path of a client's requests.
pub(super) const PATH: &str = "/kv-runtime";

impl DurableStore {
    /// Answers a request of a [`DurableClient`](super::DurableClient): what the object's `fetch`
    /// has to call.
    ///
    /// A request that no client made is answered with status 404;
    /// [`is_of_client`](Self::is_of_client) tells it before. A sender of requests to the object can
    /// read and write all of its records, so do not pass on requests from outside.
    pub async fn serve(&self, mut request: Request) -> worker::Result<Response> {
        if !Self::is_of_client(&request) {
            return Response::error("it is no request of a DurableClient", 404);
        }
        let body = request.bytes().await?;
        let response = match message::Request::from_bytes(&body) {
            Ok(asked) => self.call(asked).await,
            Err(unreadable) => message::Response::Failed(Failure {
                kind: FailureKind::Form,
                message: unreadable.to_string(),
            }),
        };
        Response::from_bytes(response.to_bytes())
    }

    /// Whether a [`DurableClient`](super::DurableClient) made this request, for an object that
    /// answers others, too.
    #[must_use]
    pub fn is_of_client(request: &Request) -> bool {
        request.method() == Method::Post && request.path() == PATH
    }
}
