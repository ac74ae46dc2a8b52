//! The cookies of a copy: some renamed, some taken off.

use crate::{
    config::Cookies,
    http::{Edit, RequestHead},
    shadow::request_view::{cookies, split_at},
};

/// Renames cookies and takes them off. A header without any of them stays byte for byte.
pub(super) fn rewrite(head: &mut RequestHead, rules: &Cookies) {
    if rules.remove.is_empty() && rules.rename.is_empty() {
        return;
    }
    head.headers.edit(b"cookie", |line| edited(line, rules));
}

fn edited(line: &[u8], rules: &Cookies) -> Edit {
    let (mut out, mut changed) = (Vec::new(), false);
    for pair in cookies(line) {
        let (name, value) = match split_at(pair, b'=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        };
        let is = |other: &String| name == other.as_bytes();
        if rules.remove.iter().any(is) {
            changed = true;
            continue;
        }
        if !out.is_empty() {
            out.extend_from_slice(b"; ");
        }
        match rules.rename.iter().find(|(from, _)| is(from)) {
            Some((_, to)) => {
                changed = true;
                out.extend_from_slice(to.as_bytes());
                if let Some(value) = value {
                    out.push(b'=');
                    out.extend_from_slice(value);
                }
            }
            None => out.extend_from_slice(pair),
        }
    }
    match (changed, out.is_empty()) {
        (false, _) => Edit::Keep,
        (true, true) => Edit::Remove,
        (true, false) => Edit::To(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_cookies_that_are_named_change() {
        let rules = Cookies {
            remove: vec!["_ga".into()],
            rename: vec![("old".into(), "new".into())],
        };
        let edited = |line: &str| edited(line.as_bytes(), &rules);
        let to = |line: &str| Edit::To(line.into());
        assert_eq!(edited("a=1;b=2"), Edit::Keep);
        assert_eq!(edited("a=1; old=x=y; _ga=2; b"), to("a=1; new=x=y; b"));
        assert_eq!(edited("_ga=1"), Edit::Remove);
        assert_eq!(edited("xold=1; _gat=2"), Edit::Keep);
    }
}
