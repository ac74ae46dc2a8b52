//! What is learned when both sides have answered a request: the same place of both answers gives what production gave out
//! and what the shadow gave out for it.

use super::{
    Identity, SessionId,
    address::{Address, What, collection, resolved},
    cookies::{SetCookie, sent},
    found::{Field, Found, Kind, Origin, found, together},
    ids::{Scope, Strength},
    is_credential,
    partners::Partner,
    report::route,
    values::{is_opaque, names_session, names_token},
};
use crate::{
    compare::{Answer, Counterpart, Media},
    http::{Known, RequestHead},
};

/// A request with what both sides answered.
pub(crate) struct Learning<'a> {
    /// Whose it is, once production has answered.
    pub(crate) session: SessionId,
    /// As its client sent it.
    pub(crate) head: &'a RequestHead,
    pub(crate) primary: &'a Answer<'a>,
    /// None where the copy had no answer.
    pub(crate) shadow: Option<&'a Answer<'a>>,
}

/// What of the request decides what an answer means.
struct Asked<'a> {
    target: &'a str,
    host: &'a str,
    address: Address,
    /// What it is a collection of, where it is one.
    collections: [Scope; 2],
    is_unsafe: bool,
    makes: bool,
}

impl<'a> Asked<'a> {
    fn of(head: &'a RequestHead) -> Self {
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        let method = head.method();
        let target = text(head.target());
        let target = target.find("://").map_or(target, |at| {
            let path = target[at + 3..].find('/');
            path.map_or("/", |path| &target[at + 3 + path..])
        });
        let address = Address::of(target);
        Self {
            target,
            collections: [collection(&address.skeleton), below(&address.skeleton)],
            address,
            host: text(head.headers.get(Known::Host).unwrap_or_default()),
            is_unsafe: !matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE"),
            makes: method == b"POST",
        }
    }

    fn names(&self, id: &str) -> bool {
        let mut parts = self.address.parts.iter();
        parts.any(|part| &self.target[part.at.clone()] == id)
    }

    /// Whether it is about one thing of this kind.
    fn is_about(&self, scope: &Scope) -> bool {
        let mut ids = self.address.ids(self.target);
        ids.any(|(known, _)| is_of(known, scope))
    }

    /// Whether things of this kind are made by it, as its path says.
    fn is_for(&self, scope: &Scope) -> bool {
        let is_above = |prefix: &str| prefix.len() > 1 && self.address.skeleton.starts_with(prefix);
        // `/authors/add` makes `/authors/16`.
        let is_own = self.collections.iter().any(|own| is_of(scope, own))
            || matches!(scope, Scope::Path(prefix) if is_above(prefix));
        is_own && !self.is_about(scope)
    }
}

