//! Rules for a cause, and rules that stand in no file.

use super::{
    Comparer, NOW, Report, Settings, get, json, status, sums_are_right, take, with_orders,
};
use crate::compare::{
    report::Kept,
    rules::{Action, Rule, Rules},
};

fn rule(comparer: &mut Comparer, cause: &str, action: &str) -> Rule {
    let known = comparer.known_cause(cause, NOW).unwrap();
    let json = format!(r#"{{"cause":"{cause}","action":"{action}","reason":"ticket 4711"}}"#);
    Rule {
        title: known.title,
        parts: known.parts,
        ..Rule::of_json(json.as_bytes()).unwrap()
    }
}

fn only_cause(report: &Report) -> String {
    let [cause] = &report.causes[..] else {
        panic!("one cause is expected: {:#?}", report.causes);
    };
    cause.id.clone()
}

fn titles(report: &Report) -> Vec<&str> {
    report.causes.iter().map(|cause| &*cause.title).collect()
}

/// Takes ten pairs of a route.
fn ten(comparer: &mut Comparer, route: &str, primary: &str, shadow: &str) {
    for id in 0..10 {
        let target = format!("{route}/{id}");
        take(comparer, &get(&target, json(primary), json(shadow)).at(id));
    }
}

#[test]
fn a_rule_for_a_cause_holds_for_its_change_on_each_route_and_for_no_other() {
    let mut comparer = Comparer::new(Settings::default());
    ten(&mut comparer, "/a", r#"{"total":2}"#, r#"{"total":200}"#);
    let cause = only_cause(&comparer.report(NOW));
    let expected = rule(&mut comparer, &cause, "expected");
    assert!(comparer.add_rule(expected.clone()));
    let report = comparer.report(NOW);
    sums_are_right(&report);
    assert_eq!(report.causes, []);
    assert_eq!(
        (report.requests.explained, report.requests.different),
        (10, 0)
    );
    let used = &report.rules[0];
    assert_eq!(
        (used.hides, &*used.cause, used.kept),
        (10, &*cause, Kept::Memory)
    );
    assert_eq!(
        (&*used.action, &*used.title),
        ("expected", "total is 100 times larger")
    );

    ten(&mut comparer, "/b", r#"{"total":3}"#, r#"{"total":300}"#);
    let report = comparer.report(NOW);
    assert_eq!((report.causes.len(), report.rules[0].hides), (0, 20));

    ten(&mut comparer, "/a", r#"{"total":2}"#, r#"{"total":"2"}"#);
    let report = comparer.report(NOW);
    assert_eq!(report.causes.len(), 1, "another change at the same place");
    assert_eq!(report.causes[0].kind, "format");

    assert!(comparer.remove_rule(&expected.id()));
    assert!(!comparer.remove_rule(&expected.id()));
    let report = comparer.report(NOW);
    assert_eq!(report.rules, []);
    assert!(
        titles(&report).join(" ").contains("100 times larger"),
        "{report:#?}"
    );
}

#[test]
fn what_was_expected_and_has_stopped_is_told() {
    let mut comparer = Comparer::new(Settings::default());
    let (old, new) = (r#"{"total":2}"#, r#"{"total":200}"#);
    ten(&mut comparer, "/a", old, new);
    let cause = only_cause(&comparer.report(NOW));
    let expected = rule(&mut comparer, &cause, "expected");
    comparer.add_rule(expected);
    let note = |comparer: &mut Comparer| comparer.report(NOW).rules.remove(0).note;
    for _ in 0..3 {
        ten(&mut comparer, "/a", old, old);
    }
    assert_eq!(note(&mut comparer), "");
    ten(&mut comparer, "/a", old, old);
    assert_eq!(
        note(&mut comparer),
        "what was expected was not seen in the last 40 responses"
    );
    ten(&mut comparer, "/a", old, new);
    assert_eq!(note(&mut comparer), "");
}

#[test]
fn a_rule_for_a_cause_on_one_route_leaves_others_alone() {
    let mut comparer = Comparer::new(Settings::default());
    ten(&mut comparer, "/a", r#"{"total":2}"#, r#"{"total":200}"#);
    ten(&mut comparer, "/b", r#"{"total":3}"#, r#"{"total":300}"#);
    let cause = only_cause(&comparer.report(NOW));
    let of_a = Rule {
        route: Some("GET /a/*".to_owned()),
        ..rule(&mut comparer, &cause, "ignore")
    };
    comparer.add_rule(of_a);
    let report = comparer.report(NOW);
    assert_eq!(report.rules[0].hides, 10);
    assert_eq!(only_cause(&report), cause);
    assert_eq!(report.causes[0].routes.len(), 1);
    assert_eq!(report.causes[0].routes[0].route, "GET /b/{n}");
}

/// Pairs in which several members of an answer are gone at once: one cause with several parts.
fn with_parts() -> Comparer {
    let mut comparer = Comparer::new(Settings::default());
    for id in 0..40 {
        let whole = r#"{"name":"tea","price":3,"stock":5}"#;
        let shadow = if id % 4 == 0 {
            r#"{"name":"tea"}"#
        } else {
            whole
        };
        take(
            &mut comparer,
            &get(&format!("/things/{id}"), json(whole), json(shadow)).at(id),
        );
    }
    comparer
}

#[test]
fn a_pair_of_which_a_rule_hides_several_parts_is_one() {
    let mut comparer = with_parts();
    let before = comparer.report(NOW);
    let cause = only_cause(&before);
    assert_eq!(before.causes[0].parts.len(), 2);
    let ignore = rule(&mut comparer, &cause, "ignore");
    assert_eq!(ignore.parts.iter().count(), 2);
    comparer.add_rule(ignore);
    let report = comparer.report(NOW);
    assert_eq!((report.causes.len(), report.rules[0].hides), (0, 10));
}

#[test]
fn a_rule_for_a_cause_holds_where_that_is_told_under_another_id() {
    let mut comparer = with_parts();
    let cause = only_cause(&comparer.report(NOW));
    let ignore = rule(&mut comparer, &cause, "ignore");
    for gone in ["price", "stock"] {
        let whole = r#"{"name":"tea","price":3,"stock":5}"#;
        let mut other = Comparer::new(Settings::default());
        ten(&mut other, "/things", whole, &whole.replace(gone, "more"));
        let before = titles(&other.report(NOW)).join(" ");
        assert!(before.contains(gone), "{before}");
        other.add_rule(ignore.clone());
        let after = titles(&other.report(NOW)).join(" ");
        assert!(!after.contains(gone) && after.contains("more"), "{after}");
    }
}

#[test]
fn a_rule_without_parts_is_for_all_that_is_told_as_the_cause() {
    let mut comparer = with_parts();
    let cause = only_cause(&comparer.report(NOW));
    let set = |comparer: &mut Comparer, cause: &str, action: &str| {
        let rules = format!("[[rule]]\ncause = \"{cause}\"\naction = \"{action}\"\n");
        comparer.set_rules(Rules::parse(&rules).unwrap());
    };
    set(&mut comparer, &cause, "expected");
    let report = comparer.report(NOW);
    sums_are_right(&report);
    assert_eq!((report.causes.len(), report.rules[0].hides), (0, 10));
    assert_eq!(report.rules[0].kept, Kept::File);
    set(&mut comparer, "c-00000000", "expected");
    let report = comparer.report(NOW);
    assert_eq!(only_cause(&report), cause);
    assert_eq!(
        report.rules[0].note,
        "what was expected doesn't happen any more"
    );
    assert_eq!(comparer.known_cause("c-00000000", NOW), None);
}

#[test]
fn what_is_never_noise_is_confirmed_as_a_cause() {
    let mut comparer = Comparer::new(Settings::default());
    let answers = ["4", "9", "4", "7"];
    for (id, answer) in answers.iter().cycle().take(12).enumerate() {
        let target = format!("/a/{id}");
        let shadow = if id == 5 { "8" } else { answer };
        let [primary, shadow] = [*answer, shadow].map(|n| json(&format!(r#"{{"n":{n}}}"#)));
        take(&mut comparer, &get(&target, primary, shadow));
    }
    let before = comparer.report(NOW);
    assert_eq!(before.confirmed().count(), 0, "{before:#?}");
    let cause = only_cause(&before);
    let never = rule(&mut comparer, &cause, "never-noise");
    assert_eq!(never.action, Action::NeverNoise);
    comparer.add_rule(never);
    let report = comparer.report(NOW);
    assert_eq!(
        report
            .confirmed()
            .map(|cause| &cause.id)
            .collect::<Vec<_>>(),
        [&cause]
    );
}

#[test]
fn one_addition_to_a_page_is_expected_and_another_is_told() {
    let page =
        |more: &str| super::website(&format!("<html><body><h1>Tea</h1>{more}</body></html>"));
    let mut comparer = Comparer::new(Settings::default());
    let banner = r#"<div id="banner"><a href="/sale">Sale</a></div>"#;
    for id in 0..12 {
        take(
            &mut comparer,
            &get(&format!("/a/{id}"), page(""), page(banner)).at(id),
        );
    }
    let cause = only_cause(&comparer.report(NOW));
    let expected = rule(&mut comparer, &cause, "expected");
    comparer.add_rule(expected);
    assert_eq!(comparer.report(NOW).causes, []);
    let more = format!(r#"{banner}<form id="login" action="/login"><input name="user"></form>"#);
    for id in 12..24 {
        take(
            &mut comparer,
            &get(&format!("/a/{id}"), page(""), page(&more)).at(id),
        );
    }
    assert_ne!(comparer.report(NOW).causes, []);
}

#[test]
fn lost_sessions_are_no_cause_that_a_rule_is_for() {
    let mut comparer = Comparer::new(Settings::default());
    for who in 0..4 {
        for path in ["/account", "/orders", "/cart", "/account"] {
            let login = status(302, Some(("Location", "/login")));
            let exchange = get(path, json(r#"{"a":1}"#), login);
            take(
                &mut comparer,
                &exchange.by(&format!("session={who}abcdef0123456789")),
            );
        }
    }
    let report = comparer.report(NOW);
    let lost = report.causes.iter().find(|cause| cause.kind == "session");
    assert_eq!(comparer.known_cause(&lost.unwrap().id, NOW), None);
}

#[test]
fn rules_of_no_file_stay_with_a_reload_a_reset_and_a_restart() {
    let mut comparer = with_orders();
    let cause = only_cause(&comparer.report(NOW));
    let expected = rule(&mut comparer, &cause, "expected");
    comparer.add_rule(expected.clone());
    let file = Rules::parse("[[rule]]\nplace = \"$.x\"\naction = \"ignore\"\n").unwrap();
    comparer.set(Settings {
        rules: file.clone(),
        own_rules: Kept::State,
        ..Settings::default()
    });
    let ids = |comparer: &mut Comparer| -> Vec<(String, Kept)> {
        let rules = comparer.report(NOW).rules.into_iter();
        rules.map(|rule| (rule.id, rule.kept)).collect()
    };
    let of_file = (file.ids()[0].clone(), Kept::File);
    let own = (expected.id(), Kept::State);
    assert_eq!(ids(&mut comparer), [of_file, own]);
    let saved = comparer.save();
    let mut other = Comparer::new(Settings::default());
    other.restore(&saved).unwrap();
    assert_eq!(ids(&mut other), [(expected.id(), Kept::Memory)]);
    assert_eq!(other.report(NOW).causes, []);
    other.reset();
    assert_eq!(ids(&mut other).len(), 1);
    assert!(other.remove_rule(&expected.id()));
    // What has no rule is as earlier versions stored it.
    let mut before = Comparer::new(Settings::default());
    before.restore(&other.save()).unwrap();
    assert_eq!(ids(&mut before), []);
}

#[test]
fn what_a_tolerance_has_hidden_stays_counted_when_another_rule_comes() {
    let rules = "[[rule]]\nplace = \"$.n\"\naction = \"tolerance:1\"\n";
    let mut comparer = Comparer::new(Settings {
        rules: Rules::parse(rules).unwrap(),
        ..Settings::default()
    });
    ten(&mut comparer, "/a", r#"{"n":2}"#, r#"{"n":3}"#);
    assert_eq!(comparer.report(NOW).rules[0].hides, 10);
    let first = format!("[[rule]]\nplace = \"$.x\"\naction = \"ignore\"\n{rules}");
    comparer.set_rules(Rules::parse(&first).unwrap());
    let report = comparer.report(NOW);
    assert_eq!((report.rules[0].hides, report.rules[1].hides), (0, 10));
}
