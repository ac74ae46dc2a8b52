//! A small shop in two versions, whose customers sign in, order, and change their orders. Each instance has sessions, tokens
//! and numbers of orders of its own.

use std::{convert::Infallible, io, path::Path, sync::Arc, time::Duration};

use http::{
    Method, Request, StatusCode,
    header::{COOKIE, HeaderName, SET_COOKIE, X_FRAME_OPTIONS},
};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{net::UnixListener, time::sleep};

use super::{
    pages::{self, Page, see, set, text},
    shop::{Order, Session, Shop, Version, token},
};

/// Serves the application on a unix socket, in the runtime that this is called in.
pub(super) fn start(socket: &Path, version: Version) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    let shop = Arc::new(Mutex::new(Shop::new(version)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shop = Arc::clone(&shop);
            let service = service_fn(move |request| answer(Arc::clone(&shop), request));
            tokio::spawn(async move {
                // A connection that breaks is part of the demo.
                let _ = Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(())
}

/// A request, read whole.
struct Asked {
    is_post: bool,
    path: String,
    query: String,
    /// The value of the session's cookie.
    cookie: Option<String>,
    body: String,
}

impl Asked {
    async fn read(request: Request<Incoming>) -> Self {
        const MOST: usize = 64 * 1024;
        let (head, body) = request.into_parts();
        let cookies = head.headers.get(COOKIE).and_then(|line| line.to_str().ok());
        let mut cookies = cookies.unwrap_or_default().split("; ");
        let cookie = cookies.find_map(|cookie| cookie.strip_prefix("session="));
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        Self {
            is_post: head.method == Method::POST,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            cookie: cookie.map(str::to_owned),
            body: String::from_utf8_lossy(&body.unwrap_or_default()).into_owned(),
        }
    }

    /// A field of the form. Those of the shop need no escapes.
    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.body.split('&').filter_map(|pair| pair.split_once('='));
        fields.find_map(|(known, value)| (known == name).then_some(value))
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.field(name)?.parse().ok()
    }
}

async fn answer(shop: Arc<Mutex<Shop>>, request: Request<Incoming>) -> Result<Page, Infallible> {
    let asked = Asked::read(request).await;
    let is_upgraded = shop.lock().is_upgraded();
    if asked.path == "/reports" {
        // Fault: a query that is no longer answered from an index.
        sleep(Duration::from_millis(if is_upgraded { 40 } else { 5 })).await;
    }
    let page = respond(&mut shop.lock(), &asked);
    let mut page = page.unwrap_or_else(Refusal::page);
    set(&mut page, HeaderName::from_static("x-request-id"), &token());
    // Fault: a setting that has another default in the new framework.
    if !is_upgraded {
        set(&mut page, X_FRAME_OPTIONS, "DENY");
    }
    Ok(page)
}

/// Why somebody does not get what they ask for.
#[derive(Clone, Copy)]
enum Refusal {
    SignInFirst,
    NoSuchPage,
    /// A form that does not come from a page of the same session.
    InvalidForm,
    NothingLeft,
}

impl Refusal {
    fn page(self) -> Page {
        match self {
            Self::SignInFirst => see("/login"),
            Self::NoSuchPage => text(StatusCode::NOT_FOUND, "no such page\n"),
            Self::InvalidForm => text(StatusCode::FORBIDDEN, "this form is not valid\n"),
            Self::NothingLeft => text(StatusCode::SERVICE_UNAVAILABLE, "nothing is left\n"),
        }
    }
}

type Answered = Result<Page, Refusal>;

fn respond(shop: &mut Shop, asked: &Asked) -> Answered {
    let path = asked.path.trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let is_upgraded = shop.is_upgraded();
    match (asked.is_post, parts.as_slice()) {
        (false, [""]) => Ok(pages::home()),
        (false, ["search"]) => Ok(pages::search(&asked.query, is_upgraded)),
        (false, ["reports"]) => Ok(pages::reports()),
        (false, ["products", number]) => {
            let number = number.parse().map_err(|_| Refusal::NoSuchPage)?;
            let session = shop.session(asked.cookie.as_deref());
            let session = session.filter(|session| session.customer.is_some());
            Ok(pages::product(number, session, is_upgraded))
        }
        (false, ["login"]) => login(shop, asked),
        (true, ["login"]) => sign_in(shop, asked),
        (true, ["logout"]) => sign_out(shop, asked),
        (false, ["account"]) => {
            let customer = customer(shop, asked)?;
            Ok(pages::account(&customer.name, is_upgraded))
        }
        (true, ["orders"]) => order(shop, asked),
        (false, ["orders", number]) => {
            let customer = customer(shop, asked)?;
            let (number, order) = customer.order(shop, number)?;
            Ok(pages::order(number, order, &customer.session))
        }
        (false, ["api", "orders", number]) => {
            let customer = customer(shop, asked)?;
            let (number, order) = customer.order(shop, number)?;
            Ok(pages::order_json(number, order, is_upgraded))
        }
        (true, ["orders", number]) => change(shop, asked, number, |order| {
            order.amount = asked.number("amount").unwrap_or(1).min(100);
        }),
        (true, ["orders", number, "cancel"]) => {
            change(shop, asked, number, |order| order.is_cancelled = true)
        }
        _ => Err(Refusal::NoSuchPage),
    }
}

/// Somebody who has signed in.
struct Customer {
    name: String,
    session: Session,
}

/// Whose session it is; all others are sent to sign in.
fn customer(shop: &Shop, asked: &Asked) -> Result<Customer, Refusal> {
    let session = shop.session(asked.cookie.as_deref()).cloned();
    let session = session.ok_or(Refusal::SignInFirst)?;
    let name = session.customer.clone().ok_or(Refusal::SignInFirst)?;
    Ok(Customer { name, session })
}

impl Customer {
    /// An order of theirs.
    fn order<'a>(
        &self,
        shop: &'a mut Shop,
        number: &str,
    ) -> Result<(usize, &'a mut Order), Refusal> {
        let number = number.parse().map_err(|_| Refusal::NoSuchPage)?;
        let order = shop.order_of(&self.name, number);
        Ok((number, order.ok_or(Refusal::NoSuchPage)?))
    }
}

/// Refuses a form that does not come from a page of the same session.
fn check(session: Option<&Session>, asked: &Asked) -> Result<(), Refusal> {
    let token = session.map(|session| &*session.token);
    if token.is_some() && asked.field("token") == token {
        return Ok(());
    }
    Err(Refusal::InvalidForm)
}

fn give_cookie(page: &mut Page, cookie: &str) {
    let line = format!("session={cookie}; Path=/; HttpOnly; SameSite=Lax");
    set(page, SET_COOKIE, &line);
}

fn login(shop: &mut Shop, asked: &Asked) -> Answered {
    if let Some(session) = shop.session(asked.cookie.as_deref()) {
        return Ok(pages::login(session));
    }
    let cookie = shop.begin(None);
    let session = shop.session(Some(&cookie));
    let mut page = pages::login(session.ok_or(Refusal::SignInFirst)?);
    give_cookie(&mut page, &cookie);
    Ok(page)
}

/// Whoever signs in has another session from then on.
fn sign_in(shop: &mut Shop, asked: &Asked) -> Answered {
    check(shop.session(asked.cookie.as_deref()), asked)?;
    let name = asked.field("name").unwrap_or_default();
    let is_name = (1..=20).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric());
    if !is_name {
        return Err(Refusal::SignInFirst);
    }
    shop.end(asked.cookie.as_deref());
    let cookie = shop.begin(Some(name));
    let mut page = see("/account");
    give_cookie(&mut page, &cookie);
    Ok(page)
}

fn sign_out(shop: &mut Shop, asked: &Asked) -> Answered {
    let customer = customer(shop, asked)?;
    check(Some(&customer.session), asked)?;
    shop.end(asked.cookie.as_deref());
    let mut page = see("/");
    set(&mut page, SET_COOKIE, "session=; Path=/; Max-Age=0");
    Ok(page)
}

fn order(shop: &mut Shop, asked: &Asked) -> Answered {
    let customer = customer(shop, asked)?;
    check(Some(&customer.session), asked)?;
    let number = shop.order(Order {
        customer: customer.name,
        product: asked.number("product").unwrap_or(1).min(1000),
        amount: asked.number("amount").unwrap_or(1).min(100),
        is_cancelled: false,
    });
    let number = number.ok_or(Refusal::NothingLeft)?;
    Ok(see(&format!("/orders/{number}")))
}

fn change(
    shop: &mut Shop,
    asked: &Asked,
    number: &str,
    change: impl FnOnce(&mut Order),
) -> Answered {
    let customer = customer(shop, asked)?;
    check(Some(&customer.session), asked)?;
    let (number, order) = customer.order(shop, number)?;
    change(order);
    Ok(see(&format!("/orders/{number}")))
}
