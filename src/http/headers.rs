//! The fields of a message (RFC 9110, 5): names and values as they were sent, in their order.
//!
//! They stay the bytes that came. An edit notes what is gone and writes what is new behind them.

/// A piece of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// Where `part`, a slice of `whole`, stands in it.
    pub(super) fn within(whole: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        if start > whole.len() {
            return Self::default();
        }
        Self::new(start, part.len())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a head is never longer than 16 MiB"
    )]
    pub(super) const fn new(start: usize, len: usize) -> Self {
        Self {
            start: start as u32,
            len: len as u32,
        }
    }

    const fn start(self) -> usize {
        self.start as usize
    }

    const fn end(self) -> usize {
        self.start as usize + self.len as usize
    }
}

/// Headers that mean something to a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Known {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    KeepAlive,
    ProxyConnection,
    Te,
    Trailer,
    Upgrade,
    Expect,
    /// Any other.
    #[default]
    Other,
}

impl Known {
    pub(super) fn of(name: &[u8]) -> Self {
        let Some(first) = name.first() else {
            return Self::Other;
        };
        // Length and first letter leave one at most to compare with.
        let (text, known): (&[u8], _) = match (name.len(), first | 0x20) {
            (2, b't') => (b"TE", Self::Te),
            (4, b'h') => (b"Host", Self::Host),
            (6, b'e') => (b"Expect", Self::Expect),
            (7, b'u') => (b"Upgrade", Self::Upgrade),
            (7, b't') => (b"Trailer", Self::Trailer),
            (10, b'c') => (b"Connection", Self::Connection),
            (10, b'k') => (b"Keep-Alive", Self::KeepAlive),
            (14, b'c') => (b"Content-Length", Self::ContentLength),
            (16, b'p') => (b"Proxy-Connection", Self::ProxyConnection),
            (17, b't') => (b"Transfer-Encoding", Self::TransferEncoding),
            _ => return Self::Other,
        };
        // The usual spelling is compared at once, any other letter by letter.
        if name == text || name.eq_ignore_ascii_case(text) {
            known
        } else {
            Self::Other
        }
    }

    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field {
    pub(super) name: Span,
    pub(super) value: Span,
    pub(super) known: Known,
    pub(super) gone: bool,
    /// Its line stands in the text just as it is written: `name: value\r\n`.
    pub(super) neat: bool,
}

/// The fields of a message, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    pub(super) text: Vec<u8>,
    pub(super) lines: Vec<Field>,
    /// The bits of all that were ever here: most messages have few of those that a proxy asks for.
    pub(super) known: u16,
}

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Keep,
    Remove,
    /// It gets this value.
    To(Vec<u8>),
}

/// A field's name and value.
pub(crate) type NameValue<'a> = (&'a [u8], &'a [u8]);

impl Headers {
    /// Takes what was parsed in place of what was here: `parsed` points into `read`, which `text` is as long as.
    pub(super) fn fill(&mut self, text: &[u8], read: &[u8], parsed: &[httparse::Header<'_>]) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.lines.clear();
        let mut all = 0;
        self.lines.extend(parsed.iter().map(|header| {
            let name = Span::within(read, header.name.as_bytes());
            let value = Span::within(read, header.value);
            let neat = value.start() == name.end() + 2
                && text[name.end() + 1] == b' '
                && text[value.end()..].starts_with(b"\r\n");
            let known = Known::of(header.name.as_bytes());
            all |= known.bit();
            Field {
                name,
                value,
                known,
                gone: false,
                neat,
            }
        }));
        self.known = all;
    }

    /// Takes all fields away.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
        self.known = 0;
    }

    /// Adds a folded line to the value of the field that was appended last (RFC 9112, 5.2).
    pub(super) fn unfold(&mut self, more: &[u8]) {
        let Some(last) = self.lines.last_mut().filter(|_| !more.is_empty()) else {
            return;
        };
        self.text.truncate(last.value.end());
        if last.value.len > 0 {
            self.text.push(b' ');
        }
        self.text.extend_from_slice(more);
        let start = last.value.start();
        last.value = Span::new(start, self.text.len() - start);
        self.text.extend_from_slice(b"\r\n");
    }

