//! Lines: plain ones, and what frameworks print. A line that says no route is passed over.

use super::{Pattern, methods, of_path};

/// Words of a line that are looked at, and groups of a path that may be left out.
const WORDS: usize = 16;
const GROUPS: usize = 4;

pub(super) fn routes(text: &str) -> Vec<Pattern> {
    let mut routes = Vec::new();
    // `rails routes --expanded` has the method on a line of its own.
    let mut verb: Option<&str> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some((name, value)) = line.split_once('|') {
            match (name.trim(), value.trim()) {
                ("Verb", value) => verb = Some(value),
                ("URI", path) if path.starts_with('/') => {
                    let all = methods(verb.take().unwrap_or_default());
                    routes.extend(of_path(path, all.unwrap_or_default()));
                    continue;
                }
                _ => {}
            }
        }
        routes.extend(of_line(line));
    }
    routes
}

fn of_line(line: &str) -> Vec<Pattern> {
    if line.starts_with('#') || line.starts_with("//") {
        return Vec::new();
    }
    if let Some(routes) = of_call(line) {
        return routes;
    }
    let words: Vec<&str> = line.split_whitespace().take(WORDS).collect();
    let is_path = |word: &&str| {
        ["/", "^/", "(/"]
            .iter()
            .any(|begin| word.starts_with(begin))
    };
    let Some(at) = words.iter().position(is_path) else {
        return Vec::new();
    };
    let path = words[at];
    if at == 0 {
        return of_path(path, Vec::new());
    }
    // Methods stand before the path, behind a name at most: `order  GET, POST  /orders`.
    let named: Vec<Vec<String>> = words[..at]
        .iter()
        .filter_map(|word| methods(word))
        .collect();
    let others = at - named.len();
    match others {
        0 | 1 if !named.is_empty() => {
            let is_any = named.iter().any(Vec::is_empty);
            let all = if is_any { Vec::new() } else { named.concat() };
            of_path(path, all)
        }
        // What is mounted: `sidekiq_web  /sidekiq  Sidekiq::Web`.
        1 if at == 1 && words.get(2).is_some_and(|handler| handler.contains("::")) => {
            of_path(&format!("{}/**", path.trim_end_matches('/')), Vec::new())
        }
        _ => Vec::new(),
    }
}

/// A line of a program: `app.get('/orders/:id', handler)`, `router.all("/x")`.
fn of_call(line: &str) -> Option<Vec<Pattern>> {
    let (call, rest) = line.split_once('(')?;
    let method = call.rsplit_once('.')?.1;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| "'\"`".contains(*c))?;
    let path = &rest[1..];
    let path = &path[..path.find(quote)?];
    let methods = methods(method)?;
    path.starts_with('/').then(|| of_path(path, methods))
}

/// A path in the forms that it may have: with and without what stands in `(...)` or `{/...}`, regular expressions as
/// parameters.
pub(super) fn variants(path: &str) -> Vec<String> {
    let path = plain(path);
    let mut all = vec![path];
    for _ in 0..GROUPS {
        let mut next = Vec::new();
        let mut was_split = false;
        for path in &all {
            match group(path) {
                Some((begin, end)) => {
                    was_split = true;
                    let (before, inner, after) =
                        (&path[..begin], &path[begin + 1..end], &path[end + 1..]);
                    let without = format!("{before}{after}");
                    next.push(if without.is_empty() {
                        "/".to_owned()
                    } else {
                        without.replace("//", "/")
                    });
                    next.push(format!("{before}{inner}{after}"));
                }
                None => next.push(path.clone()),
            }
        }
        all = next;
        if !was_split {
            break;
        }
    }
    all.dedup();
    all
}

/// The first group that may be left out; the one of formats is of all paths of Rails.
fn group(path: &str) -> Option<(usize, usize)> {
    let end_of = path.strip_suffix("(.:format)").map_or(path.len(), str::len);
    let path = &path[..end_of];
    let begin = path.find('(').or_else(|| path.find("{/"))?;
    let close = if path[begin..].starts_with('(') {
        ')'
    } else {
        '}'
    };
    let open = &path[begin..=begin];
    let mut depth = 0;
    for (at, c) in path[begin..].char_indices() {
        if c.to_string() == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some((begin, begin + at));
            }
        }
    }
    None
}

