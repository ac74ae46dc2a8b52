//! Forms of the page: what they send, and that it was a page of this process that sent it.

use http::{HeaderValue, StatusCode, header::LOCATION};
use maud::{Markup, html};

use super::frame::told;
use crate::admin::{
    call::{Call, Reply, text},
    credentials::{form_key, is_form_key},
};

/// The field that each form has, so that no other site can make one up.
pub(super) fn key() -> Markup {
    html! { input type="hidden" name="key" value=(form_key()); }
}

/// The fields of a form that was sent.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn of(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A field, empty where there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }
}

/// Whether the form's page was made by this process.
pub(in crate::admin) fn is_of_this_process(call: &Call<'_>) -> bool {
    is_form_key(Fields::of(call.request.body()).field("key"))
}

/// Tells that it was not.
pub(in crate::admin) fn from_before(call: &Call<'_>) -> Reply {
    let why = html! {
        p { "Nothing was changed. The page that this form stands in was made before shadowtee was started: open it anew." }
        p { a href="/" { "To the causes" } }
    };
    told(call, StatusCode::FORBIDDEN, "This page is too old", &why)
}

/// Leads the browser on, with a GET.
pub(super) fn see(address: &str) -> Reply {
    let mut reply = text(StatusCode::SEE_OTHER, "");
    // Addresses are made here, percent-encoded.
    if let Ok(address) = HeaderValue::try_from(address) {
        reply.headers_mut().insert(LOCATION, address);
    }
    reply
}
