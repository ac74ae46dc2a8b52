//! What reports say of differences that real applications have.

use super::{
    Comparer, Exchange, NOW, Report, Settings, Side, get, html, json, junit, markdown, page, take,
    website,
};
use crate::compare::{
    answer::Counterpart,
    report::{Break, NeedsHelp, PutIn, SessionsReport},
};

fn of_type(content_type: &str, body: &str) -> Side {
    Side {
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        ..json(body)
    }
}

fn page_of(body: &str) -> Side {
    of_type("text/html", &format!("<html><body>{body}</body></html>"))
}

/// The report after each of these was seen so often.
fn after(times: u32, exchanges: &[(&str, Side, Side)]) -> Report {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..times {
        for (target, primary, shadow) in exchanges {
            let exchange: Exchange = get(target, primary.clone(), shadow.clone());
            take(&mut comparer, &exchange.at(i64::from(turn)));
        }
    }
    comparer.report(NOW + 600_000)
}

fn titles(report: &Report) -> Vec<&str> {
    report.confirmed().map(|cause| &*cause.title).collect()
}

fn each_form(report: &Report) -> [String; 4] {
    [page(report), html(report), markdown(report), junit(report)]
}

#[test]
fn members_of_one_name_in_one_answer_are_told_apart() {
    let versions = |own: &str, python: &str, server: &str| {
        json(&format!(
            r#"{{"datasette":{{"version":"{own}"}},"python":{{"version":"{python}"}},"uvicorn":"{server}"}}"#
        ))
    };
    let (old, new) = (
        versions("0.60", "3.9.18", "0.16"),
        versions("0.65.1", "3.11.7", "0.34"),
    );
    let report = after(16, &[("/-/versions.json", old, new)]);
    assert_eq!(
        titles(&report),
        ["datasette.version, python.version and uvicorn are another value"]
    );
    assert_eq!(report.causes[0].parts.len(), 3);
}

