//! Cuts HTML and XML into tags and texts. It takes whatever comes, as browsers do, and goes through it once: no input makes
//! it slow.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// A piece of a document. Texts are as they are written, entities and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// The attributes are `Tokens::attributes`.
    Start {
        name: Cow<'a, str>,
        is_closed: bool,
    },
    End {
        name: Cow<'a, str>,
    },
    Text(&'a str),
    /// Text without entities: CDATA, and what is inside scripts.
    Raw(&'a str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: Cow<'a, str>,
    /// As it is written, without quotes.
    pub(crate) value: &'a str,
}

impl<'a> Attribute<'a> {
    /// The value without entities.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        unescaped(self.value)
    }
}

/// A text without entities.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    html_escape::decode_html_entities(text)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Names in any case; scripts are raw.
    Html,
    Xml,
}

/// Attributes of one tag that are kept.
const MOST: usize = 100;

pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    language: Language,
    /// Of the start tag that came last.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// Where that tag is.
    tag: (usize, usize),
    /// The element whose content is raw, and is next.
    raw: Option<&'static str>,
}

/// Elements of HTML in which a tag is text.
const RAW: &[&str] = &[
    "script", "style", "textarea", "title", "xmp", "iframe", "noframes", "svg", "noscript",
];

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str, language: Language) -> Self {
        Self {
            text,
            at: 0,
            language,
            attributes: Vec::new(),
            tag: (0, 0),
            raw: None,
        }
    }

    /// The last start tag as it is written.
    pub(crate) fn raw_tag(&self) -> &'a str {
        &self.text[self.tag.0..self.tag.1]
    }

    /// The value of an attribute of the last start tag.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut named = self
            .attributes
            .iter()
            .filter(|attribute| attribute.name == name);
        named.next().map(Attribute::text)
    }

    /// Whether what comes next is the raw content of the element that was just begun.
    pub(crate) fn is_before_raw(&self) -> bool {
        self.raw.is_some()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attributes
            .iter()
            .any(|attribute| attribute.name == name)
    }

    fn name(&self, name: &'a str) -> Cow<'a, str> {
        if self.language == Language::Html && name.bytes().any(|c| c.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        }
    }

    /// All up to the end tag of a raw element, or up to the end.
    fn raw_text(&mut self, name: &str) -> &'a str {
        let rest = &self.text[self.at..];
        let mut from = 0;
        let end = loop {
            let Some(at) = memchr(b'<', &rest.as_bytes()[from..]) else {
                break rest.len();
            };
            let begin = from + at;
            if rest.as_bytes().get(begin + 1) != Some(&b'/') {
                from = begin + 1;
                continue;
            }
            let after = rest.as_bytes().get(begin + 2..begin + 2 + name.len());
            if after.is_some_and(|after| after.eq_ignore_ascii_case(name.as_bytes())) {
                break begin;
            }
            from = begin + 2;
        };
        self.at += end;
        &rest[..end]
    }

    /// Goes behind a mark, or to the end where there is none.
    fn skip_behind(&mut self, mark: &[u8]) -> &'a str {
        let rest = &self.text[self.at..];
        let end = match mark {
            [one] => memchr(*one, rest.as_bytes()),
            _ => memmem::find(rest.as_bytes(), mark),
        };
        self.at += end.map_or(rest.len(), |end| end + mark.len());
        &rest[..end.unwrap_or(rest.len())]
    }

    /// What begins with `<!` or `<?`: comments and the like say nothing.
    fn declaration(&mut self) -> Option<Token<'a>> {
        let rest = &self.text[self.at..];
        if rest.starts_with("<!--") {
            self.at += 4;
            self.skip_behind(b"-->");
        } else if self.language == Language::Xml && rest.starts_with("<![CDATA[") {
            self.at += 9;
            return Some(Token::Raw(self.skip_behind(b"]]>")));
        } else {
            self.skip_behind(b">");
        }
        None
    }

    fn end_tag(&mut self) -> Token<'a> {
        self.at += 2;
        let name = self.take_name();
        self.skip_behind(b">");
        Token::End {
            name: self.name(name),
        }
    }

    fn take_name(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let ends = |c: u8| matches!(c, b' ' | b'\n' | b'\r' | b'\t' | 0x0c | b'>' | b'/' | b'=');
        let length = rest.bytes().position(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_space(&mut self) {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// A start tag; nothing where the text ends in it.
    fn start_tag(&mut self) -> Option<Token<'a>> {
        let begin = self.at;
        self.at += 1;
        let name = self.take_name();
        let name = self.name(name);
        self.attributes.clear();
        let bytes = self.text.as_bytes();
        let is_closed = loop {
            self.skip_space();
            match bytes.get(self.at)? {
                b'>' => {
                    self.at += 1;
                    break false;
                }
                b'/' => {
                    self.at += 1;
                    if bytes.get(self.at) == Some(&b'>') {
                        self.at += 1;
                        break true;
                    }
                }
                b'=' => self.at += 1,
                _ => self.take_attribute()?,
            }
        };
        self.tag = (begin, self.at);
        if self.language == Language::Html && !is_closed {
            self.raw = RAW.iter().copied().find(|raw| *raw == name);
        }
        Some(Token::Start { name, is_closed })
    }

    fn take_attribute(&mut self) -> Option<()> {
        let name = self.take_name();
        let before = self.at;
        self.skip_space();
        let bytes = self.text.as_bytes();
        let mut value = "";
        if bytes.get(self.at) == Some(&b'=') {
            self.at += 1;
            self.skip_space();
            value = self.take_value()?;
        } else {
            self.at = before;
        }
        if self.attributes.len() < MOST && !name.is_empty() {
            let name = self.name(name);
            self.attributes.push(Attribute { name, value });
        }
        Some(())
    }

    fn take_value(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        if let quote @ (b'"' | b'\'') = *bytes.get(self.at)? {
            let begin = self.at + 1;
            let length = memchr(quote, &bytes[begin..])?;
            self.at = begin + length + 1;
            return Some(&self.text[begin..begin + length]);
        }
        let rest = &self.text[self.at..];
        let ends = |c: u8| c.is_ascii_whitespace() || c == b'>';
        let length = rest.bytes().position(ends).unwrap_or(rest.len());
        self.at += length;
        Some(&rest[..length])
    }

    /// A text up to the next tag. A `<` that begins none is text.
    fn text(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let bytes = rest.as_bytes();
        let mut from = 0;
        let end = loop {
            let Some(at) = memchr(b'<', &bytes[from..]) else {
                break rest.len();
            };
            if begins_tag(&bytes[from + at..]) {
                break from + at;
            }
            from += at + 1;
        };
        self.at += end;
        &rest[..end]
    }
}

fn begins_tag(bytes: &[u8]) -> bool {
    match bytes.get(1) {
        Some(b'!' | b'?') => true,
        Some(b'/') => bytes.get(2).is_some_and(|c| is_name_start(*c)),
        Some(c) => is_name_start(*c),
        None => false,
    }
}

fn is_name_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c >= 0x80
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(name) = self.raw.take() {
            let text = self.raw_text(name);
            if !text.is_empty() {
                return Some(Token::Raw(text));
            }
        }
        while self.at < self.text.len() {
            let bytes = &self.text.as_bytes()[self.at..];
            if bytes[0] != b'<' || !begins_tag(bytes) {
                return Some(Token::Text(self.text()));
            }
            match bytes[1] {
                b'!' | b'?' => {
                    if let Some(token) = self.declaration() {
                        return Some(token);
                    }
                }
                b'/' => return Some(self.end_tag()),
                _ => {
                    let token = self.start_tag();
                    if token.is_none() {
                        self.at = self.text.len();
                    }
                    return token;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> Vec<String> {
        let mut tokens = Tokens::new(text, Language::Html);
        let mut shown = Vec::new();
        while let Some(token) = tokens.next() {
            shown.push(match token {
                Token::Start { name, .. } => {
                    let attributes = tokens.attributes.iter();
                    let all: Vec<_> = attributes
                        .map(|a| format!(" {}={}", a.name, a.text()))
                        .collect();
                    format!("<{name}{}>", all.concat())
                }
                Token::End { name } => format!("</{name}>"),
                Token::Text(text) | Token::Raw(text) => text.to_owned(),
            });
        }
        shown
    }

    #[test]
    fn tags_attributes_and_texts_are_told_apart() {
        assert_eq!(
            html(
                "<!DOCTYPE html><P Class='a b' id=c disabled data-x=\"1 &amp; 2\">a < b<br/><!-- <i> --></p>"
            ),
            [
                "<p class=a b id=c disabled= data-x=1 & 2>",
                "a < b",
                "<br>",
                "</p>"
            ]
        );
    }

    #[test]
    fn scripts_are_raw_up_to_their_end() {
        assert_eq!(
            html("<script>if (a</b/) '<p>'</SCRIPT >x<title>a<b></title>"),
            [
                "<script>",
                "if (a</b/) '<p>'",
                "</script>",
                "x",
                "<title>",
                "a<b>",
                "</title>"
            ]
        );
    }

    #[test]
    fn what_ends_too_early_ends_the_document() {
        for text in [
            "<p",
            "<p a",
            "<p a=",
            "<p a='b",
            "<!--",
            "<!",
            "</",
            "</p",
            "<",
            "<script>a",
            "<p/",
        ] {
            let _ = html(text);
        }
        assert_eq!(html("a<p b='"), ["a"]);
    }

    #[test]
    fn cdata_of_xml_is_raw() {
        let tokens: Vec<_> = Tokens::new("<A><![CDATA[a<b&c]]></A>", Language::Xml).collect();
        assert_eq!(tokens[1], Token::Raw("a<b&c"));
        assert_eq!(tokens.len(), 3);
    }
}
