//! What is known of a place of a route on the primary's side: how often it is there, whether its value and its looks are
//! always the same, whether it only grows.

use serde::{Deserialize, Serialize};

use super::{
    counts::Top,
    known::Known,
    runs::Runs,
    sessions::{ANONYMOUS, SessionId},
};
use crate::compare::extract::{Looks, Value, hash::hash_of, opaque::opaque};

/// What a value looks like, without the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Look {
    Text,
    Number,
    Bool,
    Null,
    Time,
    Opaque,
    Url,
    Digest,
    Other,
}

impl Look {
    pub(crate) fn of(value: &Value) -> Self {
        match value.looks {
            Looks::Text => Self::Text,
            Looks::Number => Self::Number,
            Looks::Bool => Self::Bool,
            Looks::Null => Self::Null,
            Looks::Time { .. } => Self::Time,
            Looks::Opaque { .. } => Self::Opaque,
            Looks::Url => Self::Url,
            Looks::Digest { .. } => Self::Digest,
            _ => Self::Other,
        }
    }
}

/// Answers from which on it is known whether a place varies.
const STEADY: u32 = 5;
/// Values from which on what production never gave says something.
const FEWEST: u32 = 24;

/// How a text is built: its letters and digits are one each, tokens as well. Of addresses, words stay, and of what is one of
/// several at a place: these are told apart by what they say.
fn form_of(value: &Value, is_list: bool) -> Option<u64> {
    const MOST: usize = 120;
    let has_words = match value.looks {
        Looks::Text => is_list,
        Looks::Url => true,
        _ => return None,
    };
    let mut form = String::with_capacity(32);
    for word in value
        .text()
        .split_inclusive(|letter: char| !letter.is_alphanumeric())
    {
        let (word, end) = match word.char_indices().next_back() {
            Some((at, last)) if !last.is_alphanumeric() => word.split_at(at),
            _ => (word, ""),
        };
        if word.bytes().any(|letter| letter.is_ascii_digit()) || opaque(word).is_some() {
            form.push('9');
        } else if has_words {
            form.push_str(word);
        } else if !word.is_empty() {
            form.push('a');
        }
        form.push_str(end);
        if form.len() > MOST {
            break;
        }
    }
    Some(hash_of(form.as_bytes()))
}

/// Whether a text may be one of a few, though it stands among others that never come again: no token, no time in it.
fn may_come_again(value: &Value) -> bool {
    const LONG: usize = 4;
    let mut words = value.text().split(|letter: char| !letter.is_alphanumeric());
    words.all(|word| {
        let has_digits = word.bytes().any(|letter| letter.is_ascii_digit());
        !(has_digits && word.len() >= LONG) && opaque(word).is_none()
    })
}

/// A place of a route, as the primary's answers have it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Spot {
    /// Answers that were looked at and had it.
    pub(crate) seen: u32,
    pub(crate) values: Top,
    looks: Vec<(Look, u32)>,
    /// The shape of its tokens, while all have one.
    shape: Option<u64>,
    shapes_vary: bool,
    last_number: f64,
    /// Whether its value stays for a while, and for a session.
    runs: Runs,
    by_session: Runs,
    /// The values that it gives, each by itself.
    known: Known,
    /// How its texts are built, without what they say.
    forms: Known,
    /// The least and the greatest number.
    range: Option<(f64, f64)>,
    /// There are several of it in one answer.
    is_list: bool,
    grew: u32,
    fell: u32,
    /// How often the primary itself varied here, in any way, when a request came again.
    pub(crate) varied: u32,
}

impl Spot {
    /// Notes that an answer has it, with the hash of all that stands here.
    pub(crate) fn note(&mut self, hash: u64) {
        self.seen = self.seen.saturating_add(1);
        self.values.add(hash);
        self.runs.note(0, hash);
    }

    /// Notes who was given it.
    pub(crate) fn note_session(&mut self, session: SessionId, hash: u64) {
        if session != ANONYMOUS {
            self.by_session.note(session, hash);
        }
    }

    /// Notes what one value here looks like.
    pub(crate) fn note_look(&mut self, value: &Value) {
        let look = Look::of(value);
        self.count_look(look);
        self.note_known(value);
        if let Looks::Opaque { shape, .. } = value.looks {
            let hash = hash_of(format!("{shape:?}").as_bytes());
            self.shapes_vary |= *self.shape.get_or_insert(hash) != hash;
        }
        if matches!(look, Look::Number)
            && let Ok(number) = value.text().parse::<f64>()
        {
            if number > self.last_number {
                self.grew = self.grew.saturating_add(1);
            } else if number < self.last_number {
                self.fell = self.fell.saturating_add(1);
            }
            self.last_number = number;
        }
    }

    fn note_known(&mut self, value: &Value) {
        if !self.is_list {
            self.known.add(value.hash());
        } else if may_come_again(value) {
            self.known.add_each(value.hash());
        }
        if let Some(form) = form_of(value, self.is_list) {
            self.forms.add_each(form);
        }
        if matches!(value.looks, Looks::Number)
            && let Ok(number) = value.text().parse::<f64>()
        {
            self.widen(number, number);
        }
    }

    /// Notes a part with more than one leaf.
    pub(crate) fn note_part(&mut self) {
        self.count_look(Look::Other);
    }

