//! Reads a page: keeps the open elements, collects texts, and opens and closes the groups of its tree.

use std::{borrow::Cow, collections::HashMap};

use super::{
    super::{
        Limits,
        hash::{HashedKeys, hash_of, mix},
        json::Stop,
        mask::{mask_name, mask_path, masked_hash},
        place::{PlaceId, Step, cut},
        tokens::{Language, Token, Tokens, unescaped},
        tree::{Builder, Class, NewLeaf, NodeKind},
        url::own_origin,
        value::Scalar,
    },
    cards::{Block, Cards},
    dress::dress,
    fields::raw_after,
    tag::Tag,
};

/// Elements that may be open; what is deeper belongs to the last of them.
const DEEPEST: usize = 200;
/// Characters of a table's heading in a place.
const HEADING: usize = 40;

/// An open element.
#[derive(Clone, Copy)]
pub(super) struct Element {
    tag: Tag,
    name: u64,
    /// Where its parts are found: the nearest anchor, form, list or table.
    scope: PlaceId,
    /// Where its text is found.
    pub(super) text: PlaceId,
    class: Class,
    dress: u64,
    group: Option<u32>,
    /// An id below it is not an anchor.
    is_fixed: bool,
    /// What it may be one of several of.
    block: Option<u64>,
    block_place: PlaceId,
    /// The first node below it, and fields before it.
    begin: u32,
    fields: u32,
    /// Tells it from all others.
    serial: u32,
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

/// A table that is open.
#[derive(Default)]
struct Table {
    headings: Vec<(u64, String)>,
    column: usize,
    in_first_row: bool,
    /// The rows' list, from the second row on.
    rows: Option<u32>,
    has_rows: bool,
    first: FirstRow,
}

/// What the first row of a table is made of.
#[derive(Default)]
struct FirstRow {
    begin: u32,
    headings: usize,
    cells: usize,
}

pub(super) struct Page<'b> {
    pub(super) builder: &'b mut Builder,
    pub(super) limits: &'b Limits,
    pub(super) host: &'b [u8],
    stack: Vec<Element>,
    /// Elements too deep to be kept.
    beyond: usize,
    tables: Vec<Table>,
    /// A text, with white space collapsed, and where it began.
    text: String,
    text_place: Option<(PlaceId, Class, u64)>,
    /// A space is due before the next word.
    space: bool,
    /// The heading of a list of terms.
    term: String,
    /// The option that is open is chosen, and the values of those that are.
    pub(super) is_chosen: bool,
    pub(super) chosen: String,
    cards: Cards,
    /// Elements that were opened so far.
    opened: u32,
    /// Fields so far.
    pub(super) fields: u32,
    /// The markup of tags by the hash of how they are written.
    dresses: HashMap<u64, u64, HashedKeys>,
    /// Icons before the next leaf.
    icons: u64,
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

    /// A wrapper with a class may be one of several that are alike.
    fn block(&mut self, element: &mut Element, name: &str, tokens: &Tokens<'_>) {
        let classes = tokens.attribute("class").unwrap_or_default();
        let class = classes.split_ascii_whitespace().next();
        if class.is_none() && name != "article" {
            return;
        }
        element.block = Some(mix(element.name, masked_hash(&classes)));
        let above = self.scope();
        element.block_place = match class {
            Some(class) => self
                .builder
                .below(above, Step::Named(name, &mask_name(class))),
            None => self.builder.below(above, Step::Word(name)),
        };
    }

    /// Notes a wrapper that was closed. One with fields is a part of a form, which are told one by one.
    fn end_block(&mut self, element: &Element) {
        let end = self.builder.len();
        let Some(signature) = element.block else {
            return;
        };
        if end < element.begin + 2 || self.fields != element.fields {
            return;
        }
        let block = Block {
            place: element.block_place,
            class: element.class,
            begin: element.begin,
            end,
        };
        let parent = self.top().serial;
        self.cards.note(parent, signature, block);
    }

    /// An id, a test id or a landmark is where parts of a page are found, whatever stands around it.
    fn anchor(&mut self, element: &mut Element, name: &str, tokens: &Tokens<'_>) {
        let id = match element.tag {
            Tag::Link | Tag::Button | Tag::Inline => None,
            _ => tokens.attribute("id").filter(|id| !id.is_empty()),
        };
        let word = if let Some(test) = tokens.attribute("data-testid") {
            Cow::Owned(format!("[data-testid={}]", mask_name(&test)))
        } else if let Some(id) = id {
            Cow::Owned(format!("#{}", mask_name(&id)))
        } else if element.tag == Tag::Landmark {
            Cow::Borrowed(name)
        } else {
            return;
        };
        element.scope = self.builder.below(self.base, Step::Word(&word));
        element.text = self.builder.below(element.scope, Step::Word("text"));
    }

