//! A page as Rails writes it, with one change at a time.

use crate::compare::{
    Class, Limits,
    kit::{between, html, shown, values},
};

const PAGE: &str = include_str!("../../fixtures/rails.html");
const NONE: [&str; 0] = [];

/// The differences of the page with a part replaced.
fn with(from: &str, to: &str) -> Vec<String> {
    assert!(PAGE.contains(from), "{from}");
    shown(&html(PAGE), &html(&PAGE.replacen(from, to, 1)))
}

fn row(number: u32) -> &'static str {
    let begin = PAGE.find(&format!("<tr id=\"issue-{number}\"")).unwrap();
    let length = PAGE[begin..].find("</tr>").unwrap() + 6;
    &PAGE[begin..begin + length]
}

#[test]
fn each_leaf_stands_at_a_place_that_people_recognise() {
    let leaves = html(PAGE).leaves();
    for wanted in [
        "html@lang = en",
        "title = Issues - Web shop - Redmine",
        "meta[description]@content = Redmine",
        "#account ul li a[/my/account] = My account",
        "#account ul li a[/logout]@data-method = post",
        "#content h2 = Issues",
        "#query_form form[/projects/web-shop/issues]@method = get",
        "#query_form form[/projects/web-shop/issues] input[set_filter]@value = 1",
        "#query_form form[/projects/web-shop/issues] select[op[status_id]]@value = o",
        "#query_form form[/projects/web-shop/issues] select[op[status_id]] option = closed",
        "#content table th[Subject] = Subject",
        "#content table tr td[Subject] a[/issues/{n}] = Add gift cards & vouchers",
        "#content table tr td[Updated] = 2024-03-05 14:22",
        "#content form[/issues/{n}/comments] textarea[comment[text]]@value = Hello",
        "#footer a[https://www.redmine.org/]@href = https://www.redmine.org/",
    ] {
        assert!(
            leaves.iter().any(|leaf| leaf == wanted),
            "{wanted} in {leaves:#?}"
        );
    }
}

#[test]
fn one_change_of_content_is_one_difference_at_its_place() {
    for (from, to, wanted) in [
        (
            "<h2>Issues</h2>",
            "<h2>Tickets</h2>",
            "value #content h2: other value",
        ),
        ("<h2>Issues</h2>", "", "missing #content h2: gone"),
        (
            "<h2>Issues</h2>",
            "<h2>Issues</h2><p>Deprecated</p>",
            "extra #content p: added",
        ),
        ("17.50", "1750", "value #content p: factor 100"),
        (
            "Assigned</td>",
            "assigned</td>",
            "value #content table tr td[Status]: case",
        ),
        (
            "2024-03-05 14:22",
            "2024-03-05 16:22",
            "value #content table tr td[Updated]: time shifted by minutes: +120",
        ),
        (
            "gift cards &amp;",
            "gift cards &amp;amp;",
            "value #content table tr td[Subject] a[/issues/{n}]: entity-escaped",
        ),
        (
            "<li><a class=\"wiki\" href=\"/projects/web-shop/wiki\">Wiki</a></li>",
            "",
            "items #main-menu ul: fewer items",
        ),
        (
            "href=\"/projects/web-shop/issues.csv\"",
            "href=\"/projects/web-shop/issues/export.csv\"",
            "value #content a[/projects/web-shop/issues.csv]@href: other value",
        ),
        (
            "value=\"o\" selected=\"selected\">open</option><option value=\"c\"",
            "value=\"o\">open</option><option selected value=\"c\"",
            "value #query_form form[/projects/web-shop/issues] select[op[status_id]]@value: other value",
        ),
        (
            "<option value=\"*\">any</option>",
            "",
            "items #query_form form[/projects/web-shop/issues] select[op[status_id]]: fewer items",
        ),
        (
            "<input type=\"text\" name=\"q\" value=\"\" placeholder=\"Search\" size=\"20\">",
            "",
            "missing #query_form form[/projects/web-shop/issues] input[q]: gone",
        ),
        (
            "data-method=\"post\" ",
            "",
            "missing #account ul li a[/logout]@data-method: gone",
        ),
        (
            "method=\"post\"><input",
            "method=\"get\"><input",
            "value #content form[/issues/{n}/comments]@method: other value",
        ),
        (
            "content=\"h4X2mX0bq1Zs8o5YcKkqM0W7u2yVYz3yQm0y0l2oV9nT5fV8dD9pJw==\"",
            "content=\"\"",
            "value meta[csrf-token]@content: emptied",
        ),
        (
            "name=\"q\"",
            "name=\"query\"",
            "value #query_form form[/projects/web-shop/issues] input[q]@name: suffix added",
        ),
        (
            "name=\"apply\"",
            "name=\"run\"",
            "value #query_form form[/projects/web-shop/issues] button[apply]@name: other value",
        ),
        ("Powered by ", "Powered  by\n", ""),
    ] {
        let shown = with(from, to);
        if wanted.is_empty() {
            assert_eq!(shown, NONE, "{from}");
        } else {
            assert_eq!(shown, [wanted], "{from}");
        }
    }
}

