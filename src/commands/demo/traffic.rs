//! Customers of the demo's shop, who come over a unix socket as nginx would. The only file that knows hyperlocal.

use std::{path::Path, time::Duration};

use anyhow::{Context, ensure};
use http::{
    Method, Request,
    header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use tokio::time::sleep;
use tower::Service;

const CUSTOMERS: [&str; 4] = ["ada", "bob", "eve", "mia"];
/// What they look for: some of it is not in ASCII.
const WORDS: [&str; 2] = ["lamp", "caf%C3%A9"];
/// How often somebody comes, signs in, and leaves.
const VISITS: usize = 20;
/// What somebody needs for a page, and the shadow for the copy of the request before.
const PAUSE: Duration = Duration::from_millis(3);

/// What was sent.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) requests: usize,
    pub(super) visits: usize,
}

/// Has each customer come a few times.
pub(super) async fn send(socket: &Path) -> anyhow::Result<Sent> {
    // The workers may still be starting: the socket is bound, and the connection waits for whoever accepts it.
    let stream = hyperlocal::UnixConnector
        .call(hyperlocal::Uri::new(socket, "/").into())
        .await
        .context("the demo's tee does not accept a connection")?;
    let (mut sender, connection) = handshake(stream).await?;
    tokio::spawn(connection);
    let mut requests = 0;
    for number in 0..VISITS {
        let mut visit = Visit::new(&mut sender);
        visit.go(number).await?;
        requests += visit.sent;
    }
    Ok(Sent {
        requests,
        visits: VISITS,
    })
}

/// A customer with an empty browser, who knows no more than what production answered.
struct Visit<'a> {
    sender: &'a mut SendRequest<Full<Bytes>>,
    cookie: Option<String>,
    /// The last page.
    page: String,
    sent: usize,
}

impl<'a> Visit<'a> {
    fn new(sender: &'a mut SendRequest<Full<Bytes>>) -> Self {
        Self {
            sender,
            cookie: None,
            page: String::new(),
            sent: 0,
        }
    }

    /// Looks around, signs in, orders, thinks better of it, and signs out.
    async fn go(&mut self, number: usize) -> anyhow::Result<()> {
        let word = WORDS[number / CUSTOMERS.len() % WORDS.len()];
        let product = number % 7 + 1;
        self.get("/").await?;
        self.get(&format!("/search?q={word}")).await?;
        self.get(&format!("/products/{product}")).await?;
        self.get("/login").await?;
        let name = CUSTOMERS[number % CUSTOMERS.len()];
        let account = self
            .send_form("/login", &format!("name={name}&password=secret"))
            .await?;
        self.get(&account).await?;
        let product = product + 1;
        self.get(&format!("/products/{product}")).await?;
        let order = self
            .send_form("/orders", &format!("product={product}&amount=1"))
            .await?;
        self.look_at(&order).await?;
        if number.is_multiple_of(2) {
            self.send_form(&order, "amount=2").await?;
        } else {
            self.send_form(&format!("{order}/cancel"), "").await?;
        }
        self.look_at(&order).await?;
        self.get("/reports").await?;
        self.get(&order).await?;
        self.send_form("/logout", "").await?;
        Ok(())
    }

    /// The page has the order's numbers from elsewhere.
    async fn look_at(&mut self, order: &str) -> anyhow::Result<()> {
        self.get(&format!("/api{order}")).await?;
        self.get(order).await
    }

    async fn get(&mut self, target: &str) -> anyhow::Result<()> {
        self.send(Method::GET, target, String::new()).await?;
        Ok(())
    }

    /// Sends a form of the last page, with the token that stands in it. Returns where that leads.
    async fn send_form(&mut self, target: &str, fields: &str) -> anyhow::Result<String> {
        let token = self.page.split("name=\"token\" value=\"").nth(1);
        let token = token.and_then(|rest| rest.split('"').next());
        let token = token.unwrap_or_default();
        let body = format!("token={token}&{fields}");
        let body = body.trim_end_matches('&').to_owned();
        let location = self.send(Method::POST, target, body).await?;
        location.with_context(|| format!("the demo's shop refuses a form for {target}"))
    }

    async fn send(
        &mut self,
        method: Method,
        target: &str,
        body: String,
    ) -> anyhow::Result<Option<String>> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, "shop.example");
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        sleep(PAUSE).await;
        self.sender.ready().await?;
        let request = request.body(Full::from(body))?;
        let response = self.sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        ensure!(
            head.status.as_u16() < 400,
            "the demo's shop answers {target} with {}",
            head.status
        );
        let line = |name| {
            let line = head.headers.get(name)?.to_str().ok()?;
            Some(line.to_owned())
        };
        if let Some(given) = line(SET_COOKIE) {
            let pair = given.split(';').next().unwrap_or_default();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        self.page = String::from_utf8_lossy(&body).into_owned();
        self.sent += 1;
        Ok(line(LOCATION))
    }
}
