//! Reads a page: keeps the open elements, collects texts, and opens and closes the groups of its tree.

use std::collections::HashMap;

use super::{
    super::{
        Limits,
        hash::{HashedKeys, hash_of, mix},
        place::{PlaceId, Step, cut},
        tokens::{Language, Token, Tokens, unescaped},
        tree::{Builder, Class, NodeKind, Stop},
        value::Scalar,
    },
    cards::Cards,
    fields::raw_after,
    table::{Table, identity},
    tag::Tag,
};

/// Elements that may be open; what is deeper belongs to the last of them.
const DEEPEST: usize = 200;
/// Characters of a heading in a place.
pub(super) const HEADING: usize = 40;

/// An open element.
#[derive(Clone, Copy)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) name: u64,
    /// Where its parts are found: the nearest anchor, form, list or table.
    pub(super) scope: PlaceId,
    /// Where its text is found.
    pub(super) text: PlaceId,
    pub(super) class: Class,
    pub(super) dress: u64,
    pub(super) group: Option<u32>,
    /// An id below it is not an anchor.
    pub(super) is_fixed: bool,
    /// What it may be one of several of.
    pub(super) block: Option<u64>,
    pub(super) block_place: PlaceId,
    /// The first node below it, and fields before it.
    pub(super) begin: u32,
    pub(super) fields: u32,
    /// Tells it from all others.
    pub(super) serial: u32,
}

impl Element {
    /// Makes it a group with a place of its own, for what a person does there.
    pub(super) fn enter(&mut self, place: PlaceId, group: u32) {
        self.scope = place;
        self.text = place;
        self.class = Class::Action;
        self.group = Some(group);
    }
}

pub(super) struct Page<'b> {
    pub(super) builder: &'b mut Builder,
    pub(super) limits: &'b Limits,
    pub(super) host: &'b [u8],
    pub(super) stack: Vec<Element>,
    /// Elements too deep to be kept.
    pub(super) beyond: usize,
    pub(super) tables: Vec<Table>,
    /// A text, with white space collapsed, and where it began.
    pub(super) text: String,
    pub(super) text_place: Option<(PlaceId, Class, u64)>,
    /// A space is due before the next word.
    pub(super) space: bool,
    /// The heading of a list of terms.
    pub(super) term: String,
    /// The option that is open is chosen, and the values of those that are.
    pub(super) is_chosen: bool,
    pub(super) chosen: String,
    pub(super) cards: Cards,
    /// Elements that were opened so far.
    pub(super) opened: u32,
    /// Fields so far.
    pub(super) fields: u32,
    /// The markup of tags by the hash of how they are written.
    pub(super) dresses: HashMap<u64, u64, HashedKeys>,
    /// Icons before the next leaf.
    pub(super) icons: u64,
    /// Scripts and styles so far.
    pub(super) scripts: u64,
    pub(super) base: PlaceId,
}

impl<'b> Page<'b> {
    pub(super) fn new(builder: &'b mut Builder, host: &'b [u8], limits: &'b Limits) -> Self {
        let base = builder.root("");
        let text = builder.below(base, Step::Word("text"));
        let root = Element {
            tag: Tag::Root,
            name: 0,
            scope: base,
            text,
            class: Class::Content,
            dress: 0,
            group: None,
            is_fixed: false,
            block: None,
            block_place: text,
            begin: 0,
            fields: 0,
            serial: 0,
        };
        Self {
            builder,
            limits,
            host,
            stack: vec![root],
            beyond: 0,
            tables: Vec::new(),
            text: String::new(),
            text_place: None,
            space: false,
            term: String::new(),
            is_chosen: false,
            chosen: String::new(),
            cards: Cards::default(),
            opened: 0,
            fields: 0,
            dresses: HashMap::default(),
            icons: 0,
            scripts: 0,
            base,
        }
    }

    /// Reads all of a page below a node.
    pub(super) fn read(mut self, root: u32, text: &str, is_cut: bool) -> Result<(), Stop> {
        let result = self.read_all(text, is_cut);
        self.cards.group(self.builder, root);
        result
    }

    fn read_all(&mut self, text: &str, is_cut: bool) -> Result<(), Stop> {
        let mut tokens = Tokens::new(text, Language::Html);
        while let Some(token) = tokens.next() {
            if self.builder.is_full() {
                self.close_to(0, true);
                return Err(Stop::Full);
            }
            match token {
                Token::Start { name, is_closed } => self.start(&name, is_closed, &mut tokens),
                Token::End { name } => self.end(&name),
                Token::Text(text) => self.add_text(&unescaped(text)),
                Token::Raw(_) => {}
            }
        }
        if !is_cut {
            self.flush();
        }
        self.text.clear();
        self.close_to(0, is_cut);
        self.add_scripts();
        Ok(())
    }

    pub(super) fn top(&self) -> &Element {
        // The root is never taken off.
        &self.stack[self.stack.len() - 1]
    }

    pub(super) fn scope(&self) -> PlaceId {
        self.top().scope
    }

