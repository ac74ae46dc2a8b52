//! Small ids: what `1407` is on the shadow depends on what it is the number of. They are kept for each place that names a
//! thing (`/orders/…`, `order_id`), and never taken for more than that.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use lru::LruCache;
use serde::{Deserialize, Serialize};

use super::values::noun;

/// What an id is the number of, as a place says it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Scope {
    /// All up to it in a path, with `{}` for the ids before it.
    Path(String),
    /// The name of a field or of a member.
    Field(String),
}

impl Scope {
    /// The thing, in one form for all places.
    pub(super) fn noun(&self) -> String {
        match self {
            Self::Path(prefix) => {
                let words = prefix.rsplit('/').filter(|part| !part.is_empty());
                let mut words = words.filter(|part| !part.contains("{}"));
                noun(words.next().unwrap_or_default())
            }
            Self::Field(name) => noun(name),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(prefix) => write!(f, "{prefix}{{}}"),
            Self::Field(name) => f.write_str(name),
        }
    }
}

/// How sure it is that two ids are of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Strength {
    /// They stand at the same place of two pages.
    Seen,
    /// Both were given out for the same request.
    Minted,
}

/// What an id of production's is on the shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    Is(Box<str>),
    /// The shadow has nothing in its place, or maybe somebody else's.
    Orphan,
    /// It was there before, or it is no id.
    Unknown,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    shadow: Option<Box<str>>,
    strength: Strength,
}

/// Ids of one scope.
#[derive(Debug, Default)]
struct OfScope {
    noun: u32,
    /// Production's id that one of the shadow's stands for.
    reverse: HashMap<Box<str>, Box<str>>,
    /// The least and the greatest number that the shadow gave out while it was watched.
    minted: Option<(u64, u64)>,
    /// The least that production gave out.
    ours: Option<u64>,
    /// The greatest that production was seen to have.
    greatest: Option<u64>,
}

/// The shadow may have given out more than was seen, as far above.
const UNSEEN: u64 = 64;
/// Places of ids.
const SCOPES: usize = 10_000;
/// What an entry costs beside its texts.
const ENTRY: usize = 200;

type ScopeId = u32;

/// A scope, as it is stored: the numbers of ids are its places in the list.
#[derive(Serialize, Deserialize)]
pub(super) struct ScopeEntry {
    scope: Scope,
    minted: Option<(u64, u64)>,
    ours: Option<u64>,
    greatest: Option<u64>,
}

/// An id, as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct IdEntry {
    scope: ScopeId,
    primary: Box<str>,
    known: Known,
}

/// All small ids, within a number of bytes.
#[derive(Debug)]
pub(super) struct Ids {
    scopes: HashMap<Scope, ScopeId>,
    of: Vec<OfScope>,
    nouns: HashMap<String, u32>,
    by_noun: Vec<BTreeSet<ScopeId>>,
    known: LruCache<(ScopeId, Box<str>), Known>,
    bytes: usize,
    most: usize,
    pub(super) conflicts: u64,
    pub(super) evicted: u64,
}

