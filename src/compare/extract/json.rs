//! JSON as a tree. Numbers keep their text, which a parser into numbers would lose; a body that was cut keeps all that
//! came before; names that come twice stay two.

use memchr::memchr2;

use super::{
    Limits,
    hash::{hash_of, mix},
    jwt,
    place::{PlaceId, Step},
    tree::{Builder, Class, NewLeaf, NodeKind},
    value::{Scalar, digest_text},
};

/// A text that is JSON, and what it is in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a> {
    pub(crate) place: PlaceId,
    pub(crate) class: Class,
    pub(crate) key: u64,
    pub(crate) text: &'a str,
    /// The text's end was cut off.
    pub(crate) is_cut: bool,
}

/// Why a text isn't JSON, or not all of it is in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Broken,
    /// It ends too early.
    End,
    /// The tree is full.
    Full,
}

/// Adds a JSON text. Where it isn't JSON nothing is added; where the tree is full, or the text was cut, what was read
/// until then is.
pub(crate) fn json(builder: &mut Builder, json: &Json<'_>, limits: &Limits) -> Result<(), Stop> {
    let before = builder.len();
    let mut parser = Parser::new(builder, json, limits);
    let result = parser.only_value(json);
    match result {
        Ok(()) | Err(Stop::Full) => result,
        Err(Stop::End) if json.is_cut => result,
        Err(stop) => {
            builder.take_back(before);
            Err(stop)
        }
    }
}

/// Adds a list of JSON texts, one a line.
pub(crate) fn lines(builder: &mut Builder, json: &Json<'_>, limits: &Limits) -> Result<(), Stop> {
    let before = builder.len();
    let root = builder.open(NodeKind::Array, json.place, json.class, json.key);
    let place = builder.below(json.place, Step::Items);
    let mut parser = Parser::new(builder, json, limits);
    let mut result = Ok(());
    loop {
        parser.skip_space();
        if parser.at == parser.bytes.len() {
            break;
        }
        result = parser.value(place, Owner::Array);
        if result.is_err() {
            break;
        }
    }
    if result.is_err() || json.is_cut {
        builder.set_cut(root);
    }
    builder.close(root);
    match result {
        Err(Stop::End) if json.is_cut => result,
        Err(stop @ (Stop::Broken | Stop::End)) => {
            builder.take_back(before);
            Err(stop)
        }
        _ => result,
    }
}

/// What a value belongs to, which tells its key.
#[derive(Clone, Copy)]
enum Owner {
    Key(u64),
    Array,
}

struct Parser<'a, 'b> {
    builder: &'b mut Builder,
    limits: &'b Limits,
    class: Class,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// A string's text, where it has escapes.
    unescaped: String,
}

/// Members by which an element of a list is recognised, the best first.
const NAMES_OF_ELEMENTS: [&str; 5] = ["id", "uuid", "key", "slug", "name"];

impl<'a, 'b> Parser<'a, 'b> {
    fn new(builder: &'b mut Builder, json: &Json<'a>, limits: &'b Limits) -> Self {
        Self {
            builder,
            limits,
            class: json.class,
            text: json.text,
            bytes: json.text.as_bytes(),
            at: 0,
            depth: 0,
            unescaped: String::new(),
        }
    }

