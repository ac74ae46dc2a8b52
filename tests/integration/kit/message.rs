//! One HTTP/1 message as it stood on the wire.

/// Each byte as the character of the same number, so that any header can be compared as text.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Every byte, framing included.
    pub(crate) raw: Vec<u8>,
    /// The start line and the headers, without the empty line.
    pub(crate) head: String,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// The trailer lines.
    pub(crate) trailers: Vec<String>,
}

impl Message {
    pub(crate) fn start(&self) -> &str {
        self.head.split("\r\n").next().unwrap_or_default()
    }

    pub(crate) fn method(&self) -> &str {
        self.start().split(' ').next().unwrap_or_default()
    }

    /// What stands between method and version, whatever it is.
    pub(crate) fn target(&self) -> &str {
        let (_, rest) = self.start().split_once(' ').unwrap_or_default();
        rest.rsplit_once(' ').unwrap_or_default().0
    }

    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        let word = self.start().split(' ').nth(1).unwrap_or_default();
        word.parse()
            .unwrap_or_else(|_| panic!("no status in {:?}", self.head))
    }

    pub(crate) fn lines(&self) -> Vec<&str> {
        self.head.split("\r\n").skip(1).collect()
    }

    /// The values of all headers of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.lines()
            .into_iter()
            .filter_map(|line| line.split_once(':'))
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches([' ', '\t']))
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.header(name).is_some()
    }

    /// The headers without those that shadowtee adds to what it passes on.
    pub(crate) fn lines_sent(&self) -> Vec<&str> {
        let added = ["x-request-id", "x-shadow-request", "x-shadowtee-instance"];
        self.lines()
            .into_iter()
            .filter(|line| {
                let name = line.split(':').next().unwrap_or_default();
                !added.iter().any(|added| name.eq_ignore_ascii_case(added))
            })
            .collect()
    }

    pub(crate) fn text(&self) -> String {
        latin1(&self.body)
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding")
            .is_some_and(|v| v.eq_ignore_ascii_case("chunked"))
    }

    /// Whether a reader goes on after an answer with this status as after no answer at all.
    pub(crate) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status()) && self.status() != 101
    }
}