#[test]
fn another_attribute_with_the_same_value_is_not_the_same() {
    assert_eq!(
        with("data-method=\"post\"", "data-confirm=\"post\""),
        [
            "missing #account ul li a[/logout]@data-method: gone",
            "extra #account ul li a[/logout]@data-confirm: added"
        ]
    );
    assert_eq!(
        with("name=\"description\"", "name=\"keywords\""),
        [
            "missing meta[description]@content: gone",
            "extra meta[keywords]@content: added"
        ]
    );
}

#[test]
fn a_row_more_or_less_is_one_difference() {
    for number in [1407, 1403, 1399] {
        assert_eq!(
            with(row(number), ""),
            ["items #content table: fewer items"],
            "{number}"
        );
    }
    let new = row(1403)
        .replace("1403", "1410")
        .replace("gift", "birthday");
    let more = format!("{new}{}", row(1407));
    assert_eq!(with(row(1407), &more), ["items #content table: more items"]);
    let both = format!("{}{}", row(1407), row(1403));
    let swapped = format!("{}{}", row(1403), row(1407));
    assert_eq!(with(&both, &swapped), ["order #content table: reordered"]);
}

#[test]
fn a_column_more_is_one_difference() {
    let more = PAGE
        .replace(
            "<th class=\"status\">",
            "<th class=\"priority\">Priority</th><th class=\"status\">",
        )
        .replace(
            "<td class=\"status\">",
            "<td class=\"priority\">High</td><td class=\"status\">",
        );
    assert_eq!(
        shown(&html(PAGE), &html(&more)),
        ["extra #content table th[Priority]: added"]
    );
}

#[test]
fn markup_alone_is_one_difference_however_much_of_it_changes() {
    for (from, to) in [
        ("class=\"list issues", "class=\"table issues"),
        (
            "<span class=\"pagination\">",
            "<span class=\"pagination\" role=\"navigation\">",
        ),
        (
            "<h2>Issues</h2>",
            "<div class=\"title\"><h2>Issues</h2></div>",
        ),
        ("<h2>Issues</h2>", "<h3>Issues</h3>"),
        ("<h2>Issues</h2>", "<i class=\"icon\"></i><h2>Issues</h2>"),
        (
            "<h2>Issues</h2>",
            "<svg class=\"s16\"><use href=\"/icons.svg#a\"/></svg><h2>Issues</h2>",
        ),
        (
            "<body class=\"project-web-shop",
            "<body class=\"theme-dark project-web-shop",
        ),
        ("id=\"content\"", "id=\"main-content\""),
    ] {
        let shown = with(from, to);
        // An id is a place, not markup.
        let wanted: &[&str] = if from.starts_with("id=") {
            &[]
        } else {
            &["value markup: markup"]
        };
        assert_eq!(shown, wanted, "{from}");
    }
    let everything = PAGE
        .replace("class=\"", "class=\"new ")
        .replace("<td ", "<td style=\"color: red\" ");
    let differences = between(&html(PAGE), &html(&everything));
    assert_eq!(differences.found.len(), 1);
    assert_eq!(differences.found[0].class, Class::Markup);
    assert_eq!(
        with("warnLeavingUnsaved(", "warnOnLeave("),
        ["value markup scripts: markup"]
    );
}

#[test]
fn what_is_made_anew_in_each_response_is_recognised() {
    let other = PAGE
        .replace(
            "h4X2mX0bq1Zs8o5YcKkqM0W7u2yVYz3yQm0y0l2oV9nT5fV8dD9pJw==",
            "Xb2kR9vQ0mY7LrTzW4nJc8sHd1fGp6oVu3yKa5xEiNqBtZlMwPgCjA==",
        )
        .replace("?1586192449", "?1586192999");
    let differences = between(&html(PAGE), &html(&other));
    assert_eq!(differences.found.len(), 1, "{differences:#?}");
    assert!(matches!(
        differences.found[0].primary.as_ref().unwrap().looks,
        crate::compare::Looks::Opaque { bits: 100.., .. }
    ));
    assert_eq!(
        differences.found[0].place.as_str(),
        "meta[csrf-token]@content"
    );
}

#[test]
fn links_to_the_own_origin_are_relative_ones() {
    assert_eq!(
        with(
            "href=\"/my/account\"",
            "href=\"http://app.example/my/account\""
        ),
        NONE
    );
    assert_eq!(
        with(
            "href=\"/my/account\"",
            "href=\"http://127.0.0.1:3000/my/account\""
        ),
        ["value #account ul li a[/my/account]@href: origin replaced"]
    );
}

