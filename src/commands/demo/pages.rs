//! What the shop shows. The second version has faults, as an upgrade may have.

use std::time::SystemTime;

use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, LOCATION},
};
use http_body_util::Full;
use hyper::body::Bytes;

use super::shop::{Order, Session, token};

/// A response of the shop.
pub(super) type Page = Response<Full<Bytes>>;

pub(super) fn set(page: &mut Page, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value);
    let value = value.expect("all that the shop says is printable");
    page.headers_mut().insert(name, value);
}

fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Page {
    let mut page = Response::new(Full::from(body.into()));
    *page.status_mut() = status;
    set(&mut page, CONTENT_TYPE, kind);
    page
}

fn html(title: &str, main: &str) -> Page {
    let body = format!(
        "<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>{main}</body></html>\n"
    );
    page(StatusCode::OK, "text/html; charset=utf-8", body)
}

/// A form that the session's token goes with.
fn form(action: &str, session: &Session, rest: &str) -> String {
    format!(
        "<form action=\"{action}\" method=\"post\"><input type=\"hidden\" name=\"token\" value=\"{}\">{rest}</form>",
        session.token
    )
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Page {
    page(status, "text/plain", text)
}

pub(super) fn see(path: &str) -> Page {
    let mut page = text(StatusCode::SEE_OTHER, "");
    set(&mut page, LOCATION, path);
    page
}

pub(super) fn home() -> Page {
    html("Lamps and chairs", "<p>Welcome to the shop.</p>")
}

pub(super) fn reports() -> Page {
    html("Reports", "<p>12 orders this week.</p>")
}

pub(super) fn login(session: &Session) -> Page {
    let fields =
        "<input name=\"name\"><input type=\"password\" name=\"password\"><button>Sign in</button>";
    html("Sign in", &form("/login", session, fields))
}

pub(super) fn search(query: &str, is_upgraded: bool) -> Page {
    let words = query.strip_prefix("q=").unwrap_or_default();
    let words = percent_encoding::percent_decode_str(words).decode_utf8_lossy();
    // Fault: what was sent in UTF-8 is read as if it were Latin 1.
    let shown: String = if is_upgraded {
        words.bytes().map(char::from).collect()
    } else {
        words.into_owned()
    };
    let shown = shown.replace('&', "&amp;").replace('<', "&lt;");
    html("Search", &format!("<p>3 results for {shown}</p>"))
}

pub(super) fn product(number: u32, session: Option<&Session>, is_upgraded: bool) -> Page {
    // Fault: a part of the template that is not rendered any more.
    let stock = if is_upgraded {
        ""
    } else {
        "<p>In stock, delivered in two days.</p>"
    };
    let order = match session {
        Some(session) => {
            let product = format!("<input type=\"hidden\" name=\"product\" value=\"{number}\">");
            let amount = "<input name=\"amount\" value=\"1\"><button>Order</button>";
            form("/orders", session, &format!("{product}{amount}"))
        }
        None => "<p><a href=\"/login\">Sign in</a> to order.</p>".to_owned(),
    };
    let main = format!("<p>A lamp, number {number}.</p>{stock}{order}");
    html(&format!("Lamp {number}"), &main)
}

pub(super) fn account(customer: &str, is_upgraded: bool) -> Page {
    if is_upgraded {
        // Fault: a helper that the new framework no longer has.
        let error = "NoMethodError: undefined method `name' for nil\n";
        return text(StatusCode::INTERNAL_SERVER_ERROR, error);
    }
    html("Account", &format!("<p>Signed in as {customer}.</p>"))
}

/// An order as its customer sees it, who may change it.
pub(super) fn order(number: usize, order: &Order, session: &Session) -> Page {
    let path = format!("/orders/{number}");
    let state = if order.is_cancelled {
        "Cancelled"
    } else {
        "Ordered"
    };
    let (amount, product) = (order.amount, order.product);
    let change = form(
        &path,
        session,
        &format!("<input name=\"amount\" value=\"{amount}\"><button>Change</button>"),
    );
    let cancel = form(
        &format!("{path}/cancel"),
        session,
        "<button>Cancel</button>",
    );
    let main = format!("<p>{state}: {amount} of lamp {product}.</p>{change}{cancel}");
    html(&format!("Order {number}"), &main)
}

/// The same for programs.
pub(super) fn order_json(number: usize, order: &Order, is_upgraded: bool) -> Page {
    let cents = (1990 + order.product * 10) * order.amount;
    // Fault: cents are taken for whole units.
    let total = if is_upgraded {
        format!("{cents}.00")
    } else {
        format!("{}.{:02}", cents / 100, cents % 100)
    };
    let body = format!(
        "{{\"id\":{number},\"product\":{},\"amount\":{},\"total\":{total},\"cancelled\":{},\"etag\":\"{}\",\"now\":\"{}\"}}\n",
        order.product,
        order.amount,
        order.is_cancelled,
        token(),
        humantime::format_rfc3339_seconds(SystemTime::now())
    );
    page(StatusCode::OK, "application/json", body)
}
