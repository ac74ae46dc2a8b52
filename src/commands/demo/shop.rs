//! What one instance of the shop knows. All of it is in its own memory: the other instance knows none of its sessions and
//! tokens, and gives the numbers of its orders to others.

use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Version {
    /// How many orders there were before. The next version was tested, so that its next number is a later one.
    pub(super) fn sold(self) -> usize {
        match self {
            Self::One => 40,
            Self::Two => 52,
        }
    }
}

/// One instance of the shop.
pub(super) struct Shop {
    version: Version,
    sessions: HashMap<String, Session>,
    /// By their numbers, which begin at 1.
    orders: Vec<Order>,
}

/// A session that somebody's cookie names.
#[derive(Clone)]
pub(super) struct Session {
    /// What its forms have to send back.
    pub(super) token: String,
    /// None until somebody has signed in.
    pub(super) customer: Option<String>,
}

#[derive(Clone)]
pub(super) struct Order {
    pub(super) customer: String,
    pub(super) product: u32,
    pub(super) amount: u32,
    pub(super) is_cancelled: bool,
}

/// Whoever plays with the demo for long loses sessions, and finds no more to order.
const SESSIONS: usize = 1000;
const ORDERS: usize = 10_000;

impl Shop {
    /// A shop that has sold something before.
    pub(super) fn new(version: Version) -> Self {
        let order = Order {
            customer: "zoe".to_owned(),
            product: 1,
            amount: 1,
            is_cancelled: false,
        };
        Self {
            version,
            sessions: HashMap::new(),
            orders: vec![order; version.sold()],
        }
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.version == Version::Two
    }

    /// The session that a cookie names.
    pub(super) fn session(&self, cookie: Option<&str>) -> Option<&Session> {
        self.sessions.get(cookie?)
    }

    /// Begins a session, and returns the value of its cookie.
    pub(super) fn begin(&mut self, customer: Option<&str>) -> String {
        if self.sessions.len() >= SESSIONS {
            self.sessions.clear();
        }
        let cookie = token();
        let session = Session {
            token: token(),
            customer: customer.map(str::to_owned),
        };
        self.sessions.insert(cookie.clone(), session);
        cookie
    }

    pub(super) fn end(&mut self, cookie: Option<&str>) {
        if let Some(cookie) = cookie {
            self.sessions.remove(cookie);
        }
    }

    /// Takes an order, and returns its number; none where there is nothing left.
    pub(super) fn order(&mut self, order: Order) -> Option<usize> {
        if self.orders.len() >= ORDERS {
            return None;
        }
        self.orders.push(order);
        Some(self.orders.len())
    }

    /// An order, for whom it is of.
    pub(super) fn order_of(&mut self, customer: &str, number: usize) -> Option<&mut Order> {
        let order = self.orders.get_mut(number.checked_sub(1)?)?;
        (order.customer == customer).then_some(order)
    }
}

/// What nobody can guess, and what is never the same.
pub(super) fn token() -> String {
    format!("{:032x}", fastrand::u128(..))
}