#[test]
fn a_list_that_becomes_other_markup_says_the_same() {
    let from = "<ul><li><a class=\"overview\" href=\"/projects/web-shop\">Overview</a></li><li><a class=\"issues selected\" href=\"/projects/web-shop/issues\">Issues</a></li><li><a class=\"wiki\" href=\"/projects/web-shop/wiki\">Wiki</a></li></ul>";
    let to = "<div><a class=\"overview\" href=\"/projects/web-shop\">Overview</a> <a class=\"issues selected\" href=\"/projects/web-shop/issues\">Issues</a> <a href=\"/projects/web-shop/wiki\">Wiki</a></div>";
    assert_eq!(with(from, to), ["value markup: markup"]);
}

#[test]
fn a_time_in_a_sentence_is_the_value_that_differs() {
    let page = |time: &str| html(&format!("<p>Added by <b>Bob</b> on {time}, changed</p>"));
    let (one, other) = (
        page("March 5, 2024, 2:22 p.m."),
        page("March 5, 2024, 4:22 p.m."),
    );
    assert_eq!(
        shown(&one, &other),
        ["value p: time shifted by minutes: +120"]
    );
    assert_eq!(values(&one, &other).0, "March 5, 2024, 2:22 p.m.");
}

#[test]
fn end_tags_that_are_left_out_are_known() {
    let loose =
        "<table><tr><th>A<th>B<tr><td>1<td>2<tr><td>3<td>4</table><ul><li>x<li>y</ul><p>a<p>b";
    let strict = "<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table><ul><li>x</li><li>y</li></ul><p>a</p><p>b</p>";
    assert_eq!(shown(&html(loose), &html(strict)), ["value markup: markup"]);
}

#[test]
fn json_in_a_script_is_json() {
    let page = |total: &str| {
        html(&format!(
            "<p>a</p><script type=\"application/json\" id=\"__NEXT_DATA__\">{{\"props\":{{\"total\":{total}}}}}</script>"
        ))
    };
    assert_eq!(
        shown(&page("1"), &page("1.0")),
        ["format script[__NEXT_DATA__] $.props.total: number format"]
    );
}

#[test]
fn cards_are_rows_of_a_list() {
    let card = |n: u32, name: &str| {
        format!(
            "<div class=\"card card-{n}\"><div class=\"body\"><h3>{name}</h3><p>About {name}, since 2024</p><a href=\"/items/{n}\">Open</a></div></div>\n"
        )
    };
    let page = |cards: &[String]| {
        html(&format!(
            "<main id=shop><h1>Shop</h1><div class=grid>{}</div><p>End</p></main>",
            cards.concat()
        ))
    };
    let (a, b, c) = (card(1, "Ape"), card(2, "Bee"), card(3, "Cat"));
    let three = page(&[a.clone(), b.clone(), c.clone()]);
    assert_eq!(
        shown(&three, &page(&[a.clone(), c.clone()])),
        ["items #shop div[card]: fewer items"]
    );
    assert_eq!(
        shown(&three, &page(&[b.clone(), a.clone(), c.clone()])),
        ["order #shop div[card]: reordered"]
    );
    assert_eq!(
        shown(&three, &page(&[a.clone(), b.replace("Bee", "Bees"), c])).len(),
        2
    );
    let two = page(&[a.clone(), b.clone()]);
    assert_eq!(
        shown(&two, &page(&[a]))
            .iter()
            .filter(|shown| !shown.contains("markup"))
            .collect::<Vec<_>>(),
        ["missing #shop div[card]: gone"]
    );
    let fields = "<form action=/f><div class=field><label>A</label><input name=a></div><div class=field><label>B</label><input name=b></div></form>";
    let less = fields.replace("<div class=field><label>B</label><input name=b></div>", "");
    assert_eq!(
        shown(&html(fields), &html(&less)),
        [
            "missing form[/f] text: gone",
            "missing form[/f] input[b]: gone"
        ]
        .map(|wanted| wanted.replace("form[/f] text", "form[/f] label"))
    );
}

#[test]
fn hostile_pages_are_bounded() {
    let limits = Limits {
        leaves: 3000,
        ..Limits::default()
    };
    for piece in [
        "<div>",
        "<ul><li>",
        "<table><tr><td>",
        "<form action=/a>",
        "</p>",
        "<p>a",
        "<a href=b>c",
        "<select><option>a",
        "&amp",
        "<!--",
        "<script>",
        "<b a='",
        "<",
        "<svg>",
        "<dl><dt>a<dd>",
        "<td>",
        "<tr><th>x",
        "<x y=z ",
    ] {
        let page = html(&piece.repeat(60_000 / piece.len())).limits(limits);
        let extract = page.extract();
        assert!(extract.leaves().count() <= limits.leaves + 10, "{piece}");
        assert_eq!(shown(&page, &page), NONE);
        let _ = shown(
            &page,
            &html(&piece.repeat(59_000 / piece.len())).limits(limits),
        );
    }
}
