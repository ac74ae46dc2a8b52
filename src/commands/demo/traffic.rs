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
const HURRY: Duration = Duration::from_millis(3);
/// The same where there is somebody to look on.
const LEISURE: Duration = Duration::from_millis(200);

/// What was sent.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) requests: usize,
    pub(super) visits: usize,
}

/// Has each customer come a few times.
pub(super) async fn send(socket: &Path) -> anyhow::Result<Sent> {
    let mut sender = connect(socket).await?;
    let mut requests = 0;
    for number in 0..VISITS {
        let mut visit = Visit::new(&mut sender, HURRY);
        visit.go(number).await?;
        requests += visit.sent;
    }
    Ok(Sent {
        requests,
        visits: VISITS,
    })
}

/// Has customers come one after the other, for as long as it is polled.
pub(super) async fn go_on(socket: &Path) {
    let mut number = VISITS;
    loop {
        // The tee may be stopping, or the shop be sold out.
        if let Ok(mut sender) = connect(socket).await {
            while Visit::new(&mut sender, LEISURE).go(number).await.is_ok() {
                number += 1;
            }
        }
        number += 1;
        sleep(LEISURE).await;
    }
}

async fn connect(socket: &Path) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    // The workers may still be starting: the socket is bound, and the connection waits for whoever accepts it.
    let stream = hyperlocal::UnixConnector
        .call(hyperlocal::Uri::new(socket, "/").into())
        .await
        .context("the demo's tee does not accept a connection")?;
    let (sender, connection) = handshake(stream).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// A customer with an empty browser, who knows no more than what production answered.
struct Visit<'a> {
    sender: &'a mut SendRequest<Full<Bytes>>,
    /// Before each request.
    pause: Duration,
    cookie: Option<String>,
    /// The last page.
    page: String,
    sent: usize,
}

impl<'a> Visit<'a> {
    fn new(sender: &'a mut SendRequest<Full<Bytes>>, pause: Duration) -> Self {
        Self {
            sender,
            pause,
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
        sleep(self.pause).await;
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
