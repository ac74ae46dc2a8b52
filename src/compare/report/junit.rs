//! The report as `JUnit` XML, which CI systems show: a test for each route that was compared, failed by its causes.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{
    Cause, Report,
    words::{condition, diff, origin, share, slowness, speed},
};

/// The report as `JUnit` XML.
pub(crate) fn junit(report: &Report) -> String {
    let mut suite = TestSuite::new(format!("shadow {}", report.shadow));
    let mut failed: BTreeMap<&str, Vec<&Cause>> = BTreeMap::new();
    for cause in report.confirmed() {
        for route in &cause.routes {
            failed.entry(&route.route).or_default().push(cause);
        }
        if cause.routes.is_empty() {
            failed.entry("(all routes)").or_default().push(cause);
        }
    }
    for (route, causes) in &failed {
        for cause in causes {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(cause.title.clone());
            status.set_type(cause.id.clone());
            status.set_description(description(cause, &report.shadow));
            let name = if cause.title.starts_with(&format!("{route} ")) {
                cause.title.clone()
            } else {
                format!("{route}: {}", cause.title)
            };
            suite.add_test_case(TestCase::new(name, status));
        }
    }
    // What is slower fails no test: a busy machine would.
    let slower: BTreeMap<&str, String> = report
        .slower
        .iter()
        .map(|slower| (&*slower.route, slowness(slower)))
        .collect();
    for route in &report.coverage {
        if !failed.contains_key(&*route.route) {
            let mut case = TestCase::new(route.route.clone(), TestCaseStatus::success());
            if let Some(slowness) = slower.get(&*route.route) {
                case.set_system_out(slowness.clone());
            }
            suite.add_test_case(case);
        }
    }
    let lines: Vec<String> = report
        .slower
        .iter()
        .map(|slower| format!("{}: {}", slower.route, slowness(slower)))
        .chain(speed(report))
        .collect();
    if !lines.is_empty() {
        suite.set_system_out(format!("Slower for certain:\n{}", lines.join("\n")));
    }
    let mut all = quick_junit::Report::new("shadowtee");
    all.add_test_suite(suite);
    // Writing to memory can't fail; a broken text would be a mistake of the writer.
    all.to_string().unwrap_or_default()
}

fn description(cause: &Cause, shadow: &str) -> String {
    let mut lines: Vec<String> = cause
        .routes
        .iter()
        .take(20)
        .map(|route| format!("{}: {}", route.route, share(route)))
        .collect();
    lines.extend(cause.when.iter().map(condition));
    lines.extend(origin(cause));
    lines.extend(diff(cause).into_iter().map(|(mark, value)| {
        let side = if mark == '-' { "production" } else { shadow };
        format!("{mark} {value}   ({side})")
    }));
    lines.push(format!("Why it counts: {}.", cause.evidence));
    list(&mut lines, "All of it:", &cause.parts);
    list(&mut lines, "Also, not certain yet:", &cause.not_certain);
    if !cause.note.is_empty() {
        lines.push(cause.note.clone());
    }
    lines.join("\n")
}

fn list(lines: &mut Vec<String>, head: &str, items: &[String]) {
    const MOST: usize = 100;
    if items.is_empty() {
        return;
    }
    lines.push(head.to_owned());
    lines.extend(items.iter().take(MOST).map(|item| format!("* {item}")));
    if items.len() > MOST {
        lines.push(format!(
            "* and {} more, in the HTML and JSON forms",
            items.len() - MOST
        ));
    }
}