impl Ids {
    pub(super) fn new(most: usize) -> Self {
        Self {
            scopes: HashMap::new(),
            of: Vec::new(),
            nouns: HashMap::new(),
            by_noun: Vec::new(),
            known: LruCache::unbounded(),
            bytes: 0,
            most,
            conflicts: 0,
            evicted: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    fn scope(&mut self, scope: &Scope) -> Option<ScopeId> {
        if let Some(id) = self.scopes.get(scope) {
            return Some(*id);
        }
        if self.of.len() == SCOPES {
            return None;
        }
        let id = u32::try_from(self.of.len()).ok()?;
        let word = scope.noun();
        let next = self.by_noun.len();
        let noun = *self
            .nouns
            .entry(word)
            .or_insert_with(|| u32::try_from(next).unwrap_or(u32::MAX));
        if noun as usize == next {
            self.by_noun.push(BTreeSet::new());
        }
        self.by_noun[noun as usize].insert(id);
        self.scopes.insert(scope.clone(), id);
        self.of.push(OfScope {
            noun,
            ..OfScope::default()
        });
        Some(id)
    }

    /// Both sides show these for the same thing.
    pub(super) fn learn(&mut self, scope: &Scope, primary: &str, shadow: &str, strength: Strength) {
        let Some(scope) = self.scope(scope) else {
            return;
        };
        let key = (scope, primary.into());
        if let Some(known) = self.known.get(&key) {
            let is_same = known.shadow.as_deref() == Some(shadow);
            if is_same && known.strength >= strength {
                return;
            }
            // A name that a client chose: it is the same on both sides, also where the shadow had none before.
            if known.shadow.is_none() && primary == shadow && primary.parse::<u64>().is_err() {
                return self.put(key, Some(shadow.into()), strength);
            }
            if !is_same && known.shadow.is_some() {
                self.conflicts += 1;
            }
            if !is_same && known.strength > strength {
                return;
            }
            if !is_same && strength == Strength::Seen && known.shadow.is_some() {
                // Two pages disagree: neither is believed.
                self.put(key, None, strength);
                return;
            }
        }
        let of = &mut self.of[scope as usize];
        if let Ok(number) = primary.parse::<u64>() {
            match strength {
                Strength::Minted => {
                    of.ours = Some(of.ours.map_or(number, |least| least.min(number)));
                }
                // What was made under way is known from there, and two rows may say the same.
                Strength::Seen if of.ours.is_some_and(|least| number >= least) => return,
                Strength::Seen => {}
            }
        }
        let taken = self.of[scope as usize].reverse.get(shadow).cloned();
        if let Some(other) = taken
            && *other != *primary
        {
            self.conflicts += 1;
            let other_key = (scope, other);
            let is_stronger = self
                .known
                .peek(&other_key)
                .is_some_and(|known| known.strength > strength);
            if is_stronger {
                return;
            }
            // A number that is given out again.
            self.put(other_key, None, Strength::Seen);
        }
        if strength == Strength::Minted
            && let Ok(number) = shadow.parse::<u64>()
        {
            let minted = &mut self.of[scope as usize].minted;
            let (least, greatest) = minted.unwrap_or((number, number));
            *minted = Some((least.min(number), greatest.max(number)));
        }
        self.put(key, Some(shadow.into()), strength);
    }

    /// Production gave it out, and the shadow nothing in its place.
    pub(super) fn miss(&mut self, scope: &Scope, primary: &str, strength: Strength) {
        if let Some(scope) = self.scope(scope) {
            let key = (scope, primary.into());
            if self
                .known
                .peek(&key)
                .is_none_or(|known| known.shadow.is_none() && known.strength <= strength)
            {
                self.put(key, None, strength);
            }
        }
    }

    /// Production has it.
    pub(super) fn note(&mut self, scope: &Scope, primary: &str) {
        if let Ok(number) = primary.parse::<u64>()
            && let Some(scope) = self.scope(scope)
        {
            let greatest = &mut self.of[scope as usize].greatest;
            *greatest = (*greatest).max(Some(number));
        }
    }

    /// Whether production has given it out just now, as it is greater than all that it was seen to have; `None` where
    /// nothing is known of such things.
    pub(super) fn is_new(&self, scope: &Scope, primary: &str) -> Option<bool> {
        let number = primary.parse::<u64>().ok()?;
        let own = self.scopes.get(scope).copied();
        let greatest = own.and_then(|own| self.of[own as usize].greatest);
        let others = || {
            let others = self.others(scope, own).into_iter();
            others
                .filter_map(|other| self.of[other as usize].greatest)
                .max()
        };
        Some(number > greatest.or_else(others)?)
    }

    /// All scopes, and all ids, those that were not used for longest first.
    pub(super) fn entries(&self) -> (Vec<ScopeEntry>, Vec<IdEntry>) {
        let mut scopes: Vec<_> = self.scopes.iter().collect();
        scopes.sort_by_key(|(_, id)| **id);
        let scopes = scopes.into_iter().map(|(scope, id)| {
            let of = &self.of[*id as usize];
            ScopeEntry {
                scope: scope.clone(),
                minted: of.minted,
                ours: of.ours,
                greatest: of.greatest,
            }
        });
        let ids = self.known.iter().rev();
        let ids = ids.map(|((scope, primary), known)| IdEntry {
            scope: *scope,
            primary: primary.clone(),
            known: known.clone(),
        });
        (scopes.collect(), ids.collect())
    }

    /// With what `entries` gave.
    pub(super) fn refilled(mut self, scopes: Vec<ScopeEntry>, ids: Vec<IdEntry>) -> Self {
        for entry in scopes {
            if let Some(id) = self.scope(&entry.scope) {
                let of = &mut self.of[id as usize];
                (of.minted, of.ours) = (entry.minted, entry.ours);
                of.greatest = entry.greatest;
            }
        }
        for IdEntry {
            scope,
            primary,
            known,
        } in ids
        {
            if (scope as usize) < self.of.len() {
                self.put((scope, primary), known.shadow, known.strength);
            }
        }
        self
    }

    fn put(&mut self, key: (ScopeId, Box<str>), shadow: Option<Box<str>>, strength: Strength) {
        let scope = key.0 as usize;
        let bytes = |primary: &str, shadow: Option<&str>| {
            ENTRY + 2 * (primary.len() + shadow.map_or(0, str::len))
        };
        self.bytes += bytes(&key.1, shadow.as_deref());
        if let Some(shadow) = &shadow {
            self.of[scope].reverse.insert(shadow.clone(), key.1.clone());
        }
        let primary = key.1.clone();
        let now = shadow.clone();
        if let Some(before) = self.known.put(key, Known { shadow, strength }) {
            self.bytes -= bytes(&primary, before.shadow.as_deref());
            if before.shadow != now {
                self.forget(scope, &primary, before.shadow.as_deref());
            }
        }
        while self.bytes > self.most
            && let Some(((scope, primary), known)) = self.known.pop_lru()
        {
            self.bytes -= bytes(&primary, known.shadow.as_deref());
            self.forget(scope as usize, &primary, known.shadow.as_deref());
            self.evicted += 1;
        }
    }

    /// The shadow's id stands for production's no more.
    fn forget(&mut self, scope: usize, primary: &str, shadow: Option<&str>) {
        let reverse = &mut self.of[scope].reverse;
        if let Some(shadow) = shadow
            && reverse.get(shadow).is_some_and(|known| **known == *primary)
        {
            reverse.remove(shadow);
        }
    }

    /// What a value is on the shadow whose place doesn't say that it is an id: one only where the place is known, or has
    /// the name of what `primary` was given out for.
    pub(super) fn resolve_unnamed(&mut self, scope: &Scope, primary: &str) -> Resolved {
        let own = self.scopes.get(scope).copied();
        if let Some(known) = own.and_then(|own| self.known(own, primary)) {
            return known;
        }
        let others = self.others(scope, own);
        let is_minted = |of: &ScopeId| {
            let known = self.known.peek(&(*of, primary.into()));
            known.is_some_and(|known| known.strength == Strength::Minted)
        };
        match others.iter().find(|of| is_minted(of)).copied() {
            Some(other) => self.known(other, primary).unwrap_or(Resolved::Unknown),
            None => Resolved::Unknown,
        }
    }

    /// What an id is on the shadow, as its place says or other places of the same thing.
    pub(super) fn resolve(&mut self, scope: &Scope, primary: &str) -> Resolved {
        let own = self.scopes.get(scope).copied();
        if let Some(known) = own.and_then(|own| self.known(own, primary)) {
            return known;
        }
        let others = self.others(scope, own);
        let mut all = None;
        for other in &others {
            match self.known(*other, primary) {
                Some(found) if all.as_ref().is_none_or(|all| *all == found) => all = Some(found),
                Some(_) => return Resolved::Orphan,
                None => {}
            }
        }
        if let Some(found) = all {
            return found;
        }
        let mut scopes = own.into_iter().chain(others);
        if scopes.any(|scope| self.is_anothers(scope, primary)) {
            Resolved::Orphan
        } else {
            Resolved::Unknown
        }
    }

    /// What the shadow gave out where production gave out this id, if that is another one.
    pub(super) fn counterpart(&self, scope: &Scope, primary: &str) -> Option<&str> {
        let own = self.scopes.get(scope).copied();
        let others = self.others(scope, own);
        own.into_iter().chain(others).find_map(|scope| {
            let known = self.known.peek(&(scope, primary.into()))?;
            let shadow = known.shadow.as_deref()?;
            (known.strength == Strength::Minted && shadow != primary).then_some(shadow)
        })
    }

    /// Other scopes of the same thing.
    fn others(&self, scope: &Scope, own: Option<ScopeId>) -> Vec<ScopeId> {
        let noun = match own {
            Some(own) => Some(self.of[own as usize].noun),
            None => self.nouns.get(&scope.noun()).copied(),
        };
        let Some(noun) = noun else {
            return Vec::new();
        };
        let all = self.by_noun[noun as usize].iter().copied();
        all.filter(|other| Some(*other) != own).collect()
    }

    fn known(&mut self, scope: ScopeId, primary: &str) -> Option<Resolved> {
        let known = self.known.get(&(scope, primary.into()))?;
        Some(match &known.shadow {
            Some(shadow) => Resolved::Is(shadow.clone()),
            None => Resolved::Orphan,
        })
    }

    /// Whether the shadow's row of this number is another one, as it gave out the number itself.
    fn is_anothers(&self, scope: ScopeId, primary: &str) -> bool {
        let of = &self.of[scope as usize];
        let is_minted = match (of.minted, primary.parse::<u64>()) {
            (Some((least, greatest)), Ok(number)) => {
                (least..=greatest.saturating_add(UNSEEN)).contains(&number)
            }
            _ => false,
        };
        is_minted || of.reverse.contains_key(primary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(prefix: &str) -> Scope {
        Scope::Path(prefix.into())
    }

    fn is(text: &str) -> Resolved {
        Resolved::Is(text.into())
    }

    #[test]
    fn an_id_is_one_of_its_place_only() {
        let mut ids = Ids::new(100_000);
        ids.learn(&path("/orders/"), "7", "5", Strength::Minted);
        assert_eq!(ids.resolve(&path("/orders/"), "7"), is("5"));
        assert_eq!(ids.resolve(&path("/users/"), "7"), Resolved::Unknown);
        assert_eq!(
            ids.resolve(&path("/admin/orders/"), "7"),
            is("5"),
            "the same thing elsewhere"
        );
        let field = Scope::Field("order_id".into());
        assert_eq!(ids.resolve(&field, "7"), is("5"));
        assert_eq!(
            ids.resolve_unnamed(&Scope::Field("order".into()), "7"),
            is("5")
        );
        ids.learn(&path("/orders/"), "3", "3", Strength::Seen);
        for (name, number) in [("count", "7"), ("order", "3"), ("order", "8")] {
            let field = Scope::Field(name.into());
            assert_eq!(ids.resolve_unnamed(&field, number), Resolved::Unknown);
        }
    }

    #[test]
    fn a_number_that_the_shadow_gave_to_another_is_nobodys() {
        let mut ids = Ids::new(100_000);
        let orders = path("/orders/");
        ids.learn(&orders, "7", "5", Strength::Minted);
        ids.learn(&orders, "9", "6", Strength::Minted);
        assert_eq!(ids.resolve(&orders, "5"), Resolved::Orphan);
        assert_eq!(ids.resolve(&orders, "8"), Resolved::Orphan);
        assert_eq!(ids.resolve(&orders, "4"), Resolved::Unknown);
        assert_eq!(ids.resolve(&orders, "999999"), Resolved::Unknown);
    }

    #[test]
    fn what_was_minted_is_believed_more_than_what_pages_show() {
        let mut ids = Ids::new(100_000);
        let orders = path("/orders/");
        ids.learn(&orders, "7", "5", Strength::Minted);
        ids.learn(&orders, "7", "6", Strength::Seen);
        ids.learn(&orders, "8", "5", Strength::Seen);
        assert_eq!(ids.resolve(&orders, "7"), is("5"));
        let users = path("/users/");
        ids.learn(&users, "1", "1", Strength::Seen);
        ids.learn(&users, "1", "2", Strength::Seen);
        assert_eq!(ids.resolve(&users, "1"), Resolved::Orphan);
        ids.learn(&orders, "7", "9", Strength::Minted);
        assert_eq!(
            ids.resolve(&orders, "7"),
            is("9"),
            "a number that is given out again"
        );
    }

    #[test]
    fn two_places_that_disagree_say_nothing() {
        let mut ids = Ids::new(100_000);
        ids.learn(&path("/shop/items/"), "7", "5", Strength::Minted);
        ids.learn(&path("/blog/items/"), "7", "7", Strength::Minted);
        assert_eq!(ids.resolve(&path("/shop/items/"), "7"), is("5"));
        assert_eq!(ids.resolve(&path("/blog/items/"), "7"), is("7"));
        let field = Scope::Field("item_id".into());
        assert_eq!(ids.resolve(&field, "7"), Resolved::Orphan);
    }

    #[test]
    fn an_id_without_a_partner_is_an_orphan_until_it_has_one() {
        let mut ids = Ids::new(100_000);
        let orders = path("/orders/");
        ids.miss(&orders, "7", Strength::Minted);
        assert_eq!(ids.resolve(&orders, "7"), Resolved::Orphan);
        ids.learn(&orders, "7", "5", Strength::Seen);
        assert_eq!(ids.resolve(&orders, "7"), Resolved::Orphan);
        ids.learn(&orders, "7", "5", Strength::Minted);
        assert_eq!(ids.resolve(&orders, "7"), is("5"));
        assert_eq!(ids.bytes, ENTRY + 4);
    }

    #[test]
    fn what_is_greater_than_all_that_was_seen_is_new() {
        let mut ids = Ids::new(100_000);
        let orders = path("/orders/");
        assert_eq!(ids.is_new(&orders, "7"), None);
        ids.note(&path("/api/orders/"), "9");
        assert_eq!(
            ids.is_new(&orders, "7"),
            Some(false),
            "the same thing elsewhere"
        );
        ids.note(&orders, "4");
        assert_eq!(ids.is_new(&orders, "7"), Some(true));
        assert_eq!(ids.is_new(&orders, "4"), Some(false));
    }

    #[test]
    fn a_name_that_a_client_chose_is_the_same_on_both_sides() {
        let mut ids = Ids::new(100_000);
        let pages = path("/");
        ids.miss(&pages, "news2024x", Strength::Minted);
        assert_eq!(ids.resolve(&pages, "news2024x"), Resolved::Orphan);
        ids.learn(&pages, "news2024x", "news2024x", Strength::Seen);
        assert_eq!(ids.resolve(&pages, "news2024x"), is("news2024x"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut ids = Ids::new(50 * ENTRY);
        for number in 0..10_000 {
            let text = number.to_string();
            ids.learn(&path("/orders/"), &text, &text, Strength::Seen);
        }
        assert!(ids.bytes <= 50 * ENTRY && ids.len() < 50 && ids.evicted > 9_900);
        assert_eq!(ids.of[0].reverse.len(), ids.len());
    }
}
