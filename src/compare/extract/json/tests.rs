//! JSON with one change at a time.

use crate::compare::kit::{json, response, shown, values};

fn one(primary: &str, shadow: &str) -> String {
    let mut shown = shown(&json(primary), &json(shadow));
    assert_eq!(shown.len(), 1, "{shown:?}");
    shown.remove(0)
}

#[test]
fn each_leaf_has_its_place_and_numbers_keep_their_text() {
    let order = json(
        r#"{"id": 7, "total": 19.90, "lines": [{"sku": "a\u00e9\"b", "n": 1e3}], "x y": null}"#,
    );
    assert_eq!(
        order.leaves()[3..],
        [
            "$.id = 7",
            "$.total = 19.90",
            "$.lines[].sku = aé\"b",
            "$.lines[].n = 1e3",
            "$[\"x y\"] = null"
        ]
    );
}

#[test]
fn the_order_of_members_says_nothing() {
    assert_eq!(
        shown(
            &json(r#"{"a":1,"b":[2]}"#),
            &json(r#"{ "b": [2], "a": 1 }"#)
        ),
        <[&str; 0]>::default()
    );
}

#[test]
fn one_change_is_one_difference() {
    for (primary, shadow, wanted) in [
        (r#"{"a":{"b":1}}"#, r#"{"a":{}}"#, "missing $.a.b: gone"),
        (
            r#"{"a":{"b":[1,2,{"c":3}]}}"#,
            r#"{"a":{}}"#,
            "missing $.a.b: gone",
        ),
        (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, "extra $.b: added"),
        (r#"{"a":1}"#, r#"{"a":"1"}"#, "format $.a: number to text"),
        (r#"{"a":1}"#, r#"{"a":1.0}"#, "format $.a: number format"),
        (r#"{"a":null}"#, r#"{"a":""}"#, "type $.a: null to empty"),
        (r#"{"a":[1]}"#, r#"{"a":{"b":1}}"#, "type $.a: other type"),
        (
            r#"{"a":[1,2,3]}"#,
            r#"{"a":[1,3]}"#,
            "items $.a: fewer items",
        ),
        (
            r#"{"a":[1,2,3]}"#,
            r#"{"a":[1,3,2]}"#,
            "order $.a: reordered",
        ),
        (
            r#"{"a":["x","y"]}"#,
            r#"{"a":["x","z"]}"#,
            "value $.a[]: other value",
        ),
        (
            r#"{"name":"Bob B."}"#,
            r#"{"title":"Bob B."}"#,
            "missing $.name: renamed to title",
        ),
        (
            r#"{"at":"2024-03-05T14:22:07.120Z"}"#,
            r#"{"at":"2024-03-05T14:22:07Z"}"#,
            "format $.at: precision lost",
        ),
        (
            r#"{"at":1709648527123}"#,
            r#"{"at":1709648527}"#,
            "value $.at: factor 1/1000",
        ),
    ] {
        assert_eq!(one(primary, shadow), wanted, "{primary} {shadow}");
    }
}

#[test]
fn elements_are_recognised_by_id_wherever_they_stand() {
    let list = r#"{"items":[{"id":1,"v":"a"},{"id":2,"v":"b"},{"id":3,"v":"c"}]}"#;
    assert_eq!(
        shown(
            &json(list),
            &json(r#"{"items":[{"id":3,"v":"c"},{"id":1,"v":"a"},{"id":2,"v":"B"}]}"#)
        ),
        ["order $.items: reordered", "value $.items[].v: case"]
    );
    assert_eq!(
        one(list, r#"{"items":[{"id":1,"v":"a"},{"id":3,"v":"c"}]}"#),
        "items $.items: fewer items"
    );
    assert_eq!(
        values(
            &json(list),
            &json(r#"{"items":[{"id":1,"v":"a"},{"id":3,"v":"c"}]}"#)
        ),
        ("3, only here: 2 b".to_owned(), "2".to_owned())
    );
}

#[test]
fn elements_with_new_ids_are_recognised_by_what_else_they_say() {
    let of = |id: u32, at: &str| {
        format!(
            r#"[{{"id":{id},"title":"New order","state":"open","at":"2024-03-05T14:22:{at}Z"}},{{"id":{},"title":"Old","state":"done","at":"2023-03-05T14:22:07Z"}}]"#,
            id + 1
        )
    };
    assert_eq!(
        shown(&json(&of(7, "01")), &json(&of(17, "02"))),
        [
            "value $[].id: other value",
            "value $[].at: other value",
            "value $[].id: other value"
        ]
    );
}

#[test]
fn names_that_come_twice_stay_two() {
    assert_eq!(
        one(r#"{"a":1,"a":2}"#, r#"{"a":1,"a":3}"#),
        "value $.a: other value"
    );
    assert_eq!(one(r#"{"a":1,"a":2}"#, r#"{"a":1}"#), "missing $.a: gone");
}

#[test]
fn names_that_are_data_share_a_place() {
    assert_eq!(
        one(
            r#"{"users":{"17":{"n":"a"}}}"#,
            r#"{"users":{"17":{"n":"b"}}}"#
        ),
        "value $.users.{n}.n: other value"
    );
}

#[test]
fn json_in_a_string_and_a_jwt_are_looked_into() {
    assert_eq!(
        one(r#"{"p":"{\"a\":[1,2]}"}"#, r#"{"p":"{\"a\":[1]}"}"#),
        "items $.p $.a: fewer items"
    );
    assert_eq!(
        one(r#"{"p":"{a}"}"#, r#"{"p":"{b}"}"#),
        "value $.p: other value"
    );
    let jwt = |claims: &str| format!(r#"{{"t":"eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl"}}"#);
    assert_eq!(
        one(
            &jwt("eyJzdWIiOiI3IiwiYWRtIjpmYWxzZX0"),
            &jwt("eyJzdWIiOiI3IiwiYWRtIjp0cnVlfQ")
        ),
        "value $.t jwt.adm: other value"
    );
}

#[test]
fn what_is_broken_is_a_text_and_what_is_too_deep_a_digest() {
    assert_eq!(one(r#"{"a":1"#, r#"{"a":2"#), "value text: other value");
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(one(&deep("1"), &deep("2")).starts_with("value $[]["));
    assert!(one(&"[".repeat(5000), &"[".repeat(5001)).starts_with("value text"));
}

#[test]
fn lines_of_json_are_a_list() {
    let lines = |body: &str| {
        response(200)
            .header("content-type", "application/x-ndjson")
            .body(body)
    };
    assert_eq!(
        shown(&lines("{\"a\":1}\n{\"a\":2}\n"), &lines("{\"a\":1}\n")),
        ["items $: fewer items"]
    );
    assert_eq!(
        shown(
            &lines("{\"a\":1}\n{\"a\":2}\n"),
            &lines("{\"a\":1}\n{\"a\":3}\n")
        ),
        ["value $[].a: other value"]
    );
}

#[test]
fn a_page_of_search_results_that_are_others_is_one_difference() {
    let of = |names: &[&str]| {
        let items: Vec<_> = names
            .iter()
            .map(|name| format!(r#"{{"title":"{name}","by":"{name}","text":"about {name}"}}"#))
            .collect();
        json(&format!("{{\"results\":[{}]}}", items.join(",")))
    };
    assert_eq!(
        shown(&of(&["ape", "bee", "cat"]), &of(&["ape", "bee", "dog"])),
        ["items $.results: other items"]
    );
}

#[test]
fn elements_keep_their_names_where_ids_become_text() {
    let primary = r#"[{"id":1,"n":"a"},{"id":2,"n":"b"},{"id":3,"n":"c"}]"#;
    let shadow = r#"[{"id":"3","n":"c"},{"id":"1","n":"a"},{"id":"2","n":"b"}]"#;
    let shown = shown(&json(primary), &json(shadow));
    assert!(shown.iter().any(|line| line.contains("order")), "{shown:?}");
    let other = shown.iter().filter(|line| !line.contains("order"));
    for line in other {
        assert_eq!(line, "format $[].id: number to text");
    }
}

#[test]
fn another_page_of_a_list_is_other_items_and_not_other_values() {
    let page = |from: u32| {
        let row = |id: u32| {
            let name = ["lamp", "chair", "table", "stone", "river", "salt"][id as usize % 6];
            format!(r#"{{"id":{id},"title":"the {name} of {id}","by":"{name} and son"}}"#)
        };
        let rows: Vec<String> = (from..from + 3).map(row).collect();
        json(&format!("[{}]", rows.join(",")))
    };
    let shown = shown(&page(1), &page(4));
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].starts_with("items $"), "{shown:?}");
}