    fn widen(&mut self, least: f64, greatest: f64) {
        let (low, high) = self.range.unwrap_or((least, greatest));
        self.range = Some((low.min(least), high.max(greatest)));
    }

    /// Notes that an answer has several of it: rows have one place.
    pub(crate) fn note_list(&mut self) {
        self.is_list = true;
    }

    /// Whether production's values vary here, and this is none of them: not of the few that there are, or far off all
    /// numbers, or of another form.
    pub(crate) fn is_foreign(&self, value: &Value) -> bool {
        if self.seen < STEADY || !self.varies() {
            return false;
        }
        if self.is_of_another_form(value) {
            return true;
        }
        let is_plain = matches!(
            value.looks,
            Looks::Text | Looks::Number | Looks::Bool | Looks::Url
        );
        if !is_plain {
            return false;
        }
        if !self.is_list && self.is_below_nought(value) {
            return true;
        }
        if self.is_counter() {
            return false;
        }
        if self.known.is_complete() {
            return !self.known.has(value.hash()) && (!self.is_list || may_come_again(value));
        }
        !self.is_list && self.is_far_off(value)
    }

    fn varies(&self) -> bool {
        !self.values.is_constant() && self.known.varies()
    }

    /// Whether production's are all tokens here, or numbers, or all built in a few ways, and this is not.
    fn is_of_another_form(&self, value: &Value) -> bool {
        let looks: u32 = self.looks.iter().map(|(_, count)| count).sum();
        if let [(look @ (Look::Opaque | Look::Number), _)] = *self.looks {
            return looks >= FEWEST && Look::of(value) != look;
        }
        self.forms.is_complete()
            && form_of(value, self.is_list).is_some_and(|form| !self.forms.has(form))
    }

    /// Whether a number is less than nought where none is.
    fn is_below_nought(&self, value: &Value) -> bool {
        let number = value.text().parse::<f64>();
        let least = self.range.filter(|_| self.has_one_look());
        let is_known = self.known.looks() >= FEWEST && least.is_some_and(|(least, _)| least >= 0.0);
        is_known && number.is_ok_and(|number| number < 0.0)
    }

    /// Whether a number is far off all, of which there were many: what stays for a while is one.
    fn is_far_off(&self, value: &Value) -> bool {
        let Some((least, greatest)) = self.range.filter(|_| self.has_one_look()) else {
            return false;
        };
        let Ok(number) = value.text().parse::<f64>() else {
            return false;
        };
        let margin = (greatest - least) / 2.0;
        self.known.changes() >= FEWEST && (number > greatest + margin || number < least - margin)
    }

    /// Whether production gave it here.
    pub(crate) fn gives(&self, hash: u64) -> bool {
        self.known.has(hash) || self.values.count(hash) > 0
    }

    pub(crate) fn is_list(&self) -> bool {
        self.is_list
    }

    /// Whether production keeps a value for a while, and then gives another to all.
    pub(crate) fn stays_for_a_while(&self) -> bool {
        self.runs.is_sticky(self.values.change_rate())
    }

    /// Whether production keeps a value for each session.
    pub(crate) fn stays_for_a_session(&self) -> bool {
        self.by_session.is_sticky(self.values.change_rate())
    }

    /// Whether its values are a few that are all known.
    pub(crate) fn is_of_few(&self) -> bool {
        !self.is_list && self.known.is_complete()
    }

    /// Takes up a value of production's from an answer that wasn't due to be looked at, but that differs here.
    pub(crate) fn learn(&mut self, value: &Value) {
        self.note_known(value);
    }

    /// Notes that it is a value which production has as well, though seldom.
    pub(crate) fn learn_foreign(&mut self, value: &Value) {
        self.values.add(value.hash());
    }

    fn count_look(&mut self, look: Look) {
        match self.looks.iter_mut().find(|(known, _)| *known == look) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.looks.push((look, 1)),
        }
    }

    /// A number that all but never falls from one answer to the next: it counts something.
    pub(crate) fn is_counter(&self) -> bool {
        self.grew >= 5 && self.fell * 20 <= self.grew
    }

    /// Whether all its values look alike.
    pub(crate) fn has_one_look(&self) -> bool {
        self.looks.len() == 1
    }

    /// Whether all its tokens were of one shape.
    pub(crate) fn has_one_shape(&self) -> bool {
        !self.shapes_vary
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.seen = self.seen.saturating_add(other.seen);
        self.values.absorb(&other.values);
        self.runs.absorb(&other.runs);
        self.by_session.absorb(&other.by_session);
        self.known.absorb(&other.known);
        self.forms.absorb(&other.forms);
        for (look, count) in &other.looks {
            match self.looks.iter_mut().find(|(known, _)| known == look) {
                Some((_, known)) => *known = known.saturating_add(*count),
                None => self.looks.push((*look, *count)),
            }
        }
        self.shapes_vary |=
            other.shapes_vary || (other.shape.is_some() && other.shape != self.shape);
        if let Some((least, greatest)) = other.range {
            self.widen(least, greatest);
        }
        self.is_list |= other.is_list;
        self.grew += other.grew;
        self.fell += other.fell;
        self.varied += other.varied;
    }

    /// An estimate of its memory.
    pub(crate) const BYTES: usize = 760;
}
