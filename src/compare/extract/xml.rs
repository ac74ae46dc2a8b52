//! XML and feeds: an object for each element, with a list for each name among its children, so that one entry and two are of
//! one form. Entries are recognised by their id.

use super::{
    hash::{hash_of, mix},
    place::{PlaceId, Step},
    tokens::{Language, Token, Tokens, unescaped},
    tree::{Builder, Class, NewLeaf, NodeKind, Stop},
    value::Scalar,
};

/// Elements within one another; what is deeper is text of the last.
const DEEPEST: usize = 64;

/// Children by which an element is recognised, the best first.
const IDS: &[&str] = &["id", "guid", "uuid", "key", "link", "loc", "name"];

/// An element of a document, before it is known how many of its name there are.
#[derive(Default)]
struct Element<'a> {
    name: &'a str,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<usize>,
}

/// Adds a document. Only what is no XML at all is refused.
pub(crate) fn xml(builder: &mut Builder, text: &str, is_cut: bool) -> Result<(), Stop> {
    let elements = elements(text, builder.room());
    let Some(root) = elements.first().and_then(|root| root.children.first()) else {
        return Err(Stop::Broken);
    };
    let above = builder.root("");
    let mut writer = Writer {
        builder,
        elements: &elements,
        is_cut,
        is_full: false,
    };
    writer.element(*root, above, 0);
    if writer.is_full {
        return Err(Stop::Full);
    }
    Ok(())
}

/// All elements in a list; the first is a root around the document.
fn elements(text: &str, most: usize) -> Vec<Element<'_>> {
    let mut all = vec![Element::default()];
    let mut open = vec![0];
    let mut beyond = 0;
    let mut tokens = Tokens::new(text, Language::Xml);
    while let Some(token) = tokens.next() {
        if all.len() >= most {
            break;
        }
        let top = open[open.len() - 1];
        match token {
            Token::Start { name, is_closed } => {
                if open.len() > DEEPEST {
                    beyond += usize::from(!is_closed);
                    continue;
                }
                let attributes = tokens.attributes.iter();
                let attributes = attributes
                    .map(|attribute| (attribute.name.to_string(), attribute.text().into_owned()))
                    .collect();
                let std::borrow::Cow::Borrowed(name) = name else {
                    continue;
                };
                let at = all.len();
                all.push(Element {
                    name,
                    attributes,
                    ..Element::default()
                });
                all[top].children.push(at);
                if !is_closed {
                    open.push(at);
                }
            }
            Token::End { name } => {
                if beyond > 0 {
                    beyond -= 1;
                    continue;
                }
                if let Some(at) = (1..open.len()).rev().find(|at| all[open[*at]].name == name) {
                    open.truncate(at);
                }
            }
            Token::Text(text) => all[top].text.push_str(&unescaped(text)),
            Token::Raw(text) => all[top].text.push_str(text),
        }
    }
    all
}

struct Writer<'a, 'b> {
    builder: &'b mut Builder,
    elements: &'a [Element<'a>],
    is_cut: bool,
    is_full: bool,
}

impl<'a> Writer<'a, '_> {
    /// Adds an element as an object: attributes, text, and a list for each name of its children.
    fn element(&mut self, at: usize, above: PlaceId, key: u64) {
        let elements = self.elements;
        let element = &elements[at];
        let place = self.builder.below(above, Step::Word(element.name));
        let is_leaf = element.children.is_empty() && element.attributes.is_empty();
        if self.builder.is_full() {
            self.is_full = true;
            return;
        }
        if is_leaf {
            return self.text(place, key, &element.text);
        }
        let root = self
            .builder
            .open(NodeKind::Object, place, Class::Content, key);
        for (name, value) in element
            .attributes
            .iter()
            .filter(|(name, _)| !name.starts_with("xmlns"))
        {
            let below = self.builder.below(place, Step::Attribute(name));
            self.leaf(below, hash_of(name.as_bytes()) | 1, value.trim());
        }
        if !element.text.trim().is_empty() {
            self.text(place, 1, &element.text);
        }
        self.children(element, place);
        if self.is_cut {
            self.builder.set_cut(root);
        }
        self.builder.close(root);
    }

    fn children(&mut self, element: &'a Element<'a>, place: PlaceId) {
        let elements = self.elements;
        let mut children: Vec<usize> = element.children.clone();
        // By name; within a name as they stand.
        children.sort_by_key(|at| elements[*at].name);
        for group in children.chunk_by(|one, other| elements[*one].name == elements[*other].name) {
            let name = elements[group[0]].name;
            let key = hash_of(name.as_bytes()) & !1;
            let below = self.builder.below(place, Step::Word(name));
            let list = self
                .builder
                .open(NodeKind::Array, below, Class::Content, key);
            for child in group {
                let key = self.identity(*child);
                self.element(*child, place, key);
            }
            if self.is_cut || self.is_full {
                self.builder.set_cut(list);
            }
            self.builder.close(list);
        }
    }

    /// By what an element is recognised among others of its name.
    fn identity(&self, at: usize) -> u64 {
        let element = &self.elements[at];
        for id in IDS {
            let attribute = element.attributes.iter().find(|(name, _)| name == id);
            let child = || {
                let mut children = element.children.iter().map(|child| &self.elements[*child]);
                children.find(|child| child.name == *id)
            };
            let value = match attribute {
                Some((_, value)) => value.as_str(),
                None => child().map_or("", |child| child.text.trim()),
            };
            if !value.is_empty() {
                return mix(hash_of(id.as_bytes()), hash_of(value.as_bytes())) | 1;
            }
        }
        0
    }

    fn text(&mut self, place: PlaceId, key: u64, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        self.leaf(place, key, &words.join(" "));
    }

    fn leaf(&mut self, place: PlaceId, key: u64, text: &str) {
        let leaf = NewLeaf {
            place,
            class: Class::Content,
            key,
            scalar: Scalar::Text,
            text,
        };
        self.is_full |= self.builder.leaf(leaf).is_none();
    }
}