    pub(super) fn group(&mut self, kind: NodeKind, place: PlaceId, class: Class, key: u64) -> u32 {
        self.builder.open(kind, place, class, key)
    }

    fn link(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let Some(target) = tokens.attribute("href") else {
            return;
        };
        let target = own_origin(target.trim(), self.host);
        // Without its origin a link of an instance is the same as one that is relative.
        let target = target
            .strip_prefix(super::super::url::OWN)
            .unwrap_or(&target);
        let route = mask_path(target);
        element.scope = self.builder.below(element.scope, Step::Named("a", &route));
        element.text = element.scope;
        element.class = Class::Action;
        let group = self.group(NodeKind::Flow, element.scope, Class::Action, 0);
        element.group = Some(group);
        let place = self.builder.below(element.scope, Step::Attribute("href"));
        let key = hash_of(b"href") | 1;
        self.leaf(place, Class::Action, key, Scalar::Url, target);
        self.acts(element.scope, tokens);
    }

    /// What a script does with a link or a button, as it is told by attributes.
    pub(super) fn acts(&mut self, scope: PlaceId, tokens: &Tokens<'_>) {
        const ACTS: &[&str] = &[
            "data-method",
            "data-turbo-method",
            "data-confirm",
            "data-turbo-confirm",
            "download",
        ];
        for attribute in &tokens.attributes {
            if ACTS.contains(&&*attribute.name) {
                self.part(scope, &attribute.name, Scalar::Text, &attribute.text());
            }
        }
    }

    fn button(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let name = tokens.attribute("name").unwrap_or_default();
        element.scope = self.field_place("button", &name);
        element.text = element.scope;
        element.class = Class::Action;
        element.group = Some(self.group(NodeKind::Flow, element.scope, Class::Action, 0));
        for name in ["name", "value", "type"] {
            if let Some(value) = tokens.attribute(name) {
                self.part(element.scope, name, Scalar::Text, &value);
            }
        }
        self.flags(element.scope, tokens);
        self.acts(element.scope, tokens);
    }

    fn form(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let action = tokens.attribute("action").unwrap_or_default();
        let action = own_origin(action.trim(), self.host);
        let action = action
            .strip_prefix(super::super::url::OWN)
            .unwrap_or(&action);
        let route = mask_path(action);
        element.scope = self
            .builder
            .below(element.scope, Step::Named("form", &route));
        element.text = self.builder.below(element.scope, Step::Word("text"));
        element.is_fixed = true;
        let method = tokens
            .attribute("method")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let key = mix(hash_of(route.as_bytes()), 1);
        element.group = Some(self.group(NodeKind::Flow, element.scope, Class::Action, key));
        for (name, value, scalar) in [
            ("action", action, Scalar::Url),
            ("method", &method, Scalar::Text),
        ] {
            let place = self.builder.below(element.scope, Step::Attribute(name));
            self.leaf(
                place,
                Class::Action,
                hash_of(name.as_bytes()),
                scalar,
                value,
            );
        }
    }

    fn table(&mut self, element: &mut Element) {
        element.scope = self.builder.below(element.scope, Step::Word("table"));
        element.text = element.scope;
        element.group = Some(self.group(NodeKind::Table, element.scope, Class::Content, 0));
        self.tables.push(Table::default());
    }

    fn row(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        table.column = 0;
        table.in_first_row = !table.has_rows;
        table.has_rows = true;
        if table.in_first_row {
            table.first.begin = self.builder.len();
        }
        let kind = if table.headings.is_empty() {
            NodeKind::Flow
        } else {
            NodeKind::Object
        };
        element.scope = self.builder.below(element.scope, Step::Word("tr"));
        element.text = element.scope;
        element.is_fixed = true;
        let key = identity(tokens);
        element.group = Some(self.group(kind, element.scope, Class::Content, key));
    }

    fn cell(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        let column = table.column;
        let span = tokens
            .attribute("colspan")
            .and_then(|span| span.parse().ok());
        table.column += usize::min(span.unwrap_or(1), 1000).max(1);
        if table.in_first_row {
            table.first.cells += 1;
            table.first.headings += usize::from(element.tag == Tag::HeaderCell);
        }
        let (key, step) = match table.headings.get(column) {
            Some((key, heading)) => (*key, Step::Named("td", heading)),
            None => (0, Step::Word("td")),
        };
        element.scope = self.builder.below(element.scope, step);
        element.text = element.scope;
        element.group = Some(self.group(NodeKind::Flow, element.scope, Class::Content, key));
    }

