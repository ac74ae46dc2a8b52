//! The page that people look at. It is rendered here, works without JavaScript, and shows what strangers sent as text only.
//!
//! A file for each view; what all of them stand in is `frame`, what the page's script renews of them is `live`.

mod captures;
mod cause;
mod chart;
mod configuration;
mod example;
mod flow;
mod form;
mod frame;
mod live;
mod moment;
mod overview;
mod pager;
mod production;
mod query;
mod replay;
mod route;
mod routes;
mod rules;
mod sessions;
mod shadow;
mod shadows;
mod sign_in;
#[cfg(test)]
mod tests;
mod text;
mod trend;

pub(super) use captures::captures;
pub(super) use cause::{add_rule, cause};
pub(super) use configuration::configuration;
pub(super) use example::example;
pub(super) use form::{from_before, is_of_this_process};
pub(super) use frame::{icon, nothing, script, style};
pub(super) use overview::overview;
pub(super) use replay::replay;
pub(super) use route::route;
pub(super) use routes::routes;
pub(super) use rules::{remove_rule, rules};
pub(super) use sessions::sessions;
pub(super) use shadow::{change_shadow, shadow};
pub(super) use shadows::shadows;
pub(super) use sign_in::{SIGN_IN, please_sign_in, sign_in, sign_out};
