//! How much of a response is looked at.

/// The limits of one response. What lies beyond is told by its length and hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a body, before and after decompression.
    pub(crate) bytes: usize,
    /// How many times larger a body may become when it is decompressed.
    pub(crate) expansion: usize,
    /// Levels of what stands within one another.
    pub(crate) depth: usize,
    /// Leaves, and the nodes above them.
    pub(crate) leaves: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 256 * 1024,
            expansion: 100,
            depth: 64,
            leaves: 20_000,
        }
    }
}
