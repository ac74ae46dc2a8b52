//! Gives each request an id, which stands in all logs and goes to the primary and to shadows.

use http::{HeaderName, HeaderValue, Response};
use tower::layer::{Layer, layer_fn};

use super::{
    body::ClientBody,
    call::{Call, Handle, Id, Path},
};

/// Gives each request an id, unless it has one.
pub(crate) struct Identify<H> {
    inner: H,
    header: HeaderName,
    /// Only the access log asks an answer for its id.
    tell: bool,
}

impl<H> Identify<H> {
    pub(super) fn layer(path: &Path) -> impl Layer<H, Service = Self> + use<H> {
        let (header, tell) = (path.request_id.clone(), path.access_log);
        layer_fn(move |inner| Self {
            inner,
            header: header.clone(),
            tell,
        })
    }
}

impl<H: Handle<Call>> Handle<Call> for Identify<H> {
    type Error = H::Error;

    async fn handle(&self, mut call: Call) -> Result<Response<ClientBody>, H::Error> {
        call.id = match call.head.headers.get(&self.header) {
            Some(id) if !id.is_empty() => id.clone(),
            _ => {
                let id = new_id();
                call.head.headers.insert(&self.header, id.clone());
                id
            }
        };
        let id = self.tell.then(|| call.id.clone());
        let mut response = self.inner.handle(call).await?;
        if let Some(id) = id {
            response.extensions_mut().insert(Id(id));
        }
        Ok(response)
    }
}

/// 128 random bits in hex, as nginx's `$request_id`.
pub(super) fn new_id() -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let random = fastrand::u128(..).to_be_bytes();
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(random) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| unreachable!("hex digits are a value"))
}
