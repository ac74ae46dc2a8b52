//! Sets of characters, each a table: to look one up takes the same for each of them.

/// Which bytes are in a set.
pub(super) type Characters = [bool; 256];

/// The letters and digits of ASCII, and these.
pub(super) const fn alphanumeric_and(others: &[u8]) -> Characters {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut index = 0;
    while index < others.len() {
        table[others[index] as usize] = true;
        index += 1;
    }
    table
}

/// These, and all above 127.
pub(super) const fn and_not_ascii(mut table: Characters) -> Characters {
    let mut byte = 128;
    while byte < 256 {
        table[byte] = true;
        byte += 1;
    }
    table
}