/// A path whose regular expressions are parameters: `(?P<year>[0-9]{4})`, `:id(\d+)`, `:id?`.
fn plain(path: &str) -> String {
    let path = path.trim_start_matches('^').trim_end_matches('$');
    let path = path
        .trim_end_matches("\\Z")
        .replace("\\.", ".")
        .replace("\\-", "-");
    let mut out = String::with_capacity(path.len());
    let mut rest = &*path;
    while let Some(at) = rest.find('(') {
        let (before, found) = rest.split_at(at);
        let Some(end) = closing(found) else {
            break;
        };
        let inner = &found[1..end];
        rest = &found[end + 1..];
        let is_constraint = before
            .rsplit('/')
            .next()
            .is_some_and(|word| word.starts_with(':'));
        out.push_str(before);
        if let Some(named) = inner
            .strip_prefix("?P<")
            .or_else(|| inner.strip_prefix("?<"))
        {
            let name = named.split('>').next().unwrap_or_default();
            out.extend(["{", name, "}"]);
        } else if is_constraint && !inner.starts_with(['.', '/', ':']) {
            // What the parameter looks like.
        } else if inner.contains(['[', '\\', '+', '|']) {
            out.push_str("{any}");
        } else {
            out.push_str(&found[..=end]);
        }
    }
    out.push_str(rest);
    // `/:id?` may be left out.
    match out.rsplit_once("/:") {
        Some((before, name)) if name.ends_with('?') => {
            format!("{before}(/:{})", name.trim_end_matches('?'))
        }
        _ => out,
    }
}

/// Where the group ends that a text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::names;

    #[test]
    fn plain_lines_are_read() {
        let text = "# the shop\nGET /orders/{id}\n\npost /orders\n/health\nANY /x\n";
        assert_eq!(
            names(text),
            ["GET /orders/{id}", "POST /orders", "* /health", "* /x"]
        );
    }

    #[test]
    fn rails_routes_are_read() {
        let text = "  Prefix Verb   URI Pattern            Controller#Action\n\
                    \x20 orders GET    /orders(.:format)      orders#index\n\
                    \x20        POST   /orders(.:format)      orders#create\n\
                    \x20  order GET    (/:locale)/orders/:id(.:format)  orders#show {:locale=>/en|de/}\n\
                    \x20   auth GET|POST /auth/:provider/callback(.:format) sessions#create\n\
                    \x20   blob GET /blobs/:id/*filename(.:format) blobs#show\n\
                    \x20   root GET /  home#index\n\
                    sidekiq_web      /sidekiq  Sidekiq::Web\n\
                    --[ Route 1 ]------\nPrefix            | carts\nVerb              | PUT\nURI               | /carts(.:format)\n\
                    Controller#Action | carts#index\n";
        assert_eq!(
            names(text),
            [
                "GET /orders",
                "POST /orders",
                "GET /orders/{id}",
                "GET /{locale}/orders/{id}",
                "GET /auth/{provider}/callback",
                "POST /auth/{provider}/callback",
                "GET /blobs/{id}/*filename",
                "GET /",
                "* /sidekiq/**",
                "PUT /carts"
            ]
        );
    }

    #[test]
    fn django_flask_and_express_are_read() {
        let django = "/admin/\tdjango.contrib.admin.sites.index\tadmin:index\n\
                      /articles/<int:year>/<slug:slug>/\tblog.views.article\tarticle\n\
                      /archive/(?P<year>[0-9]{4})/$\tblog.views.year\n";
        assert_eq!(
            names(django),
            [
                "* /admin/",
                "* /articles/{year}/{slug}/",
                "* /archive/{year}/"
            ]
        );
        let flask = "Endpoint  Methods    Rule\n--------  ---------  -------------------------\n\
                     index     GET        /\norder     GET, POST, PUT  /orders/<int:id>\nstatic    GET        /static/<path:filename>\n";
        assert_eq!(
            names(flask),
            [
                "GET /",
                "GET /orders/{id}",
                "POST /orders/{id}",
                "PUT /orders/{id}",
                "GET /static/{filename}"
            ]
        );
        let express = "app.get('/orders/:id(\\\\d+)', show);\nrouter.post(\"/orders/:id/items/:item?\", add)\napp.use('/x', y)\n\
                       GET /files/*path\n";
        assert_eq!(
            names(express),
            [
                "GET /orders/{id}",
                "POST /orders/{id}/items",
                "POST /orders/{id}/items/{item}",
                "GET /files/*path"
            ]
        );
    }

    proptest! {
        #[test]
        fn whatever_the_lines_nothing_breaks(text in r"([ /:(){}<>?*|^$\\.'a]|GET|app\.get|é){0,30}") {
            let _ = super::super::read(&text);
        }
    }
}