    fn only_value(&mut self, json: &Json<'_>) -> Result<(), Stop> {
        self.skip_space();
        self.value(json.place, Owner::Key(json.key))?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err(Stop::Broken);
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::End)
    }

    fn value(&mut self, place: PlaceId, owner: Owner) -> Result<(), Stop> {
        if self.builder.is_full() {
            return Err(Stop::Full);
        }
        let key = match owner {
            Owner::Key(key) => key,
            Owner::Array => 0,
        };
        match self.peek()? {
            b'{' | b'[' if self.depth >= self.limits.depth => self.too_deep(place, key),
            b'{' => self.object(place, owner),
            b'[' => self.array(place, key),
            b'"' => self.text_value(place, key),
            b't' => self.word("true", Scalar::Bool, place, key),
            b'f' => self.word("false", Scalar::Bool, place, key),
            b'n' => self.word("null", Scalar::Null, place, key),
            b'-' | b'0'..=b'9' => self.number(place, key),
            _ => Err(Stop::Broken),
        }
    }

    fn leaf(&mut self, place: PlaceId, key: u64, scalar: Scalar, text: &str) {
        self.builder.leaf(NewLeaf {
            place,
            class: self.class,
            key,
            scalar,
            text,
        });
    }

    fn word(&mut self, word: &str, scalar: Scalar, place: PlaceId, key: u64) -> Result<(), Stop> {
        let rest = &self.bytes[self.at..];
        if !rest.starts_with(word.as_bytes()) {
            let is_begun = word.as_bytes().starts_with(rest);
            return Err(if is_begun { Stop::End } else { Stop::Broken });
        }
        self.at += word.len();
        self.leaf(place, key, scalar, word);
        Ok(())
    }

    fn number(&mut self, place: PlaceId, key: u64) -> Result<(), Stop> {
        let begin = self.at;
        let is_part = |c: &u8| c.is_ascii_digit() || b"+-.eE".contains(c);
        let length = self.bytes[begin..]
            .iter()
            .take_while(|c| is_part(c))
            .count();
        self.at += length;
        if self.at == self.bytes.len() && self.depth > 0 {
            // It may go on.
            return Err(Stop::End);
        }
        let text = &self.text[begin..self.at];
        if !is_json_number(text) {
            return Err(Stop::Broken);
        }
        self.leaf(place, key, Scalar::Number, text);
        Ok(())
    }

    fn text_value(&mut self, place: PlaceId, key: u64) -> Result<(), Stop> {
        let text = self.string()?;
        let text = match text {
            Some(text) => text,
            None => &std::mem::take(&mut self.unescaped),
        };
        if !self.inner(place, key, text) {
            self.leaf(place, key, Scalar::Text, text);
        }
        Ok(())
    }

    /// JSON or a JWT in a string, if all of it is.
    fn inner(&mut self, place: PlaceId, key: u64, text: &str) -> bool {
        let ends = (text.as_bytes().first(), text.as_bytes().last());
        if let (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) = ends
            && self.depth < self.limits.depth
        {
            let place = self.builder.below(place, Step::Word("$"));
            let inner = Json {
                place,
                class: self.class,
                key,
                text,
                is_cut: false,
            };
            let limits = Limits {
                depth: self.limits.depth - self.depth - 1,
                ..*self.limits
            };
            let before = self.builder.len();
            let is_json = json(self.builder, &inner, &limits).is_ok();
            if !is_json {
                self.builder.take_back(before);
            }
            return is_json;
        }
        jwt::jwt(self.builder, place, self.class, key, text, self.limits)
    }

    /// A string: a part of the text, or in `unescaped` where it has escapes.
    fn string(&mut self) -> Result<Option<&'a str>, Stop> {
        let begin = self.at + 1;
        let mut at = begin;
        match memchr2(b'"', b'\\', &self.bytes[at..]) {
            None => return Err(Stop::End),
            Some(length) => at += length,
        }
        if self.bytes[at] == b'"' {
            self.at = at + 1;
            return Ok(Some(&self.text[begin..at]));
        }
        self.unescaped.clear();
        let mut from = begin;
        loop {
            self.unescaped.push_str(&self.text[from..at]);
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return Ok(None);
            }
            at = self.escape(at + 1)?;
            from = at;
            match memchr2(b'"', b'\\', &self.bytes[at..]) {
                None => return Err(Stop::End),
                Some(length) => at += length,
            }
        }
    }

    /// Takes what stands behind a backslash; where the text goes on.
    fn escape(&mut self, at: usize) -> Result<usize, Stop> {
        let c = match self.bytes.get(at).ok_or(Stop::End)? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            c @ (b'"' | b'\\' | b'/') => char::from(*c),
            b'u' => return self.unicode(at + 1),
            _ => return Err(Stop::Broken),
        };
        self.unescaped.push(c);
        Ok(at + 1)
    }

    fn unicode(&mut self, at: usize) -> Result<usize, Stop> {
        let first = self.four_digits(at)?;
        if (0xd800..0xdc00).contains(&first) && self.bytes.get(at + 4..at + 6) == Some(b"\\u") {
            let second = self.four_digits(at + 6)?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                self.unescaped.extend(char::from_u32(code));
                return Ok(at + 10);
            }
        }
        // Half a pair has no character of its own.
        self.unescaped
            .push(char::from_u32(first).unwrap_or('\u{fffd}'));
        Ok(at + 4)
    }

    fn four_digits(&self, at: usize) -> Result<u32, Stop> {
        let digits = self.bytes.get(at..at + 4).ok_or(Stop::End)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Stop::Broken);
        }
        let digits = std::str::from_utf8(digits).map_err(|_| Stop::Broken)?;
        u32::from_str_radix(digits, 16).map_err(|_| Stop::Broken)
    }

    fn object(&mut self, place: PlaceId, owner: Owner) -> Result<(), Stop> {
        let key = match owner {
            Owner::Key(key) => key,
            Owner::Array => 0,
        };
        let root = self.builder.open(NodeKind::Object, place, self.class, key);
        self.depth += 1;
        let result = self.members(place, root, matches!(owner, Owner::Array));
        self.depth -= 1;
        self.close(root, result)
    }

    /// Closes a list or an object, also one that isn't whole.
    fn close(&mut self, root: u32, result: Result<(), Stop>) -> Result<(), Stop> {
        if result.is_err() {
            self.builder.set_cut(root);
        }
        self.builder.close(root);
        result
    }

    fn members(&mut self, place: PlaceId, root: u32, is_element: bool) -> Result<(), Stop> {
        self.at += 1;
        self.skip_space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        let mut best = NAMES_OF_ELEMENTS.len();
        loop {
            if self.peek()? != b'"' {
                return Err(Stop::Broken);
            }
            let name = self.string()?;
            let escaped;
            let name = if let Some(name) = name {
                name
            } else {
                escaped = std::mem::take(&mut self.unescaped);
                &escaped
            };
            self.skip_space();
            if self.peek()? != b':' {
                return Err(Stop::Broken);
            }
            self.at += 1;
            self.skip_space();
            let below = self.builder.below(place, Step::Member(name));
            let at = self.builder.len();
            self.value(below, Owner::Key(hash_of(name.as_bytes())))?;
            if is_element && let Some(rank) = rank_of(name).filter(|rank| *rank < best) {
                self.name_element(root, at, rank, &mut best);
            }
            self.skip_space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Stop::Broken),
            }
            self.skip_space();
        }
    }

    /// An element of a list is called by its best member.
    fn name_element(&mut self, element: u32, member: u32, rank: usize, best: &mut usize) {
        let node = self.builder.tree().node(member);
        if let NodeKind::Leaf(Scalar::Text | Scalar::Number) = node.kind {
            let key = mix(node.key, node.hash) | 1;
            self.builder.set_key(element, key);
            *best = rank;
        }
    }

    fn array(&mut self, place: PlaceId, key: u64) -> Result<(), Stop> {
        let root = self.builder.open(NodeKind::Array, place, self.class, key);
        let below = self.builder.below(place, Step::Items);
        self.depth += 1;
        let result = self.elements(below);
        self.depth -= 1;
        self.close(root, result)
    }

    fn elements(&mut self, place: PlaceId) -> Result<(), Stop> {
        self.at += 1;
        self.skip_space();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(place, Owner::Array)?;
            self.skip_space();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Stop::Broken),
            }
            self.skip_space();
        }
    }

    /// What is too deep is told by its length and hash.
    fn too_deep(&mut self, place: PlaceId, key: u64) -> Result<(), Stop> {
        let begin = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'"' => {
                    self.string()?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        let bytes = &self.bytes[begin..self.at];
        let text = digest_text(bytes.len() as u64, hash_of(bytes));
        self.leaf(place, key, Scalar::Digest, &text);
        Ok(())
    }
}

fn rank_of(name: &str) -> Option<usize> {
    if name.len() > 4 {
        return None;
    }
    NAMES_OF_ELEMENTS.iter().position(|known| *known == name)
}

/// Whether a text is a number as JSON writes it.
fn is_json_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    digits(whole)
        && digits(fraction)
        && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        && (whole == "0" || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests {
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
            order.leaves()[2..],
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
}