    /// Headers of a request that stand alone, such as trailers: `bytes` begins with them and their empty line.
    pub(super) fn parse(bytes: &[u8], most_fields: usize) -> Result<Self, super::BadHead> {
        let mut headers = Self::default();
        match headers.read_as(bytes, bytes, most_fields) {
            Err(super::BadHead::Malformed) => headers.read_masked(bytes, most_fields)?,
            read => read?,
        }
        Ok(headers)
    }

    /// Reads fields from `read`, and takes their text from `bytes`, which is as long.
    pub(super) fn read_as(
        &mut self,
        bytes: &[u8],
        read: &[u8],
        most_fields: usize,
    ) -> Result<(), super::BadHead> {
        let mut slots = vec![httparse::EMPTY_HEADER; most_fields];
        match httparse::parse_headers(read, &mut slots)? {
            httparse::Status::Complete((length, parsed)) => {
                self.fill(&bytes[..length], &read[..length], parsed);
                Ok(())
            }
            httparse::Status::Partial => Err(super::BadHead::Malformed),
        }
    }

    pub(super) fn text(&self, span: Span) -> &[u8] {
        &self.text[span.start()..span.end()]
    }

    fn kept(&self) -> impl Iterator<Item = &Field> {
        self.lines.iter().filter(|field| !field.gone)
    }

    /// Every field that is left.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NameValue<'_>> {
        self.kept()
            .map(|field| (self.text(field.name), self.text(field.value)))
    }

    /// The values of a known field, in their order.
    pub(crate) fn all(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        let lines = if self.may_have(known) {
            &self.lines[..]
        } else {
            &[]
        };
        let lines = lines.iter();
        let lines = lines.filter(move |field| !field.gone && field.known == known);
        lines.map(|field| self.text(field.value))
    }

    fn may_have(&self, known: Known) -> bool {
        self.known & known.bit() != 0
    }

    /// The first value of a known field.
    pub(crate) fn get(&self, known: Known) -> Option<&[u8]> {
        self.all(known).next()
    }

    pub(crate) fn has(&self, known: Known) -> bool {
        self.may_have(known) && self.kept().any(|field| field.known == known)
    }

    /// The values of any field, in their order; `name` in whatever case.
    pub(crate) fn named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.kept()
            .filter(move |field| self.text(field.name).eq_ignore_ascii_case(name))
            .map(|field| self.text(field.value))
    }

    /// Takes known fields off.
    pub(crate) fn remove(&mut self, known: Known) {
        if !self.may_have(known) {
            return;
        }
        for field in &mut self.lines {
            field.gone |= field.known == known;
        }
    }

    /// Takes fields off by their name.
    pub(crate) fn remove_named(&mut self, unwanted: impl Fn(&[u8]) -> bool) {
        let Self { text, lines, .. } = self;
        for field in lines.iter_mut().filter(|field| !field.gone) {
            field.gone = unwanted(&text[field.name.start()..field.name.end()]);
        }
    }

    /// Edits the fields of this name, in whatever case.
    pub(crate) fn edit(&mut self, name: &[u8], mut edit: impl FnMut(&[u8]) -> Edit) {
        let Self { text, lines, .. } = self;
        for field in lines.iter_mut().filter(|field| !field.gone) {
            if !text[field.name.start()..field.name.end()].eq_ignore_ascii_case(name) {
                continue;
            }
            match edit(&text[field.value.start()..field.value.end()]) {
                Edit::Keep => {}
                Edit::Remove => field.gone = true,
                Edit::To(value) => {
                    field.value = Span::new(text.len(), value.len());
                    field.neat = false;
                    text.extend_from_slice(&value);
                }
            }
        }
    }

    /// Keeps a text that is not a field, such as a new target.
    pub(super) fn note(&mut self, text: &[u8]) -> Span {
        let span = Span::new(self.text.len(), text.len());
        self.text.extend_from_slice(text);
        span
    }

    /// Adds a field behind the others. The caller sees to it that name and value are ones.
    pub(crate) fn append(&mut self, name: &[u8], value: &[u8]) {
        let name_at = self.note(name);
        self.text.extend_from_slice(b": ");
        let value_at = self.note(value);
        self.text.extend_from_slice(b"\r\n");
        let known = Known::of(name);
        self.known |= known.bit();
        self.lines.push(Field {
            name: name_at,
            value: value_at,
            known,
            gone: false,
            neat: true,
        });
    }

    /// Gives a field this one value: where it stands, or else behind the others.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        let value_at = Span::new(self.text.len(), value.len());
        let mut place = None;
        for (index, field) in self.lines.iter_mut().enumerate() {
            let its = &self.text[field.name.start()..field.name.end()];
            if field.gone || !its.eq_ignore_ascii_case(name) {
            } else if place.is_none() {
                place = Some(index);
                field.value = value_at;
                field.neat = false;
            } else {
                field.gone = true;
            }
        }
        match place {
            Some(_) => self.text.extend_from_slice(value),
            None => self.append(name, value),
        }
    }

    /// Writes a line for each field that is left.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        // Lines that stand behind each other as they are to be written go in one piece.
        let mut run = 0..0;
        for field in self.kept() {
            if field.neat && field.name.start() == run.end && !run.is_empty() {
                run.end = field.value.end() + 2;
                continue;
            }
            out.extend_from_slice(&self.text[run.clone()]);
            run = 0..0;
            if field.neat {
                run = field.name.start()..field.value.end() + 2;
            } else {
                out.extend_from_slice(self.text(field.name));
                out.extend_from_slice(b": ");
                out.extend_from_slice(self.text(field.value));
                out.extend_from_slice(b"\r\n");
            }
        }
        out.extend_from_slice(&self.text[run]);
    }

    /// Limit of the bytes that are written.
    pub(super) fn len_written(&self) -> usize {
        self.text.len() + 4 * self.lines.len()
    }

    /// What they hold in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        self.text.capacity() + self.lines.capacity() * size_of::<Field>()
    }
}