#[test]
fn a_member_of_one_name_on_two_routes_is_called_by_its_name() {
    let report = after(
        16,
        &[
            ("/a", json(r#"{"total":2}"#), json(r#"{"total":200}"#)),
            (
                "/b",
                json(r#"{"order":{"total":3}}"#),
                json(r#"{"order":{"total":300}}"#),
            ),
        ],
    );
    assert_eq!(titles(&report), ["total is 100 times larger"]);
}

#[test]
fn a_field_that_is_not_required_any_more_is_named() {
    let form = |flag: &str| {
        page_of(&format!(
            r#"<div id="main"><form method="post" action="/password"><input type="password" name="new_password1"{flag}></form></div>"#
        ))
    };
    let report = after(16, &[("/password", form(" required"), form(""))]);
    assert_eq!(
        titles(&report),
        ["the field new_password1 is not required any more"]
    );
}

#[test]
fn a_link_in_a_list_that_is_folded_now_is_not_gone() {
    let old = page_of(
        r#"<div id="filter"><h3>By genre</h3><ul><li><a href="?" title="All of them">All of them</a></li></ul></div>"#,
    );
    let new = page_of(
        r#"<div id="filter"><details open><summary>By genre</summary><ul><li><a href="?">All of them</a></li></ul></details></div>"#,
    );
    let report = after(16, &[("/books", old, new)]);
    assert_eq!(titles(&report), ["markup changed on GET /books"]);
}

#[test]
fn files_are_causes_of_their_own_and_a_script_that_is_made_is_another() {
    let style = |body: &str| of_type("text/css", body);
    let script = |body: &str| of_type("text/javascript", body);
    let report = after(
        16,
        &[
            (
                "/static/base.css",
                style("@import url(fonts.css);\na { b: c }\n"),
                style("a { b: c }\nd { e: f }\ng { h: i }\n"),
            ),
            (
                "/static/app.js",
                script("go();\nstay();\n"),
                script("go();\n"),
            ),
            (
                "/jsi18n/",
                script("formats = [\n\"%m/%d/%y\",\n]"),
                script("formats = [\n]"),
            ),
        ],
    );
    assert_eq!(
        titles(&report),
        [
            "the line “\"%m/%d/%y\",” of a script is gone",
            "the stylesheet /static/base.css changed on 2 lines",
            "the script /static/app.js changed on 1 line",
        ]
    );
    for text in each_form(&report) {
        assert!(
            text.contains("/static/base.css changed on 2 lines"),
            "{text}"
        );
    }
}

#[test]
fn the_hash_of_scripts_is_shown_to_nobody() {
    let with = |script: &str| page_of(&format!("<h1>Books</h1><script>{script}</script>"));
    let report = after(16, &[("/books", with("go()"), with("stay()"))]);
    assert_eq!(titles(&report), ["markup changed on GET /books"]);
    for text in each_form(&report) {
        assert!(!text.contains("0 bytes"), "{text}");
    }
}

#[test]
fn the_same_change_to_forms_with_ids_of_their_own_is_one_cause() {
    let form = |id: &str, buttons: [&str; 2]| {
        let button = |name: &str| format!(r#"<input type="submit" name="{name}" value="{name}">"#);
        let buttons = buttons.map(button).concat();
        page_of(&format!(
            r#"<form id="{id}" action="" method="post"><input name="name">{buttons}</form>"#
        ))
    };
    let (old, new) = (["_add", "_continue"], ["_continue", "_add"]);
    let report = after(
        16,
        &[
            (
                "/author",
                form("author_form", old),
                form("author_form", new),
            ),
            ("/book", form("book_form", old), form("book_form", new)),
        ],
    );
    assert_eq!(titles(&report).len(), 1, "{}", page(&report));
    assert_eq!(report.causes[0].routes.len(), 2);
    assert!(
        report.causes[0].title.starts_with("the button _"),
        "{}",
        report.causes[0].title
    );
}

#[test]
fn all_parts_of_a_cause_are_in_the_json_and_html_and_the_text_says_so() {
    let members = |count: usize| {
        let members: Vec<String> = (0..count)
            .map(|n| {
                let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).expect("below 26"));
                format!("\"{}{}x\":1", letter(n / 26), letter(n))
            })
            .collect();
        json(&format!("{{\"a\":1,{}}}", members.join(",")))
    };
    let report = after(16, &[("/a", members(160), json("{\"a\":1}"))]);
    assert_eq!(titles(&report).len(), 1);
    let cause = &report.causes[0];
    assert_eq!((cause.parts.len(), cause.parts_left_out), (160, 0));
    assert_eq!(html(&report).matches("x is gone</li>").count(), 160);
    let text = page(&report);
    assert!(text.contains("and 155 more"), "{text}");
    assert!(text.contains("--format json have all of them"), "{text}");
}

#[test]
fn what_is_not_certain_of_a_cause_is_told_with_it() {
    let mut comparer = Comparer::new(Settings::default());
    let (old, new) = (json(r#"{"a":1,"total":2}"#), json(r#"{"a":1}"#));
    for turn in 0..16 {
        take(
            &mut comparer,
            &get("/often", old.clone(), new.clone()).at(turn),
        );
    }
    for turn in 16..18 {
        take(
            &mut comparer,
            &get("/seldom", old.clone(), new.clone()).at(turn),
        );
    }
    let report = comparer.report(NOW + 60_000);
    assert_eq!(titles(&report), ["total is gone"]);
    assert_eq!(
        report.causes[0].not_certain,
        ["total is gone, on GET /seldom (2 of 2)"]
    );
    for text in each_form(&report) {
        assert!(text.contains("GET /seldom (2 of 2)"), "{text}");
    }
}

#[test]
fn ids_that_are_counterparts_are_no_difference_and_all_else_is() {
    let order = |number: u32, total: u32| {
        website(&format!(
            "<h1>Order {number}</h1><form action=\"/orders/{number}/cancel\"></form><p>{total} in all</p>"
        ))
    };
    let report = |knows: bool, total: u32| {
        let mut comparer = Comparer::new(Settings::default());
        for number in 0..40 {
            let target = format!("/orders/{}", 41 + number);
            let primary = order(41 + number, 1990);
            let mut exchange =
                get(&target, primary, order(53 + number, total)).at(i64::from(number));
            if knows {
                exchange.counterparts.push(Counterpart {
                    primary: (41 + number).to_string().into(),
                    shadow: (53 + number).to_string().into(),
                });
            }
            take(&mut comparer, &exchange);
        }
        comparer.report(NOW)
    };
    let known = report(true, 1990);
    assert_eq!((known.causes.len(), known.requests.explained), (0, 40));
    assert!(!report(false, 1990).causes.is_empty());
    let faulty = report(true, 3980);
    let places: Vec<_> = faulty.causes.iter().map(|cause| &*cause.place).collect();
    assert_eq!(places, ["p"]);
}

#[test]
fn every_form_tells_what_became_of_sessions_where_they_are_kept_alive() {
    let mut report = after(20, &[("/", website("a"), website("a"))]);
    for form in each_form(&report) {
        assert!(!form.contains("Sessions:"), "{form}");
    }
    assert!(
        !serde_json::to_string(&report)
            .unwrap()
            .contains("\"sessions\"")
    );
    let breaks = [("POST /login", 2), ("GET /orders/{n}", 1)];
    report.sessions = Some(SessionsReport {
        known: 13,
        alive: 9,
        lost: 3,
        breaks: breaks
            .map(|(route, sessions)| Break {
                route: route.to_owned(),
                sessions,
            })
            .into(),
        held_back: 1,
        put_in: PutIn {
            cookies: 1200,
            tokens: 30,
            ids: 1,
            conditions: 0,
        },
        needs_help: NeedsHelp {
            one_time_codes: 1,
            captchas: 0,
            earlier_cookies: 14,
        },
    });
    assert!(
        page(&report).contains(
            "Sessions: 9 of 12 alive on shadow; 1,231 values were put in (1,200 cookies, 30 tokens, 1 id).\n\
             Lost ones broke first at POST /login (2), GET /orders/{n} (1).\n\
             1 copy was held back, for what shadow has not made.\n\
             Nothing was put in for what needs help: 1 one-time code, 14 cookies from before the start.\n"
        ),
        "{}",
        page(&report)
    );
    let html = html(&report);
    assert!(
        html.contains("<td><code>POST /login</code></td><td class=\"count\">2</td>"),
        "{html}"
    );
    let markdown = markdown(&report);
    assert!(
        markdown.contains("| `POST /login` | 2 |\n| `GET /orders/{n}` | 1 |\n"),
        "{markdown}"
    );
    let json = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(read, report);
}
