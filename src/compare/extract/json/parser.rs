//! Reads JSON values into a tree.

use super::{
    super::{
        Limits,
        hash::{hash_of, mix},
        place::{PlaceId, Step},
        tree::{Builder, Class, NewLeaf, NodeKind, Stop},
        value::{Scalar, digest_text},
    },
    Json,
};

/// What a value belongs to, which tells its key.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Key(u64),
    Array,
}

pub(super) struct Parser<'a, 'b> {
    pub(super) builder: &'b mut Builder,
    pub(super) limits: &'b Limits,
    pub(super) class: Class,
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
    /// A string's text, where it has escapes.
    pub(super) unescaped: String,
}

/// Members by which an element of a list is recognised, the best first.
const NAMES_OF_ELEMENTS: [&str; 5] = ["id", "uuid", "key", "slug", "name"];

impl<'a, 'b> Parser<'a, 'b> {
    pub(super) fn new(builder: &'b mut Builder, json: &Json<'a>, limits: &'b Limits) -> Self {
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

    pub(super) fn only_value(&mut self, json: &Json<'_>) -> Result<(), Stop> {
        self.skip_space();
        self.value(json.place, Owner::Key(json.key))?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err(Stop::Broken);
        }
        Ok(())
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::End)
    }

    pub(super) fn value(&mut self, place: PlaceId, owner: Owner) -> Result<(), Stop> {
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

    pub(super) fn leaf(&mut self, place: PlaceId, key: u64, scalar: Scalar, text: &str) {
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
            // 1 and "1" name the same element, so that a change of type is told once and not as other elements.
            let text = hash_of(self.builder.tree().text(member).as_bytes());
            let key = mix(node.key, text) | 1;
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