fn lines<'a>(answer: &'a Answer<'_>, name: &'static str) -> impl Iterator<Item = &'a str> {
    let lines = answer
        .headers
        .iter()
        .filter(move |(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
    lines.filter_map(|(_, value)| std::str::from_utf8(value).ok())
}

fn set_cookies<'a>(answer: &'a Answer<'_>) -> Vec<SetCookie<'a>> {
    lines(answer, "set-cookie")
        .filter_map(|line| SetCookie::read(line, answer.at))
        .collect()
}

impl Identity {
    /// Production answered: the cookies and tokens that it gave out are names of the session from now on.
    pub(crate) fn issued(&mut self, session: SessionId, head: &RequestHead, primary: &Answer<'_>) {
        for set in set_cookies(primary) {
            if !set.is_deleted && is_credential(set.name, set.value) {
                let alias = self.cookie_alias(set.name, set.value);
                self.sessions.name(session, alias);
            }
        }
        let asked = Asked::of(head);
        let is_json = primary
            .header("content-type")
            .is_some_and(|media| Media::of(media, b"") == Media::Json);
        if asked.is_unsafe && is_json {
            for found in found(self.origin(&asked), primary) {
                if let Kind::Token(Some(field)) = &found.kind
                    && names_session(&field.name)
                {
                    let alias = self.bearer_alias(&found.text);
                    self.sessions.name(session, alias);
                }
            }
        }
    }

    /// Takes what both sides answered. Returns ids in it that are different on the shadow.
    pub(crate) fn learn(&mut self, learning: &Learning<'_>) -> Vec<Counterpart> {
        let asked = Asked::of(learning.head);
        let is_alive = learning
            .shadow
            .is_some_and(|shadow| ends_alike(&asked, learning.primary, shadow));
        let was_alive = self.sessions.end(learning.session, is_alive);
        if was_alive == Some(true) && !is_alive {
            let route = route(learning.head, asked.target);
            self.sessions.note_break(learning.session, route);
        } else if is_alive && asked.is_unsafe {
            self.sessions.note_whole(learning.session);
        }
        self.learn_cookies(learning);
        let shadow = learning
            .shadow
            .filter(|shadow| shadow.status / 100 == learning.primary.status / 100);
        let origin = self.origin(&asked);
        let ours = found(origin, learning.primary);
        match shadow {
            None => self.miss(&asked, learning.primary, &ours),
            Some(shadow) => {
                self.counts.pairs += 1;
                self.learn_etag(&asked, learning.primary, shadow);
                self.learn_location(&asked, learning.primary, shadow);
                self.learn_found(learning.session, &asked, &ours, &found(origin, shadow));
            }
        }
        self.note_seen(&asked, learning.primary, &ours);
        if shadow.is_some() {
            self.counterparts(&asked, learning.primary, &ours)
        } else {
            Vec::new()
        }
    }

    /// Ids in an answer and in its request that are different on the shadow.
    fn counterparts(
        &self,
        asked: &Asked<'_>,
        primary: &Answer<'_>,
        ours: &[Found],
    ) -> Vec<Counterpart> {
        const MOST: usize = 200;
        let mut all: Vec<Counterpart> = Vec::new();
        let mut add = |scope: &Scope, id: &str| {
            if all.len() < MOST
                && let Some(shadow) = self.ids.counterpart(scope, id)
            {
                let one = Counterpart {
                    primary: id.into(),
                    shadow: shadow.into(),
                };
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        };
        asked
            .address
            .ids(asked.target)
            .for_each(|(scope, id)| add(scope, id));
        each_id(asked, primary, ours, add);
        all
    }

    fn origin<'a>(&self, asked: &Asked<'a>) -> Origin<'a> {
        Origin {
            key: self.key,
            target: asked.target,
            host: asked.host,
        }
    }

    fn learn_cookies(&mut self, learning: &Learning<'_>) {
        let ours = set_cookies(learning.primary);
        let theirs = learning.shadow.map(set_cookies).unwrap_or_default();
        let carried: Vec<(&str, &str)> = learning
            .head
            .headers
            .named(b"cookie")
            .filter_map(|line| std::str::from_utf8(line).ok())
            .flat_map(sent)
            .collect();
        let carried = |name: &str| carried.iter().find(|(known, _)| *known == name);
        for set in ours.iter().filter(|set| !set.is_deleted) {
            let partner = match theirs.iter().rfind(|other| other.name == set.name) {
                Some(other) if other.is_deleted => Some(Partner::None),
                Some(other) => Some(Partner::Value(other.value.into())),
                // The shadow goes on with the one that it gave out before.
                None => carried(set.name).and_then(|(name, value)| {
                    self.cookies.get(self.key.of(&[name, value])).cloned()
                }),
            };
            if let Some(partner) = partner {
                if let Partner::Value(value) = &partner
                    && (is_opaque(set.value) || names_token(set.name))
                {
                    self.note_token(set.value, value);
                }
                let hash = self.key.of(&[set.name, set.value]);
                self.cookies.set(hash, partner);
            }
        }
        for set in &theirs {
            if ours.iter().any(|other| other.name == set.name) {
                continue;
            }
            let value = (!set.is_deleted).then_some(set.value);
            if let Some((name, before)) = carried(set.name) {
                let partner = value.map_or(Partner::None, |value| Partner::Value(value.into()));
                let hash = self.key.of(&[name, before]);
                self.cookies.set(hash, partner);
            } else {
                self.sessions.change(learning.session, |session| {
                    session.note_extra(set.name, value);
                });
            }
        }
    }

    /// A token is sent as it is written, and decoded where it stands in a header.
    fn note_token(&mut self, primary: &str, shadow: &str) {
        let decoded = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        let (plain, theirs) = (decoded(primary), decoded(shadow));
        let hash = self.key.of(&[primary]);
        self.tokens.set(hash, Partner::Value(shadow.into()));
        if plain != primary {
            let hash = self.key.of(&[&plain]);
            self.tokens.set(hash, Partner::Value((*theirs).into()));
        }
    }

    fn learn_etag(&mut self, asked: &Asked<'_>, primary: &Answer<'_>, shadow: &Answer<'_>) {
        let Some(ours) = lines(primary, "etag").next() else {
            return;
        };
        let hash = self.key.of(&[asked.target, ours]);
        let partner = lines(shadow, "etag")
            .next()
            .map_or(Partner::None, |etag| Partner::Value(etag.into()));
        self.etags.set(hash, partner);
    }

    fn learn_location(&mut self, asked: &Asked<'_>, primary: &Answer<'_>, shadow: &Answer<'_>) {
        let location = |answer| lines(answer, "location").next();
        let Some(ours) = location(primary) else {
            return;
        };
        let theirs = location(shadow);
        let is_learned = theirs.is_some_and(|theirs| {
            let both = (
                resolved(ours, asked.target, asked.host),
                resolved(theirs, asked.target, asked.host),
            );
            matches!(both, (Some(ours), Some(theirs)) if self.learn_link(asked, &ours, &theirs, Place::Location))
        });
        if !is_learned && asked.is_unsafe {
            self.miss_location(asked, ours);
        }
    }

    /// Two paths that lead to the same thing. Returns whether they do.
    fn learn_link(&mut self, asked: &Asked<'_>, ours: &str, theirs: &str, place: Place) -> bool {
        let (our, their) = (Address::of(ours), Address::of(theirs));
        if our.skeleton != their.skeleton || our.parts.len() != their.parts.len() {
            return false;
        }
        for (part, other) in our.parts.iter().zip(&their.parts) {
            let (ours, theirs) = (&ours[part.at.clone()], &theirs[other.at.clone()]);
            match &part.what {
                What::Token => self.learn_token(ours, theirs),
                What::Id(scope) => {
                    let strength = match place {
                        Place::Location => self.strength(asked, scope, ours, Some(theirs)),
                        Place::Page => Strength::Seen,
                    };
                    self.ids.learn(scope, ours, theirs, strength);
                }
            }
        }
        true
    }

    fn learn_token(&mut self, ours: &str, theirs: &str) {
        if ours != theirs {
            let hash = self.key.of(&[ours]);
            self.tokens.learn(hash, theirs);
        }
    }

    fn learn_found(
        &mut self,
        session: SessionId,
        asked: &Asked<'_>,
        ours: &[Found],
        theirs: &[Found],
    ) {
        for both in together(ours, theirs) {
            match both.kind {
                Kind::Token(Some(field)) => {
                    self.note_token(both.primary, both.shadow);
                    self.note_newest(session, field, both.shadow);
                }
                Kind::Token(None) => self.learn_token(both.primary, both.shadow),
                Kind::Link => {
                    self.learn_link(asked, both.primary, both.shadow, Place::Page);
                }
                Kind::Id(scope) => {
                    let (ours, theirs) = (both.primary, both.shadow);
                    let strength = if asked.makes {
                        self.strength(asked, scope, ours, Some(theirs))
                    } else {
                        Strength::Seen
                    };
                    self.ids.learn(scope, ours, theirs, strength);
                    let collection = &asked.collections[0];
                    if strength == Strength::Minted && scope != collection && asked.is_for(scope) {
                        self.ids.learn(collection, ours, theirs, strength);
                    }
                }
            }
        }
        // What the shadow gave out where production's was not found is the latest all the same.
        for found in theirs {
            if let Kind::Token(Some(field)) = &found.kind {
                self.note_newest(session, field, &found.text);
            }
        }
    }

    fn note_newest(&mut self, session: SessionId, field: &Field, token: &str) {
        let by_form = self.key.of(&[&field.name, &field.form]);
        let by_name = self.key.of(&[&field.name]);
        self.sessions.change(session, |session| {
            session.note_token(by_form, token);
            session.note_token(by_name, token);
        });
    }

    /// How sure it is that an id was made by the request: pages show others as well.
    fn strength(
        &self,
        asked: &Asked<'_>,
        scope: &Scope,
        ours: &str,
        theirs: Option<&str>,
    ) -> Strength {
        let is_made = asked.is_unsafe
            && !asked.names(ours)
            && (asked.is_for(scope)
                || self
                    .ids
                    .is_new(scope, ours)
                    .unwrap_or_else(|| asked.makes && theirs.is_some_and(|theirs| theirs != ours)));
        if is_made {
            Strength::Minted
        } else {
            Strength::Seen
        }
    }

    /// Production answered, and the shadow not so: what was given out has no partner.
    fn miss(&mut self, asked: &Asked<'_>, primary: &Answer<'_>, ours: &[Found]) {
        self.counts.unlearned += 1;
        if !asked.is_unsafe || primary.status >= 400 {
            return;
        }
        if let Some(location) = lines(primary, "location").next() {
            self.miss_location(asked, location);
        }
        if !asked.makes {
            return;
        }
        for found in ours {
            match &found.kind {
                Kind::Id(scope) => {
                    let is_made =
                        self.strength(asked, scope, &found.text, None) == Strength::Minted;
                    if is_made {
                        self.ids.miss(scope, &found.text, Strength::Minted);
                        if asked.is_for(scope) {
                            let collection = &asked.collections[0];
                            self.ids.miss(collection, &found.text, Strength::Minted);
                        }
                    }
                }
                Kind::Token(None) => self.tokens.miss(self.key.of(&[&found.text])),
                _ => {}
            }
        }
    }

    fn miss_location(&mut self, asked: &Asked<'_>, location: &str) {
        let Some(path) = resolved(location, asked.target, asked.host) else {
            return;
        };
        for part in Address::of(&path).parts {
            let text = &path[part.at];
            if asked.names(text) {
                continue;
            }
            match &part.what {
                What::Token => self.tokens.miss(self.key.of(&[text])),
                What::Id(scope) => {
                    let strength = self.strength(asked, scope, text, None);
                    // One that may have been there before is withheld until it is seen on both sides.
                    let is_unknown =
                        self.ids.is_new(scope, text).is_none() && !asked.is_about(scope);
                    if strength == Strength::Minted || is_unknown {
                        self.ids.miss(scope, text, strength);
                    }
                }
            }
        }
    }

    /// What production was seen to have, beside what it gives out now.
    fn note_seen(&mut self, asked: &Asked<'_>, primary: &Answer<'_>, ours: &[Found]) {
        each_id(asked, primary, ours, |scope, id| self.ids.note(scope, id));
        if primary.status == 404 {
            return;
        }
        for (scope, id) in asked.address.ids(asked.target) {
            self.ids.note(scope, id);
        }
    }
}