    fn start(&mut self, name: &str, is_closed: bool, tokens: &mut Tokens<'_>) {
        let tag = Tag::of(name);
        if tag.breaks_text() {
            self.flush();
        }
        if let Some((ended, boundary)) = tag.ends() {
            self.end_open(ended, boundary);
        }
        let has_title = tokens.has("title");
        match tag {
            Tag::Input => self.input(tokens),
            Tag::Image => self.image(tokens),
            Tag::Embedded => self.embedded(name, tokens),
            Tag::Icon => self.icon(name, tokens),
            Tag::Title => self.title(tokens),
            Tag::Meta => self.meta(tokens),
            Tag::HeadLink => self.head_link(tokens),
            Tag::Script | Tag::Style => self.script(tag, tokens),
            Tag::Textarea => self.textarea(tokens),
            Tag::Root => self.language(tokens),
            Tag::Break | Tag::Base => {}
            Tag::Hidden => {
                if let Some(Token::Raw(text)) = raw_after(tokens) {
                    self.note_script(text);
                }
            }
            _ => {
                if !tag.is_void(name) && !is_closed {
                    self.open(tag, name, tokens);
                }
            }
        }
        if has_title && !matches!(tag, Tag::Input | Tag::Image | Tag::HeadLink) {
            let title = tokens.attribute("title").unwrap_or_default();
            let place = self
                .builder
                .below(self.top().text, Step::Attribute("title"));
            let key = hash_of(b"title") | 1;
            self.leaf(place, Class::Content, key, Scalar::Text, title.trim());
        }
    }

    /// Opens an element: where its parts are found, and whether it is a group.
    fn open(&mut self, tag: Tag, name: &str, tokens: &Tokens<'_>) {
        if self.stack.len() >= DEEPEST {
            self.beyond += 1;
            return;
        }
        self.opened += 1;
        let local = self.local_dress(name, tokens);
        let above = self.top();
        let dress = mix(above.dress, local);
        let (is_fixed, scope_above, class) = (above.is_fixed, above.scope, above.class);
        let mut element = Element {
            tag,
            name: hash_of(name.as_bytes()),
            scope: scope_above,
            text: above.text,
            class,
            dress,
            group: None,
            is_fixed,
            block: None,
            block_place: scope_above,
            begin: self.builder.len(),
            fields: self.fields,
            serial: self.opened,
        };
        if !is_fixed && tag != Tag::Row && tag != Tag::ListItem {
            self.anchor(&mut element, name, tokens);
        }
        match tag {
            Tag::Block | Tag::Term => {
                element.text = self.builder.below(element.scope, Step::Word(name));
            }
            Tag::Details => {
                let step = Step::Named("dd", cut(&self.term, HEADING));
                element.scope = self.builder.below(element.scope, step);
                element.text = element.scope;
            }
            Tag::Wrapper => self.block(&mut element, name, tokens),
            Tag::Link => self.link(&mut element, tokens),
            Tag::Button => self.button(&mut element, tokens),
            Tag::Form => self.form(&mut element, tokens),
            Tag::Select => self.select(&mut element, tokens),
            Tag::Option => self.option(&mut element, tokens),
            Tag::List => {
                element.scope = self.builder.below(element.scope, Step::Word(name));
                element.group = Some(self.group(NodeKind::Array, element.scope, element.class, 0));
            }
            Tag::ListItem => {
                element.scope = self.builder.below(element.scope, Step::Word(name));
                element.text = element.scope;
                if self.top().tag == Tag::List {
                    let key = identity(tokens);
                    element.group =
                        Some(self.group(NodeKind::Flow, element.scope, element.class, key));
                    element.is_fixed = true;
                }
            }
            Tag::Table => self.table(&mut element),
            Tag::Row => self.row(&mut element, tokens),
            Tag::Cell | Tag::HeaderCell => self.cell(&mut element, tokens),
            _ => {}
        }
        self.stack.push(element);
    }

    fn end(&mut self, name: &str) {
        let tag = Tag::of(name);
        if tag.breaks_text() {
            self.flush();
        }
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        if !tag.is_kept() {
            return;
        }
        let name = hash_of(name.as_bytes());
        let is_of_table = matches!(
            tag,
            Tag::Table | Tag::TableHead | Tag::TablePart | Tag::Row | Tag::Cell | Tag::HeaderCell
        );
        let mut at = self.stack.len() - 1;
        while at > 0 {
            let element = &self.stack[at];
            if element.tag == tag && element.name == name {
                return self.close_to(at, false);
            }
            let is_wall = match element.tag {
                Tag::Table => tag != Tag::Table,
                Tag::Cell | Tag::HeaderCell => !is_of_table,
                _ => false,
            };
            if is_wall {
                return;
            }
            at -= 1;
        }
    }

    /// Ends open elements whose end tags were left out.
    fn end_open(&mut self, ended: &[Tag], boundary: &[Tag]) {
        let mut found = None;
        for at in (1..self.stack.len()).rev() {
            let tag = self.stack[at].tag;
            if boundary.contains(&tag) {
                break;
            }
            if ended.contains(&tag) {
                found = Some(at);
            }
        }
        if let Some(at) = found {
            self.close_to(at, false);
        }
    }

    /// Closes elements down to an index; the root stays.
    fn close_to(&mut self, at: usize, is_cut: bool) {
        while self.stack.len() > at.max(1) {
            if !is_cut {
                self.flush();
            }
            let Some(element) = self.stack.pop() else {
                return;
            };
            if let Some(group) = element.group {
                if element.tag == Tag::Table {
                    self.end_table(group, is_cut);
                }
                if is_cut {
                    self.builder.set_cut(group);
                }
                self.end_group(&element, group);
            } else {
                self.end_block(&element);
            }
        }
    }

    fn end_group(&mut self, element: &Element, group: u32) {
        if element.tag == Tag::Select {
            self.end_select(element.scope);
        }
        let is_first = self.tables.last().is_some_and(|table| table.in_first_row);
        self.builder.close(group);
        match element.tag {
            Tag::Row if is_first => self.end_first_row(group),
            Tag::Option => self.end_option(group),
            _ => {}
        }
    }
}