#[cfg(test)]
mod tests {
    use crate::compare::kit::{Response, of_type, shown};

    const FEED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>Web shop: Issues</title>
  <link rel="self" href="http://app.example/issues.atom"/>
  <id>http://app.example/</id>
  <updated>2024-03-05T14:22:07Z</updated>
  <entry>
    <title>Bug #1407: Cart total</title>
    <link rel="alternate" href="http://app.example/issues/1407"/>
    <id>http://app.example/issues/1407</id>
    <updated>2024-03-05T14:22:07Z</updated>
    <author><name>Bob</name></author>
    <content type="html">&lt;p&gt;It is wrong&lt;/p&gt;</content>
  </entry>
  <entry>
    <title>Feature #1403: Gift cards</title>
    <link rel="alternate" href="http://app.example/issues/1403"/>
    <id>http://app.example/issues/1403</id>
    <updated>2024-03-04T09:10:00Z</updated>
    <author><name>Ann</name></author>
    <content type="html"><![CDATA[<p>Cards & more</p>]]></content>
  </entry>
</feed>"#;

    fn feed(text: &str) -> Response {
        of_type("application/atom+xml; charset=utf-8", text)
    }

    fn with(from: &str, to: &str) -> Vec<String> {
        assert!(FEED.contains(from));
        shown(&feed(FEED), &feed(&FEED.replace(from, to)))
    }

    fn entry(number: usize) -> &'static str {
        let begin = FEED.match_indices("  <entry>").nth(number).unwrap().0;
        let length = FEED[begin..].find("</entry>").unwrap() + 9;
        &FEED[begin..begin + length]
    }

    #[test]
    fn one_change_is_one_difference() {
        assert_eq!(
            with("Gift cards", "Gift card"),
            ["value feed entry title: suffix gone"]
        );
        assert_eq!(
            with("<p>Cards & more</p>", "<p>Cards &amp; more</p>"),
            ["value feed entry content: entity-escaped"]
        );
        assert_eq!(
            with("<author><name>Ann</name></author>", ""),
            ["missing feed entry author: gone"]
        );
        assert_eq!(
            with("  <title>Web shop: Issues</title>", ""),
            ["missing feed title: gone"]
        );
        assert_eq!(
            with(
                "href=\"http://app.example/issues/1403\"",
                "href=\"http://other/issues/1403\""
            ),
            ["value feed entry link@href: origin replaced"]
        );
    }

    #[test]
    fn an_entry_more_or_less_is_one_difference_and_order_is_another() {
        assert_eq!(with(entry(0), ""), ["items feed entry: fewer items"]);
        assert_eq!(with(entry(1), ""), ["items feed entry: fewer items"]);
        let both = format!("{}{}", entry(0), entry(1));
        assert_eq!(
            with(&both, &format!("{}{}", entry(1), entry(0))),
            ["order feed entry: reordered"]
        );
    }

    #[test]
    fn a_renamed_element_is_one_difference_an_entry() {
        let renamed = FEED
            .replace("<updated>", "<published>")
            .replace("</updated>", "</published>");
        let shown = shown(&feed(FEED), &feed(&renamed));
        assert_eq!(
            shown,
            [
                "missing feed entry updated: renamed to published",
                "missing feed entry updated: renamed to published",
                "missing feed updated: renamed to published"
            ]
        );
    }

    #[test]
    fn white_space_between_elements_says_nothing() {
        let lines: Vec<&str> = FEED.lines().map(str::trim).collect();
        assert_eq!(
            shown(&feed(FEED), &feed(&lines.concat())),
            <[&str; 0]>::default()
        );
    }

    #[test]
    fn rss_is_recognised_by_guid() {
        let rss = |first: &str, second: &str| {
            of_type(
                "application/rss+xml",
                format!(
                    "<rss version='2.0'><channel><title>a</title>{first}{second}</channel></rss>"
                ),
            )
        };
        let item = |n: u32, title: &str| {
            format!("<item><title>{title}</title><guid>http://a/{n}</guid></item>")
        };
        assert_eq!(
            shown(
                &rss(&item(1, "x"), &item(2, "y")),
                &rss(&item(1, "x"), &item(2, "z"))
            ),
            ["value rss channel item title: other value"]
        );
    }

    #[test]
    fn hostile_documents_are_bounded() {
        for piece in [
            "<a>",
            "</a>",
            "<a b='c'/>",
            "<a",
            "<![CDATA[",
            "<!--",
            "&amp;",
            "<?x",
            "<a><b>c</b>",
        ] {
            let document = feed(&format!("<r>{}", piece.repeat(250_000 / piece.len())));
            assert_eq!(shown(&document, &document), <[&str; 0]>::default());
            let _ = shown(
                &document,
                &feed(&format!("<r>{}", piece.repeat(240_000 / piece.len()))),
            );
        }
    }
}