/// Each id that production's answer names: where it redirects to, and in its body.
fn each_id(
    asked: &Asked<'_>,
    primary: &Answer<'_>,
    ours: &[Found],
    mut each: impl FnMut(&Scope, &str),
) {
    if let Some(location) = lines(primary, "location").next()
        && let Some(path) = resolved(location, asked.target, asked.host)
    {
        Address::of(&path)
            .ids(&path)
            .for_each(|(scope, id)| each(scope, id));
    }
    for found in ours {
        match &found.kind {
            Kind::Id(scope) => each(scope, &found.text),
            Kind::Link => {
                let address = Address::of(&found.text);
                address
                    .ids(&found.text)
                    .for_each(|(scope, id)| each(scope, id));
            }
            Kind::Token(_) => {}
        }
    }
}

/// Whether both ended the same way: with the same status, and where they redirect, to the same kind of place.
fn ends_alike(asked: &Asked<'_>, primary: &Answer<'_>, shadow: &Answer<'_>) -> bool {
    let location = |answer| {
        let location = lines(answer, "location").next()?;
        let path = resolved(location, asked.target, asked.host)?;
        Some(Address::of(&path).skeleton)
    };
    primary.status == shadow.status && location(primary) == location(shadow)
}

/// Where a link stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Location,
    Page,
}

/// What would be made below a path: lines of an order, where it is `/orders/{}/lines`.
fn below(skeleton: &str) -> Scope {
    let path = skeleton.split(['?', '&']).next().unwrap_or_default();
    Scope::Path(format!("{}/", path.trim_end_matches('/')))
}

/// Whether an id is one of what the request's path is a collection of.
fn is_of(scope: &Scope, collection: &Scope) -> bool {
    scope == collection || scope.noun() == collection.noun()
}
