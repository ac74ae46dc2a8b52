//! deploy/prometheus: the dashboard and the alert rules use only metrics and labels that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::{Client, OK, Server, Tee, answers, finish, latin1, need};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/prometheus")
        .join(name)
}

/// Every metric of a program that has seen some of everything, with its labels.
fn metrics() -> BTreeMap<String, BTreeSet<String>> {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "identity = true")
        .toml("[script]\ncommand = [\"cat\"]")
        .start();
    tee.get("/");
    tee.settled(1);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in tee.ask_admin("/metrics").text().lines() {
        if line.starts_with('#') {
            continue;
        }
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let labels = rest.split('"').step_by(2).filter_map(|part| {
            let label = part
                .trim_start_matches(['{', ',', '}', ' '])
                .strip_suffix('=')?;
            Some(label.to_owned())
        });
        found.entry(name.to_owned()).or_default().extend(labels);
    }
    found
}

/// The metrics that an expression names, with the labels that it selects them by.
fn used(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find("shadowtee_") {
        let text = &rest[at..];
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        let mut labels = BTreeSet::new();
        if let Some(selector) = text[end..].strip_prefix('{') {
            // Values in quotes hold no brace here.
            let selector = selector.split('}').next().unwrap();
            for part in selector.split('"').step_by(2) {
                let label = part.trim_matches([',', ' ', '=', '~', '!']);
                if !label.is_empty() {
                    labels.insert(label.to_owned());
                }
            }
        }
        found.push((text[..end].to_owned(), labels));
        rest = &text[end..];
    }
    found
}

#[track_caller]
fn all_exist(expressions: &[String]) {
    let known = metrics();
    let mut checked = 0;
    for expression in expressions {
        for (name, labels) in used(expression) {
            let Some(has) = known.get(&name) else {
                panic!("there is no {name}, but {expression}");
            };
            for label in labels {
                let from_scraping = ["job", "instance"].contains(&label.as_str());
                assert!(
                    from_scraping || has.contains(&label),
                    "{name} has no {label}: {expression}"
                );
            }
            checked += 1;
        }
    }
    assert!(checked >= expressions.len().min(8), "{checked}");
}

fn expressions(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                match value.as_str() {
                    Some(text) if key == "expr" || key == "query" => into.push(text.to_owned()),
                    _ => expressions(value, into),
                }
            }
        }
        serde_json::Value::Array(values) => {
            for value in values {
                expressions(value, into);
            }
        }
        _ => {}
    }
}

#[test]
fn the_dashboard_uses_only_metrics_that_exist_and_all_of_them() {
    let text = fs::read_to_string(file("dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut all = Vec::new();
    expressions(&dashboard, &mut all);
    all_exist(&all);
    let shown: BTreeSet<_> = all
        .iter()
        .flat_map(|one| used(one))
        .map(|(name, _)| name)
        .collect();
    for name in metrics().keys() {
        let derived = ["_sum", "_count"].iter().any(|end| name.ends_with(end));
        assert!(
            derived || shown.contains(name),
            "{name} is not on the dashboard"
        );
    }
}

#[test]
fn the_alert_rules_use_only_metrics_that_exist() {
    let text = fs::read_to_string(file("alerts.yml")).unwrap();
    let rules: Vec<_> = text.split("- alert:").skip(1).collect();
    let expressions: Vec<_> = rules
        .iter()
        .map(|rule| {
            let (_, after) = rule.split_once("expr:").unwrap();
            let end = after
                .find("\n        for:")
                .or_else(|| after.find("\n        labels:"));
            after[..end.unwrap()].to_owned()
        })
        .collect();
    assert!(expressions.len() > 5);
    all_exist(&expressions);
}

#[test]
fn the_outcomes_and_reasons_that_the_rules_name_exist() {
    let text = fs::read_to_string(file("alerts.yml")).unwrap();
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &primary).start();
    let metrics = tee.ask_admin("/metrics").text();
    for named in text.split("outcome=").skip(1) {
        let value = named.split('"').nth(1).unwrap();
        for outcome in value.split('|') {
            assert!(
                metrics.contains(&format!("outcome=\"{outcome}\"")),
                "{outcome}"
            );
        }
    }
    assert!(metrics.contains("reason=\"primary_late\""));
}

#[test]
fn prometheus_accepts_the_rules_and_the_metrics() {
    let promtool = need("promtool");
    let output = finish(
        Command::new(&promtool)
            .args(["check", "rules"])
            .arg(file("alerts.yml")),
    );
    assert!(
        output.status.success(),
        "{}{}",
        latin1(&output.stdout),
        latin1(&output.stderr)
    );
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &primary).start();
    tee.get("/");
    let text = tee.dir().join("metrics");
    fs::write(&text, tee.ask_admin("/metrics").body).unwrap();
    let script = format!("{} check metrics < {}", promtool.display(), text.display());
    let output = finish(Command::new("bash").args(["-c", &script]));
    assert!(output.status.success(), "{}", latin1(&output.stderr));
    drop(Client::connect(tee.admin().as_path()));
}