    /// A first row of headings is the table's columns; a table without one is a list of rows.
    fn end_first_row(&mut self, row: u32) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        let first = std::mem::take(&mut table.first);
        table.in_first_row = false;
        if first.cells == 0 || first.headings < first.cells {
            return;
        }
        let cells: Vec<u32> = self.builder.tree().children(row).collect();
        let headings = cells.iter().map(|cell| {
            let texts = self.builder.tree().leaves(*cell);
            let texts = texts.filter(|at| {
                self.builder.tree().node(*at).class != Class::Action || {
                    !matches!(
                        self.builder.tree().node(*at).kind,
                        NodeKind::Leaf(Scalar::Url)
                    )
                }
            });
            let texts: Vec<&str> = texts.map(|at| self.builder.tree().text(at)).collect();
            texts.join(" ")
        });
        let headings: Vec<String> = headings.collect();
        self.builder.take_back(first.begin);
        self.cards.forget_from(first.begin);
        let scope = self.scope();
        let columns = self.group(NodeKind::Array, scope, Class::Content, 1);
        let mut known = Vec::with_capacity(headings.len());
        for heading in headings {
            let name = cut(&heading, HEADING).to_owned();
            let doubles = known.iter().filter(|(_, other)| *other == name).count();
            let key = mix(hash_of(heading.as_bytes()), doubles as u64) | 1;
            let place = self.builder.below(scope, Step::Named("th", &name));
            self.leaf(place, Class::Content, key, Scalar::Text, &heading);
            known.push((key, name));
        }
        self.builder.close(columns);
        let rows = self.group(NodeKind::Array, scope, Class::Content, 2);
        if let Some(table) = self.tables.last_mut() {
            table.headings = known;
            table.rows = Some(rows);
        }
    }

    fn end_table(&mut self, group: u32, is_cut: bool) {
        let Some(table) = self.tables.pop() else {
            return;
        };
        match table.rows {
            Some(rows) => {
                if is_cut {
                    self.builder.set_cut(rows);
                }
                self.builder.close(rows);
            }
            None => self.builder.set_kind(group, NodeKind::Array),
        }
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

    /// Adds to the text that is being collected.
    fn add_text(&mut self, text: &str) {
        let mut words = text.split(|c: char| c.is_ascii_whitespace() || c == '\u{a0}');
        let Some(first) = words.next() else {
            return;
        };
        self.add_word(first);
        for word in words {
            self.space = true;
            self.add_word(word);
        }
    }

    fn add_word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if self.text_place.is_none() {
            let top = self.top();
            self.text_place = Some((top.text, top.class, top.dress));
        } else if self.space {
            self.text.push(' ');
        }
        self.space = false;
        self.text.push_str(word);
    }

    /// Makes a leaf of the text that was collected.
    pub(super) fn flush(&mut self) {
        self.space = false;
        let Some((place, class, dress)) = self.text_place.take() else {
            return;
        };
        let text = std::mem::take(&mut self.text);
        if self.top().tag == Tag::Term {
            self.term.clear();
            self.term.push_str(&mask_name(cut(&text, HEADING)));
        }
        self.dressed_leaf(place, class, 0, Scalar::Text, &text, dress);
        self.text = text;
        self.text.clear();
    }

    pub(super) fn leaf(
        &mut self,
        place: PlaceId,
        class: Class,
        key: u64,
        scalar: Scalar,
        text: &str,
    ) {
        let dress = self.top().dress;
        self.dressed_leaf(place, class, key, scalar, text, dress);
    }

    fn dressed_leaf(
        &mut self,
        place: PlaceId,
        class: Class,
        key: u64,
        scalar: Scalar,
        text: &str,
        dress: u64,
    ) {
        let leaf = NewLeaf {
            place,
            class,
            key,
            scalar,
            text,
        };
        if let Some(at) = self.builder.leaf(leaf) {
            let icons = std::mem::take(&mut self.icons);
            self.builder.set_dress(at, mix(dress, icons));
        }
    }

    /// An icon says nothing by itself; it dresses what comes next.
    fn icon(&mut self, name: &str, tokens: &mut Tokens<'_>) {
        self.icons = mix(self.icons, self.local_dress(name, tokens));
    }

    /// The markup of a tag. The same tags come again in each row, so that they are looked into once.
    fn local_dress(&mut self, name: &str, tokens: &Tokens<'_>) -> u64 {
        *self
            .dresses
            .entry(hash_of(tokens.raw_tag().as_bytes()))
            .or_insert_with(|| dress(name, &tokens.attributes))
    }
}

/// The hash of an element's own id, by which a row is recognised.
fn identity(tokens: &Tokens<'_>) -> u64 {
    let id = tokens
        .attribute("id")
        .or_else(|| tokens.attribute("data-id"));
    id.filter(|id| !id.is_empty())
        .map_or(0, |id| hash_of(id.as_bytes()) | 1)
}
