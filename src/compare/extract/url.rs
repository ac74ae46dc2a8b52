//! URLs: origin, path, parameters; a response's own origin; assets with a fingerprint in their names.

use std::borrow::Cow;

use super::opaque::opaque;

/// What stands for the origin that the request was sent to.
pub(crate) const OWN: &str = "{origin}";

/// The parts of a URL, as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    /// Scheme and authority; empty where it is relative.
    pub(crate) origin: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) fragment: &'a str,
}

impl<'a> Url<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let authority = match text.find("://") {
            Some(at) if at <= 12 => at + 3,
            _ if text.starts_with("//") => 2,
            _ if text.starts_with(OWN) => OWN.len(),
            _ => 0,
        };
        let path = if authority == 0 {
            0
        } else {
            text[authority..]
                .find('/')
                .map_or(text.len(), |at| authority + at)
        };
        Self {
            origin: &text[..path],
            path: &text[path..],
            query,
            fragment,
        }
    }

    /// Whether the origin is the one that the request named.
    pub(crate) fn is_own(&self, host: &[u8]) -> bool {
        let authority = self.origin.rsplit("//").next().unwrap_or_default();
        !authority.is_empty() && authority.as_bytes().eq_ignore_ascii_case(host)
    }

    /// Names and values of the query, as they are written.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').unwrap_or((part, "")))
    }
}

/// A URL with a placeholder for the response's own origin, so that instances with names of their own are equal.
pub(crate) fn own_origin<'a>(text: &'a str, host: &[u8]) -> Cow<'a, str> {
    if host.is_empty() || !text.contains("//") {
        return Cow::Borrowed(text);
    }
    let url = Url::of(text);
    if !url.is_own(host) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{OWN}{}", &text[url.origin.len()..]))
}

const ASSETS: &[&str] = &[
    "avif",
    "css",
    "eot",
    "gif",
    "ico",
    "jpeg",
    "jpg",
    "js",
    "json",
    "map",
    "mjs",
    "mp4",
    "otf",
    "png",
    "svg",
    "ttf",
    "wasm",
    "webm",
    "webmanifest",
    "webp",
    "woff",
    "woff2",
];

/// The URL of an asset without its fingerprint (`app-9e107d9d.css`, `app.css?v=3`); `None` where it is none, or has none.
pub(crate) fn mask_asset(text: &str) -> Option<String> {
    let url = Url::of(text);
    let (folder, file) = url.path.rsplit_once('/').unwrap_or(("", url.path));
    let (stem, ending) = file.rsplit_once('.')?;
    if !ASSETS.contains(&ending) {
        return None;
    }
    let begin = stem.rfind(['-', '.', '_']).map_or(0, |at| at + 1);
    let has_fingerprint = begin > 0 && is_fingerprint(&stem[begin..]);
    if !has_fingerprint && url.query.is_empty() {
        return None;
    }
    let stem = if has_fingerprint {
        &stem[..begin]
    } else {
        stem
    };
    let mark = if has_fingerprint { "{fingerprint}" } else { "" };
    let query = if url.query.is_empty() {
        ""
    } else {
        "?{fingerprint}"
    };
    Some(format!(
        "{}{folder}/{stem}{mark}.{ending}{query}",
        url.origin
    ))
}

fn is_fingerprint(part: &str) -> bool {
    let is_hex = || part.len() >= 8 && part.bytes().all(|c| c.is_ascii_hexdigit());
    opaque(part).is_some() || is_hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_its_parts() {
        let url = Url::of("https://a.example:8080/b/c?d=1&e#f");
        assert_eq!((url.origin, url.path), ("https://a.example:8080", "/b/c"));
        assert_eq!((url.query, url.fragment), ("d=1&e", "f"));
        assert!(url.parameters().eq([("d", "1"), ("e", "")]));
        assert_eq!(Url::of("/b?c=http://x/").path, "/b");
        assert_eq!(Url::of("//cdn.example/x").origin, "//cdn.example");
        assert_eq!(Url::of("https://a.example").path, "");
    }

    #[test]
    fn the_own_origin_is_a_placeholder() {
        assert_eq!(
            own_origin("http://App.example/a", b"app.example"),
            "{origin}/a"
        );
        assert_eq!(
            own_origin("http://other/a", b"app.example"),
            "http://other/a"
        );
        assert_eq!(own_origin("/a", b"app.example"), "/a");
    }

    #[test]
    fn an_asset_is_the_same_with_another_fingerprint() {
        let masked = mask_asset("/assets/application-9e107d9d372bb682.css");
        assert_eq!(
            masked,
            mask_asset("/assets/application-2fd4e1c67a2d28fc.css")
        );
        assert!(masked.is_some());
        assert_eq!(mask_asset("/app.js?v=1"), mask_asset("/app.js?v=22"));
        assert!(mask_asset("/app.js?v=1").is_some());
        assert_eq!(mask_asset("/photo-large.png"), None);
        assert_eq!(mask_asset("/issues/1407"), None);
    }
}
