//! The administration's pages in a real browser. What is checked stands in `browser`, a file for each kind of behaviour;
//! here is what the pages tell of.

mod applications;

use std::fs;

use serde_json::Value;

use crate::kit::{At, Client, Message, Server, Tee, browse, eventually, free_port, get};

const TOKEN: &str = "a-token-of-its-own";

/// The tee with its administration where a browser finds it.
struct Site {
    tee: Tee,
    admin: String,
    token: &'static str,
    targets: Vec<String>,
    _servers: Vec<Server>,
}

impl Site {
    /// A shop, and two shadows: one that differs, and one that does not.
    fn shop(token: &'static str) -> Self {
        let servers = [false, true, false].map(applications::shop);
        Self::start(servers.into(), token, applications::targets_of_shop())
    }

    /// An application that is hostile in both versions.
    fn hostile() -> Self {
        let servers = [1, 2].map(applications::hostile);
        Self::start(servers.into(), "", applications::targets_of_hostile())
    }

    fn start(servers: Vec<Server>, token: &'static str, targets: Vec<String>) -> Self {
        let mut setup = Tee::with_primary(&servers[0]).on_tcp();
        for (name, shadow) in ["next", "other"].iter().zip(&servers[1..]) {
            setup = setup.shadow_with(name, shadow, "compare = true");
        }
        let rules = setup.dir().join("rules.toml");
        fs::write(&rules, "").expect("a file of rules");
        let compare = format!(
            "[compare]\nrules = \"{}\"\nexamples = true",
            rules.display()
        );
        let admin = free_port().to_string();
        let mut setup = setup.toml(&compare).arg("--admin").arg(&admin);
        if !token.is_empty() {
            setup = setup.env("SHADOWTEE_ADMIN__TOKEN", token);
        }
        let tee = setup.launch();
        eventually("the administration", || Client::try_connect(&admin).ok());
        let site = Self {
            tee,
            admin,
            token,
            targets,
            _servers: servers,
        };
        site.visit(3);
        site
    }

    /// People ask for all that there is, and all of it is compared.
    fn visit(&self, rounds: usize) {
        let mut client = self.tee.client();
        for target in self
            .targets
            .iter()
            .cycle()
            .take(rounds * self.targets.len())
        {
            client.send(get(target)).answer();
        }
        let sent = (rounds * self.targets.len()) as u64;
        eventually("what was compared", || {
            let report: Value = serde_json::from_str(&self.ask("/api/report").text()).ok()?;
            let reports = match &report["shadows"] {
                Value::Array(reports) => reports.clone(),
                _ => vec![report],
            };
            let mut answered = reports.iter().map(|of| of["requests"]["answered"].as_u64());
            answered
                .all(|answered| answered == Some(sent))
                .then_some(())
        });
    }

    fn ask(&self, path: &str) -> Message {
        let (admin, token) = (&self.admin, self.token);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {admin}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        Client::connect(admin).send(request).answer()
    }

    #[track_caller]
    fn browse(&self, checks: &str) {
        let base = format!("http://{}", self.admin);
        let application = format!("http://{}", self.tee.at());
        let targets = self.targets.join(" ");
        let values = [
            ("token", self.token),
            ("application", &application),
            ("targets", &targets),
        ];
        browse(checks, &base, &values);
    }
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    Site::shop("").browse("foreign.mjs");
}

#[test]
fn a_page_of_another_site_changes_nothing_with_the_cookie_either() {
    Site::shop(TOKEN).browse("foreign.mjs");
}

#[test]
fn whoever_has_the_token_signs_in() {
    Site::shop(TOKEN).browse("token.mjs");
}

#[test]
fn everybody_can_use_all_pages_and_looking_changes_nothing() {
    Site::shop("").browse("pages.mjs");
}

#[test]
fn what_strangers_send_is_shown_as_text() {
    Site::hostile().browse("hostile.mjs");
}

#[test]
fn each_button_does_what_it_says() {
    Site::shop("").browse("buttons.mjs");
}

#[test]
fn a_link_to_a_view_shows_the_same() {
    Site::shop("").browse("address.mjs");
}

#[test]
fn an_open_page_keeps_up_and_loses_nothing() {
    Site::shop("").browse("live.mjs");
}
