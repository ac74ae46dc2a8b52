//! Methods and targets arrive byte for byte.

use crate::kit::{Message, OK, Server, Tee, answers};

/// A primary that answers with these bytes, and shadowtee before it.
fn before(answer: &'static str) -> (Server, Tee) {
    let primary = Server::unix(answers(answer));
    let tee = Tee::with_primary(&primary).start();
    (primary, tee)
}

/// What the primary gets when a client sends these bytes.
#[track_caller]
fn arrived(request: impl AsRef<[u8]>) -> Message {
    let (primary, tee) = before(OK);
    let answer = tee.client().send(request).answer();
    assert_eq!(answer.status(), 200, "{}", answer.head);
    primary.request()
}

#[test]
fn odd_targets_pass_byte_for_byte() {
    let targets = [
        "/",
        "/?",
        "/??",
        "/a?",
        "//double//slashes//",
        "/a/../b/./c/%2e%2e/",
        "/%zz%2",
        "/%00%0d%0a",
        "/a%2Fb%2fb",
        "/a;b=c;d,e!$&'()*+@:~",
        "/?a=b=c&d[]=1&d[]=2&e={x|y}",
        "/?q=a+b%20c^`",
        "/a?b?c?d",
        "/a|b",
        "/a\"b{c}d\\e^f[g]",
        "/?http://other.example/",
    ];
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    for target in targets {
        assert_eq!(tee.get(target).status(), 200, "{target}");
    }
    let arrived: Vec<_> = primary
        .wait_for(targets.len())
        .iter()
        .map(|r| r.target().to_owned())
        .collect();
    assert_eq!(arrived, targets);
}

#[test]
fn targets_that_no_standard_allows_are_passed_on_or_refused_but_never_changed() {
    let targets = [
        "/a#fragment",
        "/a?b#",
        "/#",
        "/<a>",
        "/a`b",
        "/?<a>",
        "/?a\"b",
        "/\u{7f}",
        "/caf\u{e9}",
        "a/b",
        "?",
    ];
    for target in targets {
        let (primary, tee) = before(OK);
        let request: Vec<u8> = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
        let status = tee.client().send(&request).answer().status();
        match status {
            400 => assert!(primary.requests().is_empty(), "{target}"),
            200 => assert_eq!(
                primary.request().raw[..request.len() - 11],
                request[..request.len() - 11],
                "{target}"
            ),
            other => panic!("{other} for {target}"),
        }
    }
}

#[test]
fn an_absolute_target_arrives_as_it_was_sent() {
    let request = arrived("GET http://app.example/a?b HTTP/1.1\r\nHost: app.example\r\n\r\n");
    assert_eq!(request.target(), "http://app.example/a?b");
    assert_eq!(request.all("host"), ["app.example"]);
}

#[test]
fn an_absolute_target_that_contradicts_host_leaves_no_doubt_about_the_host() {
    let (primary, tee) = before(OK);
    let answer = tee
        .client()
        .send("GET http://one.example/ HTTP/1.1\r\nHost: two.example\r\n\r\n")
        .answer();
    if answer.status() != 400 {
        assert_eq!(primary.request().all("host"), ["one.example"]);
    }
}

#[test]
fn options_of_the_whole_server_arrives_as_it_was_sent() {
    let request = arrived("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(request.start(), "OPTIONS * HTTP/1.1");
}

#[test]
fn methods_pass_whatever_they_are() {
    for method in [
        "DELETE",
        "PATCH",
        "PROPFIND",
        "M-SEARCH",
        "PURGE",
        "X",
        "get",
        "BREW.!#$%&'*+-^_`|~",
    ] {
        let request = arrived(format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
        ));
        assert_eq!((request.method(), request.text().as_str()), (method, "x"));
    }
}