/// The elements of a list (RFC 9110, 5.6.1), empty ones left out.
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// Less the white space around it: spaces and tabs alone (RFC 9110, 5.6.3).
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let Some(start) = text.iter().position(is_text) else {
        return &[];
    };
    let last = text.iter().rposition(is_text).unwrap_or(start);
    &text[start..=last]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> Headers {
        Headers::parse(format!("{text}\r\n").as_bytes(), 20).unwrap()
    }

    fn written(headers: &Headers) -> String {
        let mut out = Vec::new();
        headers.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_edited_keeps_its_place_and_its_spelling() {
        let mut headers = headers("A: 1\r\nx-B: 2\r\nC:3\r\nX-b: 4\r\nD: 5\r\n");
        headers.set(b"X-B", b"new");
        headers.append(b"Last", b"6");
        assert_eq!(
            written(&headers),
            "A: 1\r\nx-B: new\r\nC: 3\r\nD: 5\r\nLast: 6\r\n"
        );
        headers.remove_named(|name| name == b"A" || name == b"Last");
        assert_eq!(written(&headers), "x-B: new\r\nC: 3\r\nD: 5\r\n");
        assert_eq!(headers.named(b"c").collect::<Vec<_>>(), [b"3"]);
        headers.edit(b"x-b", |value| Edit::To([value, b"er"].concat()));
        headers.edit(b"c", |_| Edit::Remove);
        headers.edit(b"d", |_| Edit::Keep);
        assert_eq!(written(&headers), "x-B: newer\r\nD: 5\r\n");
    }

    #[test]
    fn known_fields_are_known_in_every_case() {
        let headers =
            headers("HOST: a\r\ncontent-LENGTH: 1\r\nTransfer-Encoding: x\r\nhots: b\r\n");
        assert_eq!(headers.get(Known::Host), Some(&b"a"[..]));
        assert_eq!(headers.get(Known::ContentLength), Some(&b"1"[..]));
        assert_eq!(headers.all(Known::TransferEncoding).count(), 1);
        assert_eq!(headers.all(Known::Other).count(), 1);
    }

    #[test]
    fn a_list_is_taken_apart() {
        let parts: Vec<_> = elements(b" a ,, b,\tc,d\x0c").collect();
        assert_eq!(parts, [&b"a"[..], b"b", b"c", b"d\x0c"]);
    }
}
