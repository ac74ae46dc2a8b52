//! Texts of a page, and the leaves that are made of them and of attributes.

use super::{
    super::{
        hash::{hash_of, mix},
        mask::mask_name,
        place::{PlaceId, cut},
        tokens::Tokens,
        tree::{Class, NewLeaf},
        value::Scalar,
    },
    dress::dress,
    page::{HEADING, Page},
    tag::Tag,
};

impl Page<'_> {
    /// Adds to the text that is being collected.
    pub(super) fn add_text(&mut self, text: &str) {
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

    pub(super) fn add_word(&mut self, word: &str) {
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

    pub(super) fn dressed_leaf(
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
    pub(super) fn icon(&mut self, name: &str, tokens: &mut Tokens<'_>) {
        self.icons = mix(self.icons, self.local_dress(name, tokens));
    }

    /// The markup of a tag. The same tags come again in each row, so that they are looked into once.
    pub(super) fn local_dress(&mut self, name: &str, tokens: &Tokens<'_>) -> u64 {
        *self
            .dresses
            .entry(hash_of(tokens.raw_tag().as_bytes()))
            .or_insert_with(|| dress(name, &tokens.attributes))
    }
}
