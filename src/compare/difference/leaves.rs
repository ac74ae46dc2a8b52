//! Compares two leaves that stand for each other.

use super::{
    Difference, Differences, Explained,
    change::Change,
    change_of::Sides,
    kind::Kind,
    texts::{Span, spans},
};
use crate::compare::extract::{Class, DerivedForm, Looks, Place, Scalar, Tree, Value, mask_asset};

/// Expiries that are this near to each other are the same: both are told from a time in whole seconds.
const SECONDS: i64 = 5;

/// Two leaves that differ.
#[derive(Clone, Copy)]
pub(crate) struct Leaves<'a> {
    pub(crate) left: &'a Tree,
    pub(crate) right: &'a Tree,
    pub(crate) one: u32,
    pub(crate) other: u32,
}

impl Leaves<'_> {
    pub(crate) fn compare(&self, differences: &mut Differences) {
        let (one, other) = (self.left.value(self.one), self.right.value(self.other));
        if let (Looks::Seconds(one), Looks::Seconds(other)) = (one.looks, other.looks)
            && (one - other).abs() <= SECONDS
        {
            return;
        }
        if self.left.node(self.one).class == Class::DerivedHeader {
            return self.compare_form(one, other, differences);
        }
        match (one.scalar, other.scalar) {
            (Scalar::List, Scalar::List) => self.compare_lists(one, other, differences),
            (Scalar::Digest, Scalar::Digest) => self.compare_digests(one, other, differences),
            (Scalar::Url | Scalar::Text, Scalar::Url | Scalar::Text) => {
                self.compare_texts(one, other, differences);
            }
            _ => self.add(self.change(&one, &other), one, other, differences),
        }
    }

    fn texts(&self) -> (&str, &str) {
        (self.left.text(self.one), self.right.text(self.other))
    }

    fn change(&self, one: &Value, other: &Value) -> Change {
        let (primary_text, shadow_text) = self.texts();
        Sides {
            primary: one,
            shadow: other,
            primary_text,
            shadow_text,
        }
        .change()
    }

    fn add(&self, change: Change, one: Value, other: Value, differences: &mut Differences) {
        let kind = kind_of(&change, &one, &other);
        self.add_as(kind, change, one, other, differences);
    }

    fn add_as(
        &self,
        kind: Kind,
        change: Change,
        one: Value,
        other: Value,
        differences: &mut Differences,
    ) {
        differences.add(Difference {
            place: self.left.place(self.one).clone(),
            class: self.left.node(self.one).class,
            kind,
            change,
            primary: Some(one),
            shadow: Some(other),
        });
    }

    /// Of what is made anew in each response only how it is written is compared.
    fn compare_form(&self, one: Value, other: Value, differences: &mut Differences) {
        let texts = self.texts();
        if DerivedForm::of(texts.0) != DerivedForm::of(texts.1) {
            let change = match self.change(&one, &other) {
                change @ (Change::TimeFormat | Change::PrecisionLost | Change::PrecisionGained) => {
                    change
                }
                _ => Change::OtherShape,
            };
            self.add_as(Kind::Format, change, one, other, differences);
        }
    }

    fn compare_digests(&self, one: Value, other: Value, differences: &mut Differences) {
        let length = |value: &Value| match value.looks {
            Looks::Digest { length, .. } => length,
            _ => 0,
        };
        if self.left.node(self.one).class == Class::Markup {
            return self.add_as(Kind::Value, Change::Markup, one, other, differences);
        }
        let kind = if length(&one) == length(&other) {
            Kind::Value
        } else {
            Kind::Length
        };
        self.add_as(kind, Change::Other, one, other, differences);
    }

    /// Lists in headers: one difference a list, or the one argument that differs.
    fn compare_lists(&self, one: Value, other: Value, differences: &mut Differences) {
        let texts = self.texts();
        let parts = |text: &'_ str| -> Vec<String> {
            let parts = text.split(", ").filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let (left, right) = (parts(texts.0), parts(texts.1));
        if let Some((name, one, other)) = only_argument(&left, &right) {
            let place = format!("{}; {name}", self.left.place(self.one));
            let (primary, shadow) = (
                Value::of(Scalar::Number, one),
                Value::of(Scalar::Number, other),
            );
            let change = Sides {
                primary: &primary,
                shadow: &shadow,
                primary_text: one,
                shadow_text: other,
            }
            .change();
            differences.add(Difference {
                place: Place::new(&place),
                class: self.left.node(self.one).class,
                kind: Kind::Value,
                change,
                primary: Some(primary),
                shadow: Some(shadow),
            });
            return;
        }
        let has_all = |all: &[String], some: &[String]| some.iter().all(|part| all.contains(part));
        let change = if has_all(&left, &right) {
            Change::Fewer
        } else if has_all(&right, &left) {
            Change::More
        } else {
            Change::Replaced
        };
        self.add_as(Kind::Items, change, one, other, differences);
    }

    fn compare_texts(&self, one: Value, other: Value, differences: &mut Differences) {
        let texts = self.texts();
        if let (Some(left), Some(right)) = (mask_asset(texts.0), mask_asset(texts.1))
            && left == right
        {
            if !differences.explained.contains(&Explained::AssetFingerprint) {
                differences.explained.push(Explained::AssetFingerprint);
            }
            return;
        }
        let change = self.change(&one, &other);
        if change == Change::Other
            && let Some(spans) = spans(texts.0, texts.1)
        {
            for span in spans {
                self.add_span(&span, texts, differences);
            }
            return;
        }
        self.add(change, one, other, differences);
    }

    /// A part of a text that differs: a time, a number or a token in a sentence.
    fn add_span(&self, span: &Span, texts: (&str, &str), differences: &mut Differences) {
        let (one, other) = (&texts.0[span.left.clone()], &texts.1[span.right.clone()]);
        let (primary, shadow) = (Value::of(Scalar::Text, one), Value::of(Scalar::Text, other));
        let change = Sides {
            primary: &primary,
            shadow: &shadow,
            primary_text: one,
            shadow_text: other,
        }
        .change();
        self.add(change, primary, shadow, differences);
    }
}

/// `max-age=60` and `max-age=3600`: the name and both arguments, where no more differs than that.
fn only_argument<'a>(
    left: &'a [String],
    right: &'a [String],
) -> Option<(&'a str, &'a str, &'a str)> {
    if left.len() != right.len() {
        return None;
    }
    let mut found = None;
    for (one, other) in left.iter().zip(right).filter(|(one, other)| one != other) {
        let (name, argument) = one.split_once('=')?;
        let (other_name, other_argument) = other.split_once('=')?;
        if name != other_name || found.is_some() {
            return None;
        }
        found = Some((name, argument, other_argument));
    }
    found
}

fn kind_of(change: &Change, one: &Value, other: &Value) -> Kind {
    match change {
        Change::NumberToText
        | Change::TextToNumber
        | Change::BoolForm
        | Change::NumberFormat
        | Change::TimeFormat
        | Change::OtherShape => Kind::Format,
        Change::PrecisionLost | Change::PrecisionGained if one.time().is_some() => Kind::Format,
        Change::NullToEmpty | Change::EmptyToNull | Change::OtherType => Kind::Type,
        _ if one.scalar != other.scalar && is_typed(one) && is_typed(other) => Kind::Type,
        _ => Kind::Value,
    }
}

fn is_typed(value: &Value) -> bool {
    matches!(
        value.scalar,
        Scalar::Text | Scalar::Number | Scalar::Bool | Scalar::Null
    )
}
