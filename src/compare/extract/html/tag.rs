//! What each element of HTML is for the reader of a page.

/// What an element is to what a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Part of a sentence: says nothing by itself.
    Inline,
    /// Text before and behind it is apart; says nothing by itself.
    Wrapper,
    /// A block of text whose name is part of the place.
    Block,
    /// A part of a page that has a name of its own: `main`, `nav`.
    Landmark,
    Link,
    Button,
    Form,
    Input,
    Textarea,
    Select,
    Optgroup,
    Option,
    List,
    ListItem,
    Table,
    TableHead,
    TablePart,
    Row,
    HeaderCell,
    Cell,
    Term,
    Details,
    Image,
    Icon,
    /// Media and frames: what they show is told by their source.
    Embedded,
    Break,
    Title,
    Meta,
    HeadLink,
    Base,
    Script,
    Style,
    /// Its content isn't shown.
    Hidden,
    Root,
}

impl Tag {
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "a" => Self::Link,
            "div" | "section" | "article" | "center" | "body" | "figure" | "fieldset"
            | "details" | "address" | "hgroup" | "dl" | "picture" | "menuitem" | "search" => {
                Self::Wrapper
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "label" | "legend" | "caption"
            | "figcaption" | "blockquote" | "pre" | "summary" => Self::Block,
            "li" => Self::ListItem,
            "ul" | "ol" | "menu" => Self::List,
            "td" => Self::Cell,
            "th" => Self::HeaderCell,
            "tr" => Self::Row,
            "table" => Self::Table,
            "thead" => Self::TableHead,
            "tbody" | "tfoot" | "colgroup" | "col" => Self::TablePart,
            "input" => Self::Input,
            "button" => Self::Button,
            "form" => Self::Form,
            "select" => Self::Select,
            "option" => Self::Option,
            "optgroup" => Self::Optgroup,
            "textarea" => Self::Textarea,
            "img" => Self::Image,
            "svg" | "i" | "hr" => Self::Icon,
            "br" => Self::Break,
            "main" | "nav" | "header" | "footer" | "aside" | "dialog" => Self::Landmark,
            "dt" => Self::Term,
            "dd" => Self::Details,
            "script" => Self::Script,
            "style" => Self::Style,
            "link" => Self::HeadLink,
            "meta" => Self::Meta,
            "title" => Self::Title,
            "base" => Self::Base,
            "noscript" | "noframes" | "head" => Self::Hidden,
            "html" => Self::Root,
            "iframe" | "video" | "audio" | "source" | "embed" | "object" | "track" | "area" => {
                Self::Embedded
            }
            _ => Self::Inline,
        }
    }

    /// Has no end tag.
    pub(crate) fn is_void(self, name: &str) -> bool {
        match self {
            Self::Input | Self::Image | Self::Break | Self::Meta | Self::HeadLink | Self::Base => {
                true
            }
            Self::Icon => name == "hr",
            Self::TablePart => name == "col",
            Self::Embedded => matches!(name, "source" | "embed" | "track" | "area"),
            _ => name == "wbr",
        }
    }

    /// Stays open until its end tag.
    pub(crate) fn is_kept(self) -> bool {
        !matches!(
            self,
            Self::Input
                | Self::Textarea
                | Self::Image
                | Self::Icon
                | Self::Embedded
                | Self::Break
                | Self::Title
                | Self::Meta
                | Self::HeadLink
                | Self::Base
                | Self::Script
                | Self::Style
                | Self::Hidden
                | Self::Root
        )
    }

    /// Text before it and behind it are two texts.
    pub(crate) fn breaks_text(self) -> bool {
        !matches!(
            self,
            Self::Inline | Self::Icon | Self::Image | Self::Script | Self::Style
        )
    }

    /// Open elements that it ends, where their own end tag was left out, and what these can't be outside of.
    pub(crate) fn ends(self) -> Option<(&'static [Self], &'static [Self])> {
        const TABLE: &[Tag] = &[Tag::Table];
        match self {
            Self::ListItem => Some((&[Self::ListItem], &[Self::List, Self::Table])),
            Self::Cell | Self::HeaderCell => Some((&[Self::Cell, Self::HeaderCell], TABLE)),
            Self::Row | Self::TableHead | Self::TablePart => {
                Some((&[Self::Row, Self::Cell, Self::HeaderCell], TABLE))
            }
            Self::Option | Self::Optgroup => Some((&[Self::Option], &[Self::Select])),
            Self::Term | Self::Details => Some((&[Self::Term, Self::Details], TABLE)),
            _ => None,
        }
    }
}
